"""Bringing deliveries to receivers over HTTPS, and to nobody else (R17: server-side request forgery).

A receiver's host must be on the operator's list. Its name is resolved here, once; every address must be a public one,
and the connection goes to the very address that was looked at, so that a name that answers differently the second time
leads nowhere. A host that the list itself gives as an address may be a private one: then the operator has said so.
Redirects are not followed, an answer's body is not read, and ten seconds end it all.
"""

import ipaddress
import socket
from typing import Final
from urllib.parse import SplitResult, urlsplit

import httpx2

from ledger_automation.errors import Forbidden, NotFound, Unreachable

_SECONDS: Final = 10.0
_GONE: Final = 410


class HttpCourier:
    """Satisfies `orchestrator.webhooks.Courier`; ``hosts`` are names, or addresses, that receivers may lie on."""

    def __init__(self, hosts: frozenset[str]) -> None:
        self._hosts = hosts
        self._trusted = httpx2.create_ssl_context(trust_env=False)  # 20 ms: once, not for each delivery

    def deliver(self, url: str, headers: dict[str, str], body: bytes) -> None:
        """POST it; a status of 2xx is success."""
        parts = urlsplit(url)
        address = self._address(parts)
        port = f":{parts.port}" if parts.port else ""
        shown = f"[{address}]" if ":" in address else address
        target = parts._replace(netloc=f"{shown}{port}").geturl()
        sent = {**headers, "host": parts.netloc}
        try:
            with (
                httpx2.Client(
                    timeout=_SECONDS, follow_redirects=False, trust_env=False, verify=self._trusted
                ) as client,
                client.stream(
                    "POST", target, content=body, headers=sent, extensions={"sni_hostname": parts.hostname}
                ) as answer,
            ):
                status = answer.status_code
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise Unreachable(f"The receiver does not answer: {type(error).__name__}.") from error
        if status == _GONE:
            raise NotFound("The receiver is gone for good (410).")
        if not httpx2.codes.is_success(status):
            raise Unreachable(f"The receiver answered {status}.")

    def _address(self, parts: SplitResult) -> str:
        """Choose the address to connect to; raises Forbidden for a host that is not to be spoken to."""
        host = parts.hostname or ""
        if host not in self._hosts:
            raise Forbidden("The receiver's host is not on the list of those that may be told.")
        literal = _address(host)
        if literal is not None:
            return host
        if parts.scheme != "https":
            raise Forbidden("A receiver is told over https only.")
        try:
            found = {str(each[4][0]) for each in socket.getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)}
        except OSError as error:
            raise Unreachable("The receiver's name leads nowhere.") from error
        for each in sorted(found):
            address = _address(each)
            if address is None or not address.is_global or address.is_multicast:
                raise Forbidden("The receiver's name leads to an address that is not a public one.")
        return min(found)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
