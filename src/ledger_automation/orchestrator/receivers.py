"""Who is told of what happens (`webhooks`), how far along the log each is, and what there is to tell."""

from typing import NamedTuple, Protocol


class Webhook(NamedTuple):
    """A receiver: ``position`` is the leaf that it is told of next, ``last`` the outcome of the last attempt."""

    id: str
    url: str
    position: int
    failures: int = 0
    due_at: str = ""
    last: str = ""
    ended: bool = False


class News(NamedTuple):
    """A leaf of the log, in words."""

    leaf_index: int
    case_id: str
    sequence: int
    workflow: str
    action: str
    to_state: str
    recorded_at: str
    commitment: bytes


class WebhookStore(Protocol):
    """Receivers, and what there is to tell."""

    def add(self, hook: Webhook) -> None:
        """Store a receiver."""
        ...

    def all(self) -> list[Webhook]:
        """Return all receivers, by id."""
        ...

    def move(self, before: Webhook, after: Webhook) -> bool:
        """Write down what became of an attempt. MUST return False, and change nothing, where another one was faster."""
        ...

    def remove(self, hook_id: str) -> bool:
        """Forget a receiver; say whether it was there."""
        ...

    def news(self, position: int, limit: int) -> list[News]:
        """Return leaves from a position on, in order, without those of the log's own case."""
        ...
