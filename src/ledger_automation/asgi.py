"""The whole service as one ASGI application; `ledger serve` starts it, and any other ASGI server may.

Nothing is opened here: whoever starts it opens a ledger, and closes it afterwards.
"""

from collections.abc import Callable

from prometheus_client import CollectorRegistry

from ledger_automation.api.application import create
from ledger_automation.api.desk import Background, Desk
from ledger_automation.api.dev_issuer import DevIssuer
from ledger_automation.api.discovery import DiscoveredKeys
from ledger_automation.api.edge import Edge, Figures, Limit
from ledger_automation.api.sign_in import Client, CodeFlow
from ledger_automation.api.tokens import ALGORITHMS, TokenVerifier, TrustedIssuer
from ledger_automation.api.traces import exporting, untraced
from ledger_automation.bootstrap import Ledger, key_ages
from ledger_automation.errors import Misconfigured
from ledger_automation.settings import Settings
from ledger_automation.study.tamper_room import TamperRoom
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.web.routes import routes as web_routes
from ledger_automation.web.site import Site


def application(
    ledger: Ledger,
    background: Background,
    issuer: DevIssuer | None = None,
    ending: Callable[[], bool] = lambda: False,
) -> Edge:
    """Return the application for an open ledger; what is streamed ends once the server is ``ending``.

    With a development ``issuer`` its tokens alone are believed, and the documentation is shown. Raises Misconfigured
    where no issuer is trusted at all: then nobody could ever call.
    """
    settings = ledger.settings
    if issuer is None:
        insist_on_issuers(settings)
    if issuer is not None:
        tokens = TokenVerifier([issuer.trusted()], issuer)
    else:
        tokens = TokenVerifier([_trusted(each, settings) for each in settings.issuers], DiscoveredKeys())
    desk = Desk(ledger, tokens, background, ending)
    figures = Figures(CollectorRegistry())
    app = create(desk, issuer=issuer, figures=figures if settings.metrics or issuer is not None else None)
    app.router.routes.extend(web_routes(_site(desk, tokens, settings, issuer)))
    trace = exporting(settings.traces) if settings.traces else untraced
    return Edge(app, figures, Limit(settings.requests_a_second), trace, settings.proxies)


def _site(desk: Desk, tokens: TokenVerifier, settings: Settings, issuer: DevIssuer | None) -> Site:
    """Return what pages need; people sign in at the development issuer, or at the first one where we are a client."""
    client = None
    if issuer is not None:
        client = issuer.client()
    elif settings.client_id:
        client = Client(settings.issuers[0], settings.client_id, settings.client_credential, settings.token_scope)
    sign_in = CodeFlow(client, tokens) if client is not None else None
    ledger = desk.ledger
    home, room, clock = _Home(ledger), TamperRoom(ledger), ledger.recorder.clock
    town = settings.town or settings.origin
    return Site(
        desk,
        settings.origin,
        settings.witnesses_required,
        clock,
        home,
        room,
        town,
        settings.study,
        sign_in,
        settings.site,
    )


class _Home:
    """Satisfies `web.site.Home`."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def policy(self) -> VerificationPolicy:
        """Return the policy of level logged."""
        return self._ledger.policy(Level.LOGGED)

    def chain_id(self) -> int | None:
        """Return the pinned chain's."""
        pinned = self._ledger.pinned_identity()
        return pinned.chain_id if pinned is not None else None

    def key_ages(self) -> list[tuple[str, int]]:
        """Return the ages of keys that are files."""
        return key_ages(self._ledger.settings.home)


def insist_on_issuers(settings: Settings) -> None:
    """Raise Misconfigured where no issuer is named, so that nobody could ever call."""
    if not settings.issuers:
        sentence = "No issuer of tokens is trusted: name OIDC issuers in the settings, or start with --dev."
        raise Misconfigured(sentence)


def _trusted(issuer: str, settings: Settings) -> TrustedIssuer:
    asked = settings.token_scope, settings.token_acr
    return TrustedIssuer(issuer, settings.audience, ALGORITHMS, settings.least_rsa_bits, *asked)
