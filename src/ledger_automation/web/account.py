"""Somebody's account: who he is here, where he is signed in, and with which passkeys he signs.

    /konto                     all of it
    /konto/passkey             posted by the page's script: a new passkey, registered
    /konto/passkey/entfernen   posted: a passkey, forgotten here

The challenge that a new passkey signs is made of the session and the moment, so that nothing is kept for it. What is
registered has no effect on any contract: the page says which signer the passkey is, what the admin types to seat it,
and whether it is seated, where a contract is at hand to say so. A passkey that is removed keeps its seat until that is
taken away; only these pages ask for its signature no longer.
"""

import hmac
from base64 import urlsafe_b64decode
from datetime import timedelta
from hashlib import sha256
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from ledger_automation.canonical import canonicalize
from ledger_automation.errors import InvalidInput, InvalidValue, LedgerError, NotSigned, SignedTooLate
from ledger_automation.orchestrator.enforce import Seat
from ledger_automation.orchestrator.passkey import Passkey
from ledger_automation.orchestrator.ports import UnitOfWork
from ledger_automation.values import parse_timestamp, timestamp
from ledger_automation.web.pages import language_of, page
from ledger_automation.web.site import Endpoint, Site
from ledger_automation.web.visits import Visitor, for_roles, sent
from ledger_automation.web.webauthn import Wanted, registered, unpadded
from ledger_automation.workflows import workflow
from ledger_automation.workflows._table import ROLES

PATIENCE: Final = timedelta(minutes=10)
"""How old a challenge may be: somebody looks for his security key."""

MOST_PASSKEYS: Final = 10


class Shown(NamedTuple):
    """A passkey on its holder's page: ``signer`` is empty where no contract is at hand to say what it is there."""

    passkey: Passkey
    name: str
    signer: str
    seats: list[Seat]


def account(site: Site) -> Endpoint:
    """Return the page of whoever is signed in."""

    async def shown(request: Request, visitor: Visitor) -> Response:
        def read(unit: UnitOfWork) -> tuple[list[object], list[Passkey]]:
            return [*unit.sessions.all_of(visitor.identity)], unit.passkeys.all_of(visitor.member.actor_id)

        sessions, passkeys = await site.office.read(read)
        now = timestamp(site.clock())
        wanted = Wanted.on(site.reached(request), _challenge(site, visitor, now))
        return page(
            request, "konto", script=True, sessions=sessions, passkeys=await _seated(site, visitor, passkeys),
            wanted=wanted, moment=now, unpadded=unpadded, most=MOST_PASSKEYS, commands=_commands(site, visitor),
            user=unpadded(sha256(visitor.member.actor_id.encode()).digest()),
        )  # fmt: skip

    return for_roles(site, frozenset(ROLES), shown)


def registration(site: Site) -> Endpoint:
    """Return what registers a passkey."""

    async def register(request: Request, visitor: Visitor) -> Response:
        given: dict[str, str] = request.state.form
        moment = given.get("moment", "")
        insist_on_fresh(site, moment)
        wanted = Wanted.on(site.reached(request), _challenge(site, visitor, moment))
        found = registered(octets(given, "client"), octets(given, "authenticator"), wanted)
        actor_id, now = visitor.member.actor_id, timestamp(site.clock())

        def write(unit: UnitOfWork) -> None:
            if len(unit.passkeys.all_of(actor_id)) >= MOST_PASSKEYS:
                raise InvalidInput(f"Nobody registers more than {MOST_PASSKEYS} passkeys.")
            unit.passkeys.register(Passkey(*found, actor_id, now))

        await site.office.write(write)
        return sent(f"{language_of(request)}/konto")

    return for_roles(site, frozenset(ROLES), register)


def removal(site: Site) -> Endpoint:
    """Return what forgets a passkey."""

    async def remove(request: Request, visitor: Visitor) -> Response:
        credential = octets(request.state.form, "credential")
        await site.office.write(lambda unit: unit.passkeys.remove(visitor.member.actor_id, credential))
        return sent(f"{language_of(request)}/konto")

    return for_roles(site, frozenset(ROLES), remove)


def insist_on_fresh(site: Site, moment: str) -> None:
    """Raise SignedTooLate for a moment that is too long ago or to come, NotSigned for what is none."""
    try:
        age = site.clock() - parse_timestamp(moment)
    except InvalidValue:
        raise NotSigned("it says no moment") from None
    if not timedelta() <= age <= PATIENCE:
        raise SignedTooLate("it was asked for too long ago")


def octets(given: dict[str, str], name: str) -> bytes:
    """Return a field's bytes (base64url); raises NotSigned."""
    text = given.get(name, "")
    try:
        found = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        found = b""
    if not text or unpadded(found) != text:
        raise NotSigned(f"there is no {name} in it")
    return found


def _challenge(site: Site, visitor: Visitor, moment: str) -> bytes:
    """Return what a new passkey must sign: nobody else's, in this session, at this moment."""
    said = canonicalize([*visitor.identity, visitor.form, moment])
    return hmac.new(site.office.secret, b"passkey\0" + said, sha256).digest()


async def _seated(site: Site, visitor: Visitor, passkeys: list[Passkey]) -> list[Shown]:
    """Return passkeys with what the contracts say of them, as far as any is at hand."""
    signers: list[bytes] = []
    seats: list[Seat] = []
    if passkeys and site.office.enforced:
        try:
            signers, seats = await site.office.seats(visitor.member.actor_id, [each.key for each in passkeys])
        except LedgerError:  # the page is of use without a chain
            signers = []
    padded = signers or [b""] * len(passkeys)
    return [
        Shown(each, unpadded(each.credential), signer.hex(), [seat for seat in seats if seat.signer == signer])
        for each, signer in zip(passkeys, padded, strict=True)
    ]


def _commands(site: Site, visitor: Visitor) -> list[tuple[str, str]]:
    """Return what an admin types to seat him, by workflow, up to the signer."""
    found = []
    for name in site.office.enforced:
        allowed = {role for row in workflow(name).transitions.values() for role in row.roles}
        if roles := [role for role in visitor.member.roles if role in allowed]:
            words = " ".join(f"--role {role}" for role in roles)
            found.append((name, f"ledger member seat {visitor.member.actor_id} --workflow {name} {words}"))
    return found
