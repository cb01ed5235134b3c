"""When which duty is due, and which duties may hold each other up: one table for Celery's beat and for one process.

Duties of a group run one after another, groups beside each other: a chain that lets us wait must not keep events out of
the log. Whoever adds a duty adds its line here.
"""

from datetime import UTC, datetime, timedelta
from math import inf
from typing import Final, NamedTuple

from ledger_automation.orchestrator.duties import Duty
from ledger_automation.settings import Settings

LOG: Final = "ledger.log"
CHAIN: Final = "ledger.chain"
AUDIT: Final = "ledger.audit"
POST: Final = "ledger.post"
WITNESS: Final = "ledger.witness"
GROUPS: Final = (LOG, CHAIN, AUDIT, POST, WITNESS)

_DAY: Final = 86_400
_HOUR: Final = 3_600.0


class Line(NamedTuple):
    """One duty: done every so many ``seconds``, once a night at ``hour`` (UTC), or, without either, when asked for."""

    duty: Duty
    group: str
    seconds: float | None = None
    hour: int | None = None

    @property
    def is_asked_for(self) -> bool:
        """Whether nothing but somebody's wish makes it due."""
        return self.seconds is None and self.hour is None

    def pause(self, now: datetime) -> float:
        """Return how long to wait from now on until the duty is due; infinity for one that is asked for."""
        if self.seconds is not None:
            return self.seconds
        if self.hour is None:
            return inf
        night = now.astimezone(UTC).replace(hour=self.hour, minute=0, second=0, microsecond=0)
        return (night - now).total_seconds() % _DAY or _DAY


def timetable(settings: Settings) -> tuple[Line, ...]:
    """Return the table."""
    return (
        Line(Duty.SEQUENCE, LOG, settings.sequence_seconds),
        Line(Duty.SWEEP, LOG, settings.sweep_seconds),
        Line(Duty.ANCHOR, CHAIN, settings.anchor_seconds),
        Line(Duty.SETTLE, CHAIN, settings.settle_seconds),
        Line(Duty.COSIGN, WITNESS, settings.cosign_seconds),
        Line(Duty.AUDIT, AUDIT, hour=settings.audit_hour),
        Line(Duty.AUDIT_WHOLE, AUDIT),
        Line(Duty.DELIVER, POST, settings.deliver_seconds),
        Line(Duty.ERASE, LOG, settings.sweep_seconds),
        Line(Duty.FORGET, LOG, _HOUR),
    )


def silence(settings: Settings) -> timedelta:
    """Return how long the log may be silent: an anchor an interval says nothing of whether anything happened (D04)."""
    return timedelta(seconds=settings.anchor_seconds)
