"""Signing in by a browser: OpenID Connect's authorization code flow with PKCE (RFC 6749 section 4.1, RFC 7636).

    begin    the browser is sent to the issuer with a fresh state and the digest of a fresh verifier
    finish   it comes back with the state and a code; we redeem the code with the verifier, and believe the access
             token that we get exactly as one that was sent with a request (`tokens`, RFC 9068)

State and verifier lie with the browser meanwhile, in a cookie that no script can read: whoever comes back with another
browser's state has no such cookie (RFC 9700, section 4.7). The issuer is asked on its own host only (`discovery`).

What the issuer says of itself is believed for ten minutes: else whoever calls `/anmelden` often would be our flood upon
it. Where it sends browsers is a URL of its scheme and nothing besides: it becomes a header of ours.

What this does not do: it begins no session (`orchestrator.session`), and keeps no token of the issuer.
"""

import asyncio
import secrets
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode, urlsplit

import httpx2

from ledger_automation.api.discovery import read_document
from ledger_automation.api.tokens import TokenVerifier
from ledger_automation.errors import LedgerError, Unauthenticated, Unreachable
from ledger_automation.orchestrator.asked import Identity

_SECONDS: Final = 5.0
_FRESH: Final = 600.0


class Client(NamedTuple):
    """Us, as the issuer knows us. ``issuer`` is its name, ``found_at`` where it is, if that is elsewhere."""

    issuer: str
    client_id: str
    secret: str = ""
    scope: str = ""
    found_at: str = ""


class CodeFlow:
    """Satisfies `web.visits.SignIn`."""

    def __init__(self, client: Client, tokens: TokenVerifier) -> None:
        self._client = client
        self._at = (client.found_at or client.issuer).rstrip("/")
        self._tokens = tokens
        self._known: tuple[float, dict[str, str]] | None = None
        self._question: asyncio.Future[dict[str, str]] | None = None

    async def begin(self, back: str) -> tuple[str, str]:
        """Return where to send the browser, and what it must come ``back`` with beside; raises Unreachable."""
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        asked = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": back,
            "scope": " ".join(filter(None, ("openid", self._client.scope))),
            "state": state,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        at = (await self._said())["authorization_endpoint"]
        return f"{at}{'&' if '?' in at else '?'}{urlencode(asked)}", f"{state}.{verifier}"

    async def finish(self, back: str, answer: dict[str, str], kept: str) -> Identity:
        """Return who signed in; raises Unauthenticated, Unreachable."""
        state, _, verifier = kept.partition(".")
        if not verifier or not secrets.compare_digest(answer.get("state", "").encode(), state.encode()):
            raise Unauthenticated("This sign-in was not begun by this browser.", "another browser's state")
        if answer.get("iss", self._client.issuer) != self._client.issuer:  # RFC 9207: no other issuer's code
            raise Unauthenticated("Another issuer answered.", "another issuer")
        if not answer.get("code"):
            raise Unauthenticated("The issuer let nobody in.", "no code")
        redeemed = {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": back,
            "client_id": self._client.client_id,
            "code_verifier": verifier,
        }
        token = await self._redeem((await self._said())["token_endpoint"], redeemed)
        return await self._tokens.verify(token)

    async def _redeem(self, at: str, form: dict[str, str]) -> str:
        credentials = httpx2.BasicAuth(self._client.client_id, self._client.secret) if self._client.secret else None
        said = await _asking(at, self._at, form=form, auth=credentials)
        token = said.get("access_token")
        if not isinstance(token, str):
            raise Unauthenticated("The issuer gave no token for the code.", "no token")
        return token

    async def _said(self) -> dict[str, str]:
        """Return the issuer's document, with the places that are needed of it; asks for it where it is not fresh."""
        if self._known is None or time.monotonic() - self._known[0] > _FRESH:
            if self._question is None or self._question.done():  # whoever comes meanwhile waits for the same answer
                self._question = asyncio.ensure_future(self._asked())
            self._known = time.monotonic(), await asyncio.shield(self._question)
        return self._known[1]

    async def _asked(self) -> dict[str, str]:
        said = await _asking(f"{self._at}/.well-known/openid-configuration", self._at)
        places = ("authorization_endpoint", "token_endpoint")
        if said.get("issuer") != self._client.issuer or not all(_is_place(said.get(each), self._at) for each in places):
            raise Unreachable("The issuer does not say how to sign in.")
        return said


async def _asking(url: str, home: str, **more: Any) -> dict[str, Any]:
    try:
        async with httpx2.AsyncClient(follow_redirects=False, timeout=_SECONDS) as client:
            said = await asyncio.wait_for(read_document(client, url, home, **more), _SECONDS)
    except (httpx2.HTTPError, LedgerError, TimeoutError, ValueError) as error:
        raise Unreachable("The issuer does not answer as one does; nobody can sign in now.") from error
    if not isinstance(said, dict):
        raise Unreachable("The issuer does not answer as one does; nobody can sign in now.")
    return said


def _is_place(url: Any, home: str) -> bool:
    plain = isinstance(url, str) and url.isascii() and url.isprintable() and " " not in url
    return plain and urlsplit(url).scheme == urlsplit(home).scheme


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
