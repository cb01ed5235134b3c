"""A town with a real Anvil behind a lying proxy, mining only when told, or with eth-tester; each town is its own."""

import itertools
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from web3 import Web3

from faults.proxy import Proxy
from ledger_automation.chain import toolchain, wire
from ledger_automation.chain.anchoring import AnchoringChain, anchoring
from ledger_automation.chain.connection import Connection, wait_for
from ledger_automation.chain.fees import DEFAULT_CAP
from ledger_automation.chain.local import open_chain
from ledger_automation.chain.submitter import Submitter
from ledger_automation.merkle import leaf_hash
from ledger_automation.orchestrator.anchor import Anchorer
from ledger_automation.orchestrator.ports import RecordedStep
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.orchestrator.submission import Alarm, Call, Subject, Submission
from ledger_automation.orchestrator.submit import Lane
from ledger_automation.orchestrator.transition import Intent, Recorder, Standing
from ledger_automation.store.engine import open_engine
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.tlog.note import SignerKey
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.sources import AnchoredCheckpoint
from ledger_automation.workflows import Actor, Command, workflow

NAME = "test.example/faults"
ORIGIN = sha256(NAME.encode()).digest()
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
BINARY = toolchain.anvil(None)


class Node:
    """An Anvil of our own, by the flags that a fault needs."""

    def __init__(self, *flags: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        words = [BINARY, "--silent", f"--port={port}", "--hardfork=osaka", *flags]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.web3 = Web3(wire.http(self.url))
        assert wait_for(lambda: self.web3.is_connected() or None, 60)

    def rpc(self, method: str, *parameters: Any) -> Any:
        reply = self.web3.provider.make_request(method, parameters)  # type: ignore[arg-type]
        assert "error" not in reply, reply
        return reply["result"]

    def mine(self, blocks: int = 1) -> None:
        self.rpc("anvil_mine", hex(blocks))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Town:
    """A ledger's database, its log, and a chain to anchor it on; ``rung`` are the alarms that somebody was told of."""

    def __init__(self, folder: Path, connection: Connection, confirmations: int, fee_cap: int) -> None:
        self.home = folder
        self.connection = connection
        self.engine = open_engine(f"sqlite:///{folder / 'ledger.sqlite'}")
        self.chain = anchoring(connection, folder, fee_cap=fee_cap)
        self.key = SignerKey(NAME, sha256(b"faults").digest())
        self.clock = START
        self.recorder = Recorder(NAME, lambda: self.clock)
        identity = self.chain.identity()
        keys = (self.key.verifier.text,)
        self.policy = VerificationPolicy(NAME, keys, Level.ANCHORED, identity, confirmations)
        self.origin = ORIGIN
        self.rung: list[Alarm] = []
        self.lane, self.anchorer = self.restarted()
        self._origins = itertools.count(1)

    def restarted(self, chain: AnchoringChain | None = None) -> tuple[Lane, Anchorer]:
        """What another process would work with: nothing is kept but the database."""
        chain = chain or self.chain
        return (
            Lane(self.begin, chain, self.policy, self.rung.append),
            Anchorer(self.begin, chain, self.policy, self.rung.append),
        )

    def begin(self) -> AbstractContextManager[SqlUnitOfWork]:
        return SqlUnitOfWork.open(self.engine)

    def grow(self, events: int = 1, *, hours: float = 0) -> int:
        """Record something and bring it into the log under a signed checkpoint."""
        self.clock += timedelta(hours=hours)
        steps = [self._fine() for _ in range(events)]
        with self.begin() as unit:
            unit.cases.record(steps)
            unit.commit()
        done = sequence(self.begin, self.recorder, self.key, sweep=True)
        assert done is not None
        return done.checkpoint.tree_size

    def _fine(self) -> RecordedStep:
        standing = Standing(CaseId.random(), workflow("parking_fine"), Level.ANCHORED)
        command = Command("record_fine", Actor("olga", "clerk"), {"amount": 3_500, "offence": "kerb", "rules": {}})
        return self.recorder.step(standing, Intent(command, self.clock))[0]

    def step(self, previous: int = 0, size: int = 1, origin: bytes = b"") -> tuple[Subject, Call]:
        """A call that depends on no other: the first anchor of some other log."""
        number = next(self._origins)
        root = leaf_hash(b"%d" % number)
        checkpoint = AnchoredCheckpoint(size, root, root)
        call = self.chain.call(origin or sha256(b"%d" % number).digest(), previous, checkpoint, [])
        return Subject(case_id="case", sequence=number), call

    def rows(self) -> list[Submission]:
        with self.begin() as unit:
            found = unit._connection.exec_driver_sql("SELECT DISTINCT subject FROM submission").scalars()
            subjects = [_subject(key) for key in found]
            rows = [row for subject in subjects for row in unit.anchors.of(subject)]
        return sorted(rows, key=lambda row: (row.signed.nonce, row.attempt))

    def states(self) -> list[str]:
        return [str(row.state) for row in self.rows()]

    def standing(self) -> list[str]:
        with self.begin() as unit:
            return [str(alarm.kind) for alarm in unit.anchors.alarms()]

    def latest(self) -> int:
        found = self.chain.latest(ORIGIN)
        return found.tree_size if found else 0

    def held_by(self, account: Any, connection: Connection | None = None) -> AnchoringChain:
        """The same registry in the hands of another key."""
        contracts = {self.chain.registry.address: self.chain.registry.interface}
        return AnchoringChain(self.chain.registry, Submitter(connection or self.connection, account, contracts))


class AnvilTown(Town):
    """On Anvil, through the proxy. It mines when told."""

    def __init__(self, folder: Path, node: Node, proxy: Proxy, *, confirmations: int, local: bool, cap: int) -> None:
        self.node, self.proxy = node, proxy
        node.rpc("evm_setAutomine", True)
        nearby = Connection(Web3(wire.http(proxy.url)), "Anvil", local=True)
        anchoring(nearby, folder)
        connection = nearby if local else Connection(nearby.web3, "a node")
        super().__init__(folder, connection, confirmations, cap)
        node.rpc("evm_setAutomine", False)
        node.mine(8)  # the contract itself is beyond any reorganisation here
        proxy.calls.clear()
        proxy.sent.clear()

    def mined(self) -> int:
        return int(self.node.web3.eth.get_transaction_count(self.chain.submitter._account.address))


def _subject(key: str) -> Subject:
    kind, *rest = key.split("/")
    if kind == "checkpoint":
        return Subject(tree_size=int(rest[0]))
    return Subject(case_id=rest[0], sequence=int(rest[1]), call=rest[2])


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def node(stack: ExitStack) -> Callable[..., Node]:
    def start(*flags: str) -> Node:
        started = Node(*flags)
        stack.callback(started.kill)
        return started

    return start


@pytest.fixture
def town(stack: ExitStack, node: Callable[..., Node], tmp_path: Path) -> Callable[..., AnvilTown]:
    """Found a town on an Anvil of its own."""

    def found(*flags: str, confirmations: int = 1, local: bool = True, cap: int = DEFAULT_CAP) -> AnvilTown:
        behind = node(*flags)
        proxy = Proxy(behind.url)
        stack.callback(proxy.close)
        made = AnvilTown(tmp_path, behind, proxy, confirmations=confirmations, local=local, cap=cap)
        stack.callback(made.engine.dispose)
        return made

    return found


@pytest.fixture
def hamlet(stack: ExitStack, tmp_path: Path) -> Callable[..., Town]:
    """Found a town on eth-tester, which mines at once."""

    def found(*, confirmations: int = 1) -> Town:
        connection = stack.enter_context(open_chain("tester", tmp_path))
        made = Town(tmp_path, connection, confirmations, DEFAULT_CAP)
        stack.callback(made.engine.dispose)
        return made

    return found


@pytest.fixture
def patiently() -> Callable[[Callable[[], bool]], None]:
    def until(holds: Callable[[], bool]) -> None:
        give_up = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < give_up
            time.sleep(0.01)

    return until
