"""A round's file is read strictly, and its logs are what they say."""

from pathlib import Path

import pytest

from ledger_automation.errors import InvalidDefinition, NotFound
from ledger_automation.study.plan import StudyPlan, read_plan, workloads
from ledger_automation.study.record import SYSTEMS


def test_without_a_file_it_is_the_quick_round() -> None:
    assert read_plan(None) == StudyPlan()
    assert read_plan(None).systems == SYSTEMS


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rounds = 0", "rounds"),
        ("rounds = 'five'", "rounds"),
        ("clients = []", "clients"),
        ("seconds = 0", "seconds"),
        ("colour = 1", "colour"),
        ("systems = ['spreadsheet']", "'spreadsheet' among its systems"),
        ("stores = ['oracle']", "'oracle' among its stores"),
        ("rounds =", "cannot be read"),
    ],
)
def test_a_round_that_is_none_is_one_sentence(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "round.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(InvalidDefinition) as caught:
        read_plan(path)
    assert told in caught.value.sentence
    assert str(path) in caught.value.sentence


def test_a_round_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no round"):
        read_plan(tmp_path / "none.toml")
    with pytest.raises(NotFound, match="--logs"):
        workloads(StudyPlan(logs=("none.xes.gz",)), tmp_path)


def test_committed_rounds_can_be_read() -> None:
    rounds = sorted((Path(__file__).resolve().parents[3] / "benchmarks" / "rounds").glob("*.toml"))
    assert rounds
    for path in rounds:
        assert read_plan(path).rounds >= 1


def test_a_workload_offers_what_it_holds_and_a_sample_has_whole_cases() -> None:
    fines, _, grants = workloads(StudyPlan(), Path())
    assert len(fines.offers) == len([each for each in fines.arrivals if each.command])
    some = fines.sample(3)
    assert len({each.case for each in some}) == 3
    assert some == [each for each in fines.arrivals if each.case in {one.case for one in some}]
    assert {each.case for each in grants.arrivals} == {"grant-0"}
    assert grants.table.name == "subsidy"
