"""A town to look around in: the Wismar grant, generated permits and fines, and cases that wait for somebody.

`furnish` fills an empty ledger and leaves any other alone, so it may be run at every start. What it records is recorded
as everything else is, by the law and with its moments; nothing of it is put in the tables by hand. The cases that wait
are those of the development issuer's personas: whoever signs in as one of them has something to do.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from ledger_automation.bootstrap import Ledger
from ledger_automation.intake.commands import commands
from ledger_automation.intake.generator import follows, generate
from ledger_automation.intake.mapping import shipped
from ledger_automation.orchestrator import replay as replaying
from ledger_automation.orchestrator.transition import Intent, advance, open_case
from ledger_automation.study import wismar
from ledger_automation.study.demonstration import SEED
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level
from ledger_automation.workflows import LOG, Actor, Command, names, workflow

_PERMITS, _FINES = 12, 60


class Move(NamedTuple):
    """A step so many days ago; ``who`` is an actor, or the number of an applicant."""

    days: int
    who: str | int
    role: str
    action: str
    payload: Mapping[str, Any] = MappingProxyType({})


_PLAN: Final = [{"item": "Radweg am Hafen", "year": 2026, "amount": 40_000_000}]
WAITING: Final[dict[str, tuple[tuple[Move, ...], ...]]] = {
    "permit": (
        (
            Move(20, 0, "applicant", "submit_application", {"subject": "Carport, Am Markt 3"}),
            Move(18, "clerk-1", "clerk", "acknowledge"),
            Move(11, "clerk-1", "clerk", "request_documents", {"missing": "Lageplan im Maßstab 1:500"}),
        ),
        (
            Move(50, 1, "applicant", "submit_application", {"subject": "Dachausbau, Lindenstraße 12"}),
            Move(49, "clerk-2", "clerk", "acknowledge"),
            Move(3, "clerk-2", "clerk", "propose_decision", {"outcome": "granted"}),
        ),
    ),
    "parking_fine": (
        (
            Move(9, "clerk-1", "clerk", "record_fine", {"amount": 3_500, "offence": "Parken auf dem Gehweg"}),
            Move(8, "clerk-1", "clerk", "send_hearing"),
            Move(2, "clerk-1", "clerk", "send_notice", {"expense": 250}),
            Move(1, "clerk-1", "clerk", "record_service"),
        ),
    ),
    "subsidy": (
        (
            Move(90, "clerk-1", "clerk", "open_programme", {"title": "Klimafreundliche Mobilität"}),
            Move(80, 1, "applicant", "apply", {
                "applicant": "hansestadt-wismar", "kind": "municipality", "planned": 40_000_000,
                "own_share": 14_000_000, "cost_plan": _PLAN, "own_share_proof": "VO/2026/0117",
            }),
            Move(70, "clerk-1", "clerk", "check_application", {"note": "vollständig"}),
            Move(60, "approver-1", "approver", "grant", {"amount": 26_000_000, "rate": 6_500, "advance": 8_000_000}),
            Move(5, 1, "applicant", "request_tranche", {"number": 1, "amount": 8_000_000, "payee": "stadtkasse"}),
        ),
    ),
}  # fmt: skip
"""By workflow, cases that stand where somebody has to go on."""


def furnish(ledger: Ledger, applicants: Sequence[str]) -> bool:
    """Fill a ledger that holds no case yet; returns whether it did. ``applicants`` are two pseudonyms."""
    with ledger.read() as unit:
        if any(unit.cases.page(name, None, "", 1) for name in names() if name != LOG):
            return False
    case_id: CaseId | None = None
    for intent in wismar.STEPS:
        case_id = _taken(ledger, "subsidy", case_id, intent)
    for process, cases in (("receipt", _PERMITS), ("traffic_fines", _FINES)):
        mapping = shipped(follows(process).mapping)
        plan = replaying.Plan(f"furnished {process} {SEED}", workflow(mapping.workflow), Level.ANCHORED)
        traces = generate(process, cases=cases, seed=SEED)
        replaying.replay(ledger.begin, ledger.recorder, plan, commands(traces, mapping), lambda _: None)
    for name, lives in WAITING.items():
        for moves in lives:
            _lived(ledger, name, moves, applicants)
    return True


def _lived(ledger: Ledger, name: str, moves: Sequence[Move], applicants: Sequence[str]) -> None:
    case_id, now = None, ledger.recorder.clock()
    for move in moves:
        who = applicants[move.who] if isinstance(move.who, int) else move.who
        command = Command(move.action, Actor(who, move.role), move.payload)
        case_id = _taken(ledger, name, case_id, Intent(command, now - timedelta(days=move.days)))


def _taken(ledger: Ledger, name: str, case_id: CaseId | None, intent: Intent) -> CaseId:
    if case_id is None:
        step = open_case(ledger.begin, ledger.recorder, workflow(name), Level.ANCHORED, intent)
    else:
        step = advance(ledger.begin, ledger.recorder, case_id, intent)
    return CaseId(step.event.case_id)
