"""T01 to T20: rows changed, deleted, inserted, swapped, by raw SQL as an administrator would.

Sequence, leaf index and column are those at which the evidence was spoiled; where an attack removes the row itself, the
leaf that remembers it is the place.
"""

# ruff: noqa: S608  table and column names come from the schema, never from outside

import json
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from ledger_automation.values import parse_timestamp, timestamp

MONEY = "e.amount IS NOT NULL"
MIDDLE = "e.sequence > 0 AND e.sequence < k.sequence AND e.workflow <> 'log'"
LAST = "e.sequence = k.sequence AND e.sequence > 0 AND e.workflow <> 'log'"
DOCUMENTS = "documents > 1"


def place(row: Any, column: str | None = None) -> dict[str, Any]:
    found = {"case_id": row["case_id"], "sequence": row["sequence"], "leaf_index": row["leaf_index"]}
    return found if column is None else {**found, "column": column}


def delete(copy: Any, row: Any) -> None:
    copy.sql("DELETE FROM attachment WHERE event_id = ?", row["id"])
    copy.sql("DELETE FROM content WHERE event_id = ?", row["id"])
    copy.sql("DELETE FROM event WHERE id = ?", row["id"])


def insert(copy: Any, like: Any, sequence: int, **changes: Any) -> int:
    """Insert an event that opens its commitment: a copy of another with changed facts."""
    number = copy.sql("SELECT max(id) + 1 FROM event")[0][0]
    value = json.loads(like["canonical"])
    value.update(sequence=sequence, attachments=[])
    value.update({name: changes[name] for name in changes if name in value})
    columns = {name: like[name] for name in EVENT_COLUMNS} | {"id": number, "sequence": sequence} | changes
    columns = {name: columns[name] for name in EVENT_COLUMNS}
    marks = ", ".join("?" * len(columns))
    copy.sql(f"INSERT INTO event ({', '.join(columns)}) VALUES ({marks})", *columns.values())
    copy.sql("INSERT INTO content VALUES (?, ?, ?, 0)", number, like["salt"], b"")
    copy.replace(number, json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode())
    copy.recommit(number)
    return int(number)


EVENT_COLUMNS = (
    "id", "case_id", "sequence", "workflow", "action", "to_state", "actor_id", "actor_role", "occurred_at",
    "recorded_at", "amount", "commitment",
)  # fmt: skip


# T01


def raise_the_column(copy: Any, random: Random) -> Any:
    row = copy.event(random, MONEY)
    copy.set("event", "amount", row["amount"] + random.randrange(1, 10**6), id=row["id"])
    return place(row, "amount")


def raise_the_content(copy: Any, random: Random) -> Any:
    row = copy.event(random, MONEY)
    more = row["amount"] * 10
    copy.rewrite(row["id"], lambda value: value["payload"].update(amount=more), checksum=random.random() < 0.5)
    return place(row, "amount")


def invent_an_amount(copy: Any, random: Random) -> Any:
    row = copy.event(random, "e.amount IS NULL AND e.workflow <> 'log'")
    copy.set("event", "amount", random.randrange(1, 10**6), id=row["id"])
    return place(row, "amount")


def remove_an_amount(copy: Any, random: Random) -> Any:
    row = copy.event(random, MONEY)
    copy.set("event", "amount", None, id=row["id"])
    return place(row, "amount")


# T03 T04 T05


def delete_the_last(copy: Any, random: Random) -> Any:
    row = copy.event(random, LAST)
    delete(copy, row)
    return place(row)


def delete_the_last_and_set_the_case_back(copy: Any, random: Random) -> Any:
    row = copy.event(random, LAST)
    delete(copy, row)
    (before,) = copy.sql("SELECT * FROM event WHERE case_id = ? AND sequence = ?", row["case_id"], row["sequence"] - 1)
    copy.sql(
        'UPDATE "case" SET sequence = ?, state = ?, head = ?, at = ? WHERE case_id = ?',
        before["sequence"], before["to_state"], before["commitment"], before["occurred_at"], row["case_id"],
    )  # fmt: skip
    return place(row)


def renumber(copy: Any, row: Any, *, leaves: bool = False) -> None:
    for table in ("event", "leaf") if leaves else ("event",):
        for (later,) in copy.sql(
            f"SELECT sequence FROM {table} WHERE case_id = ? AND sequence > ? ORDER BY 1",
            row["case_id"], row["sequence"],
        ):  # fmt: skip
            leaf = f" AND event_id <> {row['id']}" if table == "leaf" else ""
            copy.sql(
                f"UPDATE {table} SET sequence = ? WHERE case_id = ? AND sequence = ?{leaf}",
                later - 1, row["case_id"], later,
            )  # fmt: skip
    copy.sql('UPDATE "case" SET sequence = sequence - 1 WHERE case_id = ?', row["case_id"])


def delete_and_renumber(copy: Any, random: Random) -> Any:
    row = copy.event(random, MIDDLE)
    delete(copy, row)
    renumber(copy, row)
    return place(row)


def delete_and_renumber_leaves_too(copy: Any, random: Random) -> Any:
    row = copy.event(random, MIDDLE)
    delete(copy, row)
    renumber(copy, row, leaves=True)
    return place(row)


def delete_renumber_and_rewrite_contents(copy: Any, random: Random) -> Any:
    row = copy.event(random, MIDDLE)
    delete(copy, row)
    renumber(copy, row)
    for each in copy.sql(
        "SELECT id, sequence FROM event WHERE case_id = ? AND sequence >= ?", row["case_id"], row["sequence"]
    ):
        copy.rewrite(each["id"], lambda value, number=each["sequence"]: value.update(sequence=number))
    return {**place(row), "also": ("T02", "T17")}


def delete_all_events(copy: Any, random: Random) -> Any:
    row = copy.event(random, "e.sequence = 0 AND e.workflow <> 'log'")
    for each in copy.sql("SELECT id FROM event WHERE case_id = ?", row["case_id"]):
        delete(copy, each)
    return place(row)


def delete_the_whole_case(copy: Any, random: Random) -> Any:
    found = delete_all_events(copy, random)
    copy.sql('DELETE FROM "case" WHERE case_id = ?', found["case_id"])
    return found


def delete_the_cases_row(copy: Any, random: Random) -> Any:
    row = copy.event(random, "e.sequence = 0 AND e.workflow <> 'log'")
    copy.sql('DELETE FROM "case" WHERE case_id = ?', row["case_id"])
    return {"case_id": row["case_id"], "column": "case"}


# T06 T07 T10


def forge_a_tail(copy: Any, random: Random) -> Any:
    row = copy.event(random, LAST)
    now = copy.town.now.isoformat()[:19] + ".000000Z"
    insert(copy, row, row["sequence"] + 1, occurred_at=row["occurred_at"], recorded_at=now)
    return {"case_id": row["case_id"], "sequence": row["sequence"] + 1, "leaf_index": None}


def forge_a_tail_the_case_knows(copy: Any, random: Random) -> Any:
    row = copy.event(random, LAST)
    found = forge_a_tail(copy, Random(random.random()))
    row = copy.sql("SELECT * FROM event ORDER BY id DESC LIMIT 1")[0]
    copy.sql(
        'UPDATE "case" SET sequence = ?, head = ? WHERE case_id = ?',
        row["sequence"], row["commitment"], row["case_id"],
    )  # fmt: skip
    return found


def forge_a_tail_with_a_leaf(copy: Any, random: Random) -> Any:
    found = forge_a_tail(copy, random)
    row = copy.sql("SELECT * FROM event ORDER BY id DESC LIMIT 1")[0]
    end = copy.end()
    copy.sql("INSERT INTO leaf VALUES (?, ?, ?, ?, ?)", end, row["id"], row["case_id"], row["sequence"], b"\x00" * 32)
    copy.recommit(row["id"])
    return {**found, "leaf_index": end, "also": ("T49",)}


def back_date(copy: Any, random: Random) -> Any:
    row = copy.event(random, LAST)
    earlier = timestamp(parse_timestamp(row["recorded_at"]) - timedelta(days=random.randrange(1, 300)))
    insert(copy, row, row["sequence"] + 1, occurred_at=row["occurred_at"], recorded_at=earlier)
    return {"case_id": row["case_id"], "sequence": row["sequence"] + 1, "leaf_index": None}


def back_date_into_the_middle(copy: Any, random: Random) -> Any:
    row = copy.event(random, MIDDLE)
    for (later,) in copy.sql(
        "SELECT sequence FROM event WHERE case_id = ? AND sequence > ? ORDER BY 1 DESC", row["case_id"], row["sequence"]
    ):
        copy.sql("UPDATE event SET sequence = ? WHERE case_id = ? AND sequence = ?", later + 1, row["case_id"], later)
    insert(copy, row, row["sequence"] + 1)
    return {"case_id": row["case_id"], "sequence": row["sequence"] + 1, "leaf_index": None}


def duplicate(copy: Any, random: Random) -> Any:
    row = copy.event(random)
    sequence = row["last"] + 1
    number = insert(copy, row, sequence)
    copy.replace(number, row["canonical"])
    copy.set("event", "commitment", row["commitment"], id=number)
    return {"case_id": row["case_id"], "sequence": sequence, "leaf_index": None}


def duplicate_into_another_case(copy: Any, random: Random) -> Any:
    row = copy.event(random)
    other = copy.event(random, f"e.case_id <> '{row['case_id']}' AND {LAST}")
    number = insert(copy, row, other["sequence"] + 1, case_id=other["case_id"])
    copy.replace(number, row["canonical"])
    copy.set("event", "commitment", row["commitment"], id=number)
    return {"case_id": other["case_id"], "sequence": other["sequence"] + 1, "leaf_index": None}


def duplicate_with_a_leaf(copy: Any, random: Random) -> Any:
    found = duplicate(copy, random)
    row = copy.sql("SELECT * FROM event ORDER BY id DESC LIMIT 1")[0]
    end = copy.end()
    copy.sql(
        "INSERT INTO leaf SELECT ?, ?, case_id, ?, leaf_hash FROM leaf WHERE case_id = ? LIMIT 1",
        end, row["id"], row["sequence"], row["case_id"],
    )  # fmt: skip
    (digest,) = copy.sql(
        "SELECT leaf_hash FROM leaf JOIN event ON event.id = leaf.event_id WHERE commitment = ? LIMIT 1",
        row["commitment"],
    )[0]
    copy.set("leaf", "leaf_hash", digest, leaf_index=end)
    return {**found, "leaf_index": end, "also": ("T06",)}


# T08 T09


def swap_columns(copy: Any, random: Random) -> Any:
    row = copy.event(random, MIDDLE)
    first, second = row["sequence"], row["sequence"] + 1
    for before, after in ((first, -1), (second, first), (-1, second)):
        copy.set("event", "sequence", after, case_id=row["case_id"], sequence=before)
    return {"case_id": row["case_id"], "sequence": random.choice((first, second))}


def swap_contents(copy: Any, random: Random) -> Any:
    row = copy.event(random, MIDDLE)
    (other,) = copy.sql("SELECT id FROM event WHERE case_id = ? AND sequence = ?", row["case_id"], row["sequence"] + 1)
    for before, after in ((row["id"], -1), (other["id"], row["id"]), (-1, other["id"])):
        copy.set("content", "event_id", after, event_id=before)
    return place(row)


def swap_whole_rows(copy: Any, random: Random) -> Any:
    """Both rows change their places in the case, contents rewritten to fit; the leaves stay."""
    found = swap_columns(copy, random)
    for each in copy.sql("SELECT id, sequence FROM event WHERE case_id = ?", found["case_id"]):
        copy.rewrite(each["id"], lambda value, number=each["sequence"]: value.update(sequence=number))
    return found


def swap_leaves(copy: Any, random: Random) -> Any:
    row = copy.event(random, MIDDLE)
    (other,) = copy.sql(
        "SELECT leaf_index FROM leaf WHERE case_id = ? AND sequence = ?", row["case_id"], row["sequence"] + 1
    )
    for before, after in ((row["leaf_index"], -1), (other[0], row["leaf_index"]), (-1, other[0])):
        copy.set("leaf", "leaf_index", after, leaf_index=before)
    return {"case_id": row["case_id"], "sequence": row["sequence"] + 1, "leaf_index": row["leaf_index"]}


def _target(copy: Any, random: Random, row: Any) -> Any:
    return copy.event(random, f"e.case_id <> '{row['case_id']}' AND {LAST}")


def move_the_column(copy: Any, random: Random) -> Any:
    row = copy.event(random)
    other = _target(copy, random, row)
    copy.set("event", "case_id", other["case_id"], id=row["id"]) if row["sequence"] > other["last"] else copy.sql(
        "UPDATE event SET case_id = ?, sequence = ? WHERE id = ?", other["case_id"], other["last"] + 1, row["id"]
    )
    sequence = copy.sql("SELECT sequence FROM event WHERE id = ?", row["id"])[0][0]
    return {"case_id": other["case_id"], "sequence": sequence, "leaf_index": row["leaf_index"]}


def move_with_its_leaf(copy: Any, random: Random) -> Any:
    found = move_the_column(copy, random)
    copy.sql(
        "UPDATE leaf SET case_id = ?, sequence = ? WHERE leaf_index = ?",
        found["case_id"], found["sequence"], found["leaf_index"],
    )  # fmt: skip
    return found


def move_and_rewrite(copy: Any, random: Random) -> Any:
    found = move_with_its_leaf(copy, random)
    (row,) = copy.sql("SELECT event_id FROM leaf WHERE leaf_index = ?", found["leaf_index"])
    change = {"case_id": found["case_id"], "sequence": found["sequence"]}
    copy.rewrite(row["event_id"], lambda value: value.update(change))
    return {**found, "also": ("T03", "T04")}  # what the other case lost, as far as it can tell


# T13


def shift_a_column(copy: Any, random: Random) -> Any:
    row, column = copy.event(random), random.choice(("occurred_at", "recorded_at"))
    by = random.choice((timedelta(microseconds=1), timedelta(hours=1), timedelta(hours=-1), timedelta(days=30)))
    copy.set("event", column, timestamp(parse_timestamp(row[column]) + by), id=row["id"])
    return place(row, column)


def shift_the_content(copy: Any, random: Random) -> Any:
    row, column = copy.event(random), random.choice(("occurred_at", "recorded_at"))
    later = timestamp(parse_timestamp(row[column]) + timedelta(seconds=random.randrange(1, 9**6)))
    copy.rewrite(row["id"], lambda value: value.update({column: later}), checksum=random.random() < 0.5)
    return place(row, column)


def shift_everything_by_the_fold(copy: Any, random: Random) -> Any:
    """The hour that a clock in Wismar shows twice in October: columns, content and checksum tell the other one."""
    row, column = copy.event(random), random.choice(("occurred_at", "recorded_at"))
    other = timestamp(parse_timestamp(row[column]) + random.choice((1, -1)) * timedelta(hours=1))
    copy.set("event", column, other, id=row["id"])
    copy.rewrite(row["id"], lambda value: value.update({column: other}), checksum=random.random() < 0.5)
    return place(row, column)


def write_a_zone(copy: Any, random: Random) -> Any:
    """The same moment, told with another offset."""
    row, column = copy.event(random), random.choice(("occurred_at", "recorded_at"))
    told = (parse_timestamp(row[column]) + timedelta(hours=2)).isoformat(timespec="microseconds")
    copy.set("event", column, told.replace("+00:00", "+02:00"), id=row["id"])
    return place(row, column)


# T14 T15 T16


def _document(copy: Any, random: Random) -> Any:
    row = copy.event(random, DOCUMENTS)
    position = random.randrange(row["documents"])
    (document,) = copy.sql("SELECT * FROM attachment WHERE event_id = ? AND position = ?", row["id"], position)
    return row, document


def _put(copy: Any, document: Any, column: str, value: Any) -> None:
    copy.set("attachment", column, value, event_id=document["event_id"], position=document["position"])


def replace_a_document(copy: Any, random: Random) -> Any:
    row, document = _document(copy, random)
    _put(copy, document, "content", random.randbytes(len(document["content"]) + random.randrange(40)))
    return place(row, "attachment.content")


def flip_a_bit(copy: Any, random: Random) -> Any:
    row, document = _document(copy, random)
    content = bytearray(document["content"])
    content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    _put(copy, document, "content", bytes(content))
    return place(row, "attachment.content")


def remove_a_document(copy: Any, random: Random) -> Any:
    row, document = _document(copy, random)
    copy.sql("DELETE FROM attachment WHERE event_id = ? AND position = ?", row["id"], document["position"])
    return place(row, "attachment")


def add_a_document(copy: Any, random: Random) -> Any:
    row = copy.event(random)
    copy.sql("INSERT INTO attachment VALUES (?, 99, 'late.pdf', 'application/pdf', ?)", row["id"], b"\x00")
    return place(row, "attachment")


def truncate(copy: Any, random: Random) -> Any:
    row, document = _document(copy, random)
    _put(copy, document, "content", document["content"][: random.randrange(1, len(document["content"]))])
    return place(row, "attachment.content")


def empty(copy: Any, random: Random) -> Any:
    row, document = _document(copy, random)
    _put(copy, document, "content", b"")
    return place(row, "attachment.content")


def rename(copy: Any, random: Random) -> Any:
    row, document = _document(copy, random)
    _put(copy, document, "name", "other.pdf")
    return place(row, "attachment.name")


def retype(copy: Any, random: Random) -> Any:
    row, document = _document(copy, random)
    _put(copy, document, "media_type", "text/html")
    return place(row, "attachment.media_type")


def swap_names(copy: Any, random: Random) -> Any:
    row = copy.event(random, DOCUMENTS)
    first, second = copy.sql("SELECT * FROM attachment WHERE event_id = ? ORDER BY position LIMIT 2", row["id"])
    _put(copy, first, "name", second["name"])
    _put(copy, second, "name", first["name"])
    return place(row, "attachment.name")


def swap_positions(copy: Any, random: Random) -> Any:
    """Names, types and contents stay together; their order is what was committed."""
    row = copy.event(random, DOCUMENTS)
    for before, after in ((0, -1), (1, 0), (-1, 1)):
        copy.set("attachment", "position", after, event_id=row["id"], position=before)
    return place(row, "attachment.name")


# T17 T18 T19


def replace_the_salt(copy: Any, random: Random) -> Any:
    row = copy.event(random)
    copy.set("content", "salt", random.randbytes(32), event_id=row["id"])
    return place(row, "content.salt")


def swap_salts(copy: Any, random: Random) -> Any:
    row, other = random.sample(copy.events("e.workflow <> 'log'"), 2)
    copy.set("content", "salt", other["salt"], event_id=row["id"])
    copy.set("content", "salt", row["salt"], event_id=other["id"])
    return place(random.choice((row, other)), "content.salt")


def shorten_the_salt(copy: Any, random: Random) -> Any:
    row = copy.event(random)
    copy.set("content", "salt", row["salt"][: random.randrange(1, 32)], event_id=row["id"])
    return place(row, "content.salt")


def delete_the_content(copy: Any, random: Random) -> Any:
    row = copy.event(random)
    copy.sql("DELETE FROM content WHERE event_id = ?", row["id"])
    return place(row, "content")


def empty_the_salt(copy: Any, random: Random) -> Any:
    row = copy.event(random)
    copy.set("content", "salt", b"", event_id=row["id"])
    return place(row, "content.salt")


def null_the_salt(copy: Any, random: Random) -> Any:
    row = copy.event(random)
    copy.loosen("content", "salt", None)
    copy.set("content", "salt", None, event_id=row["id"])
    return place(row, "content.salt")


def delete_a_whole_cases_content(copy: Any, random: Random) -> Any:
    row = copy.event(random)
    copy.sql("DELETE FROM content WHERE event_id IN (SELECT id FROM event WHERE case_id = ?)", row["case_id"])
    return place(row, "content")


def _tombstone(copy: Any, target: Any, *, sequence: int | None, fits: bool) -> None:
    (beat,) = copy.events("e.action = 'record_heartbeat' AND e.sequence = k.sequence")
    now = copy.town.now.isoformat()[:19] + ".000000Z"
    payload = {"case_id": target["case_id"], "legal_basis": "Art. 17 GDPR", "sequence": sequence}
    previous = beat["commitment"].hex()
    insert(
        copy, beat, beat["sequence"] + 1, action="record_erasure", from_state="running", payload=payload,
        occurred_at=now, recorded_at=now, previous=previous,
    )  # fmt: skip
    if fits:
        (row,) = copy.sql("SELECT * FROM event ORDER BY id DESC LIMIT 1")
        data = json.dumps({"erased": [[target["case_id"], sequence]], "keys": []}, separators=(",", ":")).encode()
        copy.sql(
            'UPDATE "case" SET sequence = ?, head = ?, at = ?, data = ? WHERE case_id = ?',
            row["sequence"], row["commitment"], row["occurred_at"], data, row["case_id"],
        )  # fmt: skip


def forge_a_tombstone(copy: Any, random: Random) -> Any:
    row = copy.event(random)
    _tombstone(copy, row, sequence=random.choice((row["sequence"], None)), fits=False)
    copy.sql("DELETE FROM content WHERE event_id = ?", row["id"])
    return {**place(row, "content"), "also": ("T06",)}


def forge_a_tombstone_the_case_knows(copy: Any, random: Random) -> Any:
    row = copy.event(random)
    _tombstone(copy, row, sequence=row["sequence"], fits=True)
    copy.sql("DELETE FROM content WHERE event_id = ?", row["id"])
    return place(row, "content")


def make_a_heartbeat_a_tombstone(copy: Any, random: Random) -> Any:
    row = copy.event(random)
    (beat,) = copy.events("e.action = 'record_heartbeat'")
    payload = {"case_id": row["case_id"], "legal_basis": "Art. 17 GDPR", "sequence": row["sequence"]}
    copy.set("event", "action", "record_erasure", id=beat["id"])
    copy.rewrite(beat["id"], lambda value: value.update(action="record_erasure", payload=payload))
    copy.sql("DELETE FROM content WHERE event_id = ?", row["id"])
    return {**place(row, "content"), "also": ("T02", "T17")}


# T20


def change_the_roles_column(copy: Any, random: Random) -> Any:
    row = copy.event(random)
    copy.set("event", "actor_role", "administrator", id=row["id"])
    return place(row, "actor_role")


def change_the_roles_content(copy: Any, random: Random) -> Any:
    row = copy.event(random)
    copy.rewrite(row["id"], lambda value: value["actor"].update(role="auditor1"), checksum=random.random() < 0.5)
    return place(row, "actor_role")


def change_the_role_everywhere(copy: Any, random: Random) -> Any:
    row = copy.event(random, "e.actor_role = 'clerk'")
    copy.set("event", "actor_role", "approver", id=row["id"])
    copy.rewrite(row["id"], lambda value: value["actor"].update(role="approver"), checksum=random.random() < 0.5)
    return place(row, "actor_role")


ATTACKS = {
    "T01": [raise_the_column, raise_the_content, invent_an_amount, remove_an_amount],
    "T03": [delete_the_last, delete_the_last_and_set_the_case_back],
    "T04": [delete_and_renumber, delete_and_renumber_leaves_too, delete_renumber_and_rewrite_contents],
    "T05": [delete_all_events, delete_the_whole_case, delete_the_cases_row],
    "T06": [forge_a_tail, forge_a_tail_the_case_knows, forge_a_tail_with_a_leaf],
    "T07": [back_date, back_date_into_the_middle],
    "T08": [swap_columns, swap_contents, swap_whole_rows, swap_leaves],
    "T09": [move_the_column, move_with_its_leaf, move_and_rewrite],
    "T10": [duplicate, duplicate_into_another_case, duplicate_with_a_leaf],
    "T13": [shift_a_column, shift_the_content, shift_everything_by_the_fold, write_a_zone],
    "T14": [replace_a_document, flip_a_bit, remove_a_document, add_a_document],
    "T15": [truncate, empty],
    "T16": [rename, retype, swap_names, swap_positions],
    "T17": [replace_the_salt, swap_salts, shorten_the_salt],
    "T18": [delete_the_content, empty_the_salt, null_the_salt, delete_a_whole_cases_content],
    "T19": [forge_a_tombstone, forge_a_tombstone_the_case_knows, make_a_heartbeat_a_tombstone],
    "T20": [change_the_roles_column, change_the_roles_content, change_the_role_everywhere],
}


@pytest.mark.parametrize("kind", ATTACKS)
def test_a_spoiled_row_is_found_named_and_located(lab: Any, small_town: Any, kind: str) -> None:
    lab.run(kind, ATTACKS[kind], small_town)
