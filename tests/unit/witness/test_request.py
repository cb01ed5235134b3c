"""The body of a request is read in one way or not at all."""

import base64

import pytest

from ledger_automation.errors import InvalidValue
from ledger_automation.witness.request import read_submission
from support.views import View, request

VIEW = View()
NOTE = VIEW.note(11)
HASH = base64.b64encode(b"\x07" * 32).decode()


def body(*lines: str, note: str = NOTE) -> bytes:
    return ("\n".join(lines) + "\n\n" + note).encode()


def test_it_is_an_old_size_a_proof_a_blank_line_and_a_note() -> None:
    read = read_submission(VIEW.body(11, 4))
    assert (read.old_size, list(read.proof)) == (4, VIEW.proof(4, 11))
    assert (read.text, read.note) == (VIEW.checkpoint(11).text(), NOTE)
    assert (read.head.tree_size, read.lines[0].name) == (11, read.head.origin)


def test_the_note_may_be_of_any_log_and_have_many_signatures() -> None:
    note = f"else.example\n7\n{HASH}\none\ntwo\n\n" + "\u2014 a AAAAAAA=\n" * 16
    read = read_submission(body("old 7", note=note))
    assert (read.head, len(read.lines)) == (("else.example", 7, b"\x07" * 32), 16)


def test_the_longest_proof_has_63_hashes() -> None:
    assert len(read_submission(body("old 1", *[HASH] * 63)).proof) == 63
    with pytest.raises(InvalidValue, match="63"):
        read_submission(body("old 1", *[HASH] * 64))


WRONG = {
    "nothing": b"",
    "no bytes of UTF-8": b"\xff" + VIEW.body(11),
    "no old size": body(HASH),
    "no blank line": f"old 0\n{NOTE}".encode(),
    "a blank line too many": b"\n" + VIEW.body(11),
    "a blank line before the note": f"old 0\n\n\n{NOTE}".encode(),
    "carriage returns": VIEW.body(11).replace(b"\n", b"\r\n"),
    "a leading zero": body("old 04"),
    "a sign": body("old +4"),
    "a negative size": body("old -4"),
    "an underscore": body("old 1_0"),
    "digits of another script": body("old \u0664"),
    "two spaces": body("old  4"),
    "a space behind": body("old 4 "),
    "a tab": body("old\t4"),
    "another word": body("size 4"),
    "capitals": body("Old 4"),
    "no size": body("old"),
    "a size without end": body("old " + "9" * 17),
    "a hash of 31 bytes": body("old 4", base64.b64encode(bytes(31)).decode()),
    "a hash of 33 bytes": body("old 4", base64.b64encode(bytes(33)).decode()),
    "a hash without padding": body("old 4", HASH.rstrip("=")),
    "a hash of another alphabet": body("old 4", "-" + HASH[1:]),
    "a hash with spare bits": body("old 4", HASH[:42] + "d="),
    "two hashes a line": body("old 4", f"{HASH} {HASH}"),
    "an empty hash": body("old 4", "", HASH),
    "no note": body("old 0", note=""),
    "a note without signatures": body("old 0", note=NOTE.split("\n\n")[0] + "\n"),
    "a note that ends without a newline": body("old 0", note=NOTE[:-1]),
    "a note with something behind it": body("old 0", note=NOTE + "more\n"),
    "a checkpoint of two lines": body("old 0", note="a\n7\n\n\u2014 a AAAAAAA=\n"),
    "a checkpoint with an empty line": body("old 0", note=f"a\n7\n{HASH}\n\nb\n\n\u2014 a AAAAAAA=\n"),
    "a control character": body("old 0", note=NOTE.replace("case-map", "case\x00map")),
}


@pytest.mark.parametrize("how", WRONG)
def test_what_can_be_read_in_two_ways_is_refused(how: str) -> None:
    assert read_submission(request(0, [], NOTE)).head.tree_size == 11
    with pytest.raises(InvalidValue):
        read_submission(WRONG[how])
