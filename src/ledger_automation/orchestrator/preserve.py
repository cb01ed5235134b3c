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

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import msgspec

from ledger_automation.errors import Contradiction, UnreadableFile
from ledger_automation.merkle import leaf_hash
from ledger_automation.orchestrator import durable
from ledger_automation.tlog.hash_tree import ALGORITHMS, HashTree
from ledger_automation.verify.evidence_record import Stamped, sequence, write
from ledger_automation.verify.sources import CaseSource

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

    def cut(self, digests: bytes) -> list[bytes]:
        """Cut digests that stand in a row."""
        width = len(ALGORITHMS[self.algorithm](b""))
        return [digests[at : at + width] for at in range(0, len(digests), width)]


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The leaves from ``start`` on, as many as the first chain has objects."""

    start: int
    chains: Annotated[tuple[Chain, ...], msgspec.Meta(min_length=1)]

    @property
    def end(self) -> int:
        """The leaf behind the last."""
        first = self.chains[0]
        return self.start + len(first.cut(first.objects))


class Opened(NamedTuple):
    """What opens a leaf's commitment, salt and canonical bytes; the commitment alone where they were erased."""

    leaf_index: int
    content: bytes
    erased: bool


class Preservation:
    """The groups of one home."""

    def __init__(self, home: Path, ask: Ask) -> None:
        self._folder = home / FOLDER
        self._ask = ask

    def groups(self) -> list[Group]:
        """Read all groups in the order of the log; raises UnreadableFile."""
        return groups(self._folder.parent)

    def extend(self, cases: CaseSource, size: int, algorithm: str) -> Group | None:
        """Preserve what is in a log of a size and in no group yet; None where nothing is.

        Raises Contradiction where an event and its leaf do not agree, and what asking raises.
        """
        start, digest = max((each.end for each in self.groups()), default=0), ALGORITHMS[algorithm]
        if size <= start:
            return None
        found = {each.leaf_index: digest(each.content) for each in _opened(cases, range(start, size))}
        if len(found) < size - start:
            sentence = "The log has leaves without an event; an audit says more."
            raise Contradiction(sentence, expected=size - start, actual=len(found))
        leaves = [found[leaf] for leaf in range(start, size)]
        chain = Chain(algorithm, b"".join(leaves), b"", (self._ask(HashTree(leaves, algorithm).top(), algorithm),))
        return self._keep(Group(start, (chain,)))

    def stamp(self, group: Group) -> Group:
        """Renew a group's last token by one over it."""
        *earlier, last = group.chains
        token = self._ask(last.tokens[-1], last.algorithm)
        return self._keep(Group(group.start, (*earlier, msgspec.structs.replace(last, tokens=(*last.tokens, token)))))

    def rehash(self, group: Group, cases: CaseSource, algorithm: str) -> Group:
        """Take a group's objects into a tree of another algorithm; raises Contradiction where one has changed since.

        What was erased since has nothing left to be hashed, and keeps the chains that it has.
        """
        digest, last = ALGORITHMS[algorithm], group.chains[-1]
        before, history = last.cut(last.objects), History(group)
        gone = bytes(len(digest(b"")))
        objects, leaves = [gone] * len(before), [gone] * len(before)
        for each in _opened(cases, range(group.start, group.end)):
            place = each.leaf_index - group.start
            if ALGORITHMS[last.algorithm](each.content) == before[place]:
                objects[place] = digest(each.content)
                leaves[place] = digest(objects[place] + digest(sequence(history.of(each.leaf_index))))
            elif not each.erased:
                sentence = f"Leaf {each.leaf_index} is not what was preserved; nothing is renewed."
                raise Contradiction(sentence, expected=before[place], actual=each.content)
        present = [each for each in leaves if any(each)]
        if not present:
            return group
        token = self._ask(HashTree(present, algorithm).top(), algorithm)
        chain = Chain(algorithm, b"".join(objects), b"".join(leaves), (token,))
        return self._keep(Group(group.start, (*group.chains, chain)))

    def _keep(self, group: Group) -> Group:
        self._folder.mkdir(parents=True, exist_ok=True)
        durable.write(self._folder / f"{group.start:012d}.msgpack", msgspec.msgpack.encode(group))
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


def evidence(home: Path, leaves: Iterable[int]) -> dict[int, bytes]:
    """Return the evidence records (DER) of leaves, by leaf, without those that are in no group yet."""
    wanted, found = sorted(leaves), dict[int, bytes]()
    for group in groups(home):
        here = [leaf for leaf in wanted if group.start <= leaf < group.end]
        if here:
            history = History(group)
            found |= {leaf: write(history.of(leaf)) for leaf in here}
    return found


def _opened(cases: CaseSource, leaves: range) -> Iterator[Opened]:
    """Yield what opens the commitments of a stretch of leaves; raises Contradiction where one does not."""
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
            yield Opened(row.leaf_index, content, erased)


def _read(path: Path) -> Group:
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=Group)
    except msgspec.MsgspecError as error:
        raise UnreadableFile(path, f"it is no group of preserved steps ({error})") from error
