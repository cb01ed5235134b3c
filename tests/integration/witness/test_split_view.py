"""The drill: an operator with the log's key keeps two logs, and shows one to each of two readers.

Without witnesses both readers are told "final", and nothing that either of them holds says otherwise. With two of three
witnesses required, at most one of the two logs is ever cosigned enough, however the operator deals them out; the reader
of the other one is told so from the first interval on, and so is the operator's own journal.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import permutations, product
from pathlib import Path

import msgspec
import pytest

from ledger_automation.bootstrap import Ledger, open_ledger
from ledger_automation.orchestrator.cosign import WitnessRound
from ledger_automation.orchestrator.receipt import issue
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.settings import Settings
from ledger_automation.tlog.receipt import Receipt
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.verdict import Verdict
from ledger_automation.verify.verifier import Verifier
from ledger_automation.witness import home
from support.towns import Town
from support.witnesses import Witnesses

SHARED, OWN = 3, 2


class Side:
    """One of the two logs, and the reader that it is shown to."""

    def __init__(self, ledger: Ledger, witnesses: Witnesses) -> None:
        self.town = Town(ledger)
        self.ledger = ledger
        self._witnesses = witnesses
        self.case: CaseId | None = None

    def grow(self, fines: int) -> None:
        self.case = [self.town.fine() for _ in range(fines)][-1]
        assert sequence(self.ledger.begin, self.ledger.recorder, self.ledger.key) is not None

    def interval(self, *numbers: int) -> list[str]:
        """One round to some witnesses; return what the journal would say."""
        if not numbers:
            return []
        pinned, clock = self._witnesses.pinned(*numbers), self.ledger.recorder.clock
        visits = WitnessRound(self.ledger.begin, self.ledger.read, pinned, self._witnesses, clock).go()
        return [each.alarm.sentence for each in visits if each.alarm is not None]

    def receipt(self) -> Receipt:
        assert self.case is not None
        with self.ledger.read() as unit:
            return issue(unit, self.case)


class Drill:
    """Two logs of one name and one key, alike up to a size; three witnesses, and the policy of the readers."""

    def __init__(self, stack: ExitStack, place: Path) -> None:
        first = stack.enter_context(open_ledger(Settings(home=place / "first")))
        self.witnesses = Witnesses(place / "witnesses", first.key)
        self.one = Side(first, self.witnesses)
        self.one.grow(SHARED)
        shutil.copytree(place / "first", place / "second")
        second = stack.enter_context(open_ledger(Settings(home=place / "second")))
        self.two = Side(second, self.witnesses)
        keys = tuple(self.witnesses.key(number).text for number in range(3))
        self.policy = VerificationPolicy(first.settings.origin, (first.key.verifier.text,), Level.LOGGED)
        self.strict = msgspec.structs.replace(self.policy, witnesses=keys, witnesses_required=2)

    def read(self, policy: VerificationPolicy) -> list[tuple[Verdict, str]]:
        """What each reader is told of his own receipt."""
        answers = [Verifier(policy).verify(side.receipt()) for side in (self.one, self.two)]
        return [(each.verdict, each.reason) for each in answers]


@pytest.fixture
def drill(tmp_path: Path) -> Iterator[Drill]:
    with ExitStack() as stack:
        made = Drill(stack, tmp_path)
        made.one.grow(OWN)
        made.two.grow(OWN)
        yield made


FINAL, ALONE = (Verdict.FINAL, "logged"), (Verdict.PENDING, "not_witnessed")


def test_without_witnesses_both_readers_are_told_that_all_is_well(drill: Drill) -> None:
    assert drill.read(drill.policy) == [FINAL, FINAL]
    one, two = drill.one.receipt(), drill.two.receipt()
    sizes = {each.checkpoint.split("\n")[1] for each in (one, two)}
    roots = {each.checkpoint.split("\n")[2] for each in (one, two)}
    assert (len(sizes), len(roots)) == (1, 2), "two logs of one size"


@pytest.mark.parametrize("dealt", list(product((1, 2), repeat=3)))
def test_however_the_witnesses_are_dealt_out_at_most_one_log_is_cosigned_enough(
    drill: Drill, dealt: tuple[int, ...]
) -> None:
    """Each witness is shown one log first, and then both of them; one interval is one round."""
    assert drill.read(drill.strict) == [ALONE, ALONE]
    for side, mine in ((drill.one, 1), (drill.two, 2)):
        assert side.interval(*(number for number, whose in enumerate(dealt) if whose == mine)) == []
    told = drill.one.interval(0, 1, 2) + drill.two.interval(0, 1, 2)
    verdicts = drill.read(drill.strict)
    assert sorted(verdicts) == sorted([FINAL, ALONE])
    assert verdicts[0] == (FINAL if dealt.count(1) >= 2 else ALONE)
    assert len(told) == 3, "each witness is asked for the other log, too, and says no"
    assert all("two logs" in sentence for sentence in told)
    assert all(home.memory(place).splits() for place in drill.witnesses.places), "and has the proof of it"


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_log_that_grows_on_is_not_cosigned_later_either(drill: Drill, order: tuple[int, ...]) -> None:
    first, *rest = order
    drill.two.interval(first)
    drill.one.interval(*rest)
    for _ in range(3):
        drill.one.grow(1)
        drill.two.grow(2)
        drill.one.interval(0, 1, 2)
        told = drill.two.interval(0, 1, 2)
        assert len([sentence for sentence in told if "two logs" in sentence or "longer log" in sentence]) == 2
        assert drill.read(drill.strict) == [FINAL, ALONE]


def test_a_witness_that_lies_makes_both_possible_where_two_of_three_are_enough(drill: Drill) -> None:
    """What a number of witnesses is worth: any two quorums must share an honest one (docs/spec/cosignature.md)."""
    liar = drill.witnesses.places[2]
    before = (liar / "witness.sqlite").read_bytes()
    assert drill.one.interval(0, 2) == []
    (liar / "witness.sqlite").write_bytes(before)
    assert drill.two.interval(1, 2) == []
    assert drill.read(drill.strict) == [FINAL, FINAL]
    three = msgspec.structs.replace(drill.strict, witnesses_required=3)
    drill.one.interval(1)
    drill.two.interval(0)
    assert drill.read(three) == [ALONE, ALONE], "with one liar among three, all three are needed"


def test_cosignatures_of_one_log_do_not_fit_the_other(drill: Drill) -> None:
    drill.one.interval(0, 1, 2)
    lines = drill.one.receipt().checkpoint.partition("\n\n")[2].split("\n", 1)[1]
    receipt = drill.two.receipt()
    forged = msgspec.structs.replace(receipt, checkpoint=receipt.checkpoint + lines)
    answer = Verifier(drill.strict).verify(forged)
    assert (answer.verdict, answer.reason) == (Verdict.CONTRADICTED, "step_2_checkpoint")
