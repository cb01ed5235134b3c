"""The receipt's file: read strictly, written small."""

import base64
import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ledger_automation.errors import InvalidValue, NotFound, UnreadableFile
from ledger_automation.merkle import inclusion_proof, leaf_hash, node_hash, verify_inclusion
from ledger_automation.orchestrator.transition import Intent, Recorder, Standing
from ledger_automation.tlog import receipt_file
from ledger_automation.tlog.case_map import EMPTY_MAP_ROOT
from ledger_automation.tlog.checkpoint import Checkpoint, open_checkpoint
from ledger_automation.tlog.note import SignerKey
from ledger_automation.tlog.receipt import (
    FORMAT,
    AnchorClaim,
    Entry,
    Receipt,
    decode_proof,
    encode_proof,
    write,
)
from ledger_automation.tlog.receipt_file import read
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level
from ledger_automation.workflows import Actor, Command, workflow

ORIGIN = "wismar.example/ledger"
KEY = SignerKey(ORIGIN, b"\x01" * 32)
MILLION = 1 << 20
CLAIM = AnchorClaim(31337, "0x" + "aB" * 20, "0x" + "12" * 32, 12_345_678, "0x" + "34" * 32)


def receipt_at_a_million_leaves() -> Receipt:
    """A real event among 2^20 leaves: all others are equal, so each level below the path is one hash."""
    recorder = Recorder(ORIGIN, lambda: datetime(2026, 3, 2, tzinfo=UTC))
    standing = Standing(CaseId.random(), workflow("parking_fine"), Level.ANCHORED)
    payload = {"amount": 3_500, "offence": "Parken im eingeschränkten Halteverbot (§ 12 StVO)"}
    command = Command("record_fine", Actor("officer-1", "clerk"), payload)
    step, _ = recorder.step(standing, Intent(command, recorder.clock()))
    index, own = MILLION - 77, leaf_hash(step.commitment)
    equal = [leaf_hash(b"\x00" * 32)]
    for _ in range(20):
        equal.append(node_hash(equal[-1], equal[-1]))

    def node(level: int, number: int) -> bytes:
        if index >> level != number:
            return equal[level]
        return own if level == 0 else node_hash(node(level - 1, 2 * number), node(level - 1, 2 * number + 1))

    proof = inclusion_proof(node, index, MILLION)
    assert len(proof) == 20
    root = node(20, 0)
    verify_inclusion(own, index, MILLION, proof, root)
    entry = Entry(step.canonical.decode(), step.salt.hex(), index, encode_proof(proof))
    note = Checkpoint(ORIGIN, MILLION, root, EMPTY_MAP_ROOT).sign(KEY)
    return Receipt(FORMAT, (entry,), note, None, CLAIM)


def test_at_a_million_leaves_it_has_at_most_four_kilobytes() -> None:
    receipt = receipt_at_a_million_leaves()
    octets, cose, frames = (receipt_file.write(receipt, each) for each in receipt_file.Encoding)
    assert len(cose) < len(octets) <= 4_096
    assert len(frames.splitlines()) <= 3


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    receipt = receipt_at_a_million_leaves()
    (tmp_path / "r.json").write_bytes(write(receipt))
    again = read(tmp_path / "r.json")
    assert again == receipt
    checkpoint = open_checkpoint(again.checkpoint, ORIGIN, [KEY.verifier])
    assert len(decode_proof(again.entries[0].inclusion_proof)) == 20
    assert checkpoint.tree_size == MILLION


def changed(**fields: Any) -> bytes:
    honest = json.loads(write(Receipt(FORMAT, (Entry("{}", "00" * 32, 0, ()),), "note", None, CLAIM)))
    return json.dumps({**honest, **fields}).encode()


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        changed(entries=[]),
        changed(entries=[{}]),
        changed(entries=[{"event": "{}", "salt": "00", "leaf_index": "0", "inclusion_proof": []}]),
        changed(entries=[{"event": "{}", "salt": "00", "leaf_index": 0.5, "inclusion_proof": []}]),
        changed(entries=[{"event": "{}", "salt": "00", "leaf_index": 0, "inclusion_proof": [], "more": 1}]),
        changed(format="ledger-automation/receipt/v2"),
        changed(checkpoint=None),
        changed(case_map_proof={}),
        changed(case_map_proof=[1]),
        changed(anchor={}),
        changed(trusted=True),
        changed().replace(b'"checkpoint"', b'"checkpoint": "", "checkpoint"', 1),
        b"\xef\xbb\xbf" + changed(),
    ],
)
def test_what_is_no_receipt_is_refused(octets: bytes, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_bytes(octets)
    with pytest.raises(UnreadableFile):
        read(tmp_path / "r.json")


def test_a_missing_file_is_not_found_and_a_folder_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read(tmp_path / "r.json")
    with pytest.raises(UnreadableFile):
        read(tmp_path)


def test_a_proof_is_base64() -> None:
    nodes = [sha256(bytes([number])).digest() for number in range(3)]
    assert decode_proof(encode_proof(nodes)) == nodes
    assert base64.b64decode(encode_proof(nodes)[0]) == nodes[0]
    for wrong in ("%", "AAA", "ä"):
        with pytest.raises(InvalidValue):
            decode_proof((wrong,))
