"""T37 to T39, T45, T47: what readers of a published log and of a chain are told, where each is told something else.

No row of a database is touched here: the log that is shown holds in itself, and so does every single answer of a node.
The place is the size of the checkpoint, or the two nodes of which one lies, and what about.
"""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from faults.proxy import Fault, Proxy, changed
from ledger_automation.bootstrap import open_ledger
from ledger_automation.orchestrator.anchor import Anchorer
from ledger_automation.orchestrator.monitor import Alarm, Monitor, Patience, Trouble
from ledger_automation.orchestrator.receipt import issue
from ledger_automation.orchestrator.seal import seal
from ledger_automation.orchestrator.transition import Intent, open_case
from ledger_automation.rpc import Quorum, open_node
from ledger_automation.settings import Settings
from ledger_automation.tlog.receipt import Receipt
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.published import LogChecker, LogVerdict
from ledger_automation.verify.verdict import Verdict
from ledger_automation.verify.verifier import Verifier
from ledger_automation.workflows import Actor, Command, workflow
from support.tiled import ANCHORED, LOGGED, Chain, TiledLog, fetching
from support.towns import end_anvil

TIMES = 20
SIZE = 700
LOG = TiledLog(SIZE)
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
PATIENCE = Patience(timedelta(hours=1), timedelta(hours=24))


def forked(random: Random, size: int) -> TiledLog:
    """Return a log with another leaf somewhere below a size."""
    return TiledLog(SIZE, changed=[random.randrange(size)])


def judge(lab: Any, kind: str, answer: LogVerdict, size: int) -> None:
    found = answer.verdict is Verdict.CONTRADICTED
    named = [each for each in answer.findings if each.tampering == kind]
    located = [each for each in named if each.leaf_index == size]
    lab.count(kind, "no database", found=found, named=bool(named), located=bool(located))
    assert located, answer


@pytest.mark.parametrize("number", range(TIMES))
def test_two_readers_of_one_size_find_a_split_view(lab: Any, number: int) -> None:
    random = Random(f"T37/{number}")
    size = random.randint(1, SIZE)
    forged = forked(random, size)
    shown, held = random.choice([(LOG, forged), (forged, LOG)])
    assert LogChecker(LOGGED).check(fetching(shown.files(size))).verdict is Verdict.FINAL, "which nobody can know alone"
    judge(lab, "T37", LogChecker(LOGGED, None, [held.note(size)]).check(fetching(shown.files(size))), size)


@pytest.mark.parametrize("number", range(TIMES))
def test_a_checkpoint_that_the_log_was_led_past_is_found(lab: Any, number: int) -> None:
    """Some reader was shown a fork for one interval; the log goes on as if that checkpoint had never been."""
    random = Random(f"T38/{number}")
    before, between, after = sorted(random.sample(range(1, SIZE), 3))
    held = [LOG.note(before), forked(random, between).note(between), LOG.note(after)]
    random.shuffle(held)
    judge(lab, "T38", LogChecker(LOGGED, None, held).check(fetching(LOG.files(SIZE))), between)


def rung(lab: Any, kind: str, alarms: tuple[Alarm, ...], trouble: Trouble, **place: object) -> None:
    named = [each for each in alarms if each.tampering == kind]
    located = [each for each in named if each.facts | place == each.facts]
    lab.count(kind, "no database", found=bool(alarms), named=bool(named), located=bool(located))
    assert [each.trouble for each in located] == [trouble], alarms


@pytest.mark.parametrize("number", range(TIMES))
def test_a_log_that_shows_an_old_checkpoint_is_found_within_its_silence(lab: Any, tmp_path: Path, number: int) -> None:
    random = Random(f"T39/{number}")
    monitor, size = Monitor(LOGGED, tmp_path / "memory", PATIENCE), random.randint(1, SIZE)
    assert monitor.look(fetching(LOG.files(size)), NOW).alarms == ()
    soon, late = NOW + PATIENCE.silence, NOW + PATIENCE.silence + timedelta(seconds=random.randint(1, 3_600))
    assert monitor.look(fetching(LOG.files(size)), soon).alarms == (), "so long it may be silent"
    alarms = monitor.look(fetching(LOG.files(size)), late).alarms
    rung(lab, "T39", alarms, Trouble.FREEZE, since="2026-03-02T08:00:00.000000Z")


@pytest.mark.parametrize("number", range(TIMES))
def test_anchors_that_stay_away_are_found_with_the_first_leaf_that_waits(lab: Any, tmp_path: Path, number: int) -> None:
    random = Random(f"T47/{number}")
    monitor = Monitor(ANCHORED, tmp_path / "memory", PATIENCE)
    anchored, waiting = sorted(random.sample(range(1, SIZE - 30), 2))
    chain, now = Chain(LOG.anchored(anchored)), NOW
    for hour in range(25):
        look = monitor.look(fetching(LOG.files(waiting + hour)), now := NOW + timedelta(hours=hour), chain)
        assert look.alarms == ()
    alarms = monitor.look(fetching(LOG.files(waiting + 25)), now + timedelta(minutes=1), chain).alarms
    rung(lab, "T47", alarms, Trouble.ANCHORS_MISSING, tree_size=waiting)


class Nodes(NamedTuple):
    """A receipt of an anchored case, and three nodes of its chain that may lie."""

    receipt: Receipt
    policy: VerificationPolicy
    proxies: list[Proxy]
    chain: Quorum


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    home = tmp_path_factory.mktemp("nodes")
    with ExitStack() as stack:
        ledger = stack.enter_context(open_ledger(Settings(home=home, chain="anvil")))
        stack.callback(end_anvil, home)
        chain, policy = stack.enter_context(ledger.chain())
        intent = Intent(Command("record_fine", Actor("clara", "clerk"), {"amount": 3_500}), ledger.recorder.clock())
        opened = open_case(ledger.begin, ledger.recorder, workflow("parking_fine"), Level.ANCHORED, intent)
        seal(ledger.begin, ledger.recorder, ledger.key, Anchorer(ledger.begin, chain, policy))
        with ledger.read() as unit:
            receipt = issue(unit, CaseId(opened.event.case_id))
        url = chain.registry._node.web3.provider.endpoint_uri
        proxies = [stack.enter_context(closing(Proxy(url))) for _ in range(3)]
        asked = [stack.enter_context(open_node(each.url)) for each in proxies]
        assert policy.chain is not None
        yield Nodes(receipt, policy, proxies, Quorum(asked, policy.chain.registry, 2))


LIES: dict[str, Fault] = {
    "eth_chainId": changed(lambda _: "0x1"),
    "eth_getBlockByNumber": changed(lambda block: {**block, "hash": "0x" + "ee" * 32}),
    "eth_getCode": changed(lambda code: f"{code}00"),
    "eth_getTransactionReceipt": changed(lambda receipt: {**receipt, "status": "0x0"}),
}


@pytest.mark.parametrize("number", range(TIMES))
def test_a_node_that_lies_is_contradicted_by_another(lab: Any, nodes: Nodes, number: int) -> None:
    random = Random(f"T45/{number}")
    method, liar = sorted(LIES)[number % len(LIES)], random.randrange(3)
    verifier = Verifier(nodes.policy, nodes.chain)
    assert verifier.verify(nodes.receipt).verdict is Verdict.FINAL
    nodes.proxies[liar].faults = {method: LIES[method]}
    try:
        answer = verifier.verify(nodes.receipt)
    finally:
        nodes.proxies[liar].heal()
    detail = answer.steps[-1].detail
    about = "transaction " if method == "eth_getTransactionReceipt" else "which chain and contract this is."
    named = detail.startswith("T45: ")
    located = f"{nodes.proxies[liar].url} " in detail and f" differ about {about}" in detail
    lab.count("T45", "no database", found=answer.verdict is Verdict.CONTRADICTED, named=named, located=located)
    assert located, answer
