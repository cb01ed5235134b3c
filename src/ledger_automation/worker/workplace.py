"""One process's place of work: its ledger and its chain, opened when a duty first needs them, and the duties by name.

A duty that fails says so once, until it fails in another way or works again; it is not repeated here, since it is due
again soon. A chain that did not answer is opened anew next time, but for the one that lives in this process: closed,
it would be gone with everything on it.

What this does not do: decide when (`timetable`), hold a lock over processes, or catch what nobody foresaw.
"""

import logging
import secrets
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from contextvars import Context, copy_context
from pathlib import Path
from typing import Final, NamedTuple, Self, TypeVar

import msgspec

from ledger_automation.bootstrap import Ledger, member_secret
from ledger_automation.errors import Conflict, LedgerError, Misconfigured, NotFound, Unreachable
from ledger_automation.orchestrator.anchor import Anchorer
from ledger_automation.orchestrator.cosign import WitnessRound
from ledger_automation.orchestrator.duties import Duties, Duty
from ledger_automation.orchestrator.enforce import Enforcer
from ledger_automation.orchestrator.ports import CheckpointAnchor
from ledger_automation.orchestrator.publish import publish
from ledger_automation.orchestrator.submission import Alarm
from ledger_automation.orchestrator.webhooks import Messenger
from ledger_automation.reading import EPHEMERAL
from ledger_automation.verify.auditor import Auditor, AuditReport, Mark, read_mark
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.selftest import selftest
from ledger_automation.verify.sources import ChainIdentity
from ledger_automation.worker.courier import HttpCourier
from ledger_automation.worker.timetable import silence
from ledger_automation.worker.witnesses import HttpWire

_log: Final = logging.getLogger(__name__)
_MARK: Final = "audit.mark"

Found = TypeVar("Found")


class OnChain(NamedTuple):
    """An open chain; ``enforcer`` is None where no contract enforces a law here."""

    chain: CheckpointAnchor
    policy: VerificationPolicy
    anchorer: Anchorer
    enforcer: Enforcer | None


class Workplace:
    """Runs duties; ``opening`` opens the ledger, once."""

    def __init__(self, opening: Callable[[], AbstractContextManager[Ledger]]) -> None:
        self._opening = opening
        self._ledger: Ledger | None = None
        self._on_chain: OnChain | None = None
        self._database, self._node = _Kept(), _Kept()
        self._failing: dict[Duty, str] = {}
        self._run: Mapping[Duty, Callable[[], object]] = {
            Duty.SEQUENCE: lambda: self._sequence(sweep=False),
            Duty.SWEEP: lambda: self._sequence(sweep=True),
            Duty.ANCHOR: lambda: self._duties().anchor(self.on_chain().anchorer),
            Duty.SETTLE: lambda: self._duties().settle(self.on_chain().anchorer, self.on_chain().enforcer),
            Duty.COSIGN: lambda: self._duties().cosign(self._witnesses()),
            Duty.AUDIT: lambda: self._audit(whole=False),
            Duty.AUDIT_WHOLE: lambda: self._audit(whole=True),
            Duty.DELIVER: lambda: self._duties().deliver(self._messenger()),
            Duty.ERASE: lambda: self._duties().erase(self.ledger().eraser),
            Duty.FORGET: lambda: self._duties().forget(),
        }

    def __enter__(self) -> Self:
        """Open nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def run(self, duty: Duty) -> bool:
        """Run a duty; tells whether it went well. Whatever this software says no with is written to the journal."""
        try:
            self._run[duty]()
        except LedgerError as error:
            self._failed(duty, error)
            return False
        if self._failing.pop(duty, None):
            _log.info("Duty %s works again.", duty)
        return True

    def wake(self, *duties: Duty) -> None:
        """Do duties now, and here."""
        for duty in duties:
            self.run(duty)

    def enforcer(self) -> Enforcer:
        """Return who takes enforced steps on; raises Misconfigured where no level asks for it, and as opening does."""
        found = self.on_chain().enforcer
        if found is None:
            raise Misconfigured("No workflow is enforced here: name one in the settings' levels.")
        return found

    def chain(self) -> ChainIdentity:
        """Ask the chain which one it is; raises what opening and asking raise."""
        return self.on_chain().chain.identity()

    def on_chain(self) -> OnChain:
        """Return the chain, opened now if it is not; raises what opening one raises."""
        with self._node.turn:
            if self._on_chain is None:
                self._on_chain = self._node.enter(self._reach)
            return self._on_chain

    def close(self) -> None:
        """Close what is open. Another duty would open it again."""
        with self._node.turn, self._database.turn:
            self._on_chain = self._ledger = None
            self._node.close()
            self._database.close()

    def _reach(self, stack: ExitStack) -> OnChain:
        ledger = self.ledger()
        if not _enforces(ledger):
            chain, policy = stack.enter_context(ledger.chain())
            return OnChain(chain, policy, Anchorer(ledger.begin, chain, policy, told), None)
        enforcing = stack.enter_context(ledger.enforcing(ledger.settings.backdating_days))
        chain, policy = enforcing.chain.anchor, enforcing.policy
        return OnChain(chain, policy, Anchorer(ledger.begin, chain, policy, told), enforcing.enforcer)

    def ledger(self) -> Ledger:
        """Return the ledger, opened now if it is not; raises what opening one raises."""
        with self._database.turn:
            if self._ledger is None:
                self._ledger = self._database.enter(lambda stack: stack.enter_context(self._opening()))
            return self._ledger

    def _duties(self) -> Duties:
        ledger = self.ledger()
        return Duties(ledger.begin, ledger.recorder, ledger.key, silence(ledger.settings), told)

    def _sequence(self, *, sweep: bool) -> None:
        """Put what is pending into the log and show it, before it is anchored: files must not be behind the chain."""
        self._duties().sequence(sweep=sweep)
        ledger = self.ledger()
        folder = ledger.settings.publish_folder
        if folder is not None:
            with suppress(Conflict, NotFound):  # another process is at it, or there is nothing to show yet
                publish(ledger.read, folder, ledger.policy(Level.LOGGED))

    def _messenger(self) -> Messenger:
        ledger = self.ledger()
        courier = HttpCourier(frozenset(ledger.settings.webhook_hosts))
        secret = member_secret(ledger.settings.home)
        return Messenger(ledger.begin, ledger.recorder.origin, secret, courier, ledger.recorder.clock)

    def _witnesses(self) -> WitnessRound:
        ledger = self.ledger()
        return WitnessRound(ledger.begin, ledger.read, ledger.witnesses(), HttpWire(), ledger.recorder.clock)

    def _audit(self, *, whole: bool) -> AuditReport:
        selftest()
        ledger, found = self.ledger(), self.on_chain()
        secret = member_secret(ledger.settings.home, create=False)
        path = ledger.settings.home / _MARK
        auditor, last = Auditor(found.policy, found.chain, secret=secret), None if whole else _last(path)
        report = self._duties().audit(auditor, ledger.read, last)
        if report.mark is not None:
            _keep(path, report.mark)
        _log.info("Audit: %s (%s), %d events.", report.verdict, report.reason, report.events)
        return report

    def _failed(self, duty: Duty, error: LedgerError) -> None:
        if self._failing.get(duty) != type(error).__name__:
            self._failing[duty] = type(error).__name__
            _log.log(logging.WARNING if isinstance(error, Unreachable) else logging.ERROR, "Duty %s: %s", duty, error)
        if isinstance(error, Unreachable) and self._on_chain is not None:
            self._let_go(self._on_chain)

    def _let_go(self, failed: OnChain) -> None:
        """Have the chain opened anew by the next one who needs it, unless somebody has done so already."""
        with self._node.turn:
            if self._on_chain is failed and self.ledger().settings.chain != EPHEMERAL:
                self._on_chain = None
                self._node.close()


class _Kept:
    """Something that is open, with what closes it. Both happen in one context, whichever threads they happen in.

    Who opens or closes it has its ``turn``: a chain that takes its time holds up nobody who needs the database only.
    """

    def __init__(self) -> None:
        self.turn = threading.RLock()
        self._stack = ExitStack()
        self._context: Context = copy_context()

    def enter(self, opening: Callable[[ExitStack], Found]) -> Found:
        """Open it; what was half open when that failed is closed again."""

        def entered() -> Found:
            with ExitStack() as stack:
                found = opening(stack)
                self._stack = stack.pop_all()
            return found

        return self._context.run(entered)

    def close(self) -> None:
        self._context.run(self._stack.close)


def told(alarm: Alarm) -> None:
    """Write an alarm to the journal; its facts stand in the database."""
    _log.warning("Alarm %s about %s: %s", alarm.kind, alarm.about, alarm.sentence)


def _enforces(ledger: Ledger) -> bool:
    """Tell whether contracts are needed: a level asks for them, or a signed step waits for one from before."""
    if Level.ENFORCED in ledger.settings.levels.values():
        return True
    with ledger.read() as unit:
        return bool(unit.steps.held() or unit.steps.refused())


def _last(path: Path) -> Mark | None:
    return read_mark(path.read_bytes()) if path.exists() else None


def _keep(path: Path, mark: Mark) -> None:
    """Keep where the next audit may go on; of two audits at once either's will do."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    draft.write_bytes(msgspec.json.encode(mark))
    draft.replace(path)
