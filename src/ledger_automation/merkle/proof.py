"""Making proofs, RFC 9162 sections 2.1.3.1 and 2.1.4.1, over anything that can return a node.

A tree is given as a function ``node(level, index)`` that returns the root of the full subtree of ``2**level`` leaves
number ``index``: a list in memory, or rows of a database. A proof asks for O(log n) nodes, and only for full subtrees;
the ragged right edge is put together here.
"""

from collections.abc import Callable

from ledger_automation.errors import InvalidValue
from ledger_automation.merkle.tree import fold, subtrees

Node = Callable[[int, int], bytes]
"""``node(level, index)``: the root of leaves ``index * 2**level`` up to ``(index + 1) * 2**level``."""


def inclusion_proof(node: Node, leaf_index: int, tree_size: int) -> list[bytes]:
    """Return PATH(index, D[size]). Requires 0 <= index < size; raises InvalidValue."""
    if not 0 <= leaf_index < tree_size:
        raise InvalidValue("A leaf index", leaf_index, f"within 0..{tree_size - 1}")
    return _path(node, leaf_index, 0, tree_size)


def consistency_proof(node: Node, first_size: int, second_size: int) -> list[bytes]:
    """Return PROOF(first, D[second]). Requires 0 < first <= second; raises InvalidValue."""
    if not 0 < first_size <= second_size:
        raise InvalidValue("A first size", first_size, f"within 1..{second_size}")
    return _subproof(node, first_size, 0, second_size, complete=True)


def _range_root(node: Node, start: int, end: int) -> bytes:
    """Return the root over leaves start..end, where start is where RFC 9162's recursion splits."""
    root, *lefts = [node(level, index) for level, index in subtrees(start, end)][::-1]
    for left in lefts:
        root = fold([left, root])
    return root


def _path(node: Node, leaf_index: int, start: int, end: int) -> list[bytes]:
    path: list[bytes] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if leaf_index < middle:
            path.append(_range_root(node, middle, end))
            end = middle
        else:
            path.append(_range_root(node, start, middle))
            start = middle
    return path[::-1]


def _subproof(node: Node, first: int, start: int, end: int, *, complete: bool) -> list[bytes]:
    """SUBPROOF(m, D[start:end], b) of section 2.1.4.1; ``first`` is an absolute leaf index, ``complete`` is b."""
    if first == end:
        return [] if complete else [_range_root(node, start, end)]
    middle = start + _split(end - start)
    if first <= middle:
        return [*_subproof(node, first, start, middle, complete=complete), _range_root(node, middle, end)]
    return [*_subproof(node, first, middle, end, complete=False), _range_root(node, start, middle)]


def _split(size: int) -> int:
    """Return the largest power of two smaller than the size (section 2.1.1)."""
    return 1 << ((size - 1).bit_length() - 1)
