"""Every way to hold a key signs the same bytes, and none of them shows it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_keys.datatypes import PrivateKey, Signature
from eth_utils.crypto import keccak

from ledger_automation.chain.signing import LocalKey, RemoteKey, Signer, SigningAccount, TokenKey
from ledger_automation.errors import InvalidValue, LedgerError, Misconfigured, Unreachable

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SECRET = keccak(b"a key of the tests")
TRANSACTION: dict[str, Any] = {
    "to": "0x" + "11" * 20,
    "data": "0xabcdef",
    "value": 7,
    "gas": 100_000,
    "nonce": 3,
    "chainId": 31337,
    "maxFeePerGas": 30,
    "maxPriorityFeePerGas": 2,
}


class Token:
    """A device of the tests: signs for real, with chance, and tells r and s only; every second s is a high one."""

    def __init__(self, secret: bytes = SECRET) -> None:
        self._key = ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256K1())
        numbers = self._key.public_key().public_numbers()
        self.point = numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
        self.high = 0

    def sign(self, digest: bytes) -> tuple[int, int]:
        r, s = decode_dss_signature(self._key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256()))))
        self.high += s > ORDER // 2
        return r, s


class Answer(BaseHTTPRequestHandler):
    """A remote signer of the tests, told by its server what to answer with."""

    def do_POST(self) -> None:
        question = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.headers, json.loads(question)))  # type: ignore[attr-defined]
        self.server.answer(self, json.loads(question))  # type: ignore[attr-defined]

    def reply(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""


@contextmanager
def serving(answer: Callable[[Any, Any], None]) -> Iterator[Any]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    server.answer, server.asked = answer, []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        server.url = f"http://127.0.0.1:{server.server_port}/sign"  # type: ignore[attr-defined]
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def honest(request: Any, question: Any) -> None:
    digest = bytes.fromhex(question["digest"].removeprefix("0x"))
    request.reply(json.dumps({"signature": PrivateKey(SECRET).sign_msg_hash(digest).to_hex()}).encode())


@pytest.fixture
def local() -> SigningAccount:
    return SigningAccount(LocalKey(SECRET))


def test_a_local_key_signs_as_eth_account_does_byte_for_byte(local: SigningAccount) -> None:
    reference, chance = Account.from_key(SECRET), Random(31337)
    assert local.address == reference.address
    for number in range(100):
        fields = {
            **TRANSACTION,
            "nonce": chance.randrange(1 << 32),
            "value": chance.randrange(1 << 90),
            "data": chance.randbytes(chance.randrange(200)),
            "to": "" if number % 10 == 0 else TRANSACTION["to"],
        }
        mine, theirs = local.sign_transaction(fields), reference.sign_transaction(fields)
        assert (mine.hash, mine.raw_transaction) == (theirs.hash, theirs.raw_transaction)


def test_typed_data_is_signed_as_eth_account_signs_it(local: SigningAccount) -> None:
    message = encode_typed_data(
        {"name": "Permit", "chainId": 1}, {"Step": [{"name": "sequence", "type": "uint64"}]}, {"sequence": 4}
    )
    digest = keccak(b"\x19" + message.version + message.header + message.body)
    assert local.sign_typed(digest) == Account.from_key(SECRET).sign_message(message).signature


def test_another_type_of_transaction_is_refused(local: SigningAccount) -> None:
    legacy = {name: value for name, value in TRANSACTION.items() if not name.startswith("max")}
    for fields in ({**legacy, "gasPrice": 1}, {**legacy, "gasPrice": 1, "type": 1, "accessList": []}):
        with pytest.raises(InvalidValue, match="EIP-1559"):
            local.sign_transaction(fields)
    for digest in (b"", b"\x01" * 31, b"\x01" * 33):
        with pytest.raises(InvalidValue):
            local.sign_typed(digest)


def test_a_token_is_completed_to_a_low_s_and_its_own_address(local: SigningAccount) -> None:
    token = Token()
    account = SigningAccount(TokenKey(token.point, token.sign))
    assert account.address == local.address == SigningAccount(TokenKey(b"\x04" + token.point, token.sign)).address
    for number in range(60):
        digest = keccak(number.to_bytes(2, "big"))
        signature = account.sign_typed(digest)
        assert int.from_bytes(signature[32:64], "big") <= ORDER // 2
        vrs = (signature[64] - 27, *(int.from_bytes(signature[at : at + 32], "big") for at in (0, 32)))
        assert Signature(vrs=vrs).recover_public_key_from_msg_hash(digest).to_checksum_address() == local.address
    assert token.high > 0, "none of sixty was high: the token of the tests does not test"
    assert Account.recover_transaction(account.sign_transaction(TRANSACTION).raw_transaction) == local.address


@pytest.mark.parametrize("components", [(0, 0), (1, 1), (ORDER, 1), (5, ORDER), (1 << 256, 1), (-1, 3)], ids=str)
def test_a_token_that_signs_nonsense_is_found_out(components: tuple[int, int]) -> None:
    with pytest.raises(Misconfigured, match="another key"):
        TokenKey(Token().point, lambda _: components).sign(keccak(b""))


def test_a_token_with_another_key_than_it_said_is_found_out() -> None:
    with pytest.raises(Misconfigured, match="another key"):
        TokenKey(Token().point, Token(keccak(b"another")).sign).sign(keccak(b""))
    with pytest.raises(InvalidValue):
        TokenKey(b"\x01" * 63, Token().sign)


def test_a_remote_signer_signs_and_sees_a_digest_only(local: SigningAccount) -> None:
    with serving(honest) as server:
        remote = SigningAccount(RemoteKey(server.url, local.address))
        assert remote.sign_transaction(TRANSACTION) == local.sign_transaction(TRANSACTION)
        bare = RemoteKey(server.url.replace("http://", "http://town:secret@"), local.address)
        assert "secret" not in repr(bare)
        bare.sign(keccak(b""))
    assert [set(question) for _, question in server.asked] == [{"address", "digest"}] * 2
    assert server.asked[1][0]["Authorization"].startswith("Basic ")


def flipped(request: Any, question: Any) -> None:
    """The other half of a signature: high s, other parity, without v."""
    digest = bytes.fromhex(question["digest"].removeprefix("0x"))
    _, r, s = PrivateKey(SECRET).sign_msg_hash(digest).vrs
    request.reply(json.dumps({"signature": (r.to_bytes(32, "big") + (ORDER - s).to_bytes(32, "big")).hex()}).encode())


def test_a_remote_signature_may_be_bare_and_high(local: SigningAccount) -> None:
    with serving(flipped) as server:
        assert SigningAccount(RemoteKey(server.url, local.address)).sign_typed(keccak(b"")) == local.sign_typed(
            keccak(b"")
        )


def trickling(request: Any, _: Any) -> None:
    request.send_response(200)
    request.end_headers()
    try:
        for _ in range(200):
            request.wfile.write(b" ")
            time.sleep(0.05)
    except OSError:
        pass


WRONG: dict[str, Callable[[Any, Any], None]] = {
    "no JSON": lambda request, _: request.reply(b"<html>"),
    "no signature": lambda request, _: request.reply(b"{}"),
    "no text": lambda request, _: request.reply(b'{"signature": 5}'),
    "no hex": lambda request, _: request.reply(b'{"signature": "0xzz"}'),
    "too short": lambda request, _: request.reply(b'{"signature": "0x11"}'),
    "refused": lambda request, _: request.reply(b"no", 403),
    "redirected": lambda request, _: request.reply(b"", 302, Location="http://127.0.0.1:9/"),
    "huge": lambda request, _: request.reply(b" " * 10_000_000),
    "trickling": trickling,
    "hung up": lambda request, _: request.connection.close(),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_remote_signer_that_does_not_sign_is_one_sentence(name: str, local: SigningAccount) -> None:
    with serving(WRONG[name]) as server:
        signer = RemoteKey(server.url.replace("http://", "http://town:credential@"), local.address, seconds=0.5)
        with pytest.raises(Unreachable) as caught:
            signer.sign(keccak(b""))
    assert caught.value.sentence.startswith("The signer at http://127.0.0.1:")
    assert "credential" not in caught.value.sentence
    assert caught.value.__cause__ is None or "credential" not in str(caught.value.__cause__)


def test_a_remote_signer_with_another_key_is_found_out() -> None:
    with serving(honest) as server, pytest.raises(Misconfigured, match="another key"):
        RemoteKey(server.url, Account.from_key(keccak(b"another")).address).sign(keccak(b""))


@pytest.mark.parametrize(
    "url", ["http://signer.example/", "http://10.0.0.1/", "ftp://127.0.0.1/", "signer", "", "http://127.0.0.1.example/"]
)
def test_a_remote_signer_is_reached_by_https_or_on_this_machine(url: str, local: SigningAccount) -> None:
    with pytest.raises(InvalidValue, match="https"):
        RemoteKey(url, local.address)
    for allowed in ("https://signer.example/", "http://localhost:9/", "http://[::1]:9/", "http://127.0.0.2/"):
        assert RemoteKey(allowed, local.address).address == local.address


def test_nothing_shows_a_key(local: SigningAccount) -> None:
    token = Token()
    signers: list[Signer] = [LocalKey(SECRET), TokenKey(token.point, token.sign)]
    shown = [repr(each) for each in (local, *signers)] + [str(each) for each in (local, *signers)]
    for attempt in (
        lambda: local.sign_typed(b""),
        lambda: local.sign_transaction({}),
        lambda: TokenKey(token.point, lambda _: (1, 1)).sign(keccak(b"")),
    ):
        with pytest.raises((LedgerError, TypeError, KeyError, ValueError)) as caught:
            attempt()
        shown.append(f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}")
    secrets = (SECRET.hex(), str(int.from_bytes(SECRET, "big")), repr(SECRET))
    assert not [text for text in shown if any(secret in text for secret in secrets)]
