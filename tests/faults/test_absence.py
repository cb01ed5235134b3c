"""C21 and C24: the chain is away for days, and no clock can be believed."""

from datetime import timedelta
from typing import Any

import pytest

from faults.proxy import dropped_before
from ledger_automation.errors import Unreachable
from ledger_automation.orchestrator.anchor import newest_checkpoint


@pytest.mark.parametrize("hours", [1, 8, 72])
def test_c21_while_the_chain_is_away_intake_goes_on_and_everything_is_anchored_on_its_return(
    town: Any, hours: int
) -> None:
    t = town()
    t.grow()
    t.anchorer.submit()  # sent, and what became of it nobody can say
    t.proxy.faults["*"] = dropped_before
    sizes = []
    for _ in range(4):
        sizes.append(t.grow(5, hours=hours / 4))
        with pytest.raises(Unreachable):
            t.anchorer.submit()
    assert sizes == sorted(sizes)
    assert t.states() == ["pending"], "nothing is claimed that nobody has seen"
    t.proxy.heal()
    for _ in range(2):  # intervals after its return
        t.anchorer.submit()
        t.node.mine()
        t.anchorer.settle()
    assert (t.states(), t.latest()) == (["final", "final"], sizes[-1])
    assert t.standing() == []


def test_c21_waiting_outlasts_a_short_absence(town: Any) -> None:
    t = town()
    size = t.grow()
    t.anchorer.submit()
    t.node.mine()
    t.proxy.faults["*"] = dropped_before
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            t.proxy.heal()

    t.anchorer.wait(seconds=30, sleep=sleep)
    assert (t.states(), t.latest()) == (["final"], size)


def test_c21_an_absence_that_lasts_is_said_and_not_called_anything_else(town: Any) -> None:
    t = town()
    t.grow()
    t.anchorer.submit()
    t.proxy.faults["*"] = dropped_before
    with pytest.raises(Unreachable):
        t.anchorer.wait(seconds=0.05, sleep=lambda _: None)
    assert (t.states(), t.standing()) == (["pending"], [])


def test_c24_order_is_size_and_nonce_whatever_the_clocks_say(town: Any) -> None:
    """The chain's clock runs a day ahead, ours falls back by a day."""
    t = town()
    sizes = []
    for hours in (0, -24, -1, 48):
        t.node.rpc("anvil_increaseTime", 86_400)
        sizes.append(t.grow(2, hours=hours))
        assert t.anchorer.submit() == sizes[-1]
        t.node.mine()
        t.anchorer.settle()
        assert t.latest() == sizes[-1]
        with t.begin() as unit:
            assert newest_checkpoint(unit).tree_size == sizes[-1]  # type: ignore[union-attr]
    block = t.node.web3.eth.get_block("latest")["timestamp"]
    assert abs(timedelta(seconds=block - t.clock.timestamp())) > timedelta(days=1)
    assert t.states() == ["final"] * 4
    assert [row.subject.tree_size for row in t.rows()] == sizes == sorted(sizes)
