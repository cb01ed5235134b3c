"""The public logs, whole: every event is accepted, refused by a named rule, or ignored in words; the counts add up."""

from functools import cache
from pathlib import Path

import pytest

from ledger_automation.intake import mapping as mappings
from ledger_automation.intake.commands import MALFORMED
from ledger_automation.workflows import workflow
from support.rehearsal import Tally, rehearse

LOGS = {
    "road_traffic_fines_10k.xes.gz": (34_724, 10_000),
    "wabo_receipt_first70.xes.gz": (6_110, 1_003),
    "BPIC15_1.xes.gz": (52_217, 1_199),
    "InternationalDeclarations.xes.gz": (72_151, 6_449),
}


@cache
def tally_of(path: Path) -> Tally:
    return rehearse(path, mappings.find(path))


@pytest.mark.parametrize("name", LOGS)
def test_the_three_counts_add_up_to_the_files_events(logs: Path, name: str) -> None:
    tally = tally_of(logs / name)
    assert tally.events == LOGS[name][0]
    assert tally.accepted + tally.refused.total() + tally.ignored.total() == tally.events
    known = {
        rule
        for row in workflow(mappings.find(Path(name)).workflow).transitions.values()
        for rule in (*(guard.rule for guard in row.guards), *(bar.rule for bar in row.barred))
    }
    assert set(tally.refused) <= known | {"not_in_state", "before_previous_step", MALFORMED}


def test_the_fine_law_accepts_98_percent_and_names_the_known_breaches(logs: Path) -> None:
    tally = tally_of(logs / "road_traffic_fines_10k.xes.gz")
    assert tally.cases == 10_000
    assert not tally.ignored
    assert tally.share_accepted >= 0.98
    assert tally.accepted == 34_353
    assert tally.refused["collection_although_settled"] == 3
    assert tally.refused["appeal_too_late"] == 36
    assert tally.refused["payment_although_settled"] == 21
    assert tally.where["suspended_by_appeal", "Add penalty"] == 198
    assert MALFORMED not in tally.refused


def test_no_fine_of_the_log_is_paid_after_its_collection_so_that_rule_stays_silent(logs: Path) -> None:
    assert tally_of(logs / "road_traffic_fines_10k.xes.gz").refused["payment_after_collection"] == 0


def test_the_permit_law_accepts_95_percent_of_the_receipt_phase_and_ignores_nothing(logs: Path) -> None:
    tally = tally_of(logs / "wabo_receipt_first70.xes.gz")
    assert tally.cases == 1_003
    assert not tally.ignored
    assert tally.share_accepted >= 0.95
    assert tally.accepted == 6_109


def test_the_building_permits_are_judged_where_they_have_a_legal_effect(logs: Path) -> None:
    tally = tally_of(logs / "BPIC15_1.xes.gz")
    judged = tally.accepted + tally.refused.total()
    assert tally.cases == 1_199
    assert tally.accepted / judged >= 0.85


def test_the_declarations_are_judged_and_their_openings_are_counted_apart(logs: Path) -> None:
    tally = tally_of(logs / "InternationalDeclarations.xes.gz")
    assert tally.openings == 6_439  # ten more cases hold nothing but ignored events
    assert tally.accepted / (tally.accepted + tally.refused.total()) >= 0.75
    assert tally.refused["beyond_grant"] > 1_000


def test_the_penalty_comes_exactly_sixty_days_after_service(logs: Path) -> None:
    path = logs / "road_traffic_fines_10k.xes.gz"
    assert not tally_of(path).refused["penalty_too_early"]
