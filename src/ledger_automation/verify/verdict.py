"""What a verification says in the end: one of five words, a reason code, and one sentence in German and in English."""

from enum import StrEnum
from typing import Any, Final

import msgspec


class Verdict(StrEnum):
    """The five answers (docs/spec/verdict.md)."""

    FINAL = "final"
    PENDING = "pending"
    ERASED = "erased"
    UNREACHABLE = "unreachable"
    CONTRADICTED = "contradicted"


class Sentence(msgspec.Struct, frozen=True):
    """The same thing said twice: a user cannot use a hash, a user needs a sentence."""

    de: str
    en: str


_LONGEST: Final = 70

SENTENCES: Final = {
    Verdict.FINAL: Sentence(
        "Alles stimmt: Nichts wurde verändert, weggelassen oder eingeschoben.",
        "Everything holds: nothing was altered, dropped or slipped in.",
    ),
    Verdict.PENDING: Sentence(
        "Bis hierher stimmt alles; der endgültige Nachweis steht noch aus.",
        "Consistent so far; the final proof is still to come.",
    ),
    Verdict.ERASED: Sentence(
        "Der Inhalt wurde rechtmäßig gelöscht; alles Übrige stimmt.",
        "The content was lawfully erased; everything else holds.",
    ),
    Verdict.UNREACHABLE: Sentence(
        "Eine Quelle, die gefragt werden muss, hat nicht geantwortet; das ist weder gut noch schlecht.",
        "A source that must be asked did not answer; that is neither good nor bad.",
    ),
    Verdict.CONTRADICTED: Sentence(
        "Etwas stimmt nicht: Die Nachweise widersprechen einander.",
        "Something does not hold: the evidence contradicts itself.",
    ),
}


STEP_HOLDS: Final = Sentence(
    "Was dieser Beleg zeigt, ist echt, rechtmäßig und im Protokoll; andere Schritte des Falls schließt er nicht aus.",
    "What this receipt shows is genuine, lawful and in the log; it does not rule out other steps of the case.",
)
CASE_HOLDS: Final = Sentence(
    "Alles, was dieser Beleg zeigt, ist echt, rechtmäßig und im Protokoll; bis dahin ist es der ganze Fall.",
    "All that this receipt shows is genuine, lawful and in the log; up to then it is the whole case.",
)
CASE_ABSENT: Final = Sentence(
    "Einen solchen Fall gibt es in diesem Protokoll nicht; das ist bis zu seinem Kontrollpunkt bewiesen.",
    "There is no such case in this log; that is proved up to its checkpoint.",
)
"""What a receipt shows; that there are no later steps only the case map proves."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that does not hold: its class in the tampering catalogue, its place, what was expected and found."""

    tampering: str = msgspec.field(name="class")
    sentence: str
    case_id: str | None = None
    sequence: int | None = None
    leaf_index: int | None = None
    column: str | None = None
    expected: Any = None
    actual: Any = None

    def in_words(self) -> str:
        """Write the finding as one line: class, place, sentence, expected and found."""
        place = [f"case {self.case_id}"] if self.case_id else []
        place += [f"step {self.sequence}"] if self.sequence is not None else []
        place += [f"leaf {self.leaf_index}"] if self.leaf_index is not None else []
        place += [self.column] if self.column else []
        facts = "" if self.expected is None else f" Expected {_short(self.expected)}, found {_short(self.actual)}."
        return f"{self.tampering} {', '.join(place)}: {self.sentence}{facts}"


class VerifiedStep(msgspec.Struct, frozen=True):
    """One numbered step of a verification and whether it holds (None: could not be asked)."""

    step: str
    holds: bool | None
    detail: str


def _short(value: Any) -> str:
    text = str(shown(value))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def shown(value: Any) -> Any:
    """Make a fact fit for JSON: bytes in hex, structures member by member, anything unusual as text."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, list | tuple):
        return [shown(each) for each in value]
    if isinstance(value, msgspec.Struct):
        value = dict(zip(value.__struct_encode_fields__, msgspec.structs.astuple(value), strict=True))
    if isinstance(value, dict):
        return {str(name): shown(member) for name, member in value.items()}
    return int(value) if isinstance(value, int) else str(value)  # ids and amounts are kinds of text and number
