"""``ledger study``: measure six systems, tamper with each, and say which steps need a chain; the answer may be none.

run       a round: everything measured, answered, signed and drawn; goes on where an earlier one was stopped
tamper    the matrix alone
verdict   the answer computed anew from a report, with other facts or prices if wanted; or its signature checked
report    the pages drawn anew from a report
"""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

import msgspec
from cyclopts import App, Parameter

from ledger_automation.bootstrap import stored_log_key
from ledger_automation.cli.exit_codes import BY_VERDICT
from ledger_automation.cli.output import Bars, emit, progress, save
from ledger_automation.errors import InvalidValue, Misconfigured, NotFound, UnreadableFile
from ledger_automation.orchestrator.durable import alone
from ledger_automation.study import attestation, figures, verdict
from ledger_automation.study import facts as declared
from ledger_automation.study import prices as priced
from ledger_automation.study import run as running
from ledger_automation.study.authority import Authority, serving
from ledger_automation.study.facts import Facts
from ledger_automation.study.measurement import machine
from ledger_automation.study.plan import StudyPlan, read_plan
from ledger_automation.study.prices import Prices
from ledger_automation.study.record import NAMES, SYSTEMS, Answer, StudyReport, Tampered
from ledger_automation.study.rounds import Cell, Journal, Round
from ledger_automation.study.systems import ORIGIN
from ledger_automation.tlog.note import VerifierKey
from ledger_automation.verify.verdict import Verdict

app = App(name="study", help="Measure six systems, and say which steps need a chain.")

_REPORT: Final = "report.json"
_LANGUAGES: Final = ("de", "en")
_NO_LEDGER_DATABASE: Final = "no server was named; the port is `study.systems.port`"

Logs = Annotated[Path, Parameter(help="The folder with the real logs that the round names.")]
Server = Annotated[str, Parameter(help="A PostgreSQL server's URL; databases of the run's own are made and dropped.")]
FactsFile = Annotated[Path | None, Parameter(name="--facts", help="A town's facts (TOML); default: Wismar's.")]
PricesFile = Annotated[Path | None, Parameter(name="--prices", help="Prices (TOML); default: those shipped.")]
AsJson = Annotated[bool, Parameter(help="Print the whole answer as JSON.", negative=())]


@app.command
def run(
    round_file: Annotated[Path | None, Parameter(name="ROUND", help="A round (TOML); default: a quick one.")] = None,
    *,
    out: Annotated[Path, Parameter(help="Where report and pages go; a run that was stopped goes on there.")],
    logs: Logs = Path("../shared/data"),
    db: Server = "",
    facts: FactsFile = None,
    prices: PricesFile = None,
    before: Annotated[Path | None, Parameter(help="An earlier report: how far has each figure moved?")] = None,
    json: AsJson = False,
) -> int:
    """Measure everything that a round names, answer, sign, and draw the pages in German and English."""
    plan, town, costs = read_plan(round_file), _facts(facts), _prices(prices)
    earlier = _read(before) if before is not None else None
    started = time.perf_counter()
    with alone(out, "runs a study in this folder"):
        with _setting(plan, logs, db) as setting, progress() as bars:
            journal = Journal(out / "cells.jsonl", plan)
            running.run(setting, journal, Bars(bars).tell)
        about = {"seed": plan.seed, "round": str(round_file or "quick"), "seconds": time.perf_counter() - started}
        found = _found(setting, list(journal.cells.values()), town, costs, about)
        if earlier is not None:
            found = msgspec.structs.replace(found, repeated=figures.repeated(earlier, found))
        _write(found, out)
    emit(_data(found.answers, out), _lines(found.answers, out), json=json)
    return 0


def _found(setting: Round, cells: list[Cell], town: Facts, costs: Prices, about: dict[str, Any]) -> StudyReport:
    """Make a report of what was measured: the figures, and the answer that follows from them."""
    given = [] if about["round"] == "quick" else [about["round"]]
    command = " ".join(["ledger study run", *given, "--out", "FOLDER"])
    workflows = {each.name: each.table.name for each in setting.workloads}
    found = StudyReport(
        about={
            "date": datetime.now(UTC).isoformat(timespec="minutes"),
            **machine(),
            **about,
            "seconds": round(about["seconds"], 1),
        },
        prices=msgspec.to_builtins(costs),
        facts=msgspec.to_builtins(town),
        durability=figures.durability(cells),
        figures=figures.figures(cells, workflows, command),
        replays=figures.replays(cells, command),
        growth=figures.growth(cells, command),
        tampered=figures.tampered(cells),
        omitted=_omitted(setting),
    )
    return msgspec.structs.replace(found, answers=verdict.answers(found, town, costs))


@app.command
def tamper(
    round_file: Annotated[Path | None, Parameter(name="ROUND", help="A round (TOML); default: a quick one.")] = None,
    *,
    system: Annotated[list[str] | None, Parameter(help="Only this system; may be repeated.")] = None,
    logs: Logs = Path("../shared/data"),
    json: AsJson = False,
) -> int:
    """Do every attack of the matrix to copies of a small town, and tell who notices."""
    strange = [each for each in system or () if each not in SYSTEMS]
    if strange:
        raise InvalidValue("A system under test", strange[0], ", ".join(SYSTEMS))
    plan = msgspec.structs.replace(read_plan(round_file), systems=tuple(system or SYSTEMS), stores=("sqlite",))
    rows: list[Tampered] = []
    with _setting(plan, logs, "") as setting, progress() as bars:
        for each in setting.systems:
            rows += running.tampered(setting, each, Bars(bars).tell)
    emit({"tampered": rows}, [_row(each) for each in rows], json=json)
    return 0


@app.command(name="verdict")
def answer(
    report_file: Annotated[Path, Parameter(name="REPORT", help="A study's report.json.")],
    *,
    facts: FactsFile = None,
    prices: PricesFile = None,
    key: Annotated[str, Parameter(help="Only check the report's signature, against this verifier key.")] = "",
    json: AsJson = False,
) -> int:
    """Answer anew from a report: as it stands, or with other facts or prices; or check who signed it."""
    if key:
        attestation.check(_octets(report_file), _signature(report_file), [VerifierKey.parse(key)])
        emit({"signed": True}, [f"{report_file} is what {key.partition('+')[0]} signed."], json=json)
        return BY_VERDICT[Verdict.FINAL]
    found = _read(report_file)
    town = _facts(facts) if facts else declared.convert(found.facts, "of the report")
    costs = _prices(prices) if prices else priced.convert(found.prices, "of the report")
    answers = verdict.answers(found, town, costs)
    emit(_data(answers, None), _lines(answers, None), json=json)
    return 0


@app.command
def report(
    report_file: Annotated[Path, Parameter(name="REPORT", help="A study's report.json.")],
    *,
    out: Annotated[Path, Parameter(help="The folder for the pages.")],
    json: AsJson = False,
) -> int:
    """Draw the pages of a report, in German and English."""
    paths = _draw(_read(report_file), out)
    emit({"pages": [str(each) for each in paths]}, [f"{each}" for each in paths], json=json)
    return 0


@contextmanager
def _setting(plan: StudyPlan, logs: Path, db: str) -> Iterator[Round]:
    with ExitStack() as stack:
        # Somebody who ends us (SIGTERM) means what Ctrl-C means: chains, databases and folders of the run go with it.
        stack.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, signal.default_int_handler))
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="ledger-study-")))
        yield Round(plan, folder, db, logs, _authority(stack, folder))


def _authority(stack: ExitStack, folder: Path) -> Authority | None:
    """Run an authority of one's own; without OpenSSL there is none, and that is said in the report."""
    try:
        return stack.enter_context(serving(folder / "authority"))
    except Misconfigured:
        return None


def _omitted(setting: Round) -> dict[str, str]:
    plan = setting.plan
    left = dict.fromkeys(plan.systems, "no OpenSSL here to run a time-stamping authority")
    left = {each: why for each, why in left.items() if each not in setting.systems}
    left["immudb"] = _NO_LEDGER_DATABASE
    left["enforced, more than one client"] = "one lane sends all steps, whoever asks"
    left["enforced, whole logs"] = (
        f"each step waits for a block; the first {plan.sample} cases of each log went through"
    )
    left["tampering on PostgreSQL"] = "`make tampering` has it, with more classes; the matrix here is on SQLite"
    return left


def _facts(path: Path | None) -> Facts:
    return declared.load(path) if path is not None else declared.shipped()


def _prices(path: Path | None) -> Prices:
    return priced.load(path) if path is not None else priced.shipped()


def _octets(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound(f"There is no report {path}.", path=str(path)) from error


def _read(path: Path) -> StudyReport:
    try:
        return msgspec.json.decode(_octets(path), type=StudyReport)
    except msgspec.MsgspecError as error:
        raise UnreadableFile(path, f"no report of a study: {error}") from error


def _signature(path: Path) -> str:
    place = path.with_suffix(".note")
    try:
        return place.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(f"There is no signature {place}.", path=str(place)) from error


def _write(found: StudyReport, out: Path) -> None:
    """Write the report, its signature and its pages."""
    octets = msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n"
    key = stored_log_key(out / "study.key", ORIGIN, create=True)
    save(out / _REPORT, octets)
    save((out / _REPORT).with_suffix(".note"), attestation.attest(octets, key).encode())
    save(out / "study.pub", f"{key.verifier.text}\n".encode())
    _draw(found, out)


def _draw(found: StudyReport, out: Path) -> list[Path]:
    from ledger_automation.study.report import render  # noqa: PLC0415  Matplotlib takes seconds that others save

    paths = [out / f"report.{language}.html" for language in _LANGUAGES]
    for path, language in zip(paths, _LANGUAGES, strict=True):
        save(path, render(found, language).encode())
    return paths


def _data(answers: tuple[Answer, ...], out: Path | None) -> dict[str, Any]:
    summed = verdict.summary(answers)
    shown = {"town": summed.town, "answers": answers}
    return shown if out is None else {**shown, "report": str(out / _REPORT)}


def _lines(answers: tuple[Answer, ...], out: Path | None) -> list[str]:
    lines = [verdict.summary(answers).town.en]
    for each in answers:
        system = NAMES[each.system].en if each.system else "nothing here is enough"
        lines.append(f"  {each.workflow} {each.action}: {system}" + (", a chain" if each.chain else ""))
    return lines if out is None else [*lines, f"{out}/ holds {_REPORT}, its signature, and the pages in two languages."]


def _row(row: Tampered) -> str:
    noticed = f"{row.detected} of {row.injected} noticed by {row.detected_by}" if row.detected_by else "nobody notices"
    return f"{row.system}: {row.attack} {row.what.en}, by the {row.adversary}: {noticed}"
