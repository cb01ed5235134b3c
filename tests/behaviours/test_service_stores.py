"""Ports UploadStore, WebhookStore and AuditRunStore, and Eraser: what waits, who is told, what was found, what goes."""

from hashlib import sha256
from threading import Barrier, Thread
from typing import Any

import pytest

from ledger_automation.errors import Conflict, NotFound
from ledger_automation.orchestrator.asked import Identity
from ledger_automation.orchestrator.audits import AuditRun
from ledger_automation.orchestrator.passkey import Passkey
from ledger_automation.orchestrator.ports import NewLeaf
from ledger_automation.orchestrator.receivers import Webhook
from ledger_automation.orchestrator.session import Session
from ledger_automation.orchestrator.uploads import Upload, Wanted, taken
from ledger_automation.store.engine import open_engine
from ledger_automation.store.erasure import SqlEraser
from ledger_automation.values import Digest
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import DocumentRecord

MONDAY, TUESDAY = "2026-03-02T08:00:00.000000Z", "2026-03-03T08:00:00.000000Z"
HOOK = Webhook("00" * 16, "https://receiver.example/", 5, due_at=MONDAY)


def upload(actor: str = "anna", content: bytes = b"plan", at: str = MONDAY) -> Upload:
    return Upload(actor, sha256(content).digest(), "text/plain", content, at)


def test_a_document_waits_for_its_sender_alone_and_anew_when_sent_again(store: Any) -> None:
    for each in (upload(), upload("bert", b"other"), upload(at=TUESDAY)):
        with store.begin() as unit:
            unit.uploads.keep(each)
            unit.commit()
    digests = [upload().sha256, upload("bert", b"other").sha256, b"\0" * 32]
    with store.begin() as unit:
        assert unit.uploads.find("anna", digests) == {upload().sha256: upload(at=TUESDAY)}
        assert set(unit.uploads.find("bert", digests)) == {digests[1]}
        assert unit.uploads.find("anna", []) == {}
        assert unit.uploads.purge(TUESDAY) == 1
        unit.commit()
    with store.read() as unit:
        assert unit.uploads.find("bert", digests) == {}
        assert set(unit.uploads.find("anna", digests)) == {digests[0]}


def test_a_session_is_its_holder_s_until_it_is_ended_or_old(store: Any) -> None:
    anna, bert = Identity("https://issuer.example", "anna"), Identity("https://issuer.example", "bert")
    with store.begin() as unit:
        for key, who, at in ((b"1", anna, MONDAY), (b"2", anna, TUESDAY), (b"3", bert, MONDAY), (b"4", bert, TUESDAY)):
            unit.sessions.begin(key, Session(who, at, at))
        unit.sessions.used(b"1", TUESDAY)
        unit.sessions.end(b"4")
        unit.sessions.end(b"5")
        unit.commit()
    with store.read() as unit:
        assert unit.sessions.of(b"1") == Session(anna, MONDAY, TUESDAY)
        assert unit.sessions.of(b"4") is None
        assert unit.sessions.all_of(anna) == [Session(anna, TUESDAY, TUESDAY), Session(anna, MONDAY, TUESDAY)]
    with store.begin() as unit:
        assert unit.sessions.purge(TUESDAY) == 2, "those that began on Monday"
        assert unit.sessions.end_all(anna) == 1
        assert unit.sessions.end_all(anna) == 0
        unit.commit()
    with store.read() as unit:
        assert unit.sessions.all_of(anna) == unit.sessions.all_of(bert) == []


def test_a_passkey_is_whose_it_was_registered_by_until_he_removes_it(store: Any) -> None:
    old, new, other = (
        Passkey(name, bytes([number]) * 64, who, at)
        for number, (name, who, at) in enumerate(
            ((b"a", "anna", MONDAY), (b"b", "anna", TUESDAY), (b"c", "bert", MONDAY))
        )
    )
    with store.begin() as unit:
        for each in (old, new, other):
            unit.passkeys.register(each)
        unit.commit()
    for again in (old, old._replace(actor_id="bert"), other._replace(actor_id="anna", key=old.key)):
        with store.begin() as unit, pytest.raises(Conflict):
            unit.passkeys.register(again)
    with store.begin() as unit:
        assert unit.passkeys.all_of("anna") == [new, old]
        assert (unit.passkeys.find(b"c"), unit.passkeys.find(b"d")) == (other, None)
        unit.passkeys.remove("bert", old.credential)
        unit.passkeys.remove("anna", new.credential)
        unit.passkeys.remove("anna", new.credential)
        unit.commit()
    with store.read() as unit:
        assert unit.passkeys.all_of("anna") == [old]
        assert unit.passkeys.all_of("bert") == [other]


def test_a_step_takes_its_documents_in_its_own_order_and_names(store: Any) -> None:
    with store.begin() as unit:
        for content in (b"one", b"two"):
            unit.uploads.keep(upload(content=content))
        unit.commit()
    wanted = [Wanted(f"{text.decode()}.txt", Digest(sha256(text).digest())) for text in (b"two", b"one", b"two")]
    with store.read() as unit:
        found = taken(unit.uploads, "anna", wanted)
        assert [(each.name, each.content) for each in found] == [
            ("two.txt", b"two"), ("one.txt", b"one"), ("two.txt", b"two"),
        ]  # fmt: skip
        with pytest.raises(NotFound):
            taken(unit.uploads, "bert", wanted)


def test_of_two_who_tell_the_same_one_writes_it_down(store: Any) -> None:
    with store.begin() as unit:
        unit.webhooks.add(HOOK)
        unit.commit()
    moved: list[bool] = []
    together = Barrier(2)

    def move() -> None:
        together.wait()
        with store.begin() as unit:
            moved.append(unit.webhooks.move(HOOK, HOOK._replace(position=6, last="It was told.")))
            unit.commit()

    threads = [Thread(target=move) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(moved) == [False, True]
    with store.begin() as unit:
        assert [each.position for each in unit.webhooks.all()] == [6]
        assert unit.webhooks.remove(HOOK.id)
        assert not unit.webhooks.remove(HOOK.id)
        assert not unit.webhooks.move(HOOK, HOOK)
        unit.commit()


def test_news_are_leaves_in_order_from_a_place_on(store: Any, clerk: Any) -> None:
    steps = clerk.fill(store.begin, 4)
    with store.begin() as unit:
        pending = {each.case_id: each for each in unit.log.pending(10, sweep=True)}
        order = [pending[step.case.case_id] for step in steps[::-1]]
        unit.log.append([NewLeaf(at, each.event_id, each.case_id, 0, b"\0" * 32) for at, each in enumerate(order)], [])
        unit.commit()
    with store.read() as unit:
        news = unit.webhooks.news(1, 2)
        assert [(each.leaf_index, each.case_id) for each in news] == [(1, order[1].case_id), (2, order[2].case_id)]
        assert news[0].commitment == order[1].commitment
        assert (news[0].workflow, news[0].sequence) == ("parking_fine", 0)
        assert unit.webhooks.news(4, 10) == []


def test_audits_are_kept_in_their_order_and_read_from_the_newest(store: Any) -> None:
    for number in range(3):
        with store.begin() as unit:
            unit.audits.keep(AuditRun(0, MONDAY, "final", b'{"number":%d}' % number))
            unit.commit()
    with store.read() as unit:
        runs = unit.audits.runs(None, 2)
        assert [each.report for each in runs] == [b'{"number":2}', b'{"number":1}']
        assert [each.report for each in unit.audits.runs(runs[-1].id, 2)] == [b'{"number":0}']
        assert runs[0].id > runs[1].id > 0


def test_content_of_a_step_or_of_a_case_goes_with_its_documents_and_nothing_else(
    store: Any, clerk: Any, url: str
) -> None:
    first, standing = clerk.open(Level.LOGGED, DocumentRecord("plan.txt", "text/plain", b"plan"))
    second, _ = clerk.go_on(standing)
    other, _ = clerk.open(Level.LOGGED, DocumentRecord("plan.txt", "text/plain", b"plan"))
    for step in (first, second, other):
        with store.begin() as unit:
            unit.cases.record([step])
            unit.commit()
    engine = open_engine(url)
    eraser = SqlEraser(engine)
    assert eraser.destroy(first.case.case_id, 0) == 1
    assert eraser.destroy(first.case.case_id, 0) == 0
    with store.read() as unit:
        trail = unit.cases.trail(first.case.case_id)
        assert [each.canonical is None for each in trail] == [True, False]
        assert [each.commitment for each in trail] == [first.commitment, second.commitment]
        assert unit.cases.documents(trail[0].event_id) == []
        assert len(unit.cases.documents(unit.cases.trail(other.case.case_id)[0].event_id)) == 1
    assert eraser.destroy(first.case.case_id, None) == 1
    assert eraser.destroy("00000000-0000-4000-8000-000000000000", None) == 0
    engine.dispose()
