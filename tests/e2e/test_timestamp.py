"""A second anchor without any chain: an authority's token over a receipt's checkpoint, asked for and verified."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger_automation.study.authority import Authority, openssl, serving


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    with serving(tmp_path / "authority") as opened:
        yield opened


@pytest.fixture
def town(towns: Callable[[], Any]) -> Any:
    """A log without a chain, and the receipt of its one case."""
    made = towns()
    case = made.open()
    made.ok("seal", "--level", "logged")
    made.ok("receipt", case, "--out", made.home / "receipt.json")
    made.ok("receipt", case, "--encoding", "cose", "--out", made.home / "receipt.cose")
    return made


def stamp(town: Any, authority: Authority, *words: object) -> Any:
    out = town.home / "token.tsr"
    return town("timestamp", *words, authority.url, "--authority", authority.certificate, "--out", out, "--json")


def verify(town: Any, authority: Authority, *words: object) -> Any:
    given = ("--timestamp", town.home / "token.tsr", "--authority", authority.certificate, "--level", "logged")
    return town("verify", *words, *given, "--json")


def test_a_checkpoint_is_stamped_and_the_receipt_says_by_when(town: Any, authority: Authority) -> None:
    receipt = town.home / "receipt.json"
    stamped = stamp(town, authority, receipt)
    assert (stamped.code, stamped.data["tree_size"], stamped.data["authority"]) == (0, 1, "tsa.example")
    for file in (receipt, town.home / "receipt.cose"):
        answer = verify(town, authority, file)
        assert (answer.code, answer.data["verdict"], answer.data["reason"]) == (0, "final", "logged")
        last = answer.data["steps"][-1]
        assert (last["step"], last["holds"]) == ("12 timestamp", True)
        assert last["detail"].startswith("tsa.example was shown the checkpoint by 20")
    note = json.loads(receipt.read_text())["checkpoint"]
    text = town.home / "text"
    text.write_text(note.rpartition("\n\n")[0] + "\n")
    shown = openssl("ts", "-verify", "-in", town.home / "token.tsr", "-data", text, "-CAfile", authority.certificate)
    assert b"Verification: OK" in shown + b"Verification: OK" * (shown == b"")


def test_a_published_checkpoint_is_stamped_without_the_office(town: Any, authority: Authority) -> None:
    folder = town.home / "www"
    town.ok("publish", folder)
    assert stamp(town, authority, folder / "checkpoint").code == 0
    assert verify(town, authority, town.home / "receipt.json").code == 0


def test_a_token_over_another_checkpoint_or_of_another_authority_contradicts(
    town: Any, authority: Authority, tmp_path: Path
) -> None:
    assert stamp(town, authority, town.home / "receipt.json").code == 0
    later = town.open()
    town.ok("seal", "--level", "logged")
    town.ok("receipt", later, "--out", town.home / "later.json")
    with serving(tmp_path / "stranger", "stranger.example") as stranger:
        answers = [
            verify(town, authority, town.home / "later.json"),
            verify(town, stranger, town.home / "receipt.json"),
        ]
        refused = town(
            "timestamp", town.home / "receipt.json", stranger.url, "--authority", authority.certificate,
            "--out", town.home / "none.tsr",
        )  # fmt: skip
    assert [(each.code, each.data["reason"]) for each in answers] == [(30, "step_12_timestamp")] * 2
    assert all(each.data["steps"][-1]["holds"] is False for each in answers)
    assert (refused.code, (town.home / "none.tsr").exists()) == (30, False), "what does not hold is not kept"
    token = town.home / "token.tsr"
    octets = bytearray(token.read_bytes())
    octets[-20] ^= 1
    token.write_bytes(octets)
    assert verify(town, authority, town.home / "receipt.json").code == 30


def test_what_is_no_token_no_certificate_or_no_authority_is_said(town: Any, authority: Authority) -> None:
    receipt, text = town.home / "receipt.json", town.home / "text"
    text.write_text("hello")
    given = ("--level", "logged", "--timestamp")
    answers = {
        2: [
            town("verify", receipt, *given, text, "--authority", authority.certificate),
            town("verify", receipt, *given, text),
            town("verify", receipt, "--level", "logged", "--authority", authority.certificate),
            town("timestamp", receipt, authority.url, "--authority", text, "--out", text),
            town("timestamp", receipt, "ftp://tsa", "--authority", authority.certificate, "--out", text),
        ],
        5: [
            town("verify", receipt, *given, town.home / "none", "--authority", authority.certificate),
            town("timestamp", town.home / "none", authority.url, "--authority", authority.certificate, "--out", text),
        ],
        20: [town("timestamp", receipt, "http://127.0.0.1:9/", "--authority", authority.certificate, "--out", text)],
    }
    for code, found in answers.items():
        assert [(each.code, each.err.count("\n")) for each in found] == [(code, 1)] * len(found), found
    assert text.read_text() == "hello"
