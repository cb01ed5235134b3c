"""Facts are read strictly, what a step declares goes before its workflow, and the questions lead to the right chain."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger_automation.errors import InvalidDefinition, NotFound
from ledger_automation.study import facts
from ledger_automation.study.facts import Chain, StepFacts, chain_called_for
from ledger_automation.workflows import workflow

SHIPPED = Path(facts.__file__).with_name("facts.toml").read_text("utf-8")


def step(**values: Any) -> StepFacts:
    """Return the facts of one step: by default several who do not trust each other, and nobody else to trust."""
    plain = {
        "writers": 3, "writers_known": True, "writers_trusted": False, "third_party": False, "public": False,
        "distrusted": "clerk", "prevented": False, "noticed_within_hours": 24, "survives_operator": False,
        "held_outside": False,
    }  # fmt: skip
    told = {name: {"value": value, "de": f"{name}.", "en": f"{name}!"} for name, value in (plain | values).items()}
    return msgspec.convert(told, StepFacts)


def test_the_shipped_facts_cover_every_step_with_a_reason_in_both_languages() -> None:
    shipped = facts.shipped()
    assert set(shipped.workflow) == set(facts.workflows()) == {"permit", "subsidy", "parking_fine"}
    for name in facts.workflows():
        for action in workflow(name).transitions:
            declared = shipped.of(name, action)
            for field in declared.__struct_fields__:
                reason = getattr(declared, field).reason
                assert reason.de.endswith((".", ")")), (name, action, field)
                assert reason.en.endswith((".", ")")), (name, action, field)
                assert reason.de != reason.en


def test_the_shipped_facts_differ_from_step_to_step() -> None:
    shipped = facts.shipped()
    assert {shipped.of("permit", action).distrusted.value for action in workflow("permit").transitions} == set(
        facts.ADVERSARIES
    )
    assert shipped.of("subsidy", "disburse_tranche").writers.value == 3
    assert shipped.of("subsidy", "disburse_tranche").noticed_within_hours.value == 4
    assert shipped.of("subsidy", "meet_condition").writers.value == 2


def test_a_step_departs_in_what_it_names_and_in_nothing_else() -> None:
    shipped = facts.shipped()
    default, own = shipped.workflow["permit"].default, shipped.of("permit", "grant")
    departed = {name for name in own.__struct_fields__ if getattr(own, name) != getattr(default, name)}
    assert departed == {"distrusted", "survives_operator", "held_outside"}
    assert shipped.of("permit", "receive_advice") == default


def test_facts_come_back_out_of_a_report_as_they_were() -> None:
    shipped = facts.shipped()
    written = msgspec.json.decode(msgspec.json.encode(shipped))
    assert facts.convert(written, "of the report") == shipped


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('town = "Hansestadt Wismar"', 'town = "Hansestadt Wismar"\ncity = "Wismar"', "unknown field `city`"),
        ("public = { value = false", 'public = { value = "no"', "Expected `bool`, got `str`"),
        ("public = { value = false", "public = { value = 0", "Expected `bool`, got `int`"),
        ("writers = { value = 1,", "writers = { value = true,", "Expected `int`, got `bool`"),
        ("writers = { value = 1,", "writers = { value = 0,", "Expected `int` >= 1"),
        ('value = "clerk"', 'value = "mayor"', "Invalid enum value 'mayor'"),
        ("noticed_within_hours = { value = 24", "noticed_within_hours = { value = inf", "<= 87600"),
        ("noticed_within_hours = { value = 24", "noticed_within_hours = { value = 0", "> 0"),
        ("[workflow.subsidy.default]", "[workflow.grants.default]", "missing required field `default`"),
        ("workflow.subsidy.", "workflow.grants.", "they say nothing about the workflow subsidy; there is no workflow"),
        ("step.refund]", "step.reimburse]", "parking_fine has no action reimburse"),
        (', en = "A permit concerns the parties, not everybody."', "", "missing required field `en`"),
        ("declared = 2026-11-29", "declared =", "cannot be read"),
        ("prevented = { value = false", "prevented = { value = true", "impossible for an operator who is trusted"),
    ],
)
def test_what_is_not_sound_is_refused_in_one_sentence(before: str, after: str, said: str) -> None:
    assert before in SHIPPED
    with pytest.raises(InvalidDefinition) as refused:
        facts.parse(SHIPPED.replace(before, after), "town.toml")
    assert refused.value.sentence.startswith("The facts town.toml ")
    assert said in refused.value.sentence
    assert refused.value.facts["path"] == "town.toml"


def test_a_missing_reason_is_refused() -> None:
    empty = SHIPPED.replace('en = "A permit concerns the parties, not everybody."', 'en = ""')
    with pytest.raises(InvalidDefinition, match="length >= 1"):
        facts.parse(empty, "town.toml")


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "schwerin.toml"
    path.write_text(SHIPPED.replace("Hansestadt Wismar", "Schwerin"), "utf-8")
    assert facts.load(path).town == "Schwerin"
    with pytest.raises(NotFound, match=r"no file of facts .*absent\.toml"):
        facts.load(tmp_path / "absent.toml")
    path.write_bytes(b"\xff")
    with pytest.raises(InvalidDefinition, match="not UTF-8"):
        facts.load(path)


@pytest.mark.parametrize(
    ("values", "kind", "decided"),
    [
        ({"writers": 1}, Chain.NONE, "writers"),
        ({"writers": 1, "writers_known": False, "public": True}, Chain.NONE, "writers"),
        ({"third_party": True, "writers_known": False}, Chain.NONE, "third_party"),
        ({"writers_known": False, "writers_trusted": True}, Chain.PERMISSIONLESS, "writers_known"),
        ({"writers_trusted": True, "public": True}, Chain.NONE, "writers_trusted"),
        ({"public": True}, Chain.PUBLIC, "writers_trusted"),
        ({"public": False}, Chain.PRIVATE, "writers_trusted"),
    ],
)
def test_the_questions_of_wuest_and_gervais(values: dict[str, Any], kind: Chain, decided: str) -> None:
    answer, sentence = chain_called_for(step(**values))
    assert answer is kind
    assert sentence.de.endswith(f" {decided}.")
    assert sentence.en.endswith(f" {decided}!")
    assert ("no chain is called for" in sentence.en) == (kind is Chain.NONE)


def test_who_is_distrusted_brings_the_weaker_ones_along() -> None:
    assert step(distrusted="clerk").adversaries == ("clerk",)
    assert step(distrusted="administrator").adversaries == ("clerk", "administrator")
    assert step(distrusted="operator").adversaries == ("clerk", "administrator", "operator")
