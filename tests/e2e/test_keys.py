"""Keys as a user handles them: shown without a secret, given by the environment, rotated while cases go on."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ledger_automation.audit.event import log_case_id
from ledger_automation.chain import open_chain
from ledger_automation.cli import keys as verbs
from ledger_automation.cli.options import Options
from ledger_automation.tlog.checkpoint import open_checkpoint
from ledger_automation.tlog.note import VerifierKey

ORIGIN = "wismar.example/ledger"
SECRET = "0x" + "5a" * 32


class Died(BaseException):
    """The process ended here."""


@pytest.fixture(scope="module")
def sealed(towns: Callable[[], Any]) -> Iterator[Any]:
    """A town with one anchored case, its receipt, and the policy that an outsider pinned then."""
    town = towns()
    with open_chain("anvil", town.home):
        town.case = town.open()
        town.ok("seal", "--chain", "anvil")
        town.receipt, town.old_policy = town.home.parent / "old.json", town.home.parent / "old-policy.json"
        town.ok("receipt", town.case, "--out", town.receipt)
        shutil.copy(town.home / "policy.json", town.old_policy)
        yield town


def everything(home: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file())


def test_what_is_shown_is_no_secret(sealed: Any) -> None:
    shown = sealed.ok("keys", "show")
    assert [each["name"] for each in shown["files"]] == ["admin", "anchorer"]
    assert shown["log_keys"] == [(sealed.home / "keys" / "log.pub").read_text().strip()]
    told = json.dumps(shown) + sealed("keys", "show").out
    for name in ("admin", "anchorer", "log"):
        secret = (sealed.home / "keys" / f"{name}.key").read_text().strip().removeprefix("0x")
        assert secret not in told
    assert not any(each["path"] not in told for each in shown["files"])


def test_showing_makes_nothing(towns: Callable[[], Any]) -> None:
    town = towns()
    assert town.ok("keys", "show") == {"anchorer_source": "file", "files": [], "log_keys": []}
    assert not town.home.exists()


def test_the_anchorer_is_rotated_and_the_log_goes_on(sealed: Any) -> None:
    before = {each["name"]: each["address"] for each in sealed.ok("keys", "show")["files"]}
    sealed.open()
    sealed.ok("seal", "--level", "logged")
    with closing(
        sqlite3.connect(sealed.home / "ledger.sqlite")
    ) as database:  # sent, and nobody asked what became of it
        database.execute("UPDATE submission SET state = 'pending', block_number = NULL, block_hash = NULL")
        database.commit()
    rotated = sealed.ok("keys", "rotate", "anchorer", "--chain", "anvil")
    with closing(sqlite3.connect(sealed.home / "ledger.sqlite")) as database:
        assert database.execute("SELECT DISTINCT state FROM submission").fetchall() == [("final",)]
    assert rotated["former"] == before["anchorer"] != rotated["current"]
    assert rotated["left_wei"] > 0
    size = sealed.ok("seal", "--chain", "anvil")["anchored_size"]
    audit = sealed.ok("audit", "--chain", "anvil")
    assert (audit["verdict"], audit["anchored_size"]) == ("final", size)
    with closing(sqlite3.connect(sealed.home / "ledger.sqlite")) as database:
        senders = database.execute("SELECT DISTINCT sender FROM submission ORDER BY tree_size").fetchall()
    assert senders == [(rotated["former"],), (rotated["current"],)]
    assert sealed.ok("verify", sealed.receipt, "--chain", "anvil")["verdict"] == "final"
    assert "no longer may" in sealed("keys", "rotate", "anchorer", "--chain", "anvil").out


def test_the_log_key_is_rotated_and_old_receipts_stay_valid(sealed: Any) -> None:
    (old,) = sealed.ok("keys", "show")["log_keys"]
    rotated = sealed.ok("keys", "rotate", "log")
    new = rotated["current"]
    assert (rotated["former"], sealed.ok("keys", "show")["log_keys"]) == (old, [new, old])
    assert json.loads((sealed.home / "policy.json").read_text())["log_keys"] == [new, old]
    case = sealed.open()
    sealed.ok("seal", "--chain", "anvil")
    assert sealed.ok("audit", "--chain", "anvil")["verdict"] == "final"
    receipt = sealed.home.parent / "new.json"
    sealed.ok("receipt", case, "--out", receipt)
    for each in (sealed.receipt, receipt):
        assert sealed.ok("verify", each, "--chain", "anvil")["verdict"] == "final"
    # Whoever pinned the old key alone verifies what it signed, and is not led to believe another.
    theirs = ("--policy", sealed.old_policy, "--chain", "anvil", "--json")
    assert sealed("verify", sealed.receipt, *theirs).data["verdict"] == "final"
    assert sealed("verify", receipt, *theirs).code == 30
    assert announced(sealed.home) == [(new, True)]
    for note, by in notes(sealed.home):
        open_checkpoint(note, ORIGIN, [VerifierKey.parse(new if by > rotated["announced_by_size"] else old)])


def announced(home: Path) -> list[tuple[str, bool]]:
    """Return the keys that the log announces, and whether each announcement is in the log."""
    query = (
        "SELECT canonical, leaf_index IS NOT NULL FROM event JOIN content ON content.event_id = event.id "
        "LEFT JOIN leaf ON leaf.event_id = event.id WHERE event.case_id = ? AND action = 'announce_key'"
    )
    with closing(sqlite3.connect(home / "ledger.sqlite")) as database:
        rows = database.execute(query, (str(log_case_id(ORIGIN)),)).fetchall()
    return [(json.loads(canonical)["payload"]["public_key"], bool(leaf)) for canonical, leaf in rows]


def notes(home: Path) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(home / "ledger.sqlite")) as database:
        return database.execute("SELECT note, tree_size FROM checkpoint ORDER BY tree_size").fetchall()


def test_a_log_rotation_interrupted_anywhere_is_finished_by_the_same_call(
    towns: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    town = towns()
    town.open()
    town.ok("deploy")
    steps = ("stored_log_key", "announce_key", "publish", "pin")
    options = Options(home=town.home)
    moments = [(name, when) for name in steps for when in ("before", "after")]
    former = town.ok("keys", "show")["log_keys"][0]
    for number, (name, when) in enumerate(moments):
        with monkeypatch.context() as patch:
            patch.setattr(verbs, name, dying(getattr(verbs, name), when))
            with pytest.raises(Died):
                verbs.log(options=options)
        finished = town.ok("keys", "rotate", "log")
        assert finished["former"] == former
        assert [key for key, _ in announced(town.home)][number:] == [finished["current"]], (name, when)
        assert not (town.home / "keys" / "log.next.key").exists()
        listed = (town.home / "keys" / "log.pub").read_text().split()
        assert listed[:2] == [finished["current"], former]
        assert json.loads((town.home / "policy.json").read_text())["log_keys"] == listed
        former = finished["current"]
        if number == 2:
            town.ok("seal", "--level", "logged")
    assert town.ok("audit", "--level", "logged")["verdict"] == "final"


def dying(call: Callable[..., Any], when: str) -> Callable[..., Any]:
    def died(*arguments: Any, **options: Any) -> None:
        if when == "after":
            call(*arguments, **options)
        raise Died

    return died


def test_a_key_of_the_environment_signs_and_is_written_nowhere(towns: Callable[[], Any]) -> None:
    town = towns()
    mounted = town.home.parent / "secret"
    mounted.write_text(f"{SECRET}\n")
    with open_chain("anvil", town.home):
        town.open()
        for env in ({"LEDGER_ANCHORER_KEY": SECRET}, {"LEDGER_ANCHORER_KEY_FILE": str(mounted)}):
            sealed = town("seal", "--chain", "anvil", "--json", env=env)
            assert sealed.code == 0, sealed
            shown = town("keys", "show", "--json", env=env)
            doctor = town("doctor", "--chain", "anvil", env=env)
            assert (shown.data["anchorer_source"], doctor.code) == ("environment", 0), doctor
            assert "5a5a" not in str((sealed, shown, doctor))
            refused = town("keys", "rotate", "anchorer", "--chain", "anvil", env=env)
            assert (refused.code, refused.out) == (4, "")
    assert b"5a5a5a" not in everything(town.home)
    assert not (town.home / "keys" / "anchorer.key").exists()
    with closing(sqlite3.connect(town.home / "ledger.sqlite")) as database:
        assert database.execute("SELECT count(DISTINCT sender) FROM submission").fetchone() == (1,)


@pytest.mark.parametrize(
    "env",
    [
        {"LEDGER_ANCHORER_KEY": SECRET, "LEDGER_ANCHORER_KEY_FILE": "/dev/null"},
        {"LEDGER_ANCHORER_KEY": SECRET, "LEDGER_ANCHORER_SIGNER": "https://signer.example/"},
        {"LEDGER_ANCHORER_KEY_FILE": "/nowhere"},
        {"LEDGER_ANCHORER_KEY": SECRET[:-1]},
        {"LEDGER_ANCHORER_KEY": '{"version": 3, "crypto": "' + SECRET},
    ],
    ids=["twice", "key and signer", "missing", "half", "no keystore"],
)
def test_a_key_of_the_environment_that_cannot_be_is_one_sentence(env: dict[str, str], town: Any) -> None:
    refused = town("seal", env=env)
    assert (refused.code, refused.out) == (4, "")
    assert refused.err.strip().endswith(".")
    assert "5a5a" not in refused.err


def test_a_chain_that_ends_has_no_rotation(town: Any) -> None:
    refused = town("keys", "rotate", "anchorer")
    assert refused.code == 4
    assert "ends with this command" in refused.err
