"""An issuer for development: one persona a role, tokens for whoever asks. Never for a town.

Its key lives in memory and ends with the process. It is an OpenID provider as far as discovery and keys go, so that a
real one can be put in its place; in the same process its keys need no HTTP.
"""

import secrets
import time
from typing import Any, Final

import msgspec
from fastapi import Request, Response
from joserfc import jwt
from joserfc.jwk import ECKey

from ledger_automation.api.body import json_object, members, text
from ledger_automation.api.routes import Route
from ledger_automation.api.tokens import PublicKey, TrustedIssuer
from ledger_automation.errors import InvalidValue

PERSONAS: Final = (
    "applicant-1", "applicant-2", "clerk-1", "clerk-2", "approver-1", "finance-1", "auditor-1", "system-1",
    "administrator-1",
)  # fmt: skip
_HOUR: Final = 3_600
_OWN: Final = {"summary": "For development"}


class DevIssuer:
    """Satisfies `tokens.KeySource` too. ``url`` is its name, ``at`` where it is found, if that is elsewhere."""

    def __init__(self, url: str, audience: str, at: str = "") -> None:
        self._url = url
        self._at = at or url
        self._audience = audience
        self._key = ECKey.generate_key("P-256", {"kid": secrets.token_hex(8), "use": "sig", "alg": "ES256"})
        self._public = ECKey.import_key(self._key.as_dict(private=False))

    def trusted(self) -> TrustedIssuer:
        """Return what a verifier must trust."""
        return TrustedIssuer(self._url, self._audience, ("ES256",))

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
        ]

    async def _configuration(self, _: Request) -> Response:
        return _json({
            "issuer": self._url,
            "jwks_uri": f"{self._at}/jwks",
            "token_endpoint": f"{self._at}/token",
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


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), 200, {"Cache-Control": "no-store"}, "application/json")
