"""Growing a tree: the root over leaf hashes, and the compact range that remembers a whole tree in log2(n) hashes.

A compact range is the list of roots of the full subtrees that cover leaves 0..size, largest first: one hash for each
set bit of the size. It is all that a writer must keep to append, and all that an auditor must keep to go on later.

    >>> tree = CompactRange()
    >>> tree.append(leaf_hash(b"a")); tree.append(leaf_hash(b"b"))
    >>> tree.root_hash() == root_hash([leaf_hash(b"a"), leaf_hash(b"b")])
    True
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from ledger_automation.errors import InvalidValue
from ledger_automation.merkle.hashing import EMPTY_ROOT, leaf_hash, node_hash

__all__ = ["CompactRange", "leaf_hash", "root_hash", "subtree_roots"]


class CompactRange:
    """The full subtrees of a tree that only grows."""

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self.hashes = list(hashes)
        if size < 0 or len(self.hashes) != size.bit_count():
            raise InvalidValue("A compact range", (size, len(self.hashes)), "one hash for each set bit of its size")

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash; amortised one node hash."""
        self.hashes.append(leaf)
        self.size += 1
        merges = (self.size & -self.size).bit_length() - 1
        for _ in range(merges):
            right = self.hashes.pop()
            self.hashes[-1] = sha256(b"\x01" + self.hashes[-1] + right).digest()

    def append_subtree(self, level: int, root: bytes) -> None:
        """Add a full subtree of ``2**level`` leaves. Requires that the size is a multiple of ``2**level``."""
        if self.size & ((1 << level) - 1):
            raise InvalidValue("The size of a compact range", self.size, f"a multiple of 2^{level} here")
        self.hashes.append(root)
        self.size += 1 << level
        merges = (self.size >> level & -(self.size >> level)).bit_length() - 1
        for _ in range(merges):
            right = self.hashes.pop()
            self.hashes[-1] = node_hash(self.hashes[-1], right)

    def root_hash(self) -> bytes:
        """Return the root of all leaves so far; the hash of nothing for an empty tree."""
        if not self.hashes:
            return EMPTY_ROOT
        root = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            root = node_hash(left, root)
        return root


def root_hash(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes, RFC 9162 section 2.1.1."""
    tree = CompactRange()
    for leaf in leaf_hashes:
        tree.append(leaf)
    return tree.root_hash()


def subtree_roots(size: int, start: int = 0) -> Iterator[tuple[int, int]]:
    """Yield (level, index) of the full subtrees that cover ``start .. size``, in order of their leaves.

    Requires that ``start`` is the beginning of a perfect subtree decomposition, as 0 and every power of two are.
    """
    while start < size:
        level = (size - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        yield level, start >> level
        start += 1 << level
