"""Whatever stands in the database, an audit ends in a report: garbage of any type in any column becomes a finding."""

# ruff: noqa: S608  table and column names come from the schema, never from outside

from random import Random
from typing import Any

import pytest

from ledger_automation.verify.policy import Level
from ledger_automation.verify.verdict import Verdict

GARBAGE: tuple[Any, ...] = (
    None, "", "x", "\u0000", "0", "-1", "9" * 30, -1, 0, 2**62, -(2**63), 1.5, float("inf"), -0.0, b"", b"\xff\xfe",
    b"x" * 32, b"[" * 3_000, "{" * 3_000, '{"a":' * 200, "null", "\u00e9\u0301", "T00:00",
)  # fmt: skip
TABLES = {
    "event": 12, "content": 4, "attachment": 5, "leaf": 5, "node": 3, "checkpoint": 4, "submission": 16, "case": 9,
    "map_tile": 3, "cosignature": 4,
}  # fmt: skip
HARMLESS = {
    "checkpoint.created_at", "cosignature.at", "submission.sender", "submission.nonce", "submission.raw",
    "submission.subject", "submission.case_id", "submission.sequence", "submission.call", "submission.attempt",
    "submission.sent_block",
    "attachment.position",
}  # fmt: skip
"""Not committed; of positions, only the order is."""

GONE = {"checkpoint.tree_size", "cosignature.tree_size", "submission.tree_size", "submission.state"}
"""Here garbage can amount to a row that is not there, or not claimed: less evidence, and nothing that contradicts."""


@pytest.mark.parametrize("table", TABLES)
def test_garbage_in_any_column_is_a_finding(klein: Any, gross: Any, table: str) -> None:
    town = gross if table == "node" else klein
    base = town.copy()
    if table == "cosignature":
        base.cosign()
    base.loosen(table, "", None)
    names = [row["name"] for row in base.sql(f'PRAGMA table_info("{table}")')]
    assert len(names) == TABLES[table]
    for name in names:
        for number, garbage in enumerate(Random(f"{table}.{name}").sample(GARBAGE, 9)):
            copy = town.copy(base.raw)
            (place,) = Random(f"{name}/{number}").choice(copy.sql(f'SELECT rowid AS place FROM "{table}"'))
            copy.sql(f'UPDATE "{table}" SET "{name}" = ? WHERE rowid = ?', garbage, place)
            unchanged = copy.sql(f'SELECT * FROM "{table}"') == base.sql(f'SELECT * FROM "{table}"')
            report = copy.audit(Level.ANCHORED if table == "submission" else Level.LOGGED)
            if not unchanged and f"{table}.{name}" not in HARMLESS | GONE:
                assert report.verdict is not Verdict.FINAL, (table, name, garbage)


def test_a_whole_column_of_garbage_is_survived(klein: Any) -> None:
    for table in TABLES:
        base = klein.copy()
        base.loosen(table, "", None)
        for row in base.sql(f'PRAGMA table_info("{table}")'):
            for garbage in (None, b"\xff"):
                copy = klein.copy(base.raw)
                copy.sql(f'UPDATE "{table}" SET "{row["name"]}" = ?', garbage)
                copy.audit(Level.LOGGED)


def test_rows_of_nothing_but_garbage_are_survived(klein: Any) -> None:
    for number in range(30):
        random = Random(number)
        copy = klein.copy()
        for table, width in TABLES.items():
            copy.loosen(table, "", None)
            names = [row["name"] for row in copy.sql(f'PRAGMA table_info("{table}")')]
            for _ in range(random.randrange(3)):
                values = [random.choice(GARBAGE) for _ in names]
                copy.sql(f'INSERT INTO "{table}" VALUES ({", ".join("?" * width)})', *values)
        copy.audit(random.choice((Level.LOGGED, Level.ANCHORED)))
