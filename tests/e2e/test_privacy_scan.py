"""`ledger privacy-scan`: nothing of a person leaves; and whatever is planted on a way out is found and named."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from ledger_automation.study.privacy.outside import KINDS
from support.planted import PEOPLE, SEED

PLANTED: Final = Path(__file__).resolve().parents[1] / "support" / "planted.py"
SMALL: Final = ("privacy-scan", "--cases", "12", "--guesses", "60000", "--seed", str(SEED), "--json")
EXPECTED: Final = (
    ("calldata", "UTF-8", "plate", 0),
    ("state", "UTF-8", "plate", 0),
    ("party", "SHA-256 of the text, bytes 12 to 16", "name", 1),
    ("problem document", "UTF-8", "iban", 3),
    ("figures", "base64", "name", 4),
    ("public answer", "UTF-8", "file", 5),
    ("webhook", "SHA-256 of the text, hexadecimal", "plate", 6),
    ("journal", "JSON's escapes", "name", 7),
    ("manifest", "UTF-16", "email", 8),
)
"""Artefact, encoding, and what of whom, for each leak that `planted.py` makes."""


def scanned(*words: str) -> tuple[int, Any]:
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def leaking() -> tuple[int, Any]:
    return scanned(str(PLANTED), "leaks", *SMALL)


@pytest.mark.parametrize("chain", ["tester", "anvil"])
def test_nothing_of_a_person_leaves_the_database(chain: str) -> None:
    program = "from ledger_automation.cli import main; main()"
    code, found = scanned("-c", program, *SMALL, "--chain", chain)
    assert found["hits"] == []
    assert found["dictionary"]["matches"] == []
    assert (code, found["clean"]) == (0, True)
    assert found["dictionary"]["guesses"] == 60_000
    assert found["searched"].keys() >= set(KINDS) | ({"return"} if chain == "anvil" else set())
    assert all(each["octets"] for each in found["searched"].values() if each is not found["searched"]["code"])
    assert {"cpu", "commit", "seed", "date"} <= found.keys()
    observed = found["linkability"]
    assert observed["case_by_number"]["area"] == observed["actor_by_number"]["area"] == 1.0, "by design"
    assert set(observed["case_by_time"]) == {"logged", "anchored", "enforced"}


@pytest.mark.parametrize(("artefact", "encoding", "entry", "person"), EXPECTED, ids=[each[0] for each in EXPECTED])
def test_a_leak_on_any_way_out_is_found_and_named(
    leaking: tuple[int, Any], artefact: str, encoding: str, entry: str, person: int
) -> None:
    code, found = leaking
    assert (code, found["clean"]) == (30, False)
    hits = {(each["artefact"], each["encoding"], each["entry"], each["person"]): each for each in found["hits"]}
    assert (artefact, encoding, entry, person) in hits
    assert hits[artefact, encoding, entry, person]["place"]


def test_a_digest_without_a_salt_is_opened_by_the_dictionary(leaking: tuple[int, Any]) -> None:
    _, found = leaking
    matches = [(each["formula"], each["guess"], each["artefact"]) for each in found["dictionary"]["matches"]]
    assert ("SHA-256", PEOPLE[6].plate, "webhook") in matches


def test_commitments_whose_salt_is_taken_out_are_opened_by_the_dictionary() -> None:
    code, found = scanned(str(PLANTED), "salt", *SMALL)
    assert code == 30
    assert found["hits"] == [], "an event is more than one of its texts: only who guesses all of it finds out"
    matches = {each["formula"]: each["guess"] for each in found["dictionary"]["matches"]}
    assert matches.keys() == {"event without a salt", "leaf of an event without a salt"}
    assert set(matches.values()) == {PEOPLE[3].plate}, "the first fine that no contract enforces"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--cases", "11"), "The cases of a scan must be 12 to 4000, not 11."),
        (("--cases", "4001"), "The cases of a scan must be 12 to 4000, not 4001."),
        (("--guesses", "59999"), "The guesses of a scan must be 60000 to 10129860, not 59999."),
        (("--chain", "https://node.example/"), "The chain of a scan must be tester or anvil"),
    ],
)
def test_what_cannot_be_scanned_is_said_in_one_sentence(words: tuple[str, str], sentence: str) -> None:
    program = "from ledger_automation.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "privacy-scan", *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1
