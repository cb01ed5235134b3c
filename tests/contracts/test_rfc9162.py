"""The contract and the plain Python verifier are two implementations of one clause; they must never disagree."""

import base64
import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ledger_automation.errors import ProofError
from ledger_automation.merkle import verify_consistency

PAIRS = 2_000
LARGEST = 5_000
BATCH = 125

Claim = tuple[int, int, bytes, bytes, list[bytes]]


@pytest.fixture
def on_chain(deployed: Callable[..., Any], mocks: dict[str, Any]) -> Callable[[Sequence[Claim]], list[bool]]:
    harness = deployed(mocks["Rfc9162Harness"])

    def verify(claims: Sequence[Claim]) -> list[bool]:
        found: list[bool] = []
        for start in range(0, len(claims), BATCH):
            (answers,) = harness.call("verify", list(claims[start : start + BATCH]))
            found += answers
        return found

    return verify


def in_python(claim: Claim) -> bool:
    first, second, first_root, second_root, proof = claim
    if first == second:
        return False  # equal trees are consistent by RFC 9162, but no growth: the registry never asks
    try:
        verify_consistency(first, second, proof, first_root, second_root)
    except ProofError:
        return False
    return True


def corrupted(claim: Claim, chance: random.Random) -> Iterator[Claim]:
    """Every way of being wrong once; some, such as another first size, may by chance still be right."""
    first, second, old, new, proof = claim
    noise = chance.randbytes(32)
    yield first, second, noise, new, proof
    yield first, second, old, noise, proof
    yield first, second, new, old, proof
    yield second, first, old, new, proof
    yield first, second, old, new, [*proof, noise]
    yield first, second, old, new, [noise, *proof]
    yield first, second, old, new, [*proof, new]
    yield first, second, old, new, [old, *proof]
    yield first + 1, second, old, new, proof
    yield first - 1, second, old, new, proof
    yield first, second + 1, old, new, proof
    yield first, 2 * second, old, new, proof
    yield first, second, old, new, []
    yield first, second, old, new, proof[:-1]
    yield first, second, old, new, proof[1:]
    yield first, second, old, new, proof[::-1]
    at = chance.randrange(len(proof))
    flipped = bytearray(proof[at])
    flipped[chance.randrange(32)] ^= 1 << chance.randrange(8)
    yield first, second, old, new, [*proof[:at], bytes(flipped), *proof[at + 1 :]]


def claims_of(log: Any, chance: random.Random) -> list[Claim]:
    powers = [1 << level for level in range(13)]
    sizes = [
        tuple(sorted(chance.sample([chance.randrange(1, LARGEST), chance.randrange(1, LARGEST), *powers], 2)))
        for _ in range(2 * PAIRS)
    ]
    pairs = [(first, second) for first, second in sizes if first < second][:PAIRS]
    return [(first, second, log.root(first), log.root(second), log.proof(first, second)) for first, second in pairs]


def test_contract_and_python_accept_the_same_2000_proofs(log: Any, on_chain: Any) -> None:
    claims = claims_of(log, random.Random(9162))
    assert len(claims) == PAIRS
    assert all(map(in_python, claims))
    assert all(on_chain(claims))


def test_contract_and_python_agree_on_corrupted_proofs(log: Any, on_chain: Any) -> None:
    chance = random.Random(2914)
    claims = [wrong for claim in claims_of(log, chance)[:300] for wrong in corrupted(claim, chance)]
    expected = [in_python(claim) for claim in claims]
    assert on_chain(claims) == expected
    assert expected.count(False) > 4_500


def test_every_pair_of_small_trees(log: Any, on_chain: Any) -> None:
    """All sizes up to 34, each with the proof of every other pair of sizes: only its own may hold."""
    sizes = [(first, second) for second in range(2, 35) for first in range(1, second)]
    proofs = {pair: log.proof(*pair) for pair in sizes}
    chance = random.Random(34)
    claims = [
        (first, second, log.root(first), log.root(second), proofs[other])
        for first, second in sizes
        for other in [(first, second), *chance.sample(sizes, 4)]
    ]
    expected = [proofs[claim[0], claim[1]] == claim[4] for claim in claims]
    assert on_chain(claims) == expected
    assert [in_python(claim) for claim in claims] == expected


def test_published_vectors(shared: Path, on_chain: Any) -> None:
    """transparency-dev's: what they call good and growing is accepted, every bad one is refused."""
    claims, wanted = [], []
    for path in sorted((shared / "vectors/transparency-dev-merkle/testdata/consistency").rglob("*.json")):
        vector = json.loads(path.read_text("utf-8"))
        # A hash of another length cannot even be said to the contract; its first 32 bytes, filled up, can.
        first_root, second_root, *proof = [
            base64.b64decode(node or "")[:32].ljust(32, b"\0")
            for node in (vector["root1"], vector["root2"], *(vector["proof"] or []))
        ]
        if max(vector["size1"], vector["size2"]) < 1 << 64:
            claims.append((vector["size1"], vector["size2"], first_root, second_root, proof))
            # Trees of one size are no growth, and the empty tree is nothing to be consistent with.
            wanted.append(not vector["wantErr"] and 0 < vector["size1"] < vector["size2"])
    assert on_chain(claims) == wanted
    assert wanted.count(True) >= 4
    assert wanted.count(False) >= 90


def test_the_sizes_of_one_pair_with_the_trees_of_another(log: Any, on_chain: Any) -> None:
    """Roots and proof are honest, the sizes are a lie.

    Without "if sn is 0, fail" the trees of 7 and 8 leaves would pass for 3 and 4. Other lies no verifier can find, as a
    bare proof does not bind the size; so the two must agree, which is not always to refuse.
    """
    pairs = [(first, second) for second in range(2, 11) for first in range(1, second)]
    claims = [(*sizes, log.root(trees[0]), log.root(trees[1]), log.proof(*trees)) for sizes in pairs for trees in pairs]
    expected = [in_python(claim) for claim in claims]
    assert on_chain(claims) == expected
    assert not in_python((3, 4, log.root(7), log.root(8), log.proof(7, 8)))
    assert len(pairs) <= expected.count(True) < len(claims) // 4
