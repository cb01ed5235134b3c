"""Steps that a clerk signs by himself and brings to the contract without the office."""

from typing import Any

from integration.enforced.conftest import Town
from ledger_automation.audit.encoding import decode
from ledger_automation.audit.enforced import ActorSignature
from ledger_automation.audit.trail import Trail
from ledger_automation.values import CaseId, Salt

_relayed: dict[CaseId, Any] = {}


def relay(town: Town, case_id: CaseId, who: str, action: str, commitment: bytes = b"", **payload: Any) -> None:
    """Have a clerk sign a step by himself and bring it to the contract past the office."""
    enforcer, chain = town.enforcing.enforcer, town.enforcing.chain
    if case_id not in _relayed:
        with town.ledger.read() as unit:
            _relayed[case_id] = genuine(town, unit, case_id)
    point = _relayed[case_id]
    intent = town.intent(who, "clerk", action, **payload)
    step = enforcer.in_contract_words(point, intent, commitment or Salt.random())
    _, signature = chain.actors.sign(who, step.digest(chain.ledgers.domain("permit")))
    call = chain.ledgers.call("permit", step, signature)
    web3 = chain.ledgers._connection.web3
    sent = web3.eth.send_transaction(
        {"from": web3.eth.accounts[4], "to": call.contract, "data": call.data, "gas": 400_000}  # type: ignore[typeddict-item]
    )
    assert chain.ledgers._connection.mined(sent.to_0x_hex())["status"] == 1
    case = point.standing.table.apply(point.standing.case, intent.command, intent.at).case
    facts = point.standing.table.enforcement.facts(case.data, point.names)
    _relayed[case_id] = point._replace(standing=point.standing._replace(case=case), link=step.after(facts))


def genuine(town: Town, unit: Any, case_id: CaseId) -> Any:
    """Where the case stood after its first two steps, whatever was forged since."""
    trail, law = unit.cases.trail(case_id), Trail()
    for row in trail[:2]:
        law.follow(decode(row.canonical), row.commitment)
    point = town.enforcing.enforcer.standpoint(unit, case_id)
    link = ActorSignature.read(decode(trail[1].canonical).signature or {}).after()
    return point._replace(standing=point.standing._replace(case=law.case), link=link)
