"""An enforced permit as an office runs it: members seated, steps signed, what the contract refuses said in words."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ledger_automation.chain import open_chain

ANVIL = ("--chain", "anvil")
ANNA = ("--actor", "anna", "--role", "applicant")
BORIS = ("--actor", "boris", "--role", "clerk")


@pytest.fixture(scope="module")
def office(towns: Callable[[], Any]) -> Iterator[Any]:
    """A town whose contracts are deployed and whose officers are seated, with Anvil kept running."""
    town = towns()
    with open_chain("anvil", town.home):
        town.ok("deploy", *ANVIL)
        town.ok("member", "seat", "anna", "--workflow", "permit", "--role", "applicant", *ANVIL)
        town.ok("member", "seat", "boris", "--workflow", "permit", "--role", "clerk", "--role", "approver", *ANVIL)
        yield town


@pytest.fixture
def case_id(office: Any) -> str:
    return str(office.ok("case", "open", "permit", "--level", "enforced", *ANNA, *ANVIL)["case_id"])


def test_a_permit_runs_enforced_and_verifies(office: Any, case_id: str) -> None:
    office.ok("case", "do", case_id, "acknowledge", *BORIS, *ANVIL)
    view = office.ok("case", "show", case_id)
    assert (view["level"], view["state"], view["waiting"]) == ("enforced", "acknowledged", None)
    assert all(event["signature"]["contract"].startswith("0x") for event in view["events"])
    assert office.ok("seal", *ANVIL)["refused"] == []
    assert office.ok("audit", *ANVIL, "--level", "enforced")["verdict"] == "final"
    receipt = office.home.parent / f"{case_id}.json"
    office.ok("receipt", case_id, "--out", receipt)
    answer = office.ok("verify", receipt, *ANVIL, "--level", "enforced")
    assert answer["verdict"] == "final"
    assert [step["detail"] for step in answer["steps"] if step["step"] == "10 signatures"] == [
        "2 signed by their actors",
        "the contract has taken 2 steps",
    ]


def test_the_law_refuses_first_and_the_contract_after_it(office: Any, case_id: str) -> None:
    early = office("case", "do", case_id, "grant", "--actor", "boris", "--role", "approver", *ANVIL)
    assert (early.code, early.out) == (3, "")
    assert "needs a case that is acknowledged" in early.err
    unseated = office("case", "do", case_id, "acknowledge", "--actor", "sensor", "--role", "system", *ANVIL)
    assert unseated.code == 4
    office.ok("member", "seat", "carl", "--workflow", "permit", *ANVIL)
    dismissed = office("case", "do", case_id, "acknowledge", "--actor", "carl", "--role", "clerk", *ANVIL)
    assert dismissed.code == 30
    assert "RoleNotHeld" in dismissed.err
    assert office.ok("case", "show", case_id)["sequence"] == 0
    office.ok("case", "do", case_id, "acknowledge", *BORIS, *ANVIL)


def test_seats_are_shown_as_the_contract_knows_them(office: Any) -> None:
    shown = office.ok("member", "show", "boris", "--workflow", "permit", *ANVIL)
    assert shown["roles"] == ["clerk", "approver"]
    assert office.ok("member", "show", "nobody", "--workflow", "permit", *ANVIL)["roles"] == []
    address = "0x" + "ab" * 20
    assert office.ok("member", "seat", "dora", "--workflow", "permit", "--role", "clerk", "--signer", address, *ANVIL)
    assert office.ok("member", "show", "dora", "--workflow", "permit", *ANVIL)["signer"] == address


@pytest.mark.parametrize(
    ("code", "words", "said"),
    [
        (4, ("case", "open", "permit", "--level", "enforced", *ANNA), "outlives this command"),
        (2, ("seal", "--level", "enforced", *ANVIL), "a contract enforces cases"),
        (2, ("replay", __file__, "--workflow", "permit", "--level", "enforced"), "cannot sign any more"),
        (2, ("member", "seat", "x", "--workflow", "permit", "--role", "king", *ANVIL), "one of applicant"),
        (2, ("member", "seat", "x", "--workflow", "permit", "--signer", "0x12", *ANVIL), "20 bytes"),
        (
            2,
            ("member", "seat", "x", "--workflow", "permit", "--signer", "0x" + "ab" * 20, "--passkey", *ANVIL),
            "either",
        ),
        (5, ("member", "seat", "x", "--workflow", "permit", "--role", "clerk", "--passkey", *ANVIL), "no passkey"),
        (5, ("member", "seat", "x", "--workflow", "log", "--role", "clerk", *ANVIL), "No contract enforces"),
        (2, ("member", "show", "Olga Meier", "--workflow", "permit", *ANVIL), "pseudonym"),
        (
            20,
            ("case", "open", "permit", "--level", "enforced", *ANNA, "--chain", "http://127.0.0.1:9"),
            "did not answer",
        ),
    ],
)
def test_wrong_input_gets_one_sentence(office: Any, code: int, words: tuple[object, ...], said: str) -> None:
    answer = office(*words)
    assert (answer.code, answer.out) == (code, ""), answer
    assert said in answer.err
    assert len(answer.err.strip().splitlines()) <= 2
