"""A town's service in this process: one member a role, two citizens with a case each in every workflow, real tokens.

Nothing stands between a test and the application, so a request costs a millisecond or two.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Final

from joserfc import jwt

from ledger_automation.api.application import described
from ledger_automation.api.desk import Background
from ledger_automation.api.dev_issuer import PERSONAS, DevIssuer
from ledger_automation.api.edge import Edge
from ledger_automation.asgi import application
from ledger_automation.bootstrap import Ledger, open_ledger
from ledger_automation.errors import Misconfigured, Unreachable
from ledger_automation.orchestrator.asked import Identity, Member
from ledger_automation.orchestrator.duties import Duty
from ledger_automation.orchestrator.enforce import Enforcer
from ledger_automation.orchestrator.transition import Clock, Recorder
from ledger_automation.settings import Settings
from ledger_automation.verify.sources import ChainIdentity
from support.asgi import Reply, Service, serving

URL: Final = "http://127.0.0.1:8000/dev"
AUDIENCE: Final = "ledger"
APPLICANTS: Final = ("applicant-1", "applicant-2")
DISMISSED: Final = "clerk-2"

_WITHOUT_PAPERS: Final = {"cost_plan_required": False, "own_share_proof_required": False}
_OPENED: Final[dict[str, tuple[tuple[str, str, dict[str, Any]], ...]]] = {
    "parking_fine": (
        ("clerk-1", "", {"amount": 3_500, "rules": {"appeal_before_notice": True}}),
        ("{applicant}", "/appeal_to_authority", {}),
    ),
    "permit": (("{applicant}", "", {}),),
    "subsidy": (
        ("clerk-1", "", {"title": "Smart Cities", "rules": _WITHOUT_PAPERS}),
        ("{applicant}", "/apply", {"applicant": "Wismar", "kind": "municipality", "planned": 100_00}),
    ),
}  # fmt: skip
"""How a case of each workflow becomes an applicant's own; a workflow that is added says so here."""


def role_of(persona: str) -> str:
    return persona.rpartition("-")[0]


def enrol(ledger: Ledger, issuer: DevIssuer) -> None:
    """Make every persona but the applicants a member of the office, in the one role that it is named for."""
    with ledger.begin() as unit:
        for persona in PERSONAS:
            if role_of(persona) != "applicant":
                unit.members.enrol(Identity(issuer.trusted().issuer, persona), Member(persona, (role_of(persona),)))
        unit.commit()


class SomeChain:
    """Work in the background whose chain answers, and enforces nothing; it notes what it is woken for."""

    def __init__(self) -> None:
        self.woken: list[Duty] = []

    def enforcer(self) -> Enforcer:
        raise Misconfigured("No contract is at hand.")

    def chain(self) -> ChainIdentity:
        return ChainIdentity(31_337, "0x" + "11" * 32, "0x" + "22" * 20, "0x" + "33" * 32)

    def wake(self, *duties: Duty) -> None:
        self.woken += duties


class NoChain:
    """Work in the background that has no chain."""

    def enforcer(self) -> Enforcer:
        raise Misconfigured("No contract is at hand.")

    def chain(self) -> ChainIdentity:
        raise Misconfigured("No chain is at hand.")

    def wake(self, *_: Duty) -> None:
        raise Unreachable("Nobody is at hand.")


class Town:
    """Asks as somebody; ``document`` is the OpenAPI document of the application that is asked."""

    def __init__(self, ledger: Ledger, issuer: DevIssuer, edge: Edge, service: Service, woken: list[Duty]) -> None:
        self.ledger = ledger
        self.woken = woken
        self.issuer = issuer
        self.edge = edge
        self.service = service
        self.document = described(edge.app)
        self._numbers = count()
        self._tokens: dict[str, str] = {}

    def token(self, persona: str) -> str:
        if persona not in self._tokens:
            self._tokens[persona] = self.issuer.token(persona)
        return self._tokens[persona]

    def signed(self, **claims: Any) -> str:
        """Return a token of the right issuer with other claims than it would give."""
        now = int(time.time())
        given = {"iss": URL, "sub": "clerk-1", "aud": AUDIENCE, "iat": now, "exp": now + 60} | claims
        return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": self.issuer._key.kid}, given, self.issuer._key)

    def key(self) -> str:
        return f"key-{next(self._numbers)}"

    def headers(self, persona: str = "") -> dict[str, str]:
        known = {"Authorization": f"Bearer {self.token(persona)}"} if persona else {}
        return {**known, "Idempotency-Key": self.key(), "Content-Type": "application/json"}

    def ask(self, persona: str, method: str, path: str, value: Any = None, **more: str) -> Reply:
        """Ask as a persona (or as nobody), with a JSON value or with the very bytes; ``more`` are headers."""
        body = value if isinstance(value, bytes) else b"" if value is None else json.dumps(value).encode()
        others = {name.replace("_", "-"): text for name, text in more.items()}
        return self.service.ask(method, path, self.headers(persona) | others, body)

    def get(self, persona: str, path: str) -> Any:
        answer = self.ask(persona, "GET", path)
        assert answer.status == 200, answer
        return answer.json()

    def step(self, persona: str, path: str, payload: dict[str, Any], **more: str) -> Reply:
        return self.ask(persona, "POST", path, {"payload": payload, **more})

    def letter(self, case: str) -> dict[str, str]:
        """Return what the office writes to the person of a case that names nobody yet; to nobody else."""
        code = self.get("clerk-1", case).get("access_code")
        return {"code": code} if code else {}

    def case_of(self, workflow: str, applicant: str) -> str:
        """Open a case that is an applicant's own; return its path."""
        path = f"/workflows/{workflow}/cases"
        for persona, step, payload in _OPENED[workflow]:
            more = self.letter(path) if step else {}
            answer = self.step(persona.format(applicant=applicant), path + step, payload, **more)
            assert answer.status in {200, 201}, (workflow, answer)
            path = answer.headers.get("location", path)
        return path

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield method, path and description of every operation of the document."""
        for path, operations in self.document["paths"].items():
            for method, operation in operations.items():
                yield method.upper(), path, operation


@contextmanager
def open_town(
    home: Path,
    clock: Clock | None = None,
    background: Callable[[Ledger], AbstractContextManager[Background]] = lambda _: nullcontext(SomeChain()),
    **settings: Any,
) -> Iterator[Town]:
    """Open a town on a database, SQLite in its home unless it is told otherwise; ``clock`` tells what time it is."""
    issuer = DevIssuer(URL, AUDIENCE)
    wanted = Settings(
        home=home, **({"requests_a_second": 1_000_000, "webhook_hosts": ("receiver.example",)} | settings)
    )
    with open_ledger(wanted) as opened:
        ledger = opened if clock is None else replace(opened, recorder=Recorder(wanted.origin, clock))
        enrol(ledger, issuer)
        with background(ledger) as work, serving(app := application(ledger, work, issuer)) as service:
            yield Town(ledger, issuer, app, service, getattr(work, "woken", []))
