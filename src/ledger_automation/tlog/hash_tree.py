"""The hash tree of evidence records (RFC 4998 section 4.2), which is not the log's.

A node is the hash of what lies under it, sorted and put together, so that a path needs no left and right:

    list 0    the object's own hash, and its neighbour's
    list n    the neighbour one level up; what the lists before lead to is put to it when it is verified
"""

from collections.abc import Callable, Sequence
from hashlib import sha256, sha512
from typing import Final

ALGORITHMS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "sha256": lambda octets: sha256(octets).digest(),
    "sha512": lambda octets: sha512(octets).digest(),
}
"""What a tree may be hashed by."""

Path = list[list[bytes]]
"""A reduced hash tree: lists of hashes, the object's own in the first."""


class HashTree:
    """A tree over the hashes of objects, of which there is at least one; beside an object alone stand zeros."""

    def __init__(self, leaves: Sequence[bytes], algorithm: str) -> None:
        digest = ALGORITHMS[algorithm]
        self._levels = [list(leaves) if len(leaves) > 1 else [*leaves, bytes(len(leaves[0]))]]
        while len(self._levels[-1]) > 1:
            row = self._levels[-1]
            pairs = [digest(together(row[at : at + 2])) for at in range(0, len(row) - 1, 2)]
            self._levels.append(pairs + row[-1:] if len(row) % 2 else pairs)

    def top(self) -> bytes:
        """Return what the root is the hash of."""
        return together(self._levels[-2])

    def path(self, place: int) -> Path:
        """Return what leads from an object to the root."""
        own, found = self._levels[0][place], Path()
        for row in self._levels[:-1]:
            if beside := row[place ^ 1 : (place ^ 1) + 1]:  # the last of an odd row is alone, and its own parent
                found.append(beside if found else [own, *beside])
            place //= 2
        return found


def together(hashes: Sequence[bytes]) -> bytes:
    """Put hashes together in binary ascending order."""
    return b"".join(sorted(hashes))


def leads_to(path: Path, leaf: bytes, algorithm: str) -> bytes | None:
    """Return the hash that a path leads to from an object's own (RFC 4998 section 4.3); None where it is not in it.

    An empty path leads nowhere else: what is over one thing alone.
    """
    digest, current = ALGORITHMS[algorithm], leaf
    if path and leaf not in path[0]:
        return None
    for number, hashes in enumerate(path):
        current = digest(together([*hashes, current] if number else hashes))
    return current
