"""The full audit: everything the database says, held against itself, the log's key, the law and the chain.

    1  the chain is asked first: which chain and contract, and the newest root they hold     anchor_audit
    2  leaves, nodes, checkpoints and the case map are recomputed                            log_audit, map_audit
    3  every case is examined: rows, order, law, projection                                  case_audit, shares
    4  every claimed anchor is held against the chain                                        anchor_audit
    5  roots that do not match are explained from what the cases showed                      explanation

An audit goes on from a `Mark` that the auditor keeps (never the database): only new leaves are read and only touched
cases are examined, each from its first event. It reports all findings. Before a run counts, `selftest` must have seen
known-bad logs fail.
"""

from collections.abc import Iterator
from contextlib import nullcontext
from itertools import chain
from typing import Final

import msgspec

from ledger_automation.audit.event import log_case_id
from ledger_automation.errors import Contradiction, InvalidDefinition, InvalidValue, Unreachable
from ledger_automation.merkle.tree import Frontier
from ledger_automation.tlog.case_map import EMPTY_MAP_ROOT, KEY_BYTES
from ledger_automation.tlog.checkpoint import open_checkpoint
from ledger_automation.verify import key_audit
from ledger_automation.verify.anchor_audit import AnchorAudit
from ledger_automation.verify.case_audit import CaseAudit
from ledger_automation.verify.case_evidence import Tombstones
from ledger_automation.verify.enforcement_audit import EnforcementAudit
from ledger_automation.verify.explanation import ENDS_EARLY, explain
from ledger_automation.verify.key_audit import announced
from ledger_automation.verify.log_audit import LogAudit, LogReport, Vouched, vouched_for
from ledger_automation.verify.policy import ON_CHAIN, Level, VerificationPolicy
from ledger_automation.verify.shares import Readers, Reading
from ledger_automation.verify.sources import (
    CaseSource,
    ChainSource,
    EventRecord,
    LogSource,
    Soundness,
    StoreSource,
    Trail,
)
from ledger_automation.verify.verdict import SENTENCES, Finding, Sentence, Verdict

_LOST: Final = ("T03", "T04", "T05", "T08", "T29")
"""What a case seems to have suffered when one of its events was moved elsewhere."""


class Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an audit ended: the right edge of the log and its case map root (in hex), the last event, and counts.

    ``signer`` is the log's key at that moment; empty before the first checkpoint.
    """

    origin: str
    tree_size: int = 0
    rows: tuple[tuple[str, ...], ...] = ((),)
    last_event: int = 0
    events: int = 0
    cases: int = 0
    map_root: str = ""
    signer: str = ""

    def start(self) -> tuple[Frontier, bytes]:
        """Return the right edge and the case map's root; raises InvalidValue when the mark is not sound."""
        if len(self.map_root) != (2 * KEY_BYTES if self.tree_size else 0):
            raise InvalidValue("A mark's case map root", self.map_root, "64 hex digits, or none before the first leaf")
        frontier = Frontier(self.tree_size, [[bytes.fromhex(node) for node in row] for row in self.rows])
        return frontier, bytes.fromhex(self.map_root) or EMPTY_MAP_ROOT


class AuditReport(msgspec.Struct, frozen=True):
    """The answer of an audit. ``mark`` is where the next one may go on; None unless all is final."""

    verdict: Verdict
    reason: str
    sentence: Sentence
    events: int
    cases: int
    erased: int
    tree_size: int
    checkpoints: int
    anchored_size: int
    findings: tuple[Finding, ...]
    mark: Mark | None


class Auditor:
    """Audits one log. ``held`` are checkpoint notes that somebody outside kept.

    ``secret`` is the ledger's for members' numbers: who has it also knows which number on chain is whose.
    """

    def __init__(
        self,
        policy: VerificationPolicy,
        chain: ChainSource | None = None,
        held: tuple[str, ...] = (),
        secret: bytes = b"",
    ) -> None:
        self._policy = policy
        self._chain = chain
        self._secret = secret
        self._held = [open_checkpoint(note, policy.origin, policy.keys()) for note in held]

    def audit(
        self,
        cases: CaseSource,
        log: LogSource,
        mark: Mark | None = None,
        store: StoreSource | None = None,
        readers: Readers | None = None,
    ) -> AuditReport:
        """Audit one snapshot, from a mark on; raises Misconfigured for a chain other than the pinned one.

        ``store`` is the database that both are read from. Where it cannot be relied on, nothing is read through it.
        ``readers`` can read that snapshot in more than one process; a full audit asks them.
        """
        if mark is None or (mark.tree_size and not mark.signer):  # of before who signed was remembered
            mark = Mark(self._policy.origin)
        whole = not (mark.last_event or mark.tree_size)
        anchors = self._reached()  # before the snapshot begins
        with readers.begin(self._policy.origin) if readers is not None and whole else nullcontext() as reading:
            return self._audited(cases, log, mark, store, reading, anchors)

    def _audited(  # noqa: PLR0913, PLR0917  what one snapshot is read through, and what was asked before it
        self,
        cases: CaseSource,
        log: LogSource,
        mark: Mark,
        store: StoreSource | None,
        reading: Reading | None,
        anchors: AnchorAudit | None,
    ) -> AuditReport:
        sound = store.look(whole=not mark.last_event) if store is not None else Soundness()
        if mark.origin != self._policy.origin:
            raise InvalidDefinition(f"The mark is of the log {mark.origin}.", origin=mark.origin)
        if not sound.readable:
            return _unreadable(sound)
        anchors = _asked(anchors, log, mark)
        unreachable = anchors is None and self._policy.level in ON_CHAIN
        report = LogAudit(log, self._policy, mark.start(), self._vouched(anchors)).run()
        own = list(cases.trail(log_case_id(self._policy.origin)))
        tombstones = Tombstones.read(own, self._policy.origin)
        enforcement = EnforcementAudit(self._policy, self._chain if anchors is not None else None, self._secret)
        examiner = CaseAudit(cases, self._policy.origin, report, tombstones, enforcement)
        findings = [*report.findings, *_examine(examiner, cases, mark, report, reading)]
        if anchors is not None:
            findings += anchors.run(report, mark.tree_size)
        forked = anchors.forked_at(report) if anchors is not None else None
        explained = explain(report, log, findings, self._held, forked)
        strange, signer = self._signers(report, own, mark)
        findings = [*sound.findings, *(_behind(each) if sound.follows else each for each in explained), *strange]
        settled = anchors is None or anchors.settled(report.frontier.size, mark.tree_size)
        verdict, reason = self._verdict(findings, examiner, settled=settled, unreachable=unreachable)
        counted = (mark.events + examiner.events, mark.cases + examiner.cases)
        return AuditReport(
            verdict=verdict,
            reason=reason,
            sentence=SENTENCES[verdict],
            events=examiner.events,
            cases=examiner.cases,
            erased=examiner.erased,
            tree_size=report.frontier.size,
            checkpoints=len(report.checkpoints),
            anchored_size=anchors.latest.tree_size if anchors and anchors.latest else 0,
            findings=tuple(findings),
            mark=None if verdict is not Verdict.FINAL else _mark(self._policy.origin, report, counted, signer),
        )

    def _signers(self, report: LogReport, own: list[EventRecord], mark: Mark) -> tuple[list[Finding], str]:
        announcements = announced(own, self._policy.origin)
        return key_audit.examine(report.signed_by, announcements, mark.signer, mark.tree_size)

    def _reached(self) -> AnchorAudit | None:
        """Ask the chain what it holds already, where the policy wants one; None where it does not answer."""
        if self._policy.level not in ON_CHAIN or self._chain is None:
            return None
        try:
            return AnchorAudit(self._chain, self._policy)
        except Unreachable:
            return None

    def _vouched(self, anchors: AnchorAudit | None) -> dict[int, Vouched]:
        held = vouched_for(self._held, "a checkpoint held outside")
        return held | (anchors.vouched() if anchors is not None else {})

    def _verdict(
        self, findings: list[Finding], examiner: CaseAudit, *, settled: bool, unreachable: bool
    ) -> tuple[Verdict, str]:
        """Return the verdict with its reason code: a class of the catalogue, or what is missing, or the level."""
        if findings:
            return Verdict.CONTRADICTED, findings[0].tampering
        if unreachable:
            return Verdict.UNREACHABLE, "chain_unreachable"
        if self._policy.level is not Level.RECORDED and examiner.pending:
            return Verdict.PENDING, "not_logged"
        return (Verdict.FINAL, self._policy.level.value) if settled else (Verdict.PENDING, "not_anchored")


def _asked(anchors: AnchorAudit | None, log: LogSource, mark: Mark) -> AnchorAudit | None:
    """Ask the chain for what the database knows to be sent to it; None where it does not answer any more."""
    if anchors is None:
        return None
    try:
        anchors.ask(log.submissions(mark.tree_size))
    except Unreachable:
        return None
    return anchors


def _behind(finding: Finding) -> Finding:
    """Name what a replica does not have: leaves, or the row that says of an anchor.

    Nothing tells what it has yet to replay from what was cut off where it is.
    """
    unknown = finding.tampering == "T42" and finding.actual is None and finding.expected == finding.leaf_index
    if not unknown and finding.tampering not in ENDS_EARLY:
        return finding
    sentence = "The database is a replica, and behind: a longer log is known. Ask the database that it follows."
    return msgspec.structs.replace(finding, tampering="T30", sentence=sentence)


def _unreadable(sound: Soundness) -> AuditReport:
    """Report a database through which nothing can be read."""
    verdict, findings = Verdict.CONTRADICTED, sound.findings
    return AuditReport(verdict, findings[0].tampering, SENTENCES[verdict], 0, 0, 0, 0, 0, 0, findings, None)


def _examine(
    examiner: CaseAudit, cases: CaseSource, mark: Mark, report: LogReport, reading: Reading | None
) -> list[Finding]:
    findings = []
    trails = _doubtful(examiner, reading) if reading is not None and examiner.takes_shares else None
    for case_id, record, rows in cases.trails(mark.last_event, mark.tree_size) if trails is None else trails:
        findings += examiner.examine(case_id, record, rows)
    for case_id in list(report.missing):  # cases of which nothing but leaves is left
        findings += examiner.examine(case_id, None, cases.trail(case_id))
    return _without_gaps(findings)


def _doubtful(examiner: CaseAudit, reading: Reading) -> Iterator[Trail] | None:
    """Have all cases read; return those that do not plainly hold, in the order of `CaseSource.trails`.

    None where the shares do not tell.
    """
    shares = reading.shares()
    if not all(each.sound for each in shares):
        return None
    events, records = sum(each.events for each in shares), sum(each.records for each in shares)
    return chain(reading.again(examiner.take(shares)), reading.left_out(events, records))


def _without_gaps(findings: list[Finding]) -> list[Finding]:
    """Leave out what a case lost to another one: the event that was moved is found where it is now."""
    moved = {finding.expected for finding in findings if finding.tampering == "T09"}
    return [each for each in findings if each.tampering not in _LOST or each.case_id not in moved]


def _mark(origin: str, report: LogReport, counted: tuple[int, int], signer: str) -> Mark:
    rows = tuple(tuple(node.hex() for node in row) for row in report.frontier.rows)
    return Mark(origin, report.frontier.size, rows, report.edge.last_event, *counted, report.map_root.hex(), signer)


def read_mark(text: bytes) -> Mark:
    """Read a mark's file; raises InvalidDefinition."""
    try:
        mark = msgspec.json.decode(text, type=Mark)
        mark.start()
    except (msgspec.MsgspecError, ValueError, Contradiction) as error:
        raise InvalidDefinition(f"The audit's mark cannot be read: {error}.") from error
    return mark
