"""`ledger publish`, `check`, `refresh` and `monitor` as a town, an outsider and two neighbours have them."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger_automation.chain import anvil, open_chain

LOGGED = ("--level", "logged")


class Shown:
    """A town's log in a folder, its policy, and a node to ask: all that an outsider gets."""

    def __init__(self, town: Any, url: str, folder: Path, outsider: Any) -> None:
        self.town = town
        self.url = url
        self.folder = folder
        self.policy = town.home / "policy.json"
        self.outsider = outsider

    def __call__(self, *words: object, chain: str = "") -> Any:
        return self.outsider(*words, "--policy", self.policy, "--chain", chain or self.url)

    def copied(self, folder: Path) -> Path:
        return Path(shutil.copytree(self.folder, folder))


@pytest.fixture(scope="module")
def shown(towns: Callable[[], Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    town, folder = towns(), tmp_path_factory.mktemp("published") / "log"
    town.case = town.open()
    with open_chain("anvil", town.home):
        town.ok("seal", "--chain", "anvil")
        town.ok("receipt", town.case, "--out", folder.parent / "receipt.json")
        for _ in range(3):
            town.open()
        town.ok("seal", "--chain", "anvil")
        town.ok("publish", folder)
        yield Shown(town, f"http://127.0.0.1:{anvil._read(town.home / 'anvil').port}", folder, towns())


def lines(answer: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.out.splitlines()]


def test_publishing_says_what_is_shown_and_again_nothing_is_written(shown: Shown) -> None:
    again = shown.town.ok("publish", shown.folder)
    assert (again["tree_size"], again["previous_size"], again["files"]) == (4, 4, 0)
    assert "shows 4 leaves, 0 of them new" in shown.town("publish", shown.folder).out


def test_an_outsider_needs_the_folder_the_policy_and_one_node(shown: Shown) -> None:
    answer = shown("check", shown.folder, "--json")
    assert answer.code == 0, answer
    assert (answer.data["verdict"], answer.data["reason"]) == ("final", "anchored")
    assert (answer.data["tree_size"], answer.data["anchored_size"], answer.data["findings"]) == (4, 4, [])
    assert [step["step"] for step in answer.data["steps"]][-1] == "7 confirmations"
    assert not shown.outsider.home.exists()


def test_a_chain_that_does_not_answer_is_unreachable_and_a_bad_tile_is_found_all_the_same(
    shown: Shown, tmp_path: Path
) -> None:
    assert shown("check", shown.folder, chain="http://127.0.0.1:9").code == 20
    folder = shown.copied(tmp_path / "bad")
    path = folder / "tile" / "entries" / "000.p" / "4"
    path.write_bytes(path.read_bytes()[::-1])
    answer = shown("check", folder, chain="http://127.0.0.1:9")
    assert (answer.code, "T31 tile/entries/000.p/4" in answer.out) == (30, True), answer


def test_a_receipt_is_brought_up_to_date_without_the_office(shown: Shown, tmp_path: Path) -> None:
    old, fresh = shown.folder.parent / "receipt.json", tmp_path / "fresh.json"
    answer = shown("refresh", old, shown.folder, "--out", fresh, "--json")
    assert (answer.code, answer.data["renewed"], answer.data["tree_size"]) == (0, True, 4), answer
    verified = shown("verify", fresh, *LOGGED, "--held", old, "--json")
    assert (verified.code, verified.data["verdict"]) == (0, "final"), verified
    assert shown("verify", fresh, "--json").data["reason"] == "not_anchored"
    again = shown("refresh", fresh, shown.folder, "--out", fresh)
    assert "nothing newer" in again.out


def test_a_monitor_verifies_remembers_and_says_what_is_wrong_as_lines_of_json(shown: Shown, tmp_path: Path) -> None:
    words = ("--memory", tmp_path / "memory.json", "--once")
    first = shown("monitor", shown.folder, *words)
    assert first.code == 0, first
    assert [(each["kind"], each["tree_size"], each["anchored_size"]) for each in lines(first)] == [("verified", 4, 4)]
    assert shown("check", shown.folder, "--held", tmp_path / "memory.json").code == 0
    folder = shown.copied(tmp_path / "log")
    (folder / "checkpoint").unlink()
    gone = shown("monitor", folder, *words)
    assert gone.code == 20, gone
    assert [each["kind"] for each in lines(gone)] == ["verified", "unreachable"]
    (folder / "checkpoint").write_text("forged")
    bad = shown("monitor", folder, *words)
    assert (bad.code, lines(bad)[-1]["kind"], lines(bad)[-1]["verdict"]) == (30, "bad_checkpoint", "contradicted")
    still = shown("monitor", shown.folder, *words, "--silence", "0.000001")
    assert (still.code, lines(still)[-1]["kind"]) == (10, "freeze")


def test_without_once_it_goes_on_until_something_is_contradicted(shown: Shown, tmp_path: Path) -> None:
    folder = shown.copied(tmp_path / "log")
    words = ("--memory", tmp_path / "memory.json")
    assert shown("monitor", folder, *words, "--once").code == 0
    path = folder / "tile" / "0" / "000.p" / "4"
    path.write_bytes(path.read_bytes()[::-1])
    answer = shown("monitor", folder, *words, "--every", "0.01")
    assert (answer.code, lines(answer)[-1]["kind"]) == (30, "bad_tile")


def test_two_neighbours_find_a_split_view_by_their_notes(towns: Callable[[], Any], tmp_path: Path) -> None:
    """One key signs two logs of one size; each neighbour is shown one of them."""
    town = towns()
    town.open()
    town.ok("seal", *LOGGED)
    town.ok("publish", tmp_path / "log")
    other = towns()
    shutil.copytree(town.home, other.home)
    for each, folder in ((town, "one"), (other, "two")):
        each.open()
        each.ok("seal", *LOGGED)
        each.ok("publish", tmp_path / folder)
        seen = each("monitor", tmp_path / folder, *LOGGED, "--once", "--memory", tmp_path / f"{folder}.json")
        assert seen.code == 0, seen
    refused = other("publish", tmp_path / "one")
    assert (refused.code, "another log" in refused.err) == (30, True), refused
    split = other(
        "monitor",
        tmp_path / "two",
        *LOGGED,
        "--once",
        "--memory",
        tmp_path / "two.json",
        "--held",
        tmp_path / "one.json",
    )
    assert split.code == 30
    (alarm,) = [each for each in lines(split) if each["kind"] == "fork"]
    assert len({note.split("\n")[2] for note in alarm["notes"]}) == 2
    assert other("check", tmp_path / "two", *LOGGED, "--held", tmp_path / "one" / "checkpoint").code == 30


def test_a_log_that_lost_its_end_is_known_by_the_chain(shown: Shown, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    shown.town.ok("publish", folder)
    shown.town.open()
    shown.town.ok("seal", "--chain", "anvil")
    answer = shown("check", folder, "--json")
    assert (answer.code, answer.data["findings"][0]["class"]) == (30, "T21"), answer
    assert shown("monitor", folder, "--once", "--memory", tmp_path / "m.json").code == 30
    shown.town.ok("publish", folder)
    assert shown("check", folder).code == 0
    shown.town.ok("publish", shown.folder)


REFUSED: dict[str, tuple[tuple[object, ...], int]] = {
    "a folder that is not there": (("check", "/nowhere", *LOGGED), 5),
    "no level of that name": (("check", ".", "--level", "x"), 2),
    "a held file that is none": (("check", ".", *LOGGED, "--held", "/nowhere"), 5),
    "no time between two looks": (("monitor", ".", *LOGGED, "--every", "0"), 2),
    "an endless silence": (("monitor", ".", *LOGGED, "--silence", "nan"), 2),
    "a receipt that is not there": (("refresh", "/nowhere", "."), 5),
    "a place that is a file": (("publish", "/dev/null"), 4),
    "a server that is not there": (("check", "http://127.0.0.1:9/log", *LOGGED), 20),
}


@pytest.mark.parametrize("how", REFUSED)
def test_a_refusal_is_one_sentence_and_an_exit_code(shown: Shown, how: str) -> None:
    words, code = REFUSED[how]
    answer = shown.town(*words)
    assert answer.code == code, answer
    assert answer.err.count("\n") == (1 if code != 20 else 0), answer
