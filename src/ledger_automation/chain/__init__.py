"""The chain: a contract that refuses a rewritten log, and everything needed to reach it. Only home of web3 and solcx.

    toolchain, artifacts     Node, compiler, Anvil; the compiled contracts, committed and checked
    local, anvil, connection opening a chain; Anvil's lifetime; a node's answers and failures
    keys, fees, deploy       the anchorer's key, what it pays, the registry deployed once and recognised again
    interface                a contract's ABI: calls, answers, custom errors
    registry, submitter      reading and writing; `anchoring` puts both together for the orchestrator's port

The rest of the program sees `open_anchoring` (or `open_chain` and `anchoring` one after the other) and the records of
`verify.sources`. No exception of web3, eth-tester or py-solc-x leaves this package: what is no answer is `Unreachable`,
a revert is `AnchorRefused` with the contract's own error, another chain or contract is `Misconfigured`.
"""

from ledger_automation.chain.anchoring import AnchoringChain, anchoring, open_anchoring, open_registry
from ledger_automation.chain.enforcing import EnforcingChain, open_enforcing
from ledger_automation.chain.local import open_chain

__all__ = [
    "AnchoringChain",
    "EnforcingChain",
    "anchoring",
    "open_anchoring",
    "open_chain",
    "open_enforcing",
    "open_registry",
]
