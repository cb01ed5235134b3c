"""Who may do what (R01, R03, R07, R29): every persona at every operation, about its own, another's and no case.

What is expected stands in `authorisation.toml`; what is asked comes from the OpenAPI document. Neither knows the other,
so a route that nobody decided on fails here.
"""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from ledger_automation.orchestrator.asked import Identity, Member
from ledger_automation.orchestrator.sequence import sequence
from support.samples import of_schema
from support.town import APPLICANTS, DISMISSED, Town, role_of

TABLE: Final[dict[str, dict[str, list[Any]]]] = tomllib.loads(
    Path(__file__).with_name("authorisation.toml").read_text("utf-8")
)
KIND: Final = {name: kind for kind, rows in TABLE.items() if kind != "answers" for name in rows}
NOBODY: Final = ("anonymous", "expired", "foreign-audience", "foreign-key", "another-issuer")
PERSONAS: Final = (
    *NOBODY, *APPLICANTS, "clerk-1", "approver-1", "finance-1", "auditor-1", "system-1", "administrator-1", DISMISSED,
)  # fmt: skip
TARGETS: Final = ("own", "foreign", "missing")
MISSING: Final = "00000000-0000-4000-8000-000000000000"


class Operation(NamedTuple):
    method: str
    path: str
    name: str
    body: bytes
    media_type: str

    @property
    def workflow(self) -> str:
        return self.name.partition(".")[0]

    def at(self, case: str) -> str:
        return self.path.replace("{case}", case)


@pytest.fixture(scope="module")
def cases(town: Town) -> dict[tuple[str, str], str]:
    """The id of each applicant's own case in each workflow, all of them in the log; and one member is dismissed."""
    workflows = {path.split("/")[2] for _, path, _ in town.operations() if path.startswith("/workflows/")}
    made = {(name, who): town.case_of(name, who).rpartition("/")[2] for name in sorted(workflows) for who in APPLICANTS}
    ledger = town.ledger
    sequence(ledger.begin, ledger.recorder, ledger.key)
    with ledger.begin() as unit:
        unit.members.enrol(Identity(town.issuer.trusted().issuer, DISMISSED), Member(DISMISSED, ()))
        unit.commit()
    return made


def operations(town: Town) -> Iterator[Operation]:
    for method, template, described in town.operations():
        path = template
        for each in described.get("parameters", ()):
            if each["in"] == "path" and each["name"] != "case":
                path = path.replace(f"{{{each['name']}}}", str(of_schema(each["schema"], town.document)))
        content = described.get("requestBody", {}).get("content", {})
        media_type = next(iter(content), "application/json")
        body = b"a document" if content else b""
        if "application/json" in content:
            body = json.dumps(of_schema(content["application/json"]["schema"], town.document)).encode()
        yield Operation(method, path, described["operationId"], body, media_type)


def bearer(town: Town, persona: str) -> dict[str, str]:
    """Return the header with a persona's token; each of NOBODY has one that is wrong in one way, or none."""
    signed = {
        "expired": {"exp": 1_600_000_000},
        "foreign-audience": {"aud": "the-waste-office"},
        "another-issuer": {"iss": "https://login.example.org"},
    }
    if persona == "anonymous":
        return {}
    if persona == "foreign-key":
        token = type(town.issuer)("http://127.0.0.1:8000/dev", "ledger").token("clerk-1")
    else:
        token = town.signed(**signed[persona]) if persona in signed else town.token(persona)
    return {"Authorization": f"Bearer {token}"}


def target_of(cases: dict[tuple[str, str], str], workflow: str, persona: str, target: str) -> str:
    if target == "missing":
        return MISSING
    mine = persona if persona in APPLICANTS else APPLICANTS[0]
    return cases[workflow, mine if target == "own" else next(each for each in APPLICANTS if each != mine)]


def expected(operation: Operation, persona: str, target: str) -> list[int]:
    kind = KIND[operation.name]
    roles = TABLE[kind][operation.name]
    if kind == "open":
        return roles
    if persona in NOBODY:
        return [401]
    if persona == DISMISSED or role_of(persona) not in roles:
        return [403]
    about_a_case = "{case}" in operation.path
    if about_a_case and (target == "missing" or (target == "foreign" and persona in APPLICANTS)):
        return [404]
    return TABLE["answers"][kind]


def test_every_operation_is_decided_on_and_nothing_else(town: Town) -> None:
    assert {each.name for each in operations(town)} == set(KIND)
    assert sum(len(rows) for kind, rows in TABLE.items() if kind != "answers") == len(KIND)


def test_every_cell(town: Town, cases: dict[tuple[str, str], str]) -> None:
    tokens = {persona: bearer(town, persona) for persona in PERSONAS}
    cells, wrong, told_apart = 0, [], []
    for operation in operations(town):
        for persona in PERSONAS:
            seen: dict[int, set[bytes]] = {}
            for target in TARGETS:
                case = target_of(cases, operation.workflow, persona, target) if "{case}" in operation.path else ""
                headers = town.headers() | tokens[persona] | {"Content-Type": operation.media_type}
                answer = town.service.ask(operation.method, operation.at(case), headers, operation.body)
                cells += 1
                if answer.status not in expected(operation, persona, target):
                    wrong.append((operation.name, persona, target, answer.status, answer.body))
                if answer.status in {401, 403, 404}:
                    fields = sorted(each for each in answer.fields if each[0] != "x-request-id")
                    text = repr((fields, answer.body)).replace(case or "-", "a-case")
                    seen.setdefault(answer.status, set()).add(text.replace(str(len(answer.body)), "length").encode())
            told_apart += [(operation.name, persona, each) for each in seen.items() if len(each[1]) > 1]
    assert wrong == []
    assert told_apart == [], "a foreign case and none are answered alike, to the byte"
    assert cells == len(KIND) * len(PERSONAS) * len(TARGETS)


def test_no_listing_shows_an_applicant_another_ones_case(town: Town, cases: dict[tuple[str, str], str]) -> None:
    for workflow in {name for name, _ in cases}:
        for persona in APPLICANTS:
            shown = town.get(persona, f"/workflows/{workflow}/cases?limit=200")["cases"]
            ids = {each["case_id"] for each in shown}
            assert cases[workflow, persona] in ids
            assert not ids & {case for (_, who), case in cases.items() if who != persona}


def test_who_was_dismissed_gets_no_answer_of_before(town: Town) -> None:
    path = town.case_of("parking_fine", APPLICANTS[0])
    who = Identity(town.issuer.trusted().issuer, "finance-1")
    asked = {"method": "POST", "path": f"{path}/record_payment", "value": {"payload": {"amount": 100}}}
    assert town.ask("finance-1", **asked, Idempotency_Key="before").status == 200
    for roles, status in (((), 403), (("finance",), 200)):
        with town.ledger.begin() as unit:
            unit.members.enrol(who, Member("finance-1", roles))
            unit.commit()
        assert town.ask("finance-1", **asked, Idempotency_Key="before").status == status
