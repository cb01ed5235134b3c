"""Signing in at the development issuer over real HTTP, and what a stranger or a dishonest issuer would do to it."""

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import pytest

from ledger_automation.api import sign_in
from ledger_automation.api.dev_issuer import DevIssuer
from ledger_automation.api.sign_in import Client, CodeFlow
from ledger_automation.api.tokens import TokenVerifier
from ledger_automation.errors import LedgerError, Unauthenticated, Unreachable
from support.chaos import issuing as issuer_of

BACK = "http://localhost:9/anmelden/zurueck"


class Issuing:
    """A running issuer, and a browser that does what it is told."""

    def __init__(self, issuer: DevIssuer) -> None:
        self.issuer = issuer
        self.flow = self.made(issuer.client())

    def made(self, client: Client) -> CodeFlow:
        return CodeFlow(client, TokenVerifier([self.issuer.trusted()], self.issuer))

    def begin(self) -> tuple[str, str]:
        return asyncio.run(self.flow.begin(BACK))

    def choose(self, at: str, persona: str = "clerk-1", **changed: str) -> dict[str, str]:
        """Return what the browser comes back with."""
        parts = urlsplit(at)
        asked = dict(parse_qsl(parts.query)) | changed | {"persona": persona}
        answer = httpx2.get(parts._replace(query=urlencode(asked)).geturl())
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"].startswith(BACK)
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    def finish(self, answer: dict[str, str], kept: str, flow: CodeFlow | None = None) -> Any:
        return asyncio.run((flow or self.flow).finish(BACK, answer, kept))


@pytest.fixture(scope="module")
def issuing() -> Iterator[Issuing]:
    with issuer_of() as issuer:
        yield Issuing(issuer)


def test_whoever_is_chosen_signs_in(issuing: Issuing) -> None:
    at, kept = issuing.begin()
    assert issuing.finish(issuing.choose(at), kept) == (issuing.issuer.trusted().issuer, "clerk-1")


def test_nobody_signs_in_with_another_browser_s_answer(issuing: Issuing) -> None:
    at, kept = issuing.begin()
    answer, (_, other) = issuing.choose(at), issuing.begin()
    for given, memory in (
        (answer, other), (answer, ""), (answer, kept.partition(".")[0]), (answer, f"{kept.partition('.')[0]}."),
        (answer | {"state": ""}, kept), (answer | {"state": other.partition(".")[0]}, kept), ({}, kept),
        (answer | {"code": ""}, kept), (answer | {"iss": "https://other.example"}, kept),
        ({"state": answer["state"], "error": "access_denied"}, kept),
    ):  # fmt: skip
        with pytest.raises(Unauthenticated):
            issuing.finish(given, memory)
    assert issuing.finish(answer, kept).subject == "clerk-1", "none of them used it up"


def test_a_code_is_good_once_and_for_its_verifier_alone(issuing: Issuing) -> None:
    at, kept = issuing.begin()
    answer = issuing.choose(at)
    issuing.finish(answer, kept)
    with pytest.raises(LedgerError):
        issuing.finish(answer, kept)
    at, kept = issuing.begin()
    answer = issuing.choose(at)
    state, _, verifier = kept.partition(".")
    with pytest.raises(LedgerError):
        issuing.finish(answer, f"{state}.{verifier[::-1]}")
    with pytest.raises(LedgerError):
        issuing.finish(answer, kept)


def test_the_issuer_sends_nobody_elsewhere(issuing: Issuing) -> None:
    at, _ = issuing.begin()
    parts = urlsplit(at)
    for changed in (
        {"redirect_uri": "https://evil.example/"}, {"client_id": "other"}, {"response_type": "token"},
        {"code_challenge_method": "plain"}, {"redirect_uri": ""},
    ):  # fmt: skip
        asked = dict(parse_qsl(parts.query)) | changed | {"persona": "clerk-1"}
        answer = httpx2.get(parts._replace(query=urlencode(asked)).geturl())
        assert answer.status_code == 422
        assert "location" not in answer.headers


def test_an_issuer_that_is_away_or_another_lets_nobody_in(issuing: Issuing) -> None:
    nowhere = issuing.issuer.client()._replace(found_at="http://127.0.0.1:9/dev")
    other = issuing.issuer.client()._replace(issuer="http://localhost/other")
    for client in (nowhere, other):
        with pytest.raises(Unreachable):
            asyncio.run(issuing.made(client).begin(BACK))


def test_an_issuer_is_asked_once_however_many_come(issuing: Issuing, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, original = [], sign_in.read_document

    async def noted(client: Any, url: str, home: str, **more: Any) -> Any:
        asked.append(url)
        return await original(client, url, home, **more)

    monkeypatch.setattr(sign_in, "read_document", noted)
    flow = issuing.made(issuing.issuer.client())

    async def crowd() -> None:
        await asyncio.gather(*(flow.begin(BACK) for _ in range(20)))

    asyncio.run(crowd())
    assert len(asked) == 1


@pytest.mark.parametrize(
    "place", ["http://localhost/\r\nSet-Cookie: session=x", "javascript:alert(1)", "http://localhost/\u20ac", "//x", 7]
)
def test_an_issuer_sends_browsers_to_a_place_of_its_scheme(
    issuing: Issuing, monkeypatch: pytest.MonkeyPatch, place: Any
) -> None:
    client = issuing.issuer.client()

    async def said(*_: Any, **__: Any) -> dict[str, Any]:
        return {"issuer": client.issuer, "authorization_endpoint": place, "token_endpoint": f"{client.issuer}/redeem"}

    monkeypatch.setattr(sign_in, "read_document", said)
    with pytest.raises(Unreachable):
        asyncio.run(issuing.made(client).begin(BACK))


def test_the_page_of_personas_runs_no_script_and_repeats_nothing_unescaped(issuing: Issuing) -> None:
    at, _ = issuing.begin()
    answer = httpx2.get(f"{at}&state=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
