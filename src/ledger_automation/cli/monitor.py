"""``ledger monitor``: follow a published log and its chain, and raise an alarm as a line of JSON."""

import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from ledger_automation.cli.exit_codes import BY_VERDICT
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.verify import choose_policy, read_note
from ledger_automation.errors import InvalidValue
from ledger_automation.orchestrator.monitor import Look, Monitor, Patience, Trouble
from ledger_automation.published import open_log
from ledger_automation.reading import reading_chain
from ledger_automation.values import timestamp
from ledger_automation.verify.policy import ON_CHAIN, Level
from ledger_automation.verify.verdict import Verdict, shown


def monitor(
    place: Annotated[str, Parameter(help="A folder, or the URL that a file server shows it under.")],
    *,
    memory: Annotated[Path | None, Parameter(help="Its own file; default: monitor.json in the home.")] = None,
    policy: Annotated[Path | None, Parameter(help="The pinned facts; default: what this home has pinned.")] = None,
    level: Annotated[Level | None, Parameter(help="How much to ask for; default: what the policy says.")] = None,
    held: Annotated[list[Path] | None, Parameter(help="Checkpoints of others, such as their memories.")] = None,
    every: Annotated[float, Parameter(help="Seconds between two looks.")] = 60,
    silence: Annotated[float, Parameter(help="Hours without growth that are an alarm.")] = 1,
    unanchored: Annotated[float, Parameter(help="Hours that leaves may be without an anchor.")] = 24,
    once: Annotated[bool, Parameter(help="Look once; the exit code is the worst alarm's.", negative=())] = False,
    options: Options = NONE,
) -> int:
    """Follow a published log and its chain; each alarm is a line of JSON, and a contradiction ends it."""
    for name, value in {"every": every, "silence": silence, "unanchored": unanchored}.items():
        if not 0 < value < _MOST:
            raise InvalidValue(f"--{name}", value, f"a number above 0 and below {_MOST}")
    settings, patience = options.settings(), Patience(timedelta(hours=silence), timedelta(hours=unanchored))
    asked = choose_policy(settings, policy, level)
    follower = Monitor(asked, memory or settings.home / "monitor.json", patience)
    bell = _Bell()
    with open_log(place) as fetch:
        while True:
            with ExitStack() as stack:
                chain = stack.enter_context(reading_chain(settings, asked)) if asked.level in ON_CHAIN else None
                notes = [read_note(each, asked) for each in held or ()]
                look = follower.look(fetch, datetime.now(UTC), chain, notes)
            bell.tell(look)
            if once or look.verdict is Verdict.CONTRADICTED:
                return BY_VERDICT[look.verdict]
            time.sleep(every)


_MOST = 10_000_000


class _Bell:
    """Says what is new since the last look: a checkpoint, an alarm, or that one is over."""

    def __init__(self) -> None:
        self._standing: set[Trouble] = set()
        self._last: Any = None

    def tell(self, look: Look) -> None:
        """Write the lines of a look."""
        here = (look.checkpoint, look.anchored_size)
        if look.checkpoint is not None and here != self._last:
            facts = {"tree_size": look.checkpoint.tree_size, "root_hash": look.checkpoint.root_hash}
            _write("verified", **facts, anchored_size=look.anchored_size)
        self._last = here
        ringing = {each.trouble for each in look.alarms}
        for each in look.alarms:
            if each.trouble not in self._standing:
                facts = {**each.facts, "verdict": each.trouble.verdict, "tampering": each.tampering}
                _write(each.trouble, sentence=each.sentence, **facts)
        for over in sorted(self._standing - ringing):
            _write("over", of=over)
        self._standing = ringing


def _write(kind: str, **facts: Any) -> None:
    line = {"at": timestamp(datetime.now(UTC)), "kind": kind, **facts}
    sys.stdout.write(msgspec.json.encode(shown(line)).decode() + "\n")
    sys.stdout.flush()
