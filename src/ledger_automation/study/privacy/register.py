"""The register of persons: invented people, and the texts by which each of them can be told (D12: nobody is real).

Every text is long and strange enough that no artefact holds it by chance: surnames and streets are made of syllables
and differ from person to person; moments of birth lie where no clock of a run is. The same seed gives the same people.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Final, NamedTuple

from ledger_automation.errors import InvalidValue

KINDS: Final = ("name", "surname", "address", "born", "plate", "iban", "email", "login", "file", "remark", "document")
"""What is known of a person; `Person.entries` has a text of each kind."""

_GIVEN: Final = (
    "Änne", "Birte", "Cord", "Dörthe", "Eike", "Frauke", "Gesche", "Hinnerk", "Ilse", "Jürn", "Käthe", "Lüder",
)  # fmt: skip
_BEGIN: Final = (
    "Quas", "Brü", "Thor", "Mühl", "Wess", "Grö", "Klüt", "Prie", "Schwee", "Zarn", "Vogt", "Jörn", "Dreve",
    "Bolt", "Rüg", "Lan", "Pöl", "Wend", "Harf", "Tess",
)  # fmt: skip
_MIDDLE: Final = (
    "ten", "ken", "den", "mer", "sin", "row", "vitz", "gel", "lin", "mar", "nek", "pun", "tow", "zin", "ber",
    "dal", "fen", "gast", "hof", "kop",
)  # fmt: skip
_END: Final = (
    "brügger", "schläger", "wohlt", "hövel", "kötter", "mühlen", "stäcker", "wischer", "zöllner", "thießen",
    "büttner", "dörfer", "förster", "hüsen", "jäger", "lühr", "möller", "nießen", "pröpper", "rüther",
)  # fmt: skip
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DISTRICTS: Final = (
    "HWI", "NWM", "LWL", "ROS", "LUP", "GÜS", "DBR", "SN", "HRO", "HST", "HGW", "MSE", "VR", "VG", "HH",
)  # fmt: skip
_NUMBERS: Final = 999
_PAIRS: Final = len(_LETTERS) ** 2
_A_DISTRICT: Final = _PAIRS * _NUMBERS
PLATES: Final = len(_DISTRICTS) * _A_DISTRICT
"""How many plates `plate` counts."""

OWNED: Final = 60_000
"""The register's plates are among the first so many, so that a short dictionary has them too."""

_FIRST_DAY: Final = date(1932, 1, 1)
_DAYS: Final = 72 * 365
"""Nobody shares a birthday, so that one tells whose it is; and none lies where a clock of a run could be."""

_SHORT: Final = 99
_PLATES: Final = tuple(place for place in range(OWNED) if place % _NUMBERS >= _SHORT)
"""With three digits each, so that they are long enough to be searched without the space."""

_WORDS: Final = len(_BEGIN) * len(_MIDDLE) * len(_END)
MOST: Final = _WORDS // 2
"""How many people there are: no street bears anybody's name."""


class Person(NamedTuple):
    """One invented person."""

    number: int
    given: str
    surname: str
    street: str
    born: str
    plate: str
    iban: str
    file: str

    @property
    def name(self) -> str:
        """Given name and surname."""
        return f"{self.given} {self.surname}"

    @property
    def address(self) -> str:
        """Street, number and town."""
        return f"{self.street} {self.number % 90 + 1}, 23966 Wismar"

    @property
    def login(self) -> str:
        """What a careless office would call an actor: a name, in the letters that an actor may have."""
        return f"{_ascii(self.given)}.{_ascii(self.surname)}"

    @property
    def email(self) -> str:
        """An address for letters that nobody reads (RFC 2606)."""
        return f"{self.login}@post.example"

    @property
    def remark(self) -> str:
        """A sentence as people write it."""
        return f"{self.name} war verreist und bittet wegen {self.plate} um Aufschub"

    @property
    def document(self) -> str:
        """A document with all of it; its digest stands in the event of the step that it came with."""
        return "; ".join(getattr(self, kind) for kind in KINDS[:-1])

    def entries(self) -> dict[str, str]:
        """Return the text of each of `KINDS`."""
        return {kind: getattr(self, kind) for kind in KINDS}


def register(count: int, seed: int) -> list[Person]:
    """Return so many people; raises InvalidValue for more than `MOST`."""
    if not 1 <= count <= MOST:
        raise InvalidValue("A register", count, f"of 1 to {MOST} people")
    random = Random(f"register/{seed}")  # noqa: S311 (reproducible, not secret)
    words = random.sample(range(_WORDS), 2 * count)
    owned, days = random.sample(_PLATES, count), random.sample(range(_DAYS), count)
    return [
        Person(
            number,
            random.choice(_GIVEN),
            _syllables(words[number]),
            f"{_syllables(words[-1 - number])}straße",
            (_FIRST_DAY + timedelta(days[number])).isoformat(),
            plate(owned[number]),
            _iban(random),
            f"32.1-{random.randrange(10**6):06d}/{random.randrange(10**6):06d}-OWi",
        )
        for number in range(count)
    ]


def plate(index: int) -> str:
    """Return a German number plate by its place in the dictionary, Wismar's first; 0 <= index < `PLATES`.

    >>> plate(0), plate(999), plate(675_324)
    ('HWI-AA 1', 'HWI-AB 1', 'NWM-AA 1')
    """
    district, rest = divmod(index, _A_DISTRICT)
    pair, number = divmod(rest, _NUMBERS)
    first, second = divmod(pair, len(_LETTERS))
    return f"{_DISTRICTS[district]}-{_LETTERS[first]}{_LETTERS[second]} {number + 1}"


def plates(count: int) -> Iterator[str]:
    """Yield the first so many plates."""
    return map(plate, range(min(count, PLATES)))


def _syllables(number: int) -> str:
    begin, rest = divmod(number, len(_MIDDLE) * len(_END))
    middle, end = divmod(rest, len(_END))
    return _BEGIN[begin] + _MIDDLE[middle] + _END[end]


def _iban(random: Random) -> str:
    """Return an account number with its check digits (ISO 7064, MOD 97-10), in groups of four."""
    account = f"{random.randrange(10**18):018d}"
    check = 98 - int(f"{account}131400") % 97
    whole = f"DE{check:02d}{account}"
    return " ".join(whole[place : place + 4] for place in range(0, len(whole), 4))


def _ascii(text: str) -> str:
    table = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"}
    return "".join(table.get(each, each) for each in text.lower())
