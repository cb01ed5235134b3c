"""Where a request comes from, also behind the town's own reverse proxies (`LEDGER_PROXIES`).

`X-Forwarded-For` is read from its end, since each proxy adds there whom it saw: for as long as the one who speaks is a
proxy of ours, the one before it counts, and the first that is none is the sender. What stands before that, anybody may
have written. Without proxies, or from a stranger, the header is not looked at.

What this does not do: read `Forwarded` (RFC 7239) or any other header, or believe a proxy who somebody is.
"""

from collections.abc import Collection, Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

Address = IPv4Address | IPv6Address
Networks = Collection[IPv4Network | IPv6Network]

_HEADER = b"x-forwarded-for"


def sender(scope: Scope, proxies: Networks = ()) -> str:
    """Return where a request comes from; of IPv6 the network, since everybody has as many addresses as he likes."""
    peer = str((scope.get("client") or ("",))[0])
    address = _read(peer)
    if address is None:
        return peer
    before = _hops(scope) if proxies else iter(())
    while any(address in each for each in proxies):
        hop = _read(next(before, ""))
        if hop is None:  # our proxy did not say whom it saw, so that all that come through it are one
            break
        address = hop
    return str(IPv6Network((address, 64), strict=False) if isinstance(address, IPv6Address) else address)


def _hops(scope: Scope) -> Iterator[str]:
    """Yield what the header says, the last first; several headers are one list (RFC 9110, section 5.3)."""
    for name, value in reversed(scope["headers"]):
        if name == _HEADER:
            yield from reversed(value.decode("latin-1").split(","))


def _read(text: str) -> Address | None:
    """Read an address, with or without a port; one of IPv4 in IPv6's clothes is the former. None for what is none."""
    text = text.strip()
    host, colon, port = text.rpartition(":")
    if colon and port.isdecimal() and (host.startswith("[") or ":" not in host):
        text = host
    with suppress(ValueError):
        address = ip_address(text.strip("[]").partition("%")[0])
        return getattr(address, "ipv4_mapped", None) or address
    return None
