"""Trees, proofs and compact ranges against the plain recursive definition of RFC 9162 section 2.1."""

import random
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_automation.errors import InvalidValue, ProofError
from ledger_automation.merkle import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_hash,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [leaf_hash(str(number).encode()) for number in range(300)]


def _mth(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162 section 2.1.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node_hash(_mth(leaves[:k]), _mth(leaves[k:]))


def _node(level: int, index: int) -> bytes:
    return _mth(LEAVES[index << level : (index + 1) << level])


def test_the_root_is_that_of_the_definition_at_every_size() -> None:
    assert [root_hash(LEAVES[:size]) for size in range(130)] == [_mth(LEAVES[:size]) for size in range(130)]


@given(st.integers(1, 300), st.data())
def test_proofs_verify_and_any_flipped_bit_breaks_them(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    root, proof = root_hash(LEAVES[:size]), inclusion_proof(_node, index, size)
    verify_inclusion(LEAVES[index], index, size, proof, root)
    first = data.draw(st.integers(1, size))
    extension = consistency_proof(_node, first, size)
    verify_consistency(first, size, extension, root_hash(LEAVES[:first]), root)
    for nodes, check in (
        (proof, lambda nodes: verify_inclusion(LEAVES[index], index, size, nodes, root)),
        (extension, lambda nodes: verify_consistency(first, size, nodes, root_hash(LEAVES[:first]), root)),
    ):
        if nodes:
            place = data.draw(st.integers(0, len(nodes) - 1))
            bit = data.draw(st.integers(0, 255))
            flipped = (int.from_bytes(nodes[place]) ^ 1 << bit).to_bytes(32)
            with pytest.raises(ProofError):
                check([*nodes[:place], flipped, *nodes[place + 1 :]])
        for wrong in ([*nodes, LEAVES[0]], nodes[:-1] if nodes else [LEAVES[0]]):
            with pytest.raises(ProofError):
                check(wrong)


def test_a_frontier_goes_on_from_any_size() -> None:
    leaves = [leaf_hash(str(number).encode()) for number in range(70_000)]
    chance = random.Random(9162)
    for _ in range(20):
        start, end = sorted(chance.sample(range(len(leaves)), 2))
        first = Frontier()
        filled = first.extend(leaves[:start])
        assert [len(row) for row in first.rows] == [length for _, length in Frontier.shape(start)]
        second = Frontier(first.size, first.rows)
        filled += second.extend(leaves[start:end])
        assert second.root_hash() == root_hash(leaves[:end])
        assert len(filled) == (end >> 8) + (end >> 16)
        for node in chance.sample(filled, min(5, len(filled))):
            covered = leaves[node.number << node.level : (node.number + 1) << node.level]
            assert node.hash == root_hash(covered)


def test_a_frontier_of_the_wrong_shape_is_refused() -> None:
    for size, rows in ((3, [[LEAVES[0]]]), (256, [[]]), (0, [[], []]), (257, [LEAVES[:1], []])):
        with pytest.raises(InvalidValue):
            Frontier(size, rows)
