"""What is sent (R02, R09, R10, R12): read strictly or refused, at every operation that takes a body; never a 5xx."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

from ledger_automation.api.body import MOST_JSON
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.tlog.receipt_file import Encoding, decode
from ledger_automation.values import MAX_INTEGER
from support.asgi import Reply
from support.samples import of_schema
from support.town import Town

FINES: Final = "/workflows/parking_fine/cases"
READ_ONLY: Final = (
    "id", "case_id", "actor", "actor_id", "state", "level", "sequence", "commitment", "salt", "previous", "at", "head",
    "recorded_at", "event", "workflow", "workflow_version", "roles", "signature", "origin", "leaf_index", "evidence",
    "admin", "is_admin", "paid", "person_concerned", "__class__", "__proto__", "constructor", "",
)  # fmt: skip
"""What stands in answers, rows and events, and what programs of other languages stumble over; nobody may send it."""


def is_problem(answer: Reply, *statuses: int) -> bool:
    body = answer.json()
    return (
        answer.status in statuses
        and answer.headers["content-type"] == "application/problem+json"
        and body["status"] == answer.status
        and body["type"].startswith("/problems/")
    )


def fine(town: Town) -> str:
    answer = town.step("clerk-1", FINES, {"amount": 3_500})
    assert answer.status == 201
    return answer.headers["location"]


def bodies(town: Town) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Yield persona, method, path and a body that holds, for every operation that takes JSON."""
    for method, path, described in town.operations():
        content = described.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            value = of_schema(content["application/json"]["schema"], town.document)
            persona = next(f"{role}-1" for role in described["x-roles"])
            at = path.replace("{case}", "00000000-0000-4000-8000-000000000000").replace("{actor}", "someone")
            yield persona, method, at, value


def objects(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every object within a value."""
    if isinstance(value, dict):
        yield at
        for name, member in value.items():
            yield from objects(member, (*at, name))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from objects(member, (*at, index))


def test_no_operation_takes_a_member_that_it_does_not_know(town: Town) -> None:
    """At the top, and in every object below it; a case is opened first, so that nothing else is wrong."""
    tried = 0
    for persona, method, at, value in bodies(town):
        path = at
        if "/cases/" in at:
            case = town.case_of(at.split("/")[2], "applicant-1").rpartition("/")[2]
            path = at.replace("00000000-0000-4000-8000-000000000000", case)
        for place in objects(value):
            for name in READ_ONLY:
                changed = json.loads(json.dumps(value))
                target = changed
                for step in place:
                    target = target[step]
                if name in target:
                    continue
                target[name] = None
                answer = town.ask(persona, method, path, changed)
                tried += 1
                assert is_problem(answer, 422), (path, place, name, answer)
    assert tried > 3_000


@pytest.mark.parametrize("name", ["payload", "role", "occurred_at", "action"])
@pytest.mark.parametrize("value", [5, [], {}, True, "\u0000", "x", None, -1, [[]], [{}], {"a": {}}])
def test_a_member_of_another_type_is_refused_or_means_nothing(town: Town, name: str, value: Any) -> None:
    body = {"payload": {"amount": 100}} | {name: value}
    answer = town.ask("finance-1", "POST", f"{fine(town)}/record_payment", body)
    harmless = name != "payload" and value is None and name != "action"
    assert answer.status == 200 if harmless else is_problem(answer, 403, 422), (name, value, answer)


@pytest.mark.parametrize(
    "value", [5, {}, True, "\u0000", "x", -1, [[]], [{}], {"a": {}}, [{"name": "a", "sha256": "a"}]]
)
def test_documents_are_a_list_of_names_and_digests(town: Town, value: Any) -> None:
    answer = town.ask("clerk-1", "POST", f"{fine(town)}/send_hearing", {"payload": {}, "documents": value})
    assert is_problem(answer, 422)


def test_a_document_that_is_sent_is_kept_or_refused_but_never_dropped(town: Town) -> None:
    path = fine(town)
    sent = [{"name": "photograph.jpg", "sha256": "ab" * 32}]
    answer = town.ask("clerk-1", "POST", f"{path}/send_hearing", {"payload": {}, "documents": sent})
    kept = town.get("auditor-1", f"{path}/events")["events"][-1]
    if answer.status == 200:
        assert kept["attachments"] == ["photograph.jpg"]
    else:
        assert is_problem(answer, 404)
        assert kept["sequence"] == 0


def test_the_published_json_texts_are_decided_alike_everywhere(town: Town, shared: Path) -> None:
    """As the whole body, and as the payload: 188 texts that are no JSON, 95 that are, 35 that readers disagree on."""
    texts = {each.name: each.read_bytes() for each in (shared / "vectors/JSONTestSuite/test_parsing").glob("*.json")}
    assert [sum(name.startswith(kind) for name in texts) for kind in "nyi"] == [188, 95, 35]
    path = fine(town)
    for name, text in texts.items():
        for body in (text, b'{"payload":' + text + b"}"):
            answer = town.ask("finance-1", "POST", f"{path}/record_payment", body)
            allowed = (400, 422) if name.startswith("y_") or body is not text else (400,)
            assert is_problem(answer, *allowed), (name, body[:80], answer)
    assert town.get("auditor-1", path)["sequence"] == 0


@pytest.mark.parametrize(
    "body",
    [
        b'{"payload":{"amount":1,"amount":100}}', b'{"payload":{"amount":1},"payload":{"amount":100}}',
        b'{"payload":{"amount":NaN}}', b'{"payload":{"amount":1e2}}', b'{"payload":{"amount":1e400}}',
        b'{"payload":{"amount":100.0}}', b'{"payload":{"amount":-0}}', b'{"payload":{"amount":9007199254740992}}',
        b'{"payload":{"amount":100}} {}', b'{"payload":{"amount":100}}\x00', b'\xef\xbb\xbf{"payload":{"amount":100}}',
        b'{"payload":{"amount":100},}', b'{"payload":{"amount":0x64}}', b'{"payload":{"amount":+100}}',
        b'{"payload":{"amount":100}/**/}', b"{'payload':{}}", b'{"payload":{"amo\\u0075nt":1,"amount":100}}',
        '{"payload":{"amount":100}}'.encode("utf-16"), '{"payload":{"amount":100}}'.encode("utf-32"),
        b'{"payload":{"am\\ud800ount":100}}', b'{"payload":{"\xff":100}}',
        b'{"payload":' + b'{"a":' * 70 + b"1" + b"}" * 71,
        b"[" * 500_000, b"", b" ", b"null", b"[]", b'"payload"', b"1" * 1_000_000,
    ],
)  # fmt: skip
def test_what_two_readers_could_read_differently_is_not_read(town: Town, body: bytes) -> None:
    path = fine(town)
    assert is_problem(town.ask("finance-1", "POST", f"{path}/record_payment", body), 400)
    assert town.get("auditor-1", path)["sequence"] == 0


@pytest.mark.parametrize(
    "amount",
    ["100", True, None, [100], {"cents": 100}, -1, 0, "1e2", "", MAX_INTEGER + 1, -MAX_INTEGER, "\uff11\uff10\uff10"],
)
def test_money_is_whole_cents_and_nothing_else(town: Town, amount: Any) -> None:
    path = fine(town)
    answer = town.step("finance-1", f"{path}/record_payment", {"amount": amount})
    assert is_problem(answer, 400, 422)
    assert town.get("auditor-1", path)["sequence"] == 0


def test_the_largest_amount_is_one(town: Town) -> None:
    answer = town.step("clerk-1", FINES, {"amount": MAX_INTEGER})
    assert answer.status == 201
    trail = town.get("auditor-1", f"{answer.headers['location']}/events")["events"]
    assert trail[0]["payload"]["amount"] == MAX_INTEGER
    paid = town.step("finance-1", f"{answer.headers['location']}/record_payment", {"amount": MAX_INTEGER})
    assert paid.status == 200
    more = town.step("finance-1", f"{answer.headers['location']}/record_payment", {"amount": MAX_INTEGER})
    assert is_problem(more, 409)


def test_more_than_a_mebibyte_is_refused_before_it_is_read(town: Town) -> None:
    for persona, method, path, _ in bodies(town):
        for declared in (MOST_JSON + 1, 10**12, 10**30):
            answer = town.service.ask(method, path, town.headers(persona) | {"Content-Length": str(declared)}, b"{}")
            assert is_problem(answer, 413)
            assert answer.read == 0


def test_what_declares_no_length_is_read_up_to_the_bound_only(town: Town) -> None:
    for persona, method, path, _ in bodies(town):
        answer = town.service.ask(method, path, town.headers(persona), (b" " * 65_536 for _ in range(10_000)))
        assert is_problem(answer, 413)
        assert answer.read <= MOST_JSON + 65_536


def test_what_lies_about_its_length_is_read_up_to_the_bound_only(town: Town) -> None:
    headers = town.headers("clerk-1") | {"Content-Length": "2"}
    answer = town.service.ask("POST", FINES, headers, (b" " * 65_536 for _ in range(10_000)))
    assert is_problem(answer, 413)
    assert answer.read <= MOST_JSON + 65_536


def test_a_mebibyte_is_read(town: Town) -> None:
    body = json.dumps({"payload": {"amount": 1}}).encode()
    answer = town.ask("clerk-1", "POST", FINES, body + b" " * (MOST_JSON - len(body)))
    assert answer.status == 201


@pytest.mark.parametrize(
    "kind",
    [
        "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "application/xml",
        "application/json; charset=utf-16", "application/json; charset=latin1", "application/jsonp",
        "application/json, a/b",
        "application/vnd.api+json", "application/json;", "application/problem+json", "application/json\tx",
    ],
)  # fmt: skip
def test_only_json_in_utf8_is_read(town: Town, kind: str) -> None:
    for persona, method, path, value in bodies(town):
        assert is_problem(town.ask(persona, method, path, value, Content_Type=kind), 415)


@pytest.mark.parametrize(
    "kind",
    ["application/json", "APPLICATION/JSON", "application/json; charset=utf-8", 'application/json;charset="UTF-8"'],
)
def test_json_by_its_other_names_is_read(town: Town, kind: str) -> None:
    assert town.ask("clerk-1", "POST", FINES, {"payload": {"amount": 1}}, Content_Type=kind).status == 201


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "identity", "zstd", ""])
def test_nothing_is_unpacked(town: Town, coding: str) -> None:
    answer = town.ask("clerk-1", "POST", FINES, {"payload": {"amount": 1}}, Content_Encoding=coding)
    assert is_problem(answer, 415)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=201", "limit=-1", "limit=1e2", "limit=", "limit=%00", "limit=٣", "limit=" + "9" * 5_000,
        "after=x", "after=", "after=%00", "after=' OR 1=1",
    ],
)  # fmt: skip
def test_a_page_has_its_limits(town: Town, query: str) -> None:
    for method, path, _ in town.operations():
        if method == "GET" and path.endswith("/cases"):
            assert is_problem(town.ask("auditor-1", "GET", f"{path}?{query}"), 422)


def test_pages_put_together_are_the_whole(town: Town) -> None:
    made = {fine(town).rpartition("/")[2] for _ in range(23)}
    seen: list[str] = []
    after = ""
    while True:
        page = town.get("auditor-1", f"{FINES}?limit=5{after}")
        assert len(page["cases"]) <= 5
        seen += [each["case_id"] for each in page["cases"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == sorted(set(seen))
    assert made <= set(seen)


@pytest.mark.parametrize(
    "case",
    [
        "x", "%00", "..", "%2e%2e%2f", "' OR 1=1--", "00000000-0000-4000-8000-00000000000", "A" * 4_000, "%ff",
        "%F0%9F%92%A9",
        "{00000000-0000-4000-8000-000000000000}", "00000000000040008000000000000000",
        "00000000-0000-4000-8000-00000000000A",
    ],
)  # fmt: skip
def test_an_id_that_can_be_none_is_not_there(town: Town, case: str) -> None:
    for end in ("", "/events", "/receipt", "/live"):
        assert is_problem(town.ask("auditor-1", "GET", f"{FINES}/{case}{end}"), 404)
    answer = town.ask("clerk-1", "POST", f"{FINES}/{case}/send_hearing", {"payload": {}})
    assert is_problem(answer, 404)


@pytest.mark.parametrize(
    "tag",
    ["", "*", '"*"', "abc", '"' + "0" * 63 + '"', '"' + "g" * 64 + '"', 'W/"' + "0" * 64 + '"', '"a", "b"', "é", '""'],
)
def test_if_match_is_the_etag_of_the_case_or_nothing_is_done(town: Town, tag: str) -> None:
    path = fine(town)
    answer = town.ask("clerk-1", "POST", f"{path}/send_hearing", {"payload": {}}, If_Match=tag)
    assert answer.status == 200 if tag == "*" else is_problem(answer, 412), answer


def test_a_receipt_for_a_longer_log_than_there_is_is_refused_not_a_fault(town: Town) -> None:
    path = fine(town)
    sequence(town.ledger.begin, town.ledger.recorder, town.ledger.key)
    assert town.ask("clerk-1", "GET", f"{path}/receipt").status == 200
    for held in (10**6, MAX_INTEGER):
        answer = town.ask("clerk-1", "GET", f"{path}/receipt?held_size={held}")
        assert is_problem(answer, 409)
    assert is_problem(town.ask("clerk-1", "GET", f"{path}/receipt?sequence={MAX_INTEGER}"), 404)


def test_a_receipt_comes_in_each_encoding_and_in_no_other(town: Town) -> None:
    path = fine(town)
    sequence(town.ledger.begin, town.ledger.recorder, town.ledger.key)
    answers = {each: town.ask("clerk-1", "GET", f"{path}/receipt?encoding={each}") for each in Encoding}
    assert {each: answer.headers["content-type"] for each, answer in answers.items()} == {
        "json": "application/json", "cose": "application/cose", "frames": "text/plain; charset=utf-8",
    }  # fmt: skip
    receipts = [decode(each.body) for each in answers.values()]
    assert receipts[0] == receipts[1] == receipts[2]
    assert is_problem(town.ask("clerk-1", "GET", f"{path}/receipt?encoding=xml"), 422)


def test_who_is_enrolled_has_a_name_that_can_be_kept(office: Any) -> None:
    """On every database: PostgreSQL keeps no NUL in a text."""
    for issuer, subject in (("\0", "a"), ("a", "b\0c"), ("a" * 256, "a"), ("a", ""), ("a", 5)):
        body = {"issuer": issuer, "subject": subject, "roles": ["clerk"]}
        answer = office.client.put("/members/someone", json=body, headers=office.headers("administrator-1"))
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-input")


def test_one_request_that_cannot_be_kept_is_no_misfortune_of_others(office: Any) -> None:
    """Whoever is named as applicant, with whatever letters and however long: all others of the group are decided."""
    named = ["\0", "a\0", "\u4e2d" * 50_000, "x" * 200_000, "Erika Mustermann", "'; DROP TABLE party; --"]

    def open_permit(applicant: str) -> int:
        return int(office.post("clerk-1", "/workflows/permit/cases", {"applicant": applicant}).status_code)

    def open_fine(_: int) -> int:
        return int(office.post("clerk-1", FINES, {"amount": 5}).status_code)

    with ThreadPoolExecutor(16) as pool:
        permits = [pool.submit(open_permit, each) for each in named]
        others = [pool.submit(open_fine, each) for each in range(10)]
        assert [each.result() for each in others] == [201] * 10
        assert [each.result() for each in permits] == [201] * len(named)
