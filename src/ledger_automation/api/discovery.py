"""An issuer's public keys, found by OpenID Connect Discovery 1.0 (section 4) and kept for a while.

What is fetched is fetched from the issuer's own host, over https (loopback aside), without following a redirect, of
bounded size and time: a document that names another place makes us call nobody there (R17). An unknown key id makes us
look again, but not more often than every half minute, or a stranger's tokens would be our flood upon the issuer. While
an issuer is away its keys are believed for an hour more.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey, import_key

from ledger_automation.api.tokens import PublicKey
from ledger_automation.canonical import parse
from ledger_automation.errors import LedgerError, Unreachable

_FRESH: Final = 600.0
_STALE: Final = 3_600.0
_PATIENCE: Final = 30.0
_SECONDS: Final = 5.0
_LARGEST: Final = 256 * 1024
_KINDS: Final = ("application/json", "application/jwk-set+json")
_ASKED: Final = {"Accept": ", ".join(_KINDS), "Accept-Encoding": "identity"}  # packed, a little can be very much


class _Known(NamedTuple):
    keys: KeySet
    since: float


class DiscoveredKeys:
    """Satisfies `tokens.KeySource`; belongs to one event loop."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._asked: dict[str, float] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def key(self, issuer: str, kid: str | None) -> PublicKey | None:
        """Return a key, fetched if it is not known or not fresh; raises Unreachable where none is known at all."""
        now, known = self._clock(), self._known.get(issuer)
        if known is None or now - known.since > _FRESH or _pick(known.keys, kid) is None:
            async with self._turns.setdefault(issuer, asyncio.Lock()):
                await self._refresh(issuer, known)
            known = self._known.get(issuer)
        if known is None or self._clock() - known.since > _FRESH + _STALE:
            raise Unreachable("The issuer of the token does not show its keys; nobody can be let in now.")
        return _pick(known.keys, kid)

    async def _refresh(self, issuer: str, before: _Known | None) -> None:
        """Fetch, unless somebody just did."""
        now = self._clock()
        if self._known.get(issuer) is not before or now - self._asked.get(issuer, -_PATIENCE) < _PATIENCE:
            return
        self._asked[issuer] = now
        try:
            keys = await asyncio.wait_for(_fetch(issuer), _SECONDS)
        except (httpx2.HTTPError, LedgerError, JoseError, TimeoutError, ValueError, KeyError, TypeError):
            return  # what is known stays known, for a while
        self._known[issuer] = _Known(keys, now)


async def _fetch(issuer: str) -> KeySet:
    async with httpx2.AsyncClient(follow_redirects=False, timeout=_SECONDS) as client:
        found = await read_document(client, f"{issuer.rstrip('/')}/.well-known/openid-configuration", issuer)
        if found["issuer"] != issuer:
            raise ValueError("another issuer's document")
        return _usable((await read_document(client, found["jwks_uri"], issuer))["keys"])


def _usable(given: list[Any]) -> KeySet:
    """Return the public keys that are understood; others are ignored, as RFC 7517 (section 5) wants it."""
    usable: list[Any] = []
    for each in given:
        with suppress(JoseError, ValueError, KeyError, TypeError, AttributeError):
            key = import_key(each)
            if isinstance(key, ECKey | OKPKey | RSAKey) and key.public_key is not None:
                usable.append(key)
    return KeySet(usable)


async def read_document(
    client: httpx2.AsyncClient, url: Any, home: str, *, form: dict[str, str] | None = None, auth: Any = None
) -> Any:
    """Ask an issuer for a JSON document, or send it a form, at its own host; raises ValueError and httpx2.HTTPError."""
    if not isinstance(url, str) or urlsplit(url)[:2] != urlsplit(home)[:2]:  # scheme and host
        raise ValueError("a document of another host")
    octets = bytearray()
    async with client.stream("POST" if form else "GET", url, headers=_ASKED, data=form, auth=auth) as answer:
        kind = answer.headers.get("content-type", "").partition(";")[0].strip()
        if answer.status_code != httpx2.codes.OK or kind not in _KINDS or "content-encoding" in answer.headers:
            raise ValueError("no JSON document")
        async for block in answer.aiter_raw():
            octets += block
            if len(octets) > _LARGEST:
                raise ValueError("too large")
    return parse(bytes(octets))


def _pick(keys: KeySet, kid: str | None) -> PublicKey | None:
    found: list[Any] = [key for key in keys if kid is None or key.kid == kid]
    return found[0] if len(found) == 1 else None
