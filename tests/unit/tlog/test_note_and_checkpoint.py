"""Signed notes and checkpoints: one way to write them, and many ways to get them wrong."""

import base64
from collections.abc import Callable
from hashlib import sha256

import pytest

from ledger_automation.errors import InvalidValue, NoteError
from ledger_automation.tlog.case_map import EMPTY_MAP_ROOT
from ledger_automation.tlog.checkpoint import Checkpoint, open_checkpoint
from ledger_automation.tlog.note import SignerKey, VerifierKey, open_note, signature_line
from ledger_automation.tlog.root_signature import root_line

ORIGIN = "wismar.example/ledger"
KEY = SignerKey(ORIGIN, b"\x01" * 32)
OTHER = SignerKey(ORIGIN, b"\x02" * 32)
WITNESS = SignerKey("witness.example", b"\x03" * 32)
CHECKPOINT = Checkpoint(ORIGIN, 34_724, sha256(b"root").digest(), EMPTY_MAP_ROOT)
NOTE = KEY.sign(CHECKPOINT.text())
ROOT = base64.b64encode(CHECKPOINT.root_hash).decode()
MAP = base64.b64encode(EMPTY_MAP_ROOT).decode()


def test_a_checkpoint_is_four_lines_a_blank_and_two_signatures() -> None:
    own, root = CHECKPOINT.sign(KEY).removeprefix(f"{CHECKPOINT.text()}\n").splitlines()
    assert f"{CHECKPOINT.text()}\n{own}\n" == NOTE
    assert root.startswith(f"\u2014 {ORIGIN} ")
    assert open_checkpoint(CHECKPOINT.sign(KEY), ORIGIN, [KEY.verifier]) == CHECKPOINT


def test_a_note_is_its_text_a_blank_and_a_signature() -> None:
    lines = NOTE.split("\n")
    assert lines[:5] == [ORIGIN, "34724", ROOT, f"case-map {MAP}", ""]
    assert lines[5].startswith(f"\u2014 {ORIGIN} ")
    assert lines[6:] == [""]
    assert open_checkpoint(NOTE, ORIGIN, [KEY.verifier]) == CHECKPOINT


def test_the_key_id_is_that_of_c2sp() -> None:
    public = base64.b64decode(KEY.verifier.text.split("+", 2)[2])
    assert KEY.verifier.key_id == sha256(ORIGIN.encode() + b"\n" + public).digest()[:4]
    assert VerifierKey.parse(KEY.verifier.text).text == KEY.verifier.text


def test_other_signatures_beside_ours_are_ignored() -> None:
    witnessed = NOTE + WITNESS.sign(CHECKPOINT.text()).split("\n\n")[1]
    assert open_checkpoint(witnessed, ORIGIN, [KEY.verifier]) == CHECKPOINT
    assert open_checkpoint(witnessed, ORIGIN, [WITNESS.verifier]) == CHECKPOINT


@pytest.mark.parametrize(
    "keys", [[], [OTHER.verifier], [WITNESS.verifier], [SignerKey("else.example", b"\x01" * 32).verifier]]
)
def test_a_note_that_no_pinned_key_signed_is_refused(keys: list[VerifierKey]) -> None:
    with pytest.raises(NoteError, match="No pinned key"):
        open_checkpoint(NOTE, ORIGIN, keys)


def signed(*lines: str) -> str:
    return KEY.sign("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    "note",
    [
        signed(ORIGIN, "34724", ROOT),
        signed(ORIGIN, "34724", ROOT, f"case-map {MAP}", "more"),
        signed("else.example/ledger", "34724", ROOT, f"case-map {MAP}"),
        signed(ORIGIN, "034724", ROOT, f"case-map {MAP}"),
        signed(ORIGIN, "-1", ROOT, f"case-map {MAP}"),
        signed(ORIGIN, "+1", ROOT, f"case-map {MAP}"),
        signed(ORIGIN, "1_000", ROOT, f"case-map {MAP}"),
        signed(ORIGIN, "\u0661", ROOT, f"case-map {MAP}"),
        signed(ORIGIN, str(2**53), ROOT, f"case-map {MAP}"),
        signed(ORIGIN, "", ROOT, f"case-map {MAP}"),
        signed(ORIGIN, "34724", ROOT[:-4], f"case-map {MAP}"),
        signed(ORIGIN, "34724", ROOT.replace("=", ""), f"case-map {MAP}"),
        signed(ORIGIN, "34724", "%" * 44, f"case-map {MAP}"),
        signed(ORIGIN, "34724", base64.b64encode(b"\x00" * 33).decode(), f"case-map {MAP}"),
        signed(ORIGIN, "34724", ROOT, MAP),
        signed(ORIGIN, "34724", ROOT, f"Case-Map {MAP}"),
        signed(ORIGIN, "34724", ROOT, f"case-map  {MAP}"),
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(note: str) -> None:
    with pytest.raises(NoteError):
        open_checkpoint(note, ORIGIN, [KEY.verifier])


def test_a_root_has_one_spelling() -> None:
    last = ROOT[42]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    alike = ROOT[:42] + alphabet[alphabet.index(last) + 1] + "="
    assert base64.b64decode(alike) == CHECKPOINT.root_hash, "the spare bits of base64 are another spelling of the same"
    with pytest.raises(NoteError):
        open_checkpoint(signed(ORIGIN, "34724", alike, f"case-map {MAP}"), ORIGIN, [KEY.verifier])


BROKEN: dict[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "text only": lambda note: note.split("\n\n")[0] + "\n",
    "no newline at the end": lambda note: note[:-1],
    "another size": lambda note: note.replace("34724", "34725"),
    "another root": lambda note: note.replace(ROOT, MAP),
    "a hyphen for the dash": lambda note: note.replace("\u2014", "-"),
    "a signature cut off": lambda note: note[:-9] + "\n",
    "a signature that is no base64": lambda note: note[:-9] + "########\n",
    "a signature of four bytes": lambda note: note.split("\n\n")[0] + f"\n\n\u2014 {ORIGIN} AAAAAA==\n",
    "two spaces": lambda note: note.replace(f"{ORIGIN} ", f"{ORIGIN}  "),
    "a good and a bad one of the same key": lambda note: (
        note + CHECKPOINT.sign(KEY).split("\n\n")[1][:-12] + "AAAAAAAAAA==\n"
    ),
    "more signatures than a note may have": lambda note: note + WITNESS.sign(CHECKPOINT.text()).split("\n\n")[1] * 100,
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_note_is_refused(how: str) -> None:
    with pytest.raises(NoteError):
        open_note(BROKEN[how](NOTE), [KEY.verifier])


def test_every_single_changed_character_is_noticed() -> None:
    spare = len(NOTE) - 3  # the last character of the base64, two bits of which carry nothing (RFC 4648, section 3.5)
    for at, character in enumerate(NOTE):
        if at == spare:
            continue
        changed = NOTE[:at] + ("B" if character != "B" else "C") + NOTE[at + 1 :]
        with pytest.raises(NoteError):
            open_checkpoint(changed, ORIGIN, [KEY.verifier])


@pytest.mark.parametrize(
    "text",
    ["", "a", "a+b", "a+00000000+", KEY.verifier.text[:-2], KEY.verifier.text.replace("+", "-"), "a+00000000+AAAA",
     f"x{KEY.verifier.text}", KEY.verifier.text.replace(KEY.verifier.key_id.hex(), "00000000")],
)  # fmt: skip
def test_a_verifier_key_is_read_strictly(text: str) -> None:
    with pytest.raises(InvalidValue):
        VerifierKey.parse(text)


def test_a_signer_needs_32_bytes_a_fit_name_and_a_whole_text() -> None:
    for seed in (b"", b"\x01" * 31, b"\x01" * 64):
        with pytest.raises(InvalidValue):
            SignerKey(ORIGIN, seed)
    for name in ("", "a b", "a+b", "a\n"):
        with pytest.raises(InvalidValue):
            SignerKey(name, b"\x01" * 32)
    with pytest.raises(InvalidValue):
        KEY.sign("no newline")


def test_every_changed_bit_of_the_signature_over_the_root_is_noticed() -> None:
    whole = CHECKPOINT.sign(KEY)
    line = root_line(whole)
    assert line
    for bit in range(8 * len(line.signature)):
        forged = (int.from_bytes(line.signature) ^ 1 << bit).to_bytes(len(line.signature))
        changed = whole.replace(f"{line.text}\n", signature_line(line.name, line.key_id, forged))
        with pytest.raises(NoteError, match="does not belong"):
            open_checkpoint(changed, ORIGIN, [KEY.verifier])
