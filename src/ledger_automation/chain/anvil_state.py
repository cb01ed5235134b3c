"""Anvil's state file, kept so that a kill in the middle of its writing costs an interval and not the chain.

Anvil writes its state in place. Killed meanwhile (once in some hundred kills) it leaves an empty file or the beginning
of one, and will not start from it again. So whoever uses Anvil keeps a copy of each whole state, put in its place in
one piece; and before a start, a state that is not whole is replaced by the copy. What is lost is at most an interval
more than a kill costs anyway.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

_SECONDS: Final = 0.5


@contextmanager
def kept(folder: Path) -> Iterator[None]:
    """Keep a copy of every whole state for as long as the block lasts."""
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(folder, over), name="anvil-state", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


def mend(folder: Path) -> None:
    """Make sure that Anvil can start from what is there; where nothing whole is left, it begins anew."""
    state, copy = _paths(folder)
    if not state.exists() or _whole(state) is not None:
        return
    if copy.exists():
        copy.replace(state)
    else:
        state.unlink()


def _keep(folder: Path, over: threading.Event) -> None:
    state, copy = _paths(folder)
    seen = 0
    while not over.wait(_SECONDS):
        with suppress(OSError):  # it is not there yet, or the folder is gone with its test
            changed = state.stat().st_mtime_ns
            if changed == seen or (octets := _whole(state)) is None:
                continue
            draft = copy.with_suffix(f".{threading.get_native_id()}")
            draft.write_bytes(octets)
            draft.replace(copy)
            seen = changed


def _whole(path: Path) -> bytes | None:
    """Return a file's content where it is one JSON text from end to end."""
    octets = path.read_bytes()
    try:
        msgspec.json.decode(octets, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return None
    return octets


def _paths(folder: Path) -> tuple[Path, Path]:
    return folder / "state.json", folder / "state.kept"
