"""Port LogStore: the outbox, leaves, nodes, checkpoints."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ledger_automation.errors import Conflict, NotFound
from ledger_automation.merkle import leaf_hash
from ledger_automation.merkle.tree import Frontier
from ledger_automation.orchestrator.ports import NewLeaf
from ledger_automation.orchestrator.sequence import record_heartbeat, sequence
from ledger_automation.verify.policy import Level


def test_pending_is_every_logged_event_without_a_leaf_in_order(store: Any, clerk: Any) -> None:
    clerk.fill(store.begin, 2, Level.RECORDED)
    logged = clerk.fill(store.begin, 5, Level.LOGGED)
    clerk.fill(store.begin, 2, Level.RECORDED)
    for sweep in (False, True):
        with store.read() as unit:
            pending = unit.log.pending(100, sweep=sweep)
            assert unit.log.pending(2, sweep=sweep) == pending[:2]
        assert [event.commitment for event in pending] == [step.commitment for step in logged]
        assert [event.case_id for event in pending] == [step.case.case_id for step in logged]
        assert [event.event_id for event in pending] == sorted(event.event_id for event in pending)


def test_a_sweep_finds_what_a_bound_misses(store: Any, clerk: Any) -> None:
    clerk.fill(store.begin, 3)
    with store.begin() as unit:
        early, middle, late = unit.log.pending(10, sweep=True)
        digest = leaf_hash(late.commitment)
        frontier = unit.log.frontier()
        leaf = NewLeaf(0, late.event_id, late.case_id, late.sequence, digest)
        unit.log.append([leaf], frontier.extend([digest]))
        unit.commit()
    with store.read() as unit:
        assert unit.log.pending(10, sweep=True) == [early, middle]
        assert set(unit.log.pending(10, sweep=False)) <= {early, middle}
    sequenced = sequence(store.begin, clerk.recorder, clerk.key, sweep=True)
    assert sequenced is not None
    assert (sequenced.leaves, sequenced.checkpoint.tree_size) == (2, 3)


def test_frontier_and_subtrees_are_those_of_a_tree_in_memory(store: Any, tree: Any, grow: Any) -> None:
    model, frontier = tree(1_100), Frontier()
    for start, end in ((0, 1), (1, 255), (255, 257), (257, 700), (700, 1_100)):
        frontier.extend(model.leaves[start:end])
        with store.begin() as unit:
            grow(unit, model.leaves[start:end])
            unit.commit()
        with store.read() as unit:
            edge = unit.log.frontier()
            assert (edge.size, edge.rows, edge.root_hash()) == (end, frontier.rows, model.root(end))
    with store.read() as unit:
        for level in range(11):
            for number in range(1_100 >> level):
                assert unit.log.subtree(level, number) == model.subtree(level, number)
            with pytest.raises(NotFound):
                unit.log.subtree(level, 1_100 >> level)
        assert list(unit.log.leaves(1_000)) == list(enumerate(model.leaves[1_000:], 1_000))
        assert [node.number for node in unit.log.nodes(8, 1)] == [1, 2, 3]
        assert list(unit.log.nodes(16, 0)) == []


def test_entries_are_the_commitments_under_the_leaves_in_their_order(store: Any, clerk: Any) -> None:
    steps = clerk.fill(store.begin, 9, Level.LOGGED)
    assert sequence(store.begin, clerk.recorder, clerk.key) is not None
    clerk.fill(store.begin, 2, Level.LOGGED)
    with store.read() as unit:
        leaves = dict(unit.log.leaves(0))
        assert unit.log.entries(0, 256) == [step.commitment for step in steps]
        assert unit.log.entries(3, 4) == [step.commitment for step in steps[3:7]]
        assert [leaf_hash(each) for each in unit.log.entries(0, 256)] == [leaves[index] for index in range(9)]
        assert unit.log.entries(9, 1) == []


def test_a_leaf_index_is_given_once_and_the_second_gets_a_conflict(
    store: Any, tree: Any, grow: Any, all_of: Any
) -> None:
    model = tree(300)
    with store.begin() as unit:
        stale = unit.log.frontier()
    with store.begin() as unit:
        grow(unit, model.leaves)
        unit.commit()
    before = all_of(store)
    leaves = [NewLeaf(at, 1_000 + at, "rival", 0, model.leaves[at]) for at in range(299, 302 - 2)]
    with pytest.raises(Conflict), store.begin() as unit:
        unit.log.append(leaves, stale.extend(model.leaves[:1]))
    ahead = [NewLeaf(300, 1, "rival", 0, model.leaves[0])]
    with pytest.raises(Conflict), store.begin() as unit:
        unit.log.append(ahead, [])  # a new index for an event that has its leaf already
    assert all_of(store) == before


def test_of_two_sequencers_one_gets_a_conflict_and_leaves_nothing(store: Any, clerk: Any, all_of: Any) -> None:
    clerk.fill(store.begin, 4)
    with store.begin() as unit:  # the slower one looks, and is overtaken before it writes
        pending, frontier = unit.log.pending(10, sweep=False), unit.log.frontier()
    assert sequence(store.begin, clerk.recorder, clerk.key) is not None
    before = all_of(store)
    hashes = [leaf_hash(event.commitment) for event in pending]
    leaves = [
        NewLeaf(at, event.event_id, event.case_id, event.sequence, digest)
        for at, (event, digest) in enumerate(zip(pending, hashes, strict=True))
    ]
    with pytest.raises(Conflict), store.begin() as unit:
        unit.log.append(leaves, frontier.extend(hashes))
    assert all_of(store) == before


def test_eight_sequencers_beside_eight_writers_give_each_event_one_leaf(store: Any, clerk: Any) -> None:
    def write(_: int) -> None:
        for _ in range(6):
            clerk.fill(store.begin, 3)

    def log(_: int) -> None:
        for _ in range(12):
            sequence(store.begin, clerk.recorder, clerk.key, limit=5)

    with ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(write, at) for at in range(8)] + [pool.submit(log, at) for at in range(8)]:
            done.result()
    while sequence(store.begin, clerk.recorder, clerk.key):  # by the bound only: nothing was overtaken
        pass
    with store.read() as unit:
        assert unit.log.pending(1_000, sweep=True) == []
        rows = [row for _, _, rows in unit.cases.trails(0, 0) for row in rows]
        assert sorted(row.leaf_index for row in rows) == list(range(8 * 6 * 3))
        assert all(row.leaf_hash == leaf_hash(row.commitment) for row in rows)
        assert next(iter(unit.log.checkpoints(8 * 6 * 3 - 1))).root_hash == unit.log.frontier().root_hash()


def test_a_size_is_signed_once(store: Any, signed: Any) -> None:
    with store.begin() as unit:
        unit.log.sign_off(signed(5))
        unit.log.sign_off(signed(9))
        unit.commit()
    with pytest.raises(Conflict), store.begin() as unit:
        unit.log.sign_off(signed(5, b"\x22" * 32))
    with store.read() as unit:
        assert list(unit.log.checkpoints(0)) == [signed(5), signed(9)]
        assert list(unit.log.checkpoints(5)) == [signed(9)]


def test_the_edge_says_how_far_events_and_log_have_come(store: Any, clerk: Any) -> None:
    with store.read() as unit:
        assert tuple(unit.log.edge()) == (0, "")
    record_heartbeat(store.begin, clerk.recorder)
    sequence(store.begin, clerk.recorder, clerk.key)
    clerk.fill(store.begin, 1)
    with store.read() as unit:
        edge = unit.log.edge()
        rows = sorted((row.event_id, row) for _, _, rows in unit.cases.trails(0, 0) for row in rows)
        assert edge.last_event == rows[-1][0]
        assert edge.last_recorded == max(row.recorded_at for _, row in rows if row.leaf_index is not None)
        assert list(unit.log.orphans(0)) == []


def test_leaves_whose_event_is_gone_are_orphans(store: Any, tree: Any, grow: Any) -> None:
    with store.begin() as unit:
        grow(unit, tree(3).leaves)
        unit.commit()
    with store.read() as unit:
        assert [leaf.leaf_index for leaf in unit.log.orphans(1)] == [1, 2]
