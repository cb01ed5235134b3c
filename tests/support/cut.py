"""A proxy before PostgreSQL that cuts a connection at a commit: before the server hears of it, or after it obeyed."""

import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from support.servers import Server

_SOCKET: Final = ".s.PGSQL.5432"
_COMMITS: Final = (b"COMMIT\x00", b'[{"case_id":')
"""What makes changes durable: the word, or steps as a statement of their own (its argument)."""

_CHUNK: Final = 65_536


class Cut:
    """Forwards octets; ``at`` is "", "before" or "after" a commit, and counts for the next one only."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.at = ""
        self.cuts = 0
        self._behind = server.folder / _SOCKET
        self._server, self.folder = server, folder
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(folder / _SOCKET))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, url: str) -> str:
        """Return the way to a database of the server through here."""
        return url.replace(str(self._server.folder), str(self.folder))

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            behind = socket.socket(socket.AF_UNIX)
            behind.connect(str(self._behind))
            threading.Thread(target=self._forward, args=(client, behind), daemon=True).start()
            threading.Thread(target=self._answer, args=(behind, client), daemon=True).start()

    def _forward(self, client: socket.socket, behind: socket.socket) -> None:
        with suppress(OSError):
            while said := client.recv(_CHUNK):
                if self.at and any(each in said for each in _COMMITS):
                    if self.at == "after":
                        self.at = "answer"  # what the server says to it is the last thing that it says
                        behind.sendall(said)
                        continue
                    self._end(client, behind)
                    return
                behind.sendall(said)
        self._end(client, behind, cut=False)

    def _answer(self, behind: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while said := behind.recv(_CHUNK):
                if self.at == "answer":
                    self._end(client, behind)
                    return
                client.sendall(said)
        self._end(client, behind, cut=False)

    def _end(self, *both: socket.socket, cut: bool = True) -> None:
        if cut:
            self.at, self.cuts = "", self.cuts + 1
        for each in both:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextmanager
def cut(server: Server) -> Iterator[Cut]:
    """Run a proxy before a server for as long as the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="cut-"))
    made = Cut(server, folder)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)
