"""The Merkle tree of RFC 9162 section 2.1, on bytes and integers only: hashing, growing, proving, verifying."""

from ledger_automation.merkle.hashing import leaf_hash, node_hash
from ledger_automation.merkle.proof import consistency_proof, inclusion_proof
from ledger_automation.merkle.tree import Frontier, root_hash
from ledger_automation.merkle.verify import verify_consistency, verify_inclusion

__all__ = [
    "Frontier",
    "consistency_proof",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "root_hash",
    "verify_consistency",
    "verify_inclusion",
]
