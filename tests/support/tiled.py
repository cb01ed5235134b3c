"""A log in memory with its files as C2SP tlog-tiles words them, written from the definition and not by our code.

MTH is that of RFC 9162 section 2.1.1; hash i of tile n at level l is
``MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l])``.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Final

from ledger_automation.errors import NotFound, Unreachable
from ledger_automation.tlog.case_map import EMPTY_MAP_ROOT
from ledger_automation.tlog.checkpoint import Checkpoint
from ledger_automation.tlog.note import SignerKey
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.sources import AnchoredCheckpoint, ChainIdentity

ORIGIN: Final = "wismar.example/ledger"
KEY: Final = SignerKey(ORIGIN, b"\x01" * 32)
THIEF: Final = SignerKey(ORIGIN, b"\x02" * 32)
IDENTITY: Final = ChainIdentity(31337, "0x" + "01" * 32, "0x" + "aB" * 20, "0x" + "02" * 32)
ANCHORED: Final = VerificationPolicy(ORIGIN, (KEY.verifier.text,), Level.ANCHORED, IDENTITY, confirmations=3)
LOGGED: Final = ANCHORED.at(Level.LOGGED)


def spelled(number: int) -> str:
    """Write an index as the specification words it: 3-digit elements, all but the last behind an x."""
    digits = str(number)
    while len(digits) % 3:
        digits = "0" + digits
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "".join(f"x{part}/" for part in parts[:-1]) + parts[-1]


class TiledLog:
    """A log of made-up commitments; ``changed`` replaces some of them by others."""

    def __init__(self, size: int, changed: Sequence[int] = ()) -> None:
        self.entries = [sha256(b"%d %d" % (index, index in changed)).digest() for index in range(size)]
        self.leaves = [sha256(b"\x00" + entry).digest() for entry in self.entries]
        self._full: dict[tuple[int, int], bytes] = {}

    def subtree(self, level: int, number: int) -> bytes:
        """Return the root of a full subtree, each computed once."""
        if level == 0:
            return self.leaves[number]
        if (level, number) not in self._full:
            left, right = self.subtree(level - 1, 2 * number), self.subtree(level - 1, 2 * number + 1)
            self._full[level, number] = sha256(b"\x01" + left + right).digest()
        return self._full[level, number]

    def root(self, size: int) -> bytes:
        return self._mth(0, size) if size else sha256(b"").digest()

    def _mth(self, start: int, end: int) -> bytes:
        size = end - start
        if size & (size - 1) == 0:
            return self.subtree(size.bit_length() - 1, start // size)
        middle = start + (1 << ((size - 1).bit_length() - 1))
        return sha256(b"\x01" + self._mth(start, middle) + self._mth(middle, end)).digest()

    def note(self, size: int, key: SignerKey = KEY) -> str:
        return Checkpoint(ORIGIN, size, self.root(size), EMPTY_MAP_ROOT).sign(key)

    def files(self, size: int) -> dict[str, bytes]:
        """Return every file that a log of a size must show."""
        found = {"checkpoint": self.note(size).encode()}
        level = 0
        while size >> 8 * level:
            hashes = size >> 8 * level
            for number in range(-(-hashes // 256)):
                width = min(256, hashes - 256 * number)
                name = spelled(number) + (f".p/{width}" if width < 256 else "")
                tile = [self.subtree(8 * level, 256 * number + at) for at in range(width)]
                found[f"tile/{level}/{name}"] = b"".join(tile)
                if level == 0:
                    under = self.entries[256 * number : 256 * number + width]
                    found[f"tile/entries/{name}"] = b"".join(b"\x00\x20" + entry for entry in under)
            level += 1
        return found

    def anchored(self, size: int) -> AnchoredCheckpoint:
        return AnchoredCheckpoint(size, self.root(size), EMPTY_MAP_ROOT)


def fetching(files: dict[str, bytes], asked: list[str] | None = None) -> Callable[[str], bytes]:
    """Return a reader of files in memory, which writes down what it is asked for."""

    def fetch(path: str) -> bytes:
        if asked is not None:
            asked.append(path)
        if path not in files:
            raise NotFound(f"There is no {path}.")
        return files[path]

    return fetch


class Chain:
    """What a node would say of the log; None for what is anchored says that nothing is."""

    def __init__(self, latest: AnchoredCheckpoint | None, settled: Any = "the same") -> None:
        self.there = IDENTITY
        self.said = latest
        self.settled_there = latest if settled == "the same" else settled

    def identity(self) -> ChainIdentity:
        return self.there

    def latest(self, origin: bytes) -> AnchoredCheckpoint | None:
        assert origin == sha256(ORIGIN.encode()).digest()
        return self.said

    def settled(self, origin: bytes, confirmations: int) -> AnchoredCheckpoint | None:
        assert (origin, confirmations) == (sha256(ORIGIN.encode()).digest(), ANCHORED.confirmations)
        return self.settled_there


class Silent(Chain):
    def identity(self) -> ChainIdentity:
        raise Unreachable("Nobody answers.")
