"""Cosignatures: those of the public's witnesses hold here, and each way to get one wrong is refused."""

import base64

import pytest

from ledger_automation.errors import InvalidValue, NoteError
from ledger_automation.tlog.case_map import EMPTY_MAP_ROOT
from ledger_automation.tlog.checkpoint import Checkpoint, open_checkpoint
from ledger_automation.tlog.cosignature import Cosigner, WitnessKey, cosigned_at, witnesses_of
from ledger_automation.tlog.note import SignerKey, VerifierKey, open_note, read_lines, read_note
from ledger_automation.tlog.tree_head import TreeHead, read_head

ORIGIN = "wismar.example/ledger"
LOG = SignerKey(ORIGIN, b"\x01" * 32)
FIRST, SECOND = Cosigner("witness.example/1", b"\x02" * 32), Cosigner("witness.example/2", b"\x03" * 32)
BOTH = [FIRST.verifier, SECOND.verifier]
TEXT = Checkpoint(ORIGIN, 34_724, b"\x07" * 32, EMPTY_MAP_ROOT).text()
NOTE = LOG.sign(TEXT)
MOMENT = 1_679_315_147

PUBLIC_NOTE = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

\u2014 arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
\u2014 transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
\u2014 witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
\u2014 remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
\u2014 witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
"""  # noqa: E501  as it was published
PUBLIC_LOG = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
PUBLIC_WITNESSES = (
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
)
ABSENT = "rgdd.se/poc-witness+db03732e+BCjJKlo6BU0xfIb8LutqerIFTWIXEA0L5n3tW3QyPFgG"


def test_what_four_public_witnesses_wrote_under_a_public_log_holds() -> None:
    keys = [WitnessKey.parse(text) for text in (*PUBLIC_WITNESSES, ABSENT)]
    assert {key.text for key in witnesses_of(PUBLIC_NOTE, keys)} == {*PUBLIC_WITNESSES}
    assert read_head(open_note(PUBLIC_NOTE, [VerifierKey.parse(PUBLIC_LOG)])).tree_size == 1_432_088_532
    assert cosigned_at(read_note(PUBLIC_NOTE)[1][-1]) == 0x6A122120
    with pytest.raises(NoteError, match="does not belong"):
        witnesses_of(PUBLIC_NOTE.replace("1432088532", "1432088533"), keys)


def test_a_cosignature_is_a_line_of_the_kind_04_over_the_moment_and_the_whole_text() -> None:
    line = FIRST.cosign(TEXT, MOMENT)
    (read,) = read_lines(line)
    assert (read.name, read.key_id, len(read.signature)) == ("witness.example/1", FIRST.verifier.key_id, 72)
    assert cosigned_at(read) == MOMENT
    assert base64.b64decode(FIRST.verifier.text.split("+", 2)[2])[0] == 4
    assert witnesses_of(NOTE + line, BOTH) == [FIRST.verifier]
    assert open_checkpoint(NOTE + line, ORIGIN, [LOG.verifier]).tree_size == 34_724


def test_however_often_one_witness_cosigned_it_counts_once() -> None:
    lines = FIRST.cosign(TEXT, MOMENT) + FIRST.cosign(TEXT, MOMENT + 1)
    assert witnesses_of(NOTE + lines, BOTH) == [FIRST.verifier]
    assert witnesses_of(NOTE + lines + SECOND.cosign(TEXT, MOMENT), BOTH) == BOTH


@pytest.mark.parametrize(
    "other",
    [
        TEXT.replace("34724", "34725"),
        TEXT.replace("case-map ", "case-map A"),
        TEXT.replace(ORIGIN, "else.example/ledger"),
        TEXT + "more\n",
    ],
)
def test_it_covers_every_line_of_the_text(other: str) -> None:
    with pytest.raises(NoteError, match="does not belong"):
        witnesses_of(LOG.sign(other) + FIRST.cosign(TEXT, MOMENT), BOTH)


def changed(line: str, at: int, octet: int) -> str:
    (read,) = read_lines(line)
    octets = bytearray(read.key_id + read.signature)
    octets[at] ^= octet
    return f"\u2014 {read.name} {base64.b64encode(octets).decode()}\n"


@pytest.mark.parametrize("at", [*range(4, 76, 5), 4, 11, 12, 75])
def test_no_bit_of_moment_or_signature_can_be_changed(at: int) -> None:
    line = FIRST.cosign(TEXT, MOMENT)
    assert witnesses_of(NOTE + changed(line, at, 0), BOTH) == [FIRST.verifier]
    with pytest.raises(NoteError):
        witnesses_of(NOTE + changed(line, at, 1), BOTH)


@pytest.mark.parametrize("size", [1, 8, 64, 71, 73, 2_428])
def test_a_signature_of_another_length_is_none(size: int) -> None:
    octets = FIRST.verifier.key_id + bytes(size)
    line = f"\u2014 {FIRST.verifier.name} {base64.b64encode(octets).decode()}\n"
    with pytest.raises(NoteError):
        witnesses_of(NOTE + line, BOTH)


def test_a_log_key_is_no_witness_and_a_witness_signs_no_log() -> None:
    """The same seed as both: neither signature passes for the other, although the name is the same."""
    log, witness = SignerKey("one.example", b"\x09" * 32), Cosigner("one.example", b"\x09" * 32)
    assert log.verifier.key_id != witness.verifier.key_id
    for key in (log.verifier.text, FIRST.verifier.text.replace("+B", "+A")):
        with pytest.raises(InvalidValue):
            WitnessKey.parse(key)
    with pytest.raises(InvalidValue):
        VerifierKey.parse(witness.verifier.text)
    with pytest.raises(NoteError, match="No pinned key"):
        open_note(f"{TEXT}\n{witness.cosign(TEXT, MOMENT)}", [log.verifier])
    assert witnesses_of(log.sign(TEXT), [witness.verifier]) == []


@pytest.mark.parametrize("moment", [-1, 2**63])
def test_a_moment_is_within_63_bits(moment: int) -> None:
    with pytest.raises(InvalidValue):
        FIRST.cosign(TEXT, moment)


def test_a_later_moment_than_63_bits_is_refused_even_if_it_is_signed() -> None:
    moment = 2**63
    signed = FIRST._private.sign(f"cosignature/v1\ntime {moment}\n{TEXT}".encode())
    octets = FIRST.verifier.key_id + moment.to_bytes(8, "big") + signed
    with pytest.raises(NoteError):
        witnesses_of(NOTE + f"\u2014 {FIRST.verifier.name} {base64.b64encode(octets).decode()}\n", BOTH)
    with pytest.raises(InvalidValue):
        Cosigner("witness.example/1", b"\x02" * 31)


@pytest.mark.parametrize("mark", ["\x00", "\x09", "\x0d", "\x1f"])
def test_a_note_holds_no_control_character(mark: str) -> None:
    with pytest.raises(NoteError, match="control character"):
        read_note(LOG.sign(TEXT.replace("case-map", f"case{mark}map")))
    with pytest.raises(InvalidValue):
        Cosigner(f"witness{mark}example", b"\x02" * 32) if mark != "\x00" else Cosigner("a\u2003b", b"\x02" * 32)


@pytest.mark.parametrize("text", ["", "a\n", "a\n1\n", f"\n1\n{'A' * 43}=\n", f"a\n1\n{'A' * 43}=\n\nb\n"])
def test_a_head_is_three_lines_and_none_is_empty(text: str) -> None:
    with pytest.raises(NoteError):
        read_head(text)


def test_a_head_may_have_lines_that_other_logs_know() -> None:
    assert read_head(f"a\n1\n{'A' * 43}=\n") == read_head(f"a\n1\n{'A' * 43}=\nb\n") == TreeHead("a", 1, bytes(32))
