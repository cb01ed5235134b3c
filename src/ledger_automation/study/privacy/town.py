"""A town lives through a run: interval by interval steps are taken, the log is sealed and anchored, others are told.

The people of the register are really in it: in payloads, documents and free texts, as actors under names that a
careless office would give them, as subjects of tokens. Every request and answer over HTTP is kept.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from random import Random
from threading import Thread
from typing import Any, Final

from ledger_automation.errors import Contradiction
from ledger_automation.orchestrator.duties import Duty
from ledger_automation.orchestrator.transition import Intent, advance, open_case
from ledger_automation.study.privacy.courses import APPLICANT, CLERK, OFFICERS, WORKFLOWS, Course, Taken
from ledger_automation.study.privacy.register import Person
from ledger_automation.study.privacy.scan import Artefact
from ledger_automation.study.privacy.service import Answer, OpenedLedger, Service
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level
from ledger_automation.workflows import Actor, Command, workflow

Tell = Callable[[str, int, int], None]
"""Told (what, done, of) while it runs."""

ADMINISTRATOR: Final = "administrator-1"
_INTERVAL: Final = timedelta(minutes=10)
_REFUSED: Final = 400


class Receiver:
    """Somebody who is told by webhook, on a port of this machine; keeps everything that it is sent."""

    def __init__(self) -> None:
        self.told: list[bytes] = []
        told = self.told

        class Listener(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                told.append(bytes(self.headers) + body)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = Thread(target=self._server.serve_forever, name="receiver")
        self._thread.start()

    def close(self) -> None:
        """Listen no longer."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Town:
    """One run over a ledger and its service; afterwards ``cases`` says whose case is which, ``heard`` what was told."""

    def __init__(
        self, ledger: OpenedLedger, service: Service, courses: list[Course], seed: int, told: list[bytes]
    ) -> None:
        self.told = told
        self.ledger = ledger
        self.service = service
        self.courses = courses
        self.cases: dict[int, CaseId] = {}
        self.heard: list[Artefact] = []
        self.sizes: list[int] = []
        self._random = Random(f"town/{seed}")  # noqa: S311 (reproducible, not secret)
        self._keys = count()

    def live(self, intervals: int, tell: Tell) -> None:
        """Take every step in its interval; at the end of each, seal, anchor and tell."""
        self._seat()
        begin = datetime.now(UTC) - (intervals + 1) * _INTERVAL
        due: list[list[tuple[Course, int]]] = [[] for _ in range(intervals)]
        for course in self.courses:
            for position, (interval, _) in enumerate(course.steps):
                due[interval].append((course, position))
        for interval, steps in enumerate(due):
            for number, (course, position) in enumerate(self._mixed(steps)):
                at = begin + interval * _INTERVAL + timedelta(milliseconds=number)
                self._take(course, course.steps[position][1], at)
            self.seal()
            tell("intervals lived, sealed, anchored", interval + 1, intervals)

    def ask(
        self, who: str, method: str, path: str, value: Any = None, own: frozenset[int] = frozenset(), **more: str
    ) -> Answer:
        """Ask as the subject of a token (or as nobody), and keep the answer; ``more`` are headers."""
        known = {"authorization": f"Bearer {self.service.token(who)}"} if who else {}
        body = value if isinstance(value, bytes) else b"" if value is None else json.dumps(value).encode()
        sent = {"content-type": "application/json", "idempotency-key": f"key-{next(self._keys)}", **known}
        answer = self.service.ask(method, path, sent | {k.replace("_", "-"): v for k, v in more.items()}, body)
        kind = "answer" if answer.status < _REFUSED else "problem document"
        self.heard.append(Artefact(kind, f"{method} request {len(self.heard)}", answer.whole(), own))
        return answer

    def _seat(self) -> None:
        """Seat the officers, and the applicants of enforced cases; contracts know them by number and key alone."""
        enforcing = self.ledger.opened
        for name in WORKFLOWS:
            for officer, role in OFFICERS.items():
                enforcing.admit(name, officer, (role,))
        for each in self.courses:
            if each.level is Level.ENFORCED:
                enforcing.admit(each.workflow, each.person.login, (APPLICANT,))

    def _mixed(self, steps: list[tuple[Course, int]]) -> list[tuple[Course, int]]:
        """Return the steps of an interval in the order of chance, those of a case in their own."""
        order = [course.person.number for course, _ in steps]
        self._random.shuffle(order)
        waiting: dict[int, list[tuple[Course, int]]] = {}
        for each in sorted(steps, key=lambda step: -step[1]):
            waiting.setdefault(each[0].person.number, []).append(each)
        return [waiting[number].pop() for number in order]

    def _take(self, course: Course, step: Taken, at: datetime) -> None:
        if course.over_http:
            self._over_http(course, step)
            return
        actor = course.person.login if step.actor == APPLICANT else step.actor
        role = OFFICERS.get(step.actor, APPLICANT)
        intent = Intent(Command(step.action, Actor(actor, role), step.payload), at, step.documents)
        number, table = course.person.number, workflow(course.workflow)
        ledger, enforcer = self.ledger, self.ledger.opened.enforcer
        known = self.cases.get(number)
        if course.level is Level.ENFORCED:
            taken = enforcer.advance(known, intent) if known else enforcer.open_case(table, intent)
        elif known:
            taken = advance(ledger.begin, ledger.recorder, known, intent)
        else:
            taken = open_case(ledger.begin, ledger.recorder, table, course.level, intent)
        self.cases[number] = CaseId(taken.event.case_id)

    def _over_http(self, course: Course, step: Taken) -> None:
        person, path = course.person, f"/workflows/{course.workflow}/cases"
        known = self.cases.get(person.number)
        who = person.email if step.actor == APPLICANT else step.actor
        place = f"{path}/{known}/{step.action}" if known else path
        own = frozenset({person.number})
        code = self._code_of_letter(f"{path}/{known}", own) if known and step.actor == APPLICANT else {}
        answer = self.ask(who, "POST", place, {"payload": step.payload, **code}, own)
        if answer.status >= _REFUSED:
            sentence = f"The service refuses {step.action} of {course.workflow}: {answer.body.decode()}"
            raise Contradiction(sentence, expected=200, actual=answer.status)
        self.cases[person.number] = CaseId(json.loads(answer.body)["case_id"])

    def _code_of_letter(self, case: str, own: frozenset[int]) -> dict[str, str]:
        """Return what the clerk's letter tells the person of a case that names nobody yet."""
        shown = json.loads(self.ask(CLERK, "GET", case, own=own).body)
        return {"code": shown["access_code"]} if "access_code" in shown else {}

    def seal(self) -> None:
        """End an interval: what was recorded goes into the log, the log is anchored, and others are told."""
        for duty in (Duty.SEQUENCE, Duty.ANCHOR, Duty.SETTLE, Duty.DELIVER):
            self.do(duty)
        with self.ledger.read() as unit:
            self.sizes.append(unit.log.frontier().size)

    def do(self, duty: Duty) -> None:
        """Run a duty; raises Contradiction where it fails."""
        if not self.service.do(duty):
            raise Contradiction(f"The duty {duty} failed; the journal says why.", expected=True, actual=False)


def pry(town: Town, person: Person, other: Person) -> None:
    """Ask what strangers, the curious and the clumsy ask: about a person's case, with names where none belong."""
    case = f"/workflows/{WORKFLOWS[person.number % len(WORKFLOWS)]}/cases/{town.cases[person.number]}"
    own = frozenset({person.number})
    for path in ("", "/events", "/receipt"):
        town.ask(other.email, "GET", case + path)
        town.ask("", "GET", case + path)
        town.ask(CLERK, "GET", case + path, own=own)
        town.ask(ADMINISTRATOR, "GET", case + path)
    misplaced = _in_a_path(person.name)
    town.ask("", "GET", f"/workflows/permit/cases/{misplaced}")
    town.ask("", "GET", f"/{misplaced}?applicant={misplaced}")
    town.ask("", "GET", "/log/checkpoint", user_agent=person.email, referer=f"http://{person.login}.example/")
    town.ask("", "GET", f"/problems/{misplaced}")
    town.ask(person.email, "GET", f"/log/tile/0/{misplaced}")
    town.ask("", "POST", "/workflows/permit/cases", {"payload": {"subject": person.document}})
    town.ask(person.email, "POST", "/workflows/permit/cases", {"payload": {"kontonummer": person.iban}}, own)
    town.ask(person.email, "POST", "/workflows/permit/cases", {person.iban: person.name}, own)
    town.ask(person.email, "POST", "/workflows/permit/cases", f'{{"payload": {person.name}'.encode(), own)
    town.ask(CLERK, "POST", f"{case}/withdraw", {"payload": {"reason": person.remark}}, own)


def forget(town: Town, person: Person) -> None:
    """Have a person's case erased, with his name as the reason: its content goes, and its receipt."""
    path = f"/workflows/{WORKFLOWS[person.number % len(WORKFLOWS)]}/cases/{town.cases[person.number]}"
    basis = {"legal_basis": f"Art. 17 DSGVO, Antrag von {person.name}"}
    answer = town.ask(CLERK, "POST", f"{path}/erasure", basis, frozenset({person.number}))
    if answer.status >= _REFUSED:
        raise Contradiction("The service refuses an erasure.", expected=202, actual=answer.status)
    town.seal()
    town.do(Duty.ERASE)


def _in_a_path(text: str) -> str:
    return "".join(f"%{octet:02X}" for octet in text.encode())
