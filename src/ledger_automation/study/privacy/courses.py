"""What happens to whom in a run: a case for every person, its steps, and in which interval each is taken.

All three workflows in turn. The first cases are enforced; of the others one in ten comes over HTTP, the rest are taken
in directly, half of them at level ``logged``, half at ``anchored``. A case opens in any interval; until its next step
some intervals pass (geometrically distributed, `_PAUSE` on average), as they do where people answer letters: that is
what an observer of the log can hope to see.
"""

from hashlib import sha256
from random import Random
from typing import Any, Final, NamedTuple

from ledger_automation.study.privacy.register import Person
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import DocumentRecord

CLERK: Final = "clerk-1"
APPROVER: Final = "approver-1"
FINANCE: Final = "finance-1"
APPLICANT: Final = "applicant"
OFFICERS: Final = {CLERK: "clerk", APPROVER: "approver", FINANCE: "finance"}
WORKFLOWS: Final = ("parking_fine", "permit", "subsidy")
_PAUSE: Final = 4
_TENTH: Final = 10
_PROGRAMME: Final = {"check_required": False, "cost_plan_required": False, "own_share_proof_required": False}


class Taken(NamedTuple):
    """One step to be taken: the action, by an officer or the applicant, what it carries, and its documents."""

    action: str
    actor: str
    payload: dict[str, Any]
    documents: tuple[DocumentRecord, ...] = ()


class Course(NamedTuple):
    """One case: whose it is, its level, whether it comes over HTTP, and its steps with the interval of each."""

    person: Person
    workflow: str
    level: Level
    over_http: bool
    steps: tuple[tuple[int, Taken], ...]


def courses(people: list[Person], enforced: int, intervals: int, seed: int) -> list[Course]:
    """Return the course of everybody's case; so many are enforced."""
    random = Random(f"courses/{seed}")  # noqa: S311 (reproducible, not secret)
    return [_course(person, person.number < enforced, intervals, random) for person in people]


def _course(person: Person, enforced: bool, intervals: int, random: Random) -> Course:
    number = person.number
    workflow = WORKFLOWS[number % len(WORKFLOWS)]
    over_http = number % _TENTH == _TENTH - 1
    level = Level.ENFORCED if enforced else Level.LOGGED if number % 2 else Level.ANCHORED
    interval, steps = random.randrange(intervals), []
    for step in _STEPS[workflow](person, level):
        steps.append((min(interval, intervals - 1), step))
        while random.random() > 1 / (_PAUSE + 1):
            interval += 1
    return Course(person, workflow, level, over_http and not enforced, tuple(steps))


def _fine(person: Person, _: Level) -> list[Taken]:
    where = f"Halteverbot; {person.plate}; {person.name}, {person.address}"
    return [
        Taken("record_fine", CLERK, {"amount": 3_500, "offence": where, "rules": {"appeal_before_notice": True}}),
        Taken("appeal_to_authority", APPLICANT, {}),
        Taken("record_payment", FINANCE, {"amount": 1_000}),
        Taken("cancel_fine", APPROVER, {"reason": f"{person.remark}. {person.email}, {person.file}"}, _papers(person)),
    ]


def _permit(person: Person, _: Level) -> list[Taken]:
    paper = {"name": f"Vollmacht {person.name}", "version": 1, "sha256": sha256(person.document.encode()).hexdigest()}
    return [
        Taken("submit_application", APPLICANT, {"subject": f"Carport, {person.address}"}, _papers(person)),
        Taken("request_documents", CLERK, {"missing": f"Vollmacht von {person.name}, geboren {person.born}"}),
        Taken("supplement_documents", APPLICANT, {"documents": [paper]}),
        Taken("request_advice", CLERK, {"parties": [person.name, person.email]}),
        Taken("withdraw", APPLICANT, {}),
    ]


def _subsidy(person: Person, level: Level) -> list[Taken]:
    name = (
        person.login if level is Level.ENFORCED else person.name
    )  # there it becomes a member's, whose names are ASCII
    applied = {"applicant": name, "kind": "municipality", "planned": 100_000, "resolution_reference": person.file}
    return [
        Taken("open_programme", CLERK, {"title": f"Denkmal, {person.address}", "rules": _PROGRAMME}),
        Taken("apply", APPLICANT, applied, _papers(person)),
        Taken("grant", APPROVER, {"amount": 50_000, "rate": 6_500, "advance": 10_000}),
        Taken("request_tranche", APPLICANT, {"number": 1, "amount": 10_000, "payee": person.iban}),
        Taken("approve_tranche", APPROVER, {"number": 1}),
        Taken("disburse_tranche", FINANCE, {"number": 1}),
        Taken("prove_use", APPLICANT, {"number": 1, "expenditure": 20_000, "reference": person.remark}),
    ]


def _papers(person: Person) -> tuple[DocumentRecord, ...]:
    return (DocumentRecord(f"{person.name}.txt", "text/plain", person.document.encode()),)


_STEPS: Final = {"parking_fine": _fine, "permit": _permit, "subsidy": _subsidy}
