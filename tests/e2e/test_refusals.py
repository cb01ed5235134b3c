"""Bad input: one clear sentence on stderr, the documented exit code, never a traceback, and nothing is changed."""

import gzip
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NOBODY = "http://127.0.0.1:9"
OPEN = ("case", "open", "parking_fine", "--actor", "olga", "--role", "clerk", "--payload")
DO = ("--actor", "olga", "--role", "clerk")
FINE = '{"amount": 3500, "offence": "kerb"}'
NO_CASE = "00000000-0000-4000-8000-000000000000"
REPLAY = ("--workflow", "parking_fine", "--mapping", "road_traffic_fines")
EVENT = (
    '<event><string key="concept:name" value="{}"/><date key="time:timestamp" value="2012-01-02T00:00:00Z"/></event>'
)
XES = "<log><trace>" + EVENT.format("Create Fine") * 3 + "</trace></log>"
LOGS = {
    "truncated.xes": XES[:-60].encode(),
    "truncated.xes.gz": gzip.compress(XES.encode() * 50)[:-20],
    "plain.xes.gz": XES.encode(),
    "other.xes": b"<people><person/></people>",
    "page.xes": b"<!doctype html><html><body>404 Not Found</body></html>",
    "empty.xes": b"",
    "image.xes": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "bomb.xes": b'<!DOCTYPE log [<!ENTITY a "aaaa">]><log>&a;</log>',
}
INPUTS: dict[str, tuple[int, tuple[str, ...]]] = {
    "unknown verb": (2, ("unseal",)),
    "unknown option": (2, ("seal", "--fast")),
    "missing argument": (2, ("case", "show")),
    "unknown level": (2, ("seal", "--level", "certain")),
    "unknown workflow": (2, ("case", "open", "wedding", *DO)),
    "unknown workflow of a replay": (2, ("replay", "x.xes", "--workflow", "wedding")),
    "unknown chain": (2, ("seal", "--chain", "ftp://chain")),
    "unknown database": (2, ("seal", "--level", "logged", "--db", "oracle://x")),
    "a fraction of a cent": (2, (*OPEN, '{"amount": 3500.5, "offence": "kerb"}')),
    "an amount as text": (2, (*OPEN, '{"amount": "35.001", "offence": "kerb"}')),
    "a negative amount": (2, (*OPEN, '{"amount": -1, "offence": "kerb"}')),
    "more than 2^53-1 cents": (2, (*OPEN, '{"amount": 9007199254740992, "offence": "kerb"}')),
    "broken JSON": (2, (*OPEN, '{"amount": 3500,')),
    "no object": (2, (*OPEN, "[1]")),
    "a duplicate key": (2, (*OPEN, '{"amount": 1, "amount": 2, "offence": "kerb"}')),
    "an unknown field": (2, (*OPEN, '{"amount": 1, "offence": "kerb", "colour": "red"}')),
    "a lone surrogate": (2, (*OPEN, '{"amount": 1, "offence": "\\ud800"}')),
    "a name for an actor": (2, ("case", "open", "parking_fine", "--actor", "Olga Meier", "--role", "clerk")),
    "a moment without a zone": (2, (*OPEN, FINE, "--at", "2026-01-31T12:00:00")),
    "no moment": (2, (*OPEN, FINE, "--at", "yesterday")),
    "a malformed case id": (2, ("case", "show", "case-7")),
    "a wrong role": (3, ("case", "open", "parking_fine", "--actor", "olga", "--role", "applicant", "--payload", FINE)),
    "an unknown case": (5, ("case", "show", NO_CASE)),
    "a step of an unknown case": (5, ("case", "do", NO_CASE, "record_payment", *DO)),
    "a receipt of an unknown case": (5, ("receipt", NO_CASE)),
    "a missing document": (5, (*OPEN, FINE, "--attach", "missing.pdf")),
    "a missing payload": (5, (*OPEN, "@missing.json")),
    "a missing receipt": (5, ("verify", "missing.json")),
    "a missing log": (5, ("replay", "missing.xes", *REPLAY)),
    "a missing mapping": (5, ("replay", "log.xes", "--workflow", "parking_fine", "--mapping", "missing.toml")),
    "a missing policy": (5, ("audit", "--policy", "missing.json")),
    "no chain was ever pinned": (4, ("audit", "--level", "anchored")),
    "nobody listens for a seal": (20, ("seal", "--chain", NOBODY)),
    "nobody listens for a replay": (20, ("replay", "log.xes", *REPLAY, "--level", "anchored", "--chain", NOBODY)),
    "nobody listens for a deployment": (20, ("deploy", "--chain", NOBODY)),
}


def refused(town: Any, code: int, *words: object, env: dict[str, str] | None = None) -> str:
    """Call a verb that must refuse: its code, one sentence, no traceback, and every byte of the home as before."""
    before = town.state()
    answer = town(*words, env=env)
    assert answer.code == code, answer
    assert answer.out == ""
    sentence = answer.err.strip()
    assert sentence
    assert "\n" not in sentence or code == 2
    assert town.state() == before
    return str(sentence)


@pytest.fixture(scope="module", autouse=True)
def files(town: Any) -> Path:
    """The logs that are no logs, beside the home, where the program runs."""
    folder: Path = town.home.parent
    (folder / "log.xes").write_text(XES)
    for name, content in LOGS.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("what", INPUTS)
def test_bad_input_is_refused_in_words(what: str, town: Any) -> None:
    code, words = INPUTS[what]
    refused(town, code, *words)


@pytest.mark.parametrize("name", LOGS)
def test_what_is_no_log_is_refused_before_anything_is_written(name: str, town: Any) -> None:
    sentence = refused(town, 2, "replay", name, *REPLAY)
    assert name in sentence


def test_an_unmapped_activity_is_named_and_counted(town: Any, files: Path) -> None:
    activities = ("Create Fine", "Take Tea", "Take Tea", "Rest")
    (files / "tea.xes").write_text(f"<log><trace>{''.join(map(EVENT.format, activities))}</trace></log>")
    assert "Rest (1), Take Tea (2)" in refused(town, 2, "replay", "tea.xes", *REPLAY)
    answer = town("replay", "tea.xes", *REPLAY, "--json")
    assert answer.data["error"] == "UnmappedActivities"
    assert answer.data["facts"]["counts"] == {"Rest": 1, "Take Tea": 2}


def test_an_illegal_step_and_an_unknown_action(town: Any) -> None:
    case = town.open()
    refused(town, 3, "case", "do", case, "serve_decision", *DO)
    assert "no action 'fly'" in refused(town, 2, "case", "do", case, "fly", *DO)
    answer = town("case", "do", case, "serve_decision", *DO, "--json")
    assert answer.data["error"] == "TransitionNotAllowed"
    assert answer.data["facts"]["rule"]
    refused(town, 10, "receipt", case)


def test_a_newer_schema_is_refused_and_unchanged(towns: Callable[[], Any]) -> None:
    town = towns()
    town.open()
    with sqlite3.connect(town.home / "ledger.sqlite") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    for words in (("seal", "--level", "logged"), ("audit",), ("case", "show", NO_CASE), (*OPEN, FINE)):
        assert "9999" in refused(town, 4, *words)


def test_keys_that_others_can_read_or_that_are_none(towns: Callable[[], Any]) -> None:
    town = towns()
    town.open()
    key = town.home / "keys" / "log.key"
    honest = key.read_bytes()
    key.chmod(0o644)
    assert "chmod 600" in refused(town, 4, "seal", "--level", "logged")
    key.chmod(0o600)
    for garbage in (b"", b"not a key", b"ab" * 31, b"\xff" * 64):
        key.write_bytes(garbage)
        sentence = refused(town, 4, "seal", "--level", "logged")
        assert "not a key" not in sentence, "what a key file holds is never quoted"
    key.write_bytes(honest)
    anchorer = town.home / "keys" / "anchorer.key"
    for content, mode in ((b"garbage", 0o600), (b"0x" + b"12" * 32, 0o644)):
        anchorer.write_bytes(content)
        anchorer.chmod(mode)
        refused(town, 4, "seal")
    town.ok("seal", "--level", "logged")


def test_settings_that_do_not_hold(town: Any) -> None:
    assert "LEDGER_CONFIRMATIONS" in refused(town, 4, "seal", env={"LEDGER_CONFIRMATIONS": "0"})
    refused(town, 4, "case", "show", NO_CASE, "--home", "log.xes")
    refused(town, 4, "case", "show", NO_CASE, "--db", "sqlite:///log.xes/db.sqlite")
    refused(town, 4, "case", "show", NO_CASE, "--db", "sqlite:///log.xes")


def test_a_chain_or_contract_other_than_the_pinned_one(towns: Callable[[], Any]) -> None:
    town = towns()
    case = town.open()
    town.ok("seal", "--chain", "anvil")
    receipt, policy = town.home.parent / "receipt.json", town.home / "policy.json"
    town.ok("receipt", case, "--out", receipt)
    honest = json.loads(policy.read_text())
    for field, value in (
        ("chain_id", 1),
        ("registry", "0x" + "11" * 20),
        ("genesis_hash", "0x" + "00" * 32),
        ("registry_code_hash", "0x" + "00" * 32),
    ):
        other = town.home.parent / "other.json"
        other.write_text(json.dumps({**honest, "chain": {**honest["chain"], field: value}}))
        verified = town("verify", receipt, "--policy", other, "--chain", "anvil")
        assert verified.code == 4, verified
        assert town("audit", "--policy", other, "--chain", "anvil").code == 4
        policy.write_text(other.read_text())
        assert town("seal", "--chain", "anvil").code == 4
        policy.write_text(json.dumps(honest))
    assert town("seal", "--chain", "tester").code == 4, "a log that is anchored on one chain is not anchored on another"
    assert town("audit", "--chain", "anvil").code == 0


@pytest.fixture(scope="module")
def receipt(towns: Callable[[], Any]) -> tuple[Any, dict[str, Any], Path]:
    town = towns()
    case = town.open()
    town.ok("seal", "--level", "logged")
    path = town.home.parent / "receipt.json"
    town.ok("receipt", case, "--out", path)
    return town, json.loads(path.read_text()), path


FORGERIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another amount": lambda it: it["entries"][0].update(event=it["entries"][0]["event"].replace("3500", "3501")),
    "another salt": lambda it: it["entries"][0].update(salt="00" * 32),
    "another leaf": lambda it: it["entries"][0].update(leaf_index=1),
    "another root": lambda it: it.update(checkpoint=it["checkpoint"].replace("\n1\n", "\n2\n")),
    "no signature": lambda it: it.update(checkpoint=it["checkpoint"].split("\n\n")[0] + "\n"),
    "no event at all": lambda it: it["entries"][0].update(event="{}"),
}


@pytest.mark.parametrize("how", FORGERIES)
def test_a_forged_receipt_is_contradicted(how: str, receipt: Any) -> None:
    town, honest, path = receipt
    forged = json.loads(json.dumps(honest))
    FORGERIES[how](forged)
    file = path.with_name("forged.json")
    file.write_text(json.dumps(forged))
    before = town.state()
    answer = town("verify", file, "--json")
    assert (answer.code, answer.data["verdict"]) == (30, "contradicted"), answer
    assert [step["holds"] for step in answer.data["steps"]][-1] is False
    assert town.state() == before


def test_what_is_no_receipt_is_no_contradiction(receipt: Any) -> None:
    town, honest, path = receipt
    for content in ("", "{}", "[]", json.dumps({**honest, "entries": []}), json.dumps({**honest, "format": "v2"})):
        path.with_name("odd.json").write_text(content)
        refused(town, 2, "verify", path.with_name("odd.json"))
    assert town("verify", path, "--json").data["verdict"] == "final"
