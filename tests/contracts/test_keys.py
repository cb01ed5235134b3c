"""A home's key files: one key each, in either form, from the environment or elsewhere, and never shown."""

import json
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_utils.crypto import keccak

from ledger_automation.chain import keys
from ledger_automation.chain.keys import Secrets
from ledger_automation.errors import InvalidValue, LedgerError, Misconfigured

SECRET = keccak(b"another key of the tests")
HEX = f"0x{SECRET.hex()}"
ADDRESS = Account.from_key(SECRET).address
PASSWORD = "correct horse battery staple"  # noqa: S105 - the tests' own


@pytest.fixture(scope="module")
def keystore() -> str:
    """A keystore with few iterations: opening one takes a second otherwise, by design."""
    return json.dumps(Account.encrypt(SECRET, PASSWORD, kdf="pbkdf2", iterations=2))


def put(path: Path, text: str, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def test_a_keystore_and_a_hex_file_are_the_same_key(tmp_path: Path, keystore: str) -> None:
    path = put(keys.place(tmp_path, "anchorer"), keystore)
    with keys.using(Secrets(password=PASSWORD)):
        assert keys.anchorer(tmp_path, create=False).address == ADDRESS
    put(path, f"{HEX}\n")
    assert keys.anchorer(tmp_path, create=False).address == ADDRESS


def test_with_a_password_new_keys_are_keystores(tmp_path: Path) -> None:
    with keys.using(Secrets(password=PASSWORD)):
        account = keys.anchorer(tmp_path, create=True)
    path = keys.place(tmp_path, "anchorer")
    stored = json.loads(path.read_text())
    assert (stored["version"], stored["crypto"]["kdf"]) == (3, "scrypt")
    assert Account.from_key(Account.decrypt(stored, PASSWORD)).address == account.address
    assert path.stat().st_mode & 0o777 == 0o600
    (told,) = keys.files(tmp_path)
    assert (told.address, told.encrypted, told.private) == (account.address, True, True)
    with pytest.raises(Misconfigured, match="no password"):
        keys.anchorer(tmp_path, create=False)


def test_a_wrong_password_is_one_sentence(tmp_path: Path, keystore: str) -> None:
    put(keys.place(tmp_path, "anchorer"), keystore)
    with (
        keys.using(Secrets(password=PASSWORD[1:])),
        pytest.raises(Misconfigured, match="cannot be opened with the password"),
    ):
        keys.anchorer(tmp_path, create=False)


def test_admin_anchorer_and_actors_are_different_keys(tmp_path: Path) -> None:
    assert keys.admin(tmp_path, create=False) is None
    addresses = {
        keys.anchorer(tmp_path, create=True).address,
        keys.admin(tmp_path, create=True).address,  # type: ignore[union-attr]
        keys.actor(tmp_path, "clerk-1", create=True).address,
        keys.actor(tmp_path, "clerk-2", create=True).address,
    }
    assert len(addresses) == 4
    assert keys.actor(tmp_path, "clerk-1", create=False).address in addresses
    assert [each.name for each in keys.files(tmp_path)] == ["actors/clerk-1", "actors/clerk-2", "admin", "anchorer"]
    assert {each.address for each in keys.files(tmp_path)} == addresses
    with pytest.raises(Misconfigured, match="clerk-3"):
        keys.actor(tmp_path, "clerk-3", create=False)
    for name in ("../anchorer", "/etc/passwd", "", "Clerk", "a/b"):
        with pytest.raises(InvalidValue):
            keys.actor(tmp_path, name, create=True)


def test_the_environment_stands_before_the_file(tmp_path: Path, keystore: str) -> None:
    own = keys.anchorer(tmp_path, create=True)
    for secrets in (Secrets(anchorer=HEX), Secrets(anchorer=keystore, password=PASSWORD)):
        with keys.using(secrets):
            assert keys.source() == "environment"
            assert keys.anchorer(tmp_path, create=False).address == ADDRESS
    remote = Secrets(remote="https://signer.example/", address=ADDRESS)
    with keys.using(remote):
        assert keys.source() == "remote signer"
        assert keys.anchorer(tmp_path, create=False).address == ADDRESS
    assert keys.source() == "file"
    assert keys.anchorer(tmp_path, create=False).address == own.address
    with pytest.raises(Misconfigured, match="given twice"), keys.using(Secrets(anchorer=HEX, remote="https://x/")):
        pass


def test_the_logs_own_keys_are_not_listed(tmp_path: Path) -> None:
    put(tmp_path / "keys" / "log.key", SECRET.hex())
    put(tmp_path / "keys" / "log.next.key", SECRET.hex())
    (tmp_path / "keys" / "broken.key").symlink_to(tmp_path / "nowhere")
    (tmp_path / "keys" / "folder.key").mkdir()
    assert {each.name: each.address for each in keys.files(tmp_path)} == {"broken": "", "folder": ""}


HALF = SECRET.hex()[:40]
UNUSABLE: dict[str, str] = {
    "empty": "",
    "half": HALF,
    "no hex": "0x" + "zz" + SECRET.hex()[2:],
    "too long": HEX + "00",
    "a digit short": HEX[:-1],
    "zero": "0x" + "00" * 32,
    "above the order": "0x" + "ff" * 32,
    "not ascii": f"é{SECRET.hex()}",
    "no keystore": json.dumps({"address": ADDRESS, "privateKey": SECRET.hex()}),
    "a damaged keystore": json.dumps({"version": 3, "crypto": {"kdf": SECRET.hex()}}),
    "half a keystore": '{"privatekey": "' + SECRET.hex(),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_is_no_key_is_told_without_being_shown(name: str, tmp_path: Path) -> None:
    path = put(keys.place(tmp_path, "anchorer"), UNUSABLE[name])
    attempts: list[Callable[[], Any]] = [lambda: keys.account(path)]
    if UNUSABLE[name]:
        attempts.append(lambda: from_environment(tmp_path, Secrets(anchorer=UNUSABLE[name])))
    for password in ("", PASSWORD):
        for attempt in attempts:
            with keys.using(Secrets(password=password)), pytest.raises(Misconfigured) as caught:
                attempt()
            assert hidden(caught.value)
    assert [each.address for each in keys.files(tmp_path)] in ([""], [ADDRESS])


def from_environment(home: Path, secrets: Secrets) -> Any:
    with keys.using(secrets):
        return keys.anchorer(home, create=False)


def hidden(error: BaseException) -> bool:
    """Nothing of the key in the error, its causes (shown or not), its facts, or its printed traceback."""
    told: list[object] = [*traceback.format_exception(error)]
    at: BaseException | None = error
    while at is not None:
        told += [str(at), repr(at), getattr(at, "facts", "")]
        at = at.__cause__ or at.__context__
    text = " ".join(map(str, told)).lower()
    return not any(piece in text for piece in (HALF, SECRET.hex()[2:], str(int.from_bytes(SECRET, "big"))))


def test_no_repr_shows_a_secret(tmp_path: Path) -> None:
    put(keys.place(tmp_path, "anchorer"), HEX)
    secrets = Secrets(anchorer=HEX, password=PASSWORD)
    with keys.using(secrets):
        account = keys.anchorer(tmp_path, create=False)
    shown = f"{secrets!r} {secrets} {account!r} {account} {keys.files(tmp_path)!r}"
    assert HALF not in shown
    assert PASSWORD not in shown
    assert ADDRESS in shown


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_is_refused(mode: int, tmp_path: Path) -> None:
    path = put(keys.place(tmp_path, "admin"), HEX, mode)
    with pytest.raises(Misconfigured, match="readable by others"):
        keys.admin(tmp_path, create=False)
    path.chmod(0o600)
    assert keys.admin(tmp_path, create=False).address == ADDRESS  # type: ignore[union-attr]


def test_a_missing_key_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LedgerError) as caught:
        keys.anchorer(tmp_path, create=False)
    assert str(keys.place(tmp_path, "anchorer")) in caught.value.sentence
    assert not list(tmp_path.iterdir())
