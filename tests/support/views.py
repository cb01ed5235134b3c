"""A log in memory that its operator may grow in two ways, and what is sent to a witness about either."""

import base64
from hashlib import sha256
from typing import Final

from ledger_automation.merkle import consistency_proof, leaf_hash
from ledger_automation.merkle.tree import fold
from ledger_automation.tlog.case_map import EMPTY_MAP_ROOT
from ledger_automation.tlog.checkpoint import Checkpoint
from ledger_automation.tlog.note import SignerKey

ORIGIN: Final = "wismar.example/ledger"
KEY: Final = SignerKey(ORIGIN, b"\x01" * 32)


class View:
    """One history of a log: ``shared`` leaves that every view has, and then its own, told by ``name``."""

    def __init__(self, name: str = "", shared: int = 0, key: SignerKey = KEY) -> None:
        self._name = name
        self._shared = shared
        self._key = key

    def node(self, level: int, number: int) -> bytes:
        return fold([self._leaf(index) for index in range(number << level, (number + 1) << level)])

    def checkpoint(self, size: int, case_map: bytes = EMPTY_MAP_ROOT) -> Checkpoint:
        return Checkpoint(self._key.verifier.name, size, self._root(size), case_map)

    def note(self, size: int) -> str:
        return self.checkpoint(size).sign(self._key)

    def proof(self, old: int, size: int) -> list[bytes]:
        return consistency_proof(self.node, old, size) if 0 < old <= size else []

    def body(self, size: int, old: int = 0) -> bytes:
        """Write what ``POST /add-checkpoint`` takes."""
        return request(old, self.proof(old, size), self.note(size))

    def _root(self, size: int) -> bytes:
        return fold([self._leaf(index) for index in range(size)]) if size else sha256(b"").digest()

    def _leaf(self, index: int) -> bytes:
        whose = "" if index < self._shared else self._name
        return leaf_hash(f"{whose} {index}".encode())


def request(old: int | str, proof: list[bytes], note: str) -> bytes:
    lines = [f"old {old}", *(base64.b64encode(each).decode() for each in proof)]
    return ("\n".join(lines) + "\n\n" + note).encode()
