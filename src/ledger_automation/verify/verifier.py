"""Verifying a receipt: numbered steps, each of which holds, does not hold, or could not be asked.

    1  every event is canonical, of a known schema, and of the pinned log
    2  the checkpoint is signed by a pinned log key, and no line of a pinned
       key or witness is wrong                                                 C2SP signed-note, tlog-checkpoint
    3  every event opens the commitment of its leaf, which the checkpoint's
       size and root include                                                   RFC 9162 section 2.1.3.2
    4  the events follow each other from the first on, and the law allows
       every step                                                              not for a later step alone
    5  the last event is the last of its case in this log                      docs/spec/case-map.md; for a whole case
    6  the checkpoint extends the one that the reader holds                    RFC 9162 section 2.1.4.2
    7  the chain and the contract are the pinned ones                          policy
    8  the transaction of the anchor anchored exactly this checkpoint          policy, ERC-55
    9  the anchor has the confirmations that the policy asks
    10 every step of an enforced case is signed by its actor, for the pinned
       contract, and the contract has taken it                                 EIP-712, ERC-7913
    11 as many pinned witnesses as the policy asks cosigned the checkpoint     C2SP tlog-cosignature

The steps run in this order and stop at the first that does not hold. A chain that does not answer makes the verdict
`unreachable`, never `contradicted`, and never green.
"""

from hashlib import sha256
from typing import Any

import msgspec

from ledger_automation.audit.enforced import Link
from ledger_automation.audit.event import AuditEvent
from ledger_automation.errors import Contradiction, InvalidInput, LedgerError, Misconfigured, Unreachable
from ledger_automation.merkle import leaf_hash, verify_consistency
from ledger_automation.tlog.case_map import Head, verify_absence, verify_completeness
from ledger_automation.tlog.checkpoint import Checkpoint, open_checkpoint
from ledger_automation.tlog.cosignature import witnesses_of
from ledger_automation.tlog.note import VerifierKey
from ledger_automation.tlog.receipt import Absence, AnchorClaim, Entry, ErasedStep, Receipt, decode_leaf, decode_proof
from ledger_automation.verify.enforcement_audit import PinnedLedger, standing, steps_of
from ledger_automation.verify.policy import ON_CHAIN, Level, VerificationPolicy
from ledger_automation.verify.receipt_steps import ShownStep, decided, entered, event_of, follow, in_order
from ledger_automation.verify.signatures import Numbers, SignedCase
from ledger_automation.verify.sources import AnchorEvidence, ChainIdentity, ChainSource
from ledger_automation.verify.verdict import (
    CASE_ABSENT,
    CASE_HOLDS,
    SENTENCES,
    STEP_HOLDS,
    Sentence,
    Verdict,
    VerifiedStep,
    shown,
)


class ReceiptVerdict(msgspec.Struct, frozen=True):
    """The answer: a verdict, a reason code, a sentence, and the steps that led there."""

    verdict: Verdict
    reason: str
    sentence: Sentence
    steps: tuple[VerifiedStep, ...]

    def then(self, step: VerifiedStep, reason: str) -> "ReceiptVerdict":
        """Return the answer with one step more, which contradicts it for a reason where it does not hold."""
        steps = (*self.steps, step)
        if step.holds is not False:
            return msgspec.structs.replace(self, steps=steps)
        return ReceiptVerdict(Verdict.CONTRADICTED, reason, SENTENCES[Verdict.CONTRADICTED], steps)


class Verifier:
    """Verifies receipts against a policy; ``chain`` is asked only when the policy wants an anchor.

    ``held`` is a checkpoint note that the reader got earlier, from an older receipt or somebody else.
    """

    def __init__(self, policy: VerificationPolicy, chain: ChainSource | None = None, held: str | None = None) -> None:
        self._policy = policy
        self._chain = chain
        self._held = held
        self._steps: list[VerifiedStep] = []
        self._erased = False
        self._step = ""
        self._cosigned: list[VerifierKey] = []
        self._shown = STEP_HOLDS

    def verify(self, receipt: Receipt | Absence) -> ReceiptVerdict:
        """Return the verdict; raises nothing for bad evidence, Misconfigured for a chain other than the pinned one."""
        self._steps = []
        try:
            return self._verify(receipt) if isinstance(receipt, Receipt) else self._verify_absence(receipt)
        except Unreachable as error:
            return self._fails(Verdict.UNREACHABLE, "chain_unreachable", error)
        except (Contradiction, InvalidInput) as error:
            return self._fails(Verdict.CONTRADICTED, f"step_{self._step.replace(' ', '_')}", error)

    def _verify_absence(self, absence: Absence) -> ReceiptVerdict:
        self._shown, self._erased = CASE_ABSENT, False
        checkpoint = self._signed(absence.checkpoint)
        self._step = "5 absence"
        other, siblings = decode_leaf(absence.other), decode_proof(absence.case_map_proof)
        verify_absence(checkpoint.case_map_root, absence.case_id, other, siblings)
        self._holds(f"no case {absence.case_id} in {checkpoint.tree_size} leaves")
        if self._policy.level not in ON_CHAIN:
            return self._witnessed("logged")
        return self._anchored(absence.anchor, checkpoint, [])

    def _verify(self, receipt: Receipt) -> ReceiptVerdict:
        self._shown = STEP_HOLDS if receipt.case_map_proof is None else CASE_HOLDS
        self._erased = receipt.erasure is not None
        self._step = "1 events"
        erased, deciding = (receipt.erasure.steps, receipt.erasure.decisions) if receipt.erasure else ((), ())
        events = [event_of(entry, self._policy.origin) for entry in receipt.entries]
        decisions = [event_of(entry, self._policy.origin) for entry in deciding]
        self._holds(f"{len(events)} canonical, of the log {self._policy.origin}")
        checkpoint = self._signed(receipt.checkpoint)
        self._step = "3 inclusion"
        entries: list[Entry | ErasedStep] = [*receipt.entries, *erased, *deciding]
        included = [entered(entry, checkpoint) for entry in entries]
        self._holds(f"{len(included)} included")
        gone = included[len(events) :]
        steps = in_order(
            [ShownStep(event.sequence, there, event) for event, there in zip(events, included, strict=False)],
            [ShownStep(each.sequence, there, None) for each, there in zip(erased, gone, strict=False)],
        )
        case_id = receipt.erasure.case_id if receipt.erasure else events[0].case_id
        self._follow(receipt, steps, case_id)
        if receipt.erasure is not None:
            self._holds(decided(receipt.erasure, decisions, self._policy.origin))
        self._complete(receipt, steps, case_id, checkpoint)
        self._extends(receipt, checkpoint)
        signed = [(event, bytes.fromhex(entry.salt)) for entry, event in zip(receipt.entries, events, strict=True)]
        if self._policy.level not in ON_CHAIN:
            self._enforced(signed)
            return self._witnessed("logged")
        return self._anchored(receipt.anchor, checkpoint, signed)

    def _signed(self, note: str) -> Checkpoint:
        self._step = "2 checkpoint"
        checkpoint = open_checkpoint(note, self._policy.origin, self._policy.keys())
        self._cosigned = witnesses_of(note, self._policy.witness_keys())
        self._holds(f"signed over {checkpoint.tree_size} leaves")
        return checkpoint

    def _follow(self, receipt: Receipt, steps: list[ShownStep], case_id: str) -> None:
        self._step = "4 law"
        if receipt.case_map_proof is not None or len(steps) > 1 or steps[0].sequence == 0:
            self._holds(follow(steps, case_id))

    def _complete(self, receipt: Receipt, steps: list[ShownStep], case_id: str, checkpoint: Checkpoint) -> None:
        self._step = "5 completeness"
        last = steps[-1]
        if receipt.case_map_proof is not None:
            head = Head(last.sequence, leaf_hash(last.commitment))
            verify_completeness(checkpoint.case_map_root, case_id, head, decode_proof(receipt.case_map_proof))
            self._holds(f"step {last.sequence} is the last of its case in {checkpoint.tree_size} leaves")
        elif len(steps) > 1:
            raise Contradiction("A receipt of a whole case proves that it is whole.", expected="a proof", actual=None)
        else:
            detail = "a receipt of one step says nothing of others"
            self._steps.append(VerifiedStep(self._step, None, detail))

    def _extends(self, receipt: Receipt, checkpoint: Checkpoint) -> None:
        if self._held is None:
            return
        self._step = "6 extension"
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
        self._step = "7 chain"
        if claim is None:
            return self._conclude(Verdict.PENDING, "not_anchored")
        if self._chain is None or self._policy.chain is None:
            raise Unreachable("No chain was asked; the policy wants an anchor.")
        check_identity(self._chain, self._policy)
        self._holds(f"chain {self._policy.chain.chain_id}, registry {self._policy.chain.registry}")
        self._step = "8 anchor"
        check_claim(claim, self._policy)
        evidence = self._chain.evidence(claim.transaction, sha256(self._policy.origin.encode()).digest())
        check_anchor(claim, evidence, checkpoint)
        self._holds(f"transaction {claim.transaction} in block {claim.block_number}")
        self._step = "9 confirmations"
        confirmations = evidence.confirmations if evidence else 0
        if confirmations < self._policy.confirmations:
            self._steps.append(VerifiedStep(self._step, None, f"{confirmations} of {self._policy.confirmations}"))
            return self._conclude(Verdict.PENDING, "not_final")
        self._holds(f"{confirmations}, {self._policy.confirmations} wanted")
        self._enforced(signed)
        return self._witnessed("anchored")

    def _witnessed(self, reason: str) -> ReceiptVerdict:
        """Count the witnesses, if the policy asks for any; all else holds."""
        required = self._policy.witnesses_required
        if not required:
            return self._conclude(Verdict.FINAL, reason)
        self._step = "11 witnesses"
        names = ", ".join(key.name for key in self._cosigned) or "nobody"
        different = len({key.raw for key in self._cosigned})
        if different < required:
            detail = f"cosigned by {names}: {different} of the {required} wanted"
            self._steps.append(VerifiedStep(self._step, None, detail))
            return self._conclude(Verdict.PENDING, "not_witnessed")
        self._holds(f"cosigned by {names}, {required} wanted")
        return self._conclude(Verdict.FINAL, reason)

    def _enforced(self, signed: list[tuple[AuditEvent, bytes]]) -> None:
        """Check the signatures of an enforced case; a case of another level has none."""
        self._step = "10 signatures"
        if self._erased:
            self._steps.append(VerifiedStep(self._step, None, "signatures are not followed across erased content"))
            return
        if not signed:
            return  # a case that is not there has no actors
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
        if verdict is Verdict.FINAL and self._erased:
            verdict, reason = Verdict.ERASED, f"erased_{reason}"
        sentence = self._shown if verdict is Verdict.FINAL else SENTENCES[verdict]
        return ReceiptVerdict(verdict, reason, sentence, tuple(self._steps))


def check_identity(chain: ChainSource, policy: VerificationPolicy) -> None:
    """Hold the chain that answers against the pinned one; raises Misconfigured or Unreachable."""
    there = chain.identity()
    if there != policy.chain:
        sentence = "The chain or contract that answers is not the pinned one."
        kind = _another(there, policy.chain) if policy.chain else None
        raise Misconfigured(sentence, expected=str(policy.chain), actual=str(there), tampering=kind)


def _another(there: ChainIdentity, pinned: ChainIdentity) -> str:
    """Name what was put in the pinned one's place: another chain (T48), another contract (T43), other code (T44)."""
    if (there.chain_id, there.genesis_hash) != (pinned.chain_id, pinned.genesis_hash):
        return "T48"
    return "T43" if there.registry != pinned.registry else "T44"


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
