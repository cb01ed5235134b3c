"""What pages need of the service, and what every page is: a route in three languages that answers errors in words.

    Office   reads and writes the ledger, and takes steps; the application's desk is one
    SignIn   an issuer that vouches for people; without one, nobody signs in
    Site     both, and what the town is called

Errors become pages here (`answered`), so that no reader of a page ever meets a problem document.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, TypeVar
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from ledger_automation.errors import (
    ChainRefused,
    Conflict,
    Forbidden,
    InvalidInput,
    LedgerError,
    NoPasskey,
    NoSeat,
    NotFound,
    NotSealed,
    NotSigned,
    PreconditionFailed,
    SignedTooLate,
    TransitionNotAllowed,
    Unauthenticated,
)
from ledger_automation.orchestrator.asked import Asked, Identity, Member
from ledger_automation.orchestrator.decide import Outcome
from ledger_automation.orchestrator.duties import Duty
from ledger_automation.orchestrator.enforce import Mark, Offer, Prove, Seat
from ledger_automation.orchestrator.passkey import Passkey
from ledger_automation.orchestrator.readiness import Part
from ledger_automation.verify.policy import VerificationPolicy
from ledger_automation.web import words
from ledger_automation.web.pages import page

T = TypeVar("T")
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
Endpoint = Callable[[Request], Awaitable[Response]]


class Office(Protocol):
    """The ledger behind the pages; each call is one transaction, in a thread of its own."""

    secret: bytes

    @property
    def enforced(self) -> list[str]:
        """The workflows whose cases contracts decide."""
        ...

    async def read(self, work: Callable[[Any], T]) -> T:
        """Read in a snapshot."""
        ...

    async def write(self, work: Callable[[Any], T]) -> T:
        """Write, and commit."""
        ...

    async def wake(self, duty: Duty) -> None:
        """Have a duty done now, in the background; raises Unreachable."""
        ...

    async def run(self, work: Callable[[], T]) -> T:
        """Do something that takes its time, in a thread of its own."""
        ...

    async def readiness(self) -> list[Part]:
        """Say of each part of the service whether it is as it should be."""
        ...

    async def take(self, asked: Asked) -> Outcome:
        """Take a step; raises what the law and its store refuse."""
        ...

    async def offer(self, asked: Asked, mark: Mark) -> Outcome | Offer:
        """Take a step, or draft it for whoever signs it with a passkey; raises NoPasskey, NoSeat too."""
        ...

    async def complete(self, asked: Asked, mark: Mark, passkey: Passkey, prove: Prove) -> Outcome:
        """Take a step that was drafted with a mark and signed with a passkey; raises NotSigned too."""
        ...

    async def seats(self, actor_id: str, keys: Sequence[bytes]) -> tuple[list[bytes], list[Seat]]:
        """Return the signers that passkeys are, and their holder's seats; raises Misconfigured, Unreachable."""
        ...

    def member(self, unit: Any, caller: Identity, roles: frozenset[str]) -> Member:
        """Return who somebody is, with those of the roles that he has; raises Forbidden where he has none."""
        ...


class SignIn(Protocol):
    """An issuer that vouches for people."""

    async def begin(self, back: str) -> tuple[str, str]:
        """Return where to send the browser, and what it must come ``back`` with beside; raises Unreachable."""
        ...

    async def finish(self, back: str, answer: dict[str, str], kept: str) -> Identity:
        """Return who signed in; raises Unauthenticated, Unreachable."""
        ...


class Home(Protocol):
    """What the operator pinned and keeps, for whoever audits or runs the service."""

    def policy(self) -> VerificationPolicy:
        """Return what a receipt of this log is held against, without a chain."""
        ...

    def chain_id(self) -> int | None:
        """Return the chain that is pinned; None before the first anchor."""
        ...

    def key_ages(self) -> list[tuple[str, int]]:
        """Return the keys of this home, and how many days old each is."""
        ...


class Room(Protocol):
    """Where tampering is tried on copies."""

    def attacks(self) -> Sequence[Any]:
        """Return what may be tried, each with its class (``tampering``)."""
        ...

    def attempt(self, kind: str) -> Any:
        """Try one; returns what was tried (``tampering``), ``report`` and ``seconds``. Raises NotFound, Conflict."""
        ...


class Site(NamedTuple):
    """The pages' town. ``url`` is where browsers reach it, empty for wherever they did."""

    office: Office
    origin: str
    witnesses: int
    clock: Callable[[], datetime]
    home: Home
    room: Room
    town: str
    study: Path | None
    sign_in: SignIn | None = None
    url: str = ""

    def reached(self, request: Request) -> str:
        """Return where browsers reach the site; what a request says of that counts on this machine only.

        Raises NotFound for another machine's name where nobody told us our own.
        """
        if self.url:
            return self.url.rstrip("/")
        base = str(request.base_url).rstrip("/")
        if urlsplit(base).hostname not in _LOOPBACK:
            raise NotFound("This site was not told under which URL it is reached.")
        return base


class _Refusal(NamedTuple):
    status: int
    sentence: str


REFUSALS: Final[dict[type[LedgerError], _Refusal]] = {
    Unauthenticated: _Refusal(401, "Die Anmeldung ist nicht gelungen. Bitte melden Sie sich noch einmal an."),
    Forbidden: _Refusal(403, "Das ist nicht für Ihre Rolle."),
    NotSigned: _Refusal(403, "Die Antwort des Passkeys passt nicht dazu. Nichts wurde geändert."),
    SignedTooLate: _Refusal(403, "Das Unterschreiben hat zu lange gedauert. Bitte fangen Sie noch einmal an."),
    NoPasskey: _Refusal(403, "Dafür brauchen Sie einen Passkey. Hinterlegen Sie ihn bitte zuerst in Ihrem Konto."),
    NoSeat: _Refusal(403, "Der Vertrag kennt keinen Passkey von Ihnen für diese Rolle. Nichts wurde geändert."),
    NotFound: _Refusal(404, "Das gibt es nicht, oder es ist nicht für Sie."),
    PreconditionFailed: _Refusal(
        409, "Jemand war schneller: der Fall ist inzwischen weitergegangen. Sehen Sie ihn noch einmal an."
    ),
    Conflict: _Refusal(409, "Jemand war schneller. Bitte versuchen Sie es noch einmal."),
    NotSealed: _Refusal(409, "Das steht noch nicht im Protokoll. Bitte warten Sie einen Augenblick."),
    ChainRefused: _Refusal(409, "Der Vertrag auf der Kette lehnt den Schritt ab."),
    InvalidInput: _Refusal(422, "Eine Angabe ist nicht richtig."),
    LedgerError: _Refusal(503, "Das geht gerade nicht. Nichts wurde geändert. Bitte kommen Sie später wieder."),
}


class Named(Route):
    """A route that figures and journal know by its path, as they know the API's."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Leave the route in the scope."""
        match, more = super().matches(scope)
        return match, {**more, "route": self}


def answered(site: Site, endpoint: Endpoint) -> Endpoint:
    """Return a page's endpoint: it knows whether anybody can sign in, and its errors are pages."""

    async def safe(request: Request) -> Response:
        request.state.signs_in, request.state.has_study = site.sign_in is not None, site.study is not None
        try:
            return await endpoint(request)
        except LedgerError as error:
            return refused(request, error)

    return safe


def refused(request: Request, error: LedgerError) -> Response:
    """Write an error as a page: what became of it, in the reader's words."""
    refusal = next(REFUSALS[kind] for kind in type(error).__mro__ if kind in REFUSALS or kind is LedgerError)
    sentence = refusal.sentence
    if isinstance(error, TransitionNotAllowed):
        refusal, sentence = _Refusal(409, ""), words.rule(error.rule)
    return page(request, "refused", refusal.status, sentence=sentence)
