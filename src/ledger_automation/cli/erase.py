"""``ledger erase``: be forgotten. The log says first what is destroyed and why; then it is."""

from typing import Annotated

from cyclopts import Parameter

from ledger_automation.bootstrap import open_ledger
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit
from ledger_automation.errors import NotFound
from ledger_automation.orchestrator.erase import Decision, decide
from ledger_automation.orchestrator.erase import erase as carry_out
from ledger_automation.orchestrator.seal import seal
from ledger_automation.values import ActorId, CaseId
from ledger_automation.workflows import Actor


def erase(
    case: Annotated[str, Parameter(help="The case's id.")],
    *,
    legal_basis: Annotated[str, Parameter(help="Why, such as 'Art. 17 GDPR'.")],
    actor: Annotated[str, Parameter(help="Who decides, a clerk.")],
    sequence: Annotated[int | None, Parameter(help="Only this step; default: the whole case.")] = None,
    options: Options = NONE,
) -> int:
    """Destroy the content of a case or of one step, and seal the decision; every other proof keeps holding."""
    decision = Decision(CaseId(case), sequence, legal_basis)
    with open_ledger(options.settings(), existing=True) as ledger:
        with ledger.read() as unit:
            record = unit.cases.case(decision.case_id)
        if record is None or (sequence is not None and not 0 <= sequence <= record.sequence):
            where = f"case {case}" if sequence is None else f"step {sequence} of case {case}"
            raise NotFound(f"There is no {where}.", case_id=case, sequence=sequence)
        decide(ledger.begin, ledger.recorder, Actor(ActorId(actor), "clerk"), decision)
        sealed = seal(ledger.begin, ledger.recorder, ledger.key, None)
        steps = carry_out(ledger.begin, ledger.recorder, ledger.eraser)
    data = {"case_id": case, "sequence": sequence, "steps": steps, "tree_size": sealed.tree_size}
    line = f"{steps} steps have no content any more; the decision stands in the log of {sealed.tree_size}."
    emit(data, [line], json=options.json)
    return 0
