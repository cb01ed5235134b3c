"""All that a table names has its words, and no word is for what no table names."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
import pytest

import ledger_automation
from ledger_automation.web import words
from ledger_automation.web.words import shared
from ledger_automation.workflows import names, workflow
from ledger_automation.workflows._table import ROLES, Transition
from ledger_automation.workflows.subsidy.payloads import Rules

ROWS = [(name, row) for name in names() for row in workflow(name).transitions.values()]
SOURCES = Path(ledger_automation.__file__).parent.rglob("*.py")
RAISED = {rule for each in SOURCES for rule in re.findall(r'TransitionNotAllowed\(\s*"(\w+)"', each.read_text("utf-8"))}


def parts(kind: Any) -> Iterator[Any]:
    """Yield a type and all that it is made of, down to the last."""
    yield kind
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for field in msgspec.structs.fields(kind):
            yield from parts(field.type)
    elif get_origin(kind) is not Literal:
        for each in get_args(kind):
            yield from parts(each)


def fields(row: Transition) -> set[str]:
    """Name every member of a row's payload, nested ones too."""
    structs = (each for each in parts(row.payload) if isinstance(each, type) and issubclass(each, msgspec.Struct))
    return {field.name for each in structs for field in msgspec.structs.fields(each)}


def rules(row: Transition) -> dict[str, str]:
    """Return the sentences of a row by the rules' names."""
    return {each.rule: each.sentence for each in (*row.guards, *row.barred)}


def keys(of: str) -> dict[str, set[str]]:
    """Return under which names each law may have words: plain ones, and those of a step."""
    found: dict[str, set[str]] = {name: set() for name in names()}
    for name, row in ROWS:
        for each in {"fields": fields, "rules": rules}[of](row):
            found[name] |= {each, f"{row.action}.{each}"}
    return found


def test_every_law_has_words_for_its_steps_and_states() -> None:
    assert list(words.LAWS) == names() == sorted(shared.WORKFLOWS)
    for name, law in words.LAWS.items():
        assert law.steps.keys() == workflow(name).transitions.keys()
        assert law.states.keys() == workflow(name).states
        for action in law.steps:
            happened, label = words.step(name, action), words.command(name, action)
            assert happened[0].isupper()
            assert happened.endswith(".")
            assert re.fullmatch(r"[A-ZÄÖÜ].*[a-zäöüß]", label)
        assert all(words.state(name, each) for each in law.states)
        assert words.workflow(name)


def test_every_member_of_every_payload_has_a_label() -> None:
    used = {*shared.SHARED.fields.values()}
    for name, row in ROWS:
        for each in fields(row):
            assert words.field(each)
            used |= {words.field(each, name), words.field(each, name, row.action)}
    named = keys("fields")
    assert {each for law in words.LAWS.values() for each in law.fields.values()} <= used
    assert shared.SHARED.fields.keys() <= set.union(*named.values())
    for name, law in words.LAWS.items():
        assert law.fields.keys() <= named[name]


def test_every_choice_and_every_role_has_its_words() -> None:
    literals = {
        each for _, row in ROWS for kind in parts(row.payload) if get_origin(kind) is Literal for each in get_args(kind)
    }
    assert {*literals, *Rules().eligible, "yes", "no"} == shared.CHOICES.keys()
    assert set(ROLES) == shared.ROLES.keys()
    assert all(words.choice(each) for each in literals)
    assert all(words.role(each) for each in ROLES)


def test_every_term_has_its_words() -> None:
    """Those of the laws' own functions, by their sources: which of them a case has, only its life tells."""
    for name, law in words.LAWS.items():
        source = inspect.getsource(workflow(name).terms)
        assert {*re.findall(r'Term\(\s*"(\w+)"', source)} == law.terms.keys()
        assert all(words.term(name, each) for each in law.terms)


def test_every_rule_that_refuses_says_what_it_requires() -> None:
    assert {"not_in_state", "wrong_role", "before_previous_step", "outside_backdating", "content_destroyed"} == RAISED
    for each in RAISED:
        assert words.rule(each).endswith(".")
    for name, row in ROWS:
        for each in rules(row):
            assert words.rule(each).endswith(".")
            assert words.rule(each, name, row.action).endswith(".")
    named = keys("rules")
    assert shared.SHARED.rules.keys() <= set.union(*named.values(), RAISED)
    for name, law in words.LAWS.items():
        assert law.rules.keys() <= named[name]


def test_what_the_law_says_differently_is_said_differently() -> None:
    """One rule's name may stand for several sentences; the reader of a refusal gets the one of his step."""
    sentences: dict[tuple[str, str], set[str]] = {}
    for name, row in ROWS:
        for each, sentence in rules(row).items():
            sentences.setdefault((each, words.rule(each, name, row.action)), set()).add(sentence)
    assert {said: found for said, found in sentences.items() if len(found) > 1} == {}


def test_a_name_of_two_laws_has_general_words_too() -> None:
    for of in ("fields", "rules"):
        plain = [{each for each in getattr(law, of) if "." not in each} for law in words.LAWS.values()]
        twice = {each for one in plain for other in plain if one is not other for each in one & other}
        assert twice <= getattr(shared.SHARED, of).keys()


@pytest.mark.parametrize(
    "ask",
    [
        lambda: words.step("permit", "open_programme"),
        lambda: words.command("market", "grant"),
        lambda: words.state("permit", "settled"),
        lambda: words.field("colour"),
        lambda: words.field("amount", "market"),
        lambda: words.rule("grant"),
        lambda: words.term("permit", "appeal"),
        lambda: words.choice("maybe"),
        lambda: words.role("mayor"),
        lambda: words.workflow("market"),
    ],
)
def test_an_unknown_name_has_no_words(ask: Any) -> None:
    with pytest.raises(KeyError):
        ask()
