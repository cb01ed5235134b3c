"""A mapping: the TOML file that says which command each activity of a log stands for.

    workflow = "parking_fine"                    # the law that judges
    [match]                                      # by which names `find` chooses this mapping
    files = ["road_traffic_fines*"]
    [rules]                                      # the case's Rules, committed with its opening step
    appeal_days = 60
    [[step]]
    activity = "Send Appeal to Prefecture"
    when = { dismissal = "#" }                   # the first step whose conditions hold is taken
    action = "decide_appeal"
    role = "approver"
    actor = { literal = "prefecture" }           # or { event = "org:resource", prefix = "officer-", default = "desk" }
    payload = { outcome = { literal = "dismissed" } }
    note = "why this activity means this command"
    [ignore]
    "Start trip" = "a fact of the journey, not a step of the procedure"
    "02_DRZ_*" = "a pattern ignores what is not mapped by name"

Each activity is mapped or ignored in words; anything else is `UnmappedActivities`, with its counts, before a single
event is applied. A mapping that names an unknown action, role or field of a payload is an `InvalidDefinition`.
"""

import tomllib
from collections.abc import Mapping as Facts
from fnmatch import fnmatch, fnmatchcase
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from ledger_automation.errors import InvalidDefinition, NotFound, UnmappedActivities
from ledger_automation.intake.template import Template
from ledger_automation.workflows import workflow
from ledger_automation.workflows._table import ROLES, Transition


class ActorSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the actor's pseudonym comes from; ``default`` stands in where the attribute is absent."""

    event: str = ""
    trace: str = ""
    literal: str = ""
    prefix: str = ""
    default: str = ""


class MappedStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One activity (under conditions) and the command it stands for."""

    activity: str
    action: str
    role: str
    actor: ActorSource
    payload: dict[str, Template] = {}
    when: dict[str, str] = {}
    note: str = ""


class Opening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step that the law needs and the log lacks, put before a trace's first mapped event; ``reason`` says why.

    It is no event of the file and is counted apart.
    """

    action: str
    role: str
    actor: str
    payload: dict[str, Any]
    reason: str


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """File names, as patterns, that this mapping is made for."""

    files: tuple[str, ...] = ()


class CsvColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The columns of a CSV log."""

    case: str
    activity: str
    timestamp: str
    delimiter: str = ","


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole mapping file. ``zone`` is for logs whose moments name none; ``key`` is the trace's case attribute."""

    workflow: str
    title: str
    source: str
    step: tuple[MappedStep, ...]
    name: str = ""
    match: Match = Match()
    key: str = "concept:name"
    activity: str = "concept:name"
    zone: str = ""
    rules: dict[str, Any] = {}
    ignore: dict[str, str] = {}
    csv: CsvColumns | None = None
    opening: Opening | None = None

    def reason_to_ignore(self, activity: str) -> str:
        """Return why an activity is ignored ('' if it is not): by its name, else by a pattern, unless it is mapped."""
        found = self.ignore.get(activity)
        if found is not None:
            return found
        if any(each.activity == activity for each in self.step):
            return ""
        return next((why for pattern, why in self.ignore.items() if fnmatchcase(activity, pattern)), "")

    def check_activities(self, counts: Facts[str, int]) -> None:
        """Raise UnmappedActivities when a log holds activities that are neither mapped nor ignored."""
        mapped = {each.activity for each in self.step}
        unknown = {
            activity: count
            for activity, count in counts.items()
            if activity not in mapped and not self.reason_to_ignore(activity)
        }
        if unknown:
            raise UnmappedActivities(unknown)


def names() -> list[str]:
    """List the mappings that ship with this package."""
    return sorted(each.name.removesuffix(".toml") for each in _folder().iterdir() if each.name.endswith(".toml"))


@cache
def shipped(name: str) -> Mapping:
    """Return a shipped mapping by its name; raises NotFound."""
    if name not in names():
        raise NotFound(f"There is no mapping {name}; there are {', '.join(names())}.", name=name, known=names())
    return parse(_folder().joinpath(f"{name}.toml").read_text("utf-8"), name)


def load(path: Path) -> Mapping:
    """Read a mapping from a file; raises InvalidDefinition or NotFound."""
    try:
        return parse(path.read_text("utf-8"), path.stem)
    except OSError as error:
        raise NotFound(f"There is no mapping file {path}.", path=str(path)) from error
    except UnicodeDecodeError as error:
        raise InvalidDefinition(f"The mapping {path} is not UTF-8.", path=str(path)) from error


def find(path: Path, workflow_name: str | None = None) -> Mapping:
    """Return the shipped mapping whose patterns match a log's file name (and workflow); raises NotFound."""
    for name in names():
        mapping = shipped(name)
        fits = any(fnmatch(path.name.lower(), pattern.lower()) for pattern in mapping.match.files)
        if fits and workflow_name in (None, mapping.workflow):
            return mapping
    sentence = f"No shipped mapping is made for {path.name}; name one of {', '.join(names())} or a file of your own."
    raise NotFound(sentence, path=str(path), known=names())


def parse(text: str, name: str) -> Mapping:
    """Read and check a mapping's text; raises InvalidDefinition."""
    try:
        mapping = msgspec.convert({"name": name, **tomllib.loads(text)}, Mapping)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise InvalidDefinition(f"The mapping {name} cannot be read: {error}.", mapping=name) from error
    _check(mapping)
    return mapping


def _folder() -> Any:
    return resources.files("ledger_automation.intake").joinpath("mappings")


def _check(mapping: Mapping) -> None:
    """Every action, role and field exists; nothing is mapped and ignored; every ignoring has a reason."""
    table = workflow(mapping.workflow)
    flaws = [f"{each.activity} is mapped and ignored" for each in mapping.step if each.activity in mapping.ignore]
    flaws += [f"{activity} is ignored without a reason" for activity, why in mapping.ignore.items() if not why.strip()]
    for each in mapping.step:
        row = table.transitions.get(each.action)
        if row is None:
            flaws.append(f"{mapping.workflow} has no action {each.action}")
            continue
        flaws += _flaws_of_step(each, row)
    if mapping.opening is not None and mapping.opening.action not in table.transitions:
        flaws.append(f"{mapping.workflow} has no action {mapping.opening.action}")
    if flaws:
        raise InvalidDefinition(f"The mapping {mapping.name} is not sound: {'; '.join(flaws)}.", flaws=flaws)


def _flaws_of_step(step: MappedStep, row: Transition) -> list[str]:
    fields = set(row.payload.__struct_fields__)
    flaws = [f"{step.action} carries no {field}" for field in step.payload if field not in fields]
    if step.role not in ROLES:
        flaws.append(f"{step.role} is no role")
    if not (step.actor.literal or step.actor.default):
        flaws.append(f"{step.activity} may lack an actor: give a literal or a default")
    return flaws
