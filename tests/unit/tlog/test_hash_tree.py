"""The hash tree of evidence records: every object leads to the root, and nothing else does."""

from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_automation.tlog.hash_tree import ALGORITHMS, HashTree, leads_to

SIZES = (*range(1, 18), 31, 32, 33, 100)


def leaves(count: int, algorithm: str = "sha256") -> list[bytes]:
    return [ALGORITHMS[algorithm](b"%d" % number) for number in range(count)]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("count", SIZES)
def test_every_object_leads_to_the_root_by_its_own_path_alone(count: int, algorithm: str) -> None:
    own = leaves(count, algorithm)
    tree = HashTree(own, algorithm)
    root = ALGORITHMS[algorithm](tree.top())
    for place, leaf in enumerate(own):
        path = tree.path(place)
        assert leads_to(path, leaf, algorithm) == root
        assert len(path) <= max(1, (count - 1).bit_length())
        assert leads_to(path, ALGORITHMS[algorithm](leaf), algorithm) is None, "what is not in the first list"
        for other in range(count):
            if other ^ 1 != place and other != place:
                assert leads_to(tree.path(other), leaf, algorithm) is None


def test_it_is_rfc_4998_section_4_2_by_hand() -> None:
    """Three documents: the first two under one node, the third beside it."""
    one, two, three = own = leaves(3)
    node = sha256(b"".join(sorted((one, two)))).digest()
    tree = HashTree(own, "sha256")
    assert tree.top() == b"".join(sorted((node, three)))
    assert [tree.path(place) for place in range(3)] == [[[one, two], [three]], [[two, one], [three]], [[three, node]]]


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=2, max_size=40, unique=True), st.data())
def test_one_bit_of_a_path_leads_elsewhere(own: list[bytes], data: st.DataObject) -> None:
    tree = HashTree(own, "sha256")
    place = data.draw(st.integers(0, len(own) - 1))
    path = [[*hashes] for hashes in tree.path(place)]
    number = data.draw(st.integers(0, len(path) - 1))
    at = data.draw(st.integers(0, len(path[number]) - 1))
    octets = bytearray(path[number][at])
    octets[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
    path[number][at] = bytes(octets)
    assert leads_to(path, own[place], "sha256") != sha256(tree.top()).digest()


def test_a_path_of_one_thing_alone_leads_to_itself() -> None:
    assert leads_to([], b"x" * 32, "sha256") == b"x" * 32
    assert all(first != second for first, second in pairwise(leaves(9)))
