"""What a transaction offers to pay (EIP-1559)."""

from typing import Final

from ledger_automation.chain.connection import Connection
from ledger_automation.errors import Misconfigured

_HEADROOM: Final = 4
"""Signed bytes are stored and sent again as they are, so the cap must outlive a rise: the base fee may quadruple, which
takes at least twelve full blocks. Only the base fee of the block itself is paid."""


def fees(connection: Connection) -> dict[str, int]:
    """Return the two fee fields of a type 2 transaction, in wei; raises Misconfigured for a chain without them."""
    with connection.asking():
        base = connection.web3.eth.get_block("latest").get("baseFeePerGas")
        tip = connection.web3.eth.max_priority_fee
    if base is None:
        raise Misconfigured(f"The chain at {connection.endpoint} has no base fee (EIP-1559); it is not supported.")
    return {"maxFeePerGas": _HEADROOM * base + tip, "maxPriorityFeePerGas": tip}
