"""Where a request comes from: nobody but our own proxies says it, and of what they say only what they saw."""

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ledger_automation.api.forwarded import sender
from ledger_automation.settings import Settings

OURS = (ip_network("10.0.0.0/24"), ip_network("fd00::/64"))
STRANGER = "203.0.113.9"


def asked(client: Any, *headers: str) -> dict[str, Any]:
    return {"client": client and (client, 4711), "headers": [(b"x-forwarded-for", each.encode()) for each in headers]}


@pytest.mark.parametrize("header", ["198.51.100.1", "10.0.0.1", "", "a", "198.51.100.1, 10.0.0.1", "::1"])
def test_a_stranger_cannot_say_where_he_comes_from(header: str) -> None:
    assert sender(asked(STRANGER, header), OURS) == STRANGER
    assert sender(asked("10.0.0.1", f"{header}, {STRANGER}"), OURS) == STRANGER
    assert sender(asked("10.0.0.1", header, STRANGER), OURS) == STRANGER
    assert sender(asked("10.0.0.1", f"{header}, {STRANGER}, 10.0.0.2"), OURS) == STRANGER


@pytest.mark.parametrize("header", ["198.51.100.1", f"{STRANGER}, 10.0.0.1"])
def test_without_a_proxy_the_header_is_nobodys(header: str) -> None:
    assert sender(asked("10.0.0.1", header)) == "10.0.0.1"


@pytest.mark.parametrize("header", ["", " ", "unknown", "_hidden", "10.0.0.2", f"{STRANGER},", "1.2.3", "a" * 9_000])
def test_a_proxy_that_says_nothing_stands_for_itself(header: str) -> None:
    assert sender(asked("10.0.0.1", header), OURS) in {"10.0.0.1", "10.0.0.2"}
    assert sender(asked("10.0.0.1"), OURS) == "10.0.0.1"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (STRANGER, STRANGER), (f" {STRANGER} ", STRANGER), (f"{STRANGER}:51000", STRANGER),
        (f"::ffff:{STRANGER}", STRANGER), (f"[::ffff:{STRANGER}]:51000", STRANGER),
        ("2001:db8::1", "2001:db8::/64"), ("[2001:db8::1]", "2001:db8::/64"), ("[2001:db8::1]:51000", "2001:db8::/64"),
        ("2001:db8::1%eth0", "2001:db8::/64"), ("2001:db8:0:0:1::2", "2001:db8::/64"),
    ],
)  # fmt: skip
def test_an_address_is_read_however_it_is_written(written: str, read: str) -> None:
    assert sender(asked("10.0.0.1", written), OURS) == read
    assert sender(asked("fd00::1", written), OURS) == read
    assert sender(asked("::ffff:10.0.0.1", written), OURS) == read


@pytest.mark.parametrize(("client", "read"), [(None, ""), ("testclient", "testclient"), ("fe80::1%eth0", "fe80::/64")])
def test_what_is_no_address_is_itself(client: Any, read: str) -> None:
    assert sender(asked(client, STRANGER), OURS) == read


@given(st.lists(st.text(st.characters(max_codepoint=255)), max_size=3))
def test_whatever_a_stranger_sends_before_it_what_our_proxy_saw_counts(sent: list[str]) -> None:
    headers = [(b"x-forwarded-for", each.encode("latin-1")) for each in sent]
    last = (b"x-forwarded-for", STRANGER.encode())
    assert sender({"client": ("10.0.0.1", 1), "headers": [*headers, last]}, OURS) == STRANGER
    assert sender({"client": (STRANGER, 1), "headers": headers}, OURS) == STRANGER


@pytest.mark.parametrize("given_", ["*", "0.0.0.0/0", "::/0", "proxy.example", "10.0.0.1/8", ""])
def test_proxies_are_networks_and_not_everybody(given_: str) -> None:
    with pytest.raises(ValidationError, match="proxies"):
        Settings(proxies=(given_,))


def test_they_are_a_list_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_PROXIES", '["10.0.0.1", "fd00::/64"]')
    assert Settings().proxies == (ip_network("10.0.0.1/32"), ip_network("fd00::/64"))
