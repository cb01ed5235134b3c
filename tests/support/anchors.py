"""Anchoring without the lane: one call signed with the nonce that is given, or with the mined count."""

from typing import Any

from ledger_automation.chain import AnchoringChain
from ledger_automation.orchestrator.submission import SignedSubmission


def sign(
    chain: AnchoringChain, origin: bytes, previous: int, checkpoint: Any, proof: list[bytes], nonce: int | None = None
) -> SignedSubmission:
    call = chain.call(origin, previous, checkpoint, proof)
    return chain.sign(call, chain.look(None).mined if nonce is None else nonce)
