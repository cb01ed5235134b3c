"""Every workflow, found by itself: the table refuses exactly what it says, by the rule names it says (PE1)."""

from typing import Any

import msgspec
import pytest

from ledger_automation.errors import InvalidValue, TransitionNotAllowed, UnknownAction
from ledger_automation.workflows import Actor, Case, Command, Workflow, names, workflow
from ledger_automation.workflows._table import ROLES
from support.samples import NOON, case_in, payload_of

WORKFLOWS = names()


def refusal(table: Workflow[Any], case: Case | None, action: str, role: str) -> str | None:
    command = Command(action, Actor("somebody", role), payload_of(table.transition(action)))
    try:
        table.apply(case, command, NOON)
    except TransitionNotAllowed as refused:
        return refused.rule
    return None


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_state_action_and_role_is_refused_exactly_as_the_table_says(name: str) -> None:
    table = workflow(name)
    cells = 0
    for state in (None, *sorted(table.states)):
        for row in table.transitions.values():
            for role in ROLES:
                case = case_in(table, state) if state else None
                rule = refusal(table, case, row.action, role)
                cells += 1
                bars = [each.rule for each in row.barred if state in each.states]
                if (state not in row.sources) if state else bool(row.sources):
                    assert rule == (bars[0] if bars else "not_in_state"), (state, row.action, role)
                elif role not in row.roles:
                    assert rule == "wrong_role", (state, row.action, role)
                else:
                    assert rule in {None, *(guard.rule for guard in row.guards)}, (state, row.action, role)
    assert cells == (len(table.states) + 1) * len(table.transitions) * len(ROLES)


def test_after_the_end_only_money_flows_back() -> None:
    after_the_end = {
        (name, row.action)
        for name in WORKFLOWS
        for row in workflow(name).transitions.values()
        if workflow(name).final & set(row.sources)
    }
    shipped = {each for each in after_the_end if each[0] in {"log", "parking_fine", "permit", "subsidy"}}
    assert shipped == {("parking_fine", "refund"), ("subsidy", "reclaim"), ("subsidy", "record_repayment")}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_an_administrator_has_no_right_anywhere(name: str) -> None:
    table = workflow(name)
    assert all("administrator" not in row.roles for row in table.transitions.values())


@pytest.mark.parametrize("name", WORKFLOWS)
def test_events_are_past_tense_and_unlike_their_actions(name: str) -> None:
    table = workflow(name)
    events = [row.event for row in table.transitions.values()]
    assert len(set(events)) == len(events)
    assert not set(events) & set(table.transitions)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_payload_with_a_field_too_many_is_refused_before_anything_else(name: str) -> None:
    table = workflow(name)
    for row in table.transitions.values():
        command = Command(row.action, Actor("somebody", "administrator"), {**payload_of(row), "surprise": 1})
        with pytest.raises(InvalidValue):
            table.apply(None, command, NOON)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_payload_refuses_floats(name: str) -> None:
    def kinds(kind: Any) -> list[Any]:
        info = msgspec.inspect
        inner: list[Any] = [kind]
        if isinstance(kind, info.StructType):
            inner += [each for field in kind.fields for each in kinds(field.type)]
        if isinstance(kind, info.UnionType):
            inner += [each for member in kind.types for each in kinds(member)]
        if isinstance(kind, info.VarTupleType):
            inner += kinds(kind.item_type)
        if isinstance(kind, info.Metadata):
            inner += kinds(kind.type)
        return inner

    table = workflow(name)
    for shape in (*(row.payload for row in table.transitions.values()), table.data):
        found = kinds(msgspec.inspect.type_info(shape))
        assert not [each for each in found if isinstance(each, msgspec.inspect.FloatType | msgspec.inspect.AnyType)]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_an_opening_writes_out_every_default(name: str) -> None:
    table = workflow(name)
    row = next(each for each in table.transitions.values() if not each.sources)
    applied = table.apply(None, Command(row.action, Actor("somebody", row.roles[0]), payload_of(row)), NOON)
    assert set(applied.payload) == set(row.payload.__struct_fields__)
    assert applied.case.sequence == 0


@pytest.mark.parametrize("name", WORKFLOWS)
def test_stored_data_come_back_as_they_were(name: str) -> None:
    table = workflow(name)
    data = case_in(table, min(table.states)).data
    assert table.thaw(table.freeze(data)) == data


@pytest.mark.parametrize("name", WORKFLOWS)
def test_an_unknown_action_is_named_with_the_known_ones(name: str) -> None:
    with pytest.raises(UnknownAction, match="fly"):
        workflow(name).apply(None, Command("fly", Actor("somebody", "clerk"), {}), NOON)
