"""Four systems that are the ledger itself, at as many levels: a signed log, with timestamps, anchored, and enforced.

A step is recorded by the same statement on the first three; what differs is the work behind it. `work` runs the duties
of the service by hand, each at its interval: sequence, have a checkpoint timestamped, anchor and settle. At level
enforced a step is relayed to its contract first and returns when that has taken it.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import replace
from itertools import islice
from statistics import median
from typing import Any, NamedTuple, Self

from sqlalchemy import text

from ledger_automation.audit.event import log_case_id
from ledger_automation.bootstrap import Enforcing, Ledger
from ledger_automation.chain.anchoring import AnchoringChain
from ledger_automation.errors import ChainRefused, InvalidInput, TransitionNotAllowed
from ledger_automation.orchestrator.anchor import Anchorer, newest_checkpoint
from ledger_automation.orchestrator.ports import IntakeRun
from ledger_automation.orchestrator.receipt import issue
from ledger_automation.orchestrator.replay import MALFORMED, Arrival, Plan, replay
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.orchestrator.transition import Intent, advance, open_case
from ledger_automation.store.engine import Engine
from ledger_automation.study.systems.port import ANCHORED, FINAL, LOGGED, STAMPED, Audited, Paid
from ledger_automation.study.systems.stamps import Stamper
from ledger_automation.tlog import receipt_file
from ledger_automation.tlog.checkpoint import stated
from ledger_automation.values import CaseId
from ledger_automation.verify.auditor import Auditor, Mark
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.sources import CheckpointRecord
from ledger_automation.verify.verdict import Finding
from ledger_automation.workflows import Workflow


class Intervals(NamedTuple):
    """How often the log is sequenced, timestamped and anchored, in seconds."""

    sequence: float = 1
    stamp: float = 10
    anchor: float = 10


class _Due:
    """Tells when a duty is due again."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._last = float("-inf")

    def due(self, *, now: bool) -> bool:
        if now or time.monotonic() - self._last >= self._every:
            self._last = time.monotonic()
            return True
        return False


class LoggedSystem:
    """The ledger without a chain; with a ``stamper`` its checkpoints are timestamped."""

    level = Level.LOGGED

    def __init__(
        self, name: str, ledger: Ledger, durability: str, intervals: Intervals, stamper: Stamper | None = None
    ) -> None:
        self.name = name
        self.durability = durability
        self.ledger = ledger
        self.stamper = stamper
        self.mark: Mark | None = None
        self._cases: dict[str, CaseId] = {}
        self._sequencing, self._stamping = _Due(intervals.sequence), _Due(intervals.stamp)

    def over(self, engine: Engine) -> Self:
        """Return the same system over another database: a copy that somebody had in his hands."""
        other = copy(self)
        other.ledger = replace(self.ledger, engine=engine)
        other.stamper, other.mark = self.stamper and self.stamper.copied(), None
        return other

    def take(self, name: str, table: Workflow[Any], intent: Intent) -> tuple[str, int]:
        """Take a case one step on; see the port."""
        known, recorder = self._cases.get(name), self.ledger.recorder
        if known is None:
            step = open_case(self.ledger.brief, recorder, table, self.level, intent)
            self._cases[name] = step.event.case_id  # type: ignore[assignment]
        else:
            step = advance(self.ledger.brief, recorder, known, intent)
        return str(step.event.case_id), step.event.sequence

    def replay(self, plan: Plan, arrivals: Iterable[Arrival], after_chunk: Callable[[IntakeRun], None]) -> IntakeRun:
        """Replay a log; see the port."""
        return replay(self.ledger.begin, self.ledger.recorder, plan, arrivals, after_chunk)

    def work(self, *, now: bool = False) -> dict[str, int]:
        """Sequence, and have the newest checkpoint timestamped, when due."""
        if self._sequencing.due(now=now):
            while sequence(self.ledger.begin, self.ledger.recorder, self.ledger.key, sweep=now) is not None:
                pass
        newest = self.newest()
        size = newest.tree_size if newest is not None else 0
        if self.stamper is None:
            return {LOGGED: size}
        if newest is not None and size not in self.stamper.tokens and self._stamping.due(now=now):
            self.stamper.stamp(stated(newest.note))
        return {LOGGED: size, STAMPED: max(self.stamper.tokens, default=0)}

    def places(self) -> dict[tuple[str, int], int]:
        """Return events by their leaf; see the port."""
        with self.ledger.read() as unit:
            return {(leaf.case_id, leaf.sequence): leaf.leaf_index for leaf in unit.log.places(0)}

    def audit(self, *, again: bool = False) -> Audited:
        """Run the full audit, or one from the last mark, with all evidence that this level has; see the port."""
        return self.audited(self._auditor(), again=again)

    def audited(self, auditor: Auditor, *, again: bool = False) -> Audited:
        """Run an audit, and look at the timestamps where there are any."""
        started = time.perf_counter()
        with self.ledger.read() as unit:
            mark = self.mark if again else None
            report = auditor.audit(unit.cases, unit.log, mark, unit.soundness)
            late = self._late(list(unit.log.checkpoints(0)))
        self.mark = report.mark
        return Audited(report.events, (*report.findings, *late), time.perf_counter() - started)

    def _late(self, checkpoints: list[CheckpointRecord]) -> list[Finding]:
        if self.stamper is None:
            return []
        with self.ledger.engine.connect() as connection:
            moments: list[str] = list(connection.execute(_RECORDED).scalars())
        since = [0, *(each.tree_size for each in checkpoints)]
        parts = [moments[start : each.tree_size] for start, each in zip(since, checkpoints, strict=False)]
        recorded = [(each, min(part)) for each, part in zip(checkpoints, parts, strict=True) if part]
        return self.stamper.findings(recorded, self.ledger.recorder.clock())

    def in_house(self) -> Auditor:
        """Return the auditor who has nothing from outside: neither chain nor receipts."""
        return Auditor(self.ledger.policy(Level.LOGGED))

    def with_held(self, *notes: str) -> Auditor:
        """Return the auditor to whom somebody outside brings checkpoints, from receipts."""
        return Auditor(self.ledger.policy(Level.LOGGED), held=notes)

    def newest(self) -> CheckpointRecord | None:
        """Return the newest checkpoint."""
        with self.ledger.read() as unit:
            return newest_checkpoint(unit)

    def _auditor(self) -> Auditor:
        return self.in_house()

    def proof_bytes(self) -> int:
        """Return the size of a receipt of one step; see the port."""
        with self.ledger.read() as unit:
            some = [(leaf.case_id, leaf.sequence) for leaf in islice(unit.log.places(0), _PROOFS)]
            some = [each for each in some if each[0] != log_case_id(self.ledger.recorder.origin)]
            sizes = [len(receipt_file.write(issue(unit, CaseId(case_id), at))) for case_id, at in some]
        return int(median(sizes)) if sizes else 0

    def stored_bytes(self) -> int:
        """Return what tables and indices take, and what is kept of timestamps."""
        tokens = self.stamper.tokens.values() if self.stamper is not None else ()
        return _size(self.ledger) + sum(map(len, tokens))

    def gas(self) -> Paid:
        """Nothing is paid."""
        return Paid()


class Anchoring(NamedTuple):
    """The chain that a log is anchored on, the policy that pins it, and the secret of members' numbers."""

    chain: AnchoringChain
    policy: VerificationPolicy
    secret: bytes = b""


class AnchoredSystem(LoggedSystem):
    """The ledger whose checkpoints are anchored."""

    level = Level.ANCHORED

    def __init__(self, name: str, ledger: Ledger, durability: str, intervals: Intervals, anchoring: Anchoring) -> None:
        super().__init__(name, ledger, durability, intervals)
        self._anchoring = anchoring
        self._anchorer = Anchorer(ledger.begin, anchoring.chain, anchoring.policy)
        self._anchor = _Due(intervals.anchor)

    def work(self, *, now: bool = False) -> dict[str, int]:
        """Sequence, anchor and settle, when due."""
        states = super().work(now=now)
        if self._anchor.due(now=now):
            self._anchorer.submit()
        if now:
            self._anchorer.wait(seconds=120)
        else:
            self._anchorer.settle()
        with self.ledger.engine.connect() as connection:
            (anchored,) = connection.execute(_REACHED, {"states": "anchored"}).one()
            (final,) = connection.execute(_REACHED, {"states": "final"}).one()
        return {**states, ANCHORED: max(anchored, final), FINAL: final}

    def _auditor(self) -> Auditor:
        return Auditor(self._anchoring.policy, self._anchoring.chain, secret=self._anchoring.secret)

    def gas(self) -> Paid:
        """Return what all anchors and steps cost."""
        with self.ledger.engine.connect() as connection:
            sent = connection.execute(_SENT).all()
        used = self._anchoring.chain.gas_used
        checkpoints = [used(transaction) for transaction, size in sent if size is not None]
        steps = [used(transaction) for transaction, size in sent if size is None]
        return Paid(sum(checkpoints), len(checkpoints), sum(steps), len(steps))


class EnforcedSystem(AnchoredSystem):
    """The ledger whose steps a contract decides; every actor signs with a key of this home."""

    level = Level.ENFORCED

    def __init__(self, name: str, ledger: Ledger, durability: str, intervals: Intervals, chain: Enforcing) -> None:
        super().__init__(name, ledger, durability, intervals, Anchoring(chain.chain.anchor, chain.policy, chain.secret))
        self.chain = chain
        self._seated: dict[tuple[str, str], set[str]] = {}

    def seat(self, workflow: str, actor: str, role: str) -> None:
        """Give an actor a seat in a workflow's contract, if he has none in that role."""
        roles = self._seated.setdefault((workflow, actor), set())
        if role not in roles:
            roles.add(role)
            self.chain.admit(workflow, actor, tuple(sorted(roles)))

    def take(self, name: str, table: Workflow[Any], intent: Intent) -> tuple[str, int]:
        """Have the contract decide a step, and wait for it; see the port."""
        known, enforcer = self._cases.get(name), self.chain.enforcer
        step = enforcer.open_case(table, intent) if known is None else enforcer.advance(known, intent)
        self._cases[name] = CaseId(step.event.case_id)
        return str(step.event.case_id), step.event.sequence

    def replay(self, plan: Plan, arrivals: Iterable[Arrival], after_chunk: Callable[[IntakeRun], None]) -> IntakeRun:
        """Have every command of a log decided by its contract, one after another; counts as the others do."""
        counts, refusals = Counter[str](), Counter[str]()
        for arrival in arrivals:
            counts["position"] += 1
            if arrival.ignored:
                counts["ignored"] += 1
                continue
            if arrival.command is None or arrival.at is None:
                refusals[MALFORMED] += 1
                continue
            opening = arrival.case not in self._cases
            self.seat(plan.table.name, arrival.command.actor.id, arrival.command.actor.role)
            try:
                self.take(arrival.case, plan.table, Intent(arrival.command, arrival.at))
            except TransitionNotAllowed as refusal:
                refusals[refusal.rule] += 1
            except InvalidInput:
                refusals[MALFORMED] += 1
            except ChainRefused as refusal:  # what the law allowed: the counts will differ, and the run fails
                refusals[f"contract: {refusal.error}"] += 1
            else:
                counts["cases"] += opening
                counts["openings" if arrival.number == 0 else "accepted"] += 1
            after_chunk(IntakeRun(plan.source, b"", **counts, refusals=dict(refusals)))
        return IntakeRun(plan.source, b"", **counts, refusals=dict(refusals))


_PROOFS = 40
_REACHED = text("SELECT coalesce(max(tree_size), 0) FROM submission WHERE state = :states")
_RECORDED = text("SELECT recorded_at FROM leaf JOIN event ON event.id = leaf.event_id ORDER BY leaf_index")
_SENT = text("SELECT \"transaction\", tree_size FROM submission WHERE state IN ('anchored', 'final')")
_TABLES = (
    "event", "content", "attachment", "leaf", "node", "checkpoint", '"case"', "party", "submission", "map_tile",
    "cosignature",
)  # fmt: skip


def _size(ledger: Ledger) -> int:
    with ledger.engine.connect() as connection:
        if ledger.engine.dialect.name == "postgresql":
            names = ", ".join(f"'{each}'::regclass" for each in _TABLES)
            sizes = text(f"SELECT sum(pg_total_relation_size(each)) FROM unnest(ARRAY[{names}]) AS each")  # noqa: S608
            return int(connection.execute(sizes).scalar_one())
        pages, free, size = (
            int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size
