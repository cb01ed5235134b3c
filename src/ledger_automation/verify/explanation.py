"""Why roots do not match: decided at the end, from what the log, the cases and the chain showed together.

A root that somebody vouched for and that the leaves do not lead to has a cause. It may be found already: a leaf that is
not its event's, a gap, leaves that were exchanged. Otherwise the stated root may be true of another size, which is a
lie about the size (T35), or the log is another one than was vouched for: it was rewritten (T36). A rewriting is placed
between the largest size at which the same witness still agrees and the first at which he does not: what was changed
stands at or behind ``leaf_index``.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from ledger_automation.merkle.tree import StoredNode
from ledger_automation.tlog.checkpoint import Checkpoint
from ledger_automation.verify.log_audit import OWN_KEY, LogReport, RootMismatch, size_of_root, stands_above
from ledger_automation.verify.sources import LogSource
from ledger_automation.verify.verdict import Finding

_CAUSES: Final = ("T08", "T29", "T31", "T32")
"""Findings with a leaf that change what the leaves lead to."""

ENDS_EARLY: Final = ("T21", "T22", "T23")
"""Findings of a log that somebody knows to be longer."""

_NEVER: Final = 2**63
_ANOTHER_LOG: Final = (*ENDS_EARLY, "T24", "T35", "T36", "T40")
"""The log is not the one that was signed, or ends elsewhere: the tiles are those of the other one."""


def explain(
    report: LogReport,
    log: LogSource,
    findings: list[Finding],
    held: Iterable[Checkpoint],
    forked_at: int | None = None,
) -> list[Finding]:
    """Return the findings, completed by what explains roots, nodes and sizes that do not match.

    ``forked_at`` is the size of an anchor up to which a log agrees that was set back and then went on.
    """
    findings = [_as_node(each, log) for each in findings]
    findings += _beyond(report, log, held, cut={*ENDS_EARLY} & {each.tampering for each in findings})
    causes = [each.leaf_index for each in findings if each.tampering in _CAUSES and each.leaf_index is not None]
    unexplained = [each for each in report.mismatches if not any(cause < each.tree_size for cause in causes)]
    findings += _roots(sorted(unexplained, key=lambda each: each.tree_size), report, log, forked_at)
    findings += _maps(report, findings)
    changed = min((each.tree_size for each in report.mismatches), default=None)
    return findings + [
        _node(node) for node in report.nodes if not _is_consequence(node, causes, changed, report.frontier.size)
    ]


def _as_node(finding: Finding, log: LogSource) -> Finding:
    """Tell a changed leaf (T31) from an interior node that is passed off as one (T32)."""
    if finding.tampering != "T31" or finding.leaf_index is None or not isinstance(finding.expected, bytes):
        return finding
    if not stands_above(log, finding.actual, {finding.leaf_index: finding.expected}):
        return finding
    sentence = "An interior node of the tree is passed off as the leaf of the event."
    return msgspec.structs.replace(finding, tampering="T32", sentence=sentence)


def _beyond(report: LogReport, log: LogSource, held: Iterable[Checkpoint], cut: set[str]) -> list[Finding]:
    """Name checkpoints over more leaves than there are: a size that is a lie, or a log that was cut off behind it."""
    size, findings = report.end, []
    longer = [each for each in (*report.checkpoints.values(), *held) if each.tree_size > size]
    for checkpoint in list(longer):
        true = size_of_root(log, checkpoint.root_hash)
        if true is not None:
            longer.remove(checkpoint)
            findings.append(_lie(checkpoint.tree_size, true))
    if longer and not cut:
        sentence = "A signed checkpoint covers more leaves than the log has: its end was cut off."
        most = max(each.tree_size for each in longer)
        findings.append(Finding(tampering="T21", sentence=sentence, leaf_index=size, expected=most, actual=size))
    return findings


def _lie(stated: int, true: int) -> Finding:
    sentence = f"The checkpoint states the root of {true} leaves under another size."
    place = {"leaf_index": stated, "column": "checkpoint.tree_size"}
    return Finding(tampering="T35", sentence=sentence, expected=true, actual=stated, **place)  # type: ignore[arg-type]


def _roots(mismatches: list[RootMismatch], report: LogReport, log: LogSource, forked_at: int | None) -> list[Finding]:
    """Name every lie about a size; of roots that belong to no size, the first, which the others follow from."""
    findings, rewritten = [], False
    for mismatch in mismatches:
        true = size_of_root(log, mismatch.stated)
        if true is not None:
            findings.append(_lie(mismatch.tree_size, true))
        elif not rewritten:
            rewritten = True
            findings.append(_rewritten(mismatch, report) if forked_at is None else _forked(mismatch, forked_at))
    return findings


def _forked(mismatch: RootMismatch, since: int) -> Finding:
    return Finding(
        tampering="T24",
        sentence=f"The log was set back to {since} leaves and went on otherwise; {mismatch.by} knows another one.",
        leaf_index=since,
        column="checkpoint.root_hash",
        expected=mismatch.stated,
        actual=mismatch.recomputed,
    )


def _rewritten(mismatch: RootMismatch, report: LogReport) -> Finding:
    witnesses = {OWN_KEY, mismatch.by} if mismatch.by == OWN_KEY else {mismatch.by}
    agreed = (size for size, by in report.agreed if by in witnesses and size < mismatch.tree_size)
    return Finding(
        tampering="T36",
        sentence=f"The log was rewritten: {mismatch.by} vouches for another root of {mismatch.tree_size} leaves.",
        leaf_index=max(agreed, default=0),
        column="checkpoint.root_hash",
        expected=mismatch.stated,
        actual=mismatch.recomputed,
    )


def _maps(report: LogReport, findings: list[Finding]) -> list[Finding]:
    """Name the first case map that the leaves do not lead to, and changed tiles; neither where something explains them.

    From a finding with a leaf on, the map is another one; from a signed one that is not the log's on, its tiles are.
    """
    off = min((each.leaf_index for each in findings if type(each.leaf_index) is int), default=_NEVER)
    lies = [each for each in report.map_mismatches if each.tree_size <= off]
    lie = min(lies, key=lambda each: each.tree_size, default=None)
    if any(each.tampering in _ANOTHER_LOG for each in findings):
        return [_map(lie)] if lie else []
    until = min(off, lie.tree_size - 1 if lie else _NEVER)
    tiles = [each for each in report.map_findings if each.leaf_index is None or each.leaf_index <= until]
    return [*([_map(lie)] if lie else []), *tiles]


def _map(mismatch: RootMismatch) -> Finding:
    return Finding(
        tampering="T50",
        sentence=f"A case map that hides or invents steps: so vouched for by {mismatch.by}.",
        leaf_index=mismatch.tree_size,
        column="checkpoint.case_map_root",
        expected=mismatch.recomputed,
        actual=mismatch.stated,
    )


def _node(node: StoredNode) -> Finding:
    level, number, digest = node
    whole = type(level) is int and type(number) is int and 0 <= number < 2**63
    start = number << level if whole else None
    sentence = f"The stored node {number} at level {level} is not the root of its leaves."
    return Finding(tampering="T31", sentence=sentence, leaf_index=start, column="node.hash", expected=digest)


def _is_consequence(node: StoredNode, causes: list[int], changed: int | None, size: int) -> bool:
    """Tell whether a node is off because leaves below it are, or because the log is another one from there on."""
    if not (type(node.number) is int and 0 <= node.number < 2**63):
        return False
    start, end = node.number << node.level, (node.number + 1) << node.level
    if any(start <= cause < end for cause in causes):
        return True
    return changed is not None and end <= size and end > changed - (end - start)
