"""Ports MemberStore and RequestStore: who may act, what was asked, and what it was answered."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from threading import Event, Thread
from typing import Any

import pytest

from ledger_automation.errors import Conflict
from ledger_automation.orchestrator.asked import Answer, Asked, Found, Identity, Member
from ledger_automation.orchestrator.ports import RecordedStep
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import DocumentRecord
from ledger_automation.workflows import workflow
from support import asking as asking_for
from support import servers

ANNA = Identity("https://id.example", "anna")
BERT = Identity("https://id.example", "bert")


def asking(case_id: str, caller: Identity = ANNA, key: bytes = b"key") -> Asked:
    digest = sha256(key).digest()
    return Asked(caller, digest, sha256(b"body").digest(), CaseId(case_id), workflow("parking_fine"), "send_notice", {})


def answer_to(asked: Asked, step: RecordedStep | None, at: str = "2026-03-02T08:00:00.000000Z") -> Answer:
    sequence = None if step is None else step.event.sequence
    return Answer(asked.key, asked.fingerprint, asked.case_id, sequence, "" if step else '{"rule":"x"}', at)


def test_roles_are_what_they_were_last_set_to(store: Any) -> None:
    with store.begin() as unit:
        unit.members.enrol(ANNA, Member("officer-1", ("clerk", "finance")))
        unit.members.enrol(BERT, Member("officer-2", ("auditor",)))
        unit.commit()
    with store.begin() as unit:
        unit.members.enrol(ANNA, Member("officer-1", ()))
        unit.commit()
    with store.read() as unit:
        assert unit.members.member(ANNA) == Member("officer-1", ())
        assert unit.members.member(ANNA._replace(issuer="https://other.example")) is None
        assert unit.members.members() == [(ANNA, Member("officer-1", ())), (BERT, Member("officer-2", ("auditor",)))]


@pytest.mark.parametrize(
    ("identity", "member"), [(BERT, "officer-1"), (ANNA, "officer-2")], ids=["another's", "a second one"]
)
def test_one_pseudonym_is_one_caller(store: Any, identity: Identity, member: str) -> None:
    with store.begin() as unit:
        unit.members.enrol(ANNA, Member("officer-1", ("clerk",)))
        unit.commit()
    with pytest.raises(Conflict), store.begin() as unit:
        unit.members.enrol(identity, Member(member, ("administrator",)))
    with store.read() as unit:
        assert unit.members.members() == [(ANNA, Member("officer-1", ("clerk",)))]


def test_one_look_finds_caller_answer_and_case_for_each_in_order(store: Any, clerk: Any) -> None:
    first, second = clerk.fill(store.begin, 2)
    refused, taken = asking(first.case.case_id, ANNA, b"1"), asking(second.case.case_id, BERT, b"2")
    fresh, missing = asking(first.case.case_id, BERT, b"3"), asking(str(CaseId.random()), ANNA, b"4")
    with store.begin() as unit:
        unit.members.enrol(ANNA, Member("officer-1", ("clerk",)))
        unit.requests.answer([answer_to(refused, None), answer_to(taken, second)])
        unit.commit()
    with store.begin() as unit:
        found = unit.requests.look([taken, missing, refused, fresh])
    anna, event = Member("officer-1", ("clerk",)), second.event
    led_to = (second.case.case_id, 0, event.action, event.to_state, second.case.level, second.commitment)
    assert found == [
        Found(None, answer_to(taken, second), led_to, second.case),
        Found(anna, None, None, None),
        Found(anna, answer_to(refused, None), None, first.case),
        Found(None, None, None, first.case),
    ]


def test_a_key_is_answered_once_and_the_step_of_a_second_answer_does_not_stay(
    store: Any, clerk: Any, all_of: Any
) -> None:
    asked = asking(clerk.fill(store.begin, 1)[0].case.case_id)
    with store.begin() as unit:
        unit.requests.answer([answer_to(asked, None)])
        unit.commit()
    before = all_of(store)
    other = answer_to(asking(str(CaseId.random()), key=b"2"), None)
    with store.begin() as unit:
        unit.cases.record([clerk.open()[0]])
        with pytest.raises(Conflict):
            unit.requests.answer([other, answer_to(asked, None)])
        unit.commit()
    assert all_of(store) == before
    with store.read() as unit:
        assert unit.requests.look([asking(str(CaseId.random()), key=b"2")])[0].answer is None


@pytest.mark.parametrize("documented", [False, True], ids=["at once", "with documents"])
def test_steps_are_recorded_with_all_that_is_theirs(store: Any, clerk: Any, documented: bool) -> None:
    """What is large is recorded in a transaction: what is kept is the same."""
    scan, photo = (DocumentRecord(name, "image/png", octets) for name, octets in (("a", b"\xff\0"), ("b", b"")))
    old, standing = clerk.open()
    with store.begin() as unit:
        unit.cases.record([old])
        unit.commit()
    brought = (scan, photo) if documented else ()
    opened = [clerk.open(Level.ANCHORED, *brought)[0], clerk.open()[0]._replace(parties=("person-1", "person-2"))]
    steps = [*opened, clerk.go_on(standing)[0]]
    asked = [asking(step.case.case_id, key=b"%d" % at) for at, step in enumerate(steps)]
    refused = asking(str(CaseId.random()), key=b"refused")
    answers = [*(answer_to(*each) for each in zip(asked, steps, strict=True)), answer_to(refused, None)]
    with (store.begin if documented else store.brief)() as unit:
        assert unit.requests.record(steps, answers) == frozenset()
        unit.commit()
    with store.read() as unit:
        assert [each.answer for each in unit.requests.look([*asked, refused])] == answers
        assert [unit.cases.case(step.case.case_id) for step in steps] == [step.case for step in steps]
        events = [unit.cases.trail(step.case.case_id)[-1] for step in steps]
        assert [(each.canonical, each.salt, each.commitment) for each in events] == [
            (step.canonical, step.salt, step.commitment) for step in steps
        ]
        assert [unit.cases.documents(each.event_id) for each in events] == [list(brought), [], []]
        for person in ("person-1", "person-2"):
            mine = unit.cases.page("parking_fine", person, "", 3)
            assert [each.case_id for each in mine] == [opened[1].case.case_id]


@pytest.mark.parametrize("url", servers.installed(), indirect=True)
def test_what_is_too_large_to_be_recorded_at_once_is_told(store: Any, clerk: Any, all_of: Any) -> None:
    before = all_of(store)
    step = clerk.open(Level.ANCHORED, DocumentRecord("a", "image/png", b"\xff"))[0]
    with store.brief() as unit, pytest.raises(Conflict, match="too large"):
        unit.requests.record([clerk.open()[0], step], [])
    assert all_of(store) == before


def test_who_was_overtaken_is_told_and_leaves_nothing(store: Any, clerk: Any, all_of: Any) -> None:
    """Of the others in the same write, either all is kept or, by a Conflict, nothing."""
    pairs = [clerk.open() for _ in range(2)]
    with store.begin() as unit:
        unit.cases.record([step for step, _ in pairs])
        unit.commit()
    late, good = (clerk.go_on(standing)[0] for _, standing in pairs)
    with store.begin() as unit:
        unit.cases.record([clerk.go_on(pairs[0][1], 7)[0]])
        unit.commit()
    before = all_of(store)
    asked = [asking(step.case.case_id, key=key) for step, key in ((late, b"late"), (good, b"good"))]
    answers = [answer_to(*each) for each in zip(asked, (late, good), strict=True)]
    with store.brief() as unit:
        try:
            overtaken = unit.requests.record([late, good], answers)
        except Conflict:
            overtaken = None
        unit.commit()
    if overtaken is None:
        assert all_of(store) == before
        return
    assert overtaken == {late.case.case_id}
    with store.read() as unit:
        assert [each.answer for each in unit.requests.look(asked)] == [None, answers[1]]
        assert len(unit.cases.trail(late.case.case_id)) == 2
        assert [each.commitment for each in unit.cases.trail(good.case.case_id)][1:] == [good.commitment]


@pytest.mark.parametrize("again", ["the key", "the case"])
def test_what_somebody_else_answered_or_opened_meanwhile_keeps_all_of_it_out(
    store: Any, clerk: Any, all_of: Any, again: str
) -> None:
    first, second = clerk.open()[0], clerk.open()[0]
    asked = asking(first.case.case_id)
    with store.begin() as unit:
        unit.requests.record([first], [answer_to(asked, first)])
        unit.commit()
    before = all_of(store)
    step, key = (second, b"key") if again == "the key" else (first, b"other key")
    answer = answer_to(asking(step.case.case_id, key=key), step)
    with store.brief() as unit:
        with pytest.raises(Conflict):
            unit.requests.record([clerk.open()[0], step], [answer])
        unit.commit()
    assert all_of(store) == before


def test_32_on_one_case_by_two_deciders_are_all_taken_in_one_order(reopen: Any, clerk: Any) -> None:
    """Who is overtaken waits for the case and is decided again; nobody is refused for others' haste."""
    with reopen() as one, reopen() as other:
        asking_for.enrol(one.begin)
        deciders = [asking_for.decider(each.begin, clerk.recorder, each.brief) for each in (one, other)]
        case = CaseId.random()
        assert deciders[0].decide([asking_for.opening("open", case)])[0].taken
        with ThreadPoolExecutor(16) as pool:
            outcomes = pool.map(
                lambda number: deciders[number % 2].decide([asking_for.paying(f"{number}", case)])[0], range(32)
            )
            taken = sorted(each.taken.sequence for each in outcomes if each.taken)
    assert taken == list(range(1, 33))


def test_whose_key_was_answered_while_he_waited_hears_that_answer(store: Any, clerk: Any) -> None:
    """Two processes, one key: the second waits for the case, and then sees what the first one did meanwhile."""
    asking_for.enrol(store.begin)
    decider = asking_for.decider(store.begin, clerk.recorder, store.brief)
    case = CaseId.random()
    assert decider.decide([asking_for.opening("open", case)])[0].taken
    paying = asking_for.paying("pay", case)
    with store.read() as unit:
        head = unit.cases.case(case).head
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: decider.again(paying._replace(expected=head)), range(2)))
    assert answers[0].taken is not None
    assert answers[0] == answers[1]


def test_who_looked_first_moves_the_case_and_others_wait(store: Any, clerk: Any) -> None:
    step, standing = clerk.open()
    with store.begin() as unit:
        unit.cases.record([step])
        unit.commit()
    looked, moved = Event(), Event()
    seen: list[int] = []

    def second() -> None:
        looked.wait(10)
        with store.begin() as unit:
            seen.extend(each.case.sequence for each in unit.requests.look([asking(step.case.case_id)]) if each.case)
            assert moved.is_set()

    other = Thread(target=second)
    other.start()
    with store.begin() as unit:
        unit.requests.look([asking(step.case.case_id)])
        looked.set()
        unit.cases.record([clerk.go_on(standing)[0]])
        other.join(0.2)
        assert other.is_alive()
        moved.set()
        unit.commit()
    other.join(60)
    assert seen == [1]


def test_old_answers_are_forgotten(store: Any) -> None:
    old, new = asking(str(CaseId.random()), key=b"old"), asking(str(CaseId.random()), key=b"new")
    with store.begin() as unit:
        unit.requests.answer([answer_to(old, None, "2026-03-01T00:00:00.000000Z"), answer_to(new, None)])
        assert unit.requests.purge("2026-03-02T00:00:00.000000Z") == 1
        unit.commit()
    with store.read() as unit:
        assert [each.answer is None for each in unit.requests.look([old, new])] == [True, False]


def test_a_page_begins_behind_the_last_one(store: Any, clerk: Any) -> None:
    ids = sorted(step.case.case_id for step in clerk.fill(store.begin, 5))
    with store.read() as unit:
        assert [each.case_id for each in unit.cases.page("parking_fine", None, "", 3)] == ids[:3]
        assert [each.case_id for each in unit.cases.page("parking_fine", None, ids[2], 3)] == ids[3:]
        assert unit.cases.page("permit", None, "", 3) == []
        assert unit.cases.page("parking_fine", "person-1", "", 3) == []
