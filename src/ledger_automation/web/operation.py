"""The operator's page: whether everything works, what waits where, how old the keys are, and who is signed in.

    /betrieb            the parts and whether they are as they should be; queues; alarms; keys; members
    /betrieb/abmelden   posted, ends all sessions of a member

An operator reads no case here (R29): numbers and names of members only.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ledger_automation.errors import NotFound
from ledger_automation.orchestrator.ports import UnitOfWork
from ledger_automation.orchestrator.waiting import waiting
from ledger_automation.web.pages import language_of, page
from ledger_automation.web.site import Site
from ledger_automation.web.visits import Signed, Visitor, sent


def operation(site: Site) -> Signed:
    """Return the page of whoever keeps the service running."""

    async def shown(request: Request, _: Visitor) -> Response:
        chain_id = site.home.chain_id()

        def read(unit: UnitOfWork) -> dict[str, Any]:
            members = [(member, len(unit.sessions.all_of(identity))) for identity, member in unit.members.members()]
            return {"queues": waiting(unit, chain_id), "alarms": unit.anchors.alarms(), "members": members}

        facts = await site.office.read(read)
        return page(request, "operation", parts=await site.office.readiness(), keys=site.home.key_ages(), **facts)

    return shown


def sign_out(site: Site) -> Signed:
    """Return what ends all sessions of a member."""

    async def ended(request: Request, _: Visitor) -> Response:
        wanted = request.state.form.get("member", "")

        def write(unit: UnitOfWork) -> None:
            for identity, member in unit.members.members():
                if str(member.actor_id) == wanted:
                    unit.sessions.end_all(identity)
                    return
            raise NotFound("There is no such member.")

        await site.office.write(write)
        return sent(f"{language_of(request)}/betrieb")

    return ended
