"""The port through which every system under test is driven: the same commands, the same law, another way to keep them.

    take      one step of one case, judged by the law and durable when it returns
    replay    a whole log in chunks, each durable
    work      one round of what a system does in the background; how many events have which state now
    audit     everything that is kept, held against itself and against whatever evidence there is

What a system does with a step beyond the law is all that distinguishes them.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol

from ledger_automation.orchestrator.ports import IntakeRun
from ledger_automation.orchestrator.replay import Arrival, Plan
from ledger_automation.orchestrator.transition import Intent
from ledger_automation.verify.verdict import Finding
from ledger_automation.workflows import Workflow

RECORDED, LOGGED, STAMPED, ANCHORED, FINAL = "recorded", "logged", "stamped", "anchored", "final"


class Audited(NamedTuple):
    """What an audit found: how many events it read, and everything that does not hold, with its class and place."""

    events: int
    findings: tuple[Finding, ...]
    seconds: float


class Paid(NamedTuple):
    """Gas that checkpoints and steps cost, and how many there were of each."""

    checkpoint_gas: int = 0
    checkpoints: int = 0
    step_gas: int = 0
    steps: int = 0


class SystemUnderTest(Protocol):
    """One way to keep what an administration does."""

    @property
    def name(self) -> str:
        """The system's name, one of `record.SYSTEMS`."""
        ...

    @property
    def durability(self) -> str:
        """What has happened on the disk when a step returns, in words."""
        ...

    def take(self, name: str, table: Workflow[Any], intent: Intent) -> tuple[str, int]:
        """Take a case, named by whoever drives, one step on; the first step opens it. Returns case id and sequence.

        Raises TransitionNotAllowed and InvalidInput as the law does.
        """
        ...

    def replay(self, plan: Plan, arrivals: Iterable[Arrival], after_chunk: Callable[[IntakeRun], None]) -> IntakeRun:
        """Replay a log, as `orchestrator.replay` does; ``after_chunk`` is called after every commit."""
        ...

    def work(self, *, now: bool = False) -> dict[str, int]:
        """Do what is due in the background, or all of it ``now``; returns by state how many events have it."""
        ...

    def places(self) -> dict[tuple[str, int], int]:
        """Return the place of every event, by case id and sequence, in the order in which states are reached."""
        ...

    def audit(self, *, again: bool = False) -> Audited:
        """Check everything that is kept, or ``again``: what is new since the last audit, where a system can tell."""
        ...

    def proof_bytes(self) -> int:
        """Return the size of what proves one step to somebody outside, in the middle of some; 0 where nothing does."""
        ...

    def stored_bytes(self) -> int:
        """Return what lies on the disk, indices included."""
        ...

    def gas(self) -> Paid:
        """Return what was paid on the chain so far for what is kept, deployments left out."""
        ...
