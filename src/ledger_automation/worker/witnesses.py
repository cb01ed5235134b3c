"""Bringing checkpoints to witnesses over HTTP: those that the settings name, and nobody else.

What comes back proves itself by its signature, so http will do where TLS is not at hand. Redirects are not followed, an
answer is read no further than a few signatures need, and a bound for time ends it all, however slowly it is sent.
"""

import time
from typing import Final

import httpx2

from ledger_automation.errors import Unreachable
from ledger_automation.orchestrator.cosign import Reply

_SECONDS: Final = 10.0
_LARGEST: Final = 16 * 2**10
_HEADERS: Final = {"content-type": "text/plain; charset=utf-8", "accept-encoding": "identity"}


class HttpWire:
    """Satisfies `orchestrator.cosign.Wire`."""

    def post(self, url: str, body: bytes) -> Reply:
        """POST to a witness's add-checkpoint."""
        target, until = f"{url.rstrip('/')}/add-checkpoint", time.monotonic() + _SECONDS
        read = bytearray()
        try:
            with (
                httpx2.Client(timeout=_SECONDS, follow_redirects=False, trust_env=False) as client,
                client.stream("POST", target, content=body, headers=_HEADERS) as answer,
            ):
                for block in answer.iter_raw():
                    read += block
                    if len(read) > _LARGEST or time.monotonic() > until:
                        raise Unreachable("It answers too much, or too slowly.")
                return Reply(answer.status_code, answer.headers.get("content-type", ""), bytes(read))
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise Unreachable(f"It does not answer: {type(error).__name__}.") from error
