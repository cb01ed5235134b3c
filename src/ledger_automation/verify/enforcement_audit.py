"""Auditing an enforced case: every step signed by its actor, and the contract's one word for the whole of it.

    1  every event of the case carries a signature, over this very event and what the law makes of it    signatures, T06
    2  the contract's word is where the events lead: state, number of steps, and a head that commits to all of them
    3  every signer had the seat of its member in that contract

The second is what nobody in the office can arrange: a step that the contract did not take is not under its head. A step
put into the database is found by 1 or 2, one taken out by 2, whoever holds the log's keys.
"""

from typing import Any, Final

from ledger_automation.audit.enforced import Link
from ledger_automation.audit.event import AuditEvent
from ledger_automation.errors import Contradiction, InvalidInput, Misconfigured, TransitionNotAllowed
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.signatures import Numbers, SignedCase
from ledger_automation.verify.sources import ChainSource, LedgerPin
from ledger_automation.verify.verdict import Finding
from ledger_automation.workflows import workflow

_STATE_BITS: Final = 8
_STEP_BITS: Final = 32


def standing(last: AuditEvent, link: Link) -> int:
    """Return the contract's word of a case after its last event: head, steps taken, state.

    Raises Misconfigured for a workflow without a contract, Contradiction for a state that it does not have.
    """
    enforcement = workflow(last.workflow).enforcement
    if enforcement is None:
        raise Misconfigured(f"No contract enforces {last.workflow}.", workflow=last.workflow)
    if last.to_state not in enforcement.states:
        raise Contradiction("The state is none of its workflow.", expected=enforcement.states, actual=last.to_state)
    return link.head | (last.sequence + 1) << _STATE_BITS | (enforcement.states.index(last.to_state) + 1)


def steps_of(word: int) -> int:
    """Return how many steps a contract has taken of a case."""
    return word >> _STATE_BITS & ((1 << _STEP_BITS) - 1)


class EnforcementAudit:
    """Holds enforced cases against the contracts that the policy pins; ``chain`` is None where none is asked."""

    def __init__(self, policy: VerificationPolicy, chain: ChainSource | None, secret: bytes = b"") -> None:
        self._policy = policy
        self._chain = chain
        self._numbers = Numbers(secret)
        self._contracts: dict[str, PinnedLedger] = {}

    def examine(self, case_id: str, seen: list[tuple[AuditEvent | None, bytes | None]]) -> list[Finding]:
        """Return what does not hold in a case, given its events in order with their salts; raises Unreachable.

        An event that was lawfully erased is None.
        """
        followed = SignedCase(self._policy, self._numbers)
        last: AuditEvent | None = None
        for event, salt in seen:
            last = event
            if event is None or salt is None:
                followed.skip()
                continue
            if event.workflow not in self._policy.ledgers and self._policy.level is not Level.ENFORCED:
                return []  # who pins no contract has not asked
            try:
                followed.follow(event, salt)
            except (Contradiction, InvalidInput, TransitionNotAllowed) as error:
                facts = {name: error.facts.get(name) for name in ("expected", "actual")}
                return [_finding("T06", error.sentence, case_id, event.sequence, **facts)]
        return self._on_chain(case_id, last, followed) if last is not None else []

    def _on_chain(self, case_id: str, last: AuditEvent, followed: SignedCase) -> list[Finding]:
        """Ask the contract, where one is asked. After a gap at the very end nobody knows where the events lead."""
        if self._chain is None or followed.link is None:
            return []
        contract = self._contract(self._chain, last.workflow)
        try:
            contract.require_seats(followed.signers)
        except Contradiction as error:
            return [_finding("T06", error.sentence, case_id, last.sequence, **error.facts)]
        expected, actual = standing(last, followed.link), contract.standing(followed.link.case_key)
        if actual == expected:
            return []
        there = steps_of(actual)
        if there > last.sequence + 1:
            kind, sentence = "T03", "The contract has taken more steps than the database holds."
        elif there < last.sequence + 1:
            kind, sentence = "T06", "The database holds a step that the contract never took."
        else:
            kind, sentence = "T42", "The contract has taken other steps than the database holds."
        return [_finding(kind, sentence, case_id, last.sequence, expected=hex(actual), actual=hex(expected))]

    def _contract(self, chain: ChainSource, name: str) -> "PinnedLedger":
        if name not in self._contracts:
            self._contracts[name] = PinnedLedger(chain, self._policy.ledgers[name])
        return self._contracts[name]


class PinnedLedger:
    """A workflow's contract as the chain has it, its code being the pinned one; raises Misconfigured for another."""

    def __init__(self, chain: ChainSource, pinned: LedgerPin) -> None:
        there = chain.code_hash(pinned.contract)
        if there != pinned.code_hash:
            sentence = f"The contract at {pinned.contract} is not the pinned one."
            raise Misconfigured(sentence, expected=pinned.code_hash, actual=there)
        self._chain = chain
        self._address = pinned.contract
        self._seats = chain.seated(pinned.contract)

    def standing(self, case_key: bytes) -> int:
        """Return its word of a case."""
        return self._chain.standing(self._address, case_key)

    def took(self, word: int) -> bool:
        """Tell whether it ever took the step that led a case to this word."""
        return self._chain.took(self._address, word)

    def require_seats(self, signers: set[tuple[int, bytes]]) -> None:
        """Make sure that each signer had the seat of its member at some time; raises Contradiction."""
        for member, signer in sorted(signers - self._seats):
            known = [f"0x{each.hex()}" for number, each in sorted(self._seats) if number == member]
            sentence = f"The contract never seated member {member} with the signer of the step."
            raise Contradiction(sentence, expected=known, actual=f"0x{signer.hex()}")


def _finding(kind: str, sentence: str, case_id: str, sequence: int, **facts: Any) -> Finding:
    return Finding(tampering=kind, sentence=sentence, case_id=case_id, sequence=sequence, column="signature", **facts)
