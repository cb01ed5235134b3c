from pathlib import Path

import pytest

from ledger_automation.errors import InvalidDefinition, InvalidValue, NotFound, UnmappedActivities
from ledger_automation.intake import mapping as mappings
from ledger_automation.intake.commands import OPENING, commands, pseudonym
from ledger_automation.intake.template import Template
from ledger_automation.intake.trace import LoggedEvent, Trace

SOUND = """
workflow = "parking_fine"
title = "t"
source = "s"
[rules]
hearing_required = false
[[step]]
activity = "Fined"
action = "record_fine"
role = "clerk"
actor = { event = "org:resource", prefix = "officer-", default = "officer" }
payload = { amount = { event = "amount", type = "cents" } }
[[step]]
activity = "Sent"
when = { by = "post" }
action = "send_notice"
role = "clerk"
actor = { literal = "office" }
[ignore]
"Printed" = "paper"
"Phase *" = "marks of the software"
"""


def arrivals(*events: dict[str, str]) -> list[object]:
    moment = {"time:timestamp": "2026-03-29T01:30:00+01:00"}
    trace = Trace({"concept:name": "c"}, [LoggedEvent(n, {**moment, **each}) for n, each in enumerate(events, 1)])
    return list(commands([trace], mappings.parse(SOUND, "own")))


@pytest.mark.parametrize("name", mappings.names())
def test_every_shipped_mapping_is_sound_and_says_whence_it_comes(name: str) -> None:
    mapping = mappings.shipped(name)
    assert mapping.source
    assert mapping.match.files
    assert all(len(reason) > 10 for reason in mapping.ignore.values())


def test_four_mappings_ship() -> None:
    assert mappings.names() == ["bpic15", "international_declarations", "road_traffic_fines", "wabo_receipt"]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("road_traffic_fines_10k.xes.gz", "road_traffic_fines"),
        ("Road_Traffic_Fine_Management_Process.xes", "road_traffic_fines"),
        ("wabo_receipt_first70.xes.gz", "wabo_receipt"),
        ("BPIC15_2.xes.gz", "bpic15"),
        ("InternationalDeclarations.xes.gz", "international_declarations"),
    ],
)
def test_a_mapping_is_found_by_the_name_of_the_file(file: str, name: str) -> None:
    mapping = mappings.shipped(name)
    assert mappings.find(Path(file)) is mapping
    assert mappings.find(Path(file), mapping.workflow) is mapping
    with pytest.raises(NotFound):
        mappings.find(Path(file), "log")


def test_no_mapping_for_an_unknown_file_or_name(tmp_path: Path) -> None:
    for look in (
        lambda: mappings.find(Path("x.xes")),
        lambda: mappings.shipped("x"),
        lambda: mappings.load(tmp_path / "x"),
    ):
        with pytest.raises(NotFound):
            look()


@pytest.mark.parametrize(
    ("old", "new", "flaw"),
    [
        ('"record_fine"', '"fly"', "no action fly"),
        ('role = "clerk"', 'role = "king"', "king is no role"),
        ("payload = { amount", "payload = { height", "carries no height"),
        ('default = "officer"', 'default = ""', "may lack an actor"),
        ('"paper"', '" "', "ignored without a reason"),
        ('"Printed" = "paper"', '"Fined" = "paper"', "mapped and ignored"),
        ('type = "cents"', 'type = "float"', "cannot be read"),
        ('workflow = "parking_fine"', "workflow = ", "cannot be read"),
        ('title = "t"', 'titel = "t"', "cannot be read"),
    ],
)
def test_a_mapping_that_contradicts_itself_is_refused_by_name(old: str, new: str, flaw: str) -> None:
    with pytest.raises(InvalidDefinition) as refusal:
        mappings.parse(SOUND.replace(old, new), "own")
    assert flaw in refusal.value.sentence


def test_unmapped_activities_are_named_with_their_counts_patterns_are_not() -> None:
    mapping = mappings.parse(SOUND, "own")
    mapping.check_activities({"Fined": 3, "Printed": 1, "Phase 7": 9})
    with pytest.raises(UnmappedActivities) as refusal:
        mapping.check_activities({"Fined": 3, "Towed": 2, "Booted": 1})
    assert refusal.value.facts["counts"] == {"Towed": 2, "Booted": 1}


def test_every_event_is_a_command_ignored_or_a_flaw() -> None:
    fine, printed, sent, broken, cents = arrivals(
        {"concept:name": "Fined", "amount": "12.5", "org:resource": "561"},
        {"concept:name": "Printed"},
        {"concept:name": "Sent", "by": "fax"},
        {"concept:name": "Fined"},
        {"concept:name": "Fined", "amount": "1.005"},
    )
    assert fine.command.payload == {"amount": 1250, "rules": {"hearing_required": False}}
    assert (fine.command.actor.id, fine.at.isoformat()) == ("officer-561", "2026-03-29T00:30:00+00:00")
    assert (printed.ignored, printed.command) == ("paper", None)
    assert [bool(each.flaw) for each in (sent, broken, cents)] == [True, True, True]
    assert [each.number for each in (fine, printed, sent, broken, cents)] == [1, 2, 3, 4, 5]


def test_a_moment_without_a_zone_is_a_flaw_unless_the_mapping_names_one() -> None:
    event = {"concept:name": "Fined", "amount": "1", "time:timestamp": "2026-07-01T08:00:00"}
    assert arrivals(event)[0].flaw is not None
    zoned = mappings.parse(SOUND.replace('source = "s"', 'source = "s"\nzone = "Europe/Berlin"'), "own")
    (arrival,) = commands([Trace({}, [LoggedEvent(1, event)])], zoned)
    assert arrival.at is not None
    assert arrival.at.isoformat() == "2026-07-01T06:00:00+00:00"


def test_an_opening_stands_before_the_first_event_and_is_none_of_the_file() -> None:
    mapping = mappings.shipped("international_declarations")
    moment = {"time:timestamp": "2018-01-01T00:00:00+01:00"}
    events = [
        LoggedEvent(1, {"concept:name": "Start trip", **moment}),
        LoggedEvent(2, {"concept:name": "Permit SUBMITTED by EMPLOYEE", **moment}),
    ]
    found = list(commands([Trace({"Permit RequestedBudget": "9.996"}, events)], mapping))
    assert [each.number for each in found] == [1, OPENING, 2]
    assert found[2].command is not None
    assert found[2].command.payload["planned"] == 1_000


@pytest.mark.parametrize(
    ("given", "text", "value"),
    [
        ({"type": "cents"}, "35.0", 3_500),
        ({"type": "cents"}, "1834169.98", 183_416_998),
        ({"type": "cents", "round": "half-up"}, "0.005", 1),
        ({"type": "cents", "round": "half-up"}, "39.66456144659199", 3_966),
        ({"type": "int"}, "12", 12),
        ({"type": "date"}, "2020-02-29T00:00:00+01:00", "2020-02-29"),
        ({"type": "text"}, "x" * 600, "x" * 500),
    ],
)
def test_a_template_reads_its_attribute(given: dict[str, str], text: str, value: object) -> None:
    assert Template(event="a", **given).compile("f")({"a": text}, {}) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [("cents", "0.005"), ("cents", "NaN"), ("cents", "1e30"), ("int", "1.0"), ("int", "x"), ("date", "2021-02-29")],
)
def test_a_template_refuses_what_it_would_have_to_bend(kind: str, text: str) -> None:
    with pytest.raises(InvalidValue):
        Template(event="a", type=kind).compile("f")({"a": text}, {})


def test_a_template_says_exactly_one_source() -> None:
    for template in (Template(), Template(event="a", literal="b")):
        with pytest.raises(InvalidDefinition):
            template.compile("f")


def test_pseudonyms_are_deterministic_and_keep_strangers_apart() -> None:
    assert pseudonym("Resource02") == "resource02"
    assert pseudonym("STAFF MEMBER") == pseudonym("STAFF MEMBER") != pseudonym("STAFF-MEMBER")
    assert pseudonym("Ä" * 90) != pseudonym("Ö" * 90)
    assert all(len(pseudonym(text)) <= 64 for text in ("x" * 200, "…", "a b" * 40))
