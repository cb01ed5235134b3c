"""Being forgotten: a clerk says what is to be destroyed and why; the log says it first, then it is done.

    POST /workflows/{workflow}/cases/{case}/erasure    a step (``sequence``), or without one the whole case

Answered with 202: the content goes once the decision stands in the log. A second decision about the same is refused by
the law of the log's own case.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from fastapi import Request, Response

from ledger_automation.api import schemas
from ledger_automation.api.body import json_object, members, text
from ledger_automation.api.desk import desk
from ledger_automation.api.reading import OF_CASE, case_of, rendered
from ledger_automation.api.routes import Endpoint, Route
from ledger_automation.errors import InvalidValue, NotFound
from ledger_automation.orchestrator.erase import Decision, decide
from ledger_automation.orchestrator.visible import case_for
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.values import MAX_INTEGER, CaseId
from ledger_automation.workflows import Actor, Workflow
from ledger_automation.workflows._table import Text

DECIDERS: Final = frozenset({"clerk"})
_SEQUENCE: Final = {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER}
_ASKED: Final = {"legal_basis": msgspec.json.schema(Text), "sequence": _SEQUENCE}
_DECIDED: Final = schemas.closed({"case_id": schemas.UUID, **_ASKED}, ["case_id", "legal_basis"])
_DESCRIBED: Final = {
    "summary": "Have content destroyed on somebody's right to be forgotten",
    "parameters": [OF_CASE],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": schemas.closed(_ASKED, ["legal_basis"])}},
    },
    "responses": {
        **schemas.answers(202, "It is decided, and happens once the log says so.", _DECIDED),
        **schemas.problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
    },
}


def routes(tables: list[Workflow[Any]]) -> Iterator[Route]:
    """Yield the route of each workflow."""
    for table in tables:
        path = f"/workflows/{table.name}/cases/{{case}}/erasure"
        yield Route("POST", path, f"{table.name}.erase", _erase(table), _DESCRIBED, DECIDERS)


def _erase(table: Workflow[Any]) -> Endpoint:
    async def erase(request: Request) -> Response:
        at, caller = desk(request), await desk(request).caller(request)
        _, value = await json_object(request)
        members(value, frozenset(_ASKED))
        basis, sequence = text(value.get("legal_basis"), "legal_basis"), value.get("sequence")
        if "sequence" in value and (type(sequence) is not int or sequence < 0):
            raise InvalidValue("sequence", sequence, "the number of a step")

        def look(unit: SqlUnitOfWork) -> tuple[Actor, CaseId]:
            member = at.member(unit, caller, DECIDERS)
            record = case_for(unit, member, case_of(request), table.name)
            if sequence is not None and sequence > record.sequence:
                raise NotFound(f"The case has no step {sequence} yet.", case_id=record.case_id, sequence=sequence)
            return Actor(member.actor_id, "clerk"), CaseId(record.case_id)

        actor, case_id = await at.read(look)
        decision = Decision(case_id, sequence, basis)
        await at.run(lambda: decide(at.ledger.begin, at.ledger.recorder, actor, decision))
        return rendered({name: each for name, each in decision._asdict().items() if each is not None}, 202)

    return erase
