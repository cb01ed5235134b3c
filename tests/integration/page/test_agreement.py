"""The two verifiers say the same of every receipt: the same verdict, the same reason, the same steps.

`make pages` asks 5,000 mutants and writes down what they were; the default run asks a sample.
"""

import json
import os
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from ledger_automation.tlog.cosignature import Cosigner
from ledger_automation.tlog.note import signature_line
from ledger_automation.verify.policy import Level
from support.archive import CLAIM, POLICY, THIEF, Archive, Receipt
from support.browser import Answer, Question, page_says, program_says
from support.receipt_mutants import MUTATIONS, Bench, Mutant, mutants, written

SAMPLE = int(os.environ.get("PAGE_MUTANTS", "600"))
FILE = os.environ.get("PAGE_FILE", "")
SEED = 20_26


def octets(receipt: Receipt) -> bytes:
    return json.dumps(receipt, ensure_ascii=False).encode()


def short(answer: Answer) -> str:
    return str(answer.get("error") or f"{answer['verdict']} {answer['reason']}")


def test_every_honest_receipt_is_final_to_both(archived: Bench, open_page: Any) -> None:
    questions = [Question(octets(each)) for each in archived.honest]
    answers = page_says(open_page(), questions)
    assert answers == [program_says(POLICY, each) for each in questions]
    assert {short(each) for each in answers} == {"final logged"}
    workflows = {json.loads(each["entries"][0]["event"])["workflow"] for each in archived.honest}
    assert workflows == {"log", "parking_fine", "permit", "subsidy"}


def test_both_say_the_same_of_every_mutant(archived: Bench, open_page: Any) -> None:
    asked = list(mutants(archived, SAMPLE, SEED))
    page = page_says(open_page(), [each.question for each in asked])
    program = [program_says(POLICY, each.question) for each in asked]
    differing = [each for each in zip(asked, page, program, strict=True) if each[1] != each[2]]
    assert differing == []
    outcomes = Counter(map(short, program))
    assert {"UnreadableFile", "Misconfigured", "unreachable chain_unreachable", "pending not_anchored"} <= set(outcomes)
    reasons = {each.rpartition(" ")[2] for each in outcomes if each.startswith("contradicted")}
    assert len(reasons) == 7, reasons  # every step that asks no chain is the one that fails, somewhere
    unchanged = program_says(POLICY, Question(octets(archived.honest[0])))
    assert short(unchanged) == "final logged"
    if FILE:
        write_down(archived, asked, program)


def write_down(archived: Bench, asked: list[Mutant], program: list[Answer]) -> None:
    honest = [*map(written, archived.honest)]
    changed = {each.question.receipt for each in asked}.difference(honest)
    kinds = {
        kind: dict(
            sorted(Counter(short(said) for each, said in zip(asked, program, strict=True) if each.kind == kind).items())
        )
        for kind in sorted(MUTATIONS)
    }
    figures = {
        "asked": len(asked),
        "different changed receipts": len(changed),
        "seed": SEED,
        "disagreements": 0,
        "outcomes by kind": kinds,
    }
    Path(FILE).write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


def test_a_held_checkpoint_must_be_one_of_the_log_and_be_extended(archived: Bench, open_page: Any) -> None:
    log = archived.archive
    case = next(iter(log.cases().values()))
    half = log.size // 2
    fork = Archive(log.filed[: half - 1] + [None] * 2, Random(3))
    questions = [
        Question(octets(log.receipt(case, held=half)), held=log.note(half)),
        Question(octets(log.receipt(case)), held=log.note(log.size)),
        Question(octets(log.receipt(case)), held=log.note(half)),
        Question(octets(log.receipt(case, held=half)), held=fork.note(half)),
    ]
    answers = page_says(open_page(), questions)
    assert answers == [program_says(POLICY, each) for each in questions]
    said = ["final logged", "final logged", "contradicted step_6_extension", "contradicted step_6_extension"]
    assert [short(each) for each in answers] == said
    strangers = [Question(questions[0].receipt, held=each) for each in ("", "hello", "{}", log.note(half, THIEF))]
    assert {short(each) for each in page_says(open_page(), strangers)} == {"UnreadableFile"}
    earlier = octets(log.receipt(case, log.size)).decode()
    assert [short(each) for each in page_says(open_page(), [Question(questions[1].receipt, held=earlier)])] == said[:1]


def test_a_payload_may_nest_64_levels_and_no_more(archived: Bench, open_page: Any) -> None:
    """Of a step that is not the first the law says nothing, so that its form alone decides."""
    event = json.loads(archived.honest[0]["entries"][1]["event"])
    said = []
    for levels in (64, 65):
        payload: Any = {}
        for _ in range(levels - 1):
            payload = {"a": payload}
        receipt = dict(archived.honest[0], entries=[dict(archived.honest[0]["entries"][1])], case_map_proof=None)
        text = json.dumps({**event, "payload": payload}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        receipt["entries"][0]["event"] = text
        question = Question(octets(receipt))
        (answer,) = page_says(open_page(), [question])
        assert answer == program_says(POLICY, question)
        said.append(short(answer))
    assert said == ["contradicted step_3_inclusion", "contradicted step_1_events"]


def test_a_case_that_is_not_there_is_proved_absent_to_both(archived: Bench, open_page: Any) -> None:
    log = archived.archive
    absent = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(40)]
    questions = [Question(octets(log.absence(each, size))) for each in absent for size in (1, 2, log.size)]
    questions += [Question(octets(log.absence(each))) for each in log.cases()]
    answers = page_says(open_page(), questions)
    assert answers == [program_says(POLICY, each) for each in questions]
    assert [short(each) for each in answers[:120]] == ["final logged"] * 120
    assert {short(each) for each in answers[120:]} == {"contradicted step_5_absence"}


def test_what_was_erased_by_a_decision_is_erased_to_both(archived: Bench, open_page: Any) -> None:
    log = archived.archive
    receipts = []
    for (case_id, sequence), decision in log.decisions().items():
        case = log.cases()[case_id]
        receipts.append(log.erased(case, range(len(case)) if sequence is None else [sequence], [decision]))
    undecided = [{**each, "erasure": {**each["erasure"], "decisions": []}} for each in receipts]
    questions = [Question(octets(each)) for each in (*receipts, *undecided)]
    answers = page_says(open_page(), questions)
    assert answers == [program_says(POLICY, each) for each in questions]
    said = ["erased erased_logged"] * len(receipts) + ["contradicted step_4_law"] * len(receipts)
    assert [short(each) for each in answers] == said


WITNESSES = [Cosigner(f"witness-{number}.example", bytes([number]) * 32) for number in (5, 6, 7)]
PINNED = tuple(each.verifier.text for each in WITNESSES)
MOMENT = 1_780_000_000


def cosigned(note: str, *witnesses: Cosigner, moment: int = MOMENT) -> str:
    text = note.rpartition("\n\n")[0] + "\n"
    return note + "".join(each.cosign(text, moment) for each in witnesses)


def test_witnesses_are_counted_alike(archived: Bench, open_page: Any) -> None:
    policy = replace(POLICY, witnesses=PINNED, witnesses_required=2)
    honest, (one, two, three) = archived.honest[0], WITNESSES
    note, stranger = honest["checkpoint"], Cosigner("stranger.example", b"\x09" * 32)
    notes = {
        "pending not_witnessed": [note, cosigned(note, one), cosigned(note, one, one), cosigned(note, one, stranger)],
        "final logged": [cosigned(note, one, two), cosigned(note, *WITNESSES, moment=0), cosigned(note, three, one)],
    }
    forged = [
        cosigned(note, one, two)[:-4] + "AA=\n",
        cosigned(note, one) + cosigned(note.replace("case-map", "case map"), two).rpartition("\n\n")[2],
        note + _line(one, b"\x80" + bytes(71)),
        note + _line(one, bytes(64)),
        note + _line(one, bytes(8)),
    ]
    notes["contradicted step_2_checkpoint"] = forged
    for expected, found in notes.items():
        questions = [Question(octets({**honest, "checkpoint": each})) for each in found]
        answers = page_says(open_page(policy), questions)
        assert answers == [program_says(policy, each) for each in questions]
        assert [short(each) for each in answers] == [expected] * len(found)


def _line(witness: Cosigner, octets_of_it: bytes) -> str:
    return signature_line(witness.verifier.name, witness.verifier.key_id, octets_of_it)


@pytest.mark.parametrize("level", [Level.ANCHORED, Level.ENFORCED])
def test_without_a_node_an_anchor_is_neither_good_nor_bad(archived: Bench, open_page: Any, level: Level) -> None:
    question = Question(octets({**archived.honest[0], "anchor": CLAIM}), level)
    (answer,) = page_says(open_page(), [question])
    assert answer == program_says(POLICY, question)
    assert short(answer) == "unreachable chain_unreachable"
