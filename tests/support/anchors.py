"""Anchoring without the lane: one call signed with the next nonce of the mined count, or with one further ahead."""

from typing import Any

from ledger_automation.chain import AnchoringChain
from ledger_automation.orchestrator.submission import SignedSubmission


def sign(
    chain: AnchoringChain, origin: bytes, previous: int, checkpoint: Any, proof: list[bytes], *, ahead: int = 0
) -> SignedSubmission:
    call = chain.call(origin, previous, checkpoint, proof)
    return chain.sign(call, chain.look(None).mined + ahead)
