"""docs/security.md says what the program does: limits, documents, data, journal, both ways."""

import ast
import importlib
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, get_args, get_origin

import msgspec
import pytest
from sqlmodel import SQLModel

from ledger_automation import api, web, witness, worker
from ledger_automation.api.media import ENDINGS
from ledger_automation.settings import Settings
from ledger_automation.store import grants, tables
from ledger_automation.worker import timetable
from support.pages import ROOT, Page, quoted

PAGE: Final = Page("security.md")
SOURCE: Final = ROOT / "src" / "ledger_automation"
LIMITS: Final = [row for title in ("Limits", "Limits of the law") for row in PAGE.tables(title)[0]]
UNITS: Final = {
    "KiB": 2**10, "MiB": 2**20, "second": 1, "seconds": 1, "minute": 60, "minutes": 60, "hour": 3_600, "hours": 3_600,
    "day": 86_400, "days": 86_400,
}  # fmt: skip
NO_LIMITS: Final = {
    "api.dev_issuer._HOUR", "api.live._SILENCE", "api.problems._OURS", "api.steps._CREATED", "worker.app._LOOKS",
    "worker.app._TIME_OF_A_TASK", "worker.courier._GONE", "worker.queues._PAUSE", "worker.tasks._FRAMES",
    "worker.timetable._DAY", "worker.timetable._HOUR", "witness.memory._VERSION", "witness.request._HASH_BYTES",
    "api.dev_issuer._MINUTE", "web.forms._LONG", "web.forms._FIRST_ROWS", "web.webauthn._ORDER", "web.webauthn._PLAIN",
    "web.webauthn._ID_AT", "web.webauthn._COORDINATE", "web.webauthn._PRESENT", "web.webauthn._VERIFIED",
    "web.webauthn._ELIGIBLE", "web.webauthn._BACKED_UP", "web.webauthn._ATTESTED", "web.webauthn._EXTENDED",
    "api.tokens.LEAST_RSA_BITS",  # the default of a setting
}  # fmt: skip
"""Numbers of API, pages, workers and witness that bound nothing a stranger does: statuses, units, fractions."""


def value_of(name: str) -> Any:
    """Return what a setting is by default, or what a name of the source stands for; of a law's rule, its default."""
    if name.startswith("LEDGER_"):
        return Settings.model_fields[name.removeprefix("LEDGER_").lower()].default
    parts = name.split(".")
    at: Any = importlib.import_module("ledger_automation")
    for place, part in enumerate(parts):
        if isinstance(at, type) and issubclass(at, msgspec.Struct):
            return getattr(at(), part)
        if hasattr(at, "__path__"):
            at = importlib.import_module(f"ledger_automation.{'.'.join(parts[: place + 1])}")
        else:
            at = getattr(at, part)
    if get_origin(at) is Annotated:
        return get_args(at)[1].max_length
    return at.total_seconds() if isinstance(at, timedelta) else at


@pytest.mark.parametrize("row", LIMITS, ids=lambda row: quoted(row["set by"])[0])
def test_every_figure_is_the_programs(row: dict[str, str]) -> None:
    (name,) = quoted(row["set by"])
    written = re.match(r"([\d,]+) ?(\w*)", row.get("at most") or row["figure"])
    assert written, row
    number = int(written[1].replace(",", ""))
    assert value_of(name) in {number, number * UNITS.get(written[2], 1)}, row
    assert row["for"]


def test_every_number_of_the_service_stands_there_or_bounds_nothing() -> None:
    given = {quoted(row["set by"])[0] for row in LIMITS}
    assert {each for each in given if each.startswith(("api.", "web.", "worker.", "witness."))} == {
        *numbers()
    } - NO_LIMITS
    assert {*numbers()} >= NO_LIMITS
    counted = {name for name, field in Settings.model_fields.items() if field.annotation in {int, float}}
    assert {each for each in given if each.startswith("LEDGER_")} == {f"LEDGER_{name.upper()}" for name in counted}


def numbers() -> Iterator[str]:
    """Yield every number that a module of the API, of the pages, of the workers or of the witness gives a name."""
    for package in (api, web, worker, witness):
        for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if each.name.endswith(".__main__"):
                continue
            module = importlib.import_module(each.name)
            for name in assigned(Path(str(module.__file__))):
                found = getattr(module, name)
                if isinstance(found, int | float | timedelta) and not isinstance(found, bool):
                    yield f"{module.__name__.removeprefix('ledger_automation.')}.{name}"


def assigned(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text("utf-8")).body:
        for each in node.targets if isinstance(node, ast.Assign) else ():
            yield from (name.id for name in ast.walk(each) if isinstance(name, ast.Name))
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def test_documents_are_those_that_are_taken_with_their_endings() -> None:
    told = {quoted(row["type"])[0]: tuple(quoted(row["ends in"])) for row in PAGE.tables("Documents")[0]}
    assert told == dict(ENDINGS)
    assert not Settings().scanner, "the page says that nothing is scanned unless a scanner is named"
    assert "Without that setting nothing is scanned" in PAGE.section("Documents")


def test_what_takes_time_is_told_with_its_queues_and_with_what_is_too_much() -> None:
    (rows,) = PAGE.tables("What takes time")
    assert {each for row in rows for each in quoted(row["how it is kept from taking all of it"])} == {
        *timetable.GROUPS
    } - {timetable.LOG}
    assert {"steps", "exports", "audits", "the chain", "webhooks"} <= {row["what"] for row in rows}
    assert all(row["what is too much"] for row in rows)


def test_every_table_of_the_database_has_its_level() -> None:
    levels, rows = PAGE.tables("Data")
    known = {row["level"] for row in levels}
    assert known == {"public", "internal", "personal", "secret"}
    assert all(row["level"] in known for row in rows)
    told = [quoted(row["table"])[0] for row in rows]
    assert sorted(told) == sorted(tables.CaseRow.metadata.tables) == sorted(SQLModel.metadata.tables)
    level = {quoted(row["table"])[0]: row["level"] for row in rows}
    assert {level[name] for name in grants.ERASABLE} == {"personal"}
    stays = {quoted(row["table"])[0] for row in rows if row["how long"].startswith("for ever")}
    assert stays >= {*grants.HISTORY}, "of the history nothing is ever deleted"
    deletes = {name for each in grants.GRANTS.values() for name in each.get("DELETE", ())}
    assert not stays & deletes, "what somebody may delete is not for ever"
    assert {*told} - stays == deletes


def test_every_line_of_the_journal_is_told_with_its_fields() -> None:
    events = {quoted(row["event"])[0]: row for row in PAGE.tables("Journal")[0]}
    written = dict(logged())
    assert written.keys() == events.keys()
    for event, fields in written.items():
        told = {*quoted(events["answered" if event == "refused" else event]["what it says"])}
        assert fields <= told, event


def logged() -> Iterator[tuple[str, set[str]]]:
    """Yield the words of every call of a logger, with the names of what is written with them."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and is_logger(node.func):
                said = [
                    each.value
                    for argument in node.args
                    for each in ast.walk(argument)
                    if isinstance(each, ast.Constant) and isinstance(each.value, str)
                ]
                assert said, (path, node.lineno, "words that are made at run time cannot be told of")
                for words in said:
                    yield words, {each.arg for each in node.keywords if each.arg} - {"exc_info"}


def is_logger(func: ast.expr) -> bool:
    """Tell whether a method of a module's ``_log`` is called, maybe one of two."""
    parts = [func.body, func.orelse] if isinstance(func, ast.IfExp) else [func]
    return all(
        isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id == "_log"
        for each in parts
    )


def test_nobody_logs_another_way() -> None:
    loggers = {
        target.id
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.Call)
        and getattr(node.value.func, "attr", "") in {"getLogger", "get_logger"}
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    assert loggers == {"_log", "root"}, "the latter is the journal's own, to say where lines go"


def test_every_setting_that_it_names_there_is_and_every_name_of_the_source_leads_somewhere() -> None:
    known = {f"LEDGER_{name.upper()}" for name in Settings.model_fields}
    assert {*re.findall(r"LEDGER_[A-Z_]+[A-Z]", PAGE.text)} <= known
    for path in re.findall(r"`((?:api|chain|canonical|intake)/\w*(?:\.py)?)`", PAGE.text):
        assert (SOURCE / path).exists(), path
    for name in re.findall(r"`test_\w+\.py`", PAGE.text):
        assert (ROOT / "tests" / "architecture" / name.strip("`")).exists()
    shown = tomllib.loads((ROOT / "tests" / "integration" / "api" / "asvs.toml").read_text("utf-8"))["shown"]
    assert {"V2.1.3", "V5.1.1", "V11.1.1", "V13.1.1", "V14.1.1", "V15.1.1", "V16.1.1"} <= shown.keys()
