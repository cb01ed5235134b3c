"""The table of the permit: who may do what, when, and what follows."""

from typing import Final

from ledger_automation.workflows._machine import Workflow
from ledger_automation.workflows._table import Guard, Nothing, Payload, Retention, Transition
from ledger_automation.workflows.deadlines import CALENDAR_KNOWN
from ledger_automation.workflows.permit import case as carries
from ledger_automation.workflows.permit import guards as rule
from ledger_automation.workflows.permit import steps as do
from ledger_automation.workflows.permit.enforcement import ENFORCEMENT
from ledger_automation.workflows.permit.guards import REVIEW

_OVER: Final = (rule.AFTER_DECISION, rule.AFTER_END)
_END: Final = (rule.AFTER_END,)
_CLERK: Final = ("clerk",)
_APPROVER: Final = ("approver",)
_DECIDE: Final = (
    rule.NOT_IN_OWN_CASE, rule.DOCUMENTS_CLOSED, rule.ADVICE_CLOSED, rule.FOUR_EYES,
)  # fmt: skip


def _review(action: str, event: str, payload: type[Payload], effect: do.Effect, *guards: Guard) -> Transition:
    """Return a step of the review: by an officer, before the decision, leaving the state as it is."""
    return Transition(
        action, event, REVIEW, REVIEW, _CLERK, payload, effect, guards, lambda _, step: str(step.state), _OVER
    )


_TRANSITIONS: Final = (
    Transition(
        "submit_application", "application_submitted", (), ("submitted",), ("applicant", "clerk"),
        carries.Application, do.submit,
        (CALENDAR_KNOWN, rule.APPLICANT_KNOWN, rule.RULES_OF_OFFICE, rule.VERSIONS_FIRST),
    ),
    Transition(
        "acknowledge", "acknowledged", ("submitted",), ("acknowledged",), ("clerk", "system"),
        Nothing, do.acknowledge, (rule.ACKNOWLEDGEMENT_READY,), barred=_OVER,
    ),
    _review("draft_letter", "letter_drafted", carries.PaperStep, do.paper_reaches("drafted"), rule.PAPER_OPEN),
    _review(
        "check_letter", "letter_checked", carries.PaperStep, do.paper_reaches("checked"), rule.PAPER_OPEN,
        rule.PAPER_DRAFTED,
    ),
    _review(
        "revise_letter", "letter_revised", carries.PaperStep, do.paper_reaches("drafted"), rule.PAPER_OPEN,
        rule.PAPER_CHECKED,
    ),
    _review(
        "determine_letter", "letter_determined", carries.PaperStep, do.paper_reaches("determined"), rule.PAPER_OPEN,
        rule.PAPER_CHECKED,
    ),
    _review("send_letter", "letter_sent", carries.PaperStep, do.paper_reaches("sent"), rule.PAPER_DETERMINED),
    _review("request_documents", "documents_requested", carries.DocumentRequest, do.request_documents),
    Transition(
        "supplement_documents", "documents_supplemented", REVIEW, REVIEW, ("applicant", "clerk"), carries.Documents,
        do.supplement, (rule.OWN_CASE, rule.DOCUMENTS_ASKED, rule.VERSIONS_FIXED), lambda _, step: str(step.state),
        _OVER,
    ),
    _review("determine_advice_need", "advice_need_determined", carries.AdviceNeed, do.determine_advice),
    _review("request_advice", "advice_requested", carries.AdviceRequest, do.request_advice),
    _review("receive_advice", "advice_received", carries.Advice, do.receive_advice, rule.ADVICE_ASKED),
    _review("determine_hold", "hold_determined", carries.AdviceNeed, do.keep, rule.NEED_DETERMINED),
    _review(
        "extend_term", "term_extended", carries.Extension, do.extend,
        rule.EXTENSION_KNOWN, rule.EXTENSION_IN_TIME, rule.EXTENSION_LATER,
    ),
    _review("propose_decision", "decision_proposed", carries.Proposal, do.propose, rule.NOT_IN_OWN_CASE),
    Transition(
        "grant", "granted", ("acknowledged",), ("granted",), _APPROVER, carries.Grant, do.grant,
        (*_DECIDE, rule.VALID_IN_FUTURE), barred=_OVER,
    ),
    Transition(
        "refuse", "refused", ("acknowledged",), ("refused",), _APPROVER, carries.Reason, do.refuse, _DECIDE,
        barred=_OVER,
    ),
    Transition(
        "withdraw", "withdrawn", REVIEW, ("withdrawn",), ("applicant",), Nothing, do.keep, (rule.OWN_CASE,),
        barred=_OVER,
    ),
    Transition(
        "notify", "notified", ("granted", "refused"), ("notified",), ("clerk", "system"), Nothing, do.notify,
        barred=_END,
    ),
    Transition(
        "object", "objected", ("notified",), ("objected",), ("applicant",), carries.Reason, do.keep,
        (rule.OWN_CASE, rule.OBJECTION_ONCE, rule.OBJECTION_IN_TIME), barred=_END,
    ),
    Transition(
        "remedy_objection", "objection_remedied", ("objected",), ("granted",), _APPROVER, carries.Grant, do.remedy,
        (rule.NOT_IN_OWN_CASE, rule.FOUR_EYES_ON_OBJECTION, rule.VALID_IN_FUTURE), barred=_END,
    ),
    Transition(
        "reject_objection", "objection_rejected", ("objected",), ("notified",), _APPROVER, carries.Reason,
        do.reject_objection, (rule.NOT_IN_OWN_CASE, rule.FOUR_EYES_ON_OBJECTION), barred=_END,
    ),
    Transition(
        "enter_into_force", "entered_into_force", ("notified",), ("in_force",), ("system", "clerk"), Nothing, do.keep,
        (rule.IS_GRANT, rule.OBJECTION_TERM_OVER, rule.STILL_VALID), barred=_END,
    ),
    Transition(
        "close_refusal", "refusal_became_final", ("notified",), ("refusal_final",), ("system", "clerk"), Nothing,
        do.keep, (rule.IS_REFUSAL, rule.OBJECTION_TERM_OVER), barred=_END,
    ),
    Transition(
        "expire", "expired", ("notified", "in_force"), ("expired",), ("system",), Nothing, do.keep,
        (rule.IS_GRANT, rule.EXPIRY_REACHED), barred=_END,
    ),
    Transition(
        "revoke", "revoked", ("granted", "notified", "in_force"), ("revoked",), _APPROVER, carries.Reason, do.keep,
        (rule.IS_GRANT, rule.NOT_IN_OWN_CASE, rule.STILL_VALID), barred=_END,
    ),
)  # fmt: skip

WORKFLOW: Final = Workflow(
    name="permit",
    version=1,
    data=carries.Permit,
    final=("withdrawn", "refusal_final", "expired", "revoked"),
    transitions=_TRANSITIONS,
    enforcement=ENFORCEMENT,
    parties=lambda permit: (permit.applicant,),
    retention=Retention(6, "records of an administrative case, § 147 (3) AO: 6 years"),
    terms=carries.terms,
)
