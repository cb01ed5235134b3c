"""What a browser brings of a passkey, held against what it was asked for (WebAuthn level 3).

    registered   a new passkey (section 7.1): its credential and its public key
    asserted     a signature (section 7.2), as OpenZeppelin's ERC7913WebAuthnVerifier takes it

Both hold the client's data (kind, challenge, origin) and the authenticator's (host, user present and verified) against
what the page asked for; the contract asks for less: it knows no origin. An attestation is neither asked for nor looked
at: whichever device holds the key, the contract's admin decides whether it gets a seat.

The key comes in the one form that CTAP2 allows for ES256 (canonical CBOR: 77 bytes, of which 64 are the point), so no
CBOR is read here. What this does not do: it counts no signatures (`signCount` is 0 for passkeys that are synchronised).
"""

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from ledger_automation.canonical.jcs import parse
from ledger_automation.errors import CanonicalError, NotSigned

LONGEST_CLIENT_DATA: Final = 1_024
"""Bytes of a client's data: the office pays for each that goes to the contract."""

LONGEST_AUTHENTICATOR_DATA: Final = 256
"""The same, of an authenticator's: 37, and what extensions say."""

LONGEST_CREDENTIAL: Final = 1_023
"""Bytes (section 4, "credential ID")."""

_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_PRESENT, _VERIFIED, _ELIGIBLE, _BACKED_UP, _ATTESTED, _EXTENDED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
_PLAIN: Final = 37
_ID_AT: Final = 55
_X_HEAD: Final = bytes.fromhex("a5010203262001215820")
"""Map of five: key type EC2, algorithm ES256, curve P-256, and x of 32 bytes (RFC 9053, sections 2.1 and 7.1)."""

_Y_HEAD: Final = bytes.fromhex("225820")
_COORDINATE: Final = 32


class Wanted(NamedTuple):
    """What a passkey was asked for: a challenge, on the pages of an origin."""

    challenge: bytes
    origin: str

    @classmethod
    def on(cls, url: str, challenge: bytes) -> "Wanted":
        """Return what is asked for on the pages under a URL."""
        parts = urlsplit(url)
        return cls(challenge, f"{parts.scheme}://{parts.netloc}")

    @property
    def host(self) -> str:
        """The relying party's id."""
        return urlsplit(self.origin).hostname or ""


class Assertion(NamedTuple):
    """What a passkey answered to `navigator.credentials.get`."""

    client: bytes
    authenticator: bytes
    signature: bytes


def unpadded(octets: bytes) -> str:
    """Write bytes as WebAuthn's JSON does: base64url without padding."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def registered(client: bytes, authenticator: bytes, wanted: Wanted) -> tuple[bytes, bytes]:
    """Return credential and public key (x . y) of a new passkey; raises NotSigned."""
    _insist_on_client(client, "webauthn.create", wanted)
    flags = _flags(authenticator, wanted)
    if not flags & _ATTESTED:
        raise NotSigned("no key came with it")
    length = int.from_bytes(authenticator[_ID_AT - 2 : _ID_AT], "big")
    credential, rest = authenticator[_ID_AT : _ID_AT + length], authenticator[_ID_AT + length :]
    if not 0 < length <= LONGEST_CREDENTIAL or len(credential) != length:
        raise NotSigned("the credential is cut off or too long")
    x_at = len(_X_HEAD)
    y_at = x_at + _COORDINATE + len(_Y_HEAD)
    x, y, more = rest[x_at : x_at + _COORDINATE], rest[y_at : y_at + _COORDINATE], rest[y_at + _COORDINATE :]
    if rest != b"".join((_X_HEAD, x, _Y_HEAD, y, more)) or len(y) != _COORDINATE:
        raise NotSigned("the key is none for ES256 on P-256")
    if more and not flags & _EXTENDED:
        raise NotSigned("something follows the key")
    _point(x + y)
    return credential, x + y


def asserted(key: bytes, answer: Assertion, wanted: Wanted) -> bytes:
    """Return a signature as the verifier on the chain takes it; raises NotSigned."""
    client, authenticator, signature = answer
    _insist_on_client(client, "webauthn.get", wanted)
    flags = _flags(authenticator, wanted)
    longest = LONGEST_AUTHENTICATOR_DATA if flags & _EXTENDED else _PLAIN
    if flags & _ATTESTED or len(authenticator) > longest:
        raise NotSigned("the authenticator's data say more than a signature's do")
    try:
        _point(key).verify(signature, authenticator + sha256(client).digest(), ec.ECDSA(SHA256()))
        r, s = decode_dss_signature(signature)
    except (InvalidSignature, ValueError):
        raise NotSigned("the signature is not the passkey's") from None
    return _in_abi(r, min(s, _ORDER - s), authenticator, client, wanted.challenge)


def _insist_on_client(octets: bytes, kind: str, wanted: Wanted) -> None:
    """Hold the client's data against what was asked for (7.1 steps 7 to 11, 7.2 steps 10 to 14)."""
    if len(octets) > LONGEST_CLIENT_DATA:
        raise NotSigned("the client's data are too long")
    try:
        said = parse(octets)
    except CanonicalError:
        raise NotSigned("the client's data are no plain JSON") from None
    if not isinstance(said, dict) or said.get("type") != kind:
        raise NotSigned("it is an answer to something else")
    if said.get("challenge") != unpadded(wanted.challenge):
        raise NotSigned("the challenge is another one")
    if said.get("origin") != wanted.origin or said.get("crossOrigin", False) is not False:
        raise NotSigned("it was given on another site")


def _flags(octets: bytes, wanted: Wanted) -> int:
    """Hold the authenticator's data against the host, and return its flags (7.1 steps 13 to 17, 7.2 steps 15 to 19)."""
    if len(octets) < _PLAIN:
        raise NotSigned("the authenticator's data are cut off")
    if octets[:32] != sha256(wanted.host.encode()).digest():
        raise NotSigned("the passkey is for another host")
    flags = octets[32]
    if not flags & _PRESENT or not flags & _VERIFIED:
        raise NotSigned("nobody showed the passkey who he is")
    if flags & _BACKED_UP and not flags & _ELIGIBLE:
        raise NotSigned("a passkey that cannot be backed up says that it was")
    return flags


def _point(key: bytes) -> ec.EllipticCurvePublicKey:
    """Return a public key; raises NotSigned for a point that is not on the curve."""
    x, y = (int.from_bytes(key[at : at + _COORDINATE], "big") for at in (0, _COORDINATE))
    try:
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError:
        raise NotSigned("the key is no point on P-256") from None


def _in_abi(r: int, s: int, authenticator: bytes, client: bytes, challenge: bytes) -> bytes:
    """Write OpenZeppelin's `WebAuthnAuth`: r, s, where challenge and type stand, then both data (Solidity's ABI)."""
    try:
        places = client.index(f'"challenge":"{unpadded(challenge)}"'.encode()), client.index(b'"type":"webauthn.get"')
    except ValueError:
        raise NotSigned("the client's data are spaced as no contract reads them") from None
    first = _counted(authenticator)
    head = (r, s, *places, 6 * 32, 6 * 32 + len(first))
    return b"".join(each.to_bytes(32, "big") for each in head) + first + _counted(client)


def _counted(octets: bytes) -> bytes:
    return len(octets).to_bytes(32, "big") + octets + bytes(-len(octets) % 32)
