"""The table of the subsidy: who may do what, when, and what follows."""

from typing import Final

from ledger_automation.workflows._machine import Workflow
from ledger_automation.workflows._table import Guard, Nothing, Payload, Retention, Transition
from ledger_automation.workflows.deadlines import CALENDAR_KNOWN
from ledger_automation.workflows.subsidy import guards as rule
from ledger_automation.workflows.subsidy import payloads as carries
from ledger_automation.workflows.subsidy import steps as do
from ledger_automation.workflows.subsidy import tranche_guards as tranche
from ledger_automation.workflows.subsidy.case import Subsidy, terms
from ledger_automation.workflows.subsidy.enforcement import ENFORCEMENT

_RUNNING: Final = ("granted",)
_PAID_OUT: Final = ("granted", "final_proof_submitted", "closed", "revoked")
_OVER: Final = (rule.AFTER_REVOCATION, rule.AFTER_CLOSURE)
_BARRED: Final = (rule.NOT_GRANTED, *_OVER)
_APPLICANT: Final = ("applicant",)
_CLERK: Final = ("clerk",)
_APPROVER: Final = ("approver",)
_FINANCE: Final = ("finance",)
_AUDITOR: Final = ("auditor",)
_DECIDES: Final = (rule.NOT_IN_OWN_CASE, rule.FOUR_EYES)


def _running(
    action: str, event: str, roles: tuple[str, ...], payload: type[Payload], effect: do.Effect, *guards: Guard
) -> Transition:  # a row of the table reads best without keywords
    """Return a step of the running grant."""
    return Transition(action, event, _RUNNING, _RUNNING, roles, payload, effect, guards, barred=_BARRED)


_TRANSITIONS: Final = (
    Transition(
        "open_programme", "programme_opened", (), ("programme_open",), ("clerk", "system"), carries.Programme,
        do.open_programme, (CALENDAR_KNOWN,),
    ),
    Transition(
        "apply", "applied", ("programme_open", "returned"), ("applied",), _APPLICANT, carries.Application,
        do.apply_for, (rule.OWN_CASE, rule.IN_TIME, rule.ELIGIBLE, rule.COST_PLAN, rule.OWN_SHARE_PROOF), barred=_OVER,
    ),
    Transition(
        "check_application", "application_checked", ("applied", "checked"), ("checked",), _CLERK, carries.Check,
        do.check, (rule.NOT_IN_OWN_CASE,), barred=_OVER,
    ),
    Transition(
        "return_application", "application_returned", ("applied", "checked"), ("returned",), ("clerk", "approver"),
        carries.Reason, do.keep, (rule.NOT_IN_OWN_CASE,), barred=_OVER,
    ),
    Transition(
        "withdraw_application", "application_withdrawn", ("applied", "returned", "checked"), ("withdrawn",),
        _APPLICANT, carries.Reason, do.keep, (rule.OWN_CASE,), barred=_OVER,
    ),
    Transition(
        "record_resolution", "resolution_recorded", ("applied", "checked"), ("applied", "checked"),
        ("applicant", "clerk"), carries.Resolution, do.resolve_council, (rule.OWN_CASE,),
        lambda _, step: str(step.state), _OVER,
    ),
    Transition(
        "grant", "granted", ("applied", "checked"), _RUNNING, _APPROVER, carries.GrantDecision, do.grant,
        (rule.CHECKED, *_DECIDES, rule.RESOLUTION_PRESENT, rule.RATE_OF_PROGRAMME, rule.GRANT_WITHIN_RATE, rule.PERIOD),
        barred=_OVER,
    ),
    Transition(
        "refuse", "refused", ("checked",), ("refused",), _APPROVER, carries.Reason, do.keep, _DECIDES, barred=_OVER,
    ),
    _running(
        "meet_condition", "condition_met", _CLERK, carries.ConditionMet, do.meet,
        rule.NOT_IN_OWN_CASE, rule.CONDITION_KNOWN,
    ),
    _running(
        "request_tranche", "tranche_requested", _APPLICANT, carries.TrancheRequest, do.request,
        rule.OWN_CASE, tranche.TRANCHE_ONCE, tranche.IN_PERIOD, tranche.BEYOND_GRANT,
    ),
    _running(
        "endorse_tranche", "tranche_endorsed", _CLERK, carries.TrancheStep, do.keep,
        tranche.TRANCHE_KNOWN, tranche.IS_REQUESTED, tranche.REQUESTER_APART, rule.NOT_IN_OWN_CASE,
        tranche.PAYEE_APART,
    ),
    _running(
        "return_tranche", "tranche_returned", ("applicant", "clerk", "approver"), carries.TrancheReason, do.send_back,
        tranche.TRANCHE_KNOWN, rule.OWN_CASE, tranche.IS_RETURNABLE,
    ),
    _running(
        "approve_tranche", "tranche_approved", _APPROVER, carries.TrancheStep, do.approve,
        tranche.TRANCHE_KNOWN, tranche.IS_REQUESTED, tranche.CONDITIONS_MET, tranche.REQUESTER_APART,
        rule.NOT_IN_OWN_CASE, tranche.PAYEE_APART,
    ),
    _running(
        "disburse_tranche", "tranche_disbursed", _FINANCE, carries.TrancheStep, do.disburse,
        tranche.TRANCHE_KNOWN, tranche.NOT_PAID_YET, tranche.IS_APPROVED, tranche.CONDITIONS_MET, tranche.PAYER_APART,
        rule.NOT_IN_OWN_CASE, tranche.PAYEE_APART, tranche.IN_PERIOD,
        tranche.WITHIN_OPEN, tranche.EARLIER_PROVEN, tranche.WITHIN_RATE, tranche.OWN_FUNDS,
    ),
    _running(
        "prove_use", "use_proven", _APPLICANT, carries.UseProof, do.prove,
        tranche.TRANCHE_KNOWN, rule.OWN_CASE, tranche.IS_PAID,
    ),
    _running(
        "accept_use", "use_accepted", _AUDITOR, carries.TrancheStep, do.accept, tranche.TRANCHE_KNOWN,
        tranche.IS_PROVEN, rule.NOT_IN_OWN_CASE,
    ),
    _running(
        "change_rate", "rate_changed", _APPROVER, carries.RateChange, do.change_rate,
        rule.NOT_IN_OWN_CASE, rule.RATE_OF_PROGRAMME,
    ),
    _running(
        "reduce_grant", "grant_reduced", _APPROVER, carries.Reduction, do.reduce,
        rule.NOT_IN_OWN_CASE, rule.NOTHING_WAITING, rule.REDUCTION_WITHIN_OPEN,
    ),
    _running(
        "cancel_rest", "rest_cancelled", _APPROVER, carries.Reason, do.cancel_rest,
        rule.NOT_IN_OWN_CASE, rule.NOTHING_WAITING, rule.SOMETHING_OPEN,
    ),
    Transition(
        "submit_final_proof", "final_proof_submitted", _RUNNING, ("final_proof_submitted",), _APPLICANT,
        carries.FinalProof, do.final_proof,
        (rule.OWN_CASE, rule.NOTHING_WAITING, rule.ALL_PROVEN, rule.VOUCHERS_ADD_UP, rule.SPENT_AS_PROVEN),
        barred=_BARRED,
    ),
    Transition(
        "return_final_proof", "final_proof_returned", ("final_proof_submitted",), _RUNNING, _AUDITOR, carries.Reason,
        do.keep, (rule.NOT_IN_OWN_CASE,), barred=_BARRED,
    ),
    Transition(
        "close", "closed", ("final_proof_submitted",), ("closed",), _AUDITOR, Nothing, do.cancel_rest,
        (rule.NOT_IN_OWN_CASE,), barred=_BARRED,
    ),
    Transition(
        "revoke", "revoked", ("granted", "final_proof_submitted"), ("revoked",), _APPROVER, carries.Reason,
        do.cancel_rest, (rule.NOT_IN_OWN_CASE,), barred=_BARRED,
    ),
    Transition(  # TR7: reclaim and repayment stay possible after revocation and closure
        "reclaim", "reclaimed", _PAID_OUT, _PAID_OUT, ("approver", "auditor"), carries.Reclaim, do.reclaim,
        (tranche.TRANCHE_KNOWN, rule.NOT_IN_OWN_CASE, tranche.RECLAIM_WITHIN_PAID), lambda _, step: str(step.state),
        (rule.NOT_GRANTED,),
    ),
    Transition(
        "record_repayment", "repaid", _PAID_OUT, _PAID_OUT, _FINANCE, carries.Repayment, do.repay,
        (tranche.TRANCHE_KNOWN, tranche.REPAID_WITHIN_RECLAIM), lambda _, step: str(step.state), (rule.NOT_GRANTED,),
    ),
)  # fmt: skip

WORKFLOW: Final = Workflow(
    name="subsidy",
    version=1,
    data=Subsidy,
    final=("refused", "withdrawn", "closed", "revoked"),
    transitions=_TRANSITIONS,
    enforcement=ENFORCEMENT,
    parties=lambda case: case.parties,
    retention=Retention(10, "books and accounts, § 147 (3) AO: 10 years"),
    terms=terms,
)
