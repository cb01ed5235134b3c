"""Anvil's state file, kept so that a kill in the middle of its writing costs an interval and not the chain.

Anvil writes its state in place. Killed meanwhile (once in some hundred kills) it leaves an empty file or the beginning
of one, and will not start from it again. Nor does it stand still while it writes: a state may have the accounts of
after a block and the transactions of before it. Whoever starts from that has used nonces that no transaction explains,
and what was sent with them is never final. So whoever uses Anvil keeps a copy of each whole state, put in its place in
one piece; and before a start, a state that is not whole is replaced by the copy. What is lost is at most an interval
more than a kill costs anyway.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

_SECONDS: Final = 0.5
_NO_CODE: Final = "0x"


class _Account(msgspec.Struct):
    nonce: int
    code: str


class _Info(msgspec.Struct):
    sender: str = msgspec.field(name="from")


class _Transaction(msgspec.Struct):
    info: _Info


class _State(msgspec.Struct):
    accounts: dict[str, _Account]
    transactions: list[_Transaction]

    def agrees(self) -> bool:
        """Tell whether each account without code sent as many transactions as its nonce says."""
        sent = Counter(each.info.sender for each in self.transactions)
        return all(each.nonce <= sent[name] for name, each in self.accounts.items() if each.code == _NO_CODE)


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
    """Make sure that Anvil can start from what is there; where nothing can be read any more, it begins anew."""
    state, copy = _paths(folder)
    if not state.exists():
        return
    read = _read(state.read_bytes())
    if read is not None and (read.agrees() or not copy.exists()):
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
            if changed == seen:
                continue
            octets = state.read_bytes()
            read = _read(octets)
            if read is None or not read.agrees():
                continue
            draft = copy.with_suffix(f".{threading.get_native_id()}")
            draft.write_bytes(octets)
            draft.replace(copy)
            seen = changed


def _read(octets: bytes) -> _State | None:
    """Read a state; None where it is no JSON from end to end."""
    try:
        return msgspec.json.decode(octets, type=_State)
    except msgspec.MsgspecError:
        return None


def _paths(folder: Path) -> tuple[Path, Path]:
    return folder / "state.json", folder / "state.kept"
