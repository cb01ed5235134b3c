"""T21 to T24, T29, T31, T32, T35, T36, T40, T41: the log's own tables, by an administrator or whoever has a key."""

# ruff: noqa: S608  table and column names come from the schema, never from outside

import base64
from copy import copy as duplicate
from hashlib import sha256
from random import Random
from typing import Any

import msgspec
import pytest

from ledger_automation.errors import Misconfigured
from ledger_automation.merkle import leaf_hash, node_hash
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.orchestrator.transition import Intent, open_case
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.tlog.case_map import Head
from ledger_automation.tlog.note import SignerKey
from ledger_automation.tlog.root_signature import sign_root
from ledger_automation.verify.policy import Level
from ledger_automation.verify.verdict import Verdict
from ledger_automation.workflows import Actor, Command, workflow
from support import case_maps


def cut(copy: Any, size: int, *, events: bool = True) -> None:
    """Cut the log off at a size, chain head included."""
    if events:
        rows = copy.sql("SELECT event_id, case_id FROM leaf WHERE leaf_index >= ?", size)
        for row in rows:
            for table, name in (("attachment", "event_id"), ("content", "event_id"), ("event", "id")):
                copy.sql(f"DELETE FROM {table} WHERE {name} = ?", row["event_id"])
        for case_id in {row["case_id"] for row in rows}:
            copy.project(case_id)
    copy.sql("DELETE FROM leaf WHERE leaf_index >= ?", size)
    copy.sql("DELETE FROM node WHERE (number + 1) * 256 > ?", size)


def forget(copy: Any, size: int) -> None:
    """Remove what the database still knows of a longer log."""
    copy.sql("DELETE FROM checkpoint WHERE tree_size > ?", size)
    copy.sql("DELETE FROM submission WHERE tree_size > ?", size)


def cut_leaving_checkpoints(copy: Any, random: Random) -> Any:
    size = random.randrange(1, copy.end())
    cut(copy, size)
    return {"leaf_index": size, "level": random.choice((Level.LOGGED, Level.ANCHORED))}


def cut_with_the_chain_head(copy: Any, random: Random) -> Any:
    size = random.choice([each for each in copy.sizes() if each not in copy.anchored()])
    cut(copy, size)
    forget(copy, size)
    return {"leaf_index": size, "kind": "T23"}  # what is left is a back-up of between two anchors, bit by bit


def cut_between_checkpoints(copy: Any, random: Random) -> Any:
    sizes = copy.sizes()
    size = random.choice([each for each in range(sizes[0] + 1, copy.end()) if each not in sizes])
    cut(copy, size)
    forget(copy, size)
    return {"leaf_index": size, "also": ("T06",)}


def cut_under_a_held_checkpoint(copy: Any, random: Random) -> Any:
    """No chain is asked, but somebody kept the newest checkpoint."""
    (note,) = copy.sql("SELECT note FROM checkpoint ORDER BY tree_size DESC LIMIT 1")[0]
    size = random.choice(copy.sizes()[:-1])
    cut(copy, size)
    forget(copy, size)
    return {"leaf_index": size, "held": (note,), "level": Level.LOGGED}


def restore(copy: Any, random: Random) -> Any:
    size = random.choice(sorted(copy.town.backups)[:-1])
    copy.restore(size)
    return {"leaf_index": size}


def restore_between_anchors(copy: Any, random: Random) -> Any:
    size = random.choice(sorted(copy.town.between))
    copy.restore(size)
    return {"leaf_index": size}


def restore_and_go_on(copy: Any, random: Random) -> Any:
    """A back-up is used as if nothing had happened: new cases, new checkpoints, signed by the log's own key."""
    end, size = copy.end(), random.choice(sorted(copy.town.backups)[:-1])
    copy.restore(size)

    def begin() -> Any:
        return SqlUnitOfWork.open(copy.engine())

    submit = Command("submit_application", Actor("applicant-9", "applicant"), {"subject": "x"})
    for _ in range(end - size + random.randrange(4)):
        open_case(begin, copy.town.recorder, workflow("permit"), Level.LOGGED, Intent(submit, copy.town.now))
        if random.random() < 0.2:
            sequence(begin, copy.town.recorder, copy.town.key, sweep=True)
    sequence(begin, copy.town.recorder, copy.town.key, sweep=True)
    return {"leaf_index": size, "column": "checkpoint.root_hash", "also": ("T42",)}


def restore_and_record_on(copy: Any, random: Random) -> Any:
    """The backup is used on: new events are pending, nothing is sequenced."""
    place = restore(copy, random)
    row = copy.sql('SELECT * FROM "case" WHERE workflow = ? LIMIT 1', "log")
    assert row is not None
    return place


def remove_a_leaf(copy: Any, random: Random) -> Any:
    index = random.randrange(copy.end() - 1)
    copy.sql("DELETE FROM leaf WHERE leaf_index = ?", index)
    return {"leaf_index": index, "also": ("T06", "T07")}


def remove_an_event(copy: Any, random: Random) -> Any:
    row = copy.event(random, "e.sequence < k.sequence AND e.workflow <> 'log'")
    for table, name in (("attachment", "event_id"), ("content", "event_id"), ("event", "id")):
        copy.sql(f"DELETE FROM {table} WHERE {name} = ?", row["id"])
    return {"case_id": row["case_id"], "sequence": row["sequence"], "leaf_index": row["leaf_index"]}


def reuse_an_id(copy: Any, random: Random) -> Any:
    """An event is deleted, and the last of another case takes its number."""
    row = copy.event(random, "e.sequence < k.sequence AND e.workflow <> 'log'")
    for table, name in (("attachment", "event_id"), ("content", "event_id"), ("event", "id")):
        copy.sql(f"DELETE FROM {table} WHERE {name} = ?", row["id"])
    other = copy.event(random, f"e.case_id <> '{row['case_id']}' AND e.sequence = k.sequence AND e.workflow <> 'log'")
    for table, name in (("attachment", "event_id"), ("content", "event_id"), ("event", "id")):
        copy.sql(f"UPDATE {table} SET {name} = ? WHERE {name} = ?", row["id"], other["id"])
    return {
        "case_id": other["case_id"], "sequence": other["sequence"], "leaf_index": row["leaf_index"],
        "also": ("T03", "T04", "T05"),
    }  # fmt: skip


def change_a_node(copy: Any, random: Random) -> Any:
    row = random.choice(copy.sql("SELECT * FROM node"))
    copy.set("node", "hash", random.randbytes(32), level=row["level"], number=row["number"])
    return {"leaf_index": row["number"] << row["level"], "column": "node.hash"}


def remove_a_node(copy: Any, random: Random) -> Any:
    row = random.choice(copy.sql("SELECT * FROM node"))
    copy.sql("DELETE FROM node WHERE level = ? AND number = ?", row["level"], row["number"])
    return {"leaf_index": row["number"] << row["level"], "column": "node.hash"}


def add_a_node(copy: Any, random: Random) -> Any:
    level, number = random.choice(((8, 2), (8, 77), (16, 0), (24, 3)))
    copy.sql("INSERT INTO node VALUES (?, ?, ?)", level, number, random.randbytes(32))
    return {"leaf_index": number << level, "column": "node.hash"}


def change_a_tile(copy: Any, random: Random) -> Any:
    """Of the case map, at a size at which receipts are made."""
    row = random.choice(copy.sql("SELECT * FROM map_tile WHERE tile <> ''"))
    at = random.randrange(len(row["tile"]))
    tile = row["tile"][:at] + bytes([row["tile"][at] ^ 1 << random.randrange(8)]) + row["tile"][at + 1 :]
    copy.set("map_tile", "tile", tile, path=row["path"], tree_size=row["tree_size"])
    return {"leaf_index": row["tree_size"], "column": "map_tile.tile"}


def remove_a_tile(copy: Any, random: Random) -> Any:
    newest = copy.sql("SELECT path, max(tree_size) AS tree_size FROM map_tile GROUP BY path ORDER BY path")
    row = random.choice(newest)
    copy.sql("DELETE FROM map_tile WHERE path = ? AND tree_size = ?", *row)
    return {"column": "map_tile.tile"}


def add_a_tile(copy: Any, random: Random) -> Any:
    size = random.choice((copy.sizes()[-1], copy.sizes()[0], 3, 10_000))
    copy.sql("INSERT INTO map_tile VALUES (?, ?, ?)", random.choice(("00000", "x", "F")), size, random.randbytes(33))
    return {"leaf_index": size, "column": "map_tile.tile"}


def change_a_leaf(copy: Any, random: Random) -> Any:
    row = copy.event(random)
    copy.set("leaf", "leaf_hash", random.randbytes(32), leaf_index=row["leaf_index"])
    return _at(row)


def _at(row: Any) -> Any:
    return {name: row[name] for name in ("case_id", "sequence", "leaf_index")}


def leaf_without_prefix(copy: Any, random: Random) -> Any:
    row = copy.event(random)
    commitment = row["commitment"]
    forms = (
        sha256(commitment).digest(),
        commitment,
        sha256(b"\x01" + commitment).digest(),
        node_hash(commitment[:16], commitment[16:]),
    )
    copy.set("leaf", "leaf_hash", random.choice(forms), leaf_index=row["leaf_index"])
    return _at(row)


def node_as_leaf(copy: Any, random: Random) -> Any:
    """The node over a leaf and its neighbour, or over four, is put in the place of the leaf."""
    row = copy.event(random, "e.workflow <> 'log'")
    leaves = [leaf for (leaf,) in copy.sql("SELECT leaf_hash FROM leaf ORDER BY leaf_index")]
    start = row["leaf_index"] & ~3
    four = leaves[start : start + 4]
    if len(four) < 4:
        return leaf_without_prefix(copy, random)
    pair = [node_hash(four[0], four[1]), node_hash(four[2], four[3])]
    above = random.choice((node_hash(*pair), pair[row["leaf_index"] % 4 // 2]))
    copy.set("leaf", "leaf_hash", above, leaf_index=row["leaf_index"])
    return _at(row)


def lie_about_the_size(copy: Any, random: Random) -> Any:
    """A true root is signed, with the log's own key, under another size than its own."""
    sizes = copy.sizes()
    size = random.choice(sizes)
    (root,) = copy.sql("SELECT root_hash FROM checkpoint WHERE tree_size = ?", random.choice(sizes))[0]
    (true,) = copy.sql("SELECT tree_size FROM checkpoint WHERE root_hash = ? LIMIT 1", root)[0]
    if true == size:
        return lie_about_the_size(copy, random)
    copy.note(size, root)
    return {"leaf_index": size, "column": "checkpoint.tree_size", "level": Level.LOGGED}


def lie_beyond_the_end(copy: Any, random: Random) -> Any:
    end = copy.end()
    (root,) = copy.sql("SELECT root_hash FROM checkpoint WHERE tree_size = ?", end)[0]
    size = end + random.randrange(1, 50)
    copy.sql("INSERT INTO checkpoint VALUES (?, ?, '', '')", size, root)
    copy.note(size, root)
    return {"leaf_index": size, "column": "checkpoint.tree_size"}


def _sign_another_map(copy: Any, heads: dict[str, Head]) -> Any:
    """The operator signs the newest checkpoint over a map that is not the log's, and stores the map to it."""
    size = copy.sizes()[-1]
    root = copy.sql("SELECT root_hash FROM checkpoint WHERE tree_size = ?", size)[0][0]
    copy.note(size, root, map_root=case_maps.root(heads))
    copy.sql("DELETE FROM map_tile")
    copy.store_map(size, heads)
    return {"leaf_index": size, "column": "checkpoint.case_map_root", "level": Level.LOGGED}


def hide_the_last_step_of_a_case(copy: Any, random: Random) -> Any:
    """So that a receipt of the case without it proves to be complete."""
    heads = copy.heads(copy.sizes()[-1])
    row = copy.event(random, "e.sequence = k.sequence AND e.sequence > 0")
    before = copy.sql(
        "SELECT leaf_hash FROM leaf WHERE case_id = ? AND sequence = ?", row["case_id"], row["sequence"] - 1
    )[0][0]
    return _sign_another_map(copy, heads | {row["case_id"]: Head(row["sequence"] - 1, before)})


def hide_a_case(copy: Any, random: Random) -> Any:
    heads = copy.heads(copy.sizes()[-1])
    heads.pop(random.choice(sorted(heads)))
    return _sign_another_map(copy, heads)


def invent_a_case(copy: Any, random: Random) -> Any:
    heads = copy.heads(copy.sizes()[-1])
    return _sign_another_map(copy, heads | {"nobody": Head(0, random.randbytes(32))})


def rewrite_and_sign(copy: Any, random: Random) -> Any:
    """The operator rewrites one event, what follows from it, and signs all of it with the real key."""
    row = copy.event(random, "e.amount IS NOT NULL AND e.workflow = 'parking_fine' AND e.action = 'record_fine'")
    copy.rewrite(row["id"], lambda value: value["payload"].update(amount=value["payload"]["amount"] + 100))
    copy.set("event", "amount", row["amount"] + 100, id=row["id"])
    copy.resign(row["case_id"], row["sequence"])
    anchored = [0, *copy.anchored()]
    place = {
        "leaf_index": max(size for size in anchored if size <= row["leaf_index"]),
        "column": "checkpoint.root_hash",
    }
    return place | {"also": ("T49",)}  # where the law refuses what follows from the other amount


def rewrite_an_actor_and_sign(copy: Any, random: Random) -> Any:
    row = copy.event(random)
    copy.rewrite(row["id"], lambda value: value["actor"].update(id="nobody"))
    copy.set("event", "actor_id", "nobody", id=row["id"])
    copy.resign(row["case_id"], row["sequence"])
    anchored = [0, *copy.anchored()]
    return {
        "leaf_index": max(size for size in anchored if size <= row["leaf_index"]),
        "column": "checkpoint.root_hash",
        "also": ("T49",),  # where it was the applicant, in whose case nobody else acts as one
    }


def rewrite_under_a_held_checkpoint(copy: Any, random: Random) -> Any:
    """No chain is asked, but somebody kept two checkpoints."""
    row = copy.event(random)
    sizes = copy.sizes()
    before = copy.sql("SELECT tree_size, note FROM checkpoint WHERE tree_size IN (?, ?)", sizes[2], sizes[-1])
    rewritten = rewrite_an_actor_and_sign(copy, Random(random.random()))
    del rewritten, row
    changed = copy.sql("SELECT leaf_index FROM leaf JOIN event ON event.id = event_id WHERE actor_id = 'nobody'")[0][0]
    agreed = sizes[2] if changed >= sizes[2] else 0
    held = tuple(each["note"] for each in before)
    return {
        "leaf_index": agreed, "column": "checkpoint.root_hash", "held": held, "level": Level.LOGGED,
        "also": ("T49",),
    }  # fmt: skip


def rewrite_without_the_submissions(copy: Any, random: Random) -> Any:
    place = rewrite_an_actor_and_sign(copy, random)
    copy.sql("DELETE FROM submission")
    return {**place, "leaf_index": 0, "also": ("T42", "T49")}


def rewrite_without_signing(copy: Any, random: Random) -> Any:
    """Leaves fit the new history; the notes are those of the old one."""
    row = copy.event(random, "e.sequence = k.sequence AND e.workflow <> 'log'")
    copy.rewrite(row["id"], lambda value: value["actor"].update(id="nobody"))
    copy.set("event", "actor_id", "nobody", id=row["id"])
    copy.recommit(row["id"])
    copy.project(row["case_id"])
    sizes = [0, *copy.sizes()]
    place = {"leaf_index": max(size for size in sizes if size <= row["leaf_index"]), "level": Level.LOGGED}
    return place | {"column": "checkpoint.root_hash", "also": ("T49",)}


def _note(form: Any) -> Any:
    def attack(copy: Any, random: Random) -> Any:
        size = random.choice(copy.sizes())
        (note,) = copy.sql("SELECT note FROM checkpoint WHERE tree_size = ?", size)[0]
        text, _, lines = note.partition("\n\n")
        own, root = lines.splitlines(keepends=True)
        changed = form(copy.town.key, text + "\n", root if form in ROOT_LINES else own)
        assert changed != note
        copy.set("checkpoint", "note", changed, tree_size=size)
        return {"leaf_index": size, "column": "checkpoint.note", "level": random.choice((Level.LOGGED, Level.ANCHORED))}

    attack.__name__ = form.__name__
    return attack


def no_signature(_: SignerKey, text: str, __: str) -> str:
    return text + "\n"


def no_blank_line(_: SignerKey, text: str, line: str) -> str:
    return text + line


def wrong_key(key: SignerKey, text: str, _: str) -> str:
    return SignerKey(key.verifier.name, bytes(32)).sign(text)


def unknown_signers_only(key: SignerKey, text: str, _: str) -> str:
    notes = [SignerKey(f"{key.verifier.name}-{number}", bytes([number]) * 32).sign(text) for number in range(1, 5)]
    return text + "\n" + "".join(note.partition("\n\n")[2] for note in notes)


def wrong_origin(key: SignerKey, text: str, _: str) -> str:
    return key.sign("other" + text)


def origin_not_first(key: SignerKey, text: str, _: str) -> str:
    lines = text.splitlines()
    return key.sign("\n".join([lines[1], lines[0], *lines[2:]]) + "\n")


def bad_key_hint(_: SignerKey, text: str, line: str) -> str:
    dash, name, signature = line.split(" ")
    octets = bytearray(base64.b64decode(signature))
    octets[0] ^= 1
    return f"{text}\n{dash} {name} {base64.b64encode(octets).decode()}\n"


def flipped_signature(_: SignerKey, text: str, line: str) -> str:
    dash, name, signature = line.split(" ")
    octets = bytearray(base64.b64decode(signature))
    octets[20] ^= 1
    return f"{text}\n{dash} {name} {base64.b64encode(octets).decode()}\n"


def flipped_root_signature(key: SignerKey, text: str, line: str) -> str:
    return key.sign(text) + flipped_signature(key, text, line).rpartition("\n\n")[2]


def another_root_s_signature(key: SignerKey, text: str, _: str) -> str:
    return key.sign(text) + sign_root(key, bytes(32))


def extra_line(key: SignerKey, text: str, _: str) -> str:
    return key.sign(text + "extra 1\n")


def leading_zero(key: SignerKey, text: str, _: str) -> str:
    lines = text.splitlines()
    return key.sign("\n".join([lines[0], f"0{lines[1]}", *lines[2:]]) + "\n")


def no_size(key: SignerKey, text: str, _: str) -> str:
    lines = text.splitlines()
    return key.sign("\n".join([lines[0], *lines[2:]]) + "\n")


def no_root(key: SignerKey, text: str, _: str) -> str:
    lines = text.splitlines()
    return key.sign("\n".join([*lines[:2], *lines[3:]]) + "\n")


def short_root(key: SignerKey, text: str, _: str) -> str:
    lines = text.splitlines()
    return key.sign("\n".join([*lines[:2], base64.b64encode(bytes(31)).decode(), lines[3]]) + "\n")


def other_size(key: SignerKey, text: str, line: str) -> str:
    lines = text.splitlines()
    return "\n".join([lines[0], str(int(lines[1]) + 1), *lines[2:]]) + "\n\n" + line + key.verifier.name[:0]


def trailing_garbage(_: SignerKey, text: str, line: str) -> str:
    return f"{text}\n{line}garbage\n"


def no_last_newline(_: SignerKey, text: str, line: str) -> str:
    return f"{text}\n{line[:-1]}"


def windows_newlines(key: SignerKey, text: str, _: str) -> str:
    return key.sign(text).replace("\n", "\r\n")


def arabic_digits(key: SignerKey, text: str, _: str) -> str:
    lines = text.splitlines()
    return key.sign(
        "\n".join([lines[0], lines[1].translate({48 + n: 0x660 + n for n in range(10)}), *lines[2:]]) + "\n"
    )


def empty(_: SignerKey, __: str, ___: str) -> str:
    return ""


ROOT_LINES = [flipped_root_signature]
NOTES = [
    no_signature, no_blank_line, wrong_key, unknown_signers_only, wrong_origin, origin_not_first, bad_key_hint,
    flipped_signature, flipped_root_signature, another_root_s_signature, extra_line, leading_zero, no_size, no_root,
    short_root, other_size, trailing_garbage, no_last_newline, windows_newlines, arabic_digits, empty,
]  # fmt: skip
ATTACKS = {
    "T21": [cut_leaving_checkpoints, cut_with_the_chain_head, cut_between_checkpoints, cut_under_a_held_checkpoint],
    "T22": [restore, restore_and_record_on],
    "T23": [restore_between_anchors],
    "T24": [restore_and_go_on],
    "T29": [remove_a_leaf, remove_an_event, reuse_an_id],
    "T32": [leaf_without_prefix, node_as_leaf],
    "T35": [lie_about_the_size, lie_beyond_the_end],
    "T36": [
        rewrite_and_sign, rewrite_an_actor_and_sign, rewrite_under_a_held_checkpoint, rewrite_without_the_submissions,
        rewrite_without_signing,
    ],
    "T40": [_note(form) for form in NOTES],
}  # fmt: skip


def _signed_by(copy: Any, random: Random, sizes: list[int], key: SignerKey) -> Any:
    size = random.choice(sizes)
    (root,) = copy.sql("SELECT root_hash FROM checkpoint WHERE tree_size = ?", size)[0]
    copy.note(size, root, key)
    place = {"leaf_index": size, "column": "checkpoint.note", "actual": key.verifier.text}
    return {**place, "level": random.choice((Level.LOGGED, Level.ANCHORED))}


def retired_key(copy: Any, random: Random) -> Any:
    """Whoever kept the first key, or the second, signs after its successor has."""
    kept = random.randrange(2)
    _, _, *since = (size for size in copy.sizes() if size > _announcements(copy)[kept])
    return _signed_by(copy, random, since, copy.town.keys[kept])


def key_before_its_announcement(copy: Any, random: Random) -> Any:
    coming = random.randrange(1, 3)
    before = [size for size in copy.sizes() if size <= _announcements(copy)[coming - 1]]
    return _signed_by(copy, random, before, copy.town.keys[coming])


def key_that_was_never_announced(copy: Any, random: Random) -> Any:
    """A reader was led to pin it; the log says nothing of it. A log's first key needs no announcement."""
    strange, town = SignerKey(copy.town.origin, random.randbytes(32)), duplicate(copy.town)
    pinned = (strange.verifier.text, *town.policy.log_keys)
    copy.town, town.policy = town, msgspec.structs.replace(town.policy, log_keys=pinned)
    return _signed_by(copy, random, copy.sizes()[1:], strange)


def _announcements(copy: Any) -> list[int]:
    return [
        leaf
        for (leaf,) in copy.sql(
            "SELECT leaf_index FROM leaf JOIN event ON event.id = event_id WHERE action = 'announce_key' ORDER BY 1"
        )
    ]


def test_a_signed_map_that_hides_or_invents_is_found(lab: Any, small_town: Any) -> None:
    lab.run("T50", [hide_the_last_step_of_a_case, hide_a_case, invent_a_case], small_town, times=21)


@pytest.mark.parametrize("kind", ATTACKS)
def test_a_spoiled_log_is_found_named_and_located(lab: Any, small_town: Any, kind: str) -> None:
    lab.run(kind, ATTACKS[kind], small_town, times=max(20, len(ATTACKS[kind])))


def test_a_key_that_signs_before_or_after_its_time_is_named(lab: Any, rotated_town: Any) -> None:
    copy = rotated_town.fresh()
    assert copy.audit().verdict is Verdict.FINAL, "the log changed its key twice, as it should"
    copy.close()
    lab.run("T41", [retired_key, key_before_its_announcement, key_that_was_never_announced], rotated_town, times=21)


def test_an_audit_that_goes_on_remembers_which_key_signs(rotated_copies: Any) -> None:
    """The log's present key is in the mark: what a former one signs afterwards is named at once."""
    copy = rotated_copies["sqlite"].fresh()
    mark = copy.audit(Level.LOGGED).mark
    assert mark.signer == copy.town.keys[2].verifier.text

    def begin() -> Any:
        return SqlUnitOfWork.open(copy.engine())

    submit = Command("submit_application", Actor("applicant-9", "applicant"), {"subject": "x"})
    open_case(begin, copy.town.recorder, workflow("permit"), Level.LOGGED, Intent(submit, copy.town.now))
    for former in copy.town.keys[:2]:  # a process that began before the rotation
        with pytest.raises(Misconfigured, match="another key now"):
            sequence(begin, copy.town.recorder, former, sweep=True)
    done = sequence(begin, copy.town.recorder, copy.town.keys[2], sweep=True)
    assert done is not None
    assert copy.audit(Level.LOGGED, mark=mark).verdict is Verdict.FINAL
    copy.note(done.checkpoint.tree_size, done.checkpoint.root_hash, copy.town.keys[1])
    (finding,) = copy.audit(Level.LOGGED, mark=mark).findings
    assert (finding.tampering, finding.leaf_index) == ("T41", done.checkpoint.tree_size)


def test_a_changed_tile_or_leaf_is_found_in_a_log_of_several_tiles(lab: Any, tall_town: Any) -> None:
    tiles = [change_a_tile, remove_a_tile, add_a_tile]
    lab.run("T31", [change_a_node, remove_a_node, add_a_node, change_a_leaf, *tiles], tall_town, times=35)


def test_more_signatures_do_no_harm(klein: Any) -> None:
    copy = klein.copy()
    for size in copy.sizes():
        (note,) = copy.sql("SELECT note FROM checkpoint WHERE tree_size = ?", size)[0]
        witness = SignerKey("witness.example", bytes(32)).sign(note.partition("\n\n")[0] + "\n").partition("\n\n")[2]
        copy.set("checkpoint", "note", note + witness, tree_size=size)
    assert copy.audit().verdict is Verdict.FINAL
    assert leaf_hash(b"") != node_hash(b"", b"")
