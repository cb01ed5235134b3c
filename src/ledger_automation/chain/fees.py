"""What a transaction offers to pay (EIP-1559), and what it offers when that was too little.

Only the base fee of the block itself is paid; a cap is what we would pay at the worst. A chain without fees (base fee
and tip are zero) has no second offer: nothing can overtake there, and raising nothing by a tenth would never end (C08).
"""

from collections.abc import Mapping
from typing import Any, Final

from ledger_automation.chain.connection import Connection
from ledger_automation.errors import Misconfigured

DEFAULT_CAP: Final = 500 * 10**9
"""In wei for one unit of gas: more than any chain of an administration asks, and less than a ruin."""

_HEADROOM: Final = 4
"""Signed bytes are stored and sent again as they are, so the cap must outlive a rise: the base fee may quadruple, which
takes at least twelve full blocks. Only the base fee of the block itself is paid."""

_FEE: Final = "maxFeePerGas"
_TIP: Final = "maxPriorityFeePerGas"


def fees(connection: Connection, cap: int = DEFAULT_CAP) -> dict[str, int]:
    """Return the two fee fields of a type 2 transaction, in wei; raises Misconfigured for a chain without them."""
    with connection.asking():
        base = connection.web3.eth.get_block("latest").get("baseFeePerGas")
        tip = connection.web3.eth.max_priority_fee
    if base is None:
        raise Misconfigured(f"The chain at {connection.endpoint} has no base fee (EIP-1559); it is not supported.")
    return {_FEE: min(_HEADROOM * base + tip, cap), _TIP: min(tip, cap)}


def raised(before: Mapping[str, Any], now: Mapping[str, int], cap: int) -> dict[str, int] | None:
    """Return an offer at least 10 % above an earlier one in both fields, or today's if higher; None above the cap.

    A tenth is what nodes ask for a replacement; less, and they answer "replacement transaction underpriced".
    """
    least = {name: before[name] + -(-before[name] // 10) for name in (_FEE, _TIP)}
    if least[_FEE] > cap:
        return None
    fee = min(max(least[_FEE], now[_FEE]), cap)
    return {_FEE: fee, _TIP: min(max(least[_TIP], now[_TIP]), fee)}
