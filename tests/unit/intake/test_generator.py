from datetime import datetime
from itertools import pairwise

import pytest

from ledger_automation.errors import NotFound
from ledger_automation.intake import mapping as mappings
from ledger_automation.intake.commands import commands
from ledger_automation.intake.generator import follows, generate
from support.rehearsal import judge

DEMO = [("traffic_fines", 300), ("receipt", 60)]


@pytest.mark.parametrize(("process", "cases"), DEMO)
def test_the_same_seed_gives_the_same_cases_and_another_gives_others(process: str, cases: int) -> None:
    once = list(generate(process, cases=cases, seed=7))
    assert once == list(generate(process, cases=cases, seed=7))
    assert once != list(generate(process, cases=cases, seed=8))
    assert len(once) == cases


@pytest.mark.parametrize(("process", "cases"), DEMO)
def test_the_cases_are_mostly_lawful_and_numbered_as_a_file(process: str, cases: int) -> None:
    made = list(generate(process, cases=cases, seed=7))
    mapping = mappings.shipped(follows(process).mapping)
    mapping.check_activities({event.attributes["concept:name"]: 1 for trace in made for event in trace.events})
    tally = judge(commands(made, mapping), mapping.workflow)
    assert tally.cases == cases
    assert tally.share_accepted >= 0.97
    numbers = [event.number for trace in made for event in trace.events]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize(("process", "cases"), DEMO)
def test_steps_follow_each_other_as_the_counts_say_and_time_moves_on(process: str, cases: int) -> None:
    counts = follows(process)
    for trace in generate(process, cases=cases, seed=1):
        steps = [event.attributes["concept:name"] for event in trace.events]
        assert all(later in counts.follows[earlier] for earlier, later in pairwise(steps))
        moments = [datetime.fromisoformat(event.attributes["time:timestamp"]) for event in trace.events]
        assert moments == sorted(moments)


def test_breaches_stay_in_when_they_are_asked_for() -> None:
    made = list(generate("traffic_fines", cases=300, seed=3, breaches=1.0))
    mapping = mappings.shipped("road_traffic_fines")
    tally = judge(commands(made, mapping), mapping.workflow)
    assert 0 < tally.refused.total() < tally.accepted


def test_the_counts_name_their_source_and_licence() -> None:
    for process, _ in DEMO:
        assert "doi 10.4121" in follows(process).source
        assert follows(process).licence


def test_an_unknown_process_is_named() -> None:
    with pytest.raises(NotFound, match="parade"):
        next(generate("parade", cases=1, seed=1))
