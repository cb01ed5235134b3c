"""What an outsider can get hold of after a run, as artefacts: each of `KINDS` must be there, or nothing was searched.

    chain      calldata, transactions, events, blocks, code and state (all storage), returns on Anvil  `chain.exposed`
    log        signed notes; tiles and the newest checkpoint as the API gives them
    receipts   of every case, and of one that is not there; what is its holder's own is his to read
    API        every answer and problem document of the run, to whoever asked; health, problems, figures
    others     what a webhook was told; a back-up's manifest; the home's public files
    process    the journal, line by line; Anvil's own log; titles of the process, its threads and children

Not here, because it stays within: database, back-ups, keys (docs/security.md); what goes to a broker (ids only, held by
tests/unit/worker); traces (route, status, time), which only leave where an operator names a collector.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from ledger_automation.bootstrap import back_up
from ledger_automation.errors import Contradiction
from ledger_automation.merkle.tree import TILE_WIDTH
from ledger_automation.orchestrator.backup import MANIFEST, PUBLIC
from ledger_automation.orchestrator.receipt import issue, issue_absence
from ledger_automation.study.privacy.scan import Artefact, Field
from ledger_automation.study.privacy.town import ADMINISTRATOR, Town
from ledger_automation.tlog import receipt as receipts
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import EventRecord
from ledger_automation.workflows._enforcement import keccak256

CALLDATA: Final = "calldata"
RECEIPT: Final = "receipt"
KINDS: Final = (
    CALLDATA, "transaction", "event", "block", "code", "state", "note", "tile", RECEIPT, "absence", "answer",
    "problem document", "public answer", "figures", "webhook", "manifest", "public file", "journal", "process title",
)  # fmt: skip
"""What every run must have to show."""

_KEY: Final = slice(4, 4 + 16)
_MEMBER: Final = slice(4 + 32 + 12, 4 + 32 + 16)
_COMMITMENT: Final = slice(4 + 64, 4 + 96)
_WITNESS: Final = 4 + 96
_NUMBER, _BLINDED, _CUT = 4, 6, 16
"""Bytes of a member's number, of a blinded text, and of what the latter is the first or the last of."""

_TAKE: Final = keccak256(b"take(bytes16,uint256,bytes32)")[:4]
_FILES: Final = (*PUBLIC, "anvil/anvil.log")


def artefacts(town: Town) -> list[Artefact]:
    """Return everything; raises Contradiction where a kind is missing."""
    found = [
        *_chain(town), *_log(town), *_receipts(town), *_public(town), *town.heard, *_told(town), *_files(town),
        *_process(), *_journal(town),
    ]  # fmt: skip
    missing = sorted(set(KINDS) - {each.kind for each in found if each.content})
    if missing:
        raise Contradiction(f"The run has nothing to show of: {', '.join(missing)}.", expected=KINDS, actual=missing)
    return found


def calls(found: Iterable[Artefact]) -> Iterator[Artefact]:
    """Yield the enforced steps on chain, in order: each the calldata of a `take`."""
    return (each for each in found if each.kind == CALLDATA and each.content[:4] == _TAKE)


def fields(town: Town, found: Iterable[Artefact]) -> Iterator[Field]:
    """Yield what stands on chain in few bytes: members' numbers, parties (32 bits each), other blinded texts (48)."""
    with town.ledger.read() as unit:
        for case_id, record, events in unit.cases.trails(0, 0):
            if record is not None and record.level == Level.ENFORCED:
                for event in events:
                    yield from _fields(f"step {event.sequence} of case {case_id}", event)
    for each in calls(found):
        for at in range(_WITNESS, len(each.content) - _BLINDED + 1):
            cut = each.content[at : at + _BLINDED]
            yield from (Field("blinded text", each.place, cut, start) for start in (0, _CUT - _BLINDED))


def _fields(place: str, event: EventRecord) -> Iterator[Field]:
    signature = msgspec.json.decode(event.canonical or b"{}").get("signature")
    if signature is None:
        return
    for number in signature["members"].values():
        yield Field("member's number", place, number.to_bytes(_NUMBER))
    if event.action == "request_advice":
        words = b"".join(map(bytes.fromhex, signature["arguments"]))
        numbers = (words[at : at + _NUMBER] for at in range(0, len(words), _NUMBER))
        yield from (Field("party", place, each, _CUT - _NUMBER) for each in numbers if any(each))


def member_of(calldata: bytes) -> int:
    """Return the number of the member that a call of `take` names (docs/spec/enforced.md, terms)."""
    return int.from_bytes(calldata[_MEMBER], "big")


def case_key_of(calldata: bytes) -> bytes:
    """Return the case key of a call of `take`."""
    return calldata[_KEY]


def commitment_of(calldata: bytes) -> bytes:
    """Return the commitment of a call of `take`."""
    return calldata[_COMMITMENT]


def _chain(town: Town) -> Iterator[Artefact]:
    for each in town.ledger.opened.chain.anchor.registry.exposed():
        yield Artefact(each.kind, each.place, each.content)


def _log(town: Town) -> Iterator[Artefact]:
    with town.ledger.read() as unit:
        for record in unit.log.checkpoints(0):
            yield Artefact("note", f"checkpoint of size {record.tree_size}", record.note.encode())
        size = unit.log.frontier().size
    level = 0
    while size:
        for number in range((size + TILE_WIDTH - 1) // TILE_WIDTH):
            width = min(TILE_WIDTH, size - number * TILE_WIDTH)
            path = f"/log/tile/{level}/{_index(number)}{f'.p/{width}' if width < TILE_WIDTH else ''}"
            yield Artefact("tile", path, town.service.ask("GET", path, {}, b"").body)
        level, size = level + 1, size // TILE_WIDTH


def _index(number: int) -> str:
    """Write a tile's number as C2SP tlog-tiles does."""
    thousands, last = divmod(number, 1_000)
    groups: list[str] = []
    while thousands:
        thousands, group = divmod(thousands, 1_000)
        groups.insert(0, f"x{group:03d}/")
    return f"{''.join(groups)}{last:03d}"


def _receipts(town: Town) -> Iterator[Artefact]:
    with town.ledger.read() as unit:
        for number, case_id in town.cases.items():
            content = receipts.write(issue(unit, case_id))
            yield Artefact(RECEIPT, f"case {case_id}", content, frozenset({number}))
        nobodys = CaseId.random()
        yield Artefact("absence", f"case {nobodys}", receipts.write(issue_absence(unit, nobodys)))


def _public(town: Town) -> Iterator[Artefact]:
    for path in ("/livez", "/readyz", "/log/checkpoint", "/problems/not-found"):
        yield Artefact("public answer", path, town.service.ask("GET", path, {}, b"").whole())
    alarms = town.ask(ADMINISTRATOR, "GET", "/alarms")
    yield Artefact("public answer", "/alarms", alarms.whole())
    yield Artefact("figures", "/metrics", town.service.ask("GET", "/metrics", {}, b"").body)


def _told(town: Town) -> Iterator[Artefact]:
    for number, content in enumerate(town.told, 1):
        yield Artefact("webhook", f"delivery {number}", content)


def _files(town: Town) -> Iterator[Artefact]:
    home = town.ledger.settings.home
    for pattern in _FILES:
        for path in sorted(home.glob(pattern)):
            yield Artefact("public file", path.relative_to(home).as_posix(), path.read_bytes())
    with TemporaryDirectory() as folder:
        back_up(town.ledger.settings, Path(folder), private=False)
        yield Artefact("manifest", MANIFEST, (Path(folder) / MANIFEST).read_bytes())


def _process() -> Iterator[Artefact]:
    """Yield what a list of processes shows, where the system has one to read (Linux)."""
    for path in (Path("/proc/self/cmdline"), *sorted(Path("/proc/self/task").glob("*/comm")), *_children()):
        try:
            yield Artefact("process title", str(path), path.read_bytes())
        except OSError:  # a thread or a child that has ended
            continue


def _children() -> Iterator[Path]:
    for listed in Path("/proc/self/task").glob("*/children"):
        yield from (Path("/proc") / number / "cmdline" for number in listed.read_text("ascii").split())


def _journal(town: Town) -> Iterator[Artefact]:
    for number, line in enumerate(town.service.journal().splitlines(), 1):
        yield Artefact("journal", f"line {number}", line)
