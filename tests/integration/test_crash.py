"""kill -9 at any moment of a replay, then the same command again: nothing acknowledged is lost, nothing is doubled.

Two ways to die. Random moments (seeded) find what nobody thought of; a program that kills itself right after a chosen
commit, or between two calls of the chain, hits the windows that chance would miss. Both are SIGKILL: nothing is cleaned
up, no buffer is flushed, no lock is released but by the kernel.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from ledger_automation.chain import keys, open_anchoring, open_chain
from ledger_automation.intake.mapping import shipped
from ledger_automation.merkle import leaf_hash
from ledger_automation.store.engine import open_engine
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from support.rehearsal import rehearse

ORIGIN = sha256(b"wismar.example/ledger").digest()
HOMES, KILLS = 6, 2
"""So many homes a level, each killed so often before it may finish: twelve moments."""

DIES_AFTER_COMMITS = """
import os, signal, sys
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.cli import main
left, commit = int(sys.argv[1]), SqlUnitOfWork.commit
def commit_and_die(self):
    global left
    commit(self)
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
SqlUnitOfWork.commit = commit_and_die
main(sys.argv[2:])
"""

DIES_AT_THE_CHAIN = """
import os, signal, sys
from ledger_automation.chain.anchoring import AnchoringChain
from ledger_automation.cli import main
where, sign, broadcast = sys.argv[1], AnchoringChain.sign, AnchoringChain.broadcast
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def signing(self, *arguments):
    submission = sign(self, *arguments)
    return die() if where == "signed" else submission
def sending(self, submission):
    if where == "stored":
        die()
    broadcast(self, submission)
    if where == "sent":
        die()
AnchoringChain.sign, AnchoringChain.broadcast = signing, sending
main(sys.argv[2:])
"""


class Totals(NamedTuple):
    """What a replay came to: how many events the log has, and how the law judged them."""

    cases: int
    accepted: int
    refused: int
    ignored: int

    @property
    def events(self) -> int:
        return self.accepted + self.refused + self.ignored


@pytest.fixture(scope="session")
def expected(fines: Path) -> Totals:
    """The law's own count of the log, without a database."""
    tally = rehearse(fines, shipped("road_traffic_fines"))
    assert not tally.openings
    return Totals(tally.cases, tally.accepted, sum(tally.refused.values()), sum(tally.ignored.values()))


def replaying(fines: Path, home: Path, level: str) -> list[object]:
    chain = ["--chain", "anvil"] if level == "anchored" else []
    return ["replay", fines, "--workflow", "parking_fine", "--level", level, "--home", home, "--json", *chain]


def finished(process: Any) -> int:
    process.join(60)
    assert process.exitcode is not None
    return int(process.exitcode)


def stored(home: Path) -> tuple[Totals, int]:
    """Read what the database holds, and insist that every event has exactly one leaf and every case its own events."""
    engine = open_engine(f"sqlite:///{home / 'ledger.sqlite'}")
    with SqlUnitOfWork.open(engine, "read") as unit:
        trails = list(unit.cases.trails(0, 0))
        rows = [row for _, _, rows in trails for row in rows]
        assert sorted(row.leaf_index for row in rows) == list(range(len(rows)))
        assert [digest for _, digest in unit.log.leaves(0)] == [
            leaf_hash(row.commitment) for row in sorted(rows, key=lambda row: row.leaf_index)
        ]
        assert unit.log.pending(10, sweep=True) == []
        for _, case, trail in trails:
            assert case is not None
            assert [row.sequence for row in trail] == list(range(case.sequence + 1))
        source = unit._connection.exec_driver_sql("SELECT source FROM intake_run").scalar_one()
        run = unit.intake.run(source)
    engine.dispose()
    assert run is not None
    assert run.accepted == len(rows)
    assert run.cases == len(trails)
    return Totals(run.cases, run.accepted, sum(run.refusals.values()), run.ignored), len(rows)


def anchored_sizes(home: Path) -> list[int]:
    """Return the sizes that the chain holds, in the order in which it accepted them.

    Each was one transaction, and nothing else was ever sent to the registry. (A second contract may lie beside it: who
    dies between creating one and writing its address down leaves it behind, empty and pinned by nobody.)
    """
    with open_anchoring("anvil", home) as chain, open_chain("anvil", home) as connection:
        eth, account = connection.web3.eth, keys.anchorer(home, create=False).address
        blocks = [eth.get_block(number, full_transactions=True) for number in range(eth.block_number + 1)]
        sent: list[Any] = [each for block in blocks for each in block["transactions"] if each["from"] == account]  # type: ignore[index]
        found = [chain.evidence(each["hash"].to_0x_hex(), ORIGIN) for each in sent if each.get("to")]
        sizes = [each.anchored.tree_size if each and each.anchored else -1 for each in found]
        latest = chain.latest(ORIGIN)
    assert latest is not None
    assert latest.tree_size == sizes[-1]
    return sizes


def holds(ledger: Callable[..., Any], home: Path, level: str, expected: Totals) -> None:
    """Hold a finished home against the uninterrupted run: totals, leaves, audit, chain."""
    totals, leaves = stored(home)
    assert totals == expected
    if level == "anchored":
        sizes = anchored_sizes(home)
        assert sizes == sorted(set(sizes))
        assert sizes[-1] == leaves
    chain = ["--chain", "anvil"] if level == "anchored" else []
    assert finished(ledger("audit", "--home", home, "--json", *chain)) == 0


@pytest.mark.parametrize("level", ["logged", "anchored"])
def test_killed_at_random_moments_it_ends_as_if_it_had_not_been(
    level: str, fines: Path, homes: Any, ledger: Callable[..., Any], expected: Totals
) -> None:
    duration = 0.0
    for undisturbed in (homes(), homes()):  # the first also starts the server that the others are started from
        started = time.monotonic()
        assert finished(ledger(*replaying(fines, undisturbed, level))) == 0
        duration = time.monotonic() - started
    holds(ledger, undisturbed, level, expected)
    random = Random(f"{level}/2026")
    killed = 0
    for _ in range(HOMES):
        home = homes()
        for again in range(KILLS):
            process = ledger(*replaying(fines, home, level))
            process.join(random.uniform(0.05, 0.9 * duration) / (1 + again))
            process.kill()
            killed += finished(process) == -9
        assert finished(ledger(*replaying(fines, home, level))) == 0
        holds(ledger, home, level, expected)
    assert killed >= HOMES * KILLS - 2, "most of the moments fell into the replay"


POINTS = [("logged", number) for number in (1, 2, 5)] + [("anchored", number) for number in (1, 2, 3, 4, 8)]


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_killed_right_after_a_commit(
    point: tuple[str, int], fines: Path, homes: Any, ledger: Callable[..., Any], expected: Totals
) -> None:
    level, commits = point
    home = homes()
    words = [str(word) for word in replaying(fines, home, level)]
    died = subprocess.run([sys.executable, "-c", DIES_AFTER_COMMITS, str(commits), *words], check=False, timeout=60)
    assert died.returncode == -9
    assert finished(ledger(*words)) == 0
    holds(ledger, home, level, expected)


@pytest.mark.parametrize("where", ["signed", "stored", "sent"])
def test_killed_between_signing_storing_and_sending_there_is_one_anchor(
    where: str, homes: Any, ledger: Callable[..., Any]
) -> None:
    home = homes()
    opening = ["case", "open", "parking_fine", "--actor", "olga", "--role", "clerk"]
    payload = ["--payload", json.dumps({"amount": 3_500, "offence": "kerb"})]
    assert finished(ledger(*opening, *payload, "--home", home)) == 0
    sealing = ["seal", "--chain", "anvil", "--home", str(home)]
    died = subprocess.run([sys.executable, "-c", DIES_AT_THE_CHAIN, where, *sealing], check=False, timeout=60)
    assert died.returncode == -9
    engine = open_engine(f"sqlite:///{home / 'ledger.sqlite'}")
    with SqlUnitOfWork.open(engine, "read") as unit:
        kept = [(each.tree_size, each.state) for each in unit.log.submissions(0)]
    assert kept == ([] if where == "signed" else [(1, "pending")])
    assert finished(ledger("deploy", "--chain", "anvil", "--home", home)) == 0  # another verb in between harms nothing
    assert finished(ledger(*sealing)) == 0
    sizes = anchored_sizes(home)
    assert sizes.count(1) == (0 if where == "signed" else 1)
    with SqlUnitOfWork.open(engine, "read") as unit:
        submissions = list(unit.log.submissions(0))
    engine.dispose()
    assert [each.tree_size for each in submissions] == sizes
    assert {each.state for each in submissions} == {"final"}
    assert finished(ledger("audit", "--chain", "anvil", "--home", home)) == 0
