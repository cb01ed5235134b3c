"""The big list of naughty strings through every text that a step may carry (R24): sent, stored, committed, receipted,
verified, and read back as they were sent.

Each string stands in all free texts of a trail at once. A default run sends each string along one trail, and each trail
sees its share of them; `make naughty` sends all of them along all. What the law reads itself (a calendar, a time zone)
is no free text: there, a string that is none is refused.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from contracts.laws.walks import PEOPLE
from ledger_automation.orchestrator.asked import Identity, Member
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.reading import public_log_keys
from ledger_automation.tlog.receipt import Receipt
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.verdict import Verdict
from ledger_automation.verify.verifier import Verifier
from ledger_automation.workflows import workflow
from ledger_automation.workflows._table import ROLES
from support.town import URL, Town, open_town
from support.trails import Move, Text, changed, fields, holds, loosened, read, trails, written

COMMITTED: Final = Path(__file__).with_name("trails.json")
READ_BY_THE_LAW: Final = frozenset({
    "record_fine.rules.holidays_of", "record_fine.rules.zone", "submit_application.rules.holidays_of",
    "submit_application.rules.zone", "open_programme.rules.zone",
})  # fmt: skip
"""Names of calendars and zones: what is none is refused at the opening."""
MISSING_IN_WORDS: Final = {("apply.own_share_proof", "")}
"""What is short enough for its field and long enough, and yet refused by the law: a proof that says nothing."""

ALL: Final = os.environ.get("LEDGER_NAUGHTY") == "all"


class Times:
    """The time of whichever step is sent."""

    now = None

    def __call__(self) -> Any:
        return self.now


@pytest.fixture(scope="module")
def times() -> Times:
    return Times()


@pytest.fixture(scope="module")
def walkers(tmp_path_factory: pytest.TempPathFactory, times: Times) -> Iterator[Town]:
    """A town in which everybody who stands in a trail may act in any role."""
    with open_town(tmp_path_factory.mktemp("naughty"), times) as town:
        seat(town)
        yield town


def seat(town: Town) -> None:
    with town.ledger.begin() as unit:
        for person in PEOPLE:
            roles = tuple(role for role in ROLES if role != "administrator")
            unit.members.enrol(Identity(URL, person), Member(person, roles))
        unit.commit()


@pytest.fixture(scope="module")
def strings(shared: Path) -> list[str]:
    found = json.loads((shared / "vectors/big-list-of-naughty-strings/blns.json").read_text("utf-8"))
    assert len(found) == 515
    return found


def known() -> dict[str, list[list[Move]]]:
    return read(COMMITTED.read_text("utf-8"))


def test_the_trails_meet_every_text_that_a_step_may_carry() -> None:
    if os.environ.get("UPDATE_TRAILS"):
        COMMITTED.write_text(written({name: trails(workflow(name), READ_BY_THE_LAW) for name in known()}), "utf-8")
    for name, found in known().items():
        table = workflow(name)
        assert all(holds(table, trail) for trail in found)
        free = {each.field for trail in found for each in loosened(table, trail)}
        assert free == fields(table) - READ_BY_THE_LAW, "run the test with UPDATE_TRAILS=1"


def admitted(name: str, trail: list[Move], free: list[Text], string: str) -> list[Text]:
    """Return the texts of a trail at which the law takes a string, by itself and with the others."""
    table = workflow(name)
    fitting = [each for each in free if each.least <= len(string) and (each.most is None or len(string) <= each.most)]
    if holds(table, changed(trail, fitting, string)):
        return fitting
    taken: list[Text] = []
    for each in fitting:
        if holds(table, changed(trail, [*taken, each], string)):
            taken.append(each)
    return taken


def body(move: Move, letter: dict[str, str]) -> bytes:
    return json.dumps({"payload": move.command.payload, "role": move.command.actor.role, **letter}).encode()


def send(town: Town, times: Times, name: str, moves: list[tuple[str, Move]]) -> list[Any]:
    """Send the same step of several cases at once; each comes with the path of its case."""
    asked = []
    for path, move in moves:
        times.now = move.at
        at = f"{path}/{move.command.action}" if path else f"/workflows/{name}/cases"
        letter = town.letter(path) if path and move.command.actor.role == "applicant" else {}
        asked.append(("POST", at, town.headers(move.command.actor.id), body(move, letter)))
    return town.service.ask_together(asked)


def walked(
    town: Town, times: Times, name: str, trail: list[Move], strings: list[str], refused: list[tuple[Text, str]]
) -> list[tuple[str, str, list[Text]]]:
    """Take a case along a trail for each string; return its path, and where the string stands in it."""
    free = loosened(workflow(name), trail)
    taken = {string: admitted(name, trail, free, string) for string in dict.fromkeys(strings)}
    whole = {string: changed(trail, taken[string], string) for string in taken}
    paths = dict.fromkeys(taken, "")
    for number in range(len(trail)):
        wrong = [
            (string, each, changed(whole[string], [each], string)[number])
            for string in taken
            for each in free
            if each.move == number and each not in taken[string]
        ]
        answers = send(town, times, name, [(paths[string], move) for string, _, move in wrong])
        for (string, each, _), answer in zip(wrong, answers, strict=True):
            assert answer.status in {409, 422}, (string, each, answer)
            assert answer.headers["content-type"] == "application/problem+json"
            refused.append((each, string))
        answers = send(town, times, name, [(paths[string], whole[string][number]) for string in taken])
        for string, answer in zip(taken, answers, strict=True):
            assert answer.status in {200, 201}, (string, trail[number].command.action, answer)
            paths[string] = answer.headers.get("location", paths[string])
    return [(paths[string], string, taken[string]) for string in taken]


def test_every_string_comes_back_as_it_was_sent(walkers: Town, times: Times, strings: list[str]) -> None:
    refused: list[tuple[Text, str]] = []
    cases: list[tuple[str, str, list[Text]]] = []
    everywhere = [(name, trail) for name, found in known().items() for trail in found]
    for number, (name, trail) in enumerate(everywhere):
        mine = strings if ALL else strings[number :: len(everywhere)]
        cases += walked(walkers, times, name, trail, mine, refused)
    unfit = [(each, string) for each, string in refused if each.least <= len(string) <= (each.most or len(string))]
    assert {(each.field, string) for each, string in unfit} <= MISSING_IN_WORDS
    if ALL:
        assert (len(cases), len(refused)) == (16 * 511, 317), "511 of the 515 strings differ"
    ledger = walkers.ledger
    sequence(ledger.begin, ledger.recorder, ledger.key)
    policy = VerificationPolicy(ledger.settings.origin, public_log_keys(ledger.settings.home), Level.LOGGED)
    for path, string, places in cases:
        answer = walkers.ask("auditor-1", "GET", f"{path}/receipt")
        assert answer.status == 200
        receipt = msgspec.json.decode(answer.body, type=Receipt)
        verdict = Verifier(policy).verify(receipt)
        assert verdict.verdict is Verdict.FINAL, verdict
        kept = [json.loads(each.event)["payload"] for each in receipt.entries]
        shown = [each["payload"] for each in walkers.get("auditor-1", f"{path}/events")["events"]]
        assert shown == kept
        assert [_value(kept[each.move], each) for each in places] == [string] * len(places)


ODD: Final = {
    "\0 a\0b \x7f\x80\x9f \ufffe\uffff\U0010ffff \ue000\U000f0000 e\u0301 \ufeff \u202e\u2066 \t\r\n ": True,
    "\ud800": False, "a\udfff": False,
}  # fmt: skip
"""What databases and programs stumble over, and whether it can be kept: half of a pair of surrogates is no text."""


def test_odd_texts_are_kept_or_refused_on_every_database(url: str, tmp_path: Path) -> None:
    times = Times()
    with open_town(tmp_path, times, database_url=url) as town:
        seat(town)
        for name, found in known().items():
            for trail in found:
                free = loosened(workflow(name), trail)
                for text, kept in ODD.items():
                    whole, path = changed(trail, free, text), ""
                    for before, move in zip(trail, whole, strict=True):
                        (answer,) = send(town, times, name, [(path, move)])
                        if before != move and not kept:
                            assert (answer.status, answer.json()["type"]) == (400, "/problems/unreadable-json")
                            (answer,) = send(town, times, name, [(path, before)])
                        assert answer.status in {200, 201}, (text, move, answer)
                        path = answer.headers.get("location", path)
                    if kept:
                        events = town.get("auditor-1", f"{path}/events")["events"]
                        assert [_value(events[each.move]["payload"], each) for each in free] == [text] * len(free)


def _value(payload: Any, text: Text) -> Any:
    for step in text.place:
        payload = payload[step]
    return payload
