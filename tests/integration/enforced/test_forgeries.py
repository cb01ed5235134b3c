"""Whoever has the database and the log's key still cannot put an enforced step in, take one out, or change one."""

from datetime import UTC, datetime
from typing import Any
from zlib import crc32

import msgspec
import pytest
from sqlalchemy import text

from integration.enforced.conftest import Town
from integration.enforced.past_the_office import relay
from ledger_automation.audit.encoding import decode
from ledger_automation.audit.enforced import ActorSignature
from ledger_automation.audit.trail import Trail
from ledger_automation.canonical import commit
from ledger_automation.merkle import leaf_hash
from ledger_automation.orchestrator.receipt import issue
from ledger_automation.orchestrator.submit import Lane
from ledger_automation.orchestrator.transition import Intent, Standing, advance, open_case
from ledger_automation.values import CaseId, Salt
from ledger_automation.verify.auditor import Auditor
from ledger_automation.verify.enforcement_audit import EnforcementAudit
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.verdict import Finding, Verdict
from ledger_automation.verify.verifier import Verifier
from ledger_automation.workflows import Actor, Command, workflow


def found(town: Town, case_id: CaseId) -> set[tuple[str, int | None, str | None]]:
    report = town.audit()
    return {(each.tampering, each.sequence, each.column) for each in report.findings if each.case_id == case_id}


def lawful() -> Intent:
    command = Command("determine_advice_need", Actor("boris", "clerk"), {})
    return Intent(command, datetime.now(UTC))


def test_a_lawful_step_that_nobody_signed(town: Town, case_id: CaseId) -> None:
    advance(town.ledger.begin, town.ledger.recorder, case_id, lawful())
    assert found(town, case_id) == {("T06", 2, "signature")}
    town.seal()
    assert found(town, case_id) == {("T06", 2, "signature")}


PARTS = ["signature", "signer", "terms", "arguments", "previous_head", "commitment", "facts", "contract", "members"]


@pytest.mark.parametrize("part", [*PARTS, "signer_kind"])
def test_a_step_with_a_made_up_signature(town: Town, case_id: CaseId, part: str) -> None:
    """The office signs as good as it can: everything right but for one part; only the actor's key is missing."""
    forge(town, case_id, part)
    town.seal()
    assert found(town, case_id) == {("T06", 2, "signature")}
    with town.ledger.read() as unit:
        alone = Auditor(town.enforcing.policy).audit(unit.cases, unit.log)
    seen = [each for each in alone.findings if (each.case_id, each.tampering) == (case_id, "T06")]
    assert bool(seen) == (part != "signer_kind"), "only the contract knows who a wallet is"


def test_an_unsigned_case_is_not_enforced_whatever_its_receipt_says(town: Town) -> None:
    opened = open_case(
        town.ledger.begin,
        town.ledger.recorder,
        workflow("permit"),
        Level.ANCHORED,
        town.intent("anna", "applicant", "submit_application"),
    )
    town.seal()
    with town.ledger.read() as unit:
        receipt = issue(unit, CaseId(opened.event.case_id))
    for level, verdict in ((Level.ANCHORED, Verdict.FINAL), (Level.ENFORCED, Verdict.CONTRADICTED)):
        answer = Verifier(town.enforcing.policy.at(level), town.enforcing.chain.anchor).verify(receipt)
        assert answer.verdict is verdict


def test_a_forged_step_does_not_hide_behind_later_ones(town: Town, case_id: CaseId) -> None:
    """The receipt of a forged step, while the contract has gone on with a genuine one in its place."""
    forge(town, case_id, "")
    town.seal()
    with town.ledger.read() as unit:
        receipt = issue(unit, case_id)
    relay(town, case_id, "clara", "request_documents", missing="plan")
    relay(town, case_id, "clara", "determine_advice_need")
    answer = Verifier(town.enforcing.policy, town.enforcing.chain.anchor).verify(receipt)
    assert answer.verdict is Verdict.CONTRADICTED, answer


def test_anothers_step_under_the_same_commitment_is_not_ours(
    town: Town, case_id: CaseId, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Lane, "send", die)
        with pytest.raises(KeyboardInterrupt):
            town.do(case_id, "boris", "clerk", "determine_advice_need")
    with town.ledger.read() as unit:
        (held,) = unit.steps.held()
    commitment = bytes.fromhex(ActorSignature.read(decode(held.canonical).signature or {}).commitment)
    relay(town, case_id, "clara", "determine_advice_need", commitment=commitment)
    (ended,) = town.enforcing.enforcer.wait(seconds=60)
    assert ended.refusal is not None
    assert ended.refusal.error == "StaleSequence"
    assert len(town.events(case_id)) == 2
    assert found(town, case_id) == {("T03", 1, "signature")}, "what Clara did past the office is seen"


def test_with_the_actors_key_stolen_the_contract_still_never_took_it(town: Town, case_id: CaseId) -> None:
    forge(town, case_id, "")
    town.seal()
    assert found(town, case_id) == {("T06", 2, "signature")}
    report = Auditor(msgspec.structs.replace(town.enforcing.policy)).audit  # the same, but no chain is asked
    with town.ledger.read() as unit:
        silent = report(unit.cases, unit.log)
    assert not [each for each in silent.findings if each.case_id == case_id], "only the contract can tell"


def test_the_last_step_taken_out_before_it_was_sealed(town: Town, case_id: CaseId) -> None:
    town.do(case_id, "boris", "clerk", "determine_advice_need")
    with town.ledger.read() as unit:
        before = unit.cases.trail(case_id)[1]
    rewound = town.ledger.engine
    with rewound.begin() as connection:
        for trigger in (
            connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
        ):
            connection.execute(text(f"DROP TRIGGER {trigger}"))
        last = connection.execute(text("SELECT max(id) FROM event WHERE case_id = :c"), {"c": case_id}).scalar()
        connection.execute(text("DELETE FROM content WHERE event_id = :e"), {"e": last})
        connection.execute(text("DELETE FROM event WHERE id = :e"), {"e": last})
        connection.execute(
            text('UPDATE "case" SET sequence = 1, at = :a, head = :h, data = :d WHERE case_id = :c'),
            {"c": case_id, "a": before.occurred_at, "h": before.commitment, "d": data_after(town, case_id, 2)},
        )
    assert found(town, case_id) == {("T03", 1, "signature")}


def test_a_case_whose_level_is_talked_down(town: Town, case_id: CaseId) -> None:
    with town.ledger.engine.begin() as connection:
        connection.execute(text("UPDATE \"case\" SET level = 'anchored' WHERE case_id = :c"), {"c": case_id})
    assert found(town, case_id) == {("T02", None, "level")}


def test_the_pin_is_what_counts(town: Town, case_id: CaseId) -> None:
    """The same events against another pinned contract: the evidence cannot choose its judge."""
    other = {"permit": msgspec.structs.replace(town.enforcing.policy.ledgers["permit"], contract="0x" + "11" * 20)}
    policy: VerificationPolicy = msgspec.structs.replace(town.enforcing.policy, ledgers=other)
    with town.ledger.read() as unit:
        report = Auditor(policy, town.enforcing.chain.anchor).audit(unit.cases, unit.log)
    ours: list[Finding] = [each for each in report.findings if each.case_id == case_id]
    assert [(each.tampering, each.sequence) for each in ours] == [("T06", 0)]


def test_two_pasts_under_one_link_are_told_apart_by_the_log(
    town: Town, case_id: CaseId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link on chain is cut to 192 bits. Whoever paid 2^96 for a second past still has the log's 256 against him."""
    town.seal()
    with town.ledger.read() as unit:
        first = unit.cases.trail(case_id)[0]
    other = (first.canonical or b"").replace(b"garage", b"palace")
    assert other != first.canonical
    known = {each.tampering for each in town.audit().findings}
    with town.ledger.engine.connect() as connection:
        for trigger in (
            connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
        ):
            connection.execute(text(f"DROP TRIGGER {trigger}"))
        of_event = "event_id = (SELECT id FROM event WHERE case_id = :c AND sequence = 0)"
        commitment = commit(first.salt or b"", other)
        changed = {"c": case_id, "n": other, "s": crc32(other), "h": commitment, "l": leaf_hash(commitment)}
        for statement in (
            "UPDATE event SET commitment = :h WHERE case_id = :c AND sequence = 0",
            f"UPDATE content SET canonical = :n, checksum = :s WHERE {of_event}",  # noqa: S608
            f"UPDATE leaf SET leaf_hash = :l WHERE {of_event}",  # noqa: S608
        ):
            assert connection.execute(text(statement), changed).rowcount == 1
        connection.commit()
    with monkeypatch.context() as patch:
        patch.setattr(EnforcementAudit, "examine", lambda *_: [])  # signatures and contract agree with both pasts
        told = {each.tampering for each in town.audit().findings}
    assert told - known == {"T36"}


def data_after(town: Town, case_id: CaseId, steps: int) -> bytes:
    trail = Trail()
    with town.ledger.read() as unit:
        for row in unit.cases.trail(case_id)[:steps]:
            trail.follow(decode(row.canonical or b""), row.commitment)
    assert trail.table is not None
    assert trail.case is not None
    return trail.table.freeze(trail.case.data)


def forge(town: Town, case_id: CaseId, part: str) -> None:
    """Write a lawful step into the database with a signature of the actor's own key, spoilt in one part."""
    enforcer, recorder = town.enforcing.enforcer, town.ledger.recorder
    with town.ledger.read() as unit:
        point = enforcer.standpoint(unit, case_id)
        record = unit.cases.case(case_id)
    assert record is not None
    held = enforcer.sign(point, lawful(), Salt.random())
    event = decode(held.canonical)
    kept: dict[str, Any] = dict(event.signature or {})
    spoilt = {
        "signature": lambda old: f"{int(old[:2], 16) ^ 1:02x}{old[2:]}",
        "signer": lambda _: "22" * 20,
        "terms": lambda old: f"{int(old, 16) + 1:064x}",
        "previous_head": lambda old: f"{int(old, 16) ^ (1 << 100):064x}",
        "commitment": lambda _: "33" * 32,
        "arguments": lambda _: ("55" * 32,),
        "members": lambda old: {who: number ^ 1 for who, number in old.items()},
        "signer_kind": lambda _: "contract",
        "facts": lambda old: tuple(f"{int(each, 16) ^ 1:064x}" for each in old),
        "contract": lambda _: "0x" + "44" * 20,
    }
    if part:
        kept[part] = spoilt[part](kept[part])
    if part == "signer_kind":
        kept["signer"] = spoilt["signer"](kept["signer"])
    assert ActorSignature.read(kept)
    standing = Standing.of(record)
    case = standing.table.apply(standing.case, Command(event.action, event.actor, event.payload), lawful().at).case
    case = msgspec.structs.replace(case, at=datetime.fromisoformat(event.occurred_at))
    ready, _ = recorder.complete(standing, case, msgspec.structs.replace(event, signature=kept), held.salt, ())
    with town.ledger.begin() as unit:
        unit.cases.record([ready])
        unit.commit()
