"""What an attacker wants to be true: changes to the steps of a case, as if it had always been so.

A change is made to a book, the plain list of each case's steps, whatever system keeps it. An attacker who knows the law
chooses well: all but one of the changes are lawful, so that replaying the law alone does not notice them. Classes are
those of the tampering catalogue (docs/threat-model.md).
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from random import Random
from typing import Final, NamedTuple

import msgspec

from ledger_automation.audit.event import AuditEvent
from ledger_automation.audit.trail import Trail
from ledger_automation.errors import LedgerError
from ledger_automation.values import parse_timestamp, timestamp
from ledger_automation.verify.verdict import Sentence
from ledger_automation.workflows import Actor

Book = dict[str, list[AuditEvent]]


class Changed(NamedTuple):
    """A case as it shall have been: no events where it shall never have been."""

    case_id: str
    events: list[AuditEvent]


class Change(NamedTuple):
    """A kind of change: its class, its words, and what makes it at a random place."""

    tampering: str
    what: Sentence
    candidates: Callable[[Book, Random], Iterator[Changed]]
    lawful: bool = True

    def make(self, book: Book, random: Random) -> Changed:
        """Return the first candidate that the law takes, or refuses where that is what the change is about."""
        for candidate in self.candidates(book, random):
            if is_lawful(candidate.events) == self.lawful:
                return candidate
        raise AssertionError(f"there is no place for {self.tampering}")


def is_lawful(events: Iterable[AuditEvent]) -> bool:
    """Tell whether the law leads through the steps of a case, whatever they are chained by."""
    trail = Trail()
    for event in events:
        try:
            if trail.follow(msgspec.structs.replace(event, previous=None), b"") is not None:
                return False
        except LedgerError:
            return False
        trail.head = None
    return True


def _edited(edit: Callable[[AuditEvent], AuditEvent | None]) -> Callable[[Book, Random], Iterator[Changed]]:
    def candidates(book: Book, random: Random) -> Iterator[Changed]:
        places = [(case_id, at) for case_id, events in book.items() for at in range(len(events))]
        random.shuffle(places)
        for case_id, at in places:
            events = list(book[case_id])
            edited = edit(events[at])
            if edited is not None:
                yield Changed(case_id, [*events[:at], edited, *events[at + 1 :]])

    return candidates


def _amount(event: AuditEvent) -> AuditEvent | None:
    amount = event.payload.get("amount")
    if type(amount) is not int:
        return None
    return msgspec.structs.replace(event, payload={**event.payload, "amount": amount + 100})


def _actor(event: AuditEvent) -> AuditEvent:
    return msgspec.structs.replace(event, actor=Actor(f"{event.actor.id}9", event.actor.role))


def _role(event: AuditEvent) -> AuditEvent:
    return msgspec.structs.replace(event, actor=Actor(event.actor.id, "auditor"))


def _later(event: AuditEvent) -> AuditEvent:
    return msgspec.structs.replace(
        event, occurred_at=timestamp(parse_timestamp(event.occurred_at) + timedelta(minutes=1))
    )


def _without_last(book: Book, random: Random) -> Iterator[Changed]:
    for case_id in random.sample(sorted(book), len(book)):
        if len(book[case_id]) > 1:
            yield Changed(case_id, book[case_id][:-1])


def _without(book: Book, random: Random) -> Iterator[Changed]:
    for case_id in random.sample(sorted(book), len(book)):
        yield Changed(case_id, [])


def _forged(book: Book, random: Random) -> Iterator[Changed]:
    """Append to a case what somebody did in another one."""
    models = [event for events in book.values() for event in events if event.sequence]
    for case_id in random.sample(sorted(book), len(book)):
        last = book[case_id][-1]
        for model in random.sample(models, min(len(models), 40)):
            forged = msgspec.structs.replace(
                model, case_id=case_id, sequence=last.sequence + 1, from_state=last.to_state,
                workflow=last.workflow, workflow_version=last.workflow_version, occurred_at=last.occurred_at,
                recorded_at=last.recorded_at,
            )  # fmt: skip
            yield Changed(case_id, [*book[case_id], forged])


UNLAWFUL: Final = Change(
    "T49", Sentence("ein Unbefugter handelt", "somebody without the role acts"), _edited(_role), lawful=False
)
CHANGES: Final = (
    Change("T01", Sentence("ein Betrag geändert", "an amount changed"), _edited(_amount)),
    Change("T02", Sentence("ein anderer Bearbeiter eingetragen", "another actor entered"), _edited(_actor)),
    Change("T13", Sentence("ein Zeitpunkt verschoben", "a moment moved"), _edited(_later)),
    Change("T03", Sentence("der letzte Schritt gelöscht", "the last step deleted"), _without_last),
    Change("T05", Sentence("ein ganzer Fall gelöscht", "a whole case deleted"), _without),
    Change("T06", Sentence("ein Schritt erfunden", "a step forged"), _forged),
    UNLAWFUL,
)
RESTORED: Final = Sentence("eine ältere Sicherung eingespielt", "an older back-up restored")
