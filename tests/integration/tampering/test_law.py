"""T49: correct crypto, illegal content. The operator writes, sequences, signs and anchors a step that the law forbids.

Each attack is a log of its own. The step goes through the real store and sequencer; only the law is not asked. Nothing
but its replay finds it: `test_without_the_law_every_illegal_step_passes` shows that.
"""

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
import pytest

from integration.tampering.conftest import SQLITE, copies_of
from ledger_automation.audit.encoding import decode, encode
from ledger_automation.audit.event import Attachment
from ledger_automation.audit.trail import Trail
from ledger_automation.canonical import commit
from ledger_automation.orchestrator.ports import RecordedStep
from ledger_automation.values import Salt
from ledger_automation.verify import reconstruction
from ledger_automation.verify.verdict import Verdict
from ledger_automation.workflows import Actor

GRANT = {"amount": 100_000, "rate": 9_000, "advance": 60_000}
PLAN = [{"item": "strategy", "year": 2025, "amount": 200_000}]
APPLICATION = {
    "applicant": "wismar", "kind": "municipality", "planned": 200_000, "own_share": 20_000, "budget_emergency": True,
    "cost_plan": PLAN, "own_share_proof": "VO/2019/3113",
}  # fmt: skip
CALL = {"number": 1, "amount": 40_000, "payee": "wismar-account"}
STEPS = (
    ("apply", "applicant:wismar-1", APPLICATION),
    ("check_application", "clerk:olga", {}),
    ("grant", "approver:paul", GRANT),
    ("request_tranche", "applicant:wismar-1", CALL),
    ("approve_tranche", "approver:paul", {"number": 1}),
    ("disburse_tranche", "finance:frieda", {"number": 1}),
)


def grow(town: Any, steps: int) -> str:
    """A lawful subsidy up to a step, beside another case so that the log is not only this one."""
    town.open("permit", "submit_application", "applicant:somebody", subject="fence")
    case_id: str = town.open("subsidy", "open_programme", "clerk:olga", title="Modellprojekte")
    for action, actor, payload in STEPS[:steps]:
        town.act(case_id, action, actor, **payload)
    return case_id


def force(town: Any, case_id: str, action: str, actor: str, to_state: str = "", **payload: Any) -> int:
    """Write a step past the law: case row, event, salt and commitment are what the program itself would write."""
    role, _, name = actor.partition(":")
    with town.begin() as unit:
        record = unit.cases.case(case_id)
        last = decode(unit.cases.trail(case_id)[-1].canonical)
        state = to_state or last.to_state
        event = msgspec.structs.replace(
            last, sequence=last.sequence + 1, previous=record.head.hex(), action=action, from_state=last.to_state,
            to_state=state, actor=Actor(name or f"{role}-1", role), payload=payload, attachments=(),
            recorded_at=town.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        )  # fmt: skip
        canonical, salt = encode(event), Salt.random()
        commitment = commit(salt, canonical)
        after = record._replace(sequence=event.sequence, head=commitment, state=state)
        unit.cases.record([RecordedStep(after, event, canonical, salt, commitment, ())])
        unit.commit()
    return int(event.sequence)


def skipped_check(town: Any) -> tuple[str, int, str]:
    case_id = grow(town, 1)
    return case_id, force(town, case_id, "grant", "approver:paul", "granted", **_full_grant()), "check_first"


def skipped_approval(town: Any) -> tuple[str, int, str]:
    case_id = grow(town, 4)
    return case_id, force(town, case_id, "disburse_tranche", "finance:frieda", number=1), "tranche_not_approved"


def same_person_twice(town: Any) -> tuple[str, int, str]:
    case_id = grow(town, 2)
    return case_id, force(town, case_id, "grant", "approver:olga", "granted", **_full_grant()), "four_eyes"


def beyond_the_limit(town: Any) -> tuple[str, int, str]:
    case_id = grow(town, 2)
    grant = _full_grant() | {"amount": 180_001}
    return case_id, force(town, case_id, "grant", "approver:paul", "granted", **grant), "grant_beyond_rate"


def tranche_beyond_the_grant(town: Any) -> tuple[str, int, str]:
    case_id = grow(town, 3)
    call = {**CALL, "amount": 100_001, "expenditure": 0}
    return case_id, force(town, case_id, "request_tranche", "applicant:wismar-1", **call), "beyond_grant"


def paid_twice(town: Any) -> tuple[str, int, str]:
    case_id = grow(town, 6)
    return case_id, force(town, case_id, "disburse_tranche", "finance:frieda", number=1), "tranche_paid_already"


def without_the_role(town: Any) -> tuple[str, int, str]:
    case_id = grow(town, 5)
    return case_id, force(town, case_id, "disburse_tranche", "clerk:olga", number=1), "wrong_role"


def administrator(town: Any) -> tuple[str, int, str]:
    case_id = grow(town, 2)
    return case_id, force(town, case_id, "grant", "administrator:root", "granted", **_full_grant()), "wrong_role"


def after_the_end(town: Any) -> tuple[str, int, str]:
    case_id = grow(town, 1)
    town.act(case_id, "withdraw_application", "applicant:wismar-1", reason="no funds")
    return case_id, force(town, case_id, "check_application", "clerk:olga", "checked"), ""


def to_another_state(town: Any) -> tuple[str, int, str]:
    """A lawful step that is said to have led elsewhere than the law leads."""
    case_id = grow(town, 1)
    return case_id, force(town, case_id, "check_application", "clerk:olga", "granted"), "outcome"


def unheard_of(town: Any) -> tuple[str, int, str]:
    case_id = grow(town, 1)
    return case_id, force(town, case_id, "pay_my_cousin", "clerk:olga", amount=5), "invalid"


def not_as_the_schema_says(town: Any) -> tuple[str, int, str]:
    case_id = grow(town, 2)
    grant = _full_grant() | {"amount": "100000"}
    return case_id, force(town, case_id, "grant", "approver:paul", "granted", **grant), "invalid"


def a_payload_with_a_field_more(town: Any) -> tuple[str, int, str]:
    case_id = grow(town, 1)
    return case_id, force(town, case_id, "check_application", "clerk:olga", "checked", smuggled="in"), "invalid"


def _full_grant() -> dict[str, Any]:
    return {**GRANT, "starts": None, "ends": None, "conditions": []}


ILLEGAL: list[Callable[[Any], tuple[str, int, str]]] = [
    skipped_check, skipped_approval, same_person_twice, beyond_the_limit, tranche_beyond_the_grant, paid_twice,
    without_the_role, administrator, after_the_end, to_another_state, unheard_of, not_as_the_schema_says,
    a_payload_with_a_field_more,
]  # fmt: skip


def test_an_illegal_step_with_correct_crypto_is_found(lab: Any, found_town: Any, server: Any, store: str) -> None:
    """Before and behind the step lies other, lawful business; all of it is sequenced, signed and anchored."""
    wrong = []
    for number in range(2 * len(ILLEGAL)):
        town, write = found_town(f"law-{store}-{number}"), ILLEGAL[number % len(ILLEGAL)]
        case_id, sequence, rule = write(town)
        if number % 2:
            town.replay("receipt", 1, Random(number).randrange(99))
        town.seal()
        copy = town.copy() if store == SQLITE else copies_of(town, server, backups=False).fresh()
        (leaf,) = copy.sql("SELECT leaf_index FROM leaf WHERE case_id = ? AND sequence = ?", case_id, sequence)[0]
        place = {"case_id": case_id, "sequence": sequence, "leaf_index": leaf}
        said = lab.judge("T49", place | ({"column": rule} if rule else {}), copy.audit(), store)
        wrong += [f"{write.__name__}: {said}"] if said else []
        copy.close()
    assert not wrong, "\n".join(wrong)


def test_without_the_law_every_illegal_step_passes(found_town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard taken out: with the law replaced by whatever the events say, chain and signatures see nothing."""
    towns = []
    for number, write in enumerate((skipped_check, same_person_twice, beyond_the_limit, without_the_role)):
        town = found_town(f"lawless-{number}")
        write(town)
        town.seal()
        towns.append(town)
    assert all(town.copy().audit().verdict is Verdict.CONTRADICTED for town in towns)
    monkeypatch.setattr(Trail, "follow", lambda *_: None)
    monkeypatch.setattr("ledger_automation.verify.case_evidence.is_projected", lambda *_: True)
    assert all(town.copy().audit().verdict is Verdict.FINAL for town in towns)
    assert reconstruction.plainly_holds(None, [], "") is False
    assert Attachment.of("a", "b", b"").size == 0
