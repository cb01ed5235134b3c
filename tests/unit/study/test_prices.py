"""Prices are read strictly, and a case's price is the sum of plain products of what was measured."""

from pathlib import Path

import msgspec
import pytest

from ledger_automation.errors import InvalidDefinition, NotFound
from ledger_automation.study import prices
from ledger_automation.study.facts import Chain, workflows
from ledger_automation.study.prices import Prices, cost_per_case, costs
from ledger_automation.study.record import SYSTEMS, Figure

SHIPPED = Path(prices.__file__).with_name("prices.toml").read_text("utf-8")

ROUND = """
chain = "plain"
authority = "local"
tokens_day = { value = 10, source = "test", date = 2026-11-29 }
anchors_day = { value = 4, source = "test", date = 2026-11-29 }
ether_eur = { value = 2000, source = "test", date = 2026-11-29 }
[hosting]
machine_eur_month = { value = 40, source = "test", date = 2026-11-29 }
database_eur_month = { value = 60, source = "test", date = 2026-11-29 }
storage_eur_gb_month = { value = 0.5, source = "test", date = 2026-11-29 }
[authorities_eur_token]
local = { value = 0.2, source = "test", date = 2026-11-29 }
[chains.plain]
kind = "permissionless"
one_hand = false
gas_gwei = { value = 3, source = "test", date = 2026-11-29 }
nodes = { value = 2, source = "test", date = 2026-11-29 }
node_eur_month = { value = 25, source = "test", date = 2026-11-29 }
[cases_year]
permit = { value = 100, source = "test", date = 2026-11-29 }
subsidy = { value = 100, source = "test", date = 2026-11-29 }
parking_fine = { value = 800, source = "test", date = 2026-11-29 }
"""


def round_prices() -> Prices:
    return prices.parse(ROUND, "round.toml")


def figure(measure: str, system: str, *rounds: float, workflow: str = "permit", store: str = "sqlite") -> Figure:
    return Figure(
        measure=measure, system=system, store=store, workload="w", workflow=workflow, rounds=rounds, command="make it"
    )


FIGURES = (
    figure("events_case", "table", 10.0),
    figure("storage", "table", 900.0, 1000.0, 5000.0),
    figure("storage", "timestamped_log", 2000.0),
    figure("storage", "anchored", 2000.0),
    figure("gas_checkpoint", "anchored", 60_000.0),
    figure("storage", "enforced", 3000.0),
    figure("gas_case", "enforced", 400_000.0),
    figure("gas_checkpoint", "enforced", 60_000.0),
)


def test_the_shipped_prices_have_a_source_and_a_day_each() -> None:
    shipped = prices.shipped()
    assert set(shipped.cases_year) == set(workflows())
    assert shipped.chain in shipped.chains
    assert {each.kind for each in shipped.chains.values()} >= {Chain.PERMISSIONLESS, Chain.PRIVATE}
    assert SHIPPED.count("value =") == SHIPPED.count("source =") == SHIPPED.count("date =")
    quoted = SHIPPED.split('source = "')[1:]
    assert all(each.startswith(("assumption, ", "by definition, ")) for each in quoted)


def test_a_table_costs_its_hosting_and_its_bytes() -> None:
    cost = cost_per_case(FIGURES, round_prices(), "permit", "table")
    assert cost.missing == ()
    assert cost.hosting == pytest.approx((40 + 60) * 12 / 1000)
    assert cost.storage == pytest.approx(1000 * 10 / 1e9 * 0.5 * 12 * 6)  # a permit is kept for six years
    assert (cost.timestamps, cost.gas) == (0, 0)
    assert cost.total == pytest.approx(cost.hosting + cost.storage)


def test_a_timestamped_log_costs_its_tokens() -> None:
    cost = cost_per_case(FIGURES, round_prices(), "permit", "timestamped_log")
    assert cost.timestamps == pytest.approx(10 * 0.2 * 365 / 1000)
    assert cost.hosting == pytest.approx(1.2)
    assert cost.gas == 0


ANCHORS = 60_000 * 4 * 365 / 1000
"""Gas of a year's checkpoints, over its cases."""


def test_an_anchored_log_costs_its_nodes_and_the_gas_of_its_checkpoints() -> None:
    cost = cost_per_case(FIGURES, round_prices(), "permit", "anchored")
    assert cost.hosting == pytest.approx((40 + 60 + 2 * 25) * 12 / 1000)
    assert cost.gas == pytest.approx(ANCHORS * 3e-9 * 2000)
    assert cost.timestamps == 0


def test_a_contract_costs_the_gas_of_its_steps_besides() -> None:
    cost = cost_per_case(FIGURES, round_prices(), "permit", "enforced")
    assert cost.gas == pytest.approx((400_000 + ANCHORS) * 3e-9 * 2000)


def test_of_several_stores_the_dearest_counts() -> None:
    more = (*FIGURES, figure("gas_case", "enforced", 500_000.0, store="postgresql"))
    assert cost_per_case(more, round_prices(), "permit", "enforced").gas == pytest.approx(
        (500_000 + ANCHORS) * 3e-9 * 2000
    )


def test_what_was_not_measured_is_missing_and_not_nought() -> None:
    found = costs(FIGURES, round_prices(), "permit", SYSTEMS)
    assert {name for name, cost in found.items() if cost.missing} == {"hash_chain", "merkle_log"}
    assert found["merkle_log"].missing == ("storage",)
    assert cost_per_case((), round_prices(), "permit", "table").missing == ("events_case", "storage")
    bare = [each for each in FIGURES if not each.measure.startswith("gas")]
    assert cost_per_case(bare, round_prices(), "permit", "anchored").missing == ("gas_checkpoint",)
    assert cost_per_case(bare, round_prices(), "permit", "enforced").missing == ("gas_checkpoint", "gas_case")
    hollow = [*bare, figure("gas_checkpoint", "anchored")]
    assert cost_per_case(hollow, round_prices(), "permit", "anchored").missing == ("gas_checkpoint",)


def test_another_workflows_figures_count_only_where_they_name_none() -> None:
    assert cost_per_case(FIGURES, round_prices(), "subsidy", "table").missing == ("events_case", "storage")
    of_all = (figure("events_case", "table", 4.0, workflow=""), figure("storage", "table", 1000.0, workflow=""))
    cost = cost_per_case(of_all, round_prices(), "subsidy", "table")
    assert cost.storage == pytest.approx(1000 * 4 / 1e9 * 0.5 * 12 * 10)  # a subsidy is kept for ten years


def test_prices_come_back_out_of_a_report_as_they_were() -> None:
    shipped = prices.shipped()
    assert prices.convert(msgspec.json.decode(msgspec.json.encode(shipped)), "of the report") == shipped


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('chain = "plain"', 'chain = "plain"\ncurrency = "EUR"', "unknown field `currency`"),
        ('chain = "plain"', 'chain = "mainnet"', "there is no price of the chain mainnet"),
        ('authority = "local"', 'authority = "federal"', "there is no price of the authority federal"),
        ("value = 2000", 'value = "2000"', "Expected `float`, got `str`"),
        ("value = 2000", "value = -1", ">= 0"),
        ("value = 2000", "value = nan", ">= 0"),
        ("value = 2000", "value = inf", "<= 1000000000"),
        ("value = 2000, source", 'value = 2000, note = "", source', "unknown field `note`"),
        ('value = 3, source = "test"', "value = 3", "missing required field `source`"),
        ('value = 3, source = "test"', 'value = 3, source = ""', "length >= 1"),
        ("value = 3, source", "value = 3, when = 2026-11-29, source", "unknown field `when`"),
        ("value = 800", "value = 0", ">= 1"),
        ("one_hand = false", 'one_hand = "no"', "Expected `bool`, got `str`"),
        ('kind = "permissionless"', 'kind = "fast"', "Invalid enum value 'fast'"),
        ('kind = "permissionless"', 'kind = "none"', "plain is a chain of no kind"),
        ("subsidy =", "grants =", "they do not count the cases of subsidy; there is no workflow grants"),
        ("[hosting]", "[hosting", "cannot be read"),
    ],
)
def test_what_is_not_sound_is_refused_in_one_sentence(before: str, after: str, said: str) -> None:
    assert before in ROUND
    with pytest.raises(InvalidDefinition) as refused:
        prices.parse(ROUND.replace(before, after), "mine.toml")
    assert refused.value.sentence.startswith("The prices mine.toml ")
    assert said in refused.value.sentence
    assert refused.value.facts["path"] == "mine.toml"


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(ROUND, "utf-8")
    assert prices.load(path) == round_prices()
    with pytest.raises(NotFound, match=r"no file of prices .*absent\.toml"):
        prices.load(tmp_path / "absent.toml")
    path.write_bytes(b"\xff")
    with pytest.raises(InvalidDefinition, match="not UTF-8"):
        prices.load(path)
