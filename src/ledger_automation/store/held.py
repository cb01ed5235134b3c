"""Signed steps that their contract has not decided yet, as rows."""

import msgspec
from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from ledger_automation.errors import Conflict
from ledger_automation.orchestrator.ports import Call, HeldStep
from ledger_automation.store.tables import HeldStepRow, table
from ledger_automation.verify.sources import DocumentRecord

_HELD = table(HeldStepRow)


class SqlHeldSteps:
    """Satisfies `orchestrator.ports.HeldStepStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def hold(self, step: HeldStep) -> None:
        """Insert a step."""
        row = {
            "case_id": str(step.case_id),
            "sequence": step.sequence,
            "salt": step.salt,
            "canonical": step.canonical,
            "documents": msgspec.msgpack.encode(step.documents),
            "contract": step.call.contract,
            "data": step.call.data,
        }
        try:
            self._connection.execute(insert(_HELD).values(row))
        except IntegrityError as error:
            raise Conflict(f"A step of case {step.case_id} waits for the chain; let it be decided first.") from error

    def held(self) -> list[HeldStep]:
        """Read them all."""
        rows = self._connection.execute(select(_HELD).order_by(_HELD.c.case_id)).mappings()
        return [
            HeldStep(
                row["case_id"],
                row["sequence"],
                row["salt"],
                row["canonical"],
                msgspec.msgpack.decode(row["documents"], type=tuple[DocumentRecord, ...]),
                Call(row["contract"], row["data"]),
            )
            for row in rows
        ]

    def release(self, step: HeldStep) -> None:
        """Delete this very step, and no other of its case."""
        mine = (_HELD.c.case_id == str(step.case_id)) & (_HELD.c.data == step.call.data)
        self._connection.execute(delete(_HELD).where(mine))
