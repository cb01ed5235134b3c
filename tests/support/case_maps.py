"""The case map straight from docs/spec/case-map.md, root and proofs, for tests that must not lean on the program's."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

Place = tuple[int, bytes]
"""The sequence of a case's last event, and the hash of its leaf."""

EMPTY: Final = sha256(b"").digest()


def _leaf(key: bytes, place: Place) -> bytes:
    sequence, leaf = place
    return sha256(b"\x02" + key + sequence.to_bytes(8, "big") + leaf).digest()


def _sides(cases: Mapping[bytes, Place], depth: int) -> tuple[dict[bytes, Place], dict[bytes, Place]]:
    sides: tuple[dict[bytes, Place], dict[bytes, Place]] = ({}, {})
    for key, place in cases.items():
        sides[key[depth // 8] >> (7 - depth % 8) & 1][key] = place
    return sides


def _node(cases: Mapping[bytes, Place], depth: int) -> bytes:
    if not cases:
        return EMPTY
    if len(cases) == 1:
        return _leaf(*next(iter(cases.items())))
    left, right = _sides(cases, depth)
    return sha256(b"\x03" + _node(left, depth + 1) + _node(right, depth + 1)).digest()


def _keyed(places: Mapping[str, Place]) -> dict[bytes, Place]:
    return {sha256(case_id.encode()).digest(): place for case_id, place in places.items()}


def root(places: Mapping[str, Place]) -> bytes:
    """Return the root over cases."""
    return _node(_keyed(places), 0)


def siblings(places: Mapping[str, Place], case_id: str) -> list[bytes]:
    """Return the proof that a case of the map ends where the map says, the lowest sibling first."""
    return beside(places, case_id)[1]


def beside(places: Mapping[str, Place], case_id: str) -> tuple[dict[str, object] | None, list[bytes]]:
    """Return the proof that the map has no such case: who stands in its place, and the siblings, the lowest first."""
    key, cases, depth, found = sha256(case_id.encode()).digest(), _keyed(places), 0, list[bytes]()
    while len(cases) > 1:
        sides = _sides(cases, depth)
        side = key[depth // 8] >> (7 - depth % 8) & 1
        depth += 1
        found.insert(0, _node(sides[1 - side], depth))
        cases = sides[side]
    if not cases:
        return None, found
    ((other, (sequence, leaf)),) = cases.items()
    return {"key": other.hex(), "sequence": sequence, "leaf_hash": b64encode(leaf).decode()}, found
