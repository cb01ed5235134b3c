"""Who calls: bearer tokens of trusted issuers, checked after RFC 8725 (JSON Web Token best current practices).

    1. it is small, and a compact JWS                         RFC 7515 section 3.1
    2. its issuer is one that is trusted                      RFC 8725 section 3.8
    3. its algorithm is asymmetric and on the issuer's list   section 3.1; `none` and HMAC cannot be listed
    4. its key is the issuer's own, by `kid`                  section 3.10: jku, x5u, jwk and x5c are not followed
    5. the signature holds, with a key of the right kind      section 3.5
    6. it is meant for us, holds now, and names somebody      sections 3.9 and 3.11
    7. it says what the operator asks for besides             `scope` (RFC 9068), `acr` (RFC 9470)

A token that was verified is remembered for a minute at most, so that a key that an issuer takes back ends soon, and a
second request costs a digest. What a caller may do is not asked of the token: that is `orchestrator.decide`'s.
"""

import re
import time
from base64 import urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Final, Protocol

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from ledger_automation.canonical import parse
from ledger_automation.errors import LedgerError, Misconfigured, Unauthenticated
from ledger_automation.orchestrator.asked import Identity

ALGORITHMS: Final = ("ES256", "ES384", "Ed25519", "EdDSA", "PS256", "RS256")
_TYPES: Final = (None, "JWT", "at+jwt", "application/at+jwt")
_LONGEST: Final = 8_192
_SUBJECT: Final = 255
_LEEWAY: Final = 30
_REMEMBERED: Final = 60
_MOST: Final = 10_000
LEAST_RSA_BITS: Final = 3_072
"""128 bits of security (NIST SP 800-57 part 1, table 2; BSI TR-02102-1 asks for 3,000); an operator may say less."""

_LEAST_RSA_BITS_AT_ALL: Final = 2_048
_URL: Final = re.compile(r"https://[^/?#@\s]+(/[^?#\s]*)?|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/[^?#\s]*)?")

_SCOPE: Final = re.compile(r"[!#-\[\]-~]*")
_COMPACT: Final = re.compile(r"([\w-]+)\.([\w-]+)\.[\w-]+", re.ASCII)

PublicKey = ECKey | OKPKey | RSAKey


class TrustedIssuer(msgspec.Struct, frozen=True):
    """An issuer whose tokens are believed, if they are meant for the audience and signed by one of the algorithms.

    A token must carry the ``scope``, and one of the ``acr`` (how strongly somebody signed in), where these are given.

    Raises Misconfigured for a URL that is not https (loopback aside), for an algorithm that is not asymmetric, for RSA
    keys of less than 2,048 bits, and for a scope that is none.
    """

    issuer: str
    audience: str
    algorithms: tuple[str, ...] = ALGORITHMS
    rsa_bits: int = LEAST_RSA_BITS
    scope: str = ""
    acr: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check what an operator wrote."""
        if not _URL.fullmatch(self.issuer):
            raise Misconfigured(f"The issuer {self.issuer} is no https URL.", issuer=self.issuer)
        if not self.audience or not self.algorithms or not set(self.algorithms) <= set(ALGORITHMS):
            raise Misconfigured(
                f"The issuer {self.issuer} needs an audience and algorithms of {', '.join(ALGORITHMS)}."
            )
        if self.rsa_bits < _LEAST_RSA_BITS_AT_ALL:
            raise Misconfigured(f"An RSA key of less than {_LEAST_RSA_BITS_AT_ALL} bits signs nothing.")
        if not _SCOPE.fullmatch(self.scope):
            raise Misconfigured(f"The scope {self.scope!r} is not one scope (RFC 6749, section 3.3).")


class KeySource(Protocol):
    """Where an issuer's public keys come from."""

    async def key(self, issuer: str, kid: str | None) -> PublicKey | None:
        """Return the issuer's key of that id; without an id its only one. Raises Unreachable."""
        ...


class TokenVerifier:
    """Verifies tokens; belongs to one event loop."""

    def __init__(
        self, issuers: Sequence[TrustedIssuer], keys: KeySource, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._issuers = {each.issuer: each for each in issuers}
        self._keys = keys
        self._clock = clock
        self._verified: OrderedDict[bytes, tuple[Identity, float]] = OrderedDict()

    async def verify(self, token: str) -> Identity:
        """Return who a token speaks of; raises Unauthenticated, Unreachable where nobody knows its issuer's keys."""
        if len(token) > _LONGEST:
            raise _bad("too long")
        digest, now = sha256(token.encode("utf-8", "replace")).digest(), self._clock()
        identity, until = self._verified.get(digest, (None, 0.0))
        if identity is not None and now < until:
            return identity
        identity, expires = await self._verify(token, now)
        self._verified[digest] = (identity, min(expires, now + _REMEMBERED))
        if len(self._verified) > _MOST:
            self._verified.popitem(last=False)
        return identity

    async def _verify(self, token: str, now: float) -> tuple[Identity, float]:
        header, claims = _parts(token)
        issuer = self._issuers.get(claims["iss"]) if isinstance(claims.get("iss"), str) else None
        if issuer is None:
            raise _bad("unknown issuer")
        if header.get("alg") not in issuer.algorithms:
            raise _bad("algorithm not allowed")
        if header.get("typ") not in _TYPES:
            raise _bad("not an access token")
        kid = header.get("kid")
        if kid is not None and not isinstance(kid, str):
            raise _bad("malformed")
        key = await self._keys.key(issuer.issuer, kid)
        if key is None:
            raise _bad("unknown key")
        _insist_on_signature(token, key, header["alg"], issuer.rsa_bits)
        return _holder(claims, issuer, now)


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read header and claims strictly, to see whose they say they are; nothing is believed yet."""
    compact = _COMPACT.fullmatch(token)
    if compact is None:
        raise _bad("malformed")
    try:
        header, claims = (parse(urlsafe_b64decode(part + "==")) for part in compact.groups())
    except (LedgerError, ValueError):
        raise _bad("malformed") from None
    if not isinstance(header, dict) or not isinstance(claims, dict) or "crit" in header or "b64" in header:
        raise _bad("malformed")
    return header, claims


def _insist_on_signature(token: str, key: PublicKey, algorithm: str, rsa_bits: int) -> None:
    if isinstance(key, RSAKey) and key.raw_value.key_size < rsa_bits:
        raise _bad("weak key")
    if key.get("alg", algorithm) != algorithm or key.get("use", "sig") != "sig":
        raise _bad("key is for something else")
    try:
        jws.deserialize_compact(token, key, algorithms=[algorithm])
    except (JoseError, ValueError):
        raise _bad("signature does not hold") from None


def _holder(claims: dict[str, Any], issuer: TrustedIssuer, now: float) -> tuple[Identity, float]:
    audiences = claims.get("aud")
    if issuer.audience not in (audiences if isinstance(audiences, list) else [audiences]):
        raise _bad("meant for somebody else")
    expires, starts, issued = (_moment(claims, name) for name in ("exp", "nbf", "iat"))
    if expires is None:
        raise _bad("never expires")
    if now >= expires:
        raise _bad("expired")
    if max(starts or 0, issued or 0) > now + _LEEWAY:
        raise _bad("not valid yet")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= _SUBJECT or "\0" in subject:
        raise _bad("names nobody")
    _insist_on_delegation(claims, issuer)
    return Identity(issuer.issuer, subject), float(expires)


def _insist_on_delegation(claims: dict[str, Any], issuer: TrustedIssuer) -> None:
    """Refuse a token that says less than the operator asks for, or is limited in a way that nothing here can honour."""
    if "authorization_details" in claims:  # RFC 9396: whoever does not understand a limit must not pass over it
        raise _bad("limited to details that are not understood")
    scopes = claims.get("scope", "")
    if issuer.scope and not (isinstance(scopes, str) and issuer.scope in scopes.split(" ")):
        raise _bad("not of the scope that is asked for")
    if issuer.acr and claims.get("acr") not in issuer.acr:
        raise _bad("not signed in as strongly as is asked for")


def _moment(claims: dict[str, Any], name: str) -> int | None:
    value = claims.get(name)
    if value is not None and type(value) is not int:
        raise _bad("malformed")
    return value


def _bad(reason: str) -> Unauthenticated:
    return Unauthenticated(f"The bearer token does not hold: {reason}.", reason)
