"""The private keys of a home: who anchors, who administers, and the actors whose signatures the chain asks for.

    keys/anchorer.key        pays and holds the role to anchor
    keys/admin.key           says who may anchor; absent where somebody else is the admin
    keys/actors/<id>.key     the key of an actor of this home
    keys/<name>.next.key     a key that a rotation is bringing in; keys/<name>.old.key the one that it takes out
    keys/retired/            anchorers' former keys, which may still own what they did not spend

Each file holds one key, as 64 hex digits after 0x or as a keystore (Web3 Secret Storage, version 3), and is readable by
its owner only. `Secrets` are what the environment gives: a password for keystores, and the anchorer's key itself or
where it is kept, which then stands before the file. New keys are keystores wherever there is a password. Secrets are
put in place by `using` rather than handed down through every call in between, where they would only be seen.

Whoever steals the anchorer's key cannot rewrite a log, since the contract checks every checkpoint against the one
before. A key is never logged, never put into an error, and never derived from a well-known mnemonic.
"""

import json
import os
import re
import secrets as chance
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from eth_account import Account
from eth_utils.exceptions import ValidationError

from ledger_automation.chain.signing import LocalKey, RemoteKey, SigningAccount
from ledger_automation.errors import InvalidValue, Misconfigured
from ledger_automation.rpc.interface import checksummed
from ledger_automation.values import ActorId

ANCHORER: Final = "anchorer"
ADMIN: Final = "admin"

_LOG: Final = ("log.key", "log.next.key")
"""The log's own keys are no chain's; bootstrap keeps them in the same folder."""

_HEX: Final = re.compile("(0x)?[0-9a-fA-F]{64}")

_NO_KEY: Final = (ValueError, TypeError, LookupError, AttributeError, NotImplementedError, ValidationError)
"""How eth_account says that a text is no key, no keystore, or one of another password."""


@dataclass(frozen=True)
class Secrets:
    """What the environment gives instead of files; none of it is ever shown."""

    anchorer: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    remote: str = field(default="", repr=False)
    address: str = ""


NONE: Final = Secrets()

_secrets: ContextVar[Secrets] = ContextVar("secrets", default=NONE)


class KeyFile(NamedTuple):
    """What may be told of a key's file: ``address`` is empty where the file says none without being opened."""

    name: str
    path: Path
    address: str
    encrypted: bool
    private: bool
    written: float


@contextmanager
def using(secrets: Secrets) -> Iterator[None]:
    """Let keys be read and made with these secrets inside the block; raises Misconfigured for two sources of one."""
    if secrets.anchorer and secrets.remote:
        raise Misconfigured("The anchorer's key is given twice, as itself and as a signer; give one.")
    token = _secrets.set(secrets)
    try:
        yield
    finally:
        _secrets.reset(token)


def anchorer(home: Path, *, create: bool) -> SigningAccount:
    """Return the anchorer: from the environment, from a remote signer, or from its file.

    ``create`` makes a file first, as local chains do. Raises Misconfigured where there is no key, where others can read
    it, or where it is none.
    """
    secrets = _secrets.get()
    if secrets.remote:
        return SigningAccount(RemoteKey(secrets.remote, secrets.address))
    if secrets.anchorer:
        return _opened(secrets.anchorer, "The anchorer's key of the environment")
    return account(place(home, ANCHORER), create=create)


def admin(home: Path, *, create: bool) -> SigningAccount | None:
    """Return the admin, None where this home does not have its key."""
    path = place(home, ADMIN)
    return account(path, create=create) if create or path.exists() else None


def actor(home: Path, actor_id: str, *, create: bool) -> SigningAccount:
    """Return an actor's key; raises InvalidValue for what is no actor's id, Misconfigured as `anchorer` does."""
    return account(place(home, f"actors/{ActorId(actor_id)}"), create=create)


def place(home: Path, name: str) -> Path:
    """Return where a key lies, be it there or not."""
    return home / "keys" / f"{name}.key"


def account(path: Path, *, create: bool = False) -> SigningAccount:
    """Read one key's file, made first where ``create`` allows it; raises Misconfigured."""
    if create and not path.exists():
        _create(path)
    name = path.name.removesuffix(".key")
    try:
        if path.stat().st_mode & 0o077:
            raise Misconfigured(f"The key file {path} is readable by others; run `chmod 600 {path}`.", path=str(path))
        text = path.read_text("ascii")
    except OSError as error:
        raise Misconfigured(
            f"There is no readable {name} key at {path}; a chain that is not local needs one (0x hex or a keystore, "
            "mode 0600).",
            path=str(path),
        ) from error
    except UnicodeDecodeError:
        text = ""
    return _opened(text, f"The file {path}", path=str(path))


def source() -> str:
    """Say in a word or two where the anchorer's key is kept, without asking for it."""
    secrets = _secrets.get()
    return "remote signer" if secrets.remote else "environment" if secrets.anchorer else "file"


def switch(home: Path) -> None:
    """Put the coming anchorer in the place of the former one, whose key is kept until it is retired.

    Die between the two and nothing is lost: the former key then has two names, and the next call goes on.
    """
    coming, current = place(home, f"{ANCHORER}.next"), place(home, ANCHORER)
    if coming.exists():
        with suppress(FileExistsError):
            place(home, f"{ANCHORER}.old").hardlink_to(current)
        coming.replace(current)


def keep_admin(home: Path) -> None:
    """Keep the anchorer's key as the admin's too, where one key had both seats: else it would be put away with it."""
    with suppress(FileExistsError):
        place(home, ADMIN).hardlink_to(place(home, ANCHORER))


def retire(home: Path, address: str) -> None:
    """Put the former anchorer's key away. Not destroyed: it may own what it did not spend."""
    retired = place(home, f"retired/{address}")
    retired.parent.mkdir(mode=0o700, exist_ok=True)
    place(home, f"{ANCHORER}.old").replace(retired)


def files(home: Path) -> list[KeyFile]:
    """List the keys of a home that are files, without opening a keystore; raises nothing for a file that is no key."""
    folder = home / "keys"
    return [
        _told(folder, path) for path in sorted(folder.rglob("*.key")) if path.parent != folder or path.name not in _LOG
    ]


def _told(folder: Path, path: Path) -> KeyFile:
    stat = path.stat() if path.exists() else path.lstat()  # a link to nowhere is told, too
    private = not stat.st_mode & 0o077
    try:
        text = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    encrypted = text.startswith("{")
    address = _address_within(text) if encrypted else _address_of(text)
    return KeyFile(str(path.relative_to(folder).with_suffix("")), path, address, encrypted, private, stat.st_mtime)


def _address_of(text: str) -> str:
    secret = _secret(text, "")
    return LocalKey(secret).address if secret else ""


def _address_within(keystore: str) -> str:
    """Read the address that a keystore carries in the open; it is a hint, proved only by opening it."""
    try:
        return checksummed(f"0x{json.loads(keystore)['address'].removeprefix('0x').lower()}")
    except (*_NO_KEY, InvalidValue):
        return ""


def _opened(text: str, what: str, **facts: Any) -> SigningAccount:
    """Turn a secret's text into an account. Refused outside of any `except`: a cause would quote the secret."""
    password = _secrets.get().password
    secret = _secret(text.strip(), password)
    if secret is None and text.lstrip().startswith("{"):
        told = "cannot be opened with the password given" if password else "is a keystore, and no password is given"
        raise Misconfigured(f"{what} {told}.", **facts)
    if secret is None:
        raise Misconfigured(f"{what} holds no private key in 0x hex and no keystore.", **facts)
    return SigningAccount(LocalKey(secret))


def _secret(text: str, password: str) -> bytes | None:
    try:
        if text.startswith("{"):
            return bytes(Account.decrypt(text, password))
        if _HEX.fullmatch(text):  # eth_account would fill up a key that lost a digit, to another key
            return bytes(Account.from_key(text).key)
    except _NO_KEY:
        pass
    return None


def _create(path: Path) -> None:
    """Write elsewhere, then link: of two processes that start together one wins, and nobody reads half a key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    secret = chance.token_bytes(32)
    password = _secrets.get().password
    text = json.dumps(Account.encrypt(secret, password)) if password else f"0x{secret.hex()}"
    draft = path.with_name(f"{path.name}.{os.getpid()}.{chance.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{text}\n")
        os.fsync(descriptor)
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()
