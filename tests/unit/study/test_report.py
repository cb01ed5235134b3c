"""The report of a study: whole, well-formed, asking nobody for anything, and saying what its data say."""

import re
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from string import Formatter

import msgspec
import pytest
from lxml import etree, html

from ledger_automation.study import prices
from ledger_automation.study.facts import ADVERSARIES
from ledger_automation.study.record import (
    MEASURES,
    SYSTEMS,
    Answer,
    Figure,
    Growth,
    Repeated,
    Replay,
    StudyReport,
    Tampered,
)
from ledger_automation.study.report import render
from ledger_automation.study.report.language import Language
from ledger_automation.study.report.words import WORDS
from ledger_automation.verify.verdict import Sentence

LANGUAGES = ("de", "en")
HOSTILE = """<script>alert("1")</script>' onload='x' & $x$ {y}"""
EMPTY = StudyReport(about={}, prices={}, facts={}, durability={})
VOID = {"meta", "link", "br", "hr", "img", "input"}
STATES = {"table": 1, "hash_chain": 1, "merkle_log": 2, "timestamped_log": 3, "anchored": 5, "enforced": 5}


def figure(measure: str, system: str, *rounds: float, **more: object) -> Figure:
    given = {
        "store": "postgresql",
        "workload": "road-fines, closed loop",
        "workflow": "parking_fine",
        "command": f"ledger study measure --only {measure} --system {system}",
        **more,
    }
    return msgspec.convert({"measure": measure, "system": system, "rounds": rounds, **given}, Figure)


def figures() -> tuple[Figure, ...]:
    found = [figure("events_case", "table", 3.74, store="")]
    for nth, system in enumerate(SYSTEMS):
        for clients in (1, 8, 32):
            rate = 4213.7 * clients**0.5 / 5**nth
            spread = (rate, rate * 1.07, rate * 0.93, rate * 1.02, rate * 0.98)
            found.append(figure("throughput", system, *spread, clients=clients, events=561_470, beside="PostgreSQL"))
        for place, state in enumerate(("recorded", "logged", "stamped", "anchored", "final")[: STATES[system]]):
            if (system, state) not in {("anchored", "stamped"), ("enforced", "stamped")}:
                for point, factor in (("p50", 1), ("p99", 3.3)):
                    value = 1.234 * (nth + 1) * 9**place * factor
                    found.append(figure(f"{state}_{point}", system, value, value * 1.2, value * 0.9, clients=8))
        found.append(figure("storage", system, 412 + 131 * nth))
        found.append(figure("audit_full", system, 91_234 / (nth + 1), 90_000 / (nth + 1), workflow=""))
    gas = [("anchored", 812.5, 799.1), ("enforced", 131_313.0, 131_313.0)]
    found += [figure("gas_case", system, *rounds, command="ledger study gas") for system, *rounds in gas]
    found += [figure("gas_checkpoint", system, 61_000) for system, *_ in gas]
    return tuple(found)


def tampered() -> tuple[Tampered, ...]:
    attacks = {
        "T01": Sentence("Betrag erhöht", "amount raised"),
        "T07": Sentence("Ereignis gelöscht", "event deleted"),
        "T36": Sentence("Geschichte neu geschrieben", "history rewritten"),
    }
    found = []
    for power, adversary in enumerate(ADVERSARIES):
        for nth, (attack, what) in enumerate(attacks.items()):
            for place, system in enumerate(SYSTEMS):
                if attack == "T36" and adversary == "clerk":
                    continue
                detected = 5 if place >= 2 * power + nth - 1 else 2 if place == 2 * power + nth - 2 else 0
                by = ("auditor" if place < 4 else "chain") if detected else ""
                named = max(0, detected - nth)
                row = {"injected": 5, "detected": detected, "named": named, "located": named, "detected_by": by}
                command = f"ledger study tamper --adversary {adversary}"
                given = {"attack": attack, "what": what, "adversary": adversary, "system": system, "store": "sqlite"}
                found.append(Tampered(**given, **row, seconds=1.25 * place, command=command))
    return tuple(found)


def answers() -> tuple[Answer, ...]:
    reason = Sentence("Nur die Stadt schreibt.", "Only the town writes.")
    given = [
        ("permit", "grant", "merkle_log", 1234.5),
        ("permit", "draft_letter", "table", 0.5),
        ("subsidy", "disburse_tranche", "enforced", 2.5),
        ("subsidy", "reclaim", "", 0),
    ]
    return tuple(
        Answer(workflow=flow, action=action, system=system, chain=system == "enforced", cost=cost, reasons=(reason,))
        for flow, action, system, cost in given
    )


def replay(system: str, accepted: int) -> Replay:
    counts = {"read": 561_470, "accepted": accepted, "ignored": 12, "refused": {"not_in_state": 7, "too_late": 3}}
    return Replay(log="Road Traffic Fine", system=system, store="sqlite", command="ledger study replay", **counts)


def grown(system: str, slope: float) -> Growth:
    points = tuple((float(size), 0.01 * size**slope) for size in (1_000, 100_000, 10_000_000))
    command = "ledger study growth"
    return Growth(
        measure="audit_incremental", system=system, store="sqlite", points=points, slope=slope, command=command
    )


def rich() -> StudyReport:
    moved = {"measure": "throughput", "system": "table", "store": "sqlite", "workload": "fines"}
    return StudyReport(
        about={
            "machine": {"cpu": "EPYC 7B13", "cores": 2},
            "commit": "19f1613",
            "seed": 20261129,
            "moment": "2026-11-29T23:45Z",
        },
        prices=msgspec.to_builtins(prices.shipped()),
        facts={
            "workflow": {"permit": {"default": {"public": {"value": False, "de": "Geht wenige an.", "en": "Few."}}}}
        },
        durability={"table": "synchronous_commit = on", "anchored": "final block"},
        figures=figures(),
        replays=(replay("table", 561_448), replay("enforced", 561_448)),
        growth=(grown("table", 1.0), grown("merkle_log", 0.03)),
        tampered=tampered(),
        answers=answers(),
        repeated=(Repeated(**moved, earlier=4000.0, later=4310.0, moved=0.0775, days=("2026-11-28", "2026-11-29")),),
        omitted={"immudb": "could not be had without a network"},
    )


RICH = rich()
PAGES = {
    (name, code): render(report, code) for name, report in (("rich", RICH), ("empty", EMPTY)) for code in LANGUAGES
}
every_page = pytest.mark.parametrize(
    ("page", "code"), [(page, key[1]) for key, page in PAGES.items()], ids=map(str, PAGES)
)


def tree(page: str) -> html.HtmlElement:
    return html.document_fromstring(page)


def words(page: str) -> str:
    return " ".join(tree(page).text_content().split(" "))


class Nesting(HTMLParser):
    """Every element that is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"<{tag}> has an attribute twice"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """SVG's own; it opens nothing."""


@every_page
def test_it_is_well_formed_and_names_each_thing_once(page: str, code: str) -> None:
    parser = Nesting()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    root = tree(page)
    assert root.get("lang") == code
    assert {each.get("href")[1:] for each in root.xpath("//a[starts-with(@href, '#')]")} <= set(ids)
    assert all(name in ids for each in root.xpath("//@aria-labelledby") for name in each.split())
    for drawing in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        etree.fromstring(drawing)


@every_page
def test_it_runs_nothing_and_asks_nobody(page: str, code: str) -> None:
    assert "<script" not in page.lower()
    assert " style=" not in page
    assert "javascript:" not in page
    assert not re.search(r"""(src|href|action|data)\s*=\s*["']?\s*(https?:|//)""", page)
    assert "url(http" not in page
    assert "@import" not in page
    policy = tree(page).xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    other = "en" if code == "de" else "de"
    assert tree(page).xpath("//header//a/@href") == [f"report.{other}.html"]


@every_page
def test_headings_go_down_by_one_and_every_table_is_labelled(page: str, code: str) -> None:
    root = tree(page)
    levels = [int(each.tag[1]) for each in root.xpath("//h1|//h2|//h3|//h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for table in root.xpath("//table"):
        assert table.xpath("string(caption)").strip()
        assert all(each.get("scope") for each in table.xpath(".//th"))
        region = table.getparent()
        assert (region.get("role"), region.get("tabindex")) == ("region", "0")
        assert region.get("aria-label")
    assert [len(root.xpath(f"//{name}")) for name in ("header", "nav", "main", "footer")] == [1, 1, 1, 1]
    assert root.xpath("//body/*[1]/@href") == ["#main"]
    assert len(WORDS["skip"].de) > 0
    assert code in LANGUAGES


@pytest.mark.parametrize("code", LANGUAGES)
def test_rows_are_as_wide_as_their_table(code: str) -> None:
    for table in tree(PAGES["rich", code]).xpath("//table"):
        width, reach = len(table.xpath("thead/tr/th")), 0
        for row in table.xpath("tbody/tr"):
            cells = row.xpath("th|td")
            assert len(cells) + (1 if reach else 0) == width
            reach = max(reach - 1, int(cells[0].get("rowspan", "1")) - 1)


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_figure_is_there_with_median_spread_rounds_and_command(code: str) -> None:
    root, language = tree(PAGES["rich", code]), Language(code)
    numbers = {
        each.xpath("string(td)"): each.xpath("string(th)") for each in root.xpath("//section[@id='commands']//tbody/tr")
    }
    rows = [
        [each.text_content() for each in row.xpath("th|td")] for row in root.xpath("//section[@id='figures']//tbody/tr")
    ]
    for each in RICH.figures:
        expected = [
            language.system(each.system),
            language.measure(each.measure),
            language.middle(each.rounds, each.measure),
            language.spread(each.rounds),
            language.number(len(each.rounds)),
            numbers[each.command],
        ]
        assert any(all(text in row for text in expected) for row in rows), expected
    named = [*RICH.replays, *RICH.growth, *RICH.tampered]
    assert {each.command for each in named} <= set(numbers)
    assert len(numbers) == len({each.command for each in (*named, *RICH.figures)})


def test_numbers_are_written_as_the_language_does() -> None:
    german, english = words(PAGES["rich", "de"]), words(PAGES["rich", "en"])
    assert "561\N{NARROW NO-BREAK SPACE}448" in german
    assert "1\N{NARROW NO-BREAK SPACE}234" in german
    assert "3,74" in german
    assert "3.74" not in german
    assert "561,448" in english
    assert "3.74" in english
    assert Language("de").number(-0.01234) == "\N{MINUS SIGN}0,0123"
    assert Language("en").number(1234.5) == "1,234"
    assert Language("en").percent(0.9999) == "> 99\N{NARROW NO-BREAK SPACE}%"
    assert Language("de").number(float("nan")) == "\N{EN DASH}"


def test_a_seed_stays_as_it_is() -> None:
    assert "20261129" in PAGES["rich", "de"]


@pytest.mark.parametrize("code", LANGUAGES)
def test_hostile_words_are_shown_and_not_obeyed(code: str) -> None:
    def poisoned(value: object) -> object:
        if isinstance(value, str):
            return value + HOSTILE
        if isinstance(value, list):
            return [poisoned(each) for each in value]
        return {key: poisoned(each) for key, each in value.items()} if isinstance(value, dict) else value

    values = {key: value if key == "prices" else poisoned(value) for key, value in msgspec.to_builtins(RICH).items()}
    page = render(msgspec.convert(values, StudyReport), code)
    assert "<script" not in page
    assert "alert(" in words(page)
    assert not tree(page).xpath("//@onload")
    parser = Nesting()
    parser.feed(page)
    assert parser.open == []


def poisoned_names() -> StudyReport:
    def renamed(each: msgspec.Struct) -> msgspec.Struct:
        return msgspec.structs.replace(each, system=each.system + HOSTILE)

    parts = {name: tuple(renamed(each) for each in getattr(RICH, name)) for name in ("figures", "growth", "tampered")}
    keyed = {name: {HOSTILE: {"value": HOSTILE, "source": HOSTILE}} for name in ("about", "facts")}
    return msgspec.structs.replace(RICH, **parts, **keyed, durability={HOSTILE: "x"}, omitted={HOSTILE: "x"})


def test_hostile_names_of_systems_and_keys_neither() -> None:
    page = render(poisoned_names(), "de")
    assert "<script" not in page
    assert not tree(page).xpath("//@onload")
    assert len(tree(page).xpath("//*[local-name()='svg']")) == 4


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_plot_says_its_result(code: str) -> None:
    drawings = tree(PAGES["rich", code]).xpath("//*[local-name()='svg']")
    assert len(drawings) == 4
    for each in drawings:
        assert each.get("role") == "img"
        assert each.xpath("string(*[local-name()='title'])")
        assert re.search(r"\d", each.xpath("string(*[local-name()='desc'])"))
        figure_ = each.xpath("ancestor::figure")[0]
        assert figure_.xpath(".//table")
        said = [point.text_content() for point in figure_.xpath("figcaption/ul/li")]
        assert each.xpath("string(*[local-name()='desc'])") == " ".join(said)


def described(report: StudyReport, key: str) -> str:
    return str(tree(render(report, "en")).xpath(f"string(//*[@id='{key}-desc'])"))


def test_what_a_plot_says_follows_from_its_data() -> None:
    before = described(RICH, "plot-frontier")
    blind = tuple(msgspec.structs.replace(each, detected=0, named=0, located=0) for each in RICH.tampered)
    after = described(msgspec.structs.replace(RICH, tampered=blind), "plot-frontier")
    assert "enforced by a contract" in before.split("Dearer")[0]
    assert "enforced by a contract" not in after.split("Dearer")[0]
    assert "Table, SQLite grows with the log (slope 1.00)" in described(RICH, "plot-growth-1")
    flat = msgspec.structs.replace(RICH, growth=(grown("table", 0.0),))
    assert "Table, SQLite stays the same (slope 0.00)" in described(flat, "plot-growth-1")
    assert "Recorded: fastest table with 1.23\N{NO-BREAK SPACE}ms" in described(RICH, "plot-latency")
    slow = tuple(
        msgspec.structs.replace(each, rounds=(999.0,))
        if (each.measure, each.system) == ("recorded_p50", "table")
        else each
        for each in RICH.figures
    )
    changed = described(msgspec.structs.replace(RICH, figures=slow), "plot-latency")
    assert "slowest table with 999\N{NO-BREAK SPACE}ms" in changed
    assert "Table: 4,214\N{NO-BREAK SPACE}events/s with 1 and" in described(RICH, "plot-throughput")
    assert "under another load" not in described(RICH, "plot-latency")
    slower = tuple(
        msgspec.structs.replace(each, rate=1) if each.system == "enforced" else each for each in RICH.figures
    )
    told = described(msgspec.structs.replace(RICH, figures=slower), "plot-latency")
    assert "Enforced by a contract under another load: 1 step/s offered." in told


def test_the_same_report_gives_the_same_bytes() -> None:
    again = msgspec.convert(msgspec.to_builtins(rich()), StudyReport)
    assert {code: render(again, code) for code in LANGUAGES} == {code: PAGES["rich", code] for code in LANGUAGES}


def test_unequal_replays_raise_an_alarm() -> None:
    assert "alarm" not in tree(PAGES["rich", "de"]).xpath("//p/@class")
    unequal = msgspec.structs.replace(RICH, replays=(replay("table", 561_448), replay("enforced", 561_447)))
    root = tree(render(unequal, "de"))
    alarms = [each.text_content() for each in root.xpath("//p[@class='alarm']")]
    assert len(alarms) == 2
    assert root.xpath("//section[@id='answer']//p[@class='alarm']/a/@href") == ["#replays"]
    assert "angenommen" in alarms[1]
    assert "Alle 2 Läufe kamen zu denselben Zahlen" in words(PAGES["rich", "de"])


@pytest.mark.parametrize("code", LANGUAGES)
def test_what_is_absent_is_said(code: str) -> None:
    root, language = tree(PAGES["empty", code]), Language(code)
    assert not root.xpath("//table")
    for key in ("growth", "tampering", "replays", "repeated", "commands"):
        assert language.say("not_measured.sentence") in root.xpath(f"string(//section[@id='{key}'])")
    assert root.xpath("string(//section[@id='figures'])").count(language.say("not_measured")) == 3
    assert language.say("answer.absent") in root.xpath("string(//section[@id='answer'])")


def test_the_matrix_says_in_words_what_its_symbols_show() -> None:
    matrix = tree(PAGES["rich", "en"]).xpath("//section[@id='tampering']//table")[-1]
    text = matrix.text_content()
    for symbol, said in (("●", "all, 5 of 5"), ("◐", "some, 2 of 5"), ("○", "none, 0 of 5")):
        assert f"{symbol} {said}" in text
    assert "not tried" not in text
    assert "by an audit, 2.50 s" in text
    assert "named 4, located 4" in text


def test_a_cost_that_is_not_known_is_not_nought() -> None:
    fewer = tuple(each for each in RICH.figures if each.measure != "gas_case")
    root = tree(render(msgspec.structs.replace(RICH, figures=fewer), "en"))
    assert "unknown, for want of: gas per case" in root.text_content()
    assert "enforced" not in root.xpath("string(//*[@id='plot-frontier-desc'])")


def test_a_figure_without_rounds_is_not_measured() -> None:
    page = render(msgspec.structs.replace(EMPTY, figures=(figure("storage", "table"),)), "en")
    assert tree(page).xpath("//td[.='not measured']")


def test_there_are_two_languages() -> None:
    with pytest.raises(ValueError, match="speaks de and en"):
        render(EMPTY, "fr")


@pytest.mark.parametrize("key", WORDS)
def test_every_word_is_there_in_both_languages(key: str) -> None:
    said = WORDS[key]
    assert said.de.strip()
    assert said.en.strip()
    fields = [{name for _, name, _, _ in Formatter().parse(each) if name} for each in (said.de, said.en)]
    assert fields[0] == fields[1]


def test_every_unit_has_its_words() -> None:
    assert {f"unit.{each.unit}" for each in MEASURES.values()} <= set(WORDS)


def palettes() -> dict[str, dict[str, str]]:
    style = files("ledger_automation.study.report").joinpath("report.css").read_text("utf-8")
    blocks = [
        dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", each)) for each in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    ]
    return dict(zip(("light", "dark", "print"), blocks, strict=True))


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_colours_can_be_told_from_their_ground(scheme: str) -> None:
    palette = palettes()[scheme]
    for name in set(palette) - {"paper", "card", "line"}:
        for ground in ("paper", "card"):
            light, dark = sorted((luminance(palette[name]), luminance(palette[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, ground)
