"""A case as a folder that opens, and can be checked, without this software: with sha256sum, xxd, base64 and openssl.

It holds what a receipt holds, unfolded into files, the documents, and the page that verifies in a browser. ``check.sh``
does what the first five steps of the verifier do, but for the law; its text and that of the folder's README stand in
``dossier_files``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Final

import msgspec

from ledger_automation.errors import Contradiction
from ledger_automation.merkle.verify import sides
from ledger_automation.orchestrator.ports import UnitOfWork
from ledger_automation.orchestrator.receipt import issue
from ledger_automation.tlog.case_map import bit, key_of
from ledger_automation.tlog.checkpoint import Checkpoint, stated
from ledger_automation.tlog.note import VerifierKey, read_note
from ledger_automation.tlog.receipt import Entry, ErasedStep, Receipt, decode_proof, write
from ledger_automation.values import CaseId
from ledger_automation.verify import page
from ledger_automation.verify.policy import VerificationPolicy
from ledger_automation.verify.policy import write as write_policy
from ledger_automation.verify.preserved import content

Preserved = Callable[[Mapping[int, bytes]], Mapping[int, bytes]]
"""Returns the evidence records of leaves by what opens them, as far as there are any."""

_STATIC: Final = ("README.md", "check.sh")


def dossier(
    unit: UnitOfWork,
    case_id: CaseId,
    policy: VerificationPolicy,
    preserved: Preserved,
) -> dict[str, bytes]:
    """Return the files of a case's dossier by their path in the folder; raises what `issue` raises."""
    receipt = issue(unit, case_id)
    checkpoint = stated(receipt.checkpoint)
    key, signature = _signed(receipt.checkpoint, policy.keys())
    found = {name: (files(__package__) / "dossier_files" / name).read_bytes() for name in _STATIC}
    found |= {
        "case-id.txt": case_id.encode(),
        "receipt.json": write(receipt),
        "policy.json": write_policy(policy),
        "verify.html": page.assemble(policy).text.encode(),
        "checkpoint.txt": checkpoint.text().encode(),
        "checkpoint.sig": signature,
        "log.pem": key.pem(),
        "anchor.json": msgspec.json.format(msgspec.json.encode(receipt.anchor), indent=1) + b"\n",
        "case-map.txt": _way(_map_sides(case_id, receipt), receipt.case_map_proof or ()),
    }
    records = preserved({each.leaf_index: content(each) for each in receipt.entries})
    for number, entry in _steps(receipt):
        found |= {f"steps/{number:04}/{name}": octets for name, octets in _step(entry, checkpoint)}
        if entry.leaf_index in records:
            found[f"steps/{number:04}/evidence.er"] = records[entry.leaf_index]
    for row in unit.cases.trail(case_id):
        for place, document in enumerate(unit.cases.documents(row.event_id)):
            name = f"steps/{row.sequence:04}/documents/{place}{_suffix(document.name)}"
            found[name] = document.content
    return found


def _signed(note: str, keys: Sequence[VerifierKey]) -> tuple[VerifierKey, bytes]:
    """Return the pinned key that signed a note, and its signature."""
    text, lines = read_note(note)
    for line in lines:
        for key in keys:
            if (line.name, line.key_id) == (key.name, key.key_id) and key.holds(text, line.signature):
                return key, line.signature
    raise Contradiction("No pinned key signed the checkpoint.", expected=[key.text for key in keys], actual=note)


def _steps(receipt: Receipt) -> Iterator[tuple[int, Entry | ErasedStep]]:
    erased = {each.sequence: each for each in receipt.erasure.steps} if receipt.erasure else {}
    readable = iter(receipt.entries)
    for number in range(len(receipt.entries) + len(erased)):
        yield number, erased.get(number) or next(readable)


def _step(entry: Entry | ErasedStep, checkpoint: Checkpoint) -> Iterator[tuple[str, bytes]]:
    yield "inclusion.txt", _way(sides(entry.leaf_index, checkpoint.tree_size), entry.inclusion_proof)
    if isinstance(entry, ErasedStep):
        yield "commitment", entry.commitment.encode()
    else:
        yield "event.json", entry.event.encode()
        yield "salt", bytes.fromhex(entry.salt)


def _map_sides(case_id: str, receipt: Receipt) -> list[bool]:
    key, depth = key_of(case_id), len(receipt.case_map_proof or ())
    return [bool(bit(key, depth - 1 - at)) for at in range(depth)]


def _way(left: Sequence[bool], proof: tuple[str, ...]) -> bytes:
    """Write a way up: on which side each neighbour stands, and its hash in hex."""
    words = zip(left, decode_proof(proof), strict=True)
    return "".join(f"{'left' if side else 'right'} {neighbour.hex()}\n" for side, neighbour in words).encode()


def _suffix(name: str) -> str:
    """Return a document's suffix if it is one that every system takes; its name stands in the event."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if suffix[1:].isascii() and suffix[1:].isalnum() else ""
