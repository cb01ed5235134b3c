import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger_automation.errors import UnreadableFile
from ledger_automation.intake.commands import commands
from ledger_automation.intake.csv_log import Columns, traces
from ledger_automation.intake.log_file import survey
from ledger_automation.intake.log_file import traces as traces_of
from ledger_automation.intake.mapping import parse

Write = Callable[..., Path]
ROWS = """case,activity,timestamp,amount
1,Fined,2026-01-01T08:00:00Z,12.50
2,Fined,2026-01-01T09:00:00Z,3.00
1,Paid,2026-01-02T08:00:00Z,12.50
"""
MAPPING = """
workflow = "parking_fine"
title = "t"
source = "s"
[csv]
case = "case"
activity = "activity"
timestamp = "timestamp"
[[step]]
activity = "Fined"
action = "record_fine"
role = "clerk"
actor = { literal = "officer" }
payload = { amount = { event = "amount", type = "cents" } }
[[step]]
activity = "Paid"
action = "record_payment"
role = "finance"
actor = { literal = "cash" }
payload = { amount = { event = "amount", type = "cents" } }
"""


def test_rows_of_cases_may_interleave(write: Write) -> None:
    for name in ("log.csv", "log.csv.gz"):
        found = list(traces(write(name, ROWS), Columns()))
        assert [[event.number for event in trace.events] for trace in found] == [[1, 3], [2]]


def test_a_csv_log_goes_the_same_way_as_an_xes_log(write: Write) -> None:
    mapping, path = parse(MAPPING, "own"), write("log.csv", "\ufeff" + ROWS)
    assert survey(path, mapping) == {"Fined": 2, "Paid": 1}
    arrivals = list(commands(traces_of(path, mapping), mapping))
    assert [each.command.action for each in arrivals if each.command] == [
        "record_fine",
        "record_payment",
        "record_fine",
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("case,activity\n1,a\n", "lacks the column timestamp"),
        ("", "lacks the column case and activity and timestamp"),
        (ROWS + "1,Paid\n", "line 5 has 2 fields, its header 4"),
        ("case,case,activity,timestamp\n", "names a column twice"),
        (ROWS.encode("utf-16"), "no CSV in UTF-8"),
        (ROWS + '1,"Paid,2026-01-02T08:00:00Z,1', "no CSV"),
        ("case;activity;timestamp\n", "lacks the column"),
    ],
)
def test_a_broken_table_is_refused_in_one_sentence(write: Write, content: str | bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile) as refusal:
        list(traces(write("log.csv", content), Columns()))
    assert reason in refusal.value.sentence


def test_a_table_that_breaks_off_in_its_gzip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress(ROWS.encode() * 200)[:-30])
    with pytest.raises(UnreadableFile, match="middle"):
        list(traces(path, Columns()))
