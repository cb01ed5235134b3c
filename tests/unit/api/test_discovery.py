"""An issuer's keys over real HTTP, from an issuer that does everything wrong that one can do."""

import asyncio
import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import pytest
from joserfc.jwk import ECKey, OctKey

from ledger_automation.api.discovery import DiscoveredKeys
from ledger_automation.errors import Unreachable

CONFIGURATION: Final = "/town/.well-known/openid-configuration"
KEYS: Final = "/town/keys"
ONE, TWO = (ECKey.generate_key("P-256", {"kid": kid}) for kid in ("one", "two"))


class Issuer:
    """An issuer on a port of its own: what it answers at a path is a function that writes it."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/town"
        self.asked: list[str] = []
        self.answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.document = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        self.says(CONFIGURATION, self.document)
        self.shows(ONE)

    def says(self, path: str, value: Any, kind: str = "application/json", status: int = 200, **headers: str) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()

        def write(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            more = {name.replace("_", "-"): text for name, text in headers.items()}
            for name, text in ({"Content-Type": kind, "Content-Length": str(len(body))} | more).items():
                handler.send_header(name, text)
            handler.end_headers()
            handler.wfile.write(body)

        self.answers[path] = write

    def shows(self, *keys: Any) -> None:
        self.says(KEYS, {"keys": [key if isinstance(key, dict) else key.as_dict(private=False) for key in keys]})


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known.asked.append(self.path)
            known.answers[self.path](self)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                self.close_connection = True

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        known = Issuer(server.server_port)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield known
        server.shutdown()


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def ask(keys: DiscoveredKeys, issuer: Issuer, kid: str | None = "one") -> str | None:
    found = asyncio.run(_key(keys, issuer, kid))
    return None if found is None else str(found.kid)


async def _key(keys: DiscoveredKeys, issuer: Issuer, kid: str | None) -> Any:
    keys._turns.clear()  # each `asyncio.run` is a loop of its own
    return await keys.key(issuer.url, kid)


def nobody_gets_in(issuer: Issuer) -> None:
    with pytest.raises(Unreachable, match="nobody can be let in"):
        ask(DiscoveredKeys(), issuer)


def test_keys_are_found_and_kept(issuer: Issuer) -> None:
    keys = DiscoveredKeys()
    assert [ask(keys, issuer), ask(keys, issuer), ask(keys, issuer, None)] == ["one"] * 3
    assert issuer.asked == [CONFIGURATION, KEYS]


@pytest.mark.parametrize("path", [CONFIGURATION, KEYS])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(issuer: Issuer, path: str, status: int) -> None:
    issuer.says("/elsewhere", {"keys": [ONE.as_dict(private=False)]} | issuer.document)
    issuer.says(path, b"", status=status, Location="/elsewhere")
    nobody_gets_in(issuer)
    assert "/elsewhere" not in issuer.asked


@pytest.mark.parametrize(
    "place",
    [
        "http://169.254.169.254/latest/meta-data", "https://127.0.0.1/keys", "http://localhost/keys",
        "//evil.example/k",        "file:///etc/passwd", "/town/keys", "", 5, None, ["http://127.0.0.1"], {},
        "http://[::1", "http://127.0.0.1:x/",
        "http://a@127.0.0.1/keys", "\u0000",
    ],
)  # fmt: skip
def test_keys_of_another_place_are_not_fetched(issuer: Issuer, place: Any) -> None:
    issuer.says(CONFIGURATION, issuer.document | {"jwks_uri": place})
    nobody_gets_in(issuer)
    assert issuer.asked == [CONFIGURATION]


def test_a_host_that_only_begins_like_ours_is_another(issuer: Issuer) -> None:
    own = issuer.url.removesuffix("/town")
    for place in (f"{own}.example.org/keys", f"{own}@example.org/keys", f"{own}1/keys", own.replace("http:", "ftp:")):
        issuer.says(CONFIGURATION, issuer.document | {"jwks_uri": place})
        nobody_gets_in(issuer)
    assert set(issuer.asked) == {CONFIGURATION}


@pytest.mark.parametrize("name", ["https://login.example.org", "", None, 5])
def test_another_issuers_document_is_not_believed(issuer: Issuer, name: Any) -> None:
    issuer.says(CONFIGURATION, issuer.document | {"issuer": name})
    nobody_gets_in(issuer)


@pytest.mark.parametrize("path", [CONFIGURATION, KEYS])
@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"5", b'"keys"', b"{}", b'{"keys":[]}', b'{"keys":5}', b'{"keys":[5]}',
        b'{"keys":[{}]}', b'{"keys":[null]}', b'{"keys":{"kty":"EC"}}', b"<html></html>", b"\xff\xfe", b"[" * 100_000,
        b'{"keys":[{"kty":"EC","crv":"P-256","kid":"one"}]}',
        b'{"keys":[{"kty":"EC","crv":5,"x":5,"y":5,"kid":"one"}]}',
        b'{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA","kid":"one"}]}', b'{"keys":[{"kty":["EC"]}]}',
        b'{"keys":[{"kty":"RSA","n":"AA","e":"AA","kid":"one"}]}', b'{"keys":[{"kty":"oct","k":"AA","kid":"one"}]}',
        b'{"keys":[{"kty":"OKP","crv":"X25519","x":"AA","kid":"one"}]}',
    ],
)  # fmt: skip
def test_what_is_no_document_lets_nobody_in(issuer: Issuer, path: str, body: bytes) -> None:
    """No key is found: either nothing was understood, or nothing that is a key for signatures."""
    issuer.says(path, body)
    found: list[str | None] = []
    with suppress(Unreachable):
        found.append(ask(DiscoveredKeys(), issuer))
    assert found in ([], [None])


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "", "application/jsonp"])
@pytest.mark.parametrize("path", [CONFIGURATION, KEYS])
def test_only_json_is_read(issuer: Issuer, path: str, kind: str) -> None:
    issuer.says(path, {"keys": [ONE.as_dict(private=False)]} | issuer.document, kind)
    nobody_gets_in(issuer)


@pytest.mark.parametrize("status", [201, 204, 206, 400, 404, 500, 503])
@pytest.mark.parametrize("path", [CONFIGURATION, KEYS])
def test_only_an_answer_is_one(issuer: Issuer, path: str, status: int) -> None:
    issuer.says(path, {"keys": [ONE.as_dict(private=False)]} | issuer.document, status=status)
    nobody_gets_in(issuer)


def test_fifty_megabytes_are_not_read(issuer: Issuer) -> None:
    written = 0

    def endless(handler: BaseHTTPRequestHandler) -> None:
        nonlocal written
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.end_headers()
        for _ in range(50):
            handler.wfile.write(b" " * 2**20)
            written += 2**20

    issuer.answers[KEYS] = endless
    nobody_gets_in(issuer)
    assert written < 50 * 2**20


def test_what_unpacks_to_fifty_megabytes_is_not_unpacked(issuer: Issuer) -> None:
    body = gzip.compress(b" " * 50 * 2**20 + json.dumps({"keys": [ONE.as_dict(private=False)]}).encode())
    assert len(body) < 256 * 1024
    issuer.says(KEYS, body, Content_Encoding="gzip")
    nobody_gets_in(issuer)
    small = gzip.compress(json.dumps({"keys": [ONE.as_dict(private=False)]}).encode())
    issuer.says(KEYS, small, Content_Encoding="gzip")
    nobody_gets_in(issuer)


def test_who_answers_one_byte_at_a_time_is_not_waited_for(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger_automation.api.discovery._SECONDS", 0.2)
    ended = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.end_headers()
        while not ended.is_set():
            handler.wfile.write(b" ")
            time.sleep(0.01)

    issuer.answers[CONFIGURATION] = slow
    nobody_gets_in(issuer)
    ended.set()


def test_a_new_key_is_found_but_a_stranger_makes_nobody_ask_all_the_time(issuer: Issuer) -> None:
    clock = Clock()
    keys = DiscoveredKeys(clock=clock)
    assert ask(keys, issuer) == "one"
    issuer.shows(ONE, TWO)
    assert ask(keys, issuer, "two") is None, "it was asked just now"
    clock.now += 30
    assert ask(keys, issuer, "two") == "two"
    asked = len(issuer.asked)
    for number in range(50):
        assert ask(keys, issuer, f"stranger-{number}") is None
    assert len(issuer.asked) == asked
    clock.now += 30
    assert ask(keys, issuer, "stranger") is None
    assert len(issuer.asked) == asked + 2
    assert ask(keys, issuer, None) is None, "two keys, and nobody says which"


def test_a_key_that_is_taken_back_ends_with_the_next_look(issuer: Issuer) -> None:
    clock = Clock()
    keys = DiscoveredKeys(clock=clock)
    issuer.shows(ONE, TWO)
    assert ask(keys, issuer) == "one"
    issuer.shows(TWO)
    clock.now += 601
    assert ask(keys, issuer) is None


def test_while_the_issuer_is_away_its_keys_are_believed_for_an_hour(issuer: Issuer) -> None:
    clock = Clock()
    keys = DiscoveredKeys(clock=clock)
    assert ask(keys, issuer) == "one"
    issuer.says(CONFIGURATION, b"", status=503)
    clock.now += 4_000
    assert ask(keys, issuer) == "one"
    clock.now += 300
    with pytest.raises(Unreachable):
        ask(keys, issuer)
    issuer.says(CONFIGURATION, issuer.document)
    with pytest.raises(Unreachable):
        ask(keys, issuer)
    clock.now += 30
    assert ask(keys, issuer) == "one"


def test_an_issuer_that_never_was_there_lets_nobody_in() -> None:
    with pytest.raises(Unreachable):
        asyncio.run(DiscoveredKeys().key("http://127.0.0.1:9/town", "one"))


def test_a_key_of_a_kind_that_is_not_known_is_no_reason_to_know_none(issuer: Issuer) -> None:
    """RFC 7517, section 5: keys that are not understood are ignored; tomorrow's will be of kinds of tomorrow."""
    tomorrow = {"kty": "AKP", "alg": "ML-DSA-65", "kid": "pq", "pub": "AA"}
    broken = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "broken"}
    issuer.shows(tomorrow, {"kty": "EC", "crv": "P-1", "x": "AA", "y": "AA"}, broken, ONE)
    keys = DiscoveredKeys()
    assert [ask(keys, issuer, kid) for kid in ("one", "pq", "broken")] == ["one", None, None]


def test_a_shared_secret_is_no_public_key(issuer: Issuer) -> None:
    issuer.shows({"kty": "oct", "kid": "one", "k": OctKey.generate_key(256).as_dict()["k"]})
    assert ask(DiscoveredKeys(), issuer) is None
    assert ask(DiscoveredKeys(), issuer, None) is None


def test_two_keys_of_one_name_are_none(issuer: Issuer) -> None:
    issuer.shows(ONE, ECKey.generate_key("P-256", {"kid": "one"}))
    assert ask(DiscoveredKeys(), issuer) is None


def test_many_at_once_make_one_fetch(issuer: Issuer) -> None:
    keys = DiscoveredKeys()

    async def many() -> list[Any]:
        return await asyncio.gather(*(keys.key(issuer.url, "one") for _ in range(50)))

    assert {str(key.kid) for key in asyncio.run(many())} == {"one"}
    assert issuer.asked == [CONFIGURATION, KEYS]
