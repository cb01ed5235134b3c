"""Acting on a case in one line, for the tests of the workflows."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ledger_automation.errors import TransitionNotAllowed
from ledger_automation.workflows import Actor, Case, Command, workflow

START = datetime(2026, 4, 20, 8, tzinfo=UTC)


class Desk:
    """One case of a workflow and a clock that only moves when told to."""

    def __init__(self, name: str, at: datetime = START) -> None:
        self.law = workflow(name)
        self.case: Case | None = None
        self.at = at
        self.events: list[str] = []

    @property
    def state(self) -> str:
        assert self.case is not None
        return self.case.state

    @property
    def data(self) -> Any:
        assert self.case is not None
        return self.case.data

    def wait(self, **span: int) -> "Desk":
        self.at += timedelta(**span)
        return self

    def until(self, at: datetime) -> "Desk":
        self.at = at
        return self

    def do(self, action: str, actor: str, **payload: Any) -> "Desk":
        """Act as ``role:name`` or as ``role``."""
        role, _, name = actor.partition(":")
        applied = self.law.apply(self.case, Command(action, Actor(name or f"{role}-1", role), payload), self.at)
        row = self.law.transition(action)
        assert applied.case.state in row.targets
        self.case = applied.case
        self.events.append(applied.event)
        return self

    def refused(self, action: str, actor: str, **payload: Any) -> str:
        """Return the rule that refuses; the case must stay as it was."""
        before = self.case
        with pytest.raises(TransitionNotAllowed) as refusal:
            self.do(action, actor, **payload)
        assert self.case is before
        return refusal.value.rule


@pytest.fixture
def desk() -> Callable[..., Desk]:
    return Desk
