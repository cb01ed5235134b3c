"""COSE receipts: other programs verify them, nothing is lost in them, and there is one spelling of each."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import cbor2
import msgspec
import pytest
from pycose.keys import OKPKey
from pycose.messages import Sign1Message

from ledger_automation.canonical import commit
from ledger_automation.errors import InvalidValue, NoteError, NotFound, UnreadableFile
from ledger_automation.tlog import cose_receipt
from ledger_automation.tlog.checkpoint import open_checkpoint
from ledger_automation.tlog.note import read_note
from ledger_automation.tlog.receipt import Absence, Receipt, decode
from ledger_automation.tlog.receipt_file import Encoding, read, write
from ledger_automation.tlog.root_signature import RootKey, root_line
from support.archive import KEY, ORIGIN, THIEF, Archive, archive
from support.pages import ROOT
from support.receipt_mutants import bench, thawed, written

TOOL = Path(ROOT) / "tests" / "support" / "cose_tool.cjs"
FORMAT = "ledger-automation/receipt/v1"


@pytest.fixture(scope="module")
def log() -> Archive:
    return archive()


@pytest.fixture(scope="module")
def receipts(log: Archive) -> list[Receipt]:
    """Receipts of all shapes: of steps and cases, held, not anchored, early, and erased."""
    found = [*bench(log).honest]
    for (case_id, sequence), decision in log.decisions().items():
        case = log.cases()[case_id]
        found.append(log.erased(case, range(len(case)) if sequence is None else [sequence], [decision]))
    made = [decode(written(each)) for each in found]
    return [each for each in made if isinstance(each, Receipt)]


def test_either_encoding_is_made_from_the_other(receipts: list[Receipt]) -> None:
    for each in receipts:
        octets = write(each, Encoding.COSE)
        assert cose_receipt.decode(octets) == each
        assert write(cose_receipt.decode(octets)) == write(each)
    assert sum(each.erasure is not None for each in receipts) == 6
    assert sum(len(each.entries) > 1 for each in receipts) > 10


def first_leaf(receipt: Receipt) -> tuple[bytes, bytes]:
    """Return what another program is asked of a receipt: its first step's commitment, and the checkpoint's root."""
    entry = receipt.entries[0]
    root = open_checkpoint(receipt.checkpoint, ORIGIN, [KEY.verifier]).root_hash
    return commit(bytes.fromhex(entry.salt), entry.event.encode()), root


def test_another_program_finds_the_root_and_a_third_the_signature_over_it(receipts: list[Receipt]) -> None:
    asked = [each for each in receipts if each.entries]
    told = [{"receipt": write(each, Encoding.COSE), "entry": first_leaf(each)[0]} for each in asked]
    forged = {**told[0], "entry": bytes(32)}
    roots = roots_of([*told, forged])
    assert roots[:-1] == [first_leaf(each)[1].hex() for each in asked]
    assert roots[-1] not in roots[:-1]
    key = OKPKey(crv="ED25519", x=KEY.verifier.raw, optional_params={"KID": RootKey.of(KEY.verifier).key_id})
    for root, each in zip(roots[:-1], told, strict=True):
        message: Any = Sign1Message.from_cose_obj(parts_of(each["receipt"]), allow_unknown_attributes=True)
        message.key = key
        assert message.verify_signature(detached_payload=bytes.fromhex(root))
        assert not message.verify_signature(detached_payload=bytes(32))
        message.key = OKPKey(crv="ED25519", x=THIEF.verifier.raw)
        assert not message.verify_signature(detached_payload=bytes.fromhex(root))


def roots_of(asked: list[dict[str, bytes]]) -> list[str]:
    node = Path(sys.executable).with_name("node")
    told = json.dumps([{name: base64.b64encode(octets).decode() for name, octets in each.items()} for each in asked])
    environment = {**os.environ, "NODE_PATH": str(Path(ROOT) / "node_modules")}
    answer = subprocess.run([node, TOOL], input=told, capture_output=True, text=True, check=True, env=environment)
    found: list[str] = json.loads(answer.stdout)
    return found


def test_the_header_says_what_rfc_9942_asks(receipts: list[Receipt]) -> None:
    tagged = cbor2.loads(write(receipts[0], Encoding.COSE))
    protected, unprotected, payload, signature = tagged.value
    assert (tagged.tag, payload, len(signature)) == (18, None, 64)
    assert cbor2.loads(protected) == {1: -8, 4: RootKey.of(KEY.verifier).key_id, 395: 1}
    assert set(unprotected) == {396, FORMAT}
    (proofs,) = unprotected[396].values()
    assert list(unprotected[396]) == [-1]
    assert len(proofs) == len(receipts[0].entries)


def test_a_line_over_another_root_makes_the_note_bad_and_a_stranger_s_is_ignored(log: Archive) -> None:
    note, other = log.note(log.size), log.note(log.size - 1)
    own, another, theirs = (root_line(each) for each in (note, other, log.note(log.size, THIEF)))
    assert own
    assert another
    assert theirs
    with pytest.raises(NoteError, match="does not belong"):
        open_checkpoint(note.replace(own.text, another.text), ORIGIN, [KEY.verifier])
    open_checkpoint(note.replace(own.text, theirs.text), ORIGIN, [KEY.verifier])
    open_checkpoint(note.replace(f"{own.text}\n", ""), ORIGIN, [KEY.verifier])


def test_the_line_alone_makes_no_checkpoint(log: Archive) -> None:
    """It covers the root and neither the size nor the case map."""
    text, lines = read_note(log.note(log.size))
    with pytest.raises(NoteError, match="No pinned key"):
        open_checkpoint(f"{text}\n{lines[1].text}\n", ORIGIN, [KEY.verifier])


def test_a_checkpoint_from_before_has_none_and_says_so(receipts: list[Receipt]) -> None:
    line = root_line(receipts[0].checkpoint)
    assert line
    old = msgspec.structs.replace(receipts[0], checkpoint=receipts[0].checkpoint.replace(f"{line.text}\n", ""))
    for encoding in (Encoding.COSE, Encoding.FRAMES):
        with pytest.raises(NotFound, match="older than COSE receipts"):
            write(old, encoding)
    assert decode(write(old)) == old


def test_an_absence_has_none(log: Archive) -> None:
    absence = decode(written(log.absence("00000000-0000-4000-8000-000000000000")))
    assert isinstance(absence, Absence)
    with pytest.raises(InvalidValue, match="includes nothing"):
        write(absence, Encoding.COSE)


def parts_of(octets: bytes) -> list[Any]:
    """Return a message's four parts, to be changed."""
    found: list[Any] = thawed(cbor2.loads(octets).value)
    return found


def retold(octets: bytes, change: Any) -> bytes:
    """Change the message as a tree, and write it canonically again."""
    parts = parts_of(octets)
    change(parts)
    return cbor2.dumps(cbor2.CBORTag(18, parts), canonical=True)


def reproved(at: int, value: Any) -> Any:
    def change(parts: Any) -> None:
        proof = cbor2.loads(parts[1][396][-1][0])
        proof[at] = value
        parts[1][396][-1][0] = cbor2.dumps(proof)

    return change


ODD: dict[str, Any] = {
    "a second tag": lambda octets: b"\xd2" + octets,
    "another tag": lambda octets: b"\xd1" + octets[1:],
    "no tag": lambda octets: octets[1:],
    "something behind": lambda octets: octets + b"\x00",
    "cut": lambda octets: octets[:-1],
    "nothing": lambda _: b"\xd2",
    "a list that says no length": lambda octets: octets.replace(b"\xd2\x84", b"\xd2\x9f", 1) + b"\xff",
    "a length that is written long": lambda octets: octets.replace(b"\xd2\x84", b"\xd2\x98\x04", 1),
    "a payload": lambda octets: retold(octets, lambda parts: parts.__setitem__(2, b"")),
    "an empty signature": lambda octets: retold(octets, lambda parts: parts.__setitem__(3, b"")),
    "another algorithm": lambda octets: octets.replace(b"\xa3\x01\x27\x04", b"\xa3\x01\x26\x04", 1),
    "one more header": lambda octets: retold(octets, lambda parts: parts[1].__setitem__(33, b"")),
    "one more member": lambda octets: retold(octets, lambda parts: parts[1][FORMAT].__setitem__("more", 1)),
    "a missing member": lambda octets: retold(octets, lambda parts: parts[1][FORMAT].pop("anchor")),
    "no proofs": lambda octets: retold(octets, lambda parts: parts[1].pop(396)),
    "one proof more": lambda octets: retold(octets, lambda parts: parts[1][396][-1].append(parts[1][396][-1][0])),
    "one proof fewer": lambda octets: retold(octets, lambda parts: parts[1][396][-1].pop()),
    "another size": lambda octets: retold(octets, reproved(0, 7)),
    "an index that is text": lambda octets: retold(octets, reproved(1, "0")),
    "an index that is a float": lambda octets: retold(octets, reproved(1, 0.0)),
    "a short hash": lambda octets: retold(octets, reproved(2, [b"\x00"])),
    "a short salt": lambda octets: retold(octets, lambda p: p[1][FORMAT]["steps"].__setitem__(0, ["{}", b"\x00"])),
    "a note that is none": lambda octets: retold(octets, lambda parts: parts[1][FORMAT].__setitem__("note", "")),
    "a note without lines": lambda octets: retold(octets, lambda p: p[1][FORMAT].__setitem__("note", "a\n\nb\n")),
    "deep": lambda _: b"\xd2" + b"\x81" * 100_000 + b"\x00",
    "long": lambda _: bytes.fromhex("d29b7fffffffffffffff"),
    "a date": lambda _: bytes.fromhex("d2c11a514b67b0"),
    "a pattern": lambda _: bytes.fromhex("d2d82361 28".replace(" ", "")),
    "frames of nothing": lambda _: b"LA1:",
    "frames of something else": lambda _: b"LA1:00000000:1/1:ABC\n",
}


@pytest.mark.parametrize("how", ODD)
def test_what_is_no_cose_receipt_is_refused(how: str, receipts: list[Receipt], tmp_path: Path) -> None:
    octets = ODD[how](write(receipts[0], Encoding.COSE))
    (tmp_path / "receipt").write_bytes(octets)
    with pytest.raises(UnreadableFile):
        read(tmp_path / "receipt")


def test_bits_that_flip_make_it_unreadable_or_another_receipt(receipts: list[Receipt]) -> None:
    random = Random(9942)
    outcomes = set()
    for _ in range(2_000):
        each = random.choice(receipts)
        octets = bytearray(write(each, Encoding.COSE))
        octets[random.randrange(len(octets))] ^= 1 << random.randrange(8)
        try:
            found = cose_receipt.decode(bytes(octets))
        except InvalidValue:
            outcomes.add("unreadable")
        else:
            assert found != each
            outcomes.add("another")
    assert outcomes == {"unreadable", "another"}
