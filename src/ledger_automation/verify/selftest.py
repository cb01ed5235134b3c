"""A verifier that cannot fail is worth nothing: before an audit counts, known-bad logs must fail as expected.

A tiny log is made in memory with a throw-away key: one case, four steps, one checkpoint. It must pass. Then it is
spoilt in ways that cover every pass of the audit, and each time the class that the catalogue names must be found. Costs
a few milliseconds; a disagreement raises Misconfigured, because then this very program was tampered with.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, NamedTuple
from zlib import crc32

from ledger_automation.audit.encoding import encode
from ledger_automation.audit.event import SCHEMA, AuditEvent, log_case_id
from ledger_automation.canonical import commit
from ledger_automation.errors import Misconfigured
from ledger_automation.merkle import leaf_hash, root_hash
from ledger_automation.merkle.tree import StoredNode
from ledger_automation.tlog.case_map import Head, MapLeaf
from ledger_automation.tlog.checkpoint import Checkpoint
from ledger_automation.tlog.map_trie import MapTrie
from ledger_automation.tlog.note import SignerKey
from ledger_automation.values import timestamp
from ledger_automation.verify.auditor import Auditor
from ledger_automation.verify.columns import columns
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.sources import (
    CaseRecord,
    CheckpointRecord,
    CosignatureRecord,
    DocumentRecord,
    Edge,
    EventRecord,
    LeafRecord,
    SubmissionRecord,
    Trail,
)
from ledger_automation.verify.verdict import Verdict
from ledger_automation.workflows import Actor, Case, Command, workflow

_ORIGIN: Final = "selftest.example/ledger"
_KEY: Final = SignerKey(_ORIGIN, sha256(b"selftest").digest())
_CASE: Final = str(log_case_id(_ORIGIN))
_STEPS: Final = ("open_log", "record_heartbeat", "record_heartbeat", "record_heartbeat")


class MemoryLog(NamedTuple):
    """One case with its log; a `CaseSource` and a `LogSource`."""

    record: CaseRecord | None
    rows: list[EventRecord]
    leaf_rows: list[LeafRecord]
    note: CheckpointRecord

    def trail(self, case_id: str) -> list[EventRecord]:
        """Return the case's events."""
        return [row for row in self.rows if row.case_id == case_id]

    def trails(self, after_event: int, after_leaf: int) -> Iterator[Trail]:  # noqa: ARG002
        """Yield the one case."""
        if self.record or self.rows:
            yield _CASE, self.record, self.rows

    def documents(self, event_id: int) -> list[DocumentRecord]:  # noqa: ARG002
        """Return nothing: there are no attachments."""
        return []

    def edge(self) -> Edge:
        """Return how far events and log have come."""
        return Edge(len(self.rows), self.rows[-1].recorded_at if self.rows else "")

    def leaves(self, start: int) -> Iterator[tuple[int, bytes]]:
        """Yield the leaves."""
        return iter([(each.leaf_index, each.leaf_hash) for each in self.leaf_rows[start:]])

    def places(self, start: int) -> Iterator[LeafRecord]:
        """Yield the leaves with whose they are."""
        return iter(self.leaf_rows[start:])

    def map_tiles_at(self, paths: Sequence[str], size: int) -> Mapping[str, bytes]:  # noqa: ARG002
        """Return nothing: nobody goes on from here."""
        return {}

    def map_versions(self) -> Iterator[tuple[int, str, bytes]]:
        """Yield the one tile of a map of one case."""
        return ((len(self.leaf_rows), path, tile) for path, tile in _map(self.leaf_rows).tiles())

    def heads(self, case_ids: Sequence[str], size: int) -> dict[str, Head]:  # noqa: ARG002
        """Return nothing: nobody goes on from here."""
        return {}

    def orphans(self, start: int) -> Iterator[LeafRecord]:
        """Yield leaves whose event is gone."""
        known = {row.event_id for row in self.rows}
        return iter([each for each in self.leaf_rows[start:] if each.event_id not in known])

    def nodes(self, level: int, start: int) -> Iterator[StoredNode]:  # noqa: ARG002
        """Yield nothing: no tile is full."""
        return iter(())

    def checkpoints(self, after_size: int) -> Iterator[CheckpointRecord]:  # noqa: ARG002
        """Yield the one checkpoint."""
        return iter([self.note])

    def cosignatures(self, after_size: int) -> Iterator[CosignatureRecord]:  # noqa: ARG002
        """Yield nothing: there are no witnesses."""
        return iter(())

    def submissions(self, after_size: int) -> Iterator[SubmissionRecord]:  # noqa: ARG002
        """Yield nothing: nothing was anchored."""
        return iter(())


def selftest() -> None:
    """Audit a good log and its spoilt copies; raises Misconfigured when a verdict is not the expected one."""
    good = _made()
    auditor = Auditor(VerificationPolicy(_ORIGIN, (_KEY.verifier.text,), Level.LOGGED))
    for expected, spoil in _SPOILT.items():
        report = auditor.audit(*(spoil(good),) * 2)
        if report.verdict is not Verdict.CONTRADICTED or expected not in {each.tampering for each in report.findings}:
            _distrust(expected, report.findings)
    report = auditor.audit(good, good)
    if report.verdict is not Verdict.FINAL:
        _distrust(Verdict.FINAL, report.findings)


def _distrust(expected: str, actual: object) -> None:
    sentence = f"The verifier's self-test failed on {expected}; its answers cannot be trusted."
    raise Misconfigured(sentence, expected=expected, actual=actual)


def _made() -> MemoryLog:
    table = workflow("log")
    case: Case | None = None
    head: bytes | None = None
    rows: list[EventRecord] = []
    for number, action in enumerate(_STEPS):
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number)
        applied = table.apply(case, Command(action, Actor("selftest", "system"), {}), at)
        case = applied.case
        moment, previous = timestamp(at), head.hex() if head else None
        event = AuditEvent(
            SCHEMA, _ORIGIN, table.name, table.version, _CASE, number, previous, action, applied.from_state,
            case.state, Actor("selftest", "system"), moment, moment, applied.payload, (), None,
        )  # fmt: skip
        canonical, salt = encode(event), sha256(moment.encode()).digest()
        head = bytes(commit(salt, canonical))
        opening = (head, salt, canonical, crc32(canonical), 0)
        rows.append(EventRecord(number + 1, *columns(event), *opening, number, leaf_hash(head), _CASE, number))  # type: ignore[call-arg, arg-type]
    return _logged(rows, case, head)


def _logged(rows: list[EventRecord], case: Case | None, head: bytes | None) -> MemoryLog:
    if case is None or head is None:
        raise Misconfigured("The self-test has no steps.")
    table, last = workflow("log"), rows[-1].occurred_at
    record = CaseRecord(
        _CASE, table.name, table.version, "logged", case.state, case.sequence, last, head, table.freeze(case.data)
    )
    places = [LeafRecord(n, row.event_id, _CASE, n, row.leaf_hash or b"") for n, row in enumerate(rows)]
    root = root_hash([place.leaf_hash for place in places])
    checkpoint = Checkpoint(_ORIGIN, len(rows), root, _map(places).root_hash())
    return MemoryLog(record, rows, places, CheckpointRecord(len(rows), root, checkpoint.sign(_KEY), last))


def _row(log: MemoryLog, at: int, **changes: object) -> MemoryLog:
    return log._replace(rows=[*log.rows[:at], log.rows[at]._replace(**changes), *log.rows[at + 1 :]])  # type: ignore[arg-type]


def _other_leaf(log: MemoryLog) -> MemoryLog:
    other = sha256(b"another leaf").digest()
    spoilt = _row(log, 1, leaf_hash=other)
    return spoilt._replace(leaf_rows=[log.leaf_rows[0], log.leaf_rows[1]._replace(leaf_hash=other), *log.leaf_rows[2:]])


def _illegal(log: MemoryLog) -> MemoryLog:
    """Open the case a second time, as an operator could, with everything else in order but the law."""
    row = log.rows[3]
    event = (row.canonical or b"").replace(b'"action":"record_heartbeat"', b'"action":"open_log"')
    event = event.replace(b'"payload":{}', b'"payload":{"origin":""}')
    commitment = bytes(commit(row.salt or b"", event))
    leaf = leaf_hash(commitment)
    spoilt = _row(
        log, 3, action="open_log", canonical=event, checksum=crc32(event), commitment=commitment, leaf_hash=leaf
    )
    places = [*log.leaf_rows[:3], log.leaf_rows[3]._replace(leaf_hash=leaf)]
    root = root_hash([place.leaf_hash for place in places])
    note = Checkpoint(_ORIGIN, len(places), root, _map(places).root_hash()).sign(_KEY)
    return spoilt._replace(leaf_rows=places, note=log.note._replace(root_hash=root, note=note))


def _hidden(log: MemoryLog) -> MemoryLog:
    """Sign a case map without the last step."""
    note = Checkpoint(_ORIGIN, len(log.leaf_rows), log.note.root_hash, _map(log.leaf_rows[:-1]).root_hash()).sign(_KEY)
    return log._replace(note=log.note._replace(note=note))


def _map(places: list[LeafRecord]) -> MapTrie:
    trie = MapTrie()
    for place in places:
        trie.put(MapLeaf.of(place.case_id, Head(place.sequence, place.leaf_hash)))
    return trie


_SPOILT: Final[dict[str, Callable[[MemoryLog], MemoryLog]]] = {
    "T02": lambda log: _row(log, 2, actor_id="somebody-else"),
    "T03": lambda log: log._replace(rows=log.rows[:-1]),
    "T05": lambda log: log._replace(rows=[], record=None),
    "T17": lambda log: _row(log, 1, salt=bytes(32)),
    "T18": lambda log: _row(log, 1, salt=None, canonical=None, checksum=None),
    "T31": _other_leaf,
    "T40": lambda log: log._replace(note=log.note._replace(note=log.note.note[:-8] + "AAAAAA=\n")),
    "T49": _illegal,
    "T50": _hidden,
}
