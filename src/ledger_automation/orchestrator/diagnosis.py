"""What a doctor says: one sentence about one part, whether it is well, and what to do if it is not.

`store.diagnosis` looks at the database, `chain.diagnosis` at chain, contracts and keys; this is the vocabulary of both.
A look changes nothing and creates nothing, and what cannot be looked at is a finding, never an exception.
"""

from enum import StrEnum

import msgspec


class Health(StrEnum):
    """``warning``: it works, and somebody should know. ``wrong``: something will fail, or has."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


class Finding(msgspec.Struct, frozen=True):
    """One part's condition; ``advice`` is empty where there is nothing to do."""

    part: str
    health: Health
    what: str
    advice: str = ""


def ok(part: str, what: str) -> Finding:
    """Say that something is as it should be."""
    return Finding(part, Health.OK, what)


def warning(part: str, what: str, advice: str) -> Finding:
    """Say what somebody should know."""
    return Finding(part, Health.WARNING, what, advice)


def wrong(part: str, what: str, advice: str) -> Finding:
    """Say what will fail."""
    return Finding(part, Health.WRONG, what, advice)
