"""A form asks for what the law's types say, and what is written in it is what the law reads."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_automation.web.forms import MOST_ROWS, Field, Kind, fields_of, flawed, hundredths, payload_of, rows_of
from ledger_automation.workflows import names, workflow
from ledger_automation.workflows.subsidy.payloads import Application, FinalProof, Programme

ROWS = [(name, row.action) for name in names() for row in workflow(name).transitions.values()]


def named(fields: tuple[Field, ...], path: str = "") -> list[tuple[str, Kind]]:
    found = []
    for each in fields:
        found.append((path + each.name, each.kind))
        found += named(each.fields, f"{path}{each.name}.")
    return found


@pytest.mark.parametrize(("name", "action"), ROWS)
def test_every_step_has_a_form_for_all_that_it_carries(name: str, action: str) -> None:
    payload = workflow(name).transitions[action].payload
    assert [each.name for each in fields_of(payload)] == [each.name for each in msgspec.structs.fields(payload)]
    assert all(each.fields for each in fields_of(payload) if each.kind in {Kind.PART, Kind.ROWS})
    assert all(each.choices for each in fields_of(payload) if each.kind is Kind.CHOICE)


def test_money_and_shares_are_told_from_numbers() -> None:
    kinds = dict(named(fields_of(Application)) + named(fields_of(Programme)) + named(fields_of(FinalProof)))
    assert {name for name, kind in kinds.items() if kind is Kind.MONEY} == {
        "planned", "own_share", "cost_plan.amount", "figures.planned", "figures.actual", "vouchers.amount",
    }  # fmt: skip
    assert {name for name, kind in kinds.items() if kind is Kind.SHARE} == {
        "rules.rate", "rules.rate_in_budget_emergency"
    }  # fmt: skip
    assert kinds["rules.use_weeks"] is kinds["cost_plan.year"] is Kind.WHOLE


@given(st.integers(0, 2**53 - 1), st.sampled_from(",."))
def test_an_amount_is_read_as_it_is_written(cents: int, decimal: str) -> None:
    if cents >= 10**16:  # a number of seventeen digits is written by nobody
        return
    written = hundredths(cents, decimal)
    for text in (written, written + " €", written.replace("." if decimal == "," else ",", "")):
        assert payload_of(fields_of(Application), {"planned": text}, decimal) == ({"planned": cents}, [])


@pytest.mark.parametrize(
    "text", ["1,5", "1.5", "1.234.56", "12,345", "-1", "+1", "1e3", "٣", "1 000", "0x10", "1,00,00", "€", "NaN", "1."]
)
def test_what_is_no_amount_is_not_guessed_at(text: str) -> None:
    assert payload_of(fields_of(Application), {"planned": text}, ",") == ({}, ["planned"])


def test_a_point_among_thousands_is_not_taken_for_cents() -> None:
    fields = fields_of(Application)
    assert payload_of(fields, {"planned": "1.234"}, ",") == ({"planned": 123_400}, [])
    assert payload_of(fields, {"planned": "1,234"}, ".") == ({"planned": 123_400}, [])
    assert payload_of(fields, {"planned": "1,234"}, ",")[1] == ["planned"]


def test_what_stays_empty_is_left_to_the_law() -> None:
    table = workflow("subsidy")
    payload, flaws = payload_of(fields_of(Programme), {"title": "Smart", "rules.rate": " "}, ",")
    assert (payload, flaws) == ({"title": "Smart"}, [])
    assert table.typed(table.transition("open_programme"), payload) == Programme("Smart")


def test_rows_keep_their_order_and_gaps_close() -> None:
    given_rows = {
        "title": "x", "cost_plan.0.item": "Plan", "cost_plan.0.year": "2026", "cost_plan.0.amount": "1.000,00",
        "cost_plan.1.item": "", "cost_plan.7.item": "Bau", "cost_plan.7.year": "2027", "cost_plan.7.amount": "x",
        "cost_plan.99.item": "beyond", "cost_plan.x.item": "no number",
    }  # fmt: skip
    payload, flaws = payload_of(fields_of(Application), given_rows, ",")
    assert payload["cost_plan"] == [{"item": "Plan", "year": 2026, "amount": 100_000}, {"item": "Bau", "year": 2027}]
    assert flaws == ["cost_plan.7.amount"]
    assert rows_of("cost_plan", given_rows) == MOST_ROWS
    assert rows_of("cost_plan", {}) == 3
    assert rows_of("cost_plan", {"cost_plan.2.item": "x"}) == 6


@pytest.mark.parametrize(
    ("payload", "wrong"),
    [
        ({"applicant": "a", "kind": "", "planned": 1}, "kind"),
        ({"applicant": "a", "kind": "b", "planned": 0}, "planned"),
        ({"applicant": "a", "kind": "b", "planned": 1, "cost_plan": [{"item": "", "year": 2000, "amount": 1}]},
         "cost_plan.0.item"),
    ],
)  # fmt: skip
def test_the_field_that_the_law_cannot_read_is_marked(payload: dict[str, Any], wrong: str) -> None:
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert(payload, Application)
    assert flawed(str(error.value)) == wrong


def test_a_moment_is_the_town_s() -> None:
    fields = fields_of(workflow("permit").transitions["grant"].payload)
    assert payload_of(fields, {"valid_until": "2026-07-01T12:00"}, ",")[0] == {
        "valid_until": "2026-07-01T10:00:00.000000Z"
    }
    assert payload_of(fields, {"valid_until": "2026-01-01T12:00"}, ",")[0] == {
        "valid_until": "2026-01-01T11:00:00.000000Z"
    }
    assert payload_of(fields, {"valid_until": "2026-07-01T12:00+00:00"}, ",")[0] == {
        "valid_until": "2026-07-01T12:00:00.000000Z"
    }
    for none in ("tomorrow", "0001-01-01T00:00"):
        assert payload_of(fields, {"valid_until": none}, ",") == ({}, ["valid_until"])
