"""What each kind of evidence adds: the same spoiled copy before auditors who have less of it.

    chain of hashes          rows and cases alone: contents open commitments, each event names the one before
    signed log               and leaves, tiles and checkpoints, signed by the log's own key
    anchor                   and what the chain holds
    checkpoint held outside  and the newest checkpoint, kept by somebody else
    law                      and the workflow's rules, replayed; and the database looked at before it is read

Without the law an event may lead wherever it says, and a case's row is compared by state, step and head alone.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final
from unittest.mock import patch

from ledger_automation.audit.trail import Trail
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.values import parse_timestamp
from ledger_automation.verify import case_evidence
from ledger_automation.verify.auditor import Auditor, AuditReport
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import Edge
from ledger_automation.workflows import Case, workflow

LAYERS: Final = ("chain of hashes", "signed log", "anchor", "checkpoint held outside", "law")


class Unlogged:
    """Cases as they are, none of whose events has a leaf."""

    def __init__(self, cases: Any) -> None:
        self._cases = cases

    def trail(self, case_id: str) -> list[Any]:
        return [row._replace(leaf_index=None) for row in self._cases.trail(case_id)]

    def trails(self, after_event: int, after_leaf: int) -> Iterator[Any]:
        for case_id, record, rows in self._cases.trails(after_event, after_leaf):
            yield case_id, record, [row._replace(leaf_index=None) for row in rows]

    def documents(self, event_id: int) -> Any:
        return self._cases.documents(event_id)


class NoLog:
    """A log of nothing."""

    def edge(self) -> Edge:
        return Edge(0, "")

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *_: {} if name in {"heads", "map_tiles_at"} else iter(())


def found_by(copy: Any, held: str) -> dict[str, bool]:
    """Tell which auditor finds anything at all in a copy; one who cannot read it has found nothing."""
    return {layer: _finds(copy, layer, held) for layer in LAYERS}


def _finds(copy: Any, layer: str, held: str) -> bool:
    with suppress(Exception):  # what an auditor without eyes for it dies of
        return bool(_report(copy, layer, held).findings)
    return False


def _report(copy: Any, layer: str, held: str) -> AuditReport:
    place = LAYERS.index(layer)
    level = Level.RECORDED if place == 0 else Level.LOGGED if place == 1 else Level.ANCHORED
    chain = copy.town.chain if level is Level.ANCHORED else None
    auditor = Auditor(
        copy.town.policy.at(level), chain, (held,) if place >= LAYERS.index("checkpoint held outside") else ()
    )
    with SqlUnitOfWork.open(copy.engine(), "read") as unit:
        if layer == "law":
            return auditor.audit(unit.cases, unit.log, store=unit.soundness)
        with (
            patch.object(Trail, "_apply", _whatever_it_says),
            patch.object(case_evidence, "is_projected", _stands_there),
        ):
            if place == 0:
                return auditor.audit(Unlogged(unit.cases), NoLog())
            return auditor.audit(unit.cases, unit.log)


def _whatever_it_says(trail: Trail, event: Any) -> None:
    trail.table = workflow(event.workflow)
    trail.case = Case(event.to_state, event.sequence, parse_timestamp(event.occurred_at), None)


def _stands_there(record: Any, trail: Trail, rows: Any) -> bool:
    del rows
    case = trail.case
    there = (case.state, case.sequence, trail.head) if case is not None else None
    return record is not None and (record.state, record.sequence, record.head) == there
