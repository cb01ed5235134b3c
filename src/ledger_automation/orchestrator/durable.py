"""Files that are on the disk when a call returns, whole or not there at all; folders that one process has at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger_automation.errors import Conflict


@contextmanager
def alone(folder: Path, does: str) -> Iterator[None]:
    """Keep a folder, which is made if need be, to ourselves; raises Conflict, by what it does, where another has it.

    It is this process's: one that is forked from it lets go of it, so that it ends with us and not with an orphan.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(f"Somebody else {does} right now.", folder=str(folder)) from error
        _held.add(descriptor)
        yield
    finally:
        _held.discard(descriptor)
        os.close(descriptor)


_held: set[int] = set()


def _let_go() -> None:
    """Close, in a forked process, what its parent keeps to itself; the lock stays the parent's."""
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_let_go)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, written out to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(path: Path, octets: bytes) -> None:
    """Put a whole file in the place of another, durably; readers see the one or the other."""
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync(path.parent)
