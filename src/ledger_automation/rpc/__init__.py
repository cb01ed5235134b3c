"""A chain, read only, by JSON-RPC: all that a verifier asks, for whoever has no web3 and trusts no single node.

    node        the questions that a node answers, and its answers' form
    wire, http  JSON-RPC over HTTP, bounded in size and time; a node that is asked in this way
    interface   a contract's ABI: calls, answers, custom errors
    ledgers     what every contract that enforces a law answers
    registry    the registry at one address: a `verify.sources.ChainSource`
    quorum      the same through several nodes, of which so many must agree

Nothing here signs, sends, deploys or believes. `chain` asks by the same `Registry`, through web3.
"""

from ledger_automation.rpc.http import open_node
from ledger_automation.rpc.quorum import Quorum
from ledger_automation.rpc.registry import Reader

__all__ = ["Quorum", "Reader", "open_node"]
