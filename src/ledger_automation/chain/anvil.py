"""Anvil's lifetime: started on first use, shared by a home's processes, stopped by the last, adopted after a crash.

Three locks under ``home/anvil``, all of them the kernel's (flock), so that none outlives its holder:

    alive.lock   held by Anvil itself, through an inherited descriptor: the truth about whether it runs. A process id
                 may be reused, and a zombie still has one; this lock can be neither.
    use.lock     held shared by every user. Who gets it exclusively is the last one, and stops Anvil with SIGTERM, which
                 makes it write its state.
    start.lock   held exclusively while starting and stopping, so that nobody joins an Anvil that is about to end.

A user killed by SIGKILL loses use.lock and leaves Anvil running: the next one finds it by ``endpoint.json`` and adopts
it. Anvil killed by SIGKILL starts again from its state (`anvil_state`) and has lost the last ``state-interval`` or two.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Final

import msgspec
from web3 import Web3
from web3.types import RPCEndpoint

from ledger_automation.chain import anvil_state, toolchain, wire
from ledger_automation.chain.connection import Connection, wait_for
from ledger_automation.errors import Misconfigured, NotFound, Unreachable

_SECONDS: Final = 15
_ATTEMPTS: Final = 3


class Endpoint(msgspec.Struct, frozen=True):
    """Where this home's Anvil listens; ``genesis_hash`` is empty until it answered for the first time."""

    port: int
    genesis_hash: str = ""


@contextmanager
def running(home: Path, root: Path | None = None) -> Iterator[Connection]:
    """Give a connection to this home's Anvil, started if need be; stop it afterwards if nobody else uses it."""
    folder = home / "anvil"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "use.lock").open("wb") as use:
        with _locked(folder / "start.lock"):
            connection = _adopt(folder) if _is_alive(folder) else _start(folder, root)
            fcntl.flock(use, fcntl.LOCK_SH)
        try:
            with anvil_state.kept(folder):
                yield connection
        finally:
            with _locked(folder / "start.lock"), suppress(BlockingIOError):
                fcntl.flock(use, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _stop(folder)


@contextmanager
def looked_at(home: Path, root: Path | None = None) -> Iterator[Connection]:
    """Give a connection to this home's Anvil without changing a file of it: to the running one, or to one on a copy.

    Raises NotFound where no Anvil ever ran for this home.
    """
    folder = home / "anvil"
    if not (folder / "state.json").exists() and not (folder / "endpoint.json").exists():
        raise NotFound(f"No Anvil has run for {home} yet.")
    if (folder / "alive.lock").exists() and _is_alive(folder):
        with (folder / "use.lock").open("rb") as use:
            fcntl.flock(use, fcntl.LOCK_SH)  # it is not stopped while we look; should we be last, the next user does it
            yield _connect(_read(folder).port)
        return
    with TemporaryDirectory() as place:
        shutil.copytree(folder, Path(place) / "anvil", ignore=shutil.ignore_patterns("*.lock", "endpoint.json"))
        with running(Path(place), root) as connection:
            yield connection


def flags(port: int, folder: Path) -> list[str]:
    """Turn ``anvil.toml`` into Anvil's arguments, with the port and the state file of one home."""
    table = tomllib.loads(Path(__file__).with_name("anvil.toml").read_text("utf-8"))
    arguments = [f"--{name}" if value is True else f"--{name}={value}" for name, value in table.items() if value]
    return [*arguments, f"--port={port}", f"--state={folder / 'state.json'}", f"--timestamp={_born(folder)}"]


def _born(folder: Path) -> int:
    """Return when this chain began. Without it Anvil makes another genesis block at every start, and keeps them all."""
    path = folder / "genesis-time"
    if not path.exists():
        draft = path.with_suffix(".new")
        draft.write_text(str(int(time.time())), "ascii")
        draft.replace(path)
    return int(path.read_text("ascii"))


def _start(folder: Path, root: Path | None) -> Connection:
    binary = toolchain.anvil(root)
    anvil_state.mend(folder)
    for _ in range(_ATTEMPTS):
        port = _free_port()
        with (folder / "alive.lock").open("wb") as alive, (folder / "anvil.log").open("ab") as log:
            fcntl.flock(alive, fcntl.LOCK_EX)
            # The port first, and the process id by the child itself: wherever we die, the next one can adopt Anvil.
            # A session of its own: neither Ctrl-C in the terminal nor the end of this process reaches it.
            _write(folder, Endpoint(port))
            process = subprocess.Popen(  # noqa: S603 - a shell that becomes npm's own binary, our own arguments
                ["/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', folder / "pid", binary, *flags(port, folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[alive.fileno()],
            )
        connection = _answering(folder, Endpoint(port))
        if connection is not None:
            _wake(connection)
            return connection
        process.kill()  # ours, and of no use to anybody: it may have lost its port to another program
        process.wait()
    raise Unreachable(f"Anvil did not start; see {folder / 'anvil.log'}.")


def _wake(connection: Connection) -> None:
    """Set the chain's clock to ours: started with a time of birth, it goes on from where it stood when it was stopped.

    A contract that compares a step's moment with its block's would refuse everything that happens now.
    """
    with connection.asking():
        behind = int(time.time()) - connection.web3.eth.get_block("latest")["timestamp"]
        if behind > 0:
            connection.web3.provider.make_request(RPCEndpoint("evm_increaseTime"), [behind])


def _adopt(folder: Path) -> Connection:
    endpoint = _read(folder)
    connection = _answering(folder, endpoint)
    if connection is None:
        raise Unreachable(f"Anvil (process {_pid(folder)}) runs but does not answer on port {endpoint.port}.")
    return connection


def _answering(folder: Path, endpoint: Endpoint) -> Connection | None:
    """Wait for an answer, and make sure that it is this home's chain that answers on that port."""
    connection = _connect(endpoint.port)
    genesis = wait_for(lambda: _genesis(connection) or (None if _is_alive(folder) else ""), _SECONDS)
    if not genesis:
        return None
    if genesis != (endpoint.genesis_hash or genesis):
        raise Misconfigured(
            f"Port {endpoint.port} is answered by another chain than this home's Anvil.",
            expected=endpoint.genesis_hash,
            actual=genesis,
        )
    _write(folder, Endpoint(endpoint.port, genesis))
    return connection


def _stop(folder: Path) -> None:
    """End Anvil and wait until its lock is free, which is after its state is written."""
    if not _is_alive(folder):
        return
    pid = _pid(folder)
    os.kill(pid, signal.SIGTERM)
    if wait_for(lambda: None if _is_alive(folder) else True, _SECONDS) is None:
        raise Unreachable(f"Anvil (process {pid}) did not end within {_SECONDS} s of SIGTERM.")
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # if we started it, it is our child and would stay a zombie
    (folder / "endpoint.json").unlink()


def _connect(port: int) -> Connection:
    url = f"http://127.0.0.1:{port}"
    return Connection(Web3(wire.http(url)), f"Anvil on port {port}", local=True)


def _genesis(connection: Connection) -> str | None:
    try:
        with connection.asking():
            return connection.web3.eth.get_block(0)["hash"].to_0x_hex()
    except Unreachable:
        return None


def _is_alive(folder: Path) -> bool:
    with (folder / "alive.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _free_port() -> int:
    """Let the kernel choose; that another program takes it before Anvil does is what the attempts are for."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _pid(folder: Path) -> int:
    return int((folder / "pid").read_text("ascii"))


def _read(folder: Path) -> Endpoint:
    path = folder / "endpoint.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Endpoint)
    except (OSError, msgspec.MsgspecError) as error:
        raise Misconfigured(f"An Anvil runs for {folder}, but {path} does not say where; end it by hand.") from error


def _write(folder: Path, endpoint: Endpoint) -> None:
    draft = folder / "endpoint.json.new"
    draft.write_bytes(msgspec.json.encode(endpoint))
    draft.replace(folder / "endpoint.json")


@contextmanager
def _locked(path: Path) -> Iterator[IO[bytes]]:
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
