"""What an enforced step costs, to the unit of gas: with an ordinary key's signature, and with the check taken out.

Everything that calldata depends on is fixed: keys, moments, commitments, the order of deployment. Regenerate after a
wanted change: ``UPDATE_GAS_SNAPSHOT=1 pytest tests/contracts/test_gas_enforced.py``.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from contracts.enforcing import NAMES, Office, person
from contracts.unsigned import unsigned
from ledger_automation.audit.enforced import EnforcedStep, Link, in_numbers
from ledger_automation.chain import artifacts
from ledger_automation.chain.local import open_chain
from ledger_automation.study import wismar
from ledger_automation.workflows import Actor, Command, workflow
from ledger_automation.workflows._table import Step

SNAPSHOT = Path(__file__).with_name("gas_enforced.json")
SIGNED, UNSIGNED, OPENING = 48_000, 35_000, 70_000
TEN_SIGNED, TEN_UNSIGNED = 480_000, 360_000
START = datetime(2026, 3, 2, 9, 0, 0, 123_456, tzinfo=UTC)
FOREVER = 1 << 33
CENTURY = 36_525 * 86_400
DAY = timedelta(days=1)


Measured = dict[str, dict[str, dict[str, int]]]
"""Gas by case, by signed or unsigned, by step."""


class Taken(NamedTuple):
    """One step of a measured case."""

    at: datetime
    actor: str
    role: str
    action: str
    payload: dict[str, Any]


def _days(*steps: tuple[str, str, str, dict[str, Any]]) -> list[Taken]:
    """A step a day, and forty days before the last one: what runs for a month has ended then."""
    late = {len(steps) - 1: 40 * DAY}
    return [Taken(START + number * DAY + late.get(number, 0 * DAY), *step) for number, step in enumerate(steps)]


CASES = {
    "permit": _days(  # from the application to a permit in force, with the letter's cycle of the receipt log
        ("anna", "applicant", "submit_application", {"subject": "garage"}),
        ("boris", "clerk", "check_letter", {"paper": "acknowledgement"}),
        ("boris", "clerk", "determine_letter", {"paper": "acknowledgement"}),
        ("boris", "clerk", "acknowledge", {}),
        ("boris", "clerk", "determine_advice_need", {"needed": False}),
        ("boris", "clerk", "determine_hold", {"needed": False}),
        ("boris", "clerk", "propose_decision", {"outcome": "granted"}),
        ("clara", "approver", "grant", {"valid_until": "2029-01-01T00:00:00+00:00"}),
        ("boris", "clerk", "notify", {}),
        ("sensor", "system", "enter_into_force", {}),
    ),
    "permit with lists": _days(
        ("anna", "applicant", "submit_application", {"subject": "garage", "documents": [
            {"name": "plan", "version": 1, "sha256": "11" * 32}]}),
        ("boris", "clerk", "acknowledge", {}),
        ("boris", "clerk", "request_documents", {"missing": "statics"}),
        ("anna", "applicant", "supplement_documents", {"documents": [
            {"name": "statics", "version": 1, "sha256": "22" * 32}]}),
        ("boris", "clerk", "request_advice", {"parties": ["fire brigade"]}),
        ("boris", "clerk", "receive_advice", {"party": "fire brigade", "kind": "external"}),
    ),
    "subsidy": [
        Taken(at, command.actor.id, command.actor.role, command.action, dict(command.payload))
        for command, at, _ in wismar.STEPS
    ],
    "parking_fine": _days(
        ("boris", "clerk", "record_fine", {"amount": 5_500}),
        ("boris", "clerk", "send_hearing", {}),
        ("boris", "clerk", "send_notice", {"expense": 2_850}),
        ("sensor", "system", "record_service", {}),
        ("anna", "applicant", "appeal_to_authority", {}),
        ("boris", "clerk", "forward_appeal", {}),
        ("clara", "approver", "decide_appeal", {"outcome": "upheld"}),
        ("boris", "clerk", "serve_decision", {}),
        ("emil", "finance", "record_payment", {"amount": 3_000}),
        ("emil", "finance", "record_payment", {"amount": 6_000}),
        ("emil", "finance", "refund", {"amount": 650}),
    ),
}  # fmt: skip
MEASURED = [name for name in CASES if workflow(name.split()[0]).enforcement is not None]


def gas(office: Office, steps: list[Taken], *, signed: bool) -> dict[str, int]:
    """Run a case; return the gas of each whole transaction."""
    case, link, used = None, Link(), {}
    for number, (at, actor, role, action, payload) in enumerate(steps):
        table, who = office.table, person(actor)
        typed = table.typed(table.transition(action), payload)
        step = Step(case.state if case else None, Actor(actor, role), typed, at)
        terms, arguments = in_numbers(table, case, action, step, NAMES, FOREVER)
        commitment = sha256(f"{table.name} {number}".encode()).digest()
        asked = EnforcedStep(link, commitment, terms, arguments)
        signature = who.sign(asked.digest(office.domain)) if signed else b""
        receipt = office.send("take", asked.case_key, terms, commitment, asked.witness(signature))
        assert receipt["status"] == 1, (action, signed)
        used[f"{number} {action}"] = receipt["gasUsed"]
        case = table.apply(case, Command(action, Actor(actor, role), payload), at).case
        link = asked.after(table.enforcement.facts(case.data, NAMES))
    return used


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    folder = tmp_path_factory.mktemp("gas")
    contracts = {name: str(workflow(name.split()[0]).contract) for name in MEASURED}
    bare = unsigned(folder, list(contracts.values()))
    with open_chain("tester", folder) as connection:
        found: Measured = {}
        for name, contract in contracts.items():
            found[name] = {}
            for kind, artifact in (("signed", artifacts.load(contract)), ("unsigned", bare[contract])):
                office = replace(Office.founded(connection, artifact, CENTURY), table=workflow(name.split()[0]))
                roles: dict[str, set[str]] = {}
                for step in CASES[name]:
                    roles.setdefault(step.actor, set()).add(step.role)
                for actor, held in roles.items():
                    office.seat(person(actor), *sorted(held))
                found[name][kind] = gas(office, CASES[name], signed=kind == "signed")
        yield found


def test_gas_is_as_committed(measured: Measured) -> None:
    if os.environ.get("UPDATE_GAS_SNAPSHOT"):
        SNAPSHOT.write_text(json.dumps(measured, indent=2) + "\n", "utf-8")
    assert measured == json.loads(SNAPSHOT.read_text("utf-8"))


@pytest.mark.parametrize(("kind", "most"), [("signed", SIGNED), ("unsigned", UNSIGNED)])
@pytest.mark.parametrize("name", MEASURED)
def test_every_step_stays_below_its_limit(measured: Measured, name: str, kind: str, most: int) -> None:
    opening, *others = measured[name][kind].values()
    assert opening <= OPENING
    assert max(others) <= most


def test_a_ten_step_permit_stays_below_its_limit(measured: Measured) -> None:
    signed, bare = (measured["permit"][kind] for kind in ("signed", "unsigned"))
    assert len(signed) == 10
    assert sum(signed.values()) <= TEN_SIGNED
    assert sum(bare.values()) <= TEN_UNSIGNED
