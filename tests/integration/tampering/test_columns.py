"""T02, T11 and T12: every column of every evidence table, and values and texts that look alike.

The columns are generated from the schema. Each is either committed, and then a change of it is a finding, or stands in
`UNCOMMITTED`, which repeats the list of `verify.columns`; a new column belongs to neither and fails the test.
"""

# ruff: noqa: S608  table and column names come from the schema, never from outside

import json
import unicodedata
from random import Random
from typing import Any

import pytest

from ledger_automation.store import tables
from ledger_automation.verify.verdict import Verdict

EVIDENCE = (
    "case",
    "event",
    "content",
    "attachment",
    "leaf",
    "node",
    "checkpoint",
    "submission",
    "map_tile",
    "cosignature",
)

UNCOMMITTED = {
    "checkpoint.created_at", "cosignature.at", "submission.sender", "submission.nonce", "submission.raw",
    "submission.subject", "submission.case_id", "submission.sequence", "submission.call", "submission.attempt",
    "submission.sent_block",
}  # fmt: skip
"""About keeping and sending, not about what happened.

``event.id`` is not committed either, but what hangs on it is (`test_a_consistent_renumbering_is_none`).
"""

NO_EVIDENCE = {
    "intake_run", "alarm", "held_step", "member", "party", "answer", "upload", "webhook", "audit_run", "session",
    "passkey",
}  # fmt: skip
"""What a ledger works with. Whose a case is, says its data; ``party`` only lists it."""

CLASSES = {
    "event.amount": "T01", "event.case_id": "T09", "event.sequence": "T08", "event.actor_role": "T20",
    "event.occurred_at": "T13", "event.recorded_at": "T13", "event.id": "T29", "content.event_id": "T18",
    "content.salt": "T17", "content.canonical": "T12", "attachment.event_id": "T14", "attachment.position": "T16",
    "attachment.name": "T16", "attachment.media_type": "T16", "attachment.content": "T14", "leaf.leaf_index": "T29",
    "leaf.event_id": "T29", "leaf.case_id": "T29", "leaf.sequence": "T29", "leaf.leaf_hash": "T31",
    "cosignature.tree_size": "T40", "cosignature.witness": "T40", "cosignature.line": "T40",
    "map_tile.path": "T31", "map_tile.tree_size": "T31", "map_tile.tile": "T31",
    "node.level": "T31", "node.number": "T31", "node.hash": "T31", "checkpoint.tree_size": "T40",
    "checkpoint.root_hash": "T40", "checkpoint.note": "T40", "case.case_id": "T05",
    "submission.transaction": "T42", "submission.tree_size": "T42", "submission.chain_id": "T42",
    "submission.contract": "T42", "submission.state": "T42", "submission.block_number": "T42",
    "submission.block_hash": "T46",
}  # fmt: skip
"""The class of a change to a column; every other one is T02."""

CONSEQUENCES = {
    "event.id": ("T18", "T06"),
    "content.event_id": ("T18",),
    "leaf.event_id": ("T07",),
    "case.case_id": ("T05",),
    "checkpoint.tree_size": ("T42",),
    "event.case_id": ("T10",),
    "leaf.leaf_index": ("T06",),
}


def columns() -> list[str]:
    models = [model for model in vars(tables).values() if hasattr(model, "__table__")]
    found = {model.__tablename__: [column.name for column in model.__table__.columns] for model in models}
    assert set(found) == {*EVIDENCE, *NO_EVIDENCE}
    return [f"{table}.{column}" for table in EVIDENCE for column in found[table]]


def other(value: Any, random: Random) -> Any:
    """Return another value of the same type."""
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ (1 << random.randrange(8))])
    if isinstance(value, int):
        return value + 1_000
    return "another" if value is None else f"{value[:-1]}{'x' if value[-1:] != 'x' else 'y'}"


def change(column: str) -> Any:
    table, name = column.split(".")

    def changed(copy: Any, random: Random) -> dict[str, Any]:
        if table == "cosignature":
            copy.cosign()
            assert copy.audit().verdict is Verdict.FINAL
        rows = copy.sql(f'SELECT {copy.place} AS place, t.* FROM "{table}" t WHERE {_where(table, name)}')
        row = random.choice(rows)
        value = 7 if row[name] is None else other(row[name], random)
        copy.sql(f'UPDATE "{table}" SET "{name}" = ? WHERE {copy.is_place}', value, row["place"])
        kind = CLASSES.get(column, "T02")
        place = where(copy, table, name, row) | {"kind": kind, "also": CONSEQUENCES.get(column, ())}
        return place if kind != "T02" else place | {"column": LOCATED.get(column, column if table == "case" else name)}

    changed.__name__ = f"change_{table}_{name}"
    return changed


LOCATED = {"content.checksum": "content.checksum"}


def _where(table: str, name: str) -> str:
    if table == "event":
        return "workflow <> 'log' AND amount IS NOT NULL" if name == "amount" else "workflow <> 'log'"
    if f"{table}.{name}" == "attachment.position":  # of positions, only the order is committed
        return "position = 0 AND event_id IN (SELECT event_id FROM attachment WHERE position = 1)"
    return "TRUE"


def where(copy: Any, table: str, name: str, row: Any) -> dict[str, Any]:  # noqa: PLR0911  one place a table
    """Where the finding must be."""
    if table in ("content", "attachment"):
        (event,) = copy.sql("SELECT * FROM event WHERE id = ?", row["event_id"])
        (leaf,) = copy.sql("SELECT leaf_index FROM leaf WHERE event_id = ?", row["event_id"])
        return {"case_id": event["case_id"], "sequence": event["sequence"], "leaf_index": leaf[0]}
    if table == "event":
        if name == "id":
            return {"case_id": row["case_id"], "sequence": row["sequence"]}
        changed = copy.sql("SELECT * FROM event WHERE id = ?", row["id"])[0]
        (leaf,) = copy.sql("SELECT leaf_index FROM leaf WHERE event_id = ?", row["id"])
        return {"case_id": changed["case_id"], "sequence": changed["sequence"], "leaf_index": leaf[0]}
    if table == "leaf":
        return {"leaf_index": row["leaf_index"]}
    if table == "node":
        return {"leaf_index": row["number"] << 8, "column": "node.hash"}
    if table == "case":
        return {"case_id": row["case_id"]}
    if name == "tree_size":
        return {"leaf_index": row["tree_size"] + 1_000}
    return {"leaf_index": row["tree_size"]}


def test_a_change_of_any_column_of_any_row_is_found(lab: Any, small_town: Any, tall_town: Any) -> None:
    """One column after the other, three rows each."""
    for column in columns():
        if column in UNCOMMITTED:
            continue
        town = tall_town if column.startswith("node.") else small_town
        lab.run("T02", [change(column)], town, times=3)


def test_what_is_not_committed_may_change(klein: Any) -> None:
    for column in sorted(UNCOMMITTED):
        copy = klein.copy()
        change(column)(copy, Random(column))
        assert copy.audit().verdict is Verdict.FINAL, column


def test_a_consistent_renumbering_is_none(klein: Any) -> None:
    """Event ids say in which order rows were written; the log's order is that of its leaves."""
    copy = klein.copy()
    for table, name in (("event", "id"), ("content", "event_id"), ("attachment", "event_id"), ("leaf", "event_id")):
        copy.sql(f"UPDATE {table} SET {name} = {name} + 5000")
    assert copy.audit().verdict is Verdict.FINAL


# T11


def _place(row: Any, column: str) -> dict[str, Any]:
    return {
        "case_id": row["case_id"], "sequence": row["sequence"], "leaf_index": row["leaf_index"], "column": column,
    }  # fmt: skip


def look_alike_in_a_column(value: Any, column: str = "amount") -> Any:
    def attack(copy: Any, random: Random) -> dict[str, Any]:
        row = copy.event(random, "e.amount IS NOT NULL" if column == "amount" else "e.amount IS NULL")
        alike = value(row[column]) if callable(value) else value
        copy.loosen("event", column, alike)
        copy.set("event", column, alike, id=row["id"])
        return _place(row, column)

    return attack


def no_amount_but_empty_text(copy: Any, random: Random) -> dict[str, Any]:
    row = copy.event(random, "e.amount IS NULL AND e.workflow <> 'log'")
    copy.loosen("event", "amount", "")
    copy.set("event", "amount", "", id=row["id"])
    return _place(row, "amount")


def bytes_for_text(copy: Any, random: Random) -> dict[str, Any]:
    row = copy.event(random)
    column = random.choice(("workflow", "action", "to_state", "actor_id", "actor_role"))
    copy.loosen("event", column, b"")
    copy.set("event", column, str(row[column]).encode(), id=row["id"])
    return _place(row, column)


def _content(having: str, key: str, *values: Any, gone: bool = False) -> Any:
    """Put a look-alike into the payload; checksum fitted to it or not."""

    def attack(copy: Any, random: Random) -> dict[str, Any]:
        row = copy.event(random, having)
        before = json.loads(row["canonical"])["payload"][key]

        def spoil(value: dict[str, Any]) -> None:
            if gone:
                del value["payload"][key]
            else:
                told = random.choice(values)
                value["payload"][key] = told(before) if callable(told) else told

        copy.rewrite(row["id"], spoil, checksum=random.random() < 0.5)
        return _place(row, f"payload.{key}")

    attack.__name__ = f"payload_{key}_{'gone' if gone else len(values)}"
    return attack


MONEY = "e.amount IS NOT NULL"
ACTIONS = {
    "text": ("e.action IN ('apply')", "resolution_reference"),
    "none": ("e.action = 'apply'", "resolution_expected"),
}
T11 = [
    no_amount_but_empty_text,
    bytes_for_text,
    look_alike_in_a_column(str),
    _content(MONEY, "amount", str),
    _content(MONEY, "amount", float),
    _content(MONEY, "amount", gone=True),
    _content(MONEY, "amount", None, "", True),
    _content(*ACTIONS["text"], None, 0, []),
    _content(*ACTIONS["none"], "", 0, False),
    _content(*ACTIONS["text"], gone=True),
    _content(*ACTIONS["none"], gone=True),
]


# T12


def _raw(form: Any) -> Any:
    def attack(copy: Any, random: Random) -> dict[str, Any]:
        row = copy.event(random)
        copy.replace(row["id"], form(row["canonical"], random), checksum=random.random() < 0.5)
        return {name: row[name] for name in ("case_id", "sequence", "leaf_index")}

    attack.__name__ = form.__name__
    return attack


def spaces(canonical: bytes, _: Random) -> bytes:
    return json.dumps(json.loads(canonical), ensure_ascii=False, sort_keys=True).encode()


def key_order(canonical: bytes, _: Random) -> bytes:
    members = list(json.loads(canonical).items())
    return json.dumps(dict(reversed(members)), ensure_ascii=False, separators=(",", ":")).encode()


def escapes(canonical: bytes, _: Random) -> bytes:
    return canonical.replace(b'"action"', b'"\\u0061ction"')


def a_key_twice(canonical: bytes, random: Random) -> bytes:
    text = canonical.decode()
    first = text.index(",")
    return random.choice(
        (text[:first] + "," + text[1:], '{"action":"grant",' + text[1:], text[:-1] + ',"workflow":"log"}')
    ).encode()


def a_huge_integer(canonical: bytes, random: Random) -> bytes:
    return canonical.replace(b'"payload":{', b'"payload":{"a":%d,' % random.choice((2**53, 2**63, 2**64, 10**400)), 1)


def no_number(canonical: bytes, random: Random) -> bytes:
    return canonical.replace(
        b'"payload":{', b'"payload":{"a":%s,' % random.choice((b"NaN", b"1e400", b"-Infinity", b"-1e999")), 1
    )


def a_lone_surrogate(canonical: bytes, random: Random) -> bytes:
    return canonical.replace(
        b'"payload":{', b'"payload":{"a":%s,' % random.choice((b'"\\ud800"', b'"\xed\xa0\x80"')), 1
    )


def a_shifted_boundary(canonical: bytes, _: Random) -> bytes:
    """("clerk-1", "clerk") becomes ("clerk-1c", "lerk")."""
    value = json.loads(canonical)
    name, role = value["actor"]["id"], value["actor"]["role"]
    value["actor"] = {"id": name + role[0], "role": role[1:]}
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def a_salt_that_ends_later(copy: Any, random: Random) -> dict[str, Any]:
    """Salt and content are hashed one behind the other: their boundary must be bound too."""
    row = copy.event(random)
    both, cut = row["salt"] + row["canonical"], random.choice((31, 33, 40))
    copy.set("content", "salt", both[:cut], event_id=row["id"])
    copy.replace(row["id"], both[cut:])
    return _place(row, "content.canonical")


def another_normal_form(copy: Any, random: Random) -> dict[str, Any]:
    """Only an event with accents has two: one is recorded, logged and then written in the other form."""
    row = copy.event(random, "e.action = 'object' OR e.case_id IN (SELECT case_id FROM event WHERE action = 'object')")
    copy.rewrite(row["id"], lambda value: value["actor"].update(id="müller-ä"))
    copy.recommit(row["id"])
    (changed,) = copy.sql("SELECT canonical FROM content WHERE event_id = ?", row["id"])
    copy.replace(row["id"], unicodedata.normalize("NFD", changed["canonical"].decode()).encode())
    return {"case_id": row["case_id"], "sequence": row["sequence"], "also": ("T36",)}


T12 = [
    *(_raw(form) for form in (spaces, key_order, escapes, a_key_twice, a_huge_integer, no_number, a_lone_surrogate,
                              a_shifted_boundary)),
    a_salt_that_ends_later,
    another_normal_form,
]  # fmt: skip


@pytest.mark.parametrize(("kind", "attacks"), [("T11", T11), ("T12", T12)])
def test_what_looks_alike_is_told_apart(lab: Any, small_town: Any, kind: str, attacks: list[Any]) -> None:
    lab.run(kind, attacks, small_town, times=2 * len(attacks))


def test_a_float_is_not_its_integer(klein: Any) -> None:
    """100.0 equals 100 in Python, and is another value all the same."""
    copy = klein.copy()
    row = copy.event(Random(1), MONEY)
    copy.loosen("event", "amount", 1.0)
    copy.set("event", "amount", float(row["amount"]), id=row["id"])
    finding, *others = reversed(copy.audit().findings)
    assert {each.tampering for each in others} == {"T25"}, "the column's type is another one, too"
    assert (finding.tampering, finding.case_id, finding.sequence) == ("T11", row["case_id"], row["sequence"])
