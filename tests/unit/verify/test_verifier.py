"""The verifier's numbered steps: each refuses on its own, in order, and a silent chain is never green."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from ledger_automation.audit.enforced import Link
from ledger_automation.errors import Contradiction, InvalidDefinition, InvalidValue, Misconfigured, Unreachable
from ledger_automation.merkle import consistency_proof, inclusion_proof, leaf_hash
from ledger_automation.merkle.tree import fold
from ledger_automation.orchestrator.transition import Intent, Recorder, Standing
from ledger_automation.tlog.case_map import EMPTY_MAP_ROOT, Head, MapLeaf, key_of
from ledger_automation.tlog.checkpoint import Checkpoint
from ledger_automation.tlog.cosignature import Cosigner
from ledger_automation.tlog.map_trie import MapTrie
from ledger_automation.tlog.note import SignerKey
from ledger_automation.tlog.receipt import (
    ABSENCE,
    FORMAT,
    Absence,
    AnchorClaim,
    Entry,
    Extension,
    Receipt,
    encode_leaf,
    encode_proof,
)
from ledger_automation.values import CaseId
from ledger_automation.verify.enforcement_audit import standing
from ledger_automation.verify.policy import Level, VerificationPolicy, parse, write
from ledger_automation.verify.signatures import _terms
from ledger_automation.verify.sources import AnchoredCheckpoint, AnchorEvidence, ChainIdentity
from ledger_automation.verify.verdict import Verdict
from ledger_automation.verify.verifier import Verifier
from ledger_automation.workflows import Actor, Command, workflow

ORIGIN = "wismar.example/ledger"
KEY, THIEF = SignerKey(ORIGIN, b"\x01" * 32), SignerKey(ORIGIN, b"\x02" * 32)
IDENTITY = ChainIdentity(31337, "0x" + "01" * 32, "0x" + "aB" * 20, "0x" + "02" * 32)
WITNESSES = [Cosigner(f"witness.example/{number}", bytes([10 + number]) * 32) for number in range(3)]
TRANSACTION = "0x" + "77" * 32
POLICY = VerificationPolicy(ORIGIN, (KEY.verifier.text,), Level.ANCHORED, IDENTITY, confirmations=2)
LOGGED = POLICY.at(Level.LOGGED)
TWO_OF_THREE = msgspec.structs.replace(
    LOGGED, witnesses=tuple(each.verifier.text for each in WITNESSES), witnesses_required=2
)


class Log:
    """One fine of three steps among other people's leaves."""

    def __init__(self) -> None:
        recorder = Recorder(ORIGIN, lambda: datetime(2026, 3, 2, tzinfo=UTC))
        standing = Standing(CaseId.random(), workflow("parking_fine"), Level.ANCHORED)
        self.steps = []
        for day, (action, role, payload) in enumerate(
            (
                ("record_fine", "clerk", {"amount": 3_500, "offence": "§ 12"}),
                ("record_payment", "finance", {"amount": 1_000}),
                ("record_payment", "finance", {"amount": 500}),
            )
        ):
            command = Command(action, Actor(f"{role}-1", role), payload)
            at = recorder.clock() + timedelta(days=day)
            step, standing = recorder.step(standing, Intent(command, at))
            self.steps.append(step)
        others = [leaf_hash(bytes([number]) * 32) for number in range(9)]
        self.leaves = [*others[:4], *(leaf_hash(step.commitment) for step in self.steps), *others[4:]]

    def node(self, level: int, number: int) -> bytes:
        return fold(self.leaves[number << level : (number + 1) << level])

    def checkpoint(self, size: int) -> Checkpoint:
        return Checkpoint(ORIGIN, size, fold(self.leaves[:size]), self.map(size).root_hash())

    def map(self, size: int) -> MapTrie:
        trie = MapTrie()
        for number, leaf in enumerate(self.leaves[:size]):
            own = 0 <= number - 4 < len(self.steps)
            case_id, sequence = (self.steps[0].event.case_id, number - 4) if own else (f"other {number}", 0)
            trie.put(MapLeaf.of(case_id, Head(sequence, leaf)))
        return trie

    def receipt(self, size: int = 10, *, steps: slice = slice(None), held: int = 0, anchored: bool = True) -> Receipt:
        entries = tuple(
            Entry(
                step.canonical.decode(), step.salt.hex(), 4 + at, encode_proof(inclusion_proof(self.node, 4 + at, size))
            )
            for at, step in list(enumerate(self.steps))[steps]
        )
        claim = AnchorClaim(IDENTITY.chain_id, IDENTITY.registry, TRANSACTION, 50, "0x" + "50" * 32)
        proof = Extension(held, encode_proof(consistency_proof(self.node, held, size))) if held else None
        whole = steps == slice(None)
        siblings = encode_proof(self.map(size).prove(key_of(self.steps[0].event.case_id))[1]) if whole else None
        return Receipt(FORMAT, entries, self.checkpoint(size).sign(KEY), siblings, claim if anchored else None, proof)


class Chain:
    """What a node would say; it is only asked, never believed, so its answers are all there is to it."""

    def __init__(self, log: Log, **changes: Any) -> None:
        checkpoint = log.checkpoint(10)
        anchored = AnchoredCheckpoint(10, checkpoint.root_hash, checkpoint.case_map_root)
        self.there = IDENTITY
        self.said: AnchorEvidence | None = msgspec.structs.replace(
            AnchorEvidence(TRANSACTION, 50, "0x" + "50" * 32, succeeded=True, anchored=anchored, confirmations=2),
            **changes,
        )

    def identity(self) -> ChainIdentity:
        return self.there

    def latest(self, origin: bytes) -> AnchoredCheckpoint | None:
        assert origin == sha256(ORIGIN.encode()).digest()
        return self.said.anchored if self.said else None

    def evidence(self, transaction: str, origin: bytes) -> AnchorEvidence | None:
        assert origin == sha256(ORIGIN.encode()).digest()
        return self.said if transaction == TRANSACTION else None


class Silent(Chain):
    def identity(self) -> ChainIdentity:
        raise Unreachable("Nobody answers.")


@pytest.fixture
def log() -> Log:
    return Log()


def test_an_honest_receipt_is_final_and_names_its_steps(log: Log) -> None:
    answer = Verifier(POLICY, Chain(log)).verify(log.receipt())
    assert (answer.verdict, answer.reason) == (Verdict.FINAL, "anchored")
    assert [step.step[0] for step in answer.steps] == ["1", "2", "3", "4", "5", "7", "8", "9"]
    assert all(step.holds for step in answer.steps)
    assert Verifier(LOGGED).verify(log.receipt(anchored=False)).verdict is Verdict.FINAL


def test_one_step_may_be_shown_alone_and_a_middle_part_may_not(log: Log) -> None:
    assert Verifier(LOGGED).verify(log.receipt(steps=slice(1, 2))).verdict is Verdict.FINAL
    assert Verifier(LOGGED).verify(log.receipt(steps=slice(1, 3))).reason == "step_4_law"
    skipping = msgspec.structs.replace(log.receipt(), entries=(log.receipt().entries[0], log.receipt().entries[2]))
    assert Verifier(LOGGED).verify(skipping).reason == "step_4_law"


def with_entry(receipt: Receipt, **changes: Any) -> Receipt:
    return msgspec.structs.replace(
        receipt, entries=(msgspec.structs.replace(receipt.entries[0], **changes), *receipt.entries[1:])
    )


def test_each_forged_part_fails_its_own_step(log: Log) -> None:
    honest = log.receipt()
    event = honest.entries[0].event
    forged = {
        "step_1_events": [
            with_entry(honest, event=json.dumps(json.loads(event))),
            with_entry(honest, event=event.replace(ORIGIN, "else.example/ledger")),
            with_entry(honest, event="{}"),
        ],
        "step_2_checkpoint": [
            msgspec.structs.replace(honest, checkpoint=log.checkpoint(10).sign(THIEF)),
            msgspec.structs.replace(honest, checkpoint=honest.checkpoint.replace("\n10\n", "\n11\n")),
            msgspec.structs.replace(honest, checkpoint=""),
        ],
        "step_3_inclusion": [
            with_entry(honest, event=event.replace("3500", "3501")),
            with_entry(honest, salt="00" * 32),
            with_entry(honest, salt="zz"),
            with_entry(honest, salt=honest.entries[0].salt.upper()),
            with_entry(honest, salt=f"{honest.entries[0].salt}\n"),
            with_entry(honest, leaf_index=5),
            with_entry(honest, leaf_index=-1),
            with_entry(honest, leaf_index=10),
            with_entry(honest, inclusion_proof=honest.entries[0].inclusion_proof[:-1]),
            with_entry(
                honest, inclusion_proof=(*honest.entries[0].inclusion_proof, base64.b64encode(b"0" * 32).decode())
            ),
            with_entry(honest, inclusion_proof=("%",)),
            msgspec.structs.replace(honest, checkpoint=log.checkpoint(9).sign(KEY)),
        ],
    }
    for reason, receipts in forged.items():
        for receipt in receipts:
            answer = Verifier(POLICY, Chain(log)).verify(receipt)
            assert (answer.verdict, answer.reason) == (Verdict.CONTRADICTED, reason)
            assert answer.steps[-1].holds is False
            assert answer.steps[-1].detail


def test_a_receipt_of_several_steps_is_of_the_whole_case(log: Log) -> None:
    """Each attack is genuine up to step 4: all its events are lawful and in the log."""
    honest = log.receipt()
    assert honest.case_map_proof
    cut = msgspec.structs.replace(honest, entries=honest.entries[:2])
    silent = msgspec.structs.replace(honest, case_map_proof=None)
    older = msgspec.structs.replace(log.receipt(7), case_map_proof=honest.case_map_proof)
    short = msgspec.structs.replace(honest, case_map_proof=honest.case_map_proof[:-1])
    for receipt in (cut, silent, older, short):
        answer = Verifier(LOGGED).verify(receipt)
        assert (answer.verdict, answer.reason) == (Verdict.CONTRADICTED, "step_5_completeness")
    last = msgspec.structs.replace(honest, entries=honest.entries[2:])
    assert Verifier(LOGGED).verify(last).reason == "step_4_law"
    step = Verifier(LOGGED).verify(log.receipt(steps=slice(0, 1)))
    assert (step.verdict, step.steps[4].holds) == (Verdict.FINAL, None)
    assert step.sentence != Verifier(LOGGED).verify(honest).sentence


def test_who_is_not_there_has_signed_nothing_at_any_level(log: Log) -> None:
    other, siblings = log.map(10).prove(key_of("nobody"))
    claim, note = log.receipt().anchor, log.checkpoint(10).sign(KEY)
    absence = Absence(ABSENCE, "nobody", encode_leaf(other), encode_proof(siblings), note, claim)
    for level in (Level.LOGGED, Level.ANCHORED, Level.ENFORCED):
        assert Verifier(POLICY.at(level), Chain(log)).verify(absence).verdict is Verdict.FINAL
    there = msgspec.structs.replace(absence, case_id=str(log.steps[0].event.case_id))
    assert Verifier(LOGGED).verify(there).reason == "step_5_absence"


def test_a_step_that_is_none_of_its_workflow_is_contradicted_and_no_accident(log: Log) -> None:
    event = log.steps[0].event
    for changes in ({"action": "dance"}, {"actor": Actor("nobody", "dancer")}):
        with pytest.raises(Contradiction, match="none of its workflow"):
            _terms(msgspec.structs.replace(event, **changes))
    with pytest.raises(Contradiction, match="state is none"):
        standing(msgspec.structs.replace(event, to_state="asleep"), Link())


def test_a_held_checkpoint_must_be_extended(log: Log) -> None:
    held = log.checkpoint(6).sign(KEY)
    assert Verifier(LOGGED, held=held).verify(log.receipt(held=6)).verdict is Verdict.FINAL
    assert Verifier(LOGGED, held=log.checkpoint(10).sign(KEY)).verify(log.receipt()).verdict is Verdict.FINAL
    fork = Checkpoint(ORIGIN, 6, b"\x09" * 32, EMPTY_MAP_ROOT).sign(KEY)
    for note, receipt in (
        (held, log.receipt()),
        (fork, log.receipt(held=6)),
        (log.checkpoint(6).sign(THIEF), log.receipt(held=6)),
        (Checkpoint(ORIGIN, 10, b"\x09" * 32, EMPTY_MAP_ROOT).sign(KEY), log.receipt()),
    ):
        assert Verifier(LOGGED, held=note).verify(receipt).reason == "step_6_extension"


def test_an_anchor_counts_only_where_the_pinned_contract_says_so(log: Log) -> None:
    other = AnchoredCheckpoint(10, b"\x09" * 32, EMPTY_MAP_ROOT)
    for changes in (
        {"succeeded": False, "anchored": None},
        {"anchored": None},
        {"anchored": other},
        {"block_number": 51},
        {"block_hash": "0x" + "51" * 32},
    ):
        answer = Verifier(POLICY, Chain(log, **changes)).verify(log.receipt())
        assert (answer.verdict, answer.reason) == (Verdict.CONTRADICTED, "step_8_anchor")
    for claimed in ({"chain_id": 1}, {"registry": "0x" + "11" * 20}, {"transaction": "0x" + "00" * 32}):
        receipt = log.receipt()
        claim = msgspec.structs.replace(receipt.anchor, **claimed)  # type: ignore[type-var]
        answer = Verifier(POLICY, Chain(log)).verify(msgspec.structs.replace(receipt, anchor=claim))
        assert answer.reason == "step_8_anchor"


def test_what_is_not_final_yet_is_pending_and_what_is_silent_is_unreachable(log: Log) -> None:
    assert Verifier(POLICY, Chain(log)).verify(log.receipt(anchored=False)).reason == "not_anchored"
    waiting = Verifier(POLICY, Chain(log, confirmations=1)).verify(log.receipt())
    assert (waiting.verdict, waiting.reason) == (Verdict.PENDING, "not_final")
    for chain in (None, Silent(log)):
        answer = Verifier(POLICY, chain).verify(log.receipt())
        assert (answer.verdict, answer.reason) == (Verdict.UNREACHABLE, "chain_unreachable")
        assert answer.steps[-1].holds is None
        forged = with_entry(log.receipt(), salt="00" * 32)
        assert Verifier(POLICY, chain).verify(forged).verdict is Verdict.CONTRADICTED


def test_another_chain_than_the_pinned_one_is_a_mistake_of_the_setting(log: Log) -> None:
    chain = Chain(log)
    chain.there = msgspec.structs.replace(IDENTITY, genesis_hash="0x" + "09" * 32)
    with pytest.raises(Misconfigured):
        Verifier(POLICY, chain).verify(log.receipt())


def test_a_policy_is_read_strictly() -> None:
    assert parse(write(POLICY)) == POLICY
    honest = json.loads(write(POLICY))
    for changes in (
        {"level": "certain"},
        {"confirmations": 0},
        {"log_keys": "x"},
        {"trust": "everybody"},
        {"chain": None},
        {"chain": {"chain_id": 1}},
    ):
        with pytest.raises(InvalidDefinition):
            parse(json.dumps({**honest, **changes}).encode())
    with pytest.raises(InvalidDefinition):
        msgspec.structs.replace(LOGGED, chain=None).at(Level.ANCHORED)


def cosigned(receipt: Receipt, *witnesses: Cosigner, over: str = "") -> Receipt:
    text = over or receipt.checkpoint.partition("\n\n")[0] + "\n"
    lines = "".join(each.cosign(text, 1_700_000_000 + number) for number, each in enumerate(witnesses))
    return msgspec.structs.replace(receipt, checkpoint=receipt.checkpoint + lines)


def test_two_different_witnesses_of_three_are_enough_and_fewer_leave_it_pending(log: Log) -> None:
    one, two, three = WITNESSES
    stranger = Cosigner("witness.example/9", b"\x77" * 32)
    for those in ((one, two), (three, one), (one, two, three), (stranger, two, three)):
        answer = Verifier(TWO_OF_THREE).verify(cosigned(log.receipt(), *those))
        assert (answer.verdict, answer.reason, answer.steps[-1].step) == (Verdict.FINAL, "logged", "11 witnesses")
        assert answer.steps[-1].holds
    for those in ((), (one,), (two, two, two), (one, stranger), (stranger, stranger)):
        answer = Verifier(TWO_OF_THREE).verify(cosigned(log.receipt(), *those))
        assert (answer.verdict, answer.reason) == (Verdict.PENDING, "not_witnessed")
        assert answer.steps[-1].holds is None
        assert f"{len({*those} - {stranger})} of the 2" in answer.steps[-1].detail


def test_a_policy_without_witnesses_asks_for_none_and_one_on_chain_asks_for_both(log: Log) -> None:
    assert Verifier(LOGGED).verify(cosigned(log.receipt(), WITNESSES[0])).steps[-1].step == "5 completeness"
    both = msgspec.structs.replace(TWO_OF_THREE, level=Level.ANCHORED)
    assert Verifier(both, Chain(log)).verify(log.receipt()).reason == "not_witnessed"
    assert Verifier(both, Chain(log)).verify(cosigned(log.receipt(), *WITNESSES)).verdict is Verdict.FINAL
    assert Verifier(both, Chain(log)).verify(cosigned(log.receipt(anchored=False), *WITNESSES)).reason == "not_anchored"
    assert Verifier(both).verify(cosigned(log.receipt(), *WITNESSES)).reason == "chain_unreachable"


def test_a_wrong_cosignature_of_a_pinned_witness_contradicts_however_many_others_are_right(log: Log) -> None:
    other = log.checkpoint(9).text()
    for witness in WITNESSES:
        receipt = cosigned(cosigned(log.receipt(), *WITNESSES), witness, over=other)
        for policy in (TWO_OF_THREE, msgspec.structs.replace(TWO_OF_THREE, witnesses_required=0)):
            answer = Verifier(policy).verify(receipt)
            assert (answer.verdict, answer.reason) == (Verdict.CONTRADICTED, "step_2_checkpoint")
        assert Verifier(LOGGED).verify(receipt).verdict is Verdict.FINAL, "who pins no witness has nobody to ask"


def test_a_cosignature_counts_for_no_log_key_and_a_log_key_for_no_witness(log: Log) -> None:
    unsigned = log.receipt().checkpoint.partition("\n\n")[0] + "\n"
    alone = msgspec.structs.replace(log.receipt(), checkpoint=f"{unsigned}\n")
    assert Verifier(TWO_OF_THREE).verify(cosigned(alone, *WITNESSES, over=unsigned)).reason == "step_2_checkpoint"
    twice = msgspec.structs.replace(
        TWO_OF_THREE, witnesses=(*TWO_OF_THREE.witnesses, Cosigner("another.name", b"\x0a" * 32).verifier.text)
    )
    renamed = cosigned(log.receipt(), WITNESSES[0], Cosigner("another.name", b"\x0a" * 32))
    assert Verifier(twice).verify(renamed).reason == "not_witnessed", "one key under two names is one witness"


def test_a_policy_with_nodes_is_read_strictly() -> None:
    urls = ("https://one.example/key", "http://127.0.0.1:8545")
    two = msgspec.structs.replace(POLICY, nodes=urls, nodes_required=2)
    assert parse(write(two)) == two
    assert parse(write(msgspec.structs.replace(POLICY, nodes_required=2))).nodes == (), "of those that the reader names"
    honest = json.loads(write(two))
    for changes, sentence in (
        ({"nodes_required": 3}, "The policy asks that 3 nodes agree and names 2."),
        ({"nodes_required": -1}, "The policy cannot be read"),
        ({"nodes": [urls[0], urls[0]]}, "The policy names one node twice."),
        ({"nodes": [urls[0], "ftp://one.example"]}, "no http or https URL"),
        ({"nodes": [urls[0], "one.example"]}, "no http or https URL"),
        ({"nodes": [urls[0], "http:///x"]}, "no http or https URL"),
        ({"level": "logged", "chain": None}, "The policy asks for nodes but pins no chain."),
        ({"level": "logged", "chain": None, "nodes": []}, "The policy asks for nodes but pins no chain."),
    ):
        with pytest.raises(InvalidDefinition, match=re.escape(sentence)):
            parse(json.dumps({**honest, **changes}).encode())


def test_a_policy_with_witnesses_is_read_strictly() -> None:
    assert parse(write(TWO_OF_THREE)) == TWO_OF_THREE
    honest = json.loads(write(TWO_OF_THREE))
    names = [each.verifier.text for each in WITNESSES]
    for changes in (
        {"witnesses_required": 4},
        {"witnesses_required": -1},
        {"witnesses_required": 1, "witnesses": []},
        {"witnesses": [*names, names[0]]},
        {"witnesses": [*names, Cosigner("another.name", b"\x0a" * 32).verifier.text]},
        {"witnesses": [*names, Cosigner(ORIGIN, b"\x01" * 32).verifier.text]},
    ):
        with pytest.raises(InvalidDefinition):
            parse(json.dumps({**honest, **changes}).encode())
    for text in ("x", KEY.verifier.text, names[0].replace("+B", "+A")):
        with pytest.raises(InvalidValue):
            parse(json.dumps({**honest, "witnesses": [*names, text]}).encode())
