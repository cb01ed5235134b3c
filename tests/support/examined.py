"""The service under schemathesis 4: every check, every phase, in this process, with a real token.

Each finding is one check that failed for one operation. The one who asks may do everything, so that what is sent gets
past the question who asks; who may do what is `test_authorisation`'s.
"""

import asyncio
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from typing import Any, Final

import msgspec
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, from_schema
from schemathesis.engine.events import NonFatalError, ScenarioFinished

from ledger_automation.orchestrator.asked import Identity, Member
from ledger_automation.orchestrator.sequence import sequence
from ledger_automation.workflows._table import ROLES
from support.asgi import Message
from support.town import URL, Town

EVERYBODY: Final = "clerk-1"
STATE_DECIDES: Final = ["2xx", "3xx", "401", "403", "404", "409", "412", "429"]
"""What may be answered to a request that is in order. schemathesis does not know 412, which only the case decides on
(If-Match names a head that it no longer has); and a 5xx, which it would let pass, is none of them here."""


CONTENT_DECIDES: Final = {
    "include-path": "/documents",
    "checks": {"positive_data_acceptance": {"expected-statuses": [*STATE_DECIDES, "415", "422"]}},
}
"""What a document is says its content, which no schema describes."""


_ROOM_IN_A_KEY: Final = 180


class Examined(msgspec.Struct):
    """What came of it: examples and failed checks by operation, and the first example of each failure."""

    examples: Counter[str]
    findings: Counter[str]
    shown: dict[str, str]
    phases: Counter[str]


class Bridge:
    """The application for a client that starts and ends an event loop with each request: ours has one of its own."""

    def __init__(self, town: Town) -> None:
        self._service = town.service
        self._background = partial(sequence, town.ledger.begin, town.ledger.recorder, town.ledger.key)
        self._thread = ThreadPoolExecutor(1)
        self._numbers = count()

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            for answer in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{answer}.complete"})
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        path = scope["raw_path"].decode("ascii") + (
            "?" + scope["query_string"].decode("ascii") if scope["query_string"] else ""
        )
        body = _with_whole_numbers(body)
        headers = [each for each in scope["headers"] if each[0] != b"content-length"]
        if scope["path"] == "/readyz":  # what is done in the background, or events would wait for ever
            await asyncio.get_running_loop().run_in_executor(self._thread, self._background)
        asked = (scope["method"], path, [(name, self._fresh(name, value)) for name, value in headers], body)
        reply = await asyncio.get_running_loop().run_in_executor(self._thread, self._service.ask, *asked)
        fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.fields]
        await send({"type": "http.response.start", "status": reply.status, "headers": fields})
        await send({"type": "http.response.body", "body": reply.body})

    def _fresh(self, name: bytes, value: bytes) -> bytes:
        """A key is for one request: the same small one again and again would only ask for the first answer again."""
        if name != b"idempotency-key" or not value.strip() or len(value) > _ROOM_IN_A_KEY:
            return value
        return b"%s-%d" % (value, next(self._numbers))


def _with_whole_numbers(body: bytes) -> bytes:
    """Write 321.0 as 321: an integer to JSON Schema, to our reader a float, which it refuses (`test_bodies`)."""
    try:
        value = json.loads(body)
    except ValueError:
        return body
    whole = _whole(value)
    return json.dumps(whole).encode() if repr(whole) != repr(value) else body


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _whole(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_whole(member) for member in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def examine(town: Town, document: dict[str, Any], examples: int, seed: int) -> Examined:
    """Run all phases over a document; ``examples`` an operation and phase."""
    with town.ledger.begin() as unit:
        unit.members.enrol(Identity(URL, EVERYBODY), Member(EVERYBODY, ROLES))
        unit.commit()
    schema = schemathesis.openapi.from_dict(document, config=_config(town, examples, seed))
    schema.app = Bridge(town)
    found = Examined(Counter(), Counter(), {}, Counter())
    for event in from_schema(schema).execute():
        if isinstance(event, ScenarioFinished):
            _count(event, found)
        elif isinstance(event, NonFatalError):
            found.findings[f"{event.label}: {type(event.value).__name__}"] += 1
            found.shown.setdefault(event.label, str(event.value))
    return found


def _config(town: Town, examples: int, seed: int) -> SchemathesisConfig:
    return SchemathesisConfig.from_dict({
        "seed": seed,
        "headers": {"Authorization": f"Bearer {town.token(EVERYBODY)}"},
        "generation": {"max-examples": examples, "database": "none"},
        "phases": {"stateful": {"max-steps": 6}},
        "checks": {"positive_data_acceptance": {"expected-statuses": STATE_DECIDES}},
        "operations": [CONTENT_DECIDES],
    })  # fmt: skip


def _count(event: ScenarioFinished, found: Examined) -> None:
    recorder = event.recorder
    for node in recorder.cases.values():
        found.examples[node.value.operation.label] += 1
        found.phases[event.phase.value] += 1
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.status is Status.FAILURE and check.failure_info is not None:
                name = f"{recorder.cases[case_id].value.operation.label}: {check.name}"
                found.findings[name] += 1
                found.shown.setdefault(name, f"{check.failure_info.failure}\n{check.failure_info.code_sample}")
