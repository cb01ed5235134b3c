"""Receipts changed by seeded chance, at every level: bits, characters, fields, structure, proofs, notes, swaps, law.

Some changes leave a receipt valid (spacing, a stranger's signature): both verifiers must see that, too. What the law
says beyond its tables (amounts, terms, who may not decide twice) is left alone: only one of them computes it.
"""

import base64
import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from hashlib import sha256
from random import Random
from typing import Any, Final, NamedTuple

import cbor2

from ledger_automation.canonical import canonicalize, commit
from ledger_automation.errors import InvalidInput
from ledger_automation.tlog.cose_receipt import encode
from ledger_automation.tlog.frames import to_frames
from ledger_automation.tlog.receipt import Absence, decode
from ledger_automation.verify.policy import Level
from ledger_automation.workflows import workflow
from ledger_automation.workflows._table import ROLES
from support.archive import KEY, ORIGIN, THIEF, Archive, Filed, Receipt
from support.browser import Question

Mutation = Callable[["Bench", Receipt, Random], Receipt | bytes]


class Bench(NamedTuple):
    """Where mutants come from: a log, and the honest receipts of it."""

    archive: Archive
    honest: list[Receipt]


class Mutant(NamedTuple):
    kind: str
    question: Question


def bench(archive: Archive) -> Bench:
    """Return the log with its receipts: of whole cases, of their parts, of single steps, at two sizes."""
    honest = []
    for indices in archive.cases().values():
        honest += [archive.receipt(indices), archive.receipt(indices[-1:], whole=False)]
        honest += [archive.receipt([each], whole=False) for each in indices[:2]]
        honest.append(archive.receipt(indices, held=archive.size // 2, anchored=False))
        early = [each for each in indices if each < archive.size // 2]
        honest += [archive.receipt(early, archive.size // 2)] if early else []
    return Bench(archive, honest)


def mutants(bench: Bench, number: int, seed: int, only: str = "") -> Iterator[Mutant]:
    """Yield so many mutants, every kind as often, or of one kind only."""
    random = Random(seed)
    kinds = [each for each in sorted(MUTATIONS.items()) if only in {"", each[0]}]
    for at in range(number):
        kind, mutate = kinds[at % len(kinds)]
        changed = mutate(bench, deepcopy(random.choice(bench.honest)), random)
        octets = changed if isinstance(changed, bytes) else written(changed)
        level = Level.ANCHORED if random.random() < 0.15 else Level.LOGGED
        yield Mutant(kind, Question(octets, level, _held(bench, random)))


def _held(bench: Bench, random: Random) -> str | None:
    """Return a note that the reader may hold: mostly none, else of a smaller, the same or a longer log."""
    if random.random() < 0.7:
        return None
    return bench.archive.note(random.choice((bench.archive.size // 2, bench.archive.size, 1, bench.archive.size - 1)))


def written(receipt: Receipt) -> bytes:
    return json.dumps(receipt, ensure_ascii=False, indent=1).encode()


def _bit(_: Bench, receipt: Receipt, random: Random) -> bytes:
    octets = bytearray(written(receipt))
    octets[random.randrange(len(octets))] ^= 1 << random.randrange(8)
    return bytes(octets)


_ODD: Final = '"\\{}[],:0189aAfF+/=- \n\t\r\u00e9\u2028\ud83e\udd86\x7f\x00'.encode("utf-16", "surrogatepass").decode(
    "utf-16"
)


def _character(_: Bench, receipt: Receipt, random: Random) -> bytes:
    text = written(receipt).decode()
    at = random.randrange(len(text))
    return (text[:at] + random.choice(("", random.choice(_ODD))) + text[at + random.randrange(2) :]).encode()


def _cut(_: Bench, receipt: Receipt, random: Random) -> bytes:
    octets = written(receipt)
    return random.choice((octets[: random.randrange(len(octets))], octets + random.choice((b" ", b"\n", b"{}", b"\0"))))


def _spelling(_: Bench, receipt: Receipt, random: Random) -> bytes:
    """Write the same receipt, or nearly the same, another way."""
    text = json.dumps(
        receipt, ensure_ascii=random.random() < 0.5, separators=random.choice(((",", ":"), (" ,\t", "\r\n: ")))
    )
    forms = (
        text,
        "\ufeff" + text,
        text.replace("a", "\\u0061", 5),
        text.replace('"salt"', '"\\u0073alt"'),
        text.replace("/", "\\/"),
        text.replace('"anchor"', '"checkpoint":"","anchor"', 1),
        text.replace('"salt"', '"salt":"00","salt"', 1),
        text.replace('"entries"', '"entri\\u0065s":[],"entries"', 1),
        text.replace("true", "True"),
        text.replace("null", random.choice(("NaN", "Infinity", "nil", "[]", "\\u006eull")), 1),
        text.replace(":null", ":null,", 1),
    )
    return random.choice(forms).encode()


_VALUES: Final = (
    None, True, False, 0, -1, 1, 2**31, 2**53 - 1, 2**53, -(2**53), 2**64, 2**70, 0.5, 1.0, -0.0, 1e300, "", "0", "x",
    "\ud83e\udd86".encode("utf-16", "surrogatepass").decode("utf-16"), [], {}, [None], {"a": 1}, {"hasOwnProperty": 1},
)  # fmt: skip


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield (*place, name)
        yield from _places(member, (*place, name))


def _field(_: Bench, receipt: Receipt, random: Random) -> Receipt:
    """Set, drop or add one field, wherever it stands."""
    *way, name = random.choice(list(_places(receipt)))
    target: Any = receipt
    for each in way:
        target = target[each]
    change = random.randrange(5)
    if change == 0:
        del target[name]
    elif change == 1 and isinstance(target, dict):
        target[random.choice(("trusted", "format", "toString", "__proto__", "constructor", "\u00e9"))] = random.choice(
            _VALUES
        )
    else:
        target[name] = random.choice(_VALUES)
    return receipt


def _index(bench: Bench, receipt: Receipt, random: Random) -> Receipt:
    entry = random.choice(receipt["entries"])
    at = entry["leaf_index"]
    entry["leaf_index"] = random.choice(
        (at ^ 1, at + 1, at - 1, at + 2**20, -1, at + 2**32, bench.archive.size, 2**53 - 1)
    )
    return receipt


def _structure(_: Bench, receipt: Receipt, random: Random) -> Receipt:
    entries = receipt["entries"]
    at = random.randrange(len(entries))
    forms: list[list[Any]] = [
        entries[:at] + entries[at + 1 :], entries + entries[at : at + 1], entries[::-1], entries[:at], entries[at:],
        entries[at : at + 1], [entries[-1], *entries[1:-1], entries[0]],
    ]  # fmt: skip
    receipt["entries"] = random.choice(forms)
    if random.random() < 0.3:
        receipt["case_map_proof"] = random.choice((None, []))
    return receipt


def _swap(bench: Bench, receipt: Receipt, random: Random) -> Receipt:
    """Take a part of another honest receipt."""
    other = deepcopy(random.choice(bench.honest))
    name = random.choice(
        ("entries", "checkpoint", "case_map_proof", "anchor", "extension", "event", "salt", "inclusion_proof", "more")
    )
    if name in receipt:
        receipt[name] = other[name]
    elif name == "more":
        receipt["entries"] += other["entries"]
    else:
        random.choice(receipt["entries"])[name] = random.choice(other["entries"])[name]
    return receipt


def _b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _bent(proof: list[str], random: Random) -> list[str]:
    """Bend a proof: a bit, a node less, more, twice, elsewhere, of another length, or spelt otherwise."""
    nodes, at = list(proof) or [_b64(random.randbytes(32))], 0
    at = random.randrange(len(nodes))
    flipped = bytearray(base64.b64decode(nodes[at]))
    flipped[random.randrange(len(flipped))] ^= 1 << random.randrange(8)
    one = nodes[at]
    idle = one[:-2] + chr(ord(one[-2]) + 1) + "=" if one.endswith("=") else one
    others = (
        _b64(bytes(flipped)),
        _b64(bytes(31)),
        _b64(bytes(33)),
        "",
        idle,
        one[:-1],
        one + "\n",
        one + "=",
        f" {one}",
        "é",
    )
    forms = [nodes[:at] + nodes[at + 1 :], [*nodes, one], nodes[::-1], [], [_b64(random.randbytes(32)), *nodes]]
    return random.choice((*forms, *([*nodes[:at], other, *nodes[at + 1 :]] for other in others)))


def _inclusion(_: Bench, receipt: Receipt, random: Random) -> Receipt:
    entry = random.choice(receipt["entries"])
    entry["inclusion_proof"] = _bent(entry["inclusion_proof"], random)
    return receipt


def _map_proof(bench: Bench, receipt: Receipt, random: Random) -> Receipt:
    """Bend the case map's proof, leave it out, pad it with empty siblings, or show an earlier step as the last."""
    proof = receipt["case_map_proof"] or []
    empty = _b64(bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"))
    forms = [None, [], [empty, *proof], [*proof, empty], [empty] * 300, _bent(proof, random), _bent(proof, random)]
    receipt["case_map_proof"] = random.choice(forms)
    if random.random() < 0.2:
        case = random.choice(list(bench.archive.cases().values()))
        receipt = bench.archive.receipt(case[: random.randrange(1, len(case) + 1)])
    return receipt


def _extension(bench: Bench, receipt: Receipt, random: Random) -> Receipt:
    size = random.randrange(1, bench.archive.size + 1)
    receipt["extension"] = bench.archive.extension(size, bench.archive.size)
    if random.random() < 0.6:
        receipt["extension"]["consistency_proof"] = _bent(receipt["extension"]["consistency_proof"], random)
    return receipt


def _salt(_: Bench, receipt: Receipt, random: Random) -> Receipt:
    entry = random.choice(receipt["entries"])
    salt = entry["salt"]
    entry["salt"] = random.choice(
        (
            salt.upper(),
            f" {salt}",
            f"{salt}\n",
            salt[2:],
            f"{salt}00",
            "",
            "zz" * 32,
            random.randbytes(32).hex(),
            f"{salt[:2]} {salt[2:]}",
        )
    )
    return receipt


def _note(bench: Bench, receipt: Receipt, random: Random) -> Receipt:
    """Change what is signed, who signed, or how the signature is written."""
    note = receipt["checkpoint"]
    text, _, lines = note.rpartition("\n\n")
    signature = base64.b64decode(random.choice(lines.splitlines()).rpartition(" ")[2])
    flipped = bytearray(signature)
    flipped[random.randrange(len(flipped))] ^= 1 << random.randrange(8)
    size = int(text.split("\n")[1])
    stranger = f"\u2014 witness.example {_b64(random.randbytes(68))}\n"
    order = 2**252 + 27742317777372353535851937790883648493
    high = (int.from_bytes(signature[36:], "little") + order).to_bytes(32, "little")
    forms = (
        note.replace(_b64(signature), _b64(bytes(flipped))),
        note.replace(_b64(signature), _b64(signature[:36] + high)),
        note.replace(_b64(signature), _b64(signature[:-1])),
        note.replace(_b64(signature), _b64(signature + b"\0")),
        note.replace(_b64(signature), _b64(signature[:4])),
        note.replace(_b64(signature), _b64(signature)[:-1]),
        note.replace(f"\n{size}\n", f"\n{size + random.choice((1, -1, 2**40))}\n"),
        note.replace(f"\n{size}\n", f"\n0{size}\n"),
        note.replace("case-map ", "case-map"),
        note.replace("\u2014", "-"),
        note.replace("\n\n", "\n\nmore\n\n"),
        note + stranger,
        note + stranger.replace("witness", random.choice(("wit\tness", "wit\x00ness", "wit\u00a0ness"))),
        KEY.sign(text + "\n").replace(ORIGIN, ORIGIN + "\x07"),
        text + "\n\n" + stranger + lines,
        text + "\n\n" + stranger,
        text + "\n\n" + stranger * 101 + lines,
        note + "\u2014 broken\n",
        note + lines,
        note + "\n",
        note.removesuffix("\n"),
        note.replace("\n", "\r\n"),
        text + "\n",
        THIEF.sign(text + "\n"),
        THIEF.sign(text + "\n") + lines,
        KEY.sign(text.replace(ORIGIN, "else.example/ledger") + "\n"),
        KEY.sign(text + "\nextra\n"),
        KEY.sign("\n".join(text.split("\n")[:3]) + "\n"),
        KEY.sign(
            re.sub(r"\n\d+\n", f"\n{random.choice(('', '00', '9' * 16, '-1', '1e2', str(2**53)))}\n", text) + "\n"
        ),
        bench.archive.note(random.randrange(1, bench.archive.size + 1)),
        bench.archive.note(bench.archive.size, THIEF),
    )
    receipt["checkpoint"] = random.choice(forms)
    return receipt


def _content(_: Bench, receipt: Receipt, random: Random) -> Receipt:
    """Change an event, without the log's key: whatever it says then, the log does not."""
    entry = random.choice(receipt["entries"])
    event = json.loads(entry["event"])
    *way, name = random.choice(list(_places(event)))
    target: Any = event
    for each in way:
        target = target[each]
    target[name] = random.choice(_VALUES)
    entry["event"] = json.dumps(event, ensure_ascii=random.random() < 0.1, sort_keys=True, separators=(",", ":"))
    return receipt


def _anchor(_: Bench, receipt: Receipt, random: Random) -> Receipt:
    if receipt["anchor"]:
        receipt["anchor"][random.choice(list(receipt["anchor"]))] = random.choice(_VALUES)
    return receipt


def _resealed(_: Bench, receipt: Receipt, random: Random) -> Receipt:
    """Let the log itself sign what it must not: a case that its own tables refuse, or text that is no event."""
    events = [json.loads(entry["event"]) for entry in receipt["entries"]]
    at = random.randrange(len(events))
    name, value = _unlawful(events[at], at, random)
    leaves: list[Filed | None] = [None] * random.randrange(3)
    previous = events[0]["previous"]
    for number, event in enumerate(events):
        case_id, sequence = event["case_id"], event["sequence"]
        event["previous"] = previous
        text = _misspelt({**event, name: value}, random) if number == at else canonicalize(event).decode()
        salt = random.randbytes(32)
        commitment = commit(salt, text.encode())
        previous = commitment.hex()
        leaves += [Filed(case_id, sequence, text, salt, commitment), *[None] * random.randrange(3)]
    log = Archive(leaves, random)
    filed = [number for number, each in enumerate(leaves) if each]
    return log.receipt(filed, whole=random.random() < 0.8)


_NO_MOMENTS: Final = (
    "", "2026-01-31", "1899-12-31T23:59:59.000000Z", "2200-01-01T00:00:00.000000Z", "2026-02-30T12:00:00.000000Z",
    "2026-01-31T24:00:00.000000Z", "2026-01-31T12:00:60.000000Z", "2026-01-31t12:00:00.000000Z",
    "2026-01-31T12:00:00,000000Z", "2026-01-31T12:00:00.000000+", "0000-01-01T00:00:00.000000Z",
)  # fmt: skip


def _unlawful(event: dict[str, Any], at: int, random: Random) -> tuple[str, Any]:
    """Return a field of an event and what must not stand there."""
    table = workflow(event["workflow"])
    row = table.transition(event["action"])
    roles = [each for each in (*ROLES, "mayor", "", "constructor") if each not in row.roles]
    states = [*sorted(table.states - {*row.targets}), "nowhere", ""]
    others = [None, "nowhere", *sorted(table.states - {event["from_state"]})]
    laws = [each for each in ("log", "permit", "subsidy", "toString", "") if each != event["workflow"]]
    changes: list[tuple[str, Any]] = [
        ("actor", {**event["actor"], "role": random.choice(roles)}),
        ("to_state", random.choice(states)),
        ("from_state", random.choice(others) if at else "nowhere"),
        ("action", random.choice(["become_mayor", "constructor", ""])),
        ("occurred_at", random.choice(_NO_MOMENTS)),
        ("workflow", random.choice(laws)),
        ("workflow_version", event["workflow_version"] + 1),
        ("sequence", random.choice([event["sequence"] + 1, event["sequence"] + 2**33, 0])),
        ("previous", random.choice([None, "00" * 32, ""])),
        ("schema", "ledger-automation/event/v2"),
        ("origin", "else.example/ledger"),
        ("recorded_at", random.choice(["", "yesterday \u00e9"])),
        ("payload", random.choice([[], None, "", {"a": 0.5}, {"a": 2**53}, {"\u00e9": 1}, _deep(65)])),
        ("attachments", random.choice([None, [{}], [{"name": "a", "media_type": "b", "size": -1, "sha256": ""}]])),
        ("signature", random.choice([[], "", {"a": 0.5}])),
        ("more", 1),
    ]  # fmt: skip
    return random.choice(changes)


def _misspelt(event: dict[str, Any], random: Random) -> str:
    """Write an event, mostly as it must be written."""
    text = json.dumps(event, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if random.random() < 0.9:
        return text
    return random.choice((text.replace(":", ": ", 1), text.replace("{", '{"action":"",', 1), text[:-1], text + " "))


def _deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def _absence(bench: Bench, _: Receipt, random: Random) -> Receipt:
    """Prove that there is no such case, and change the proof, the case, or who stands in its place."""
    log = bench.archive
    names = [str(uuid.UUID(bytes=random.randbytes(16), version=4)), random.choice([*log.cases()]), "", "caf\u00e9"]
    absence = log.absence(random.choice(names), random.choice((log.size, log.size // 2, 3, 1)))
    change, other = random.randrange(6), absence["other"]
    if change == 0:
        absence["case_map_proof"] = _bent(absence["case_map_proof"], random)
    elif change == 1:
        absence["case_id"] = random.choice(names)
    elif change == 2:
        absence["other"] = log.absence(random.choice(names))["other"]
    elif change == 3 and other:
        name = random.choice([*other])
        key = other["key"]
        spelt = (key.upper(), f" {key}", key[2:], f"{key}00", sha256(absence["case_id"].encode()).hexdigest())
        other[name] = random.choice((*_VALUES, *spelt, *_bent([other["leaf_hash"]], random)))
    elif change == 4:
        absence[random.choice([*absence])] = random.choice(_VALUES)
    return absence


def _erasure(bench: Bench, _: Receipt, random: Random) -> Receipt:
    """Show a case without what was erased of it, and change the steps, the decisions, or what remains."""
    log = bench.archive
    (case_id, sequence), decision = random.choice(sorted(log.decisions().items(), key=str))
    case = log.cases()[case_id]
    every = range(len(case))
    gone = {sequence} if sequence is not None else {*random.sample(every, random.randint(1, len(case)))}
    receipt = log.erased(case, gone, [decision])
    erasure, change = receipt["erasure"], random.randrange(8)
    if change == 0:
        erasure["decisions"] = []
    elif change == 1:
        receipt = log.erased(case, {*random.sample(every, random.randint(1, len(case)))}, [decision])
    elif change == 2:
        receipt = log.erased(case, gone, [random.choice([*log.decisions().values()])])
    elif change == 3:
        step = random.choice(erasure["steps"])
        step[random.choice([*step])] = random.choice((*_VALUES, step["commitment"].upper(), f"{step['commitment']}\n"))
    elif change == 4:
        receipt["case_map_proof"] = None
        if random.random() < 0.5:
            receipt["entries"] = []
    elif change == 5:
        random.shuffle(erasure["steps"])
        random.shuffle(receipt["entries"])
    elif change == 6:
        erasure[random.choice([*erasure])] = random.choice((*_VALUES, random.choice([*log.cases()])))
    return receipt


def _untouched(_: Bench, receipt: Receipt, __: Random) -> Receipt:
    return receipt


def _cose(receipt: Receipt) -> bytes:
    read = decode(written(receipt))
    assert not isinstance(read, Absence)
    return encode(read)


def _cose_of_a_mutant(bench: Bench, receipt: Receipt, random: Random) -> bytes:
    """Write another mutant as COSE, where it can be."""
    kind = random.choice(("anchor", "case map", "content", "erasure", "extension", "inclusion", "salt", "untouched"))
    changed = MUTATIONS[kind](bench, receipt, random)
    assert not isinstance(changed, bytes)
    try:
        return _cose(changed)
    except InvalidInput:
        return written(changed)


def _cose_octets(_: Bench, receipt: Receipt, random: Random) -> bytes:
    octets = bytearray(_cose(receipt))
    at = random.randrange(len(octets))
    for _ in range(random.randrange(1, 3)):
        octets[at] ^= 1 << random.randrange(8)
    return random.choice((bytes(octets), bytes(octets), bytes(octets[:at]), bytes(octets) + b"\x00"))


def _cose_tree(_: Bench, receipt: Receipt, random: Random) -> bytes:
    """Set or drop one part of the message, wherever it stands, and write it canonically, or nearly so."""
    parts = thawed(cbor2.loads(_cose(receipt)).value)
    proofs = parts[1][396][-1] = [cbor2.loads(each) for each in parts[1][396][-1]]
    change = random.randrange(10)
    if change == 0:
        proofs[0][0] += random.choice((1, -1))
    elif change == 1:
        proofs += random.choice((proofs[:1], proofs[-1:]))
    elif change == 2:
        del proofs[random.randrange(len(proofs))]
    elif change < 8:
        *way, name = random.choice(list(_places(parts)))
        target: Any = parts
        for each in way:
            target = target[each]
        if random.random() < 0.2:
            del target[name]
        else:
            target[name] = random.choice((*_OCTETS, b"", random.randbytes(32), random.randbytes(64), {1: 2, "a": b""}))
    proofs[:] = [cbor2.dumps(each) if isinstance(each, list) else each for each in proofs]
    canonical = random.random() < 0.8
    message = cbor2.CBORTag(random.choice((18, 18, 18, 18, 17, 98)), parts if canonical else turned(parts))
    return cbor2.dumps(message, canonical=canonical)


def turned(value: Any) -> Any:
    """Return maps with their keys the other way round."""
    if isinstance(value, dict):
        return {name: turned(each) for name, each in reversed(value.items())}
    return [turned(each) for each in value] if isinstance(value, list) else value


_OCTETS: Final = tuple(each for each in _VALUES if not isinstance(each, str) or each.isascii())


def thawed(value: Any) -> Any:
    """Return what may be changed: what stands in a tag, cbor2 reads as constants."""
    if isinstance(value, Mapping):
        return {name: thawed(each) for name, each in value.items()}
    return [thawed(each) for each in value] if isinstance(value, tuple) else value


def _frames(_: Bench, receipt: Receipt, random: Random) -> bytes:
    """Drop, double, mix, turn around or damage the frames of QR codes."""
    frames = to_frames(_cose(receipt))
    text, last = "\n".join(frames), frames[-1]
    at, one_more = random.randrange(len(text)), last.replace(f":{len(frames)}/", f":{len(frames) + 1}/", 1)
    forms = (
        text, text + "\r\n", "\n".join(frames[::-1]), "\n".join([*frames, last]), "\n".join(frames[1:]), "LA1:", last,
        text[:at] + random.choice("0AZ:/ \u00e9") + text[at + 1 :], text[:at], text[:at] + "\n" + text[at:],
        text.replace("/", "/0"), text.lower(), text.replace(last[4:12], "00000000"), "\n".join(to_frames(b"\xd2")),
        "\n".join(to_frames(bytes(2_000_000))), f"{text}\n{one_more}",
    )  # fmt: skip
    return random.choice(forms).encode()


MUTATIONS: Final[dict[str, Mutation]] = {
    "absence": _absence, "anchor": _anchor, "bit": _bit, "case map": _map_proof, "character": _character,
    "content": _content, "cose": _cose_of_a_mutant, "cose octets": _cose_octets, "cose tree": _cose_tree, "cut": _cut,
    "erasure": _erasure, "extension": _extension, "field": _field, "frames": _frames, "inclusion": _inclusion,
    "index": _index, "note": _note, "resealed": _resealed, "salt": _salt, "spelling": _spelling,
    "structure": _structure, "swap": _swap, "untouched": _untouched,
}  # fmt: skip
