"""Auditing an enforced case: every step signed by its actor, and the contract's one word for the whole of it.

    1  every event of the case carries a signature, over this very event and no other         T06
    2  it counts for the pinned contract, says what the event says, and builds upon the head before it
    3  the signer is who the signature says (ordinary keys; what a passkey or a wallet signed the contract has checked)
    4  the contract's word is where the events lead: state, number of steps, and a head that commits to all of them

The last is what nobody in the office can arrange: a step that the contract did not take is not under its head. A step
put into the database is found by 1 or 4, one taken out by 4, whoever holds the log's keys.
"""

from typing import Final

from coincurve import PublicKey
from msgspec.structs import replace

from ledger_automation.audit.encoding import encode
from ledger_automation.audit.enforced import (
    KEY_BYTES,
    ActorSignature,
    Link,
    in_short,
)
from ledger_automation.audit.event import AuditEvent
from ledger_automation.canonical import commit
from ledger_automation.errors import Contradiction, InvalidInput, Misconfigured
from ledger_automation.values import parse_timestamp
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.sources import ChainSource, LedgerPin
from ledger_automation.verify.verdict import Finding
from ledger_automation.workflows import workflow
from ledger_automation.workflows._enforcement import keccak256, moment
from ledger_automation.workflows._table import ROLES

_ADDRESS_BYTES: Final = 20
_RECOVERABLE_BYTES: Final = 65
_FIRST_PARITY: Final = 27
_STATE_BITS: Final = 8
_STEP_BITS: Final = 32


def check_signature(event: AuditEvent, salt: bytes, before: Link, policy: VerificationPolicy) -> Link:
    """Check the signature of one event against everything but the chain; return where the case stands then.

    ``before`` is where the case stood. Raises Contradiction or InvalidInput, Misconfigured where nothing is pinned for
    the workflow.
    """
    if event.signature is None:
        raise Contradiction("The step is not signed by its actor.", expected="a signature", actual=None)
    kept = ActorSignature.read(event.signature)
    step = kept.step()
    pinned = policy.ledgers.get(event.workflow)
    if pinned is None or policy.chain is None:
        raise Misconfigured(f"The policy pins no contract that enforces {event.workflow}.", workflow=event.workflow)
    expected = {
        "commitment": commit(salt, encode(replace(event, signature=None))).hex(),
        "contract": (policy.chain.chain_id, pinned.contract.lower()),
        "case_key": (before.case_key or step.commitment[:KEY_BYTES]).hex(),
        "previous_head": before.head,
        "terms": _terms(event),
    }
    actual = {
        "commitment": kept.commitment,
        "contract": (kept.chain_id, kept.contract),
        "case_key": kept.case_key,
        "previous_head": step.before.head,
        "terms": in_short(step.terms),
    }
    for part, wanted in expected.items():
        if actual[part] != wanted:
            sentence = f"The signature is over another {part.replace('_', ' ')} than the event's."
            raise Contradiction(sentence, expected=wanted, actual=actual[part], part=part)
    _check_signer(step.digest(kept.domain(event.workflow)), bytes.fromhex(kept.signer), bytes.fromhex(kept.signature))
    return kept.after()


def _terms(event: AuditEvent) -> tuple[int, ...]:
    """Return what the terms must say of an event: moment, sequence, action, role."""
    table = workflow(event.workflow)
    action = tuple(table.transitions).index(event.action)
    return moment(parse_timestamp(event.occurred_at)), event.sequence, action, ROLES.index(event.actor.role)


def _check_signer(digest: bytes, signer: bytes, signature: bytes) -> None:
    """Recover an ordinary key's address; raises Contradiction. Any other signer is the contract's to check."""
    if len(signer) != _ADDRESS_BYTES or len(signature) != _RECOVERABLE_BYTES:
        return
    try:
        parity = bytes([signature[-1] - _FIRST_PARITY])
        key = PublicKey.from_signature_and_message(signature[:-1] + parity, digest, hasher=None)
        found = keccak256(key.format(compressed=False)[1:])[-_ADDRESS_BYTES:]
    except ValueError as error:
        raise Contradiction("The signature is none.", expected=signer, actual=signature) from error
    if found != signer:
        raise Contradiction("Somebody else signed the step.", expected=f"0x{signer.hex()}", actual=f"0x{found.hex()}")


def standing(last: AuditEvent, link: Link) -> int:
    """Return the contract's word of a case after its last event: head, steps taken, state; raises Misconfigured."""
    enforcement = workflow(last.workflow).enforcement
    if enforcement is None:
        raise Misconfigured(f"No contract enforces {last.workflow}.", workflow=last.workflow)
    return link.head | (last.sequence + 1) << _STATE_BITS | (enforcement.states.index(last.to_state) + 1)


def steps_of(word: int) -> int:
    """Return how many steps a contract has taken of a case."""
    return word >> _STATE_BITS & ((1 << _STEP_BITS) - 1)


def _stated(event: AuditEvent) -> Link:
    """Return where an event itself says that the case stood before it; raises InvalidValue."""
    return ActorSignature.read(event.signature or {}).step().before


class EnforcementAudit:
    """Holds enforced cases against the contracts that the policy pins; ``chain`` is None where none is asked."""

    def __init__(self, policy: VerificationPolicy, chain: ChainSource | None) -> None:
        self._policy = policy
        self._chain = chain
        self._known: dict[str, bool] = {}

    def examine(self, case_id: str, seen: list[tuple[AuditEvent | None, bytes | None]]) -> list[Finding]:
        """Return what does not hold in a case, given its events in order with their salts; raises Unreachable.

        An event that was lawfully erased is None: what stands after it begins anew from what it says itself.
        """
        link: Link | None = Link()
        last: AuditEvent | None = None
        for event, salt in seen:
            last = event
            if event is None or salt is None:
                link = None
                continue
            if event.workflow not in self._policy.ledgers and self._policy.level is not Level.ENFORCED:
                return []  # who pins no contract has not asked
            try:
                link = check_signature(event, salt, link if link is not None else _stated(event), self._policy)
            except (Contradiction, InvalidInput) as error:
                facts = {name: error.facts.get(name) for name in ("expected", "actual")}
                return [
                    Finding(
                        tampering="T06",
                        sentence=error.sentence,
                        case_id=case_id,
                        sequence=event.sequence,
                        column="signature",
                        **facts,
                    )
                ]
        return self._on_chain(case_id, last, link) if last is not None and link is not None else []

    def _on_chain(self, case_id: str, last: AuditEvent, link: Link) -> list[Finding]:
        if self._chain is None:
            return []
        pinned = self._policy.ledgers[last.workflow]
        self._recognise(pinned)
        expected, actual = standing(last, link), self._chain.standing(pinned.contract, link.case_key)
        if actual == expected:
            return []
        there = steps_of(actual)
        if there > last.sequence + 1:
            kind, sentence = "T03", "The contract has taken more steps than the database holds."
        elif there < last.sequence + 1:
            kind, sentence = "T06", "The database holds a step that the contract never took."
        else:
            kind, sentence = "T42", "The contract has taken other steps than the database holds."
        return [
            Finding(
                tampering=kind,
                sentence=sentence,
                case_id=case_id,
                sequence=last.sequence,
                column="signature",
                expected=hex(actual),
                actual=hex(expected),
            )
        ]

    def _recognise(self, pinned: LedgerPin) -> None:
        if self._chain is not None and pinned.contract not in self._known:
            check_code(self._chain, pinned)
            self._known[pinned.contract] = True


def check_code(chain: ChainSource, pinned: LedgerPin) -> None:
    """Make sure that the pinned code is there; raises Misconfigured."""
    there = chain.code_hash(pinned.contract)
    if there != pinned.code_hash:
        sentence = f"The contract at {pinned.contract} is not the pinned one."
        raise Misconfigured(sentence, expected=pinned.code_hash, actual=there)
