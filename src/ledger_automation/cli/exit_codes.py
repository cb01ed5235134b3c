"""Exit codes, in one table (docs/spec/verdict.md). A test proves that every error of the tree has one."""

from typing import Final

from ledger_automation.errors import (
    Conflict,
    Contradiction,
    Forbidden,
    InvalidInput,
    LedgerError,
    Misconfigured,
    NotFound,
    NotSealed,
    TransitionNotAllowed,
    Unauthenticated,
    Unreachable,
)
from ledger_automation.verify.verdict import Verdict

USAGE: Final = 2

BY_ERROR: Final[dict[type[LedgerError], int]] = {
    InvalidInput: USAGE,
    TransitionNotAllowed: 3,
    Misconfigured: 4,
    NotFound: 5,
    Conflict: 6,
    Unauthenticated: 7,
    Forbidden: 8,
    NotSealed: 10,
    Unreachable: 20,
    Contradiction: 30,
}

BY_VERDICT: Final[dict[Verdict, int]] = {
    Verdict.FINAL: 0,
    Verdict.PENDING: 10,
    Verdict.ERASED: 11,
    Verdict.UNREACHABLE: 20,
    Verdict.CONTRADICTED: 30,
}


def exit_code(error: LedgerError) -> int:
    """Return the code of an error: that of its own class, or of the nearest class above."""
    return next(BY_ERROR[kind] for kind in type(error).__mro__ if kind in BY_ERROR)
