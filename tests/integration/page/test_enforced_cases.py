"""Enforced cases in the page: the signers recovered, the contract asked, and nothing green without it."""

import json
from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from playwright.sync_api import Page

from integration.enforced.conftest import PEOPLE, Town
from ledger_automation.bootstrap import open_ledger
from ledger_automation.canonical import canonicalize, commit
from ledger_automation.orchestrator.receipt import issue
from ledger_automation.settings import Settings
from ledger_automation.tlog.note import SignerKey
from ledger_automation.tlog.receipt import write
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import LedgerPin
from support.archive import Archive, Filed
from support.browser import Question, page_says, program_says

LEVELS = (Level.LOGGED, Level.ANCHORED, Level.ENFORCED)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    home = tmp_path_factory.mktemp("anvil")
    with open_ledger(Settings(home=home, chain="anvil")) as ledger, ledger.enforcing() as enforcing:
        for actor, roles in PEOPLE.items():
            enforcing.admit("permit", actor, roles)
        yield Town(ledger, enforcing)


@pytest.fixture(scope="module")
def case_id(town: Town) -> CaseId:
    """A permit that was granted, and whose receipts are on chain."""
    opened = town.open_case()
    town.do(opened, "boris", "clerk", "acknowledge")
    town.do(opened, "boris", "clerk", "propose_decision", outcome="granted")
    town.do(opened, "clara", "approver", "grant")
    town.seal()
    return opened


def receipts(town: Town, case_id: CaseId) -> list[bytes]:
    with town.ledger.read() as unit:
        return [write(issue(unit, case_id, sequence)) for sequence in (None, 0, 1, 2, 3)]


def url(town: Town) -> str:
    return str(town.enforcing.chain.anchor.registry._connection.web3.provider.endpoint_uri)  # type: ignore[attr-defined]


def test_both_verifiers_say_the_same_of_an_enforced_case(town: Town, case_id: CaseId, open_page: Any) -> None:
    policy, page = town.enforcing.policy, open_page(town.enforcing.policy)
    questions = [Question(each, level, None, (url(town),)) for each in receipts(town, case_id) for level in LEVELS]
    answers = page_says(page, questions)
    assert answers == [program_says(policy, each, town.enforcing.chain.anchor) for each in questions]
    assert [each["verdict"] for each in answers] == ["final"] * 15
    assert all(each["steps"][-1] == ["10 signatures", True] for each in answers[1::3])


def test_a_contract_other_than_the_pinned_one_is_misconfigured(town: Town, case_id: CaseId, open_page: Any) -> None:
    policy = town.enforcing.policy
    pins = policy.ledgers
    there = pins["permit"]
    others = {
        "other code": {**pins, "permit": LedgerPin(there.contract, "0x" + "01" * 32)},
        "none pinned": {},
    }
    receipt = receipts(town, case_id)[2]
    for ledgers in others.values():
        asked = replace(policy, ledgers=ledgers)
        question = Question(receipt, Level.ENFORCED, None, (url(town),))
        (answer,) = page_says(open_page(asked), [question])
        assert answer == program_says(asked, question, town.enforcing.chain.anchor) == {"error": "Misconfigured"}


def test_a_node_that_knows_no_step_is_believed_by_neither(town: Town, case_id: CaseId, open_page: Any) -> None:
    """The contract's word, the seats and the events of steps are taken away, one after the other."""
    page: Page = open_page(town.enforcing.policy)
    question = Question(receipts(town, case_id)[2], Level.ENFORCED, None, ("http://node.example/",))
    taken_away = {
        "eth_call": ("0x" + "00" * 32, "contradicted"),
        "eth_getLogs": ([], "contradicted"),
        "nothing": (None, "final"),
    }
    for method, (instead, expected) in taken_away.items():
        page.route("http://node.example/", partial(_answer, url(town), method, instead))
        (answer,) = page_says(page, [question])
        page.unroute("http://node.example/")
        assert answer["verdict"] == expected, method


def _answer(there: str, method: str, instead: Any, route: Any) -> None:
    asked = route.request.post_data_json
    reply = route.fetch(url=there)
    body = {**reply.json(), "result": instead} if asked["method"] == method else reply.json()
    route.fulfill(status=200, json=body, headers={"access-control-allow-origin": "*"})


def test_signatures_changed_by_the_log_itself_are_refused_alike(town: Town, case_id: CaseId, open_page: Any) -> None:
    """The operator signs the log anew over a changed signature: each part of it is held against the event.

    Of a first step the program also knows arguments and facts by the law, which the page leaves to it.
    """
    key = SignerKey(town.ledger.settings.origin, b"\x05" * 32)
    policy = replace(town.enforcing.policy, log_keys=(key.verifier.text,), level=Level.LOGGED)
    entries = [msgspec.json.decode(each)["entries"][0] for each in receipts(town, case_id)[2:]]
    random, questions = Random(4), []
    for _ in range(120):
        entry = dict(random.choice(entries))
        event = json.loads(entry["event"])
        name = random.choice(sorted(event["signature"]))
        event["signature"][name] = random.choice(_changes(event["signature"][name], random))
        text, salt = canonicalize(event).decode(), bytes.fromhex(entry["salt"])
        log = Archive(
            [None, Filed(event["case_id"], event["sequence"], text, salt, commit(salt, text.encode()))], random
        )
        receipt = log.receipt([1], whole=False, anchored=False)
        receipt["checkpoint"] = log.note(2, key)
        questions.append(Question(json.dumps(receipt, ensure_ascii=False).encode(), Level.LOGGED))
    answers = page_says(open_page(policy), questions)
    program = [program_says(policy, each) for each in questions]
    assert answers == program
    assert sum(each.get("reason") == "step_10_signatures" for each in answers) > 60


def _changes(value: Any, random: Random) -> list[Any]:
    if isinstance(value, str) and value:
        flipped = value[:-1] + random.choice("0123456789abcdef")
        return [flipped, value[2:], value.upper(), "", value + "0", None]
    return [None, [], {}, 0, -1, {**value, "eve": 5} if isinstance(value, dict) else 7, "key", "contract"]
