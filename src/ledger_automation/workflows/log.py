"""The log's own case: what its operator does to the log is itself in the log.

One case per log, opened by its first event and running until the log is sealed. A heartbeat is written when nothing
else happened, so that silence is a fact; a key is announced before it signs; an erasure names its legal basis (Art. 17
GDPR) and the case, or the one step, whose content was destroyed: the commitment stays, and every other proof holds; a
change of policy says so in words. An administrator has no right here either.

This module is the whole workflow; it is the smallest worked example of a table.
"""

from typing import Annotated, Final

import msgspec

from ledger_automation.errors import InvalidValue
from ledger_automation.values import CaseId
from ledger_automation.workflows._machine import Workflow
from ledger_automation.workflows._table import Guard, Nothing, Payload, Step, Text, Transition

ERASURE: Final = "record_erasure"
"""The action that decides what is destroyed."""

ANNOUNCEMENT: Final = "announce_key"
"""The action that says which key will sign."""

_RUNNING: Final = ("running",)
KeyName = Annotated[str, msgspec.Meta(pattern="^[!-*,-~]{1,200}$")]
"""A signed note's key name: no space, no plus (C2SP signed-note)."""


class OpenLog(Payload, frozen=True):
    """The log's origin line, if it is to be said here."""

    origin: str = ""


class Key(Payload, frozen=True):
    """A public key that will sign."""

    name: KeyName
    public_key: Text


class Erasure(Payload, frozen=True):
    """What was destroyed: one step, or (without ``sequence``) the whole case."""

    case_id: str
    legal_basis: Text
    sequence: Annotated[int, msgspec.Meta(ge=0)] | None = None


class Policy(Payload, frozen=True):
    """The policy that holds from now on."""

    text: Text


class Seal(Payload, frozen=True):
    """Why no further event will come."""

    reason: Text


class LogData(Payload, frozen=True):
    """What the law must remember: the keys by name, and what was erased."""

    keys: tuple[tuple[str, str], ...] = ()
    erased: tuple[tuple[str, int | None], ...] = ()


def _is_case(_: LogData, step: Step) -> bool:
    try:
        CaseId(step.payload.case_id)
    except InvalidValue:
        return False
    return True


def _keep(data: LogData, _: Step) -> LogData:
    return data


def _announce(data: LogData, step: Step) -> LogData:
    return LogData((*data.keys, (step.payload.name, step.payload.public_key)), data.erased)


def _erase(data: LogData, step: Step) -> LogData:
    return LogData(data.keys, (*data.erased, (step.payload.case_id, step.payload.sequence)))


_KEY_NEW: Final = Guard(
    "key_announced_already",
    "A key is announced once.",
    lambda data, step: (step.payload.name, step.payload.public_key) not in data.keys,
)
_CASE_NAMED: Final = Guard("case_not_named", "An erasure names the case by its id.", _is_case)
_ERASED_ONCE: Final = Guard(
    "erased_already",
    "What was destroyed cannot be destroyed again.",
    lambda data, step: (
        (step.payload.case_id, step.payload.sequence) not in data.erased
        and (step.payload.case_id, None) not in data.erased
    ),
)
_BASIS: Final = Guard(
    "legal_basis_missing", "An erasure states its legal basis.", lambda _, step: bool(step.payload.legal_basis.strip())
)

WORKFLOW: Final = Workflow(
    name="log",
    version=1,
    data=LogData,
    final=("sealed",),
    transitions=(
        Transition("open_log", "log_opened", (), _RUNNING, ("system",), OpenLog, lambda _, __: LogData()),
        Transition("record_heartbeat", "heartbeat_recorded", _RUNNING, _RUNNING, ("system",), Nothing, _keep),
        Transition(ANNOUNCEMENT, "key_announced", _RUNNING, _RUNNING, ("system",), Key, _announce, (_KEY_NEW,)),
        Transition(
            ERASURE,
            "erasure_recorded",
            _RUNNING,
            _RUNNING,
            ("clerk", "system"),
            Erasure,
            _erase,
            (_BASIS, _CASE_NAMED, _ERASED_ONCE),
        ),
        Transition("change_policy", "policy_changed", _RUNNING, _RUNNING, ("approver", "system"), Policy, _keep),
        Transition("seal_log", "log_sealed", _RUNNING, ("sealed",), ("system",), Seal, _keep),
    ),
)
