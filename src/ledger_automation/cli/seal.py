"""``ledger seal``: sequence, anchor and have it cosigned now."""

from contextlib import ExitStack
from typing import Annotated

from cyclopts import Parameter

from ledger_automation.bootstrap import Ledger, open_ledger
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit
from ledger_automation.errors import Contradiction, InvalidValue
from ledger_automation.orchestrator import seal as use_case
from ledger_automation.orchestrator.anchor import Anchorer
from ledger_automation.orchestrator.cosign import Visit, WitnessRound
from ledger_automation.verify.policy import Level

_SECONDS = 120

EPHEMERAL = (
    "The eth-tester chain ends with this command, and its evidence with it; --chain anvil keeps a chain in the home."
)


def seal(
    *,
    level: Annotated[Level, Parameter(help="logged: sign a checkpoint; anchored: also anchor it.")] = Level.ANCHORED,
    options: Options = NONE,
) -> int:
    """Put everything recorded into the log, sign a checkpoint, anchor it on the chain, and have it cosigned."""
    if level is Level.ENFORCED:
        raise InvalidValue("The level of a seal", level.value, "at most anchored: a contract enforces cases, not a log")
    with ExitStack() as stack:
        ledger = stack.enter_context(open_ledger(options.settings()))
        anchorer = None
        refused: list[str] = []
        if level is Level.ANCHORED:
            refused = _brought_on(ledger)
            chain, policy = stack.enter_context(ledger.chain())
            anchorer = Anchorer(ledger.begin, chain, policy)
        sealed = use_case.seal(ledger.begin, ledger.recorder, ledger.key, anchorer)
        visits = _shown_to_witnesses(ledger)
    lines = [f"{sealed.leaves} new leaves; the log has {sealed.tree_size}, root {sealed.root_hash.hex()}."]
    if sealed.anchored_size is not None:
        lines.append(f"Anchored up to {sealed.anchored_size} on {ledger.settings.chain}.")
        lines += [EPHEMERAL] if ledger.settings.chain == "tester" else []
    cosigned = [each.witness.name for each in visits if each.error is None]
    if visits:
        lines.append(f"Cosigned by {len(cosigned)} of {len(visits)} witnesses.")
        lines += [f"Witness {each.witness.name}: {each.error.sentence}" for each in visits if each.error is not None]
    emit({**sealed._asdict(), "refused": refused, "cosigned": cosigned}, lines + refused, json=options.json)
    return 0


def _shown_to_witnesses(ledger: Ledger) -> list[Visit]:
    """Take the checkpoint to the witnesses that the settings name; raises Contradiction where one knows another log."""
    if not ledger.settings.witnesses:
        return []
    from ledger_automation.worker.witnesses import HttpWire  # noqa: PLC0415  most homes have no witnesses to speak to

    wire, clock = HttpWire(), ledger.recorder.clock
    visits = WitnessRound(ledger.begin, ledger.read, ledger.witnesses(), wire, clock).go()
    for each in visits:
        if isinstance(each.error, Contradiction):
            raise Contradiction(f"Witness {each.witness.name}: {each.error.sentence}", **each.error.facts)
    return visits


def _brought_on(ledger: Ledger) -> list[str]:
    """Bring signed steps that still wait for the chain to their end; return what the contracts refused, in words."""
    with ledger.read() as unit:
        if not (unit.steps.held() or unit.steps.refused()):
            return []
    with ledger.enforcing() as chain:
        ended = chain.enforcer.wait(seconds=_SECONDS)
    return [
        f"Step {each.held.sequence} of case {each.held.case_id} was signed and refused: {each.refusal.sentence}"
        for each in ended
        if each.refusal is not None
    ]
