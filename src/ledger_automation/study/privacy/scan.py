"""The search: every form of every text of the register, in every artefact, with artefact, encoding and place named.

A million patterns and more are searched at once by their first eight bytes (in lower case): each place of an artefact
is looked up in one table, which says whose form may begin there; only then are that text's forms made again and
compared. So a byte costs one look-up, however many people there are.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from ledger_automation.study.privacy.forms import LEAST, digests, forms
from ledger_automation.study.privacy.register import Person

_SHORT: Final = 4
_PLAIN: Final = ("the text", "case-folded")


class Artefact(NamedTuple):
    """Bytes that left the database; ``own`` are the people whose own they are: what a receipt tells its holder."""

    kind: str
    place: str
    content: bytes
    own: frozenset[int] = frozenset()


class Field(NamedTuple):
    """A short field of its own: what it is and where, its bytes, and from which byte of a digest they would come."""

    what: str
    place: str
    content: bytes
    start: int = 0


class Hit(msgspec.Struct, frozen=True):
    """Something of a person in an artefact: what of whom, how it is written, and where."""

    artefact: str
    place: str
    offset: int
    encoding: str
    entry: str
    person: int

    def in_words(self) -> str:
        """Say it in one sentence, without the text itself."""
        where = f"{self.artefact}, {self.place}, byte {self.offset}"
        return f"{where}: {self.entry} of person {self.person}, as {self.encoding}."


class Entry(NamedTuple):
    """One text of one person."""

    person: int
    kind: str
    text: str


class Scanner:
    """Searches artefacts for the people of a register; counts what it searched."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._entries = [Entry(each.number, kind, text) for each in people for kind, text in each.entries().items()]
        self._begin: dict[bytes, int | tuple[int, ...]] = {}
        self.forms = 0
        self.searched: Counter[str] = Counter()
        self.artefacts: Counter[str] = Counter()
        for number, entry in enumerate(self._entries):
            for form in forms(entry.kind, entry.text):
                self._note(form.needle[:LEAST].lower(), number)
                self.forms += 1

    def scan(self, artefact: Artefact) -> list[Hit]:
        """Return what of whom an artefact holds, but for those whose own it is."""
        self.searched[artefact.kind] += len(artefact.content)
        self.artefacts[artefact.kind] += 1
        return self.find(artefact)

    def find(self, artefact: Artefact) -> list[Hit]:
        """Return the same, and count nothing."""
        lower, begin = artefact.content.lower(), self._begin
        places = [at for at in range(len(lower) - LEAST + 1) if lower[at : at + LEAST] in begin]
        return [hit for at in places for hit in self._confirmed(artefact, lower, at)]

    def fields(self, found: Iterable[Field]) -> list[Hit]:
        """Compare short fields with digests that are cut as they are.

        Of 4 bytes, with digests of the text as it is written and case-folded only: with 500 fields and 100,000 digests
        one in 80 runs would find something by chance, and one in 20,000 with the 30 cases of a test.
        """
        of: dict[tuple[int, int], dict[bytes, Field]] = {}
        for each in found:
            of.setdefault((each.start, len(each.content)), {})[each.content] = each
        return [
            Hit(field.what, field.place, 0, f"{name}, bytes {start} to {start + length}", entry.kind, entry.person)
            for entry in self._entries
            for name, digest in digests(entry.kind, entry.text)
            for (start, length), fields in of.items()
            if (field := fields.get(digest[start : start + length])) and (length > _SHORT or name.endswith(_PLAIN))
        ]

    def _note(self, begin: bytes, number: int) -> None:
        before = self._begin.get(begin)
        if before is None:
            self._begin[begin] = number
        elif isinstance(before, int) and before != number:
            self._begin[begin] = (before, number)
        elif isinstance(before, tuple) and number not in before:
            self._begin[begin] = (*before, number)

    def _confirmed(self, artefact: Artefact, lower: bytes, at: int) -> Iterator[Hit]:
        noted = self._begin[lower[at : at + LEAST]]
        for number in noted if isinstance(noted, tuple) else (noted,):
            entry = self._entries[number]
            if entry.person in artefact.own:
                continue
            for form in forms(entry.kind, entry.text):
                there, wanted = (lower, form.needle.lower()) if form.folded else (artefact.content, form.needle)
                if there.startswith(wanted, at):
                    yield Hit(artefact.kind, artefact.place, at, form.encoding, entry.kind, entry.person)
                    break
