"""What each contract that enforces a law answers and reports, whatever its workflow (``ICaseLedger``, ``IMembers``)."""

from typing import Final

from ledger_automation.errors import Misconfigured
from ledger_automation.rpc.interface import Interface, checksummed
from ledger_automation.rpc.node import Node

_WORD: Final = 32
_LEDGER: Final = Interface(
    [
        {
            "type": "function",
            "name": "standingOf",
            "inputs": [{"name": "caseKey", "type": "bytes16"}],
            "outputs": [{"name": "", "type": "uint256"}],
        },
        {
            "type": "event",
            "name": "MemberSeated",
            "inputs": [
                {"name": "member", "type": "uint32", "indexed": True},
                {"name": "roles", "type": "uint8", "indexed": False},
                {"name": "signer", "type": "bytes", "indexed": False},
            ],
        },
    ]
)


def standing(node: Node, contract: str, case_key: bytes) -> int:
    """Return a ledger's word of a case, 0 for none; raises Misconfigured for the answer of something else."""
    answer = node.call(checksummed(contract), _LEDGER.encode("standingOf", [case_key]))
    if answer is None:
        raise Misconfigured(f"The contract at {contract} enforces no workflow: it reverts.")
    (word,) = _LEDGER.decode("standingOf", answer)
    return int(word)


def taken(node: Node, contract: str, word: int, since: int = 0) -> int | None:
    """Return the block in which a ledger took the step that leads to a standing (its event's only topic), or None."""
    found = node.logs(checksummed(contract), word.to_bytes(_WORD, "big"), since)
    return found[0].block_number if found else None


def seated(node: Node, contract: str) -> frozenset[tuple[int, bytes]]:
    """Return everybody who ever had a seat in a ledger: the member's number, and its signer."""
    found = node.logs(checksummed(contract), _LEDGER.topic("MemberSeated"))
    return frozenset(
        (int.from_bytes(member, "big"), _LEDGER.data("MemberSeated", each.data)[-1])
        for each in found
        for member in each.topics[1:]
    )
