"""What a verifier insists on: which log, which key, which chain, how many confirmations, witnesses and nodes.

A policy is pinned by whoever verifies, before any evidence is read. Nothing in a receipt or a database can change it.
Its file is JSON; `parse` is strict.
"""

import re
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from ledger_automation.errors import InvalidDefinition
from ledger_automation.tlog.cosignature import WitnessKey
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

_URL: Final = re.compile(r"https?://[^\s/]\S*")


class VerificationPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The pinned facts. ``log_keys`` are C2SP verifier keys; ``chain`` may be None up to level ``logged``.

    ``ledgers`` are the contracts that enforce workflows, by workflow; without one no enforced case can be verified.
    ``witnesses`` are the verifier keys of those whose cosignatures count; a checkpoint needs ``witnesses_required``.
    ``nodes`` are the URLs of those that are asked about the chain unless the reader names others; ``nodes_required`` of
    whichever are asked must agree (0: all).
    """

    origin: str
    log_keys: tuple[str, ...]
    level: Level
    chain: ChainIdentity | None = None
    confirmations: Annotated[int, msgspec.Meta(ge=1)] = 1
    ledgers: dict[str, LedgerPin] = {}
    witnesses: tuple[str, ...] = ()
    witnesses_required: Annotated[int, msgspec.Meta(ge=0)] = 0
    nodes: tuple[str, ...] = ()
    nodes_required: Annotated[int, msgspec.Meta(ge=0)] = 0

    def at(self, level: Level) -> "VerificationPolicy":
        """Return the same policy asking for another level; raises InvalidDefinition without a chain to ask."""
        if level in ON_CHAIN and self.chain is None:
            raise InvalidDefinition("The policy pins no chain; it cannot ask for an anchor.")
        return msgspec.structs.replace(self, level=level)

    def keys(self) -> list[VerifierKey]:
        """Return the pinned log keys; raises InvalidValue."""
        return [VerifierKey.parse(text) for text in self.log_keys]

    def witness_keys(self) -> list[WitnessKey]:
        """Return the pinned witnesses' keys; raises InvalidValue."""
        return [WitnessKey.parse(text) for text in self.witnesses]

    def insist(self) -> None:
        """Raise InvalidDefinition where the policy contradicts itself, InvalidValue where it pins what is no key.

        A key counts once, whatever it is called, and no log is its own witness: a cosignature does not cover the name.
        """
        logs = {key.raw for key in self.keys()}
        witnesses = [key.raw for key in self.witness_keys()]
        if len({*witnesses}) < len(witnesses) or logs & {*witnesses}:
            raise InvalidDefinition("The policy pins one key as two witnesses, or a log's key as a witness.")
        if self.witnesses_required > len(witnesses):
            sentence = f"The policy asks for {self.witnesses_required} witnesses and pins {len(witnesses)}."
            raise InvalidDefinition(sentence)
        if self.level in ON_CHAIN and self.chain is None:
            raise InvalidDefinition("The policy asks for an anchor but pins no chain.")
        self._insist_on_nodes()

    def _insist_on_nodes(self) -> None:
        """Nodes are of the pinned chain, and a node counts once; whether several are in one hand cannot be seen."""
        if (self.nodes or self.nodes_required) and self.chain is None:
            raise InvalidDefinition("The policy asks for nodes but pins no chain.")
        if not all(map(_URL.fullmatch, self.nodes)):
            raise InvalidDefinition("The policy names a node by what is no http or https URL.")
        if len({*self.nodes}) < len(self.nodes):
            raise InvalidDefinition("The policy names one node twice.")
        if self.nodes and self.nodes_required > len(self.nodes):
            sentence = f"The policy asks that {self.nodes_required} nodes agree and names {len(self.nodes)}."
            raise InvalidDefinition(sentence)


def parse(text: bytes) -> VerificationPolicy:
    """Read a policy's file; raises InvalidDefinition."""
    try:
        policy = msgspec.json.decode(text, type=VerificationPolicy)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidDefinition(f"The policy cannot be read: {error}.") from error
    policy.insist()
    return policy


def write(policy: VerificationPolicy) -> bytes:
    """Write a policy's file."""
    return msgspec.json.format(msgspec.json.encode(policy), indent=2) + b"\n"
