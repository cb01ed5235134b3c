"""Steps signed with passkeys on pages: what is shown is what is held, and nothing else is ever made of a signature."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from ledger_automation.bootstrap import Enforcing, Ledger
from ledger_automation.orchestrator.asked import Identity, citizen
from ledger_automation.orchestrator.enforce import Enforcer
from ledger_automation.verify.auditor import Auditor
from ledger_automation.verify.sources import ChainIdentity
from ledger_automation.verify.verdict import Verdict
from ledger_automation.web.account import MOST_PASSKEYS, PATIENCE
from support.asgi import Reply
from support.passkeys import Authenticator, text
from support.town import URL, Town, open_town
from support.visitors import Visitor

OPENING = "/faelle/neu/permit/submit_application"
FORM = re.compile(r'<form method="post"[^>]* data-passkey="(?:get|create)"(.*?)</form>', re.DOTALL)
HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)"(?: value="([^"]*)")?>')
ALERT = re.compile(r'role="alert"><p class="kern-body">([^<]*)</p>')


class Clock:
    """The present, or so much later."""

    def __init__(self) -> None:
        self.later = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.later


class Contracts:
    """Work in the background with contracts at hand, and with whoever seats people in them."""

    def __init__(self, enforcing: Enforcing) -> None:
        self.enforcing = enforcing

    def enforcer(self) -> Enforcer:
        return self.enforcing.enforcer

    def chain(self) -> ChainIdentity:
        return self.enforcing.chain.anchor.identity()


class Signer(Visitor):
    """Somebody at the pages with a passkey."""

    def __init__(self, town: Town, persona: str) -> None:
        super().__init__(town, persona)
        secret = town.contracts.enforcing.secret  # type: ignore[attr-defined]
        is_member = not persona.startswith("applicant")
        self.actor_id = persona if is_member else citizen(Identity(URL, persona), secret).actor_id
        self.device = Authenticator()

    def shown(self, answer: Reply) -> tuple[bytes, dict[str, str]]:
        """Return the challenge of a page, and what its form carries."""
        page = answer.body.decode()
        (form,) = FORM.findall(page)
        (challenge,) = re.findall(r'data-challenge="([^"]*)"', page)
        fields = {name: unescape(value) for name, value in HIDDEN.findall(form)}
        return octets(challenge), fields

    def register(self, **changed: Any) -> Reply:
        challenge, fields = self.shown(self.get("/konto"))
        return self.post("/konto/passkey", fields | self.device.created(challenge, **changed))

    def seated(self, *roles: str) -> "Signer":
        assert self.register().status == 303
        enforcing = self.town.contracts.enforcing  # type: ignore[attr-defined]
        enforcing.admit("permit", self.actor_id, roles, enforcing.enforcer.signer(self.device.key))
        return self

    def drafted(self, path: str, **fields: str) -> tuple[bytes, dict[str, str]]:
        answer = self.fill(path, **fields)
        assert answer.status == 200, answer.body.decode()
        return self.shown(answer)

    def signs(self, path: str, **fields: str) -> str:
        """Take a step, and return its case."""
        challenge, form = self.drafted(path, **fields)
        return case_of(self.post(path, form | self.device.signs(challenge)))


def case_of(answer: Reply) -> str:
    """Return the case that a step was taken in; one that is being opened is not there yet, and is linked to."""
    assert answer.status in {202, 303}, answer.body.decode()
    if answer.status == 303:
        return str(answer.headers["location"])
    (opened,) = re.findall(r'href="(/faelle/[0-9a-f-]{36})"', answer.body.decode())
    return str(opened)


def octets(given: str) -> bytes:
    return urlsafe_b64decode(given + "=" * (-len(given) % 4))


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Town]:
    opened: list[Contracts] = []

    @contextmanager
    def contracts(ledger: Ledger) -> Iterator[Contracts]:
        with ledger.enforcing() as enforcing:
            opened.append(Contracts(enforcing))
            yield opened[-1]

    home = tmp_path_factory.mktemp("town")
    with open_town(home, clock, contracts, chain="anvil", levels={"permit": "enforced"}) as made:
        made.contracts = opened[0]  # type: ignore[attr-defined]
        yield made


@pytest.fixture(scope="module")
def anna(town: Town) -> Signer:
    return Signer(town, "applicant-1").seated("applicant")


@pytest.fixture(scope="module")
def clerk(town: Town) -> Signer:
    return Signer(town, "clerk-1").seated("clerk")


@pytest.fixture
def case(town: Town, anna: Signer) -> str:
    opened = anna.signs(OPENING, subject="Carport")
    settle(town)
    return opened


def settle(town: Town) -> list[Any]:
    return town.contracts.enforcing.enforcer.wait(seconds=60)  # type: ignore[attr-defined]


def actions(town: Town, case: str) -> list[str]:
    with town.ledger.read() as unit:
        assert not [each for each in unit.steps.held() if each.case_id == case.rpartition("/")[2]]
        return [row.action for row in unit.cases.trail(case.rpartition("/")[2])]


def nothing_held(town: Town) -> None:
    with town.ledger.read() as unit:
        assert unit.steps.held() == []


def said(answer: Reply) -> str:
    return " ".join(ALERT.findall(answer.body.decode()))


def test_a_case_is_opened_and_goes_on_by_passkeys_and_the_contract_has_taken_it(
    town: Town, anna: Signer, clerk: Signer
) -> None:
    case = anna.signs(OPENING, subject="Carport")
    assert anna.get(case).status == 404, "the contract has not decided yet"
    settle(town)
    assert clerk.signs(f"{case}/acknowledge") == case
    assert "wartet auf den Vertrag" in anna.get(case).body.decode()
    settle(town)
    assert actions(town, case) == ["submit_application", "acknowledge"]
    with town.ledger.read() as unit:
        record = unit.cases.case(case.rpartition("/")[2])
        assert record is not None
        assert record.level == "enforced"
    enforcing: Enforcing = town.contracts.enforcing  # type: ignore[attr-defined]
    with town.ledger.read() as unit:
        report = Auditor(enforcing.policy, enforcing.chain.anchor, secret=enforcing.secret).audit(unit.cases, unit.log)
    assert report.verdict in {Verdict.FINAL, Verdict.PENDING}, report.findings


def test_the_page_says_what_is_signed_and_may_run_our_script_alone(town: Town, clerk: Signer, case: str) -> None:
    answer = clerk.fill(f"{case}/acknowledge")
    page = answer.body.decode()
    challenge, _ = clerk.shown(answer)
    assert f'<code id="digest">{challenge.hex()}</code>' in page
    assert case.rpartition("/")[2] in page
    assert "<noscript>" in page
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    for path in ("/faelle", f"{case}/acknowledge"):
        assert "script-src" not in clerk.get(path).headers["content-security-policy"]
    script = clerk.get("/seiten/passkey.js")
    assert (script.status, script.headers["content-type"].partition(";")[0]) == (200, "text/javascript")
    assert actions(town, case) == ["submit_application"]


def test_the_account_tells_the_signer_the_command_and_the_seat(town: Town) -> None:
    other = Signer(town, "clerk-2")
    assert other.register().status == 303
    enforcing: Enforcing = town.contracts.enforcing  # type: ignore[attr-defined]
    signer = f"0x{enforcing.enforcer.signer(other.device.key).hex()}"
    page = other.get("/konto").body.decode()
    assert f"ledger member seat clerk-2 --workflow permit --role clerk --signer {signer}" in page
    assert "Der Vertrag nimmt ihn an" not in page
    enforcing.admit("permit", "clerk-2", ("clerk",), bytes.fromhex(signer[2:]))
    page = other.get("/konto").body.decode()
    assert re.search("Der Vertrag nimmt ihn an: [^<]+, Sachbearbeitung<", page)
    assert "ledger member seat" not in page
    _, fields = other.shown(other.get("/konto"))
    removal = {"form": fields["form"], "credential": text(other.device.credential)}
    assert Signer(town, "clerk-1").post("/konto/passkey/entfernen", removal).status == 403
    assert other.post("/konto/passkey/entfernen", removal).status == 303
    assert signer not in other.get("/konto").body.decode()
    enforcing.admit("permit", "clerk-2", ())


TAMPERED = {
    "_case": "00000000-0000-4000-8000-000000000000",
    "_role": "approver",
    "_moment": "2026-01-01T00:00:00.000000Z",
    "_salt": "00" * 32,
    "_seal": "00" * 32,
    "head": "00" * 32,
    "key": "another",
    "missing": "another plan",
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_draft_that_was_changed_is_none(town: Town, clerk: Signer, case: str, name: str) -> None:
    clerk.signs(f"{case}/acknowledge")
    settle(town)
    clerk.signs(f"{case}/determine_advice_need")
    settle(town)
    path = f"{case}/request_documents"
    challenge, form = clerk.drafted(path, missing="plan")
    for changed in (TAMPERED[name], form[name][:-1] + chr(ord(form[name][-1]) ^ 1), "", "ü"):
        answer = clerk.post(path, form | clerk.device.signs(challenge) | {name: changed})
        assert answer.status in {403, 422}, (name, changed)
    assert clerk.post(path, {k: v for k, v in form.items() if k != name} | clerk.device.signs(challenge)).status in {
        200, 403, 422,
    }  # fmt: skip
    nothing_held(town)
    assert clerk.post(path, form | clerk.device.signs(challenge)).status == 303
    settle(town)


def test_a_draft_is_its_session_s_and_its_step_s(town: Town, clerk: Signer, case: str) -> None:
    path = f"{case}/acknowledge"
    challenge, form = clerk.drafted(path)
    signed = form | clerk.device.signs(challenge)
    elsewhere, another = Visitor(town, "clerk-1"), Visitor(town, "clerk-2")
    for visitor in (elsewhere, another):
        own = visitor.hidden(path)["form"]
        answer = visitor.post(path, signed | {"form": own})
        assert (answer.status, "passt nicht" in said(answer)) == (403, True)
    assert clerk.post(f"/en{path}", signed).status == 403, "the page is another one"
    assert clerk.post(f"{case}/reject", signed).status in {403, 404}
    nothing_held(town)


def test_a_draft_is_good_for_ten_minutes(town: Town, clerk: Signer, clock: Clock, case: str) -> None:
    path = f"{case}/acknowledge"
    challenge, form = clerk.drafted(path)
    try:
        for later in (PATIENCE + timedelta(seconds=1), timedelta(seconds=-60)):
            clock.later = later
            answer = clerk.post(path, form | clerk.device.signs(challenge))
            assert (answer.status, "zu lange" in said(answer)) == (403, True)
    finally:
        clock.later = timedelta()
    nothing_held(town)
    assert clerk.post(path, form | clerk.device.signs(challenge)).status == 303
    settle(town)


def test_a_draft_that_is_sent_twice_takes_its_step_once(town: Town, clerk: Signer, case: str) -> None:
    path = f"{case}/acknowledge"
    challenge, form = clerk.drafted(path)
    signed = form | clerk.device.signs(challenge)
    for _ in range(3):
        assert clerk.post(path, signed).headers["location"] == case
    settle(town)
    assert clerk.post(path, signed).headers["location"] == case
    assert clerk.post(path, form | clerk.device.signs(challenge)).headers["location"] == case
    settle(town)
    assert actions(town, case) == ["submit_application", "acknowledge"]


def test_an_opening_that_is_sent_twice_opens_one_case(town: Town, anna: Signer) -> None:
    challenge, form = anna.drafted(OPENING, subject="Carport")
    signed = form | anna.device.signs(challenge)
    (case,) = {case_of(anna.post(OPENING, signed)) for _ in range(3)}
    settle(town)
    assert case_of(anna.post(OPENING, signed)) == case
    assert actions(town, case) == ["submit_application"]


def test_a_signature_of_something_else_is_none(town: Town, clerk: Signer, case: str) -> None:
    path, device = f"{case}/acknowledge", clerk.device
    challenge, form = clerk.drafted(path)
    other, stranger = Signer(town, "clerk-2"), Authenticator()
    assert other.register().status == 303
    double = device.client("webauthn.get", b"\1" * 32)[:-1] + f',"challenge":"{text(challenge)}"}}'.encode()
    evil = device.client("webauthn.get", challenge, origin="http://evil.example")
    attacks = {
        "another digest": device.signs(b"\1" * 32),
        "another credential": device.signs(challenge) | {"_credential": text(stranger.credential)},
        "nobody's passkey": stranger.signs(challenge),
        "another actor's passkey": other.device.signs(challenge),
        "another key under his credential": stranger.signs(challenge) | {"_credential": text(device.credential)},
        "nobody verified": device.signs(challenge, data=device.data(0x01)),
        "another host": device.signs(challenge, data=device.data(0x05, host="evil.example")),
        "another origin": device.signs(challenge, client=evil),
        "cut off": device.signs(challenge, data=device.data(0x05)[:36]),
        "a key twice": device.signs(challenge, client=double),
        "nothing": {},
        "no base64": device.signs(challenge) | {"_signature": "%%%"},
        "padded base64": device.signs(challenge) | {"_client": device.signs(challenge)["_client"] + "="},
    }
    for name, signed in attacks.items():
        answer = clerk.post(path, form | signed)
        assert (answer.status, "passt nicht" in said(answer)) == (403, True), name
    nothing_held(town)
    assert actions(town, case) == ["submit_application"]
    assert clerk.post(path, form | device.signs(challenge, high=True)).status == 303, "whichever s it chose"
    settle(town)
    assert actions(town, case) == ["submit_application", "acknowledge"]


def test_a_passkey_that_was_removed_meanwhile_signs_nothing(town: Town, case: str) -> None:
    enforcing: Enforcing = town.contracts.enforcing  # type: ignore[attr-defined]
    second = Signer(town, "clerk-2")
    assert second.register().status == 303
    enforcing.admit("permit", "clerk-2", ("clerk",), enforcing.enforcer.signer(second.device.key))
    challenge, form = second.drafted(f"{case}/acknowledge")
    removal = {"form": form["form"], "credential": text(second.device.credential)}
    assert second.post("/konto/passkey/entfernen", removal).status == 303
    assert second.post(f"{case}/acknowledge", form | second.device.signs(challenge)).status == 403
    nothing_held(town)
    enforcing.admit("permit", "clerk-2", ())


def test_whoever_was_overtaken_while_he_signed_is_told_so(town: Town, clerk: Signer, case: str) -> None:
    path = f"{case}/acknowledge"
    challenge, form = clerk.drafted(path)
    clerk.signs(path)
    settle(town)
    answer = clerk.post(path, form | clerk.device.signs(challenge))
    assert (answer.status, "Jemand war schneller" in said(answer)) == (409, True)
    nothing_held(town)
    assert actions(town, case) == ["submit_application", "acknowledge"]


def test_whoever_was_overtaken_by_a_step_that_waits_is_told_so(town: Town, clerk: Signer, case: str) -> None:
    path = f"{case}/acknowledge"
    challenge, form = clerk.drafted(path)
    clerk.signs(path)
    answer = clerk.post(path, form | clerk.device.signs(challenge))
    assert (answer.status, "Jemand war schneller" in said(answer)) == (409, True)
    settle(town)
    assert actions(town, case) == ["submit_application", "acknowledge"]


def test_a_seat_that_was_taken_away_meanwhile_is_missed_by_the_contract(town: Town, clerk: Signer, case: str) -> None:
    enforcing: Enforcing = town.contracts.enforcing  # type: ignore[attr-defined]
    signer = enforcing.enforcer.signer(clerk.device.key)
    challenge, form = clerk.drafted(f"{case}/acknowledge")
    enforcing.admit("permit", "clerk-1", ())
    assert clerk.post(f"{case}/acknowledge", form | clerk.device.signs(challenge)).status == 303
    settle(town)
    assert "hat der Vertrag abgelehnt" in said(clerk.get(case))
    assert actions(town, case) == ["submit_application"]
    enforcing.admit("permit", "clerk-1", ("clerk",), signer)
    clerk.signs(f"{case}/acknowledge")
    settle(town)
    assert actions(town, case) == ["submit_application", "acknowledge"]
    settle(town)
    assert "abgelehnt" not in said(clerk.get(case))


def test_whoever_has_no_seat_or_no_passkey_signs_nothing(town: Town, case: str) -> None:
    other = Signer(town, "clerk-2")
    with town.ledger.begin() as unit:
        for each in unit.passkeys.all_of("clerk-2"):
            unit.passkeys.remove("clerk-2", each.credential)
        unit.commit()
    answer = other.fill(f"{case}/acknowledge")
    assert (answer.status, "Passkey" in said(answer), "Konto" in said(answer)) == (403, True, True)
    assert other.register().status == 303
    answer = other.fill(f"{case}/acknowledge")
    assert (answer.status, "kennt keinen Passkey" in said(answer)) == (403, True)
    enforcing: Enforcing = town.contracts.enforcing  # type: ignore[attr-defined]
    enforcing.admit("permit", "clerk-2", ("approver",), enforcing.enforcer.signer(other.device.key))
    assert other.fill(f"{case}/acknowledge").status == 403, "a seat in another role"
    enforcing.admit("permit", "clerk-2", ("clerk",), enforcing.enforcer.signer(Authenticator().key))
    assert other.fill(f"{case}/acknowledge").status == 403, "a seat for another passkey"
    enforcing.admit("permit", "clerk-2", ())
    nothing_held(town)


def test_of_several_passkeys_the_one_with_the_seat_is_asked_for(town: Town, clerk: Signer, case: str) -> None:
    newer = Signer(town, "clerk-1")
    assert newer.register().status == 303
    page = clerk.fill(f"{case}/acknowledge").body.decode()
    assert f'data-credentials="{text(clerk.device.credential)}"' in page
    challenge, form = newer.drafted(f"{case}/acknowledge")
    answer = newer.post(f"{case}/acknowledge", form | newer.device.signs(challenge))
    assert (answer.status, "passt nicht" in said(answer)) == (403, True), "his own, and not the one with the seat"
    nothing_held(town)
    with town.ledger.begin() as unit:
        unit.passkeys.remove("clerk-1", newer.device.credential)
        unit.commit()


def test_whoever_has_a_key_in_this_home_signs_without_a_page(town: Town, case: str) -> None:
    enforcing: Enforcing = town.contracts.enforcing  # type: ignore[attr-defined]
    enforcing.admit("permit", "approver-2", ("approver",))
    clerk = Visitor(town, "clerk-1")
    assert clerk.get(case).status == 200
    approver = Visitor(town, "approver-2")
    answer = approver.fill(f"{case}/grant")
    assert answer.status in {303, 409, 422}
    assert "data-passkey" not in answer.body.decode()


def passkeys(town: Town, actor_id: str) -> list[Any]:
    with town.ledger.read() as unit:
        return list(unit.passkeys.all_of(actor_id))


def test_a_passkey_is_registered_by_whoever_was_asked_in_time_and_by_nobody_twice(town: Town, clock: Clock) -> None:
    first, second = Signer(town, "finance-1"), Signer(town, "auditor-1")
    challenge, fields = first.shown(first.get("/konto"))
    theirs, others = second.shown(second.get("/konto"))
    for given in (
        fields | first.device.created(theirs), others | first.device.created(theirs),
        fields | {"moment": "2026-01-01T00:00:00.000000Z"} | first.device.created(challenge),
        fields | {"moment": ""} | first.device.created(challenge), fields | {"moment": "now"}, fields,
        fields | first.device.created(challenge, client=first.device.client("webauthn.create", challenge, origin="x")),
        fields | first.device.created(challenge, data=first.device.data(0x41, first.device.attested())),
        fields | first.device.created(challenge, data=first.device.data(0x45, first.device.attested(bytes(77)))),
    ):  # fmt: skip
        assert first.post("/konto/passkey", given).status == 403
    try:
        clock.later = PATIENCE + timedelta(seconds=1)
        assert "zu lange" in said(first.post("/konto/passkey", fields | first.device.created(challenge)))
    finally:
        clock.later = timedelta()
    assert passkeys(town, "finance-1") == []
    assert first.post("/konto/passkey", fields | first.device.created(challenge)).status == 303
    assert first.post("/konto/passkey", fields | first.device.created(challenge)).status == 409
    second.device.credential = first.device.credential
    assert second.register().status == 409, "it is somebody else's"
    assert passkeys(town, "auditor-1") == []
    assert [each.key for each in passkeys(town, "finance-1")] == [first.device.key]


def test_nobody_registers_any_number_of_passkeys(town: Town) -> None:
    many = Signer(town, "approver-1")
    challenge, fields = many.shown(many.get("/konto"))
    for number in range(MOST_PASSKEYS + 1):
        many.device = Authenticator()
        answer = many.post("/konto/passkey", fields | many.device.created(challenge))
        assert answer.status == (303 if number < MOST_PASSKEYS else 422)
    assert 'data-passkey="create"' not in many.get("/konto").body.decode()
