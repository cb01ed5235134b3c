"""What a permit carries and remembers: rules, payloads, milestones."""

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

from ledger_automation.workflows._table import Payload, Step, Term, Text
from ledger_automation.workflows.deadlines import end_of_day

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Version = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Paper = Literal["acknowledgement", "permit_free_notice", "hold_report"]
Days = Annotated[int, msgspec.Meta(ge=1, le=3660)]
Aware = Annotated[datetime, msgspec.Meta(tz=True)]


class Rules(Payload, frozen=True):
    """The policy of an office; the defaults are those of the demo."""

    planned_days: Days = 56
    four_eyes: bool = True
    objection_months: Annotated[int, msgspec.Meta(ge=0, le=12)] = 1
    holidays_of: str = "MV"
    zone: str = "Europe/Berlin"


class Document(Payload, frozen=True):
    """One version of one document, known by its hash."""

    name: Name
    version: Version
    sha256: Sha256


class Application(Payload, frozen=True):
    """What is applied for, by whom, with which documents."""

    subject: str = ""
    applicant: str = ""
    documents: tuple[Document, ...] = ()
    rules: Rules = Rules()


def applicant_of(step: Step) -> str:
    """Return whose application it is: that of the applicant who hands it in, or of whom the office names."""
    given: Application = step.payload
    return step.actor.id if step.actor.role == "applicant" else given.applicant


class Documents(Payload, frozen=True):
    """Documents handed in later, each a version of its own; what came on paper has no hash and is not listed."""

    documents: tuple[Document, ...] = ()


class DocumentRequest(Payload, frozen=True):
    """What is missing."""

    missing: Text


class PaperStep(Payload, frozen=True):
    """Which letter the step works on."""

    paper: Paper


class AdviceNeed(Payload, frozen=True):
    """Whether advice is needed; unknown where a log does not say."""

    needed: bool | None = None


class AdviceRequest(Payload, frozen=True):
    """Who is asked; nobody named means whoever is competent."""

    parties: tuple[Name, ...] = ()


class Advice(Payload, frozen=True):
    """One piece of advice; internal advice comes from the office itself and needs no request."""

    party: Name
    kind: Literal["internal", "external"]
    sha256: Sha256 | None = None


class Extension(Payload, frozen=True):
    """A later end of the planned term, and why."""

    until: date
    reason: Text


class Proposal(Payload, frozen=True):
    """What the officer proposes to decide."""

    outcome: Literal["granted", "refused"]


class Grant(Payload, frozen=True):
    """The permit's content; without ``valid_until`` it is valid without end."""

    valid_until: Aware | None = None
    conditions: str = ""


class Reason(Payload, frozen=True):
    """Why."""

    reason: Text


class Permit(Payload, frozen=True):
    """What the law must remember of a case."""

    rules: Rules
    applicant: str
    planned_end: date
    documents: tuple[Document, ...] = ()
    documents_open: bool = False
    advice_need: bool = False
    advice_asked: bool = False
    advice_open: tuple[str, ...] = ()
    papers: tuple[tuple[str, str], ...] = ()
    proposed_by: str = ""
    proposed: str = ""
    decided_by: str = ""
    outcome: str = ""
    valid_until: datetime | None = None
    objection_ends: datetime | None = None
    objections_closed: bool = False

    def stage(self, paper: str) -> str:
        """Return how far a letter is: '', drafted, checked, determined or sent."""
        return next((stage for name, stage in self.papers if name == paper), "")


def terms(state: str, permit: Permit) -> tuple[Term, ...]:
    """Return what is to be done until when: decide, object; and how long a permit holds."""
    if state in {"submitted", "acknowledged"}:
        return (Term("decision", end_of_day(permit.planned_end, permit.rules.zone)),)
    if state == "notified" and permit.objection_ends is not None and not permit.objections_closed:
        return (Term("objection", permit.objection_ends),)
    if state == "in_force" and permit.valid_until is not None:
        return (Term("validity", permit.valid_until),)
    return ()


def is_valid(state: str, permit: Permit, at: datetime) -> bool:
    """Say whether a permit holds at a moment: in force, and not one second past its end (PE2)."""
    return state == "in_force" and (permit.valid_until is None or at < permit.valid_until)
