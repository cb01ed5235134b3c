"""A sample of the log that anybody can draw again: from a seed, whatever the office would like it to be.

    draw     a seed and a size lead to indices, each as likely as any other: SHA-256 over seed and counter, of which
             what would favour small indices is thrown away
    sample   each drawn leaf is opened and held against the newest checkpoint, as whoever has its receipt would do

What this does not do: it is no audit. It says nothing of what was not drawn, of missing steps, or of the chain.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from ledger_automation.audit.encoding import decode
from ledger_automation.audit.event import AuditEvent
from ledger_automation.errors import LedgerError, NotFound
from ledger_automation.orchestrator.anchor import newest_checkpoint
from ledger_automation.orchestrator.ports import UnitOfWork
from ledger_automation.orchestrator.receipt import issue
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import VerificationPolicy
from ledger_automation.verify.verdict import Verdict
from ledger_automation.verify.verifier import Verifier


class Drawn(NamedTuple):
    """One leaf of a sample: whose it is, what its receipt's verification came to, and what it says if it holds."""

    leaf_index: int
    case_id: str
    sequence: int
    verdict: str
    reason: str
    event: AuditEvent | None


def draw(seed: str, size: int, count: int) -> list[int]:
    """Return ``count`` different indices below ``size`` (all of them, if there are no more), in their order.

    >>> draw("2026-11", 1_000, 3)
    [207, 803, 825]
    """
    found: dict[int, None] = {}
    drawn = _below(seed, size)
    while len(found) < min(count, size):
        found.setdefault(next(drawn))
    return sorted(found)


def sample(unit: UnitOfWork, policy: VerificationPolicy, seed: str, count: int) -> tuple[int, list[Drawn]]:
    """Return the size of the log and the sample of it; raises NotFound while nothing is in the log."""
    newest = newest_checkpoint(unit)
    if newest is None:
        raise NotFound("The log has no checkpoint yet.")
    verifier = Verifier(policy)
    return newest.tree_size, [_drawn(unit, verifier, each) for each in draw(seed, newest.tree_size, count)]


def _below(seed: str, size: int) -> Iterator[int]:
    fair = 2**64 - 2**64 % size
    counter = 0
    while True:
        number = int.from_bytes(sha256(f"{seed}\0{counter}".encode()).digest()[:8], "big")
        counter += 1
        if number < fair:
            yield number % size


def _drawn(unit: UnitOfWork, verifier: Verifier, index: int) -> Drawn:
    leaf = unit.log.place(index)
    if leaf is None:
        return Drawn(index, "", 0, "contradicted", "leaf_missing", None)
    try:
        receipt = issue(unit, CaseId(leaf.case_id), leaf.sequence)
    except LedgerError as error:
        return Drawn(index, leaf.case_id, leaf.sequence, "contradicted", type(error).__name__, None)
    found = verifier.verify(receipt)
    holds = found.verdict is not Verdict.CONTRADICTED and receipt.entries
    event = decode(receipt.entries[0].event.encode()) if holds else None
    return Drawn(index, leaf.case_id, leaf.sequence, found.verdict.value, found.reason, event)
