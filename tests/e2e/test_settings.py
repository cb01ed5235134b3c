"""Settings that do not hold: a sentence, an exit code, and nothing that is written under the wrong name."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("name", "value"),
    [("ISSUERS", "https://id.example"), ("WEBHOOK_HOSTS", "foo"), ("LEVELS", "{"), ("AUDIT_HOUR", "99")],
)
def test_a_setting_that_cannot_be_read_is_named(towns: Callable[[], Any], name: str, value: str) -> None:
    town = towns()
    answer = town("keys", "show", env={f"LEDGER_{name}": value})
    assert answer.code == 4
    assert answer.err.startswith("The settings do not hold: ")
    assert f"LEDGER_{name}" in answer.err
    assert not town.home.exists()


def test_a_log_keeps_its_name(towns: Callable[[], Any]) -> None:
    """What is written under another one would be another log's, for good; so nothing is."""
    town = towns()
    case = town.open()
    other = {"LEDGER_ORIGIN": "other.example/log"}
    opened = ("case", "open", "parking_fine", "--actor", "o", "--role", "clerk", "--payload", '{"amount": 1}')
    for words in (opened, ("seal",), ("case", "show", case)):
        answer = town(*words, env=other)
        assert (answer.code, "is called wismar.example/ledger" in answer.err) == (4, True), answer
    town.ok("seal")
    assert town("audit", "--json").data["findings"] == []


def test_the_log_opens_its_own_case_itself(towns: Callable[[], Any]) -> None:
    answer = towns()("case", "open", "log", "--actor", "o", "--role", "system")
    assert (answer.code, answer.err.count("\n")) == (2, 1), answer
