"""Every text of every page is translated, every step and state that a letter's reader may meet has its words."""

import re
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
from ledger_automation.workflows import workflow
from ledger_automation.workflows._table import ROLES

TEMPLATES = files(web).joinpath("templates")
TRANSLATED = [each for each in Language if each is not Language.GERMAN]


def texts() -> set[Any]:
    """Return every German text: those of the templates, singular with plural, and the words."""
    found: set[Any] = {text for name in words.__all__ for text in getattr(words, name).values()}
    for each in TEMPLATES.iterdir():
        octets = BytesIO(each.read_bytes())
        found |= {text for _, text, _, _ in extract("jinja2.ext:babel_extract", octets)}
    return found


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


def test_a_letter_s_reader_meets_no_word_of_the_program() -> None:
    fine = workflow("parking_fine")
    assert {*fine.transitions, "open_programme"} == words.STEPS.keys()
    assert {*fine.states, "programme_open"} == words.STATES.keys()


def test_nor_does_the_finance_office() -> None:
    subsidy = workflow("subsidy")
    assert subsidy.transitions.keys() == words.GRANT_STEPS.keys()
    assert subsidy.states == words.GRANT_STATES.keys()
    assert {*ROLES} == words.ROLES.keys()
    assert {*get_args(Rule)} == words.FINDINGS.keys()


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_facts_of_its_text(language: Language) -> None:
    for each in catalogue(language):
        if each.id:
            one = [each.id] if isinstance(each.id, str) else each.id
            other = [each.string] if isinstance(each.string, str) else each.string
            for text, translation in zip(one, other, strict=True):
                assert {*re.findall(r"%\((\w+)\)", translation)} <= {*re.findall(r"%\((\w+)\)", text)}, text
