"""Signing a contract's step with a passkey, in two requests and without anything kept in between.

    offered     the form was posted: the step is drafted, and a page says what is to be signed, with its digest
    completed   the page's script brought the assertion: the very same draft is made again, and held with its signature

All that chance and clock had to do with the draft goes with the page, sealed by an HMAC under the members' secret: who
in which session, which case as it was seen, which step, payload, role, moment, salt and key of the form, and which
passkey, the one that has the seat. So nobody has another step made of a signature than the one that was shown, and no
contract is asked about a signer that it does not know; whoever changes a byte of it finds no seal. The digest need not
be sealed: what comes back must be signed over the digest of the draft that is made again.

A case that moved on meanwhile is told as such (its head is in the seal), and a page that is sent twice takes its step
once, by the key of its form. Whoever has a key in this home signs with that, without this page.
"""

import hmac
from hashlib import sha256
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from ledger_automation.canonical import canonicalize
from ledger_automation.errors import InvalidValue, NotSigned
from ledger_automation.orchestrator.asked import Asked
from ledger_automation.orchestrator.decide import Outcome
from ledger_automation.orchestrator.enforce import Mark, Offer
from ledger_automation.values import CaseId, Salt, parse_timestamp, timestamp
from ledger_automation.web.account import insist_on_fresh, octets
from ledger_automation.web.figures import Figures
from ledger_automation.web.forms import fields_of
from ledger_automation.web.pages import language_of, page
from ledger_automation.web.site import Site
from ledger_automation.web.visits import Visitor
from ledger_automation.web.webauthn import Assertion, Wanted, asserted, unpadded

OURS: Final = "_"
"""How the names of all fields begin that this page adds to a form: no law names one so."""

_SEAL: Final = "_seal"


class _Shown(NamedTuple):
    """What is signed: a step as it was asked for, its mark, and the credential that it is shown to."""

    asked: Asked
    mark: Mark
    credential: str


async def taken(site: Site, request: Request, visitor: Visitor, asked: Asked) -> Outcome | Response:
    """Take a step; return the page to sign it on where it needs a passkey; raises NotSigned, NoPasskey, NoSeat."""
    if _SEAL in request.state.form:
        return await _completed(site, request, visitor, asked)
    mark = Mark(site.clock(), Salt.random())
    found = await site.office.offer(asked, mark)
    return found if isinstance(found, Outcome) else _shown(site, request, visitor, asked, mark, found)


def _shown(  # noqa: PLR0913, PLR0917  a page of two halves: who and what
    site: Site, request: Request, visitor: Visitor, asked: Asked, mark: Mark, offer: Offer
) -> Response:
    """Return the page that says what is signed."""
    asked, credential = asked._replace(role=offer.event.actor.role), unpadded(offer.passkey.credential)
    given = {name: text for name, text in request.state.form.items() if name != "form" and not name.startswith(OURS)}
    hidden = given | {
        "_case": asked.case_id, "_role": asked.role, "_moment": timestamp(mark.moment), "_salt": mark.salt.hex(),
        _SEAL: _seal(site, request, visitor, _Shown(asked, mark, credential)),
    }  # fmt: skip
    row = asked.table.transitions[asked.action]
    return page(
        request, "sign", script=True, offer=offer, table=asked.table, fields=fields_of(row.payload), hidden=hidden,
        wanted=Wanted.on(site.reached(request), offer.digest), credential=credential,
        unpadded=unpadded, figures=Figures(language_of(request)), opens=asked.opens,
    )  # fmt: skip


async def _completed(site: Site, request: Request, visitor: Visitor, asked: Asked) -> Outcome:
    """Have the draft made again and held; raises NotSigned, SignedTooLate, and what taking a step raises."""
    given: dict[str, str] = request.state.form
    try:
        mark = Mark(parse_timestamp(given.get("_moment", "")), Salt(bytes.fromhex(given.get("_salt", ""))))
        drafted = asked._replace(case_id=CaseId(given.get("_case", "")), role=given.get("_role", ""))
    except (InvalidValue, ValueError):
        raise NotSigned("it is no draft of ours") from None
    shown = _Shown(drafted, mark, given.get("_credential", ""))
    if not hmac.compare_digest(given[_SEAL].encode(), _seal(site, request, visitor, shown).encode()):
        raise NotSigned("it is not the draft that was shown")
    insist_on_fresh(site, given["_moment"])
    answer = Assertion(octets(given, "_client"), octets(given, "_authenticator"), octets(given, "_signature"))
    credential = octets(given, "_credential")
    passkey = await site.office.read(lambda unit: unit.passkeys.find(credential))
    if passkey is None or passkey.actor_id != visitor.member.actor_id:
        raise NotSigned("the passkey is not registered by whoever signs")
    url = site.reached(request)
    return await site.office.complete(
        drafted, mark, passkey, lambda digest: asserted(passkey.key, answer, Wanted.on(url, digest))
    )


def _seal(site: Site, request: Request, visitor: Visitor, shown: _Shown) -> str:
    asked, mark, credential = shown
    who = [*visitor.identity, visitor.form, asked.role, credential]
    what = [request.url.path, str(asked.case_id), (asked.expected or b"").hex(), asked.action, asked.payload]
    said = canonicalize([who, what, asked.key.hex(), timestamp(mark.moment), mark.salt.hex()])
    return hmac.new(site.office.secret, b"draft\0" + said, sha256).hexdigest()
