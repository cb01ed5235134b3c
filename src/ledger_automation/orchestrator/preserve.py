"""Preservation: what opens each step of the log, under timestamps that are renewed for as long as it must be evidence.

Whatever came into the log since the last time is a group, with a hash tree of its own and one token over it (RFC 4998).
A group is a file, ``preservation/START.msgpack`` in the home: digests and tokens, from which the evidence record of any
of its steps is made. It holds no content, and with the salt gone nobody can confirm a guess by it.

    extend    a new group over all leaves that are in none yet
    stamp     a token over each group's last token: the authority's key or certificate grows old (RFC 4998 section 5.2)
    rehash    a chain more, over each object and all that was, in another algorithm (5.3)

What if we die
    anywhere    a token that was asked for is asked for once more; a file is the old or the new one, never half

What this does not do: preserve what does not hold (an audit says why), renew what was erased, since nobody has it any
more, or decide when to renew.
"""

from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import msgspec

from ledger_automation.errors import Contradiction, InvalidInput, UnreadableFile
from ledger_automation.merkle import leaf_hash
from ledger_automation.orchestrator import durable
from ledger_automation.tlog.hash_tree import ALGORITHMS, HashTree
from ledger_automation.verify.evidence_record import Stamped, sequence, write
from ledger_automation.verify.sources import CaseSource
from ledger_automation.verify.timestamp import good_until, read_token, stamped_at

FOLDER: Final = "preservation"

Ask = Callable[[bytes, str], bytes]
"""Has an authority stamp the hash of some octets by an algorithm; returns the token (CMS ContentInfo in DER)."""


class Chain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One algorithm: each object's own digest, what stands for it in the tree, and the tokens, oldest first.

    Zeros stand for an object that was erased before. ``leaves`` is empty where an object's digest stands for itself.
    """

    algorithm: str
    objects: bytes
    leaves: bytes
    tokens: Annotated[tuple[bytes, ...], msgspec.Meta(min_length=1)]

    @property
    def width(self) -> int:
        """The octets of a digest; raises KeyError for an algorithm that nobody knows here."""
        return len(ALGORITHMS[self.algorithm](b""))

    def count(self, digests: bytes) -> int:
        """Count digests that stand in a row; raises ValueError where one is not whole."""
        count, rest = divmod(len(digests), self.width)
        if rest:
            raise ValueError("a digest is cut off")
        return count

    def cut(self, digests: bytes) -> list[bytes]:
        """Cut digests that stand in a row."""
        width = self.width
        return [digests[at : at + width] for at in range(0, len(digests), width)]


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The leaves from ``start`` on, as many as the first chain has objects."""

    start: Annotated[int, msgspec.Meta(ge=0)]
    chains: Annotated[tuple[Chain, ...], msgspec.Meta(min_length=1)]

    @property
    def end(self) -> int:
        """The leaf behind the last."""
        first = self.chains[0]
        return self.start + first.count(first.objects)

    def is_sound(self) -> bool:
        """Tell whether all chains are of the same objects; raises KeyError, ValueError, InvalidValue for worse."""
        parts = [(each, part) for each in self.chains for part in (each.objects, each.leaves or each.objects)]
        for each in self.chains:
            for token in each.tokens:
                read_token(token)
        return len({each.count(part) for each, part in parts}) == 1 and all(any(part) for _, part in parts)

    def was(self, each: "Opened") -> bool:
        """Tell whether this is what was preserved of a leaf first."""
        first, place = self.chains[0], each.leaf_index - self.start
        digest = ALGORITHMS[first.algorithm](each.content)
        return first.objects[place * first.width : (place + 1) * first.width] == digest


class Opened(NamedTuple):
    """What opens a leaf's commitment, salt and canonical bytes; the commitment alone where they were erased."""

    leaf_index: int
    content: bytes
    erased: bool


class Preservation:
    """The groups of one home, whose folder its user has alone (`durable.alone`)."""

    def __init__(self, home: Path, ask: Ask) -> None:
        self._home = home
        self._ask = ask

    def extend(self, cases: CaseSource, size: int, algorithm: str) -> Group | None:
        """Preserve what is in a log of a size and in no group yet; None where nothing is.

        Raises Contradiction where an event and its leaf do not agree, where the log is not what was preserved, and what
        asking raises.
        """
        kept, digest = groups(self._home), ALGORITHMS[algorithm]
        start = max((each.end for each in kept), default=0)
        if size < start:
            sentence = "More was preserved than the log holds: it was cut off or set back."
            raise Contradiction(sentence, expected=start, actual=size)
        found = {}
        for each in _opened(cases, range(size)):
            if each.leaf_index >= start:
                found[each.leaf_index] = digest(each.content)
            elif not (each.erased or next(group for group in kept if each.leaf_index < group.end).was(each)):
                raise _changed(each)
        if size == start:
            return None
        leaves = [found[leaf] for leaf in range(start, size)]
        chain = Chain(algorithm, b"".join(leaves), b"", (self._ask(HashTree(leaves, algorithm).top(), algorithm),))
        return self._keep(Group(start, (chain,)))

    def stamp(self, group: Group) -> Group:
        """Renew a group's last token by one over it; raises Contradiction where that one is good no more."""
        *earlier, last = group.chains
        token = self._renewed(group, last.tokens[-1], last.algorithm)
        return self._keep(Group(group.start, (*earlier, msgspec.structs.replace(last, tokens=(*last.tokens, token)))))

    def rehash(self, group: Group, cases: CaseSource, algorithm: str) -> Group | None:
        """Take a group's objects into a tree of another algorithm; None where all of them were erased.

        What was erased since has nothing left to be hashed, and keeps the chains that it has. Raises Contradiction
        where an object has changed or is gone, or the last token is good no more; InvalidInput for an algorithm that
        the group has left already.
        """
        if algorithm in {each.algorithm for each in group.chains}:
            sentence = f"Leaves {group.start} to {group.end - 1} were hashed by {algorithm} before; that is no renewal."
            raise InvalidInput(sentence, algorithm=algorithm)
        digest, count, history = ALGORITHMS[algorithm], group.end - group.start, History(group)
        gone = bytes(len(digest(b"")))
        objects, leaves = [gone] * count, [gone] * count
        for each in _opened(cases, range(group.start, group.end)):
            place = each.leaf_index - group.start
            if group.was(each):
                objects[place] = digest(each.content)
                leaves[place] = digest(objects[place] + digest(sequence(history.of(each.leaf_index))))
            elif not each.erased:
                raise _changed(each)
        present = [each for each in leaves if any(each)]
        if not present:
            return None
        token = self._renewed(group, HashTree(present, algorithm).top(), algorithm)
        chain = Chain(algorithm, b"".join(objects), b"".join(leaves), (token,))
        return self._keep(Group(group.start, (*group.chains, chain)))

    def _renewed(self, group: Group, octets: bytes, algorithm: str) -> bytes:
        """Ask for a token that renews a group's last one, which must still be good."""
        token, before = self._ask(octets, algorithm), group.chains[-1].tokens[-1]
        at, earlier, until = stamped_at(token), stamped_at(before), good_until(before)
        if not earlier <= at <= until:
            sentence = f"The last timestamp of leaf {group.start} cannot be renewed by one of {at}."
            raise Contradiction(sentence, expected=f"{earlier} to {until}", actual=at)
        return token

    def _keep(self, group: Group) -> Group:
        durable.write(self._home / FOLDER / f"{group.start:012d}.msgpack", msgspec.msgpack.encode(group))
        return group


class History:
    """The evidence of a group's objects, whose trees are made once."""

    def __init__(self, group: Group) -> None:
        self._start = group.start
        self._trees = []
        for chain in group.chains:
            leaves = chain.cut(chain.leaves or chain.objects)
            present = [place for place, leaf in enumerate(leaves) if any(leaf)]
            tree = HashTree([leaves[place] for place in present], chain.algorithm)
            self._trees.append((chain, {place: number for number, place in enumerate(present)}, tree))

    def of(self, leaf_index: int) -> list[list[Stamped]]:
        """Return an object's chains: those up to its erasure."""
        place, found = leaf_index - self._start, []
        for chain, places, tree in self._trees:
            if place not in places:
                break
            first, *later = chain.tokens
            path = tree.path(places[place])
            found.append([Stamped(chain.algorithm, path, first), *(Stamped(chain.algorithm, [], at) for at in later)])
        return found


def groups(home: Path) -> list[Group]:
    """Read all groups of a home in the order of the log; raises UnreadableFile."""
    return [_read(path) for path in sorted((home / FOLDER).glob("*.msgpack"))]


def evidence(home: Path, contents: Mapping[int, bytes]) -> dict[int, bytes]:
    """Return the evidence records (DER) of leaves by what opens them, without those that are in no group yet.

    Raises Contradiction where something else was preserved of a leaf.
    """
    found = dict[int, bytes]()
    for group in groups(home):
        here = [leaf for leaf in sorted(contents) if group.start <= leaf < group.end]
        history = History(group) if here else None
        for leaf in here:
            opened = Opened(leaf, contents[leaf], erased=False)
            if history is None or not group.was(opened):
                raise _changed(opened)
            found[leaf] = write(history.of(leaf))
    return found


def _changed(each: Opened) -> Contradiction:
    sentence = f"Leaf {each.leaf_index} is not what was preserved; an audit says more."
    return Contradiction(sentence, expected="what was preserved", actual=each.content)


def _opened(cases: CaseSource, leaves: range) -> Iterator[Opened]:
    """Yield what opens the commitments of a stretch of leaves, each once; raises Contradiction where one does not."""
    count = 0
    for _, _, rows in cases.trails(0, leaves.start):
        for row in rows:
            if row.leaf_index is None or row.leaf_index not in leaves:
                continue
            content, commitment, erased = row.commitment, row.commitment, True
            if row.salt is not None and row.canonical is not None:
                content, erased = row.salt + row.canonical, False
                commitment = sha256(content).digest()
            if row.leaf_hash != leaf_hash(commitment):
                sentence = f"Leaf {row.leaf_index} is not its event's; an audit says more."
                raise Contradiction(sentence, expected=row.leaf_hash, actual=leaf_hash(commitment))
            count += 1
            yield Opened(row.leaf_index, content, erased)
    if count != len(leaves):
        sentence = "The log has leaves without an event; an audit says more."
        raise Contradiction(sentence, expected=len(leaves), actual=count)


def _read(path: Path) -> Group:
    try:
        group = msgspec.msgpack.decode(path.read_bytes(), type=Group)
        sound = group.is_sound()
    except (msgspec.MsgspecError, InvalidInput, KeyError, ValueError, OSError) as error:
        raise UnreadableFile(path, f"it is no group of preserved steps ({error})") from error
    if not sound:
        raise UnreadableFile(path, "it is no group of preserved steps (its chains are of different lengths)")
    return group
