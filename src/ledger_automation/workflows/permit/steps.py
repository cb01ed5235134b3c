"""What each step of a permit changes; a step may assume that its guards hold."""

from collections.abc import Callable

from msgspec.structs import replace

from ledger_automation.workflows._table import Step
from ledger_automation.workflows.deadlines import end_of_day, local_day, term_end
from ledger_automation.workflows.permit.case import Application, Permit, applicant_of

Effect = Callable[[Permit, Step], Permit]


def submit(_: None, step: Step) -> Permit:
    """Open the case; the planned term starts."""
    given: Application = step.payload
    rules = given.rules
    planned = term_end(local_day(step.at, rules.zone), days=rules.planned_days, land=rules.holidays_of)
    return Permit(rules, applicant_of(step), planned, given.documents)


def paper_reaches(stage: str) -> Effect:
    """Return the step that moves a letter to a stage."""

    def effect(permit: Permit, step: Step) -> Permit:
        return _with_stage(permit, step.payload.paper, stage)

    return effect


def _with_stage(permit: Permit, paper: str, stage: str) -> Permit:
    others = tuple(each for each in permit.papers if each[0] != paper)
    return replace(permit, papers=tuple(sorted((*others, (paper, stage)))))


def acknowledge(permit: Permit, _: Step) -> Permit:
    """Send the acknowledgement of receipt."""
    return _with_stage(permit, "acknowledgement", "sent")


def request_documents(permit: Permit, _: Step) -> Permit:
    """Open the branch of completeness."""
    return replace(permit, documents_open=True)


def supplement(permit: Permit, step: Step) -> Permit:
    """Take in further versions and close the branch of completeness."""
    return replace(permit, documents=permit.documents + step.payload.documents, documents_open=False)


def determine_advice(permit: Permit, _: Step) -> Permit:
    """Note that the need for advice was determined."""
    return replace(permit, advice_need=True)


def request_advice(permit: Permit, step: Step) -> Permit:
    """Open the branch of advice for each party asked."""
    asked = tuple(sorted({*permit.advice_open, *(step.payload.parties or ("any",))}))
    return replace(permit, advice_asked=True, advice_open=asked)


def receive_advice(permit: Permit, step: Step) -> Permit:
    """Close the branch of advice for a party; the first answer also closes a request that named nobody."""
    left = tuple(each for each in permit.advice_open if each not in {step.payload.party, "any"})
    return replace(permit, advice_open=left if step.payload.kind == "external" else permit.advice_open)


def extend(permit: Permit, step: Step) -> Permit:
    """Move the end of the planned term."""
    return replace(permit, planned_end=step.payload.until)


def propose(permit: Permit, step: Step) -> Permit:
    """Note who proposes which decision."""
    return replace(permit, proposed_by=step.actor.id, proposed=step.payload.outcome)


def grant(permit: Permit, step: Step) -> Permit:
    """Decide in favour."""
    return replace(permit, outcome="granted", decided_by=step.actor.id, valid_until=step.payload.valid_until)


def refuse(permit: Permit, step: Step) -> Permit:
    """Decide against."""
    return replace(permit, outcome="refused", decided_by=step.actor.id)


def notify(permit: Permit, step: Step) -> Permit:
    """Start the term for an objection (§ 70 VwGO)."""
    rules = permit.rules
    last = term_end(local_day(step.at, rules.zone), months=rules.objection_months, land=rules.holidays_of)
    return replace(permit, objection_ends=end_of_day(last, rules.zone), objections_closed=False)


def keep(permit: Permit, _: Step) -> Permit:
    """Change nothing but the state."""
    return permit


def remedy(permit: Permit, step: Step) -> Permit:
    """Give way to an objection: the permit is granted with its new content."""
    return grant(replace(permit, objections_closed=True), step)


def reject_objection(permit: Permit, _: Step) -> Permit:
    """Keep the decision; there is no second objection against it."""
    return replace(permit, objections_closed=True)
