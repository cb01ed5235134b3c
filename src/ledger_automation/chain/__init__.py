"""The chain: contracts that refuse a rewritten log and an unlawful step, and everything needed to reach them.

    toolchain, artifacts      Node, compiler, Anvil, forge; the compiled contracts, committed and checked
    local, anvil, connection  opening a chain; Anvil's lifetime; a node's answers and failures (`wire` bounds them)
    signing, keys             the signer port and what fills it; whose keys lie in a home
    creation, deploy          a contract made exactly once; all of them, found again ever after
    roles, rotation           who may anchor, and a new key in the place of the old
    interface                 a contract's ABI: calls, answers, custom errors
    registry, case_ledger     the two kinds of contracts, read and called
    fees, submitter           what a transaction offers, signed and sent for the orchestrator's lane
    anchoring, enforcing      a chain to anchor on, and one that enforces laws, in one piece
    diagnosis                 what is wrong with any of it, in words

Only home of web3, py-solc-x and the eth packages. The rest of the program sees `open_anchoring`, `open_enforcing`
and the records of `verify.sources`. No exception of those libraries leaves this package: what is no answer is
`Unreachable`, a revert is `ChainRefused` with the contract's own error, another chain or contract is `Misconfigured`.
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
