"""A published log, checked from its files and one chain: what is named, what is refused, and what is never green."""

from random import Random
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest

from ledger_automation.errors import Contradiction, Misconfigured
from ledger_automation.tlog.cosignature import Cosigner
from ledger_automation.verify.policy import Level
from ledger_automation.verify.published import LogChecker, LogVerdict
from ledger_automation.verify.verdict import Verdict
from support.tiled import ANCHORED, IDENTITY, LOGGED, THIEF, Chain, Silent, TiledLog, fetching

LOG = TiledLog(66_000)
SIZE = 66_000
FILES = LOG.files(SIZE)
SMALL = LOG.files(600)


def check(files: dict[str, bytes], chain: Any = None, *held: str, **changes: Any) -> LogVerdict:
    policy = msgspec.structs.replace(ANCHORED if chain else LOGGED, **changes)
    return LogChecker(policy, chain, held).check(fetching(files))


def test_an_honest_log_is_final_and_every_file_of_it_was_read() -> None:
    asked: list[str] = []
    answer = LogChecker(LOGGED).check(fetching(FILES, asked))
    assert (answer.verdict, answer.reason, answer.findings) == (Verdict.FINAL, "logged", ())
    assert (answer.tree_size, answer.root_hash) == (SIZE, LOG.root(SIZE))
    assert sorted(asked) == sorted(FILES), "each once"


def test_on_the_chain_too_it_is_final_and_names_its_steps() -> None:
    answer = check(SMALL, Chain(LOG.anchored(600)), LOG.note(0), LOG.note(1), LOG.note(599), LOG.note(600))
    assert (answer.verdict, answer.reason, answer.anchored_size) == (Verdict.FINAL, "anchored", 600)
    assert [step.step[0] for step in answer.steps] == ["1", "2", "3", "3", "3", "3", "4", "5", "6", "7"]
    assert all(step.holds for step in answer.steps)


def test_any_changed_octet_is_found_and_its_file_named() -> None:
    random, caught = Random(7), 0
    for path in sorted(set(SMALL) - {"checkpoint"}) * 15:
        octets = bytearray(SMALL[path])
        octets[random.randrange(len(octets))] ^= 1 << random.randrange(8)
        answer = check({**SMALL, path: bytes(octets)})
        assert answer.verdict is Verdict.CONTRADICTED
        assert path in str(answer.findings[0].column)
        assert answer.findings[0].tampering == "T31"
        caught += 1
    assert caught == 7 * 15


def test_all_flaws_are_named_each_file_once() -> None:
    bad = {path: FILES[path][:40] + b"\x00" + FILES[path][41:] for path in ("tile/0/003", "tile/entries/200")}
    answer = check({**FILES, **bad})
    assert {each.column for each in answer.findings} == bad.keys()
    above = check({**FILES, "tile/1/000": FILES["tile/1/000"][::-1]})
    assert [each.column for each in above.findings] == ["tile/1/000"], "not the 256 tiles under it"


def test_a_truncated_or_overlong_file_is_a_flaw() -> None:
    for octets in (b"", FILES["tile/0/000"][:-1], FILES["tile/0/000"] + b"\x00", b"\x00" * 100_000):
        assert check({**FILES, "tile/0/000": octets}).findings[0].column == "tile/0/000"


@pytest.mark.parametrize("path", [*SMALL])
def test_a_missing_file_is_unreachable_and_never_green(path: str) -> None:
    files = {name: octets for name, octets in SMALL.items() if name != path}
    answer = check(files)
    assert (answer.verdict, answer.reason) == (Verdict.UNREACHABLE, "source_unreachable")
    assert path in answer.steps[-1].detail


def test_a_missing_file_hides_no_bad_one() -> None:
    files = {**FILES, "tile/entries/200": b""}
    del files["tile/0/003"]
    assert check(files).verdict is Verdict.CONTRADICTED


@pytest.mark.parametrize(
    "note",
    [LOG.note(600, THIEF), "", "\n\n", LOG.note(600).replace("600", "601"), LOG.note(600)[:-1], "wismar\n600\n"],
)  # fmt: skip
def test_a_checkpoint_that_the_pinned_key_did_not_sign_is_refused(note: str) -> None:
    answer = check({**SMALL, "checkpoint": note.encode()})
    assert (answer.verdict, answer.reason) == (Verdict.CONTRADICTED, "step_1_checkpoint")
    assert [each.tampering for each in answer.findings] == ["T40"]


def test_a_checkpoint_that_is_not_text_is_refused() -> None:
    assert check({**SMALL, "checkpoint": b"\xff\xfe"}).reason == "step_1_checkpoint"


def test_a_true_checkpoint_over_tiles_of_another_size_is_refused() -> None:
    answer = check({**SMALL, "checkpoint": LOG.note(599).encode(), "tile/0/002.p/87": SMALL["tile/0/002.p/88"]})
    assert answer.reason == "step_2_edge"


@pytest.mark.parametrize("held", [1, 255, 256, 257, 512, 599, 600])
def test_another_history_is_refused_by_whoever_holds_a_checkpoint(held: int) -> None:
    forged = TiledLog(600, changed=[0])
    answer = check(forged.files(600), None, LOG.note(held))
    assert (answer.verdict, answer.reason) == (Verdict.CONTRADICTED, "step_3_extension")
    assert answer.findings[0].tampering == ("T37" if held == 600 else "T36"), "of one size it is a split view"
    assert check(forged.files(600)).verdict is Verdict.FINAL, "which nobody can know without a checkpoint"


def test_a_checkpoint_that_the_log_was_led_past_lies_between_two_that_fit() -> None:
    forged = TiledLog(600, changed=[0]).note(300)
    for held, kind in (((255, 512), "T38"), ((512, 600), "T38"), ((1, 255), "T36"), ((), "T36")):
        for order in (1, -1):
            answer = check(SMALL, None, *[forged, *(LOG.note(size) for size in held)][::order])
            (finding,) = answer.findings
            assert (answer.verdict, finding.tampering, finding.leaf_index) == (Verdict.CONTRADICTED, kind, 300)


def test_a_proved_fork_is_not_hidden_by_what_cannot_be_read() -> None:
    forged = TiledLog(700, changed=[0])
    files = forged.files(700)
    gone = {path: octets for path, octets in files.items() if path != "tile/0/001"}
    for shown, held in ((gone, LOG.note(300)), ({**files, "tile/0/001": b""}, LOG.note(300)), (files, "junk")):
        for notes in ((LOG.note(100), held), (held, LOG.note(100))):
            answer = check(shown, None, *notes)
            (finding,) = answer.findings
            assert (answer.verdict, finding.tampering, finding.leaf_index) == (Verdict.CONTRADICTED, "T36", 100)
    assert check(gone, None, LOG.note(300)).verdict is Verdict.UNREACHABLE, "nothing is proved by it alone"


def test_nodes_that_contradict_each_other_are_a_step() -> None:
    lying = Chain(LOG.anchored(600))
    lying.identity = Mock(side_effect=Contradiction("They differ.", tampering="T45"))  # type: ignore[method-assign]
    answer = check(SMALL, lying)
    assert (answer.verdict, answer.reason, answer.findings[0].tampering) == (
        Verdict.CONTRADICTED,
        "step_5_chain",
        "T45",
    )


def test_a_log_that_was_cut_off_is_refused_by_whoever_holds_a_longer_one() -> None:
    answer = check(SMALL, None, LOG.note(601))
    assert (answer.reason, answer.findings[0].tampering) == ("step_3_extension", "T21")


def test_a_held_note_of_another_key_is_no_note() -> None:
    assert check(SMALL, None, LOG.note(5, THIEF)).reason == "step_3_extension"


@pytest.mark.parametrize(
    ("chain", "verdict", "reason"),
    [
        (Chain(None), Verdict.PENDING, "not_anchored"),
        (Chain(LOG.anchored(1)), Verdict.PENDING, "not_anchored"),
        (Chain(LOG.anchored(599)), Verdict.PENDING, "not_anchored"),
        (Chain(LOG.anchored(600), LOG.anchored(599)), Verdict.PENDING, "not_final"),
        (Chain(LOG.anchored(600), None), Verdict.PENDING, "not_final"),
        (Chain(LOG.anchored(601)), Verdict.CONTRADICTED, "step_6_anchor"),
        (Chain(TiledLog(600, [599]).anchored(600)), Verdict.CONTRADICTED, "step_6_anchor"),
        (Chain(TiledLog(600, [0]).anchored(1)), Verdict.CONTRADICTED, "step_6_anchor"),
        (Chain(LOG.anchored(600), TiledLog(600, [0]).anchored(600)), Verdict.CONTRADICTED, "step_6_anchor"),
        (Silent(None), Verdict.UNREACHABLE, "source_unreachable"),
    ],
)
def test_the_chain_must_hold_a_beginning_of_the_log(chain: Chain, verdict: Verdict, reason: str) -> None:
    answer = check(SMALL, chain)
    assert (answer.verdict, answer.reason) == (verdict, reason)


def test_a_silent_chain_hides_no_bad_tile() -> None:
    answer = check({**SMALL, "tile/entries/000": b""}, Silent(None))
    assert (answer.verdict, answer.reason) == (Verdict.CONTRADICTED, "step_4_tiles")


def test_another_case_map_on_the_chain_is_refused() -> None:
    chain = Chain(msgspec.structs.replace(LOG.anchored(600), case_map_root=b"\x07" * 32))
    assert check(SMALL, chain).reason == "step_6_anchor"


def test_without_a_chain_to_ask_an_anchor_is_never_green() -> None:
    for level in (Level.ANCHORED, Level.ENFORCED):
        assert LogChecker(ANCHORED.at(level)).check(fetching(SMALL)).verdict is Verdict.UNREACHABLE


def test_another_chain_than_the_pinned_one_is_misconfigured() -> None:
    chain = Chain(LOG.anchored(600))
    chain.there = msgspec.structs.replace(IDENTITY, registry_code_hash="0x" + "00" * 32)
    with pytest.raises(Misconfigured):
        check(SMALL, chain)


def test_what_is_published_and_anchored_while_it_is_read_is_no_log_that_was_cut_off() -> None:
    """The chain is asked before the checkpoint is fetched: growing in between is seen as growth."""
    said = LOG.files(600)
    chain = Chain(LOG.anchored(600))

    def fetch(path: str) -> bytes:
        chain.said = LOG.anchored(700)
        return said[path]

    answer = LogChecker(ANCHORED, chain).check(fetch)
    assert answer.verdict is Verdict.FINAL


def test_one_checker_starts_anew_each_time() -> None:
    checker = LogChecker(LOGGED)
    assert checker.check(fetching({**SMALL, "tile/entries/000": b""})).findings
    again = checker.check(fetching(SMALL))
    assert (again.verdict, again.findings) == (Verdict.FINAL, ())
    assert len(again.steps) == 3


def test_too_few_witnesses_are_never_green_and_a_wrong_one_contradicts() -> None:
    one, two = Cosigner("witness.example/1", b"\x02" * 32), Cosigner("witness.example/2", b"\x03" * 32)
    pinned = {"witnesses": (one.verifier.text, two.verifier.text), "witnesses_required": 2}
    note = LOG.note(600)
    text = note.split("\n\n")[0] + "\n"
    lines = [each.cosign(text, 1_700_000_000) for each in (one, two)]
    wrong = one.cosign(text.replace("600", "601"), 1_700_000_000)
    for shown, verdict in (
        (note, Verdict.PENDING),
        (note + lines[0], Verdict.PENDING),
        (note + lines[0] + lines[1], Verdict.FINAL),
        (note + wrong + lines[1], Verdict.CONTRADICTED),
    ):
        answer = check({**SMALL, "checkpoint": shown.encode()}, None, **pinned)
        assert answer.verdict is verdict, answer
    assert check(SMALL, Chain(LOG.anchored(600)), **pinned).reason == "not_witnessed"
