"""What a verifier insists on: which log, which key, which chain, how many confirmations.

A policy is pinned by whoever verifies, before any evidence is read. Nothing in a receipt or a database can change it.
Its file is JSON; `parse` is strict.
"""

from enum import StrEnum
from typing import Annotated, Final

import msgspec

from ledger_automation.errors import InvalidDefinition
from ledger_automation.tlog.note import VerifierKey
from ledger_automation.verify.sources import ChainIdentity, LedgerPin


class Level(StrEnum):
    """How much evidence a step has, each including the one before."""

    RECORDED = "recorded"
    LOGGED = "logged"
    ANCHORED = "anchored"
    ENFORCED = "enforced"


ON_CHAIN: Final = (Level.ANCHORED, Level.ENFORCED)
"""The levels whose evidence a chain must be asked for."""


class VerificationPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The pinned facts. ``log_keys`` are C2SP verifier keys; ``chain`` may be None up to level ``logged``.

    ``ledgers`` are the contracts that enforce workflows, by workflow; without one no enforced case can be verified.
    """

    origin: str
    log_keys: tuple[str, ...]
    level: Level
    chain: ChainIdentity | None = None
    confirmations: Annotated[int, msgspec.Meta(ge=1)] = 1
    ledgers: dict[str, LedgerPin] = {}

    def at(self, level: Level) -> "VerificationPolicy":
        """Return the same policy asking for another level; raises InvalidDefinition without a chain to ask."""
        if level in ON_CHAIN and self.chain is None:
            raise InvalidDefinition("The policy pins no chain; it cannot ask for an anchor.")
        return msgspec.structs.replace(self, level=level)

    def keys(self) -> list[VerifierKey]:
        """Return the pinned log keys; raises InvalidValue."""
        return [VerifierKey.parse(text) for text in self.log_keys]


def parse(text: bytes) -> VerificationPolicy:
    """Read a policy's file; raises InvalidDefinition."""
    try:
        policy = msgspec.json.decode(text, type=VerificationPolicy)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidDefinition(f"The policy cannot be read: {error}.") from error
    policy.keys()
    if policy.level in ON_CHAIN and policy.chain is None:
        raise InvalidDefinition("The policy asks for an anchor but pins no chain.")
    return policy


def write(policy: VerificationPolicy) -> bytes:
    """Write a policy's file."""
    return msgspec.json.format(msgspec.json.encode(policy), indent=2) + b"\n"
