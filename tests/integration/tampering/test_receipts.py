"""T33 and T34 on receipts: forged inclusion proofs, forged proofs that one log extends another.

A receipt's verdict names no catalogue class but a step; `STEPS` says which step must refuse which class. The place is
the leaf that step 3 names, or step 5 itself.
"""

import base64
import json
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
import pytest

from ledger_automation.errors import LedgerError, ProofError
from ledger_automation.merkle import inclusion_proof, leaf_hash, node_hash, verify_inclusion
from ledger_automation.orchestrator.receipt import issue
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.tlog.receipt import Receipt
from ledger_automation.verify.verdict import Verdict
from ledger_automation.verify.verifier import Verifier

STEPS = {"T33": "step_3_inclusion", "T34": "step_6_extension"}
Forgery = Callable[[Receipt, Random], Receipt]


@pytest.fixture(scope="session")
def receipts(klein: Any) -> list[Receipt]:
    """A receipt of every case, at the earliest anchored checkpoint that covers it."""
    with SqlUnitOfWork.open(klein.engine, "read") as unit:
        return [issue(unit, case_id) for case_id, _, _ in unit.cases.trails(0, 0)]


@pytest.fixture(scope="session")
def extended(klein: Any) -> list[tuple[str, Receipt]]:
    """(A checkpoint somebody holds, a receipt that proves to extend it)."""
    with SqlUnitOfWork.open(klein.engine, "read") as unit:
        notes = {each.tree_size: each.note for each in unit.log.checkpoints(0)}
        cases = [case_id for case_id, _, _ in unit.cases.trails(0, 0)]
        whole = [issue(unit, case_id) for case_id in cases]
        sizes = [int(each.checkpoint.split("\n")[1]) for each in whole]
        return [
            (notes[held], issue(unit, case_id, None, held))
            for case_id, size in zip(cases, sizes, strict=True)
            for held in notes
            if held < size
        ]


def _entry(receipt: Receipt, at: int, **changes: Any) -> Receipt:
    entries = list(receipt.entries)
    entries[at] = msgspec.structs.replace(entries[at], **changes)
    return msgspec.structs.replace(receipt, entries=tuple(entries))


def _b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def bend(proof: tuple[str, ...], random: Random) -> tuple[str, ...]:
    """Return another proof: a flipped bit, a node less, more, twice or elsewhere, no hash, or no node at all."""
    nodes, at = list(proof), random.randrange(len(proof))
    flipped = bytearray(base64.b64decode(nodes[at]))
    flipped[random.randrange(32)] ^= 1 << random.randrange(8)
    forms = [
        [*nodes[:at], _b64(bytes(flipped)), *nodes[at + 1 :]],
        nodes[:at] + nodes[at + 1 :],
        [*nodes[:at], _b64(random.randbytes(32)), *nodes[at:]],
        [*nodes, nodes[at]],
        [*nodes[:at], _b64(bytes(31)), *nodes[at + 1 :]],
        [*nodes[:at], _b64(b""), *nodes[at + 1 :]],
        [*nodes[:at], "no base64 \u00fc", *nodes[at + 1 :]],
        [],
        nodes[::-1] if nodes[::-1] != nodes else [],
    ]
    return tuple(random.choice(forms))


def bent_inclusion(receipt: Receipt, random: Random, at: int) -> Receipt:
    return _entry(receipt, at, inclusion_proof=bend(receipt.entries[at].inclusion_proof, random))


def another_index(receipt: Receipt, random: Random, at: int) -> Receipt:
    index = receipt.entries[at].leaf_index
    return _entry(receipt, at, leaf_index=random.choice((index ^ 1, index + 1, index + 2**20, -1, 2**70)))


def another_salt(receipt: Receipt, random: Random, at: int) -> Receipt:
    salts = (random.randbytes(32).hex(), "", "00" * 31, "zz" * 32, receipt.entries[at].salt + "00")
    return _entry(receipt, at, salt=random.choice(salts))


def another_content(receipt: Receipt, random: Random, at: int) -> Receipt:
    value = json.loads(receipt.entries[at].event)
    value["actor"]["id"] += random.choice("abc")
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return _entry(receipt, at, event=text)


def another_checkpoint(klein: Any) -> Any:
    def forged(receipt: Receipt, random: Random, _: int) -> Receipt:
        """A true, signed checkpoint of another size: proof and size no longer belong together."""
        size = int(receipt.checkpoint.split("\n")[1])
        notes = [note for (there, note) in klein.copy().sql("SELECT tree_size, note FROM checkpoint") if there != size]
        return msgspec.structs.replace(receipt, checkpoint=random.choice(notes))

    return forged


def test_forged_inclusion_is_refused_at_its_leaf(lab: Any, klein: Any, receipts: list[Receipt]) -> None:
    forgeries = [bent_inclusion, another_index, another_salt, another_content, another_checkpoint(klein)]
    for number in range(100):
        random = Random(f"T33/{number}")
        receipt, forge = random.choice(receipts), forgeries[number % len(forgeries)]
        at = random.randrange(len(receipt.entries)) if forge is not forgeries[-1] else 0
        forged = forge(receipt, random, at)
        answer = Verifier(klein.policy, klein.chain).verify(forged)
        leaf = forged.entries[at].leaf_index
        judge(lab, "T33", answer, f"leaf {leaf}")


def test_forged_extension_is_refused(
    lab: Any, klein: Any, extended: list[tuple[str, Receipt]], found_town: Any
) -> None:
    fork = found_town("klein")  # same name and key: the operator shows somebody else another history
    fork.replay("traffic_fines", 20, 99)
    fork.sequence(8)
    fork.sequence()
    held_forks = [note for (note,) in fork.copy().sql("SELECT note FROM checkpoint")]
    for number in range(60):
        random = Random(f"T34/{number}")
        held, receipt = random.choice(extended)
        if receipt.extension is None:
            raise AssertionError
        proof = receipt.extension.consistency_proof
        if number % 3 == 0:
            held = random.choice(held_forks)
            forged = receipt
        elif number % 3 == 1 and proof:
            extension = msgspec.structs.replace(receipt.extension, consistency_proof=bend(proof, random))
            forged = msgspec.structs.replace(receipt, extension=extension)
        else:
            forged = msgspec.structs.replace(receipt, extension=None)
        judge(lab, "T34", Verifier(klein.policy, klein.chain, held).verify(forged), "")


def judge(lab: Any, kind: str, answer: Any, place: str) -> None:
    last = answer.steps[-1]
    found, named = answer.verdict is Verdict.CONTRADICTED, answer.reason == STEPS[kind]
    located = named and last.step == STEPS[kind].removeprefix("step_").replace("_", " ") and place in last.detail
    lab.count(kind, found=found, named=named, located=located)
    assert found, answer
    assert named, answer
    assert located, (place, last)


def test_true_receipts_hold(klein: Any, receipts: list[Receipt], extended: list[tuple[str, Receipt]]) -> None:
    for receipt in receipts:
        assert Verifier(klein.policy, klein.chain).verify(receipt).verdict is Verdict.FINAL
    for held, receipt in extended:
        assert Verifier(klein.policy, klein.chain, held).verify(receipt).verdict is Verdict.FINAL


def test_a_node_is_no_leaf(klein: Any) -> None:
    """T32 on a bare proof: an interior node with the upper part of a leaf's proof would lead to the root."""
    leaves = [leaf for (leaf,) in klein.copy().sql("SELECT leaf_hash FROM leaf ORDER BY leaf_index LIMIT 8")]
    level = [leaves]
    while len(level[-1]) > 1:
        level.append([node_hash(level[-1][at], level[-1][at + 1]) for at in range(0, len(level[-1]), 2)])
    root = level[-1][0]
    for index in range(8):
        proof = inclusion_proof(lambda height, number: level[height][number], index, 8)
        verify_inclusion(leaves[index], index, 8, proof, root)
        with pytest.raises(ProofError):
            verify_inclusion(level[1][index // 2], index // 2, 8, proof[1:], root)
        with pytest.raises(ProofError):
            verify_inclusion(leaf_hash(leaves[index ^ 1] + leaves[index]), index, 8, proof, root)


def test_a_bare_proof_does_not_bind_the_size(klein: Any, receipts: list[Receipt]) -> None:
    """The guard taken out: without the signed pair of size and root, many lies about the size verify."""
    passed = tried = 0
    for entry in (entry for receipt in receipts for entry in receipt.entries):
        note = next(receipt.checkpoint for receipt in receipts if entry in receipt.entries).split("\n")
        size, root = int(note[1]), base64.b64decode(note[2])
        (leaf,) = klein.copy().sql("SELECT leaf_hash FROM leaf WHERE leaf_index = ?", entry.leaf_index)[0]
        proof = [base64.b64decode(node) for node in entry.inclusion_proof]
        for lie in (size - 1, size + 1, size + 2, size + 5):
            if lie > entry.leaf_index:
                tried += 1
                try:
                    verify_inclusion(leaf, entry.leaf_index, lie, proof, root)
                except ProofError:
                    continue
                passed += 1
    assert passed > tried // 4


def test_no_receipt_makes_the_verifier_fail(klein: Any, receipts: list[Receipt]) -> None:
    """Whatever a receipt holds, there is a verdict; only a schema of tomorrow is said to be one."""
    junk: tuple[Any, ...] = ("", "\u0000", "\ud800", "é", "{}", "[" * 5_000, "1e999", "null", '{"schema":1}', "0" * 64)
    for number in range(200):
        random = Random(number)
        receipt = random.choice(receipts)
        value = msgspec.to_builtins(receipt)
        target = random.choice((value, value["entries"][0], value["anchor"]))
        name = random.choice([each for each in target if each not in ("format", "case_map_proof", "entries")])
        before = target[name]
        target[name] = random.choice(junk) if isinstance(before, str) else random.choice((-1, 0, 2**62, 2**80))
        if isinstance(before, list | tuple):
            target[name] = [random.choice(junk)] * random.randrange(4)
        try:
            spoiled = msgspec.convert(value, Receipt)
        except msgspec.ValidationError:
            continue
        verdict = Verifier(klein.policy, klein.chain).verify(spoiled).verdict
        assert verdict is not Verdict.FINAL or spoiled == receipt or name == "extension", (name, target[name])
    assert issubclass(ProofError, LedgerError)
