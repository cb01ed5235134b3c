"""Every error of the tree and every verdict has the exit code that the specification gives it."""

import inspect

import pytest

from ledger_automation import errors
from ledger_automation.cli.exit_codes import BY_ERROR, BY_VERDICT, exit_code
from ledger_automation.errors import LedgerError
from ledger_automation.verify.verdict import SENTENCES, Verdict

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, LedgerError)]
SECOND_LEVEL = [kind for kind in TREE if kind.__base__ is LedgerError]


def test_every_branch_of_the_tree_has_a_code_and_no_other_class_has() -> None:
    assert set(BY_ERROR) == set(SECOND_LEVEL)


@pytest.mark.parametrize("kind", [kind for kind in TREE if kind is not LedgerError])
def test_every_error_has_the_code_of_its_branch(kind: type[LedgerError]) -> None:
    branch = next(each for each in kind.__mro__ if each in BY_ERROR)
    assert exit_code(kind.__new__(kind)) == BY_ERROR[branch]


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = errors.__doc__ or ""
    assert all(kind.__name__ in drawn for kind in TREE)


def test_the_codes_are_those_of_the_specification() -> None:
    assert {kind.__name__: code for kind, code in BY_ERROR.items()} == {
        "InvalidInput": 2,
        "TransitionNotAllowed": 3,
        "Misconfigured": 4,
        "NotFound": 5,
        "Conflict": 6,
        "Unauthenticated": 7,
        "Forbidden": 8,
        "NotSealed": 10,
        "Unreachable": 20,
        "Contradiction": 30,
    }
    assert {verdict.value: code for verdict, code in BY_VERDICT.items()} == {
        "final": 0,
        "pending": 10,
        "erased": 11,
        "unreachable": 20,
        "contradicted": 30,
    }


def test_every_verdict_has_a_code_and_a_sentence_in_two_languages() -> None:
    assert set(BY_VERDICT) == set(SENTENCES) == set(Verdict)
    assert all(sentence.de and sentence.en and sentence.de != sentence.en for sentence in SENTENCES.values())
