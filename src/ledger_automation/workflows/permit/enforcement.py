"""The permit in the numbers of contracts/workflows/PermitLedger.sol (requirements PE1 to PE7).

Before the decision the case's word holds what the review asks: who proposed, the planned term, branches, letters,
documents. No rule asks for any of it afterwards: its place is taken by who decided, the term for an objection and the
permit's end. Versions of documents are known by how many there are and a digest, and brought along when some are added.
Parties that owe advice are a second word, up to eight of them, which is there only while there are any.

What this does not do: it decides nothing, and it cannot write down what these words do not hold. A ninth party, or a
term that ends before 1971 or after 2499, is InvalidValue, and so is a calendar that nobody knows, or that somebody who
applies for himself chose.
"""

from collections.abc import Iterable
from datetime import date
from functools import reduce
from typing import Final

from ledger_automation.errors import InvalidValue
from ledger_automation.workflows._enforcement import Enforcement, Names, Word, keccak256, moment, pack
from ledger_automation.workflows._table import Step
from ledger_automation.workflows.deadlines import CALENDAR_KNOWN, end_of_day
from ledger_automation.workflows.permit.case import Document, Permit, Rules, applicant_of
from ledger_automation.workflows.permit.steps import notify, submit

_STATES: Final = (
    "submitted", "acknowledged", "granted", "refused", "notified", "objected", "in_force", "withdrawn",
    "refusal_final", "expired", "revoked",
)  # fmt: skip
_PAPERS: Final = ("acknowledgement", "permit_free_notice", "hold_report")
_STAGES: Final = ("", "drafted", "checked", "determined", "sent")
_OUTCOMES: Final = ("", "granted", "refused")

_ENDS_BITS: Final = 34
_YEARS: Final = (1971, 2499)
_SECOND: Final = 1_000_000
_LOW: Final = 128
_VERSION: Final = 1 << 48
_PARTY: Final = 1 << 32
_MOST_PARTIES: Final = 8
_WHOEVER: Final = "any"


def _facts(permit: Permit, names: Names) -> tuple[Word, ...]:
    decided = permit.outcome != ""
    officer = permit.decided_by if decided else permit.proposed_by
    documents = sorted(_versions(set(permit.documents), names))
    word = pack(
        (names.member(permit.applicant), 32),
        (names.member(officer), 32),
        (_objection_ends(permit) if decided else _ends(permit.planned_end, permit.rules), _ENDS_BITS),
        *_policy(permit.rules),
        (_OUTCOMES.index(permit.outcome), 2),
        (0 if decided else _review(permit, documents), 23),
        (moment(permit.valid_until) if decided else reduce(_chained, documents, 0) >> _LOW, 128),
    )
    parties = _parties(permit.advice_open, names)
    return (word, parties) if parties else (word,)


def _policy(rules: Rules) -> tuple[tuple[int, int], ...]:
    return (rules.four_eyes, 1), (rules.objection_months, 4)


def _calendar(rules: Rules) -> tuple[str, str]:
    """Return what no contract sees of the rules."""
    return rules.zone, rules.holidays_of


def _review(permit: Permit, documents: list[Word]) -> int:
    return pack(
        (permit.documents_open, 1),
        (permit.advice_need, 1),
        (permit.advice_asked, 1),
        *((_STAGES.index(permit.stage(each)), 3) for each in _PAPERS),
        (len(documents), 8),
    )


def _objection_ends(permit: Permit) -> int:
    """Return seconds; 0 before the notification, and once the objection was decided: then no rule asks for it."""
    return 0 if permit.objections_closed else moment(permit.objection_ends) // _SECOND


def _ends(last: date, rules: Rules) -> int:
    _require_year(last)
    return moment(end_of_day(last, rules.zone)) // _SECOND


def _require_year(day: date) -> None:
    """Keep within the calendars: the law refuses such moments too, but is perhaps asked later."""
    if not _YEARS[0] <= day.year <= _YEARS[1]:
        raise InvalidValue("A day of an enforced permit", day.isoformat(), f"in the years {_YEARS[0]} to {_YEARS[1]}")


def _submit(_: Permit | None, step: Step, names: Names) -> tuple[Word, ...]:
    rules: Rules = step.payload.rules
    _require_year(step.at)
    if not CALENDAR_KNOWN.holds(None, step):
        raise InvalidValue("The calendar of an enforced case", f"{rules.zone}, {rules.holidays_of}", "a known one")
    if applicant_of(step) == step.actor.id and _calendar(rules) != _calendar(Rules()):
        raise InvalidValue(
            "The calendar of who applies for himself", f"{rules.zone}, {rules.holidays_of}", "the office's"
        )
    opening = pack(
        (0 if step.actor.role == "applicant" else names.member(step.payload.applicant), 32),
        (0, 32),
        (_ends(submit(None, step).planned_end, rules), _ENDS_BITS),
        *_policy(rules),
        (0, 25),
        (rules.planned_days, 12),
    )
    return opening, *sorted(_versions(set(step.payload.documents), names))


def _paper(_: Permit | None, step: Step, _names: Names) -> tuple[Word, ...]:
    return (_PAPERS.index(step.payload.paper),)


def _supplement(permit: Permit | None, step: Step, names: Names) -> tuple[Word, ...]:
    """Return the known versions and the new ones; what is given again with its content is nothing new."""
    known = set(permit.documents) if permit else set()
    new = _versions(set(step.payload.documents) - known, names)
    return (*sorted(_versions(known, names)), *sorted(new)) if new else ()


def _request_advice(_: Permit | None, step: Step, names: Names) -> tuple[Word, ...]:
    return (_parties(step.payload.parties or (_WHOEVER,), names),)


def _receive_advice(_: Permit | None, step: Step, names: Names) -> tuple[Word, ...]:
    return (_parties((step.payload.party,), names),) if step.payload.kind == "external" else ()


def _extend(permit: Permit | None, step: Step, _: Names) -> tuple[Word, ...]:
    return (_ends(step.payload.until, permit.rules if permit else Rules()),)


def _grant(_: Permit | None, step: Step, _names: Names) -> tuple[Word, ...]:
    return (moment(step.payload.valid_until),)


def _notify(permit: Permit | None, step: Step, _: Names) -> tuple[Word, ...]:
    _require_year(step.at)
    return (moment(notify(permit, step).objection_ends) // _SECOND if permit else 0,)


def _versions(documents: Iterable[Document], names: Names) -> list[Word]:
    """Return 48 bits for each; twice the same for a version with two contents, which the law refuses."""
    return [names.blind(f"{each.version} {each.name}") % _VERSION or 1 for each in documents]


def _parties(parties: Iterable[str], names: Names) -> Word:
    """Return a number of 32 bits for each, ascending; whoever is competent is 1."""
    numbers = {1 if each == _WHOEVER else max(2, names.blind(each) % _PARTY) for each in parties}
    if len(numbers) > _MOST_PARTIES:
        raise InvalidValue("The parties of an enforced permit", len(numbers), f"at most {_MOST_PARTIES} at once")
    return pack(*((each, 32) for each in sorted(numbers)))


def _chained(led: Word, version: Word) -> Word:
    octets = led.to_bytes(32, "big") + version.to_bytes(32, "big")
    return int.from_bytes(keccak256(octets), "big")


ENFORCEMENT: Final = Enforcement(
    contract="PermitLedger",
    states=_STATES,
    facts=_facts,
    arguments={
        "submit_application": _submit,
        "draft_letter": _paper,
        "check_letter": _paper,
        "revise_letter": _paper,
        "determine_letter": _paper,
        "send_letter": _paper,
        "supplement_documents": _supplement,
        "request_advice": _request_advice,
        "receive_advice": _receive_advice,
        "extend_term": _extend,
        "grant": _grant,
        "remedy_objection": _grant,
        "notify": _notify,
    },
)
