"""Signed steps that their contract has not decided yet, or has refused while they still may be used, as rows."""

from typing import Any

from sqlalchemy import Connection, and_, delete, false, insert, select, true, update
from sqlalchemy.exc import IntegrityError

from ledger_automation.errors import Conflict
from ledger_automation.orchestrator.submission import Call, HeldStep
from ledger_automation.store.tables import HeldStepRow, table

_HELD = table(HeldStepRow)


class SqlHeldSteps:
    """Satisfies `orchestrator.ports.HeldStepStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def hold(self, step: HeldStep) -> None:
        """Insert a step."""
        row = {
            **{name: getattr(step, name) for name in ("sequence", "salt", "canonical", "documents")},
            "case_id": str(step.case_id),
            "call": step.call.short,
            "contract": step.call.contract,
            "data": step.call.data,
            "refused": False,
        }
        try:
            self._connection.execute(insert(_HELD).values(row))
        except IntegrityError as error:
            raise Conflict(f"A step of case {step.case_id} waits for the chain; let it be decided first.") from error

    def held(self) -> list[HeldStep]:
        """Read what waits."""
        return self._read(_HELD.c.refused.is_(false()))

    def refuse(self, step: HeldStep) -> None:
        """Update this very step."""
        self._connection.execute(update(_HELD).where(_this(step)).values(refused=True))

    def refused(self) -> list[HeldStep]:
        """Read what was refused."""
        return self._read(_HELD.c.refused.is_(true()))

    def release(self, step: HeldStep) -> None:
        """Delete this very step."""
        self._connection.execute(delete(_HELD).where(_this(step)))

    def _read(self, where: Any) -> list[HeldStep]:
        rows = self._connection.execute(select(_HELD).where(where).order_by(_HELD.c.case_id)).mappings()
        return [
            HeldStep(
                row["case_id"],
                row["sequence"],
                row["salt"],
                row["canonical"],
                row["documents"],
                Call(row["contract"], row["data"]),
            )
            for row in rows
        ]


def _this(step: HeldStep) -> Any:
    return and_(_HELD.c.case_id == str(step.case_id), _HELD.c.call == step.call.short)
