"""Receivers of webhooks, and what there is to tell them, as rows."""

from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from ledger_automation.orchestrator.receivers import News, Webhook
from ledger_automation.store.tables import EventRow, LeafRow, WebhookRow, table

_HOOK, _LEAF, _EVENT = table(WebhookRow), table(LeafRow), table(EventRow)
_NEWS: Final = (
    select(
        _LEAF.c.leaf_index, *(_EVENT.c[name] for name in News._fields[1:]),
    )
    .join(_EVENT, _EVENT.c.id == _LEAF.c.event_id)
    .where(_LEAF.c.leaf_index >= bindparam("position"), _EVENT.c.workflow != "log")
    .order_by(_LEAF.c.leaf_index)
    .limit(bindparam("limit"))
)  # fmt: skip


class SqlWebhooks:
    """Satisfies `orchestrator.receivers.WebhookStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, hook: Webhook) -> None:
        """Insert a receiver."""
        self._connection.execute(insert(_HOOK).values(hook._asdict()))

    def all(self) -> list[Webhook]:
        """Read all receivers."""
        return [Webhook._make(row) for row in self._connection.execute(select(_HOOK).order_by(_HOOK.c.id))]

    def move(self, before: Webhook, after: Webhook) -> bool:
        """Compare and swap by position and failures: of two who tell the same, one writes it down."""
        where = (_HOOK.c.id == before.id, _HOOK.c.position == before.position, _HOOK.c.failures == before.failures)
        return self._connection.execute(update(_HOOK).where(*where).values(after._asdict())).rowcount == 1

    def remove(self, hook_id: str) -> bool:
        """Delete a receiver."""
        return self._connection.execute(delete(_HOOK).where(_HOOK.c.id == hook_id)).rowcount == 1

    def news(self, position: int, limit: int) -> list[News]:
        """Read leaves with their events."""
        rows = self._connection.execute(_NEWS, {"position": position, "limit": limit})
        return [News._make(row) for row in rows]
