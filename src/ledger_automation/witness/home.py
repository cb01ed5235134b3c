"""Where a witness lies: its key, its public key and its memory in a home of its own, and the logs that it knows.

    keys/witness.key     the private key, 64 hex digits, readable by its owner only
    keys/witness.pub     its verifier key ("vkey"), for the logs and for whoever verifies
    witness.sqlite       what it cosigned

The memory is made first and the public key last: whatever a crash leaves behind, a key that can be used has its memory.
"""

import os
import time
from pathlib import Path
from typing import Final

from ledger_automation.bootstrap import stored_seed
from ledger_automation.errors import InvalidDefinition, InvalidValue, Misconfigured, NotFound
from ledger_automation.tlog.cosignature import Cosigner, WitnessKey
from ledger_automation.tlog.note import VerifierKey
from ledger_automation.witness.memory import Memory
from ledger_automation.witness.witness import Witness

_KEY: Final = Path("keys") / "witness.key"
_PUBLIC: Final = Path("keys") / "witness.pub"
_MEMORY: Final = "witness.sqlite"


def memory(home: Path) -> Memory:
    """Return a witness's memory, be it there or not."""
    return Memory(home / _MEMORY)


def make(home: Path, name: str) -> WitnessKey:
    """Make a witness of a name, or return the one that is there; raises Misconfigured, InvalidValue."""
    path = home / _PUBLIC
    if path.exists():
        key = public_key(home)
        if key.name != name:
            raise Misconfigured(f"The witness of {home} is called {key.name}.", expected=key.name, actual=name)
        return key
    Cosigner(name, bytes(32))  # a name that cannot be a key's is refused before anything is made
    if not (home / _KEY).exists():
        memory(home).make()
    key = Cosigner(name, stored_seed(home / _KEY, "witness", create=True)).verifier
    memory(home).insist()
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(f"{key.text}\n", "utf-8")
    draft.replace(path)
    return key


def public_key(home: Path) -> WitnessKey:
    """Return a witness's public key; raises Misconfigured where there is none."""
    try:
        return WitnessKey.parse((home / _PUBLIC).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, InvalidValue) as error:
        raise Misconfigured(f"There is no witness in {home}; make one with `ledger witness key`.") from error


def open_witness(home: Path, logs: Path) -> Witness:
    """Open the witness of a home for the logs that a file lists; raises Misconfigured, NotFound, InvalidDefinition."""
    key = public_key(home)
    cosigner = Cosigner(key.name, stored_seed(home / _KEY, "witness"))
    if cosigner.verifier.text != key.text:
        raise Misconfigured(f"The keys of {home} do not belong together.", expected=key.text)
    memory(home).insist()
    return Witness(cosigner, read_logs(logs), memory(home), time.time)


def read_logs(path: Path) -> dict[str, list[VerifierKey]]:
    """Read which logs a witness knows: one verifier key a line; a log that changed its key has a line for each."""
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(f"There is no file {path} that lists logs.", path=str(path)) from error
    logs: dict[str, list[VerifierKey]] = {}
    for line in filter(None, map(str.strip, lines)):
        try:
            key = VerifierKey.parse(line)
        except InvalidValue as error:
            raise InvalidDefinition(f"{path} lists a log that is none: {error.sentence}", path=str(path)) from error
        logs.setdefault(key.name, []).append(key)
    if not logs:
        raise InvalidDefinition(f"{path} lists no log.", path=str(path))
    return logs
