"""Linkability: how well an observer tells from public data alone which events are of one case, or one person's doing.

Two items are unlinkable if an observer can tell no better than before whether they are related (Pfitzmann and Hansen,
"A terminology for talking about privacy by data minimization", 2010, section 4). So the observer is put to a test: of
two pairs, one related and one not, he names the related one by a score. How often he is right is the area under the ROC
curve of that score (Hanley and McNeil, "The meaning and use of the area under a receiver operating characteristic
curve", Radiology 143, 1982): 0.5 is a coin, 1.0 is certainty; a draw counts as half.
Beside it stands what he really has in hand: of all pairs that score best, how many are related.

    by time      of the log: sizes of checkpoints, one an interval, say in which interval a leaf came; the score is how
                 near to each other two leaves came. It is all that logged and anchored cases show.
    by number    of the chain: an enforced step names its case's key and its member's number in calldata; the score is
                 whether they are the same. Enforced cases are linkable so by design.
    step, leaf   which leaf of the log is which enforced step: the observer takes the leaves of the interval in which
                 the step was mined, and guesses in the order of the steps; beside it how often that is right by chance.

Who runs the attack does not know which events are related; that is taken from the database, to count.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

import msgspec

from ledger_automation.study.privacy.outside import calls, case_key_of, commitment_of, member_of
from ledger_automation.study.privacy.scan import Artefact
from ledger_automation.study.privacy.town import Town


class Area(msgspec.Struct, frozen=True):
    """The area under the curve, the share of related pairs among the nearest, and how many pairs there are."""

    area: float
    nearest: float
    related: int
    unrelated: int


class Linkability(msgspec.Struct, frozen=True):
    """What an observer can tell, by level of the cases: of one case, of one person."""

    case_by_time: dict[str, Area]
    actor_by_time: dict[str, Area]
    case_by_number: Area
    actor_by_number: Area
    steps: int
    leaves_found: int
    leaves_by_chance: float


class Leaf(NamedTuple):
    """A leaf as it is known inside: what it is of, and in which interval it came."""

    interval: int
    level: str
    case: str
    actor: str
    signed: bytes


def linkability(town: Town, found: list[Artefact]) -> Linkability:
    """Run the observer over a town."""
    leaves = _leaves(town)
    of_cases = [each for each in leaves if each.level]
    levels = sorted({each.level for each in of_cases})
    by_level = {level: [each for each in of_cases if each.level == level] for level in levels}
    known = {each.signed: each for each in of_cases if each.signed}
    seen = [(known[commitment_of(each.content)], each) for each in calls(found)]
    numbers = [(leaf.actor, member_of(call.content)) for leaf, call in seen]
    keys = [(leaf.case, case_key_of(call.content)) for leaf, call in seen]
    met, chance = _steps_and_leaves(leaves, [leaf.signed for leaf, _ in seen])
    return Linkability(
        {level: by_time([(each.case, each.interval) for each in some]) for level, some in by_level.items()},
        {level: by_time([(each.actor, each.interval) for each in some]) for level, some in by_level.items()},
        by_number(keys),
        by_number(numbers),
        len(seen),
        met,
        chance,
    )


def by_time(items: Iterable[tuple[Hashable, int]]) -> Area:
    """Return how well nearness in time tells what is related; an item is (what it is of, its interval)."""
    total: Counter[int] = Counter()
    of: dict[Hashable, Counter[int]] = {}
    for related, interval in items:
        total[interval] += 1
        of.setdefault(related, Counter())[interval] += 1
    same: Counter[int] = Counter()
    for each in of.values():
        same.update(_distances(each))
    every = _distances(total)
    return _area(same, Counter({distance: count - same[distance] for distance, count in every.items()}))


def by_number(items: Sequence[tuple[Hashable, Hashable]]) -> Area:
    """Return how well an equal number tells what is related; an item is (what it is of, its number)."""
    same: Counter[int] = Counter()
    other: Counter[int] = Counter()
    for (one, number), (two, another) in combinations(items, 2):
        (same if one == two else other)[int(number != another)] += 1
    return _area(same, other)


def _distances(counts: Counter[int]) -> Counter[int]:
    """Count the pairs of items by how many intervals lie between them."""
    found: Counter[int] = Counter()
    for one, two in combinations(sorted(counts), 2):
        found[two - one] += counts[one] * counts[two]
    found[0] += sum(count * (count - 1) // 2 for count in counts.values())
    return found


def _area(same: Counter[int], other: Counter[int]) -> Area:
    """Return the share of (related, unrelated) pairs of pairs whose related one is nearer, draws as half."""
    related, unrelated = same.total(), other.total()
    won, farther = 0.0, unrelated
    for distance in sorted(same.keys() | other.keys()):
        farther -= other[distance]
        won += same[distance] * (farther + other[distance] / 2)
    nearest = min((distance for distance, count in (same + other).items() if count), default=0)
    share = round(same[nearest] / (same[nearest] + other[nearest] or 1), 4)
    return Area(round(won / (related * unrelated), 4) if related and unrelated else 0.5, share, related, unrelated)


def _steps_and_leaves(leaves: list[Leaf], mined: list[bytes]) -> tuple[int, float]:
    """Return how many enforced steps the observer finds among the leaves of their interval, and how many by chance.

    He sees in which interval a step was mined, and how many leaves came in it; he spreads its steps evenly over them.
    """
    of_interval: dict[int, list[bytes]] = {}
    for each in leaves:
        of_interval.setdefault(each.interval, []).append(each.signed)
    where = {signed: interval for interval, some in of_interval.items() for signed in some if signed}
    steps: dict[int, list[bytes]] = {}
    for signed in mined:
        steps.setdefault(where[signed], []).append(signed)
    found, chance = 0, 0.0
    for interval, some in steps.items():
        there = of_interval[interval]
        guessed = [there[(2 * place + 1) * len(there) // (2 * len(some))] for place in range(len(some))]
        found += sum(guess == signed for guess, signed in zip(guessed, some, strict=True))
        chance += len(some) / len(there)
    return found, round(chance, 2)


def _leaves(town: Town) -> list[Leaf]:
    """Return all leaves in order, with what only the database knows of them; the log's own have no level."""
    found: dict[int, Leaf] = {}
    with town.ledger.read() as unit:
        for case_id, record, events in unit.cases.trails(0, 0):
            level = record.level if record is not None and record.workflow != "log" else ""
            for event in events:
                if event.leaf_index is None or event.canonical is None:
                    continue
                interval = next(place for place, size in enumerate(town.sizes) if event.leaf_index < size)
                signature = msgspec.json.decode(event.canonical).get("signature") or {}
                signed = bytes.fromhex(signature.get("commitment", ""))
                found[event.leaf_index] = Leaf(interval, level, case_id, event.actor_id, signed)
    return [found[index] for index in sorted(found)]
