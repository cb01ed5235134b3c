"""What every route works with: the ledger, who calls, and threads to read and to decide in.

A desk belongs to one application and one event loop; it is made by `application` and closed with it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, Protocol, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request

from ledger_automation.api.group import GroupCommit
from ledger_automation.api.tokens import TokenVerifier
from ledger_automation.bootstrap import Ledger, member_secret
from ledger_automation.errors import Forbidden, LedgerError, Unauthenticated, Unreachable
from ledger_automation.orchestrator.asked import Asked, Identity, Member, citizen
from ledger_automation.orchestrator.decide import UNDECIDED, Outcome
from ledger_automation.orchestrator.duties import Duty
from ledger_automation.orchestrator.enforce import ByPasskey, Enforcer, Mark, Offer, Prove, Seat
from ledger_automation.orchestrator.passkey import Passkey
from ledger_automation.orchestrator.readiness import Part, chain_part, keeping_up
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import ChainIdentity

T = TypeVar("T")
_READERS: Final = 8
_EXAMINERS: Final = 2
_LISTENERS: Final = 500
DOCUMENTS: Final = 16
"""Documents that may be on their way in at once: each is held in memory until it is kept."""

DOCUMENTS_OF_ONE: Final = 2
"""The same, of one caller: nobody takes all of the places."""

_CHAIN_SECONDS: Final = 5.0


class Background(Protocol):
    """What the application needs of the work in the background: the chain that it has open."""

    def enforcer(self) -> Enforcer:
        """Return who takes enforced steps on; raises Misconfigured where no contract is at hand."""
        ...

    def chain(self) -> ChainIdentity:
        """Ask the chain which one it is, and which contract has the log; raises Unreachable, Misconfigured."""
        ...

    def wake(self, *duties: Duty) -> None:
        """Have duties done now; raises Unreachable where nobody could be told."""
        ...


class Desk:
    """The parts of one application; ``ending`` tells whether its server was asked to end."""

    def __init__(
        self, ledger: Ledger, tokens: TokenVerifier, background: Background, ending: Callable[[], bool] = lambda: False
    ) -> None:
        self.ledger = ledger
        self.tokens = tokens
        self.ending = ending
        self._decider = ledger.decider()
        self._background = background
        self._chain_part: tuple[float, Part] | None = None
        self.secret = member_secret(ledger.settings.home)
        self.group = GroupCommit(self._decider.attempt, self._decider.again)
        self._readers = ThreadPoolExecutor(_READERS, "read")
        self._examiners = ThreadPoolExecutor(_EXAMINERS, "examine")
        self._documents: Counter[Identity] = Counter()
        self._listeners = 0

    async def caller(self, request: Request) -> Identity:
        """Return who calls, and let `edge` know; raises Unauthenticated."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("Send a bearer token.", reason="no token")
        request.state.caller = caller = await self.tokens.verify(token)
        return caller

    async def take(self, asked: Asked) -> Outcome:
        """Decide a step with those that come at the same time; have one signed and held that a contract decides.

        Raises what the law and its store refuse, and Misconfigured where no contract is at hand.
        """
        return await self._taken(asked, lambda: self._decider.hold(asked, self._background.enforcer()))

    async def offer(self, asked: Asked, mark: Mark) -> Outcome | Offer:
        """Take a step likewise, or draft it for whoever signs it with a passkey; raises NoPasskey, NoSeat too."""
        there = self._decider.at(mark.moment)
        return await self._taken(asked, lambda: there.offer(asked, self._background.enforcer(), mark))

    async def complete(self, asked: Asked, mark: Mark, passkey: Passkey, prove: Prove) -> Outcome:
        """Take a step that was drafted with a mark and signed with a passkey; raises NotSigned too."""

        def held() -> Outcome:
            enforcer = self._background.enforcer().at(mark, lambda keys: ByPasskey(keys, passkey, prove))
            return self._decider.at(mark.moment).hold(asked, enforcer)

        return await self._taken(asked, held)

    async def seats(self, actor_id: str, keys: Sequence[bytes]) -> tuple[list[bytes], list[Seat]]:
        """Return the signers that passkeys are, and their holder's seats in the workflows that contracts enforce.

        Raises Misconfigured, Unreachable where no contract is at hand.
        """

        def read() -> tuple[list[bytes], list[Seat]]:
            enforcer = self._background.enforcer()
            return [enforcer.signer(key) for key in keys], [enforcer.seat(name, actor_id) for name in self.enforced]

        return await self.run(read)

    @property
    def enforced(self) -> list[str]:
        """The workflows whose new cases contracts decide."""
        return [name for name, level in self.ledger.settings.levels.items() if level is Level.ENFORCED]

    async def _taken(self, asked: Asked, undecided: Callable[[], T]) -> Outcome | T:
        """Decide a step, the ones that a contract decides by other means."""
        outcome: Outcome | T = await self.group.submit(asked)
        if outcome == UNDECIDED:
            outcome = await self.run(undecided)
        if isinstance(outcome, Outcome) and outcome.error is not None:
            raise outcome.error
        return outcome

    async def wake(self, duty: Duty) -> None:
        """Have a duty done now, in the background; raises Unreachable."""
        await self.run(lambda: self._background.wake(duty))

    async def read(self, work: Callable[[SqlUnitOfWork], T]) -> T:
        """Read in a snapshot, in a thread of its own."""
        return await self.run(lambda: self._reading(work))

    async def write(self, work: Callable[[SqlUnitOfWork], T]) -> T:
        """Write in one transaction, in a thread of its own."""
        return await self.run(lambda: self._writing(work))

    async def run(self, work: Callable[[], T]) -> T:
        """Do something that waits, in a thread of its own."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    async def examine(self, work: Callable[[], T]) -> T:
        """Look into a document: a picture or a scanner takes its time, which is not the readers'."""
        return await asyncio.get_running_loop().run_in_executor(self._examiners, work)

    @contextmanager
    def document(self, caller: Identity) -> Iterator[None]:
        """Let a document in, for as long as the block; raises HTTPException (429), Unreachable where there are many."""
        if self._documents[caller] >= DOCUMENTS_OF_ONE:
            raise HTTPException(429, "Send one document after another.", {"Retry-After": "2"})
        if self._documents.total() >= DOCUMENTS:
            raise Unreachable("Too many documents are on their way already; come again later.")
        self._documents[caller] += 1
        try:
            yield
        finally:
            self._documents[caller] -= 1
            self._documents += Counter()  # forgets those who send none

    def member(self, unit: SqlUnitOfWork, caller: Identity, roles: frozenset[str]) -> Member:
        """Return who calls with those of its roles that count here; raises Forbidden where it has none of them.

        Read in each request's own transaction: who lost a role has lost it at the next one.
        """
        member = unit.members.member(caller) or citizen(caller, self.secret)
        counting = tuple(role for role in member.roles if role in roles)
        if not counting:
            raise Forbidden(f"This is for {' or '.join(sorted(roles))}.", allowed=sorted(roles))
        return Member(member.actor_id, counting)

    def listen(self) -> bool:
        """Let somebody listen to a case; False where too many do."""
        if self._listeners >= _LISTENERS:
            return False
        self._listeners += 1
        return True

    def leave(self) -> None:
        """Somebody listens no longer."""
        self._listeners -= 1

    async def readiness(self) -> list[Part]:
        """Say of each part whether it is as it should be."""
        try:
            parts = await self.read(self._keeping_up)
        except LedgerError:  # who asks is a stranger: where it stands, and what is wrong, is for the operator
            return [Part("database", False, "It does not answer.")]
        return [*parts, await self.run(self._chain)]

    async def close(self) -> None:
        """Decide what waits, and let the threads go."""
        await self.group.close()
        self._examiners.shutdown()
        self._readers.shutdown()

    def _keeping_up(self, unit: SqlUnitOfWork) -> list[Part]:
        settings, chain = self.ledger.settings, self.ledger.pinned_identity()
        now, lag = self.ledger.recorder.clock(), timedelta(seconds=2 * settings.anchor_seconds)
        chain_id = chain.chain_id if chain is not None else None
        return [Part("database", True, "It answers."), *keeping_up(unit, now, chain_id, lag)]

    def _chain(self) -> Part:
        """Ask whether the chain is the pinned one; not more often than every few seconds, whoever asks us."""
        now = time.monotonic()
        if self._chain_part is None or now - self._chain_part[0] > _CHAIN_SECONDS:
            self._chain_part = (now, chain_part(self._background.chain, self.ledger.pinned_identity()))
        return self._chain_part[1]

    def _reading(self, work: Callable[[SqlUnitOfWork], T]) -> T:
        with self.ledger.read() as unit:
            return work(unit)

    def _writing(self, work: Callable[[SqlUnitOfWork], T]) -> T:
        with self.ledger.begin() as unit:
            result = work(unit)
            unit.commit()
        return result


def desk(request: Request) -> Desk:
    """Return the desk of the application that a request came to."""
    found: Desk = request.app.state.desk
    return found
