"""An event has one canonical form; a trail names the first place where events and law part."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from ledger_automation.audit.encoding import decode, encode
from ledger_automation.audit.event import SCHEMA, Attachment, AuditEvent, log_case_id
from ledger_automation.audit.trail import Trail
from ledger_automation.canonical import canonicalize
from ledger_automation.errors import CanonicalError, LedgerError
from ledger_automation.orchestrator.ports import RecordedStep
from ledger_automation.orchestrator.transition import Intent, Recorder, Standing
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level
from ledger_automation.workflows import Actor, Command, workflow

ORIGIN = "wismar.example/ledger"
FINE = {"amount": 3_500, "offence": "§ 12", "rules": {"hearing_required": False}}
START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def fine() -> list[RecordedStep]:
    recorder = Recorder(ORIGIN, lambda: START)
    standing = Standing(CaseId.random(), workflow("parking_fine"), Level.LOGGED)
    steps = []
    for day, (action, actor, payload) in enumerate(
        (
            ("record_fine", Actor("olga", "clerk"), FINE),
            ("send_notice", Actor("timer", "system"), {"expense": 1_100}),
            ("record_payment", Actor("cash", "finance"), {"amount": 1_000}),
        )
    ):  # fmt: skip
        step, standing = recorder.step(standing, Intent(Command(action, actor, payload), START + timedelta(days=day)))
        steps.append(step)
    return steps


def event() -> AuditEvent:
    return fine()[0].event


def test_the_bytes_are_canonical_json_and_the_event_comes_back() -> None:
    for step in fine():
        assert decode(step.canonical) == step.event
        assert canonicalize(json.loads(step.canonical)) == step.canonical


@pytest.mark.parametrize(
    "payload",
    [{"rate": 0.5}, {"n": 2**53}, {"n": -(2**53)}, {"text": "\ud800"}, {"a": {"b": [1.0]}}, {"x": float("nan")}],
)
def test_what_cannot_be_committed_is_refused(payload: dict[str, Any]) -> None:
    with pytest.raises(CanonicalError):
        encode(msgspec.structs.replace(event(), payload=payload))


def test_a_name_of_an_attachment_is_checked_too() -> None:
    odd = Attachment("\udcff.pdf", "application/pdf", 1, "00" * 32)
    with pytest.raises(CanonicalError):
        encode(msgspec.structs.replace(event(), attachments=(odd,)))


def test_bytes_in_another_form_are_no_event() -> None:
    honest = encode(event())
    text = honest.decode()
    for other in (
        json.dumps(json.loads(text)).encode(),
        honest + b"\n",
        b" " + honest,
        b"\xef\xbb\xbf" + honest,
        text.replace("\u00a7", "\\u00a7").encode(),
        text.replace('"amount":3500', '"amount":3500.0').encode(),
        text.replace('"amount":3500', '"amount":3.5e3').encode(),
        text.replace('"amount":3500', '"amount":3500,"amount":3500').encode(),
        text.replace('{"action"', '{"a":1,"action"').encode(),
        text.replace('"action":"record_fine",', "").encode(),
        b"",
        b"{}",
        b"null",
        b"[" * 50_000,
    ):
        with pytest.raises(CanonicalError):
            decode(other)


def test_another_schema_is_said_to_be_one() -> None:
    with pytest.raises(LedgerError, match="v2"):
        decode(encode(event()).replace(SCHEMA.encode(), b"ledger-automation/event/v2"))


def test_a_log_has_a_case_of_its_own() -> None:
    assert log_case_id(ORIGIN) == log_case_id(ORIGIN) != log_case_id("else.example/ledger")


def followed(events: list[AuditEvent], commitments: list[bytes]) -> str | None:
    trail = Trail()
    for each, commitment in zip(events, commitments, strict=True):
        divergence = trail.follow(each, commitment)
        if divergence is not None:
            assert divergence.sequence is not None
            assert divergence.sentence
            return divergence.rule
    return None


def test_a_lawful_case_is_followed_to_its_end() -> None:
    steps = fine()
    assert followed([step.event for step in steps], [step.commitment for step in steps]) is None


@pytest.mark.parametrize(
    ("at", "changes", "rule"),
    [
        (1, {"sequence": 2}, "sequence"),
        (1, {"previous": "00" * 32}, "previous"),
        (1, {"previous": None}, "previous"),
        (0, {"previous": "00" * 32}, "previous"),
        (1, {"workflow": "permit"}, "workflow"),
        (1, {"workflow_version": 2}, "workflow"),
        (1, {"actor": Actor("olga", "applicant")}, "wrong_role"),
        (1, {"to_state": "settled"}, "outcome"),
        (1, {"from_state": "settled"}, "outcome"),
        (2, {"payload": {"amount": -1}}, "invalid"),
        (2, {"action": "fly"}, "invalid"),
    ],
)
def test_the_first_divergence_is_named(at: int, changes: dict[str, Any], rule: str) -> None:
    steps = fine()
    events = [step.event for step in steps]
    events[at] = msgspec.structs.replace(events[at], **changes)
    assert followed(events, [step.commitment for step in steps]) == rule


def test_a_dropped_step_breaks_the_chain() -> None:
    first, _, third = fine()
    assert followed([first.event, third.event], [first.commitment, third.commitment]) == "sequence"
