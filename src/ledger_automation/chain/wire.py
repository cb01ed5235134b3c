"""JSON-RPC over HTTP to a node that may be bad: every reply is bounded in size and in time (spec/faults.md, C20).

web3's own retries are off (C03): they include eth_sendRawTransaction, and repeating is the business of whoever has
stored the bytes. Proxies of the environment stand between us and our own machine only by mistake, so a loopback address
is asked directly.
"""

import time
from io import BytesIO
from typing import Any, Final

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ReadTimeout
from urllib3.exceptions import HTTPError
from web3 import HTTPProvider

from ledger_automation.rpc.wire import is_loopback

SECONDS: Final = 10
LARGEST: Final = 8 * 1024 * 1024
"""Octets. Nothing that is asked here answers with a tenth of it."""


class _Bounded(HTTPAdapter):
    """Reads a reply itself, so that neither a long one nor a slow one is waited for to its end."""

    def send(self, request: PreparedRequest, *arguments: Any, **options: Any) -> Response:
        """Send a request; raises what requests raises for a node that does not answer."""
        give_up = time.monotonic() + SECONDS
        response = super().send(request, *arguments, **options)
        body = bytearray()
        try:
            while part := response.raw.read1(1 << 16, decode_content=True):
                body += part
                if len(body) > LARGEST:
                    raise RequestsConnectionError(f"the reply is larger than {LARGEST} octets")
                if time.monotonic() > give_up:
                    raise ReadTimeout(f"the reply was not complete within {SECONDS} s")
        except HTTPError as error:
            raise RequestsConnectionError("the reply broke off") from error
        finally:
            response.close()
        response.raw = BytesIO(body)
        return response


def http(url: str) -> HTTPProvider:
    """Return a provider for one node."""
    session = Session()
    session.trust_env = not is_loopback(url)
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Bounded())
    asked = {"timeout": SECONDS, "allow_redirects": False}  # a bad node must not send us anywhere else
    return HTTPProvider(url, asked, session=session, exception_retry_configuration=None)
