"""Submissions and replays as rows: the only rows besides cases that are updated, each by its own fact."""

import msgspec
from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from ledger_automation.orchestrator.ports import IntakeRun, SignedSubmission
from ledger_automation.store.tables import IntakeRunRow, SubmissionRow, table
from ledger_automation.verify.sources import AnchorEvidence, SubmissionRecord

_SUBMISSION, _RUN = table(SubmissionRow), table(IntakeRunRow)
_SETTLE = (
    update(_SUBMISSION)
    .where(_SUBMISSION.c.transaction == bindparam("_transaction"))
    .values(state=bindparam("_state"), block_number=bindparam("_number"), block_hash=bindparam("_hash"))
)


class SqlAnchors:
    """Satisfies `orchestrator.ports.AnchorStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, submission: SignedSubmission, tree_size: int, chain_id: int, contract: str) -> None:
        """Insert a pending submission.

        eth-tester's chains are all alike: what was sent to a lost one may be signed again, byte for byte.
        """
        row = {**msgspec.structs.asdict(submission), "tree_size": tree_size, "chain_id": chain_id, "contract": contract}
        anew = {"state": "pending", "block_number": None, "block_hash": None}
        lost = _SUBMISSION.c.state == "lost"
        known = upsert(_SUBMISSION).values({**row, **anew})
        self._connection.execute(known.on_conflict_do_update(["transaction"], set_=anew, where=lost))

    def unsettled(self) -> list[tuple[SignedSubmission, SubmissionRecord]]:
        """Read what may still change."""
        wanted = select(_SUBMISSION).where(_SUBMISSION.c.state.in_(("pending", "anchored")))
        rows = self._connection.execute(wanted.order_by(_SUBMISSION.c.tree_size)).mappings()
        return [
            (
                SignedSubmission(row["transaction"], row["raw"], row["sender"], row["nonce"]),
                SubmissionRecord(*(row[name] for name in SubmissionRecord._fields)),
            )
            for row in rows
        ]

    def settle(self, evidence: AnchorEvidence, state: str) -> None:
        """Update one submission."""
        facts = {"_number": evidence.block_number, "_hash": evidence.block_hash}
        self._connection.execute(_SETTLE, {"_transaction": evidence.transaction, "_state": state, **facts})

    def lose(self, chain_id: int) -> None:
        """Update all submissions to a chain that is gone."""
        self._connection.execute(update(_SUBMISSION).where(_SUBMISSION.c.chain_id == chain_id).values(state="lost"))


class SqlIntake:
    """Satisfies `orchestrator.ports.IntakeStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(self, source: str) -> IntakeRun | None:
        """Read a run."""
        row = self._connection.execute(select(_RUN).where(_RUN.c.source == source)).mappings().one_or_none()
        if row is None:
            return None
        return msgspec.convert({**row, "refusals": msgspec.json.decode(row["refusals"])}, IntakeRun)

    def save(self, run: IntakeRun) -> None:
        """Insert or update a run."""
        row = {**msgspec.structs.asdict(run), "refusals": msgspec.json.encode(run.refusals).decode()}
        self._connection.execute(upsert(_RUN).values(row).on_conflict_do_update(["source"], set_=row))
