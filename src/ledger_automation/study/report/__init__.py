"""A study's report as one HTML file in one language, drawn from `StudyReport` alone: no figure is written by hand.

    render(report, "de")     report.de.html, which links to report.en.html beside it

The file runs no script and asks no host for anything: stylesheet and plots are part of it, and its content security
policy allows that one stylesheet, by its hash. The same report gives the same bytes. The only home of Matplotlib.
"""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from ledger_automation.study.record import StudyReport
from ledger_automation.study.report.answers import answer
from ledger_automation.study.report.attacks import tampering
from ledger_automation.study.report.blocks import Commands
from ledger_automation.study.report.figures import figures
from ledger_automation.study.report.growth import growth
from ledger_automation.study.report.language import Language
from ledger_automation.study.report.method import method
from ledger_automation.study.report.replays import omitted, repeated, replays

__all__ = ["render"]


def render(report: StudyReport, language: str) -> str:
    """Return the report in ``de`` or ``en`` as a whole HTML document."""
    spoken, commands = Language(language), Commands()
    sections = (
        answer(report, spoken),
        method(report, spoken),
        figures(report, spoken, commands),
        growth(report, spoken, commands),
        tampering(report, spoken, commands),
        replays(report, spoken, commands),
        repeated(report, spoken),
        omitted(report, spoken),
    )
    style = files(__name__).joinpath("report.css").read_text("utf-8")
    environment = Environment(
        loader=PackageLoader(__name__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        language=spoken,
        sections=sections,
        commands=commands.listed(),
        style=style,
        style_hash=b64encode(sha256(style.encode()).digest()).decode(),
    )
