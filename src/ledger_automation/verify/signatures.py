"""Checking the signatures of an enforced case, step by step, against everything but the chain.

    1  the signature is over this very event and no other
    2  it counts for the pinned contract, says what the event says, and builds upon the head before it
    3  an ordinary key's signature leads to the signer (what a wallet or a passkey signed the contract has checked)
    4  the law, applied to the events, leads to exactly the words that were signed and to the facts that follow: a
       contract that was told of another step than the event tells is found here
    5  every pseudonym has one number, and every number one pseudonym: in this case, and among the signers of all that
       are followed with it; who has the ledger's secret also knows which

Rule 4 needs the case from its first step on. What follows an erased event, and a receipt of a single step, is held
against rules 1 to 3 and 5 only.
"""

from typing import Any

from msgspec.structs import replace

from ledger_automation.audit.encoding import encode
from ledger_automation.audit.enforced import (
    KEY_BYTES,
    ActorSignature,
    Link,
    deadline_of,
    in_numbers,
    in_short,
    member_number,
    recovered,
)
from ledger_automation.audit.event import AuditEvent
from ledger_automation.canonical import commit
from ledger_automation.errors import Contradiction, Misconfigured
from ledger_automation.values import parse_timestamp
from ledger_automation.verify.policy import VerificationPolicy
from ledger_automation.workflows import Case, Command, Workflow, workflow
from ledger_automation.workflows._enforcement import moment
from ledger_automation.workflows._table import ROLES, Step


class Numbers:
    """Who is who on chain, as far as signatures said; ``secret`` is the ledger's, empty for a stranger.

    A number has 32 bits, so among very many people two may share one by chance. Within a case nobody may, and no two
    who sign may anywhere: one of them could act as both.
    """

    def __init__(self, secret: bytes = b"") -> None:
        self._secret = secret
        self._number: dict[str, int] = {}
        self._signer: dict[int, str] = {}

    def note(self, kept: ActorSignature, signer: str, case: dict[int, str]) -> None:
        """Take in what a signature says; ``case`` holds whom its case has named so far.

        Raises Contradiction where that is not what is known.
        """
        for pseudonym, number in kept.members.items():
            expected = member_number(self._secret, pseudonym) if self._secret else number
            expected = self._number.setdefault(pseudonym, expected)
            if number != expected:
                sentence = f"The signature gives {pseudonym} another number on chain than that member has."
                raise Contradiction(sentence, expected=expected, actual=number)
            _hold_apart(case, number, pseudonym)
        _hold_apart(self._signer, kept.member, signer)


def _hold_apart(holders: dict[int, str], number: int, pseudonym: str) -> None:
    holder = holders.setdefault(number, pseudonym)
    if holder != pseudonym:
        sentence = f"Two members share the number {number} on chain, so that one could act as both."
        raise Contradiction(sentence, expected=holder, actual=pseudonym)


class SignedCase:
    """One enforced case, followed from its first event; ``link`` is where it stands, None after a gap."""

    def __init__(self, policy: VerificationPolicy, numbers: Numbers) -> None:
        self._policy = policy
        self._numbers = numbers
        self._case: Case | None = None
        self._salt = b""
        self._named: dict[int, str] = {}
        self._whole = True
        self.link: Link | None = Link()
        self.signers: set[tuple[int, bytes]] = set()

    def skip(self) -> None:
        """Pass over an event that cannot be read: what follows begins anew from what it says itself."""
        self.link, self._whole = None, False

    def follow(self, event: AuditEvent, salt: bytes) -> Link:
        """Check the signature of the next event; return where the case stands then.

        Raises Contradiction, InvalidInput or TransitionNotAllowed, and Misconfigured where nothing is pinned.
        """
        if event.signature is None:
            raise Contradiction("The step is not signed by its actor.", expected="a signature", actual=None)
        kept = ActorSignature.read(event.signature)
        before = self.link if self.link is not None else kept.step().before
        _check_step(event, salt, kept, before, self._policy)
        self._numbers.note(kept, event.actor.id, self._named)
        if self._whole:
            self._salt = self._salt or salt
            self._case = _check_words(event, kept, self._case, self._salt)
        self.signers.add((kept.member, bytes.fromhex(kept.signer)))
        self.link = kept.after()
        return self.link


def _check_step(event: AuditEvent, salt: bytes, kept: ActorSignature, before: Link, policy: VerificationPolicy) -> None:
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
        "member": kept.members.get(event.actor.id),
    }
    actual = {
        "commitment": kept.commitment,
        "contract": (kept.chain_id, kept.contract),
        "case_key": kept.case_key,
        "previous_head": step.before.head,
        "terms": in_short(step.terms),
        "member": kept.member,
    }
    _compare(expected, actual)
    if kept.signer_kind == "key":
        signer = recovered(step.digest(kept.domain(event.workflow)), bytes.fromhex(kept.signature))
        if signer != bytes.fromhex(kept.signer):
            there = f"0x{signer.hex()}" if signer else "no signature"
            raise Contradiction("Somebody else signed the step.", expected=f"0x{kept.signer}", actual=there)


def _terms(event: AuditEvent) -> tuple[int, ...]:
    """Return what the terms must say of an event: moment, sequence, action, role."""
    table = workflow(event.workflow)
    if event.action not in table.transitions or event.actor.role not in ROLES:
        said = f"{event.action} by {event.actor.role}"
        raise Contradiction("The step is none of its workflow.", expected=table.name, actual=said)
    action = tuple(table.transitions).index(event.action)
    return moment(parse_timestamp(event.occurred_at)), event.sequence, action, ROLES.index(event.actor.role)


def _check_words(event: AuditEvent, kept: ActorSignature, case: Case | None, salt: bytes) -> Case:
    """Apply the law to the event and hold the words that were signed against it; return the case afterwards."""
    table: Workflow[Any] = workflow(event.workflow)
    at, names, signed = parse_timestamp(event.occurred_at), kept.names(salt), kept.step()
    payload = table.typed(table.transition(event.action), event.payload)
    step = Step(case.state if case else None, event.actor, payload, at)
    terms, arguments = in_numbers(table, case, event.action, step, names, deadline_of(signed.terms))
    after = table.apply(case, Command(event.action, event.actor, event.payload), at).case
    facts = table.enforcement.facts(after.data, names) if table.enforcement else ()
    expected = {"terms": terms, "arguments": arguments, "facts": facts}
    actual = {
        "terms": signed.terms,
        "arguments": signed.arguments,
        "facts": tuple(int(each, 16) for each in kept.facts),
    }
    _compare(expected, actual)
    return after


def _compare(expected: dict[str, Any], actual: dict[str, Any]) -> None:
    for part, wanted in expected.items():
        if actual[part] != wanted:
            sentence = f"The signature is over another {part.replace('_', ' ')} than the event's."
            raise Contradiction(sentence, expected=wanted, actual=actual[part], part=part)
