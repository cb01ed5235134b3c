"""`ledger backup` and `ledger restore` as a user has them: answers, refusals, and a town that goes on elsewhere."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.conftest import Town

LOGGED = ("--level", "logged")


@pytest.fixture(scope="module")
def kept(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A back-up of a town, without its private keys; nobody changes it."""
    folder = tmp_path_factory.mktemp("backups") / "kept"
    town.ok("seal", *LOGGED)
    town.ok("backup", folder)
    return folder


def test_a_town_goes_on_elsewhere_with_its_keys(town: Town, towns: Callable[[], Town], tmp_path: Path) -> None:
    case = town.open()
    town.ok("seal", *LOGGED)
    before = town.state()
    answer = town("backup", tmp_path / "all", "--with-keys", "--json")
    assert (answer.code, answer.data["private_keys"]) == (0, True)
    assert "private keys" in answer.err
    assert town.state() == before
    elsewhere = towns()
    found = elsewhere.ok("restore", tmp_path / "all")
    assert (found["verdict"], found["erased"], found["restored"]["rows"]) == ("pending", 0, answer.data["rows"])
    assert elsewhere.ok("case", "show", case) == town.ok("case", "show", case)
    assert elsewhere.ok("audit", *LOGGED)["verdict"] == "final"
    elsewhere.open()
    elsewhere.ok("seal", *LOGGED)
    assert elsewhere.ok("audit", *LOGGED)["verdict"] == "final"


def test_without_its_keys_it_can_be_read_and_audited_and_not_go_on(kept: Path, towns: Callable[[], Town]) -> None:
    elsewhere = towns()
    answer = elsewhere("restore", kept)
    assert (answer.code, answer.err) == (0, "")
    assert "without private keys" in answer.out
    assert elsewhere.ok("audit", *LOGGED)["verdict"] == "final"
    before = elsewhere.state()
    sealed = elsewhere("seal", *LOGGED)
    assert (sealed.code, sealed.out) == (4, "")
    assert "log.key is not here" in sealed.err
    assert elsewhere.state() == before


def test_a_local_chain_that_is_not_there_any_more_is_said(
    town: Town, towns: Callable[[], Town], tmp_path: Path
) -> None:
    town.ok("seal")  # on a chain that ends with the command
    town.ok("backup", tmp_path / "kept")
    elsewhere = towns()
    answer = elsewhere("restore", tmp_path / "kept", "--json")
    assert (answer.code, answer.data["verdict"]) == (20, "unreachable")
    assert elsewhere.ok("audit", *LOGGED)["verdict"] == "final"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("backup",), 2),
        (("restore",), 2),
        (("backup", "{kept}"), 2),
        (("backup", "{kept}/manifest.json"), 2),
        (("restore", "{empty}"), 2),
        (("restore", "{missing}"), 2),
        (("restore", "{kept}/manifest.json"), 2),
        (("restore", "{kept}"), 4),
        (("restore", "{kept}", "--home", "{fresh}", "--db", "sqlite:///{kept}/ledger.sqlite"), 4),
        (("restore", "{kept}", "--home", "{fresh}", "--db", "oracle://x"), 2),
        (("restore", "{kept}", "--home", "{fresh}", "--db", "postgresql://x@127.0.0.1:9/x"), 20),
        (("backup", "{missing}", "--home", "{fresh}"), 5),
        (("backup", "{missing}", "--db", "postgresql://x@127.0.0.1:9/x"), 20),
        (("backup", "{missing}", "--keys"), 2),
    ],
    ids=str,
)
def test_wrong_input_is_one_sentence_and_changes_nothing(
    words: tuple[str, ...], code: int, town: Town, kept: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    before, content = town.state(), {each: each.read_bytes() for each in kept.rglob("*") if each.is_file()}
    places = {"kept": kept, **{name: tmp_path / name for name in ("empty", "missing", "fresh")}}
    answer = town(*(word.format(**places) for word in words))
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.count("\n") == 1 or code == 2  # usage errors of the parser are framed
    assert town.state() == before
    assert {each: each.read_bytes() for each in kept.rglob("*") if each.is_file()} == content
    assert not (tmp_path / "missing").exists()
    assert not (tmp_path / "fresh").exists()


def test_another_logs_back_up_is_refused(kept: Path, towns: Callable[[], Town]) -> None:
    elsewhere = towns()
    answer = elsewhere("restore", kept, "--json", env={"LEDGER_ORIGIN": "other.example/ledger"})
    assert answer.code == 4
    assert json.loads(answer.out)["facts"]["expected"] == "other.example/ledger"
    assert not elsewhere.home.exists()
