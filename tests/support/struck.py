"""A process that dies, or whose disk says no, at one of its operations on files; and what it did until then, in order.

`striking` replaces the functions of `os` through which everything reaches the disk, in this process: so it is for a
child. A write is torn: half of it is there.
"""

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

OPERATIONS: Final = ("open", "fsync", "rename", "mkdir", "unlink", "rmdir")


class _Watch:
    """Counts what is done upon files below a folder, and strikes."""

    def __init__(self, at: int, fault: str, below: Path, trace: list[tuple[str, str]]) -> None:
        self._at = at
        self._fault = fault
        self._below = below
        self._trace = trace
        self._opened: dict[int, str] = {}

    def met(self, name: str, what: str) -> None:
        self._trace.append((name, what))
        if len(self._trace) == self._at:
            if self._fault == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            number = getattr(errno, self._fault)
            raise OSError(number, os.strerror(number), what)

    def within(self, what: Any) -> str | None:
        path = self._opened.get(what) if isinstance(what, int) else os.fspath(what)
        return path if path is not None and Path(path).is_relative_to(self._below) else None

    def watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(what: Any, *more: Any, **options: Any) -> Any:
            path = self.within(what)
            if path is not None:
                self.met(name, os.fspath(more[0]) if name == "rename" else path)
            done = real(what, *more, **options)
            if name == "open":
                self._opened[done] = os.fspath(what)
            return done

        return call

    def torn(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def fdopen(descriptor: int, *more: Any) -> Any:
            path, file = self.within(descriptor), real(descriptor, *more)
            return file if path is None else _Torn(file, lambda: self.met("write", path))

        return fdopen


def striking(at: int, fault: str, below: Path, trace: list[tuple[str, str]]) -> None:
    """Strike at the so-manieth operation (0: never) upon files below a folder, before it is done."""
    watch = _Watch(at, fault, below, trace)
    for name in OPERATIONS:
        setattr(os, name, watch.watched(name, getattr(os, name)))
    os.fdopen = watch.torn(os.fdopen)


class _Torn:
    """A file whose write is struck in its middle."""

    def __init__(self, file: Any, met: Callable[[], None]) -> None:
        self._file = file
        self._met = met

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, octets: bytes) -> None:
        half = len(octets) // 2
        self._file.write(octets[:half])
        self._file.flush()
        self._met()
        self._file.write(octets[half:])
