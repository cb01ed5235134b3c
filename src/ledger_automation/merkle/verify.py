"""Verifying proofs, RFC 9162 sections 2.1.3.2 and 2.1.4.2: None when a proof holds, ProofError when it does not.

A proof is checked against a size *and* a root that the caller believes together. A bare proof does not bind the size
(46 % of size-only mutations still verify), so both come from one signed checkpoint.
"""

from collections.abc import Sequence
from hashlib import sha256

from ledger_automation.errors import ProofError

_HASH_BYTES = 32


def verify_inclusion(
    leaf_hash: bytes, leaf_index: int, tree_size: int, proof: Sequence[bytes], root_hash: bytes
) -> None:
    """Check that a leaf stands at an index of the tree of that size and root. Requires 0 <= index < size."""
    if not 0 <= leaf_index < tree_size:
        raise ProofError("The leaf index is outside the tree.", expected=f"0..{tree_size - 1}", actual=leaf_index)
    _check_nodes([leaf_hash, *proof])
    inner = (leaf_index ^ (tree_size - 1)).bit_length()
    border = (leaf_index >> inner).bit_count()
    if len(proof) != inner + border:
        raise ProofError("The inclusion proof has the wrong length.", expected=inner + border, actual=len(proof))
    root = _chain_inner(leaf_hash, proof[:inner], leaf_index)
    root = _chain_border(root, proof[inner:])
    _expect("The inclusion proof does not lead to the root.", root_hash, root)


def sides(leaf_index: int, tree_size: int) -> list[bool]:
    """Tell of each hash of an inclusion proof, from the leaf up, whether it stands to the left.

    Requires 0 <= index < size.
    """
    inner = (leaf_index ^ (tree_size - 1)).bit_length()
    border = (leaf_index >> inner).bit_count()
    return [bool(leaf_index >> level & 1) for level in range(inner)] + [True] * border


def verify_consistency(
    first_size: int, second_size: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes
) -> None:
    """Check that the first tree is a prefix of the second. Requires 0 < first size <= second size."""
    if not 0 < first_size <= second_size:
        raise ProofError("A proof needs 0 < first size <= second size.", expected=second_size, actual=first_size)
    _check_nodes(proof)
    if first_size == second_size:
        if proof:
            raise ProofError("Trees of one size need an empty proof.", expected=0, actual=len(proof))
        _expect("Trees of one size have two roots.", first_root, second_root)
        return
    # Section 2.1.4.2, step 2: a first size that is a power of two is its own seed.
    shift = (first_size & -first_size).bit_length() - 1
    inner = ((first_size - 1) ^ (second_size - 1)).bit_length() - shift
    border = ((first_size - 1) >> (inner + shift)).bit_count()
    power_of_two = first_size & (first_size - 1) == 0
    length = inner + border + (0 if power_of_two else 1)
    if len(proof) != length:
        raise ProofError("The consistency proof has the wrong length.", expected=length, actual=len(proof))
    seed, rest = (first_root, list(proof)) if power_of_two else (proof[0], list(proof[1:]))
    mask = (first_size - 1) >> shift
    old = _chain_border(_chain_inner_right(seed, rest[:inner], mask), rest[inner:])
    _expect("The consistency proof does not lead to the first root.", first_root, old)
    new = _chain_border(_chain_inner(seed, rest[:inner], mask), rest[inner:])
    _expect("The consistency proof does not lead to the second root.", second_root, new)


def _chain_inner(seed: bytes, proof: Sequence[bytes], index: int) -> bytes:
    for level, sibling in enumerate(proof):
        pair = sibling + seed if index >> level & 1 else seed + sibling
        seed = sha256(b"\x01" + pair).digest()
    return seed


def _chain_inner_right(seed: bytes, proof: Sequence[bytes], index: int) -> bytes:
    for level, sibling in enumerate(proof):
        if index >> level & 1:
            seed = sha256(b"\x01" + sibling + seed).digest()
    return seed


def _chain_border(seed: bytes, proof: Sequence[bytes]) -> bytes:
    for sibling in proof:
        seed = sha256(b"\x01" + sibling + seed).digest()
    return seed


def _check_nodes(nodes: Sequence[bytes]) -> None:
    for node in nodes:
        if len(node) != _HASH_BYTES:
            raise ProofError("A hash in a proof has the wrong length.", expected=_HASH_BYTES, actual=len(node))


def _expect(sentence: str, expected: bytes, actual: bytes) -> None:
    if expected != actual:
        raise ProofError(sentence, expected=expected.hex(), actual=actual.hex())
