"""What waits where: how many steps, transactions and deliveries are on their way, for an operator."""

from typing import Final, NamedTuple

from ledger_automation.orchestrator.anchor import newest_checkpoint
from ledger_automation.orchestrator.ports import UnitOfWork

MOST: Final = 1_000
"""Of steps without a leaf no more are counted: so many are a trouble however many there are."""


class Queue(NamedTuple):
    """One place where something waits, by its name, and how much of it."""

    name: str
    length: int


def waiting(unit: UnitOfWork, chain_id: int | None) -> list[Queue]:
    """Return the queues; ``chain_id`` is None where nothing is anchored.

    steps    recorded behind what was sequenced last and not in the log yet, counted up to `MOST`
    held     signed, and their contract has not decided yet
    sent     transactions on their way to being final
    deliver  leaves that receivers of webhooks were not told of yet, of the one that is furthest behind
    """
    newest = newest_checkpoint(unit)
    size = newest.tree_size if newest is not None else 0
    receivers = [each for each in unit.webhooks.all() if not each.ended]
    return [
        Queue("steps", len(unit.log.pending(MOST, sweep=False))),
        Queue("held", len(unit.steps.held())),
        Queue("sent", len(unit.anchors.unsettled(chain_id)) if chain_id is not None else 0),
        Queue("deliver", max((size - each.position for each in receivers), default=0)),
    ]
