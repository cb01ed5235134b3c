"""``ledger replay``: somebody else's log through the law."""

import time
from contextlib import ExitStack, suppress
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from ledger_automation.bootstrap import Ledger, open_ledger
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit, progress
from ledger_automation.cli.seal import EPHEMERAL
from ledger_automation.errors import Conflict, InvalidValue, NotFound, Unreachable
from ledger_automation.intake.commands import commands
from ledger_automation.intake.log_file import survey, traces
from ledger_automation.intake.mapping import Mapping, find, load, names, shipped
from ledger_automation.orchestrator import replay as use_case
from ledger_automation.orchestrator.anchor import Anchorer, newest_checkpoint
from ledger_automation.orchestrator.ports import IntakeRun
from ledger_automation.orchestrator.seal import anchor_and_wait
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.verify.policy import Level
from ledger_automation.workflows import workflow


def replay(
    file: Annotated[Path, Parameter(help="An event log: XES, plain or gzipped, or CSV with a mapping.")],
    *,
    workflow_name: Annotated[str, Parameter(name="--workflow", help="The law to replay it through.")],
    mapping: Annotated[str, Parameter(help="A shipped mapping's name or a TOML file; default: by file name.")] = "",
    level: Annotated[Level, Parameter(help="How much evidence the events get.")] = Level.LOGGED,
    options: Options = NONE,
) -> int:
    """Replay a log: every event is accepted, refused by a rule, or ignored by the mapping.

    Interrupted or killed, the same command goes on where the last commit was.
    """
    started = time.perf_counter()
    table = workflow(workflow_name)
    if level is Level.ENFORCED:
        raise InvalidValue(
            "The level of a replay", level.value, "at most anchored: a log's actors cannot sign any more"
        )
    if not file.exists():
        raise NotFound(f"There is no file {file}.", path=str(file))
    chosen = _choose(file, mapping, workflow_name)
    events = sum(survey(file, chosen).values())
    with ExitStack() as stack:
        ledger = stack.enter_context(open_ledger(options.settings()))
        anchorer = _anchorer(stack, ledger) if level is Level.ANCHORED else None
        bars = stack.enter_context(progress())
        task = bars.add_task(f"replay {file.name}", total=events)
        sealer = _Sealer(ledger, level, anchorer, lambda run: bars.update(task, completed=run.counted))
        plan = use_case.Plan(_source(file, chosen, level), table, level)
        run = use_case.replay(ledger.begin, ledger.recorder, plan, commands(traces(file, chosen), chosen), sealer.after)
        data = {"file": file.name, "workflow": table.name, "level": level, **_counts(run, events), **sealer.finish()}
    data["seconds"] = round(time.perf_counter() - started, 3)
    emit(data, _lines(data, ephemeral=anchorer is not None and ledger.settings.chain == "tester"), json=options.json)
    return 0


class _Sealer:
    """Sequences, and anchors where that is asked, after every committed chunk."""

    def __init__(self, ledger: Ledger, level: Level, anchorer: Anchorer | None, shown: Any) -> None:
        self._ledger = ledger
        self._level = level
        self._anchorer = anchorer
        self._shown = shown

    def after(self, run: IntakeRun) -> None:
        """Bring what was committed into the log. A chain that is away must not stop the intake."""
        self._sequence()
        if self._anchorer is not None:
            with suppress(Conflict, Unreachable):  # asked again after the next chunk, and in the end
                self._anchorer.submit()
        self._shown(run)

    def finish(self) -> dict[str, Any]:
        """Sequence what an earlier run may have left, wait for the anchor, and say how far the log is."""
        self._sequence()
        anchored = anchor_and_wait(self._anchorer, seconds=120) if self._anchorer is not None else None
        with self._ledger.read() as unit:
            newest = newest_checkpoint(unit)
        return {
            "tree_size": newest.tree_size if newest else 0,
            "root_hash": newest.root_hash if newest else None,
            "anchored_size": anchored or 0,
        }

    def _sequence(self) -> None:
        if self._level is not Level.RECORDED:
            while sequence(self._ledger.begin, self._ledger.recorder, self._ledger.key) is not None:
                pass


def _choose(file: Path, name: str, workflow_name: str) -> Mapping:
    chosen = find(file, workflow_name) if not name else shipped(name) if name in names() else load(Path(name))
    if chosen.workflow != workflow_name:
        raise InvalidValue("The mapping", chosen.name, f"one for {workflow_name}, not for {chosen.workflow}")
    return chosen


def _anchorer(stack: ExitStack, ledger: Ledger) -> Anchorer:
    chain, policy = stack.enter_context(ledger.chain())
    return Anchorer(ledger.begin, chain, policy)


def _source(file: Path, mapping: Mapping, level: Level) -> str:
    """Name a replay by what it reads and how: the same again is the same run, and adds nothing."""
    return sha256(file.read_bytes() + msgspec.json.encode(mapping, order="sorted") + level.encode()).hexdigest()


def _counts(run: IntakeRun, events: int) -> dict[str, Any]:
    refused = sum(run.refusals.values())
    return {
        "cases": run.cases,
        "events": events,
        "accepted": run.accepted,
        "refused": refused,
        "ignored": run.ignored,
        "openings": run.openings,
        "share_accepted": round(run.accepted / events, 4) if events else 1,
        "refusals": dict(sorted(run.refusals.items(), key=lambda item: -item[1])),
    }


def _lines(data: dict[str, Any], *, ephemeral: bool) -> list[str]:
    lines = [
        f"{data['file']}: {data['events']} events of {data['cases']} cases through {data['workflow']}.",
        f"  accepted {data['accepted']} ({data['share_accepted']:.2%})",
        f"  ignored by the mapping {data['ignored']}",
        f"  refused {data['refused']}",
        *(f"    refused by {rule}: {count}" for rule, count in data["refusals"].items()),
        f"  log of {data['tree_size']} leaves, anchored up to {data['anchored_size']}; {data['seconds']} s",
    ]
    return [*lines, EPHEMERAL] if ephemeral else lines
