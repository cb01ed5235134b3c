"""Port CaseStore: cases and events."""

from typing import Any

import pytest

from ledger_automation.audit.encoding import decode
from ledger_automation.errors import Conflict
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import COLUMNS, DocumentRecord


def test_what_was_recorded_is_read_as_it_was(store: Any, clerk: Any) -> None:
    document = DocumentRecord("photo.jpg", "image/jpeg", b"\xff\xd8\x00")
    first, standing = clerk.open(Level.LOGGED, document)
    second, _ = clerk.go_on(standing)
    with store.begin() as unit:
        unit.cases.record([first, second])
        unit.commit()
    with store.read() as unit:
        assert unit.cases.case(first.case.case_id) == second.case
        trail = unit.cases.trail(first.case.case_id)
        assert [unit.cases.documents(row.event_id) for row in trail] == [[document], []]
        assert unit.cases.case(str(CaseId.random())) is None
        assert unit.cases.trail(str(CaseId.random())) == []
    for row, step in zip(trail, (first, second), strict=True):
        assert (row.salt, row.canonical, row.commitment) == (step.salt, step.canonical, step.commitment)
        event = decode(step.canonical)
        assert row.sequence == event.sequence
        assert tuple(getattr(row, name) for name in COLUMNS[:4]) == (
            event.case_id, event.sequence, event.workflow, event.action,
        )  # fmt: skip
        assert row.leaf_index is None
    assert [row.documents for row in trail] == [1, 0]


def test_ids_follow_the_order_of_the_commits(store: Any, clerk: Any) -> None:
    batches = [clerk.fill(store.begin, 3) for _ in range(4)]
    with store.read() as unit:
        ids = [unit.cases.trail(step.case.case_id)[0].event_id for batch in batches for step in batch]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


def test_a_stale_sequence_is_a_conflict_and_nothing_of_the_batch_stays(store: Any, clerk: Any, all_of: Any) -> None:
    first, standing = clerk.open()
    second, _ = clerk.go_on(standing)
    rival, _ = clerk.go_on(standing, cents=200)
    with store.begin() as unit:
        unit.cases.record([first, second])
        unit.commit()
    before = all_of(store)
    with pytest.raises(Conflict) as refusal, store.begin() as unit:
        unit.cases.record([clerk.open()[0], rival, clerk.open()[0]])
    assert refusal.value.facts["case_id"] == first.case.case_id
    assert all_of(store) == before
    with store.begin() as unit:
        with pytest.raises(Conflict):
            unit.cases.record([clerk.open()[0], rival])
        unit.commit()  # even a caller that goes on commits nothing of the refused batch
    assert all_of(store) == before


def test_a_case_that_is_ahead_or_unknown_is_a_conflict_too(store: Any, clerk: Any, all_of: Any) -> None:
    _, standing = clerk.open()
    orphan, later = clerk.go_on(standing)
    skipping, _ = clerk.go_on(later)
    before = all_of(store)
    for step in (orphan, skipping):
        with pytest.raises(Conflict), store.begin() as unit:
            unit.cases.record([step])
    assert all_of(store) == before


def test_a_case_is_opened_once(store: Any, clerk: Any, all_of: Any) -> None:
    first, _ = clerk.open()
    with store.begin() as unit:
        unit.cases.record([first])
        unit.commit()
    before = all_of(store)
    with pytest.raises(Conflict), store.begin() as unit:
        unit.cases.record([first])
    assert all_of(store) == before


def test_trails_come_case_by_case_and_bounds_choose_the_touched_ones(store: Any, clerk: Any) -> None:
    first, standing = clerk.open()
    others = [clerk.open()[0] for _ in range(5)]
    with store.begin() as unit:
        unit.cases.record([first, *others])
        unit.commit()
    with store.read() as unit:
        everything = list(unit.cases.trails(0, 0))
        last = max(row.event_id for _, _, rows in everything for row in rows)
    assert [case_id for case_id, _, _ in everything] == [step.case.case_id for step in [first, *others]]
    assert all(record is not None and record.case_id == case_id for case_id, record, _ in everything)
    second, _ = clerk.go_on(standing)
    with store.begin() as unit:
        unit.cases.record([second])
        unit.commit()
    with store.read() as unit:
        ((case_id, record, rows),) = unit.cases.trails(last, 1)
    assert case_id == first.case.case_id
    assert record == second.case
    assert [row.sequence for row in rows] == [0, 1], "all events of a touched case, not only the new ones"
