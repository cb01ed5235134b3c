"""Every text of every page is translated: those of the templates, and the words of the laws."""

import re
from collections.abc import Iterator
from importlib.resources import files
from io import BytesIO
from typing import Any, get_args

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from ledger_automation import web
from ledger_automation.orchestrator.account_lines import Rule
from ledger_automation.web import words
from ledger_automation.web.pages import Language
from ledger_automation.web.site import REFUSALS
from ledger_automation.web.visits import PLACES
from ledger_automation.web.words import classes, grants, shared
from ledger_automation.workflows import workflow

TEMPLATES = files(web).joinpath("templates")
TRANSLATED = [each for each in Language if each is not Language.GERMAN]


def texts() -> set[Any]:
    """Return every German text: those of the templates, singular with plural, and the words."""
    found: set[Any] = {*said(), *grants.FINDINGS.values()}
    for each in TEMPLATES.iterdir():
        octets = BytesIO(each.read_bytes())
        found |= {text for _, text, _, _ in extract("jinja2.ext:babel_extract", octets)}
    return found


def said() -> Iterator[str]:
    """Yield the words of every law, and those that several share."""
    for law in (shared.SHARED, *words.LAWS.values()):
        yield from (text for pair in law.steps.values() for text in pair)
        for each in (law.states, law.terms, law.fields, law.rules):
            yield from each.values()
    for each in (shared.CHOICES, shared.ROLES, shared.WORKFLOWS):
        yield from each.values()
    for each in (classes.CLASSES, classes.ATTACKS, shared.VERDICTS, shared.DRAWN, shared.PARTS, shared.QUEUES):
        yield from each.values()
    for each in (grants.GRANT_STEPS, grants.GRANT_STATES, grants.STAGES):
        yield from each.values()
    yield from (each.sentence for each in REFUSALS.values())
    yield from (each.label for each in PLACES)


def catalogue(language: Language) -> Catalog:
    with files(web).joinpath("locales", f"{language.name.lower()}.po").open("rb") as file:
        return read_po(file)


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated_and_nothing_else_is(language: Language) -> None:
    given = {each.id: each.string for each in catalogue(language) if each.id}
    assert set(given) == texts()
    for text, translation in given.items():
        assert all(part.strip() for part in ([translation] if isinstance(translation, str) else translation)), text


def test_easy_language_has_short_sentences() -> None:
    """At most 12 words each (DIN SPEC 33429); a text may have several."""
    for each in catalogue(Language.EASY):
        for text in [each.string] if isinstance(each.string, str) else each.string:
            for sentence in text.replace("?", ".").replace(":", ".").split("."):
                assert len(sentence.split()) <= 12, sentence


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_sentence_stays_one_and_a_label_too(language: Language) -> None:
    given = {each.id: each.string for each in catalogue(language) if each.id}
    for text in said():
        assert "%" not in text + given[text], "in a template it would be a placeholder"
        if text.endswith("."):
            assert given[text].endswith((".", "?")), text
        else:
            assert not given[text].endswith("."), text


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_facts_of_its_text(language: Language) -> None:
    for each in catalogue(language):
        if each.id:
            one = [each.id] if isinstance(each.id, str) else each.id
            other = [each.string] if isinstance(each.string, str) else each.string
            for text, translation in zip(one, other, strict=True):
                assert {*re.findall(r"%\((\w+)\)", translation)} <= {*re.findall(r"%\((\w+)\)", text)}, text


def test_the_finance_office_meets_no_word_of_the_program() -> None:
    subsidy = workflow("subsidy")
    assert subsidy.transitions.keys() == grants.GRANT_STEPS.keys()
    assert subsidy.states == grants.GRANT_STATES.keys()
    assert {*get_args(Rule)} == grants.FINDINGS.keys()
