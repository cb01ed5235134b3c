"""No false alarm: 200 audits (``make tampering``: 1,000) of honest logs, of other sizes, levels and histories.

Some of them while others write. And what is beyond the evidence, said aloud: guards taken out, and rows whose loss
contradicts nothing.
"""

import threading
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from integration.tampering.conftest import FULL
from ledger_automation.orchestrator.seal import seal
from ledger_automation.orchestrator.sequence import record_heartbeat, sequence
from ledger_automation.orchestrator.transition import Intent, Recorder, advance, open_case
from ledger_automation.store.engine import open_engine
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.values import CaseId
from ledger_automation.verify.auditor import Auditor
from ledger_automation.verify.policy import Level
from ledger_automation.verify.verdict import Verdict
from ledger_automation.workflows import Actor, Command, workflow
from support.layers import found_by

AUDITS = 1_000 if FULL else 200


def test_honest_logs_raise_no_alarm(found_town: Any) -> None:
    """Grow, seal or not, audit at every level and from the last mark: nothing but final or pending is ever said."""
    audits = 0
    for number in range(1_000):
        random = Random(number)
        town, mark = found_town(f"clean-{number}"), None
        for turn in range(random.randrange(2, 5)):
            grow(town, random, turn)
            pending = settle(town, random)
            copy = town.copy()
            for level in (Level.LOGGED, Level.ANCHORED, Level.RECORDED):
                report = copy.audit(level, mark=mark if level is Level.ANCHORED else None)
                assert not report.findings, (number, turn, level, report.findings)
                assert report.verdict in (Verdict.FINAL, Verdict.PENDING)
                audits += 1
            if not pending:
                report = copy.audit(mark=mark)
                assert report.verdict is Verdict.FINAL, report
                mark = report.mark
                audits += 1
            if audits >= AUDITS:
                return


def grow(town: Any, random: Random, turn: int) -> None:
    """Something of everything: an intake, a case by hand with documents, a case that is only recorded, nothing."""
    kind = random.randrange(5)
    if kind == 0:
        town.replay("traffic_fines", random.randrange(1, 12), turn)
    elif kind == 1:
        town.replay("receipt", random.randrange(1, 4), turn)
    elif kind == 2:
        case_id = town.open("permit", "submit_application", "applicant:somebody", "form.pdf", "map.txt", subject="x")
        town.act(case_id, "acknowledge", "clerk:anna")
    elif kind == 3:
        town.open("permit", "submit_application", "applicant", "form.pdf", level=Level.RECORDED, subject="y")
    else:
        record_heartbeat(town.begin, town.recorder)


def settle(town: Any, random: Random) -> bool:
    """Leave events pending, or leaves without an anchor, or seal; tells whether something is left open."""
    choice = random.randrange(4)
    if choice == 0:
        return True
    if choice == 1:
        town.sequence(random.randrange(1, 9))
        return True
    town.seal()
    return False


def test_a_lawful_erasure_is_no_tampering(klein: Any, found_town: Any) -> None:
    town = found_town("erasing")
    case_id = town.open("permit", "submit_application", "applicant:somebody", "form.pdf", subject="x")
    town.seal()
    record_heartbeat(town.begin, town.recorder)
    with town.begin() as unit:
        log = unit.log.checkpoints(0)
        assert next(log).tree_size == 1
    own = town.copy().sql("SELECT case_id FROM event WHERE workflow = 'log' LIMIT 1")[0][0]
    payload = {"case_id": str(case_id), "legal_basis": "Art. 17 GDPR", "sequence": 0}
    erasure = Command("record_erasure", Actor("clerk-1", "clerk"), payload)
    advance(town.begin, town.recorder, CaseId(own), Intent(erasure, town.now))
    town.seal()
    copy = town.copy()
    copy.sql("DELETE FROM attachment WHERE event_id = 1")
    copy.sql("DELETE FROM content WHERE event_id = 1")
    report = copy.audit()
    assert (report.verdict, report.erased, report.findings) == (Verdict.FINAL, 1, ())
    copy.set("event", "commitment", bytes(32), id=1)
    assert {each.tampering for each in copy.audit().findings} >= {"T18"}
    assert klein.copy().audit().erased == 0


@pytest.mark.parametrize("level", [Level.LOGGED, Level.RECORDED])
def test_an_audit_while_others_write_and_seal(found_town: Any, tmp_path: Path, level: Level) -> None:
    """A snapshot is a snapshot: what is committed meanwhile is not in it, and nothing seems half-done."""
    town = found_town(f"busy-{level}")
    engine = open_engine(f"sqlite:///{tmp_path / 'busy.sqlite'}")
    recorder = Recorder(town.origin, town._clock)
    done = threading.Event()

    def begin() -> Any:
        return SqlUnitOfWork.open(engine)

    def write() -> None:
        law = workflow("permit")
        for number in range(120):
            command = Command("submit_application", Actor(f"applicant-{number}", "applicant"), {"subject": "x"})
            opened = open_case(begin, recorder, law, Level.LOGGED, Intent(command, town.now))
            advance(
                begin, recorder, CaseId(opened.case.case_id),
                Intent(Command("acknowledge", Actor("anna", "clerk"), {}), town.now),
            )  # fmt: skip
            if number % 7 == 0:
                sequence(begin, recorder, town.key)
        seal(begin, recorder, town.key, None)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    audits = 0
    while not done.is_set() or audits < 5:
        with SqlUnitOfWork.open(engine, "read") as unit:
            report = Auditor(town.policy.at(level)).audit(unit.cases, unit.log)
        assert not report.findings, report.findings
        audits += 1
    writer.join()
    with SqlUnitOfWork.open(engine, "read") as unit:
        report = Auditor(town.policy.at(level)).audit(unit.cases, unit.log)
    assert report.verdict is Verdict.FINAL


# Guards taken out: what each of them adds.


def test_without_the_chain_a_resigned_history_passes(klein: Any) -> None:
    """What exactly the chain adds: the operator's own signature proves nothing against the operator."""
    copy = klein.copy()
    row = copy.event(Random(3), "e.action = 'check_application'")
    copy.rewrite(row["id"], lambda value: value["actor"].update(id="nobody"))
    copy.set("event", "actor_id", "nobody", id=row["id"])
    copy.resign(row["case_id"], row["sequence"])
    assert copy.audit(Level.LOGGED).verdict is Verdict.FINAL
    assert [each.tampering for each in copy.audit().findings] == ["T36"]


def test_without_the_chain_a_backup_passes(klein: Any) -> None:
    size = sorted(klein.backups)[1]
    copy = klein.copy(klein.backups[size])
    assert copy.audit(Level.LOGGED).verdict is Verdict.FINAL
    (finding,) = copy.audit().findings
    assert (finding.tampering, finding.leaf_index) == ("T22", size)


def test_an_auditors_own_mark_finds_a_backup_without_any_chain(klein: Any) -> None:
    mark = klein.copy().audit().mark
    report = klein.copy(klein.backups[sorted(klein.backups)[1]]).audit(Level.LOGGED, mark=mark)
    assert [each.tampering for each in report.findings] == ["T21"]
    spoiled = klein.copy()
    spoiled.set("leaf", "leaf_hash", bytes(32), leaf_index=mark.tree_size - 1)
    assert [each.tampering for each in spoiled.audit(Level.LOGGED, mark=mark).findings][:1] == ["T21"]


def test_what_contradicts_nothing_is_not_found(klein: Any) -> None:
    """Loss of evidence that later evidence covers: an older checkpoint without an anchor, an older submission."""
    copy = klein.copy()
    lose_an_unanchored_checkpoint(copy)
    copy.map_again()  # so that no tile tells of the size
    copy.sql("DELETE FROM submission WHERE tree_size = ?", copy.anchored()[0])
    assert copy.audit().verdict is Verdict.FINAL


def test_a_lost_checkpoint_is_found_where_a_tile_was_written_with_it(klein: Any) -> None:
    copy = klein.copy()
    copy.map_again()
    size = lose_an_unanchored_checkpoint(copy)
    findings = copy.audit().findings
    assert {(each.tampering, each.leaf_index) for each in findings} == {("T31", size)}
    assert all("of a size at which the log has no checkpoint" in each.sentence for each in findings)


def lose_an_unanchored_checkpoint(copy: Any) -> int:
    size: int = next(size for size in copy.sizes() if size not in copy.anchored())
    copy.sql("DELETE FROM checkpoint WHERE tree_size = ?", size)
    return size


def test_a_silent_chain_is_unreachable_and_never_green(klein: Any) -> None:
    with SqlUnitOfWork.open(klein.engine, "read") as unit:
        report = Auditor(klein.policy, None).audit(unit.cases, unit.log)
    assert report.verdict is Verdict.UNREACHABLE
    assert msgspec.to_builtins(report.findings) == ()


def test_who_has_less_evidence_raises_no_alarm_either(klein: Any, gross: Any) -> None:
    """So that what `make tampering` counts for each kind of evidence is what it finds."""
    for town in (klein, gross):
        copy = town.copy()
        ((held,),) = copy.sql("SELECT note FROM checkpoint ORDER BY tree_size DESC LIMIT 1")
        assert not any(found_by(copy, held).values())
        copy.set("event", "actor_id", "nobody", id=7)
        assert all(found_by(copy, held).values())
