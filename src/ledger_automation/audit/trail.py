"""Replaying a case through its workflow: whether the law leads to what the events say.

A trail follows the events of one case in order and names the first divergence. What it checks, in this order:

    1. the event continues the case: sequence, and the commitment of the previous event
    2. the workflow and its version are the case's own
    3. the law allows the step to this actor at this moment (roles, four eyes, limits, deadlines)
    4. the law leads where the event says: from_state, to_state, and a payload that is complete

It does not look at commitments' openings, columns or leaves; the verifier does.
"""

from typing import Any

import msgspec

from ledger_automation.audit.event import AuditEvent
from ledger_automation.errors import InvalidInput, TransitionNotAllowed
from ledger_automation.values import parse_timestamp
from ledger_automation.workflows import workflow
from ledger_automation.workflows._machine import Workflow
from ledger_automation.workflows._table import Case, Command


class Divergence(msgspec.Struct, frozen=True):
    """Where events and law part: a rule's name, the event's sequence, what was expected and what stands there."""

    rule: str
    sentence: str
    sequence: int
    expected: object
    actual: object


class Trail:
    """One case, followed from its first event."""

    def __init__(self) -> None:
        self.table: Workflow[Any] | None = None
        self.case: Case | None = None
        self.head: bytes | None = None

    def follow(self, event: AuditEvent, commitment: bytes) -> Divergence | None:
        """Go one event on; returns the divergence, after which the trail must not be followed further."""
        expected = 0 if self.case is None else self.case.sequence + 1
        if event.sequence != expected:
            return Divergence(
                "sequence", "The case's events do not follow each other.", expected, expected, event.sequence
            )
        previous = None if self.head is None else self.head.hex()
        if event.previous != previous:
            sentence = "The event does not continue the case's previous event."
            return Divergence("previous", sentence, event.sequence, previous, event.previous)
        try:
            divergence = self._apply(event)
        except TransitionNotAllowed as refusal:
            return Divergence(refusal.rule, refusal.sentence, event.sequence, "a lawful step", event.action)
        except InvalidInput as refusal:
            return Divergence("invalid", refusal.sentence, event.sequence, "a lawful step", event.action)
        self.head = commitment
        return divergence

    def _apply(self, event: AuditEvent) -> Divergence | None:
        table = self.table
        if table is None:
            table = self.table = workflow(event.workflow)
        if (table.name, table.version) != (event.workflow, event.workflow_version):
            expected, actual = f"{table.name} {table.version}", f"{event.workflow} {event.workflow_version}"
            return Divergence("workflow", "The event is of another workflow.", event.sequence, expected, actual)
        command = Command(event.action, event.actor, event.payload)
        applied = table.apply(self.case, command, parse_timestamp(event.occurred_at))
        self.case = applied.case
        lawful = (applied.from_state, applied.case.state, applied.payload)
        stated = (event.from_state, event.to_state, event.payload)
        if lawful != stated:
            return Divergence("outcome", "The law leads elsewhere than the event says.", event.sequence, lawful, stated)
        return None
