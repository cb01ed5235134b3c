"""The signer port: whoever signs a 32-byte digest with a secp256k1 key can pay, anchor and act; how, is its own affair.

A `Signer` knows its address and answers a digest with a signature. Three fill the port here: a key in this process, a
token (a PKCS#11 device, an HSM) that returns r and s and nothing else, and a signer behind HTTP. `SigningAccount` makes
of any of them what a submitter needs: signed type 2 transactions (EIP-1559) and signatures over EIP-712 digests.

Every signature leaves here with the low s of EIP-2 and with the parity that leads back to the signer's own address;
one that does not lead there is refused, whoever made it. No object here shows a key, not even to `repr`.

What this does not do: it reads no file (`keys`), sends nothing, and decides nothing about nonces or fees.
"""

import time
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import urlsplit

import msgspec
from eth_account._utils.legacy_transactions import encode_transaction, serializable_unsigned_transaction_from_dict
from eth_account.typed_transactions.dynamic_fee_transaction import DynamicFeeTransaction
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_keys.datatypes import PrivateKey, PublicKey, Signature
from eth_keys.exceptions import BadSignature
from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError as InvalidSignature
from hexbytes import HexBytes
from requests import RequestException, Response, Session
from urllib3.exceptions import HTTPError

from ledger_automation.errors import InvalidValue, Misconfigured, Unreachable
from ledger_automation.rpc.interface import checksummed

_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_DIGEST_BYTES: Final = 32
_SIGNATURE_BYTES: Final = (64, 65)
_REPLY_BYTES: Final = 4_096
_SECONDS: Final = 10.0

Components = tuple[int, int, int]
"""A signature: the parity of y (0 or 1), r, s."""


class Signer(Protocol):
    """What a key's holder must be able to do."""

    @property
    def address(self) -> ChecksumAddress:
        """The account that the key belongs to."""
        ...

    def sign(self, digest: bytes) -> Components:
        """Sign 32 bytes; raises Unreachable, or Misconfigured for a signature that is not the address's own."""
        ...


class SignedTransaction(NamedTuple):
    """A transaction's bytes as a node takes them, and its hash."""

    hash: HexBytes
    raw_transaction: HexBytes


class SigningAccount:
    """Any signer as an account that signs transactions and typed data."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def __repr__(self) -> str:
        """Show whose it is, never what it is."""
        return f"SigningAccount({self.address})"

    @property
    def address(self) -> ChecksumAddress:
        """The account's address, with its checksum."""
        return self._signer.address

    def sign_transaction(self, fields: Mapping[str, Any]) -> SignedTransaction:
        """Sign a type 2 transaction, given with the fields of JSON-RPC; raises InvalidValue for another type."""
        unsigned = serializable_unsigned_transaction_from_dict(dict(fields))
        if (
            not isinstance(unsigned, TypedTransaction)
            or unsigned.transaction_type != DynamicFeeTransaction.transaction_type
        ):
            raise InvalidValue("A transaction", sorted(fields), "of type 2, with the fee fields of EIP-1559")
        raw = encode_transaction(unsigned, self._signer.sign(unsigned.hash()))
        return SignedTransaction(HexBytes(keccak(raw)), HexBytes(raw))

    def sign_typed(self, digest: bytes) -> bytes:
        """Sign an EIP-712 digest; return r, s and v (27 or 28) in 65 bytes, as ECDSA.recover takes them."""
        parity, r, s = self._signer.sign(_checked(digest))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + parity])


class LocalKey:
    """A key in this process."""

    def __init__(self, secret: bytes) -> None:
        self._key = PrivateKey(secret)
        self.address: Final = self._key.public_key.to_checksum_address()

    def __repr__(self) -> str:
        """Show whose it is, never what it is."""
        return f"LocalKey({self.address})"

    def sign(self, digest: bytes) -> Components:
        """Sign deterministically (RFC 6979), as eth_account does."""
        return self._key.sign_msg_hash(_checked(digest)).vrs


class TokenKey:
    """A key inside a device that returns r and s only: CKM_ECDSA of PKCS#11, most HSMs and cloud key services.

    ``sign`` is the device's own call on a digest that is already hashed; ``public_key`` its point, 64 bytes without
    prefix or 65 with 0x04, read from the device once.
    """

    def __init__(self, public_key: bytes, sign: Callable[[bytes], tuple[int, int]]) -> None:
        point = public_key[1:] if len(public_key) == 65 and public_key[:1] == b"\x04" else public_key  # noqa: PLR2004
        try:
            self.address: Final = PublicKey(point).to_checksum_address()
        except InvalidSignature as error:
            raise InvalidValue("A public key", public_key.hex(), "an uncompressed point of secp256k1") from error
        self._sign = sign

    def __repr__(self) -> str:
        """Show whose it is, never what it is."""
        return f"TokenKey({self.address})"

    def sign(self, digest: bytes) -> Components:
        """Ask the device, and complete what it answers."""
        return _completed(_checked(digest), *self._sign(digest), self.address)


class RemoteKey:
    """A key behind HTTP: POST ``{"address", "digest"}``, answered by ``{"signature"}``, all in 0x hex.

    A digest is all that leaves; what it is a digest of, the signer cannot tell. Whoever may ask may sign, so the way
    there is https (credentials in the URL are sent as Basic) or does not leave this machine.
    """

    def __init__(self, url: str, address: str, *, seconds: float = _SECONDS) -> None:
        parts = urlsplit(url)
        self._endpoint = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
        if parts.hostname is None or not (
            parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))
        ):
            raise InvalidValue("A remote signer", self._endpoint, "an https address, or http on this machine")
        self.address: Final = checksummed(address)
        self._url, self._seconds = url, seconds

    def __repr__(self) -> str:
        """Show whose it is, never what it is."""
        return f"RemoteKey({self.address} at {self._endpoint})"

    def sign(self, digest: bytes) -> Components:
        """Ask the signer; believe nothing of the answer but a signature that leads to the address."""
        reply = self._ask({"address": self.address, "digest": f"0x{_checked(digest).hex()}"})
        try:
            signature = bytes.fromhex(msgspec.json.decode(reply, type=_Reply).signature.removeprefix("0x"))
        except (msgspec.MsgspecError, ValueError) as error:
            raise self._failed("answered something that is no signature") from error
        if len(signature) not in _SIGNATURE_BYTES:
            raise self._failed(f"answered {len(signature)} bytes instead of a signature")
        r, s = (int.from_bytes(signature[start : start + 32], "big") for start in (0, 32))
        return _completed(digest, r, s, self.address)

    def _ask(self, question: dict[str, str]) -> bytes:
        deadline = time.monotonic() + self._seconds
        with Session() as session:
            session.trust_env = False  # a proxy of the environment must not stand between us and the signer
            try:
                with session.post(
                    self._url, json=question, timeout=self._seconds, stream=True, allow_redirects=False
                ) as response:
                    return self._bounded(response, deadline)
            except (RequestException, HTTPError, OSError):
                pass  # its text quotes the URL, which may carry credentials
        raise self._failed("did not answer")

    def _bounded(self, response: Response, deadline: float) -> bytes:
        """Read an answer that is short and in time: neither a huge one nor one that trickles holds us up."""
        if response.status_code != 200:  # noqa: PLR2004
            raise self._failed(f"refused, with status {response.status_code}")
        reply = bytearray()
        while block := response.raw.read1(_REPLY_BYTES):
            reply += block
            if len(reply) > _REPLY_BYTES:
                raise self._failed(f"answered more than {_REPLY_BYTES} bytes")
            if time.monotonic() > deadline:
                raise self._failed("did not answer in time")
        return bytes(reply)

    def _failed(self, what: str) -> Unreachable:
        return Unreachable(f"The signer at {self._endpoint} {what}.", address=self.address)


class _Reply(msgspec.Struct, frozen=True):
    signature: str


def _completed(digest: bytes, r: int, s: int, address: str) -> Components:
    """Give a bare signature its low s (EIP-2; turning s turns y) and the parity that leads to the address."""
    low = min(s, _ORDER - s)
    for parity in (0, 1):
        try:
            if (
                Signature(vrs=(parity, r, low)).recover_public_key_from_msg_hash(digest).to_checksum_address()
                == address
            ):
                return parity, r, low
        except (BadSignature, InvalidSignature):
            continue
    raise Misconfigured(f"A signature was made by another key than that of {address}.", address=address)


def _checked(digest: bytes) -> bytes:
    if len(digest) != _DIGEST_BYTES:
        raise InvalidValue("A digest", digest.hex(), f"{_DIGEST_BYTES} bytes long")
    return digest


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
