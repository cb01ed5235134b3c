"""Which queryable columns an event has: the one place that says so, for those who write them and those who check.

Every column here repeats something committed. Deliberately not committed, because they are about keeping and not
about what happened: ``event.id`` (the order of recording; the leaf's index is the evidence), ``case.level`` between
``logged`` and ``anchored``, an attachment's absolute position (its order is), ``checkpoint.created_at``, what only
serves sending (``submission.sender``, ``nonce``, ``raw``), and ``intake_run``, which says how far a file was read.
"""

from ledger_automation.audit.event import AuditEvent


def columns(event: AuditEvent) -> tuple[object, ...]:
    """Return the values of `sources.COLUMNS` for an event; ``amount`` is the payload's own amount in cents, if any."""
    amount = event.payload.get("amount")
    return (
        event.case_id,
        event.sequence,
        event.workflow,
        event.action,
        event.to_state,
        event.actor.id,
        event.actor.role,
        event.occurred_at,
        event.recorded_at,
        amount if type(amount) is int else None,
    )
