"""What a round of the study measures: a TOML file, or what stands here; and the real and made logs it is driven by.

>>> read_plan(None).systems
('table', 'hash_chain', 'merkle_log', 'timestamped_log', 'anchored', 'enforced')
"""

import tomllib
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import msgspec

from ledger_automation.errors import InvalidDefinition, NotFound
from ledger_automation.intake.commands import Arrival, commands
from ledger_automation.intake.generator import follows, generate
from ledger_automation.intake.log_file import traces
from ledger_automation.intake.mapping import find, shipped
from ledger_automation.orchestrator.transition import Intent
from ledger_automation.study import wismar
from ledger_automation.study.drivers import Offer
from ledger_automation.study.record import SYSTEMS
from ledger_automation.workflows import workflow

GRANTS: Final = "grants"
"""The process that is no log: the Wismar grant, again and again."""

FIRST_DAY: Final = datetime(2015, 1, 5, tzinfo=UTC)
"""When made logs begin: long enough ago that all of them has happened, since a contract takes nothing from tomorrow."""

Positive = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Clients = Annotated[tuple[Count, ...], msgspec.Meta(min_length=1)]


class StudyPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One round; times in seconds. ``logs`` are files of the folder with real logs, ``made`` processes to generate.

    Of each log the first ``cases`` are taken, or all; ``sample`` of them go through all six systems, since each step of
    an enforced one waits for a block. ``rate`` is what the open loop offers, in steps a second. ``sizes`` are the logs,
    in events, at which growth is measured; ``leaves`` are put into a tree at once; ``instances`` of each attack are
    made on each system.
    """

    seed: int = 2019
    systems: tuple[str, ...] = SYSTEMS
    stores: tuple[str, ...] = ("sqlite",)
    chain: str = "tester"
    rounds: Count = 2
    clients: Clients = (1,)
    seconds: Positive = 0.4
    warm: float = 0.1
    rate: Positive = 20
    sequence_every: Positive = 0.25
    stamp_every: Positive = 0.5
    anchor_every: Positive = 0.5
    logs: tuple[str, ...] = ()
    cases: int = 0
    made: dict[str, Count] = msgspec.field(default_factory=lambda: {"traffic_fines": 40, "receipt": 6, GRANTS: 1})
    sample: Count = 1
    sizes: tuple[Count, ...] = (200, 800)
    leaves: Count = 500
    instances: Count = 1


def read_plan(path: Path | None) -> StudyPlan:
    """Read a round's file, or return the quick one; raises InvalidDefinition, NotFound."""
    if path is None:
        return StudyPlan()
    try:
        plan = msgspec.convert(tomllib.loads(path.read_text("utf-8")), StudyPlan)
    except OSError as error:
        raise NotFound(f"There is no round {path}.", path=str(path)) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise InvalidDefinition(f"The round {path} cannot be read: {error}.", path=str(path)) from error
    for what, given, known in (("systems", plan.systems, SYSTEMS), ("stores", plan.stores, ("sqlite", "postgresql"))):
        if strange := [each for each in given if each not in known]:
            sentence = f"The round {path} names {strange[0]!r} among its {what}; there are {', '.join(known)}."
            raise InvalidDefinition(sentence, path=str(path))
    return plan


def first_of_each_law(loads: Iterable["Workload"]) -> list["Workload"]:
    """Return the first workload of each workflow."""
    return list({each.table.name: each for each in reversed(list(loads))}.values())[::-1]


class Workload:
    """A log, as what is asked of a system; read when it is first needed."""

    def __init__(self, name: str, law: str, source: Iterable[Arrival]) -> None:
        self.name = name
        self.table = workflow(law)
        self._source = source

    @cached_property
    def arrivals(self) -> list[Arrival]:
        """Everything in the log, in its order."""
        return list(self._source)

    @cached_property
    def offers(self) -> list[Offer]:
        """What is asked for, in the order of the cases; what the mapping ignores or cannot read is left out."""
        return [(each.case, Intent(each.command, each.at)) for each in self.arrivals if each.command and each.at]

    def sample(self, cases: int) -> list[Arrival]:
        """Return what belongs to the first cases of the log."""
        wanted = list(dict.fromkeys(each.case for each in self.arrivals))[:cases]
        return [each for each in self.arrivals if each.case in wanted]


def _grants(cases: int) -> Workload:
    """Return the Wismar grant, from application to proof of use, so many times over."""
    arrivals = [
        Arrival(number, f"grant-{case}", intent.command.action, intent.at, intent.command)
        for case in range(cases)
        for number, intent in enumerate(wismar.STEPS, 1 + case * len(wismar.STEPS))
    ]
    return Workload(f"{GRANTS}, made", "subsidy", arrivals)


def workloads(plan: StudyPlan, folder: Path) -> list[Workload]:
    """Return the logs of a round, real ones first; raises NotFound where a file is missing."""
    found = []
    for name in plan.logs:
        path = folder / name
        if not path.exists():
            raise NotFound(f"There is no log {path}; name the folder of the real logs with --logs.", path=str(path))
        mapping = find(path)
        some = islice(traces(path, mapping), plan.cases or None)
        found.append(Workload(name.partition(".")[0], mapping.workflow, commands(some, mapping)))
    for process, cases in plan.made.items():
        if process == GRANTS:
            found.append(_grants(cases))
            continue
        mapping = shipped(follows(process).mapping)
        arrivals = commands(generate(process, cases=cases, seed=plan.seed, first_day=FIRST_DAY), mapping)
        found.append(Workload(f"{process}, made", mapping.workflow, arrivals))
    return found
