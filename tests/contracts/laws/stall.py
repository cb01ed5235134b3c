"""A fourth workflow: this file and `contracts/mocks/StallLedger.sol` are all that it needs."""

from typing import Final

from msgspec.structs import replace

from ledger_automation.workflows import Workflow
from ledger_automation.workflows._enforcement import Enforcement, pack
from ledger_automation.workflows._table import Cents, Guard, Nothing, Payload, Transition


class Allotment(Payload, frozen=True):
    fee: Cents


class Stall(Payload, frozen=True):
    applicant: str
    fee: int = 0


WORKFLOW: Final = Workflow(
    name="market_stall",
    version=1,
    data=Stall,
    final=("given_up",),
    transitions=(
        Transition("apply", "applied", (), ("applied",), ("applicant",), Nothing, lambda _, step: Stall(step.actor.id)),
        Transition(
            "allot",
            "allotted",
            ("applied",),
            ("allotted",),
            ("clerk", "approver"),
            Allotment,
            lambda stall, step: replace(stall, fee=step.payload.fee),
            (
                Guard(
                    "nobody_decides_in_own_case",
                    "Nobody decides in his own case.",
                    lambda stall, step: step.actor.id != stall.applicant,
                ),
                Guard("fee_missing", "A stall costs something.", lambda _, step: step.payload.fee > 0),
            ),
        ),
        Transition(
            "give_up", "given_up", ("allotted",), ("given_up",), ("applicant",), Nothing, lambda stall, _: stall
        ),
    ),
    enforcement=Enforcement(
        contract="StallLedger",
        states=("applied", "allotted", "given_up"),
        facts=lambda stall, names: (pack((names.member(stall.applicant), 32), (stall.fee, 64)),),
        arguments={"allot": lambda _, step, __: (step.payload.fee,)},
    ),
)
