"""The anchorer's private key: one file under the home, ``keys/anchorer.key``, 0x hex, readable by its owner only.

The key only pays and holds the role to anchor. Whoever steals it cannot rewrite a log, since the contract checks every
checkpoint against the one before; he can only anchor extensions, which the log's signature then contradicts.
A key is never logged, never put into an error, and never derived from a well-known mnemonic.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from ledger_automation.errors import Misconfigured


def anchorer(home: Path, *, create: bool) -> LocalAccount:
    """Read the anchorer's key; make one first where ``create`` allows it, as it does on local chains only.

    Raises Misconfigured where there is none, where others can read it, or where it is no key.
    """
    path = home / "keys" / "anchorer.key"
    if create and not path.exists():
        _create(path)
    try:
        if path.stat().st_mode & 0o077:
            raise Misconfigured(f"The key file {path} is readable by others; run `chmod 600 {path}`.", path=str(path))
        account: LocalAccount = Account.from_key(path.read_text("ascii").strip())
    except OSError as error:
        raise Misconfigured(
            f"There is no readable anchorer key at {path}; a chain that is not local needs one (0x hex, mode 0600).",
            path=str(path),
        ) from error
    except ValueError:
        # Without its cause: that one would quote the file's content.
        raise Misconfigured(f"The file {path} holds no private key in 0x hex.", path=str(path)) from None
    return account


def _create(path: Path) -> None:
    """Write elsewhere, then link: of two processes that start together one wins, and nobody reads half a key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"0x{secrets.token_hex(32)}\n")
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()
