"""Port CaseMapStore: tiles by size, and the map that a sequencer grows with them."""

from random import Random
from typing import Any

import msgspec
import pytest

from ledger_automation.errors import Contradiction, ProofError
from ledger_automation.orchestrator.case_map import grow, prove
from ledger_automation.orchestrator.seal import seal
from ledger_automation.orchestrator.submission import SignedSubmission, State, Subject, Submission
from ledger_automation.tlog.case_map import Head, MapLeaf, key_of, verify_absence, verify_completeness
from ledger_automation.tlog.checkpoint import Checkpoint, stated
from support import case_maps

ROOT = bytes(32)


class Map:
    """A map in a store beside what it should be, without a log under it."""

    def __init__(self, store: Any) -> None:
        self._begin, self._random = store.begin, Random(3)
        self.checkpoints: list[Checkpoint] = []
        self.heads: list[dict[str, Head]] = [{}]

    def grow(self, changes: int, among: int = 400) -> Checkpoint:
        changed = {
            f"case {self._random.randrange(among)}": Head(self._random.randrange(9), self._random.randbytes(32))
            for _ in range(changes)
        }
        size = len(self.heads)
        with self._begin() as unit:
            root = grow(unit.case_map, self.checkpoints[-1] if self.checkpoints else None, changed, size)
            unit.commit()
        self.heads.append(self.heads[-1] | changed)
        self.checkpoints.append(Checkpoint("origin", size, ROOT, root))
        return self.checkpoints[-1]


def test_the_root_is_that_of_the_definition_after_every_change(store: Any) -> None:
    grown = Map(store)
    for changes in (1, 1, 300, 2, 40):
        checkpoint = grown.grow(changes)
        heads = grown.heads[-1]
        assert checkpoint.case_map_root == case_maps.root(heads)
        with store.read() as unit:
            for case_id in (*list(heads)[:9], "nobody"):
                leaf, siblings = prove(unit.case_map, checkpoint, case_id)
                if case_id in heads:
                    verify_completeness(checkpoint.case_map_root, case_id, heads[case_id], siblings)
                    assert leaf == MapLeaf.of(case_id, heads[case_id])
                else:
                    verify_absence(checkpoint.case_map_root, case_id, leaf, siblings)


def test_without_a_chain_only_the_newest_map_is_kept(store: Any) -> None:
    grown = Map(store)
    first, second = grown.grow(300), grown.grow(300)
    with store.read() as unit:
        assert unit.case_map.tiles([""], first.tree_size) == {}
        assert set(unit.case_map.tiles([""], second.tree_size)) == {""}
        with pytest.raises(ProofError, match="missing"):
            prove(unit.case_map, first, "case 1")


def sealed(store: Any, clerk: Any) -> Checkpoint:
    """Seal three more cases; return the checkpoint over them."""
    clerk.fill(store.begin, 3)
    seal(store.begin, clerk.recorder, clerk.key, None)
    with store.read() as unit:
        newest = stated(list(unit.log.checkpoints(0))[-1].note)
        assert newest.case_map_root == case_maps.root(unit.case_map.heads(newest.tree_size))
    return newest


def anchored(store: Any, clerk: Any, state: State) -> Checkpoint:
    """Seal, and write down that the checkpoint was sent to a chain."""
    checkpoint = sealed(store, clerk)
    size = checkpoint.tree_size
    signed = SignedSubmission(f"0x{size:064x}", b"\x02", "0xSender", size)
    row = Submission(signed, Subject(tree_size=size), 31337, "0xRegistry", 1, 70)
    with store.begin() as unit:
        unit.anchors.add(row)
        settled = msgspec.structs.replace(row, state=state, block_number=size, block_hash="0x01")
        assert unit.anchors.update([row], [settled])
        unit.commit()
    return checkpoint


def test_what_may_be_anchored_yet_and_what_was_last_can_be_proved(store: Any, clerk: Any) -> None:
    """Every later checkpoint changes the map; a proof for an anchored size is asked for when all of them are there."""
    older, final = anchored(store, clerk, State.FINAL), anchored(store, clerk, State.FINAL)
    between, open_one = sealed(store, clerk), anchored(store, clerk, State.PENDING)
    newest = [sealed(store, clerk) for _ in range(3)][-1]
    with store.read() as unit:
        heads = unit.case_map.heads(newest.tree_size)
        assert unit.case_map.tiles([""], older.tree_size) == {}
        for checkpoint in (final, between, open_one, newest):
            for case_id in heads:
                leaf, siblings = prove(unit.case_map, checkpoint, case_id)
                if leaf is not None and leaf.key == key_of(case_id):
                    verify_completeness(checkpoint.case_map_root, case_id, leaf.head, siblings)
                else:
                    verify_absence(checkpoint.case_map_root, case_id, leaf, siblings)


def test_tiles_that_are_lost_or_changed_are_made_again_from_the_leaves(store: Any, clerk: Any) -> None:
    sealed(store, clerk)
    with store.begin() as unit:
        unit.case_map.clear()
        unit.commit()
    checkpoint = sealed(store, clerk)
    with store.begin() as unit:
        unit.case_map.clear()
        unit.case_map.write({"": bytes(33)}, checkpoint.tree_size)
        unit.commit()
    sealed(store, clerk)


def test_where_neither_tiles_nor_leaves_lead_to_what_was_signed_nothing_more_is_signed(store: Any, clerk: Any) -> None:
    newest = sealed(store, clerk)
    with store.begin() as unit:
        lie = Checkpoint(newest.origin, newest.tree_size, newest.root_hash, bytes(32))
        with pytest.raises(Contradiction, match="Neither"):
            grow(unit.case_map, lie, {"case": Head(0, bytes(32))}, newest.tree_size + 1)


def test_the_last_leaf_of_a_case_below_a_size(store: Any, clerk: Any) -> None:
    cases = [step.case.case_id for step in clerk.fill(store.begin, 5)]
    seal(store.begin, clerk.recorder, clerk.key, None)
    with store.read() as unit:
        places = list(unit.log.places(0))
        for size in range(1, len(places) + 1):
            expected = {each.case_id: Head(each.sequence, each.leaf_hash) for each in places[:size]}
            assert unit.log.heads([*cases, "nobody"], size) == expected
            assert unit.case_map.heads(size) == expected
