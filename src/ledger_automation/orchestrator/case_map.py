"""The case map of the log: grown by the sequencer with every checkpoint, and asked for proofs.

A run of the sequencer reads and writes what lies above the cases that it changes. What it reads is held against the
last checkpoint's root; where tiles are missing or were changed, the map is made again from the leaves, once, and must
have that root. The map is a projection: nothing is in it that the log does not say.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from ledger_automation.errors import Contradiction, ProofError
from ledger_automation.tlog.case_map import EMPTY_MAP_ROOT, Head, MapLeaf, key_of
from ledger_automation.tlog.checkpoint import Checkpoint
from ledger_automation.tlog.map_trie import MapTrie


class CaseMapStore(Protocol):
    """The tiles of the case map, each with the size of the log from which on it is so."""

    def tiles(self, paths: Sequence[str], size: int) -> Mapping[str, bytes]:
        """Return those tiles that there are, as they were at a size."""
        ...

    def heads(self, size: int) -> dict[str, Head]:
        """Return the last event of every case in the log as it was at a size, from its leaves."""
        ...

    def write(self, tiles: Mapping[str, bytes], size: int) -> None:
        """Store tiles as they are from a size on. MUST keep what `tiles` returns for sizes that may be anchored yet."""
        ...

    def clear(self) -> None:
        """Forget all tiles."""
        ...


def grow(store: CaseMapStore, previous: Checkpoint | None, heads: Mapping[str, Head], size: int) -> bytes:
    """Set the heads of cases, and return the root from a size on.

    Raises Contradiction where neither the tiles nor the leaves lead to the previous checkpoint's root.
    """
    leaves = [MapLeaf.of(case_id, head) for case_id, head in heads.items()]
    keys = [leaf.key for leaf in leaves]
    trie, whole = _opened(store, previous, keys)
    for leaf in leaves:
        trie.put(leaf)
    store.write(dict(trie.tiles()) if whole else trie.tiles_above(keys), size)
    return trie.root_hash()


def prove(store: CaseMapStore, checkpoint: Checkpoint, case_id: str) -> tuple[MapLeaf | None, list[bytes]]:
    """Return what the map of a checkpoint has at a case's place, and the siblings up to its root.

    Raises ProofError where the tiles were changed, or are kept no longer for this checkpoint.
    """
    key = key_of(case_id)
    trie = MapTrie(checkpoint.case_map_root, lambda paths: store.tiles(paths, checkpoint.tree_size))
    trie.read([key])
    return trie.prove(key)


def _opened(store: CaseMapStore, previous: Checkpoint | None, keys: Sequence[bytes]) -> tuple[MapTrie, bool]:
    """Return the map before the change, and whether it is in memory as a whole."""
    if previous is None:
        return MapTrie(), True
    trie = MapTrie(previous.case_map_root, lambda paths: store.tiles(paths, previous.tree_size))
    if previous.case_map_root != EMPTY_MAP_ROOT:  # a log from before the map has one over nothing
        try:
            trie.read(keys)
        except ProofError:
            pass
        else:
            return trie, False
    return _made_again(store, previous), True


def _made_again(store: CaseMapStore, previous: Checkpoint) -> MapTrie:
    trie = MapTrie()
    for case_id, head in store.heads(previous.tree_size).items():
        trie.put(MapLeaf.of(case_id, head))
    if previous.case_map_root not in (EMPTY_MAP_ROOT, trie.root_hash()):
        sentence = "Neither the case map's tiles nor the log's leaves lead to the root that was signed last."
        raise Contradiction(sentence, expected=previous.case_map_root.hex(), actual=trie.root_hash().hex())
    store.clear()
    return trie
