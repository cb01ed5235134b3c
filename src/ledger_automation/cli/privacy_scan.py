"""``ledger privacy-scan``: a run over invented people, and a search for them in everything that leaves the database."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

import uvicorn
from cyclopts import Parameter

from ledger_automation.api.dev_issuer import DevIssuer
from ledger_automation.asgi import application
from ledger_automation.bootstrap import open_ledger
from ledger_automation.chain.connection import wait_for
from ledger_automation.cli.exit_codes import BY_VERDICT
from ledger_automation.cli.output import Bars, emit, progress
from ledger_automation.errors import InvalidValue, Unreachable
from ledger_automation.journal import open_journal
from ledger_automation.orchestrator.asked import Identity, Member
from ledger_automation.orchestrator.duties import Duty
from ledger_automation.settings import Settings
from ledger_automation.study.measurement import machine, peak_megabytes
from ledger_automation.study.privacy.audit import Plan, scan
from ledger_automation.study.privacy.courses import OFFICERS
from ledger_automation.study.privacy.report import in_words
from ledger_automation.study.privacy.service import Answer, OpenedLedger
from ledger_automation.study.privacy.town import ADMINISTRATOR
from ledger_automation.verify.policy import Level
from ledger_automation.verify.verdict import Verdict, shown
from ledger_automation.worker.workplace import Workplace

_ENFORCED: Final = {"tester": 9, "anvil": 120}
"""How many cases are enforced at most: eth-tester looks through all its blocks at every step."""

_ISSUER: Final = "http://localhost/dev"
_SECONDS: Final = 30.0
_HOUR: Final = 3_600
_BACKDATING_DAYS: Final = 3_650


def privacy_scan(
    *,
    cases: Annotated[int, Parameter(help="How many cases, one for each invented person.")] = 1_000,
    guesses: Annotated[int, Parameter(help="How many number plates the dictionary tries.")] = 10_000_000,
    seed: Annotated[int, Parameter(help="The same seed gives the same people and the same steps.")] = 2019,
    chain: Annotated[str, Parameter(help="tester or anvil: a chain of the run's own.")] = "tester",
    json: Annotated[bool, Parameter(help="Print the whole answer as JSON.", negative=())] = False,
) -> int:
    """Live a run over invented people, and search all that leaves the database for them.

    It runs on a home, a database and a chain of its own, which end with it; nothing of yours is opened.
    """
    started = time.perf_counter()
    if chain not in _ENFORCED:
        raise InvalidValue("The chain of a scan", chain, "tester or anvil: one that can be read to the last byte")
    plan = Plan(cases, min(_ENFORCED[chain], cases // 4), guesses, seed)
    plan.check()
    with ExitStack() as stack:
        bars = Bars(stack.enter_context(progress()))
        home = Path(stack.enter_context(TemporaryDirectory(prefix="ledger-privacy-")))
        service = stack.enter_context(_service(home, chain))
        found = scan(service.ledger, service, plan, bars.tell)
    facts = {"date": datetime.now(UTC).isoformat(timespec="minutes"), **machine(), "chain": chain}
    spent = {"seconds": round(time.perf_counter() - started, 1), "peak_megabytes": peak_megabytes()}
    emit({**facts, "clean": found.clean, **shown(found), **spent}, in_words(found), json=json)
    return BY_VERDICT[Verdict.FINAL if found.clean else Verdict.CONTRADICTED]


class _Hosted:
    """The service over HTTP in this process; satisfies `study.privacy.service.Service`."""

    def __init__(self, ledger: OpenedLedger, issuer: DevIssuer, place: Workplace, journal: Path, port: int) -> None:
        self.ledger = ledger
        self._issuer = issuer
        self._place = place
        self._journal = journal
        self._connection = HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
        self._tokens: dict[str, str] = {}

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Send a request and read its answer."""
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())

    def token(self, subject: str) -> str:
        """Return a token for a subject."""
        if subject not in self._tokens:
            self._tokens[subject] = self._issuer.token(subject)
        return self._tokens[subject]

    def do(self, duty: Duty) -> bool:
        """Run a duty now."""
        return self._place.run(duty)

    def journal(self) -> bytes:
        """Return all that was written down so far."""
        return self._journal.read_bytes()


@contextmanager
def _service(home: Path, chain: str) -> Iterator[_Hosted]:
    """Open a ledger with its chain, and serve it on a free port; settings of the environment do not count here."""
    settings = Settings.model_construct(
        home=home, chain=chain, levels={"subsidy": Level.LOGGED}, webhook_hosts=("127.0.0.1",), anchor_seconds=1e-6,
        requests_a_second=1e6,
    )  # fmt: skip
    path = home / "journal"
    with ExitStack() as stack:
        open_journal(into=stack.enter_context(path.open("w", encoding="utf-8", buffering=1)))
        own = stack.enter_context(open_ledger(settings))
        enforcing = stack.enter_context(own.enforcing(_BACKDATING_DAYS))
        ledger = OpenedLedger(settings, own.engine, own.recorder, enforcing)
        issuer = DevIssuer(_ISSUER, settings.audience)
        _enrol(ledger, issuer)
        place = stack.enter_context(Workplace(lambda: nullcontext(ledger)))
        port = stack.enter_context(_listening(application(ledger, place, issuer)))
        yield _Hosted(ledger, issuer, place, path, port)


@contextmanager
def _listening(app: Any) -> Iterator[int]:
    """Serve an application from a thread; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, ws="none", timeout_keep_alive=_HOUR
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="service")
        thread.start()
        try:
            if wait_for(lambda: server.started or None, _SECONDS) is None:
                raise Unreachable(f"The service did not start within {_SECONDS:.0f} s.")
            yield int(listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()


def _enrol(ledger: OpenedLedger, issuer: DevIssuer) -> None:
    """Make the officers members, and an administrator."""
    with ledger.begin() as unit:
        for persona, role in {**OFFICERS, ADMINISTRATOR: "administrator"}.items():
            unit.members.enrol(Identity(issuer.trusted().issuer, persona), Member(persona, (role,)))
        unit.commit()
