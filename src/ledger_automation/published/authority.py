"""Asking a time-stamping authority over HTTP (RFC 3161 section 3.4): one question, one bounded answer."""

from typing import Final
from urllib.parse import urlsplit

from ledger_automation.errors import InvalidValue, NotFound, Unreachable
from ledger_automation.published.web import ask, client

LARGEST: Final = 1 << 16
"""Octets: a token with its certificates has some five thousand."""

_QUERY: Final = "application/timestamp-query"


def ask_authority(url: str, query: bytes) -> bytes:
    """Return an authority's answer to a query, not verified; raises InvalidValue for what is no URL, Unreachable."""
    if not url.startswith(("https://", "http://")) or not _has_host(url):
        raise InvalidValue("An authority's address", url, "an http(s) URL")
    with client(url) as server:
        try:
            answer = ask(server, "POST", url, LARGEST, content=query, headers={"Content-Type": _QUERY})
        except NotFound as error:
            raise Unreachable(error.sentence, url=url) from error
    if len(answer) > LARGEST:
        raise Unreachable(f"The server answered more than {LARGEST} octets for {url}.", url=url)
    return answer


def _has_host(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False
