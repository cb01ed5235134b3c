"""The case map: every case's last event, under one root that every checkpoint carries (docs/spec/case-map.md).

A proof against that root says that these are all steps of a case (`verify_completeness`), or that there is no such case
(`verify_absence`). What this module does not do: grow a map or make proofs; `map_trie` does.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple, Self

from ledger_automation.errors import ProofError
from ledger_automation.merkle.hashing import EMPTY_ROOT

EMPTY_MAP_ROOT: Final = EMPTY_ROOT
"""The root of a map without a case, and what stands for an empty subtree."""

KEY_BYTES: Final = 32
BITS: Final = 8 * KEY_BYTES


class Head(NamedTuple):
    """A case's last event in the log: its sequence, and the hash of its leaf (32 bytes)."""

    sequence: int
    leaf_hash: bytes


class MapLeaf(bytes):
    """What a leaf's hash is made from: key, sequence and leaf hash, 72 bytes."""

    __slots__ = ()

    @classmethod
    def of(cls, case_id: str, head: Head) -> Self:
        """Return the leaf of a case."""
        return cls(key_of(case_id) + head.sequence.to_bytes(8, "big") + head.leaf_hash)

    @property
    def key(self) -> bytes:
        """Return whose it is."""
        return self[:KEY_BYTES]

    @property
    def head(self) -> Head:
        """Return what it says."""
        return Head(int.from_bytes(self[KEY_BYTES : KEY_BYTES + 8], "big"), self[KEY_BYTES + 8 :])

    def hash(self) -> bytes:
        """Return ``SHA-256(0x02 || leaf)``."""
        return sha256(b"\x02" + self).digest()


def key_of(case_id: str) -> bytes:
    """Return where a case stands in the map."""
    return sha256(case_id.encode()).digest()


def bit(key: bytes, depth: int) -> int:
    """Return to which side a key lies at a depth: 0 left, 1 right."""
    return key[depth >> 3] >> (7 - (depth & 7)) & 1


def inner_hash(left: bytes, right: bytes) -> bytes:
    """Return ``SHA-256(0x03 || left || right)``."""
    return sha256(b"\x03" + left + right).digest()


def verify_completeness(root: bytes, case_id: str, head: Head, siblings: Sequence[bytes]) -> None:
    """Check that this is the case's last event; ``siblings`` from the lowest up. Raises ProofError."""
    leaf = MapLeaf.of(case_id, head)
    _lead(root, leaf.key, leaf.hash(), siblings)


def verify_absence(root: bytes, case_id: str, other: MapLeaf | None, siblings: Sequence[bytes]) -> None:
    """Check that the map has no such case: at its place is nothing, or ``other``, who is alone there.

    Raises ProofError.
    """
    key, depth = key_of(case_id), len(siblings)
    if other is not None:
        if len(other) != KEY_BYTES + 40:
            raise ProofError("A leaf of the case map has 72 bytes.", expected=KEY_BYTES + 40, actual=len(other))
        if other.key == key:
            raise ProofError("The map has this case.", expected="another case", actual=case_id)
        if depth > BITS or any(bit(other, at) != bit(key, at) for at in range(depth)):
            raise ProofError("The other case stands elsewhere in the map.", expected=key.hex(), actual=other.key.hex())
    _lead(root, key, EMPTY_MAP_ROOT if other is None else other.hash(), siblings)


def _lead(root: bytes, key: bytes, node: bytes, siblings: Sequence[bytes]) -> None:
    """Go from a node up to the root."""
    if len(siblings) > BITS:
        raise ProofError("The case map is not as deep.", expected=f"up to {BITS}", actual=len(siblings))
    for sibling in siblings:
        if len(sibling) != KEY_BYTES:
            raise ProofError("A hash in a proof has the wrong length.", expected=KEY_BYTES, actual=len(sibling))
    if siblings and siblings[0] == EMPTY_MAP_ROOT:
        raise ProofError("A case that is alone in a subtree stands at its top.", expected="a sibling", actual="empty")
    for depth, sibling in zip(range(len(siblings) - 1, -1, -1), siblings, strict=True):
        node = inner_hash(sibling, node) if bit(key, depth) else inner_hash(node, sibling)
    if node != root:
        raise ProofError("The proof does not lead to the case map's root.", expected=root.hex(), actual=node.hex())
