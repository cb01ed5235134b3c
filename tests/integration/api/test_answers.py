"""What is answered (R11, R13, R16, R20, R22, R26, D14): whoever asks whatever, in one form, and what the journal says.

The journal is the real one, as `ledger serve` opens it; each of its lines is read back.
"""

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from ledger_automation import errors, journal
from ledger_automation.api.application import create
from ledger_automation.api.edge import Limit
from ledger_automation.api.problems import BY_ERROR, TYPES, type_of
from ledger_automation.api.routes import Route, add
from ledger_automation.asgi import application
from ledger_automation.bootstrap import open_ledger
from ledger_automation.settings import Settings
from support.asgi import Reply, serving
from support.town import NoChain, Town, open_town

FINES: Final = "/workflows/parking_fine/cases"
MISSING: Final = "00000000-0000-4000-8000-000000000000"
METHODS: Final = (
    "HEAD",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PATCH",
    "DELETE",
    "PUT",
    "GET",
    "POST",
    "QUERY",
    "get",
    "BREW",
    "A" * 200,
)
FIXED: Final = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "cross-origin-resource-policy": "same-origin",
}
NAMES: Final = ("Erika Mustermann", "mustermann@wismar.example", "HWI-EM 1964", "DE02120300000000202051")
"""A person, and what finds her: none of it belongs into the journal or the figures."""
BREAKING: Final = (
    "a\r\nb", "a\nlevel=critical", "\x1b[2J\x1b[31m", '","level":"critical","x":"', "\u2028\u2029", "\x00", "a\\",
    "%0d%0a",
    "\x85", "{{7*7}}", "${jndi:ldap://a}", "\ufeff", "\u202e",
)  # fmt: skip


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[str]]]:
    """The journal of this process, for as long as a test: returns its lines so far."""
    written, root = io.StringIO(), logging.getLogger()
    before, level, configured = root.handlers, root.level, structlog.get_config()
    monkeypatch.setattr("sys.stderr", written)
    journal.open_journal()
    monkeypatch.setattr("ledger_automation.api.edge._log", structlog.get_logger("api"))
    yield lambda: written.getvalue().splitlines()
    root.handlers = before
    root.setLevel(level)
    structlog.configure(**configured)


def is_in_form(answer: Reply) -> None:
    """Hold an answer against what holds for all: headers, and for an error a problem document that is explained."""
    page = answer.status == 200 and answer.headers["content-type"].startswith("text/html")
    for name, value in FIXED.items():
        if page and name == "content-security-policy":  # a page says itself what it runs, by its hash, and no less else
            said = answer.headers[name]
            assert set(value.split("; ")) < set(said.split("; "))
            assert "unsafe" not in said
        else:
            assert answer.headers[name] == value
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])
    assert answer.headers["cache-control"]
    names = [name for name, _ in answer.fields]
    assert len(names) == len(set(names))
    assert not [
        name for name in names if name.startswith("access-control-") or name in {"server", "x-powered-by", "set-cookie"}
    ]
    if answer.status >= 400:
        body = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert body["status"] == answer.status
        assert {"type", "title", "status", "detail"} <= body.keys()
        assert body["type"].removeprefix("/problems/") in TYPES
        assert not re.search(
            r'Traceback|File \\?"|line \d+|\.py|site-packages|sqlalchemy|psycopg|sqlite', json.dumps(body)
        )


def at(path: str) -> str:
    """Fill a template with what is not there."""
    return re.sub(r"\{\w+\}", MISSING, path)


def test_every_method_at_every_path_is_answered_in_form(town: Town) -> None:
    allowed: dict[str, set[str]] = {}
    for method, path, _ in town.operations():
        allowed.setdefault(path, set()).add(method)
    for path, methods in allowed.items():
        for method in METHODS:
            for persona in ("", "clerk-1"):
                answer = town.ask(persona, method, at(path), Origin="https://evil.example")
                is_in_form(answer)
                if method not in methods:
                    assert answer.status == 405, (method, path, answer)
                    assert set(answer.headers["allow"].split(", ")) == methods


@pytest.mark.parametrize(
    "path",
    [
        "/x", "//", "/en/x", "/brief/", "/seiten/x",
        "/workflows", "/workflows/", "/workflows/permit", "/workflows/log/cases", "/workflows/x/cases",
        f"{FINES}/", "/redoc", "/docs/", "/docs/oauth2-redirect", "/problems/x", "/problems/", "/log/tile/0/x",
        "/log/tile/9/000",
        "/log/tile/0/000.p/0",
        "/log/tile/5/" + "x999/" * 12 + "999", "/log/tile/0/" + "x999/" * 5 + "999.p/1",
        "/log/tile/0/000.p/257", "/log/tile/\u0660/000", "/log/tile/0/x001/x001", "/.env",
        "/.git/config",
        "/admin", "/graphql", "/%00", "/%ff", "/" + "a" * 20_000, "/..%2f..%2fetc/passwd", "/log/tile/0/..%2f..%2fkeys",
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_in_form(town: Town, path: str) -> None:
    for persona in ("", "clerk-1"):
        answer = town.ask(persona, "GET", path)
        is_in_form(answer)
        assert answer.status == 404


def test_every_type_of_problem_is_explained(town: Town) -> None:
    assert {kind for kind in _tree(errors.LedgerError) if not any(each in BY_ERROR for each in kind.__mro__)} == {
        errors.LedgerError
    }
    for slug, kind in TYPES.items():
        explained = town.get("", f"/problems/{slug}")
        assert (explained["type"], explained["status"], explained["title"]) == (slug, kind.status, kind.title)
        assert explained["explanation"]


def test_every_branch_of_the_tree_of_errors_has_a_type() -> None:
    for kind in _tree(errors.LedgerError) - {errors.LedgerError}:
        assert type_of(kind.__new__(kind)).slug in TYPES


def _tree(kind: type) -> set[type]:
    return {kind}.union(*(_tree(each) for each in kind.__subclasses__()))


PRIVATE: Final = "password=hunter2 of Erika Mustermann"


def _failing(error: Exception) -> Any:
    async def fail(_: Request) -> Response:
        raise error

    return fail


def test_what_nobody_foresaw_tells_nothing(town: Town, lines: Any) -> None:
    """Also of a library's own errors: a status that we do not know, and a request that FastAPI finds invalid."""
    app = create(town.edge.app.state.desk)
    unforeseen = {
        "value": ValueError(PRIVATE), "assertion": AssertionError(PRIVATE), "memory": MemoryError(PRIVATE),
        "teapot": HTTPException(418, "I am a teapot."), "gone": HTTPException(410), "late": HTTPException(504,
        "Too late."),
        "invalid": RequestValidationError([{"loc": ("query", "a"), "msg": "no number", "type": "x"}]),
        "tree": errors.Contradiction("What is stored contradicts itself.", expected=PRIVATE, actual=PRIVATE),
        "unmapped": errors.LedgerError("Something."),
    }  # fmt: skip
    for name, error in unforeseen.items():
        add(app, [Route("GET", f"/{name}", f"test.{name}", _failing(error), {"summary": name})])
    edge = type(town.edge)(app, town.edge._figures, Limit(1_000_000))
    service = type(town.service)(edge, town.service._runner)
    for name in unforeseen:
        answer = service.ask("GET", f"/{name}")
        is_in_form(answer)
        assert "hunter2" not in repr(answer)
        assert answer.status in {"teapot": {418}, "gone": {410}, "late": {504}, "invalid": {422}}.get(name, {500})
    for error in unforeseen.values():
        _written_by_the_server(error)
    assert "hunter2" not in "".join(lines())
    found = [json.loads(line) for line in lines()]
    assert [each["error"] for each in found if each["event"] == "Exception in ASGI application"] == [
        type(error).__name__ for error in unforeseen.values()
    ]
    assert all(each["at"] for each in found if "error" in each)


def _written_by_the_server(error: Exception) -> None:
    """Log an error the ways that uvicorn and asyncio do; the latter's words quote it."""
    try:
        raise error
    except type(error):
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")
        words = f"Task exception was never retrieved\nfuture: <Task finished exception={error!r}>"
        logging.getLogger("asyncio").exception(words)


def test_a_whole_scenario_leaves_no_person_in_journal_and_figures(town: Town, lines: Any) -> None:
    """Names stand in every text that may be sent: payloads, roles, queries, paths, keys, headers, tokens' subjects."""
    person, mail, plate, iban = NAMES
    with_names = {"subject": person, "applicant": mail}
    permit = town.step("clerk-1", "/workflows/permit/cases", with_names).headers["location"]
    for persona in ("clerk-1", "applicant-1", "auditor-1", "administrator-1", ""):
        town.ask(persona, "GET", permit)
        town.ask(persona, "GET", f"{FINES}/{plate}/events?after={iban}".replace(" ", "%20"))
        town.ask(persona, "POST", f"{permit}/draft_letter", {"payload": {"paper": person}, "role": mail})
        town.ask(persona, "POST", f"{permit}/{plate}".replace(" ", "%20"), {"payload": {}})
        town.ask(persona, person.replace(" ", "-"), "/me", X_Forwarded_For=mail, User_Agent=person, Referer=iban)
        town.ask(persona, "PUT", f"/members/{mail}", {"issuer": person, "subject": mail, "roles": [plate]})
        town.ask(persona, "GET", f"/problems/{iban}")
    town.ask("", "GET", "/me", Authorization=f"Bearer {town.signed(sub=mail)}")
    town.ask("", "GET", "/me", Authorization=f"Basic {iban}")
    town.ask("", "GET", "/me", Authorization=f"Bearer {iban}")
    figures = town.ask("", "GET", "/metrics").body.decode()
    for text in ("\n".join(lines()), figures):
        assert text
        for name in NAMES:
            for form in (name, name.replace(" ", "-"), name.replace(" ", "%20"), name.upper(), name.lower()):
                assert form not in text
        assert permit.rpartition("/")[2] not in text, "a case is somebody's"


@pytest.mark.parametrize("text", BREAKING)
def test_no_text_breaks_out_of_its_line(town: Town, lines: Any, text: str) -> None:
    sent = 0
    for name in ("Authorization", "User_Agent", "Idempotency_Key", "If_Match", "Content_Type", "X_Request_Id", "Host"):
        value = text.encode("utf-8").decode("latin-1")
        town.ask("clerk-1", "POST", f"{FINES}/{MISSING}/send_hearing", {"payload": {}}, **{name: value})
        sent += 1
    for value in (
        {"payload": {"offence": text, "amount": text}},
        {"payload": {}, "role": text},
        {text: 1},
        {"payload": text},
    ):
        town.ask("clerk-1", "POST", FINES, value)
        sent += 1
    for method, path in (
        (text, "/me"),
        ("GET", f"/{text}"),
        ("GET", f"{FINES}?after={text}"),
        ("GET", f"{FINES}/{text}"),
    ):
        town.ask("clerk-1", method, path)
        sent += 1
    logging.getLogger("somebody.else").warning("A library says %s", text)
    structlog.get_logger("x").info(text, reason=text)
    written = lines()
    found = [json.loads(line) for line in written]
    assert len(found) == sent + 2
    assert {each["event"] for each in found[:-2]} <= {"refused", "answered"}
    assert {each["level"] for each in found} <= {"info", "warning"}
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", "".join(written))


def test_every_refusal_is_in_the_journal(town: Town, lines: Any) -> None:
    """R22: who (as a digest), what, and with what answer."""
    cases = [
        ("", "GET", "/me", None, 401), ("administrator-1", "GET", FINES, None, 403),
        ("clerk-1", "GET", f"{FINES}/{MISSING}", None, 404), ("clerk-1", "POST", f"{FINES}/{MISSING}/refund",
        {"payload": {"amount": 1}}, 403),
        ("administrator-1", "PUT", "/members/administrator-1", {"issuer": "a", "subject": "b", "roles": []}, 403),
    ]  # fmt: skip
    for persona, method, path, value, status in cases:
        answer = town.ask(persona, method, path, value)
        line = json.loads(lines()[-1])
        assert answer.status == status
        assert line.keys() == {
            "event",
            "level",
            "timestamp",
            "method",
            "route",
            "status",
            "milliseconds",
            "client",
            "request",
        }
        assert (line["event"], line["level"], line["status"]) == ("refused", "warning", status)
        assert line["request"] == answer.headers["x-request-id"]
        assert line["route"] == re.sub(MISSING, "{case}", path).replace("administrator-1", "{actor}")
    assert len({json.loads(line)["client"] for line in lines()}) == 3


def test_who_asks_too_much_is_told_when_to_come_again(town: Town, lines: Any) -> None:
    edge = type(town.edge)(town.edge.app, town.edge._figures, Limit(0.5))
    service = type(town.service)(edge, town.service._runner)
    answers = [service.ask("GET", "/livez") for _ in range(7)]
    assert [each.status for each in answers] == [200] * 5 + [429] * 2
    is_in_form(answers[-1])
    assert answers[-1].headers["retry-after"] == "2"
    assert service.ask("GET", "/livez", client="10.0.0.2").status == 200
    assert json.loads(lines()[-2])["status"] == 429


def test_behind_our_proxy_each_address_is_a_client_and_nobody_else_says_where_he_comes_from(tmp_path: Path) -> None:
    settings = {"requests_a_second": 0.1, "proxies": ("10.0.0.1",)}
    with open_town(tmp_path, **settings) as town:

        def asks(client: str, forwarded: str) -> int:
            return town.service.ask("GET", "/livez", {"X-Forwarded-For": forwarded}, client=client).status

        assert [asks("10.0.0.1", f"198.51.100.{number}") for number in range(4)] == [200] * 4
        assert asks("10.0.0.1", "198.51.100.0") == 429
        assert asks("10.0.0.1", "192.0.2.7, 198.51.100.0") == 429, "what he wrote himself stands before"
        assert [asks("203.0.113.9", f"198.51.100.{number}") for number in range(10, 13)] == [200, 429, 429]


def test_who_invents_a_new_token_each_time_is_one_client_all_the_same(town: Town) -> None:
    """Only a token that was verified is a client of its own; inventing them costs nothing, and would be no limit."""
    edge = type(town.edge)(town.edge.app, town.edge._figures, Limit(0.5))
    service = type(town.service)(edge, town.service._runner)
    answers = [service.ask("GET", "/me", {"Authorization": f"Bearer {number}"}).status for number in range(8)]
    assert answers == [401] * 5 + [429] * 3
    anonymous = [service.ask("GET", "/livez", {"Authorization": f"Bearer {number}"}).status for number in range(3)]
    assert anonymous == [429] * 3, "nor is one that nobody looked at"


def test_one_caller_is_one_client_with_as_many_tokens_as_he_likes(town: Town) -> None:
    edge = type(town.edge)(town.edge.app, town.edge._figures, Limit(0.5))
    service = type(town.service)(edge, town.service._runner)

    def asks(token: str, client: str) -> int:
        return service.ask("GET", "/me", {"Authorization": f"Bearer {token}"}, client=client).status

    tokens = [town.signed(jti=str(number)) for number in range(4)]
    for number, token in enumerate(tokens):
        assert asks(token, f"10.1.0.{number}") == 200
    statuses = [asks(tokens[number % 4], "10.2.0.1") for number in range(12)]
    assert statuses.count(200) == 5
    assert asks(town.token("auditor-1"), "10.2.0.1") == 200, "another caller behind the same address"


def test_what_is_for_development_is_not_there_in_a_town(tmp_path: Path) -> None:
    hidden = ("/docs", "/redoc", "/openapi.json", "/metrics", "/dev/jwks", "/dev/.well-known/openid-configuration")
    settings = Settings(home=tmp_path, issuers=("https://login.example.org",))
    with open_ledger(settings) as ledger, serving(application(ledger, NoChain())) as service:
        for path in hidden:
            answer = service.ask("GET", path)
            is_in_form(answer)
            assert answer.status == 404
        assert service.ask("POST", "/dev/token", {"Content-Type": "application/json"}, b"{}").status == 404
    with open_town(tmp_path / "development") as town:
        assert [town.ask("", "GET", path).status for path in ("/openapi.json", "/metrics", "/dev/jwks")] == [200] * 3


def test_without_an_issuer_nothing_is_served(town: Town) -> None:
    with pytest.raises(errors.Misconfigured):
        application(town.ledger, NoChain())


def test_what_fails_tells_a_stranger_no_place_and_no_password(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: Any) -> Any:
        cause = f'connection to server at "10.1.2.3" failed: {PRIVATE}'
        raise errors.Unreachable(f"The database does not answer: {cause}.", cause=cause, reason=cause)

    monkeypatch.setattr(type(town.ledger), "read", away)
    for path in ("/readyz", FINES, f"{FINES}/{MISSING}", "/members", "/log/checkpoint"):
        answer = town.ask("administrator-1" if path == "/members" else "clerk-1", "GET", path)
        assert answer.status == 503
        assert "10.1.2.3" not in answer.body.decode()
        assert "hunter2" not in answer.body.decode()
        if path != "/readyz":
            is_in_form(answer)
            assert answer.headers["retry-after"]
