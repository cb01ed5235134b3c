"""``ledger serve``: the service over HTTP; without a broker its background work is done in the same process."""

import sys
from contextlib import ExitStack, nullcontext
from typing import Annotated

import uvicorn
from cyclopts import Parameter

from ledger_automation.api.dev_issuer import PERSONAS, DevIssuer
from ledger_automation.asgi import application, insist_on_issuers
from ledger_automation.bootstrap import Ledger, anvil_is_installed, member_secret, open_ledger
from ledger_automation.cli.listening import listen
from ledger_automation.cli.options import NONE, Options
from ledger_automation.errors import InvalidValue
from ledger_automation.journal import open_journal
from ledger_automation.orchestrator.asked import Identity, Member, citizen
from ledger_automation.reading import EPHEMERAL
from ledger_automation.settings import Settings
from ledger_automation.study.furnished import furnish
from ledger_automation.worker.by_broker import ByBroker
from ledger_automation.worker.in_process import InProcess

_FAREWELL_SECONDS = 10
"""How long requests that are under way may take once the service is asked to end."""

_APPLICANT = "applicant"

_DEV = "http://localhost/dev"
"""The development issuer's name, whatever the port: who somebody is must not change with it."""


def serve(
    *,
    host: Annotated[str, Parameter(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="The port to listen on; 0: any that is free.")] = 8000,
    dev: Annotated[bool, Parameter(help="Issue tokens to one persona a role; never for a town.", negative=())] = False,
    demo: Annotated[
        bool, Parameter(help="With --dev: fill an empty ledger with cases to look at and to go on with.", negative=())
    ] = False,
    options: Options = NONE,
) -> int:
    """Serve API and pages until it is interrupted; with LEDGER_BROKER_URL, leave the background work to workers."""
    open_journal()
    if demo and not dev:
        raise InvalidValue("--demo", "without --dev", "used with --dev: a town's own ledger is never filled up")
    settings = options.settings()
    if not dev:
        insist_on_issuers(settings)  # before a home is made for nothing
    settings = _with_a_chain(settings)
    with ExitStack() as stack:
        listening = stack.enter_context(listen(host, port))
        at = f"http://{host}:{listening.getsockname()[1]}"
        ledger = stack.enter_context(open_ledger(settings))
        issuer = DevIssuer(_DEV, settings.audience, f"{at}/dev") if dev else None
        if issuer is not None:
            _enrol(ledger, issuer)
            if demo:
                furnish(ledger, _applicants(ledger, issuer))
        background = _background(ledger)
        app = application(ledger, background, issuer, lambda: server.should_exit)
        stack.enter_context(background)
        sys.stderr.write(f"Serving {at}{' with development tokens' if dev else ''}.\n")
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=_FAREWELL_SECONDS,
            proxy_headers=False, ws="none",  # there are none, and the server would write down where they wanted to go
        )  # fmt: skip
        server = uvicorn.Server(config)
        server.run(sockets=[listening])
    return 0


def _applicants(ledger: Ledger, issuer: DevIssuer) -> list[str]:
    """Return the pseudonyms of the personas who are applicants."""
    secret, name = member_secret(ledger.settings.home), issuer.trusted().issuer
    return [citizen(Identity(name, each), secret).actor_id for each in PERSONAS if each.startswith(_APPLICANT)]


def _with_a_chain(settings: Settings) -> Settings:
    """Choose a chain where nobody named one: Anvil in the home, if it is installed, and else one without a memory."""
    if "chain" in settings.model_fields_set:
        return settings
    if anvil_is_installed():
        return settings.model_copy(update={"chain": "anvil"})
    sys.stderr.write(
        "Anvil is not installed: the chain is in this process, and ends with it and all its evidence. "
        "Run `make node`, or name a node with --chain.\n"
    )
    return settings.model_copy(update={"chain": EPHEMERAL})


def _background(ledger: Ledger) -> InProcess | ByBroker:
    """Return the background work, to be started; where workers do it, whoever opens the chain and wakes them."""
    settings = ledger.settings
    return InProcess(ledger) if not settings.broker else ByBroker(lambda: nullcontext(ledger), settings)


def _enrol(ledger: Ledger, issuer: DevIssuer) -> None:
    """Make every persona but the applicants a member, in the one role that it is named for."""
    with ledger.begin() as unit:
        for persona in PERSONAS:
            role = persona.rpartition("-")[0]
            if role != _APPLICANT:
                unit.members.enrol(Identity(issuer.trusted().issuer, persona), Member(persona, (role,)))
        unit.commit()
