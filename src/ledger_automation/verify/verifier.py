"""Verifying a receipt: numbered steps, each of which holds, does not hold, or could not be asked.

    1  every event is canonical, of a known schema, and of the pinned log
    2  the checkpoint is signed by a pinned log key                            C2SP signed-note, tlog-checkpoint
    3  every event opens the commitment of its leaf, which the checkpoint's
       size and root include                                                   RFC 9162 section 2.1.3.2
    4  the events follow each other and the law allows every step              when the receipt starts at sequence 0
    5  the checkpoint extends the one that the reader holds                    RFC 9162 section 2.1.4.2
    6  the chain and the contract are the pinned ones                          policy
    7  the transaction of the anchor anchored exactly this checkpoint          policy, ERC-55
    8  the anchor has the confirmations that the policy asks
    9  every step of an enforced case is signed by its actor, for the pinned
       contract, and the contract has taken it                                 EIP-712, ERC-7913

The steps run in this order and stop at the first that does not hold. A chain that does not answer makes the verdict
`unreachable`, never `contradicted`, and never green.
"""

from hashlib import sha256
from typing import Any

import msgspec

from ledger_automation.audit.encoding import decode
from ledger_automation.audit.enforced import Link
from ledger_automation.audit.event import AuditEvent
from ledger_automation.audit.trail import Trail
from ledger_automation.canonical import commit
from ledger_automation.errors import Contradiction, InvalidInput, LedgerError, Misconfigured, Unreachable
from ledger_automation.merkle import leaf_hash, verify_consistency, verify_inclusion
from ledger_automation.tlog.checkpoint import Checkpoint, open_checkpoint
from ledger_automation.tlog.receipt import AnchorClaim, Entry, Receipt, decode_proof
from ledger_automation.verify.enforcement_audit import PinnedLedger, standing, steps_of
from ledger_automation.verify.policy import ON_CHAIN, Level, VerificationPolicy
from ledger_automation.verify.signatures import Numbers, SignedCase
from ledger_automation.verify.sources import AnchorEvidence, ChainSource
from ledger_automation.verify.verdict import RECEIPT_HOLDS, SENTENCES, Sentence, Verdict, VerifiedStep, shown


class ReceiptVerdict(msgspec.Struct, frozen=True):
    """The answer: a verdict, a reason code, a sentence, and the steps that led there."""

    verdict: Verdict
    reason: str
    sentence: Sentence
    steps: tuple[VerifiedStep, ...]


class Verifier:
    """Verifies receipts against a policy; ``chain`` is asked only when the policy wants an anchor.

    ``held`` is a checkpoint note that the reader got earlier, from an older receipt or somebody else.
    """

    def __init__(self, policy: VerificationPolicy, chain: ChainSource | None = None, held: str | None = None) -> None:
        self._policy = policy
        self._chain = chain
        self._held = held
        self._steps: list[VerifiedStep] = []
        self._step = ""

    def verify(self, receipt: Receipt) -> ReceiptVerdict:
        """Return the verdict; raises nothing for bad evidence, Misconfigured for a chain other than the pinned one."""
        self._steps = []
        try:
            return self._verify(receipt)
        except Unreachable as error:
            return self._fails(Verdict.UNREACHABLE, "chain_unreachable", error)
        except (Contradiction, InvalidInput) as error:
            return self._fails(Verdict.CONTRADICTED, f"step_{self._step.replace(' ', '_')}", error)

    def _verify(self, receipt: Receipt) -> ReceiptVerdict:
        self._step = "1 events"
        events = [(entry, self._event(entry)) for entry in receipt.entries]
        self._holds(f"{len(events)} canonical, of the log {self._policy.origin}")
        self._step = "2 checkpoint"
        checkpoint = open_checkpoint(receipt.checkpoint, self._policy.origin, self._policy.keys())
        self._holds(f"signed over {checkpoint.tree_size} leaves")
        self._step = "3 inclusion"
        commitments = [self._entered(entry, checkpoint) for entry, _ in events]
        self._holds(f"{len(events)} included")
        self._follow([event for _, event in events], commitments)
        self._extends(receipt, checkpoint)
        signed = [(event, bytes.fromhex(entry.salt)) for entry, event in events]
        if self._policy.level not in ON_CHAIN:
            self._enforced(signed)
            return self._conclude(Verdict.FINAL, "logged")
        return self._anchored(receipt.anchor, checkpoint, signed)

    def _event(self, entry: Entry) -> AuditEvent:
        event = decode(_octets(entry))
        if event.origin != self._policy.origin:
            raise Contradiction("The event is of another log.", expected=self._policy.origin, actual=event.origin)
        return event

    def _entered(self, entry: Entry, checkpoint: Checkpoint) -> bytes:
        """Return the commitment of an included entry; what is wrong is said with its place."""
        try:
            return self._included(entry, checkpoint)
        except (Contradiction, InvalidInput) as error:
            facts = {name: error.facts.get(name) for name in ("expected", "actual")}
            raise Contradiction(f"At leaf {entry.leaf_index}: {error.sentence}", **facts) from error

    def _included(self, entry: Entry, checkpoint: Checkpoint) -> bytes:
        try:
            salt = bytes.fromhex(entry.salt)
        except ValueError as error:
            raise Contradiction("The salt is not hexadecimal.", expected="64 hex digits", actual=entry.salt) from error
        commitment = commit(salt, _octets(entry))
        proof = decode_proof(entry.inclusion_proof)
        verify_inclusion(leaf_hash(commitment), entry.leaf_index, checkpoint.tree_size, proof, checkpoint.root_hash)
        return commitment

    def _follow(self, events: list[AuditEvent], commitments: list[bytes]) -> None:
        self._step = "4 law"
        if events[0].sequence != 0:
            if len(events) > 1:
                raise Contradiction(
                    "A receipt of several steps starts at the first.", expected=0, actual=events[0].sequence
                )
            return
        self._replay(events, commitments)

    def _replay(self, events: list[AuditEvent], commitments: list[bytes]) -> None:
        trail = Trail()
        for event, commitment in zip(events, commitments, strict=True):
            if event.case_id != events[0].case_id:
                sentence = "The receipt mixes two cases."
                raise Contradiction(sentence, expected=events[0].case_id, actual=event.case_id)
            divergence = trail.follow(event, commitment)
            if divergence is not None:
                facts = {"expected": shown(divergence.expected), "actual": shown(divergence.actual)}
                raise Contradiction(f"{divergence.sentence} ({divergence.rule})", rule=divergence.rule, **facts)
        self._holds(f"{len(events)} steps lead to {events[-1].to_state}")

    def _extends(self, receipt: Receipt, checkpoint: Checkpoint) -> None:
        if self._held is None:
            return
        self._step = "5 extension"
        held = open_checkpoint(self._held, self._policy.origin, self._policy.keys())
        if receipt.extension is None and held.tree_size != checkpoint.tree_size:
            raise Contradiction(
                "The receipt does not prove that it extends the checkpoint you hold.", expected=held.tree_size
            )
        proof = decode_proof(receipt.extension.consistency_proof) if receipt.extension else []
        verify_consistency(held.tree_size, checkpoint.tree_size, proof, held.root_hash, checkpoint.root_hash)
        self._holds(f"extends your checkpoint of {held.tree_size} leaves")

    def _anchored(
        self, claim: AnchorClaim | None, checkpoint: Checkpoint, signed: list[tuple[AuditEvent, bytes]]
    ) -> ReceiptVerdict:
        self._step = "6 chain"
        if claim is None:
            return self._conclude(Verdict.PENDING, "not_anchored")
        if self._chain is None or self._policy.chain is None:
            raise Unreachable("No chain was asked; the policy wants an anchor.")
        check_identity(self._chain, self._policy)
        self._holds(f"chain {self._policy.chain.chain_id}, registry {self._policy.chain.registry}")
        self._step = "7 anchor"
        check_claim(claim, self._policy)
        evidence = self._chain.evidence(claim.transaction, sha256(self._policy.origin.encode()).digest())
        check_anchor(claim, evidence, checkpoint)
        self._holds(f"transaction {claim.transaction} in block {claim.block_number}")
        self._step = "8 confirmations"
        confirmations = evidence.confirmations if evidence else 0
        if confirmations < self._policy.confirmations:
            self._steps.append(VerifiedStep(self._step, None, f"{confirmations} of {self._policy.confirmations}"))
            return self._conclude(Verdict.PENDING, "not_final")
        self._holds(f"{confirmations}, {self._policy.confirmations} wanted")
        self._enforced(signed)
        return self._conclude(Verdict.FINAL, "anchored")

    def _enforced(self, signed: list[tuple[AuditEvent, bytes]]) -> None:
        """Check the signatures of an enforced case; a case of another level has none."""
        self._step = "9 signatures"
        if all(event.signature is None for event, _ in signed):
            if self._policy.level is Level.ENFORCED:
                raise Contradiction("No step is signed by its actor.", expected="enforced", actual="unsigned")
            return
        last = signed[-1][0]
        if last.workflow not in self._policy.ledgers and self._policy.level is not Level.ENFORCED:
            detail = f"the policy pins no contract that enforces {last.workflow}; the signatures were not asked for"
            self._steps.append(VerifiedStep(self._step, None, detail))
            return
        followed = SignedCase(self._policy, Numbers())
        if last.sequence and len(signed) == 1:
            followed.skip()
        link = Link()
        for event, salt in signed:
            link = followed.follow(event, salt)
        if self._policy.level in ON_CHAIN and self._chain is not None:
            self._holds(f"{len(signed)} signed by their actors")
            self._taken(last, link, followed.signers)
        else:
            detail = f"{len(signed)} signatures are well formed; who may sign only the contract knows"
            self._steps.append(VerifiedStep(self._step, None, detail))

    def _taken(self, last: AuditEvent, link: Link, signers: set[tuple[int, bytes]]) -> None:
        """Ask the contract: it knows the signers, and stands where the step led or has gone on from there."""
        if self._chain is None:
            return
        contract, expected = PinnedLedger(self._chain, self._policy.ledgers[last.workflow]), standing(last, link)
        contract.require_seats(signers)
        there = contract.standing(link.case_key)
        steps, later = last.sequence + 1, steps_of(there) - last.sequence - 1
        if there != expected and (later <= 0 or not contract.took(expected)):
            raise Contradiction("The contract never took the step.", expected=hex(expected), actual=hex(there))
        self._holds(f"the contract has taken {steps} steps{f', and {later} later' if later else ''}")

    def _holds(self, detail: str) -> None:
        self._steps.append(VerifiedStep(self._step, holds=True, detail=detail))

    def _fails(self, verdict: Verdict, reason: str, error: LedgerError) -> ReceiptVerdict:
        holds = False if verdict is Verdict.CONTRADICTED else None
        facts = "".join(
            f" {name}: {shown(error.facts[name])}." for name in ("expected", "actual") if name in error.facts
        )
        self._steps.append(VerifiedStep(self._step, holds, error.sentence + facts))
        return self._conclude(verdict, reason)

    def _conclude(self, verdict: Verdict, reason: str) -> ReceiptVerdict:
        sentence = RECEIPT_HOLDS if verdict is Verdict.FINAL else SENTENCES[verdict]
        return ReceiptVerdict(verdict, reason, sentence, tuple(self._steps))


def _octets(entry: Entry) -> bytes:
    """Return the exact bytes; a lone surrogate becomes bytes that no reader of events accepts."""
    return entry.event.encode(errors="surrogatepass")


def check_identity(chain: ChainSource, policy: VerificationPolicy) -> None:
    """Hold the chain that answers against the pinned one; raises Misconfigured or Unreachable."""
    there = chain.identity()
    if there != policy.chain:
        sentence = "The chain or contract that answers is not the pinned one."
        raise Misconfigured(sentence, expected=str(policy.chain), actual=str(there))


def check_claim(claim: AnchorClaim, policy: VerificationPolicy) -> None:
    """Hold a claimed anchor against the pinned chain; raises Contradiction."""
    pinned = (policy.chain.chain_id, policy.chain.registry) if policy.chain else None
    if (claim.chain_id, claim.registry) != pinned:
        sentence = "The anchor is claimed on another chain or contract than the pinned one."
        raise Contradiction(sentence, expected=pinned, actual=(claim.chain_id, claim.registry))


def check_anchor(claim: Any, evidence: AnchorEvidence | None, checkpoint: Checkpoint) -> None:
    """Hold a claimed anchor against what the chain says of its transaction; raises Contradiction."""
    if evidence is None:
        raise Contradiction("The chain does not know the transaction.", expected=claim.transaction, actual=None)
    if not evidence.succeeded:
        raise Contradiction("The transaction was reverted.", expected="success", actual="reverted")
    anchored = evidence.anchored
    if anchored is None:
        raise Contradiction("The transaction anchored nothing of this log.", expected=checkpoint.tree_size, actual=None)
    expected = (checkpoint.tree_size, checkpoint.root_hash.hex(), checkpoint.case_map_root.hex())
    actual = (anchored.tree_size, anchored.root_hash.hex(), anchored.case_map_root.hex())
    if actual != expected:
        raise Contradiction("The transaction anchored another checkpoint.", expected=expected, actual=actual)
    if (claim.block_number, claim.block_hash) != (evidence.block_number, evidence.block_hash):
        block = (evidence.block_number, evidence.block_hash)
        raise Contradiction(
            "The transaction stands in another block.", expected=block, actual=(claim.block_number, claim.block_hash)
        )
