"""The rules of a permit, each with its name and its sentence."""

from typing import Final

from ledger_automation.workflows._machine import LAST_YEAR
from ledger_automation.workflows._table import Barred, Guard, Step, own_case_only
from ledger_automation.workflows.deadlines import end_of_day
from ledger_automation.workflows.permit.case import Document, Permit, Rules, applicant_of

REVIEW: Final = ("submitted", "acknowledged")


def _versions_hold(known: tuple[Document, ...], given: tuple[Document, ...]) -> bool:
    hashes = {(each.name, each.version): each.sha256 for each in known}
    return all(hashes.setdefault((each.name, each.version), each.sha256) == each.sha256 for each in given)


def _advice_was_asked(permit: Permit, step: Step) -> bool:
    return step.payload.kind == "internal" or permit.advice_asked


def _extension_is_in_time(permit: Permit, step: Step) -> bool:
    return bool(step.at < end_of_day(permit.planned_end, permit.rules.zone))


def _four_eyes(permit: Permit, step: Step) -> bool:
    return not permit.rules.four_eyes or (bool(permit.proposed_by) and permit.proposed_by != step.actor.id)


def _objection_term_is_over(permit: Permit, step: Step) -> bool:
    return permit.objections_closed or (permit.objection_ends is not None and step.at >= permit.objection_ends)


APPLICANT_KNOWN: Final = Guard(
    "applicant_unknown",
    "An application handed in by the office names its applicant.",
    lambda _, step: step.actor.role == "applicant" or bool(step.payload.applicant),
)
RULES_OF_OFFICE: Final = Guard(
    "rules_are_the_offices",
    "Who applies for himself does so under the office's own rules; others are set by an officer.",
    lambda _, step: applicant_of(step) != step.actor.id or step.payload.rules == Rules(),
)
OWN_CASE: Final = own_case_only(lambda permit, person: permit.applicant == person)
VERSIONS_FIRST: Final = Guard(
    "document_version_fixed",
    "A version of a document has one hash for ever; a change is a new version.",
    lambda _, step: _versions_hold((), step.payload.documents),
)
VERSIONS_FIXED: Final = Guard(
    "document_version_fixed",
    "A version of a document has one hash for ever; a change is a new version.",
    lambda permit, step: _versions_hold(permit.documents, step.payload.documents),
)
DOCUMENTS_ASKED: Final = Guard(
    "documents_not_requested",
    "Documents are supplemented on request or by the applicant.",
    lambda permit, step: permit.documents_open or step.actor.role == "applicant",
)
PAPER_CHECKED: Final = Guard(
    "check_first",
    "A letter is checked before it is revised or determined.",
    lambda permit, step: permit.stage(step.payload.paper) in {"checked", "determined"},
)
PAPER_DRAFTED: Final = Guard(
    "draft_first",
    "A letter is drafted before it is checked; the acknowledgement is drafted by the system.",
    lambda permit, step: step.payload.paper == "acknowledgement" or permit.stage(step.payload.paper) != "",
)
PAPER_DETERMINED: Final = Guard(
    "determination_first",
    "A letter is determined before it is sent.",
    lambda permit, step: permit.stage(step.payload.paper) == "determined",
)
PAPER_OPEN: Final = Guard(
    "letter_sent_already",
    "A letter that was sent does not change any more.",
    lambda permit, step: permit.stage(step.payload.paper) != "sent",
)
ACKNOWLEDGEMENT_READY: Final = Guard(
    "determination_first",
    "An acknowledgement that is being checked is determined before it is sent.",
    lambda permit, _: permit.stage("acknowledgement") in {"", "determined"},
)
NEED_DETERMINED: Final = Guard(
    "advice_need_first",
    "Whether the procedure must pause is decided after the need for advice.",
    lambda permit, _: permit.advice_need,
)
ADVICE_ASKED: Final = Guard("advice_not_requested", "External advice answers a request.", _advice_was_asked)
EXTENSION_LATER: Final = Guard(
    "extension_not_later",
    "An extension ends after the term that it extends.",
    lambda permit, step: step.payload.until > permit.planned_end,
)
EXTENSION_KNOWN: Final = Guard(
    "calendar_unknown",
    "An extension ends within the years that terms can be counted in.",
    lambda _, step: step.payload.until.year <= LAST_YEAR,
)
EXTENSION_IN_TIME: Final = Guard("extension_too_late", "A term is extended before it ends.", _extension_is_in_time)
DOCUMENTS_CLOSED: Final = Guard(
    "documents_missing",
    "Requested documents are still missing; the branch of completeness is open.",
    lambda permit, _: not permit.documents_open,
)
ADVICE_CLOSED: Final = Guard(
    "advice_missing",
    "Requested advice is still missing; the branch of advice is open.",
    lambda permit, _: not permit.advice_open,
)
NOT_IN_OWN_CASE: Final = Guard(
    "nobody_decides_in_own_case",
    "Nobody decides in his own case.",
    lambda permit, step: step.actor.id != permit.applicant,
)
FOUR_EYES: Final = Guard("four_eyes", "A decision is proposed by one officer and taken by another.", _four_eyes)
FOUR_EYES_ON_OBJECTION: Final = Guard(
    "four_eyes",
    "Who took the decision does not decide on the objection against it.",
    lambda permit, step: not permit.rules.four_eyes or permit.decided_by != step.actor.id,
)
VALID_IN_FUTURE: Final = Guard(
    "valid_until_past",
    "A permit ends after the decision that grants it.",
    lambda _, step: step.payload.valid_until is None or step.payload.valid_until > step.at,
)
OBJECTION_ONCE: Final = Guard(
    "objection_decided", "The objection was decided already.", lambda permit, _: not permit.objections_closed
)
OBJECTION_IN_TIME: Final = Guard(
    "objection_too_late",
    "The objection came after the last second of its term, which runs from notification.",
    lambda permit, step: permit.objection_ends is not None and step.at < permit.objection_ends,
)
OBJECTION_TERM_OVER: Final = Guard(
    "objection_term_running", "The term for an objection is still running.", _objection_term_is_over
)
IS_GRANT: Final = Guard(
    "not_granted", "Only a granted permit comes into force.", lambda permit, _: permit.outcome == "granted"
)
IS_REFUSAL: Final = Guard("not_refused", "Only a refusal becomes final.", lambda permit, _: permit.outcome == "refused")
EXPIRY_REACHED: Final = Guard(
    "not_expired_yet",
    "A permit expires at its exact second, not before.",
    lambda permit, step: permit.valid_until is not None and step.at >= permit.valid_until,
)
STILL_VALID: Final = Guard(
    "expired_at_that_second",
    "The permit had ended at that second; nothing can be revoked.",
    lambda permit, step: permit.valid_until is None or step.at < permit.valid_until,
)

AFTER_DECISION: Final = Barred(
    "decided_already",
    "The application is decided; its review is over.",
    ("granted", "refused", "notified", "objected", "in_force"),
)
AFTER_END: Final = Barred(
    "nothing_after_the_end", "The case has ended.", ("withdrawn", "refusal_final", "expired", "revoked")
)
