"""An issuer for development: one persona a role, tokens for whoever asks. Never for a town.

Its key lives in memory and ends with the process. It is an OpenID provider as far as discovery, keys and signing in by
a browser go, so that a real one can be put in its place; in the same process its keys need no HTTP. Whoever signs in
chooses a persona where a real provider would ask for a password; its codes are good once, for a minute, and for whoever
has the verifier (RFC 7636).
"""

import secrets
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from html import escape
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
from fastapi import Request, Response
from joserfc import jwt
from joserfc.jwk import ECKey

from ledger_automation.api.body import json_object, members, octets, text
from ledger_automation.api.routes import Route
from ledger_automation.api.sign_in import Client
from ledger_automation.api.tokens import PublicKey, TrustedIssuer
from ledger_automation.errors import InvalidValue

PERSONAS: Final = (
    "applicant-1", "applicant-2", "clerk-1", "clerk-2", "approver-1", "approver-2", "finance-1", "auditor-1",
    "system-1", "administrator-1",
)  # fmt: skip
CLIENT: Final = "ledger-pages"
_HOUR: Final = 3_600
_MINUTE: Final = 60
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_LOOKS: Final = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_PAGE: Final = """<!doctype html>
<html lang="de"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Wer sind Sie? (Entwicklung)</title></head>
<body><main><h1>Wer sind Sie?</h1><p>Nur für die Entwicklung: hier wird niemand nach einem Passwort gefragt.</p>
<ul>%s</ul></main></body></html>
"""
_OWN: Final = {"summary": "For development"}


class _Begun(NamedTuple):
    """A code that was given out: for whom, to whom, against which verifier, until when."""

    persona: str
    back: str
    challenge: str
    until: float


class DevIssuer:
    """Satisfies `tokens.KeySource` too. ``url`` is its name, ``at`` where it is found, if that is elsewhere."""

    def __init__(self, url: str, audience: str, at: str = "") -> None:
        self._url = url
        self._at = at or url
        self._audience = audience
        self._key = ECKey.generate_key("P-256", {"kid": secrets.token_hex(8), "use": "sig", "alg": "ES256"})
        self._public = ECKey.import_key(self._key.as_dict(private=False))
        self._codes: dict[str, _Begun] = {}

    def trusted(self) -> TrustedIssuer:
        """Return what a verifier must trust."""
        return TrustedIssuer(self._url, self._audience, ("ES256",))

    def client(self) -> Client:
        """Return what the pages are to it."""
        return Client(self._url, CLIENT, found_at=self._at)

    async def key(self, issuer: str, kid: str | None) -> PublicKey | None:
        """Return the public key."""
        return self._public if issuer == self._url and kid == self._key.kid else None

    def token(self, subject: str, seconds: int = _HOUR) -> str:
        """Issue a token."""
        now = int(time.time())
        claims = {"iss": self._url, "sub": subject, "aud": self._audience, "iat": now, "exp": now + seconds}
        return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": self._key.kid}, claims, self._key)

    def routes(self) -> list[Route]:
        """Return the issuer's own routes; its URL ends with their first part."""
        return [
            Route(
                "GET",
                "/dev/.well-known/openid-configuration",
                "dev.configuration",
                self._configuration,
                _OWN,
                public=False,
            ),
            Route("GET", "/dev/jwks", "dev.jwks", self._keys, _OWN, public=False),
            Route("POST", "/dev/token", "dev.token", self._issue, _OWN, public=False),
            Route("GET", "/dev/authorize", "dev.authorize", self._authorize, _OWN, public=False),
            Route("POST", "/dev/redeem", "dev.redeem", self._redeem, _OWN, public=False),
        ]

    async def _configuration(self, _: Request) -> Response:
        return _json({
            "issuer": self._url,
            "jwks_uri": f"{self._at}/jwks",
            "authorization_endpoint": f"{self._at}/authorize",
            "token_endpoint": f"{self._at}/redeem",
            "id_token_signing_alg_values_supported": ["ES256"],
        })  # fmt: skip

    async def _keys(self, _: Request) -> Response:
        return _json({"keys": [self._public.as_dict()]})

    async def _issue(self, request: Request) -> Response:
        _, value = await json_object(request)
        persona = text(members(value, frozenset({"persona"})).get("persona"), "persona")
        if persona not in PERSONAS:
            raise InvalidValue("A persona", persona, f"one of {', '.join(PERSONAS)}")
        return _json({"access_token": self.token(persona), "token_type": "Bearer", "expires_in": _HOUR})

    async def _authorize(self, request: Request) -> Response:
        """Ask who somebody is; once he said so, send him back with a code."""
        asked = dict(request.query_params)
        back = asked.get("redirect_uri", "")
        if asked.get("client_id") != CLIENT or urlsplit(back).hostname not in _LOOPBACK:
            raise InvalidValue("redirect_uri", back, f"this machine's, for the client {CLIENT}")
        if asked.get("response_type") != "code" or asked.get("code_challenge_method") != "S256":
            raise InvalidValue("response_type", asked.get("response_type"), "code, with a challenge by S256")
        persona = asked.get("persona")
        if persona not in PERSONAS:
            links = (f"?{urlencode(asked | {'persona': each})}" for each in PERSONAS)
            rows = (f'<li><a href="{escape(at)}">{who}</a></li>' for at, who in zip(links, PERSONAS, strict=True))
            return Response(_PAGE % "\n".join(rows), 200, _LOOKS, "text/html; charset=utf-8")
        now = time.monotonic()
        self._codes = {code: each for code, each in self._codes.items() if each.until > now}
        code = secrets.token_urlsafe(24)
        self._codes[code] = _Begun(persona, back, asked.get("code_challenge", ""), now + _MINUTE)
        given = urlencode({"code": code, "state": asked.get("state", ""), "iss": self._url})
        return Response(None, 303, {"Location": f"{back}?{given}", "Cache-Control": "no-store"})

    async def _redeem(self, request: Request) -> Response:
        """Give a token for a code, once, to whoever has the verifier."""
        form = dict(parse_qsl((await octets(request)).decode("utf-8", "replace")))
        begun = self._codes.pop(form.get("code", ""), None)
        digest = sha256(form.get("code_verifier", "").encode()).digest()
        challenge = urlsafe_b64encode(digest).decode().rstrip("=")
        given = form.get("grant_type"), form.get("client_id"), form.get("redirect_uri"), challenge
        if (
            begun is None
            or begun.until <= time.monotonic()
            or given != ("authorization_code", CLIENT, begun.back, begun.challenge)
        ):
            return _json({"error": "invalid_grant"}, 400)
        return _json({"access_token": self.token(begun.persona), "token_type": "Bearer", "expires_in": _HOUR})


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, {"Cache-Control": "no-store"}, "application/json")
