"""A room to tamper in: a copy of the ledger in which somebody does what an insider would, and an audit of that copy.

    attacks   who might do what: those of `tampering`
    attempt   copies the database, does it there, audits the copy, and throws it away

The audit has the log's public key, the law, and one checkpoint that somebody outside kept from before: that is what
finds the operator who writes all of history anew. It asks no chain, so that it works wherever the ledger does. Nothing
of the ledger itself is touched: the copy lies in a folder of its own, and is gone afterwards.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import NamedTuple

from ledger_automation.bootstrap import Ledger
from ledger_automation.errors import Conflict, Misconfigured, NotFound
from ledger_automation.orchestrator.anchor import newest_checkpoint
from ledger_automation.store.engine import open_engine
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.study.tampering import TAMPERINGS, Tampering, copy, inject
from ledger_automation.verify.auditor import Auditor, AuditReport
from ledger_automation.verify.policy import Level


class Attempt(NamedTuple):
    """What an audit of the copy came to, and how long it took."""

    tampering: Tampering
    report: AuditReport
    seconds: float


class TamperRoom:
    """Satisfies `web.tamper.Room`."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._taken = Lock()

    def attacks(self) -> Sequence[Tampering]:
        """Return what may be tried; nothing where the database is no file that could be copied."""
        return TAMPERINGS if self._ledger.engine.dialect.name == "sqlite" else ()

    def attempt(self, kind: str) -> Attempt:
        """Try one; raises NotFound where there is no such attack, or nothing in the log that it could be done to.

        Raises Conflict while somebody else tries one: each copies and audits all there is, and keeps a reader busy.
        """
        if not self._taken.acquire(blocking=False):
            raise Conflict("Somebody tries something here already; come again when it is done.")
        try:
            return self._attempt(kind)
        finally:
            self._taken.release()

    def _attempt(self, kind: str) -> Attempt:
        attack = next((each for each in self.attacks() if each.tampering == kind), None)
        source = self._ledger.engine.url.database
        if attack is None or source is None:
            raise NotFound(f"There is no attack {kind} here.")
        with self._ledger.read() as unit:
            newest = newest_checkpoint(unit)
        if newest is None:
            raise NotFound("The log has no checkpoint yet.")
        with TemporaryDirectory(prefix="tamper-room-") as folder:
            tampered = Path(folder) / "copy.sqlite"
            copy(Path(source), tampered)
            try:
                inject(tampered, attack.attack, self._ledger.key)
            except (TypeError, ValueError) as error:  # it found no row of the kind that it changes
                raise NotFound("Nothing in this log can be tampered with like that.", kind=kind) from error
            return self._audited(attack, tampered, newest.note)

    def _audited(self, attack: Tampering, tampered: Path, held: str) -> Attempt:
        try:
            auditor = Auditor(self._ledger.policy(Level.LOGGED), held=(held,))
        except Misconfigured as error:
            raise NotFound("This log cannot be audited yet.") from error
        engine, started = open_engine(f"sqlite:///{tampered}"), time.perf_counter()
        try:
            with SqlUnitOfWork.open(engine, "read") as unit:
                report = auditor.audit(unit.cases, unit.log, store=unit.soundness)
        finally:
            engine.dispose()
        return Attempt(attack, report, time.perf_counter() - started)
