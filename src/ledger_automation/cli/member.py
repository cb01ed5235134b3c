"""``ledger member seat|show``: who may sign which steps, by the word of the contracts."""

import re
from typing import Annotated

from cyclopts import App, Parameter

from ledger_automation.audit.enforced import member_number
from ledger_automation.bootstrap import Enforcing, Ledger, member_secret, open_ledger
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit
from ledger_automation.errors import InvalidValue, NotFound
from ledger_automation.values import ActorId
from ledger_automation.workflows import workflow as table
from ledger_automation.workflows._table import ROLES

app = App(name="member", help="Seat actors in the contracts that enforce workflows, and show their seats.")

_Actor = Annotated[str, Parameter(help="The actor's pseudonym.")]
_Workflow = Annotated[str, Parameter(name="--workflow", help="Whose contract: permit, subsidy or parking_fine.")]
_SIGNER = re.compile(r"0x([0-9a-fA-F]{40}|[0-9a-fA-F]{168})")


@app.command
def seat(
    actor: _Actor,
    *,
    workflow: _Workflow,
    role: Annotated[list[str] | None, Parameter(help="A role; may be repeated. None: the actor is dismissed.")] = None,
    signer: Annotated[str, Parameter(help="An address, or verifier and key (ERC-7913), in 0x hex.")] = "",
    passkey: Annotated[bool, Parameter(help="By the passkey that the actor registered last.", negative=())] = False,
    options: Options = NONE,
) -> int:
    """Give an actor a seat with exactly these roles; without a signer by the key under keys/actors of this home."""
    actor_id, roles = ActorId(actor), tuple(role or ())
    if unknown := sorted(set(roles) - set(ROLES)):
        raise InvalidValue("A role", unknown[0], f"one of {', '.join(ROLES)}")
    if signer and not _SIGNER.fullmatch(signer):
        raise InvalidValue("A signer", signer, "20 bytes, or 84 for a verifier and its key, in 0x hex")
    if signer and passkey:
        raise InvalidValue("A seat's signer", signer, "either named or the actor's passkey")
    table(workflow)  # before a key is made for nothing
    with open_ledger(options.settings()) as ledger, ledger.enforcing() as chain:
        named = _passkey(ledger, chain, actor_id) if passkey else bytes.fromhex(signer.removeprefix("0x"))
        seated = chain.admit(workflow, actor_id, roles, named)
    data = {"actor": actor_id, "workflow": workflow, "roles": roles, "signer": f"0x{seated.hex()}"}
    emit(
        data,
        [f"{actor_id} signs as {' and '.join(roles) or 'nobody'} in {workflow}: 0x{seated.hex()}."],
        json=options.json,
    )
    return 0


def _passkey(ledger: Ledger, chain: Enforcing, actor_id: str) -> bytes:
    """Return the signer that an actor's newest passkey is; raises NotFound where there is none."""
    with ledger.read() as unit:
        found = unit.passkeys.all_of(actor_id)
    if not found:
        raise NotFound(f"{actor_id} has registered no passkey; that is done on the page /konto.", actor_id=actor_id)
    return chain.enforcer.signer(found[0].key)


@app.command
def show(actor: _Actor, *, workflow: _Workflow, options: Options = NONE) -> int:
    """Show an actor's seat, as the contract knows it."""
    actor_id = ActorId(actor)
    with open_ledger(options.settings(), existing=True) as ledger, ledger.enforcing() as chain:
        number = member_number(member_secret(ledger.settings.home), actor_id)
        bits, signer = chain.chain.ledgers.seat(workflow, number)
    roles = [role for place, role in enumerate(ROLES) if bits >> place & 1]
    data = {"actor": actor_id, "workflow": workflow, "number": number, "roles": roles, "signer": f"0x{signer.hex()}"}
    words = f"signs as {' and '.join(roles)} by 0x{signer.hex()}" if roles else "has no seat"
    emit(data, [f"{actor_id} (member {number}) {words} in {workflow}."], json=options.json)
    return 0
