"""The tamper matrix says what each system shows: nothing, rows, a rewritten log, or an unlawful step refused."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger_automation.errors import Contradiction
from ledger_automation.study.authority import Authority, serving
from ledger_automation.study.plan import StudyPlan, workloads
from ledger_automation.study.record import Tampered
from ledger_automation.study.systems import Place, open_system
from ledger_automation.study.systems.ledger import Intervals
from ledger_automation.study.tamper.changes import CHANGES, is_lawful
from ledger_automation.study.tamper.matrix import Town, attack

REWRITES = ("T01", "T02", "T13", "T03", "T05")
"""Lawful changes of what is in the log already."""

Rows = dict[tuple[str, str], Tampered]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with serving(tmp_path_factory.mktemp("tsa") / "authority") as running:
        yield running


@pytest.fixture
def attacked(tmp_path: Path, authority: Authority) -> Callable[..., Rows]:
    def make(system: str, cases: int = 12) -> Rows:

        (fines, *_) = workloads(StudyPlan(made={"traffic_fines": cases}), Path())
        place = Place(
            system, tmp_path, f"sqlite:///{tmp_path / 'study.sqlite'}", "tester", Intervals(0.1, 0.1, 0.1),
            tuple(authority),
        )  # fmt: skip
        with open_system(place) as opened:
            town = Town(place, opened, fines.table)
            town.fill(fines.arrivals)
            return {(each.attack, each.adversary): each for each in attack(town, 2, 7, lambda *_: None)}

    return make


def noticed(rows: Rows, adversary: str, *kinds: str) -> set[tuple[int, str]]:
    return {(rows[kind, adversary].detected, rows[kind, adversary].detected_by) for kind in kinds}


@pytest.mark.parametrize("system", ["table", "hash_chain"])
def test_without_evidence_outside_nobody_notices_what_is_lawful(attacked: Any, system: str) -> None:
    rows = attacked(system)
    for who in ("administrator", "operator"):
        assert noticed(rows, who, *REWRITES, "T06") == {(0, "")}
        assert noticed(rows, who, "T49") == {(2, "auditor")}, "the law, replayed"
        assert (rows["T49", who].named, rows["T49", who].located) == (2, 2)
    assert noticed(rows, "operator", "T22") == {(0, "")}
    assert noticed(rows, "clerk", "T49") == {(1, "system")}


def test_a_signed_log_stops_the_administrator_and_not_the_operator(attacked: Any) -> None:
    rows = attacked("merkle_log")
    assert noticed(rows, "administrator", *REWRITES) == {(2, "auditor")}
    assert noticed(rows, "operator", *REWRITES, "T22") == {(2, "applicant"), (1, "applicant")}
    assert noticed(rows, "administrator", "T06") == {(0, "")}, "what nobody took, and nobody logged yet"
    for kind in REWRITES:
        assert (rows[kind, "administrator"].named, rows[kind, "administrator"].located) == (2, 2), kind
        assert rows[kind, "operator"].named == 2, kind
    for kind in ("T01", "T02", "T13"):
        assert rows[kind, "operator"].located == 2, "a log that got shorter only says that it is"


def test_a_timestamp_tells_the_auditor_that_a_log_was_made_later_than_it_says(attacked: Any) -> None:
    rows = attacked("timestamped_log")
    assert noticed(rows, "operator", *REWRITES) == {(2, "auditor")}
    assert noticed(rows, "operator", "T22") == {(1, "applicant")}, "an older evening was timestamped in time"


def test_a_chain_stops_the_operator_without_anybody_outside(attacked: Any) -> None:
    rows = attacked("anchored")
    assert noticed(rows, "operator", *REWRITES) == {(2, "chain")}
    assert noticed(rows, "operator", "T22") == {(1, "chain")}
    assert noticed(rows, "operator", "T06") == {(0, "")}, "a step more is no other past"


def test_a_contract_refuses_the_operators_unlawful_step(attacked: Any) -> None:
    rows = attacked("enforced", 3)
    assert noticed(rows, "operator", "T49") == {(2, "system")}
    assert noticed(rows, "operator", *REWRITES, "T06", "T22") <= {(2, "auditor"), (2, "chain"), (1, "chain")}


def test_a_town_that_does_not_hold_is_not_attacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (fines, *_) = workloads(StudyPlan(made={"traffic_fines": 3}), Path())
    place = Place("table", tmp_path, f"sqlite:///{tmp_path / 'study.sqlite'}")
    with open_system(place) as opened:
        real = opened.work

        def work(*, now: bool = False) -> Any:
            opened._rows.query("UPDATE audit_case SET state = 'closed'")
            return real(now=now)

        monkeypatch.setattr(opened, "work", work)
        with pytest.raises(Contradiction, match="An honest table does not hold"):
            Town(place, opened, fines.table).fill(fines.arrivals)


def test_all_changes_but_one_are_lawful() -> None:
    assert [each.tampering for each in CHANGES if not each.lawful] == ["T49"]
    assert is_lawful([])
