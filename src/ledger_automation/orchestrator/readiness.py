"""How far log and anchor have come, and whether they keep up: what makes a service ready.

Times are the database's own records of this program's clock; they judge delay, never order.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from ledger_automation.errors import LedgerError
from ledger_automation.orchestrator.anchor import newest_checkpoint
from ledger_automation.orchestrator.ports import UnitOfWork
from ledger_automation.values import parse_timestamp
from ledger_automation.verify.sources import ChainIdentity, CheckpointRecord

LOG_LAG: Final = timedelta(seconds=60)
"""How long events may wait for their checkpoint."""


class Part(NamedTuple):
    """One part of a service: whether it is as it should be, in one sentence."""

    part: str
    ok: bool
    what: str


def keeping_up(unit: UnitOfWork, now: datetime, chain_id: int | None, anchor_lag: timedelta) -> list[Part]:
    """Say whether sequencer and anchorer keep up; ``chain_id`` is None where nothing is anchored."""
    newest = newest_checkpoint(unit)
    parts = [_log(unit, newest, now)]
    if chain_id is not None:
        parts.append(_anchor(unit, now, chain_id, anchor_lag))
    return parts


def chain_part(ask: Callable[[], ChainIdentity], pinned: ChainIdentity | None) -> Part:
    """Say whether the chain is the one that is pinned: its id, first block, contract, and the code of that."""
    try:
        actual = ask()
    except LedgerError:  # as of the database: what is wrong is for the operator, whom `ledger doctor` tells
        return Part("chain", False, "It does not answer.")
    if pinned is None or actual == pinned:
        return Part("chain", True, f"Chain {actual.chain_id} answers, with registry {actual.registry}.")
    other = [name for name in actual.__struct_fields__ if getattr(actual, name) != getattr(pinned, name)]
    return Part("chain", False, f"The chain is not the pinned one: {', '.join(other)} differ.")


def _log(unit: UnitOfWork, newest: CheckpointRecord | None, now: datetime) -> Part:
    if not unit.log.pending(1, sweep=False):
        return Part("log", True, "Every event is in the log.")
    if newest is None:
        return Part("log", False, "Events wait, and the log has no checkpoint yet.")
    since = now - parse_timestamp(newest.created_at)
    what = f"Events wait; the newest checkpoint is {since.total_seconds():.0f} s old."
    return Part("log", since <= LOG_LAG, what)


def _anchor(unit: UnitOfWork, now: datetime, chain_id: int, lag: timedelta) -> Part:
    final = unit.anchors.last_anchored(chain_id)
    waiting = next(unit.log.checkpoints(final), None)
    if waiting is None:
        return Part("anchor", True, f"The log is anchored up to its newest checkpoint, {final} leaves.")
    since = now - parse_timestamp(waiting.created_at)
    what = f"Anchored up to {final} leaves; the next checkpoint has waited {since.total_seconds():.0f} s."
    return Part("anchor", since <= lag, what)
