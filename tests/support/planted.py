"""``ledger`` with leaks: something of another person of the register planted in each way out of a run.

python planted.py leaks privacy-scan ...      a leak in each way out
python planted.py salt privacy-scan ...       nothing but the salt taken out of commitments
"""

import base64
import logging
import sys
from hashlib import sha256
from typing import Any

import msgspec

from ledger_automation.study.privacy.register import Person, register

SEED = 2019
PEOPLE = register(12, SEED)


def leaks(people: list[Person]) -> None:
    """Replace what makes artefacts by what also tells of somebody; the order is that of `EXPECTED`."""
    plant_on_chain(people)
    plant_in_answers(people)
    plant_within(people)


def plant_on_chain(people: list[Person]) -> None:
    from ledger_automation.audit import enforced  # noqa: PLC0415  after `salt` had its turn
    from ledger_automation.chain.registry import Registry  # noqa: PLC0415

    anchoring: Any = Registry.call

    def call(*given: Any) -> Any:
        made = anchoring(*given)
        return msgspec.structs.replace(made, data=made.data + people[0].plate.encode())

    Registry.call = call  # type: ignore[method-assign]
    enforced._blind = lambda _, text: int.from_bytes(sha256(text.encode()).digest()[:16])


def plant_in_answers(people: list[Person]) -> None:
    from ledger_automation.api import log, problems  # noqa: PLC0415
    from ledger_automation.api.edge import Edge  # noqa: PLC0415

    documenting, noting, answering = problems.document, Edge._note, log.Response

    def document(kind: Any, sentence: str, **more: Any) -> Any:
        return documenting(kind, f"{sentence} {people[3].iban}", **more)

    def note(self: Any, *given: Any) -> None:
        named = base64.b64encode(b"of " + people[4].name.encode()).decode()
        self._figures.requests.labels("GET", named, "200").inc()
        noting(self, *given)

    def response(content: Any, *given: Any) -> Any:
        answer = answering(content, *given)
        answer.headers["x-person"] = people[5].file
        return answer

    problems.document = document
    Edge._note = note  # type: ignore[method-assign]
    log.Response = response  # type: ignore[misc]


def plant_within(people: list[Person]) -> None:
    from ledger_automation.orchestrator import backup, webhooks  # noqa: PLC0415
    from ledger_automation.worker.workplace import Workplace  # noqa: PLC0415

    telling, running, writing = webhooks.body, Workplace.run, backup._write

    def body(origin: str, news: Any) -> bytes:
        return telling(origin, news) + sha256(people[6].plate.encode()).hexdigest().encode()

    def run(self: Any, duty: Any) -> bool:
        logging.getLogger("worker").warning("Duty %s, for %s", duty, people[7].name)
        return running(self, duty)

    def write(path: Any, content: bytes) -> None:
        writing(path, content + people[8].email.encode("utf-16"))

    webhooks.body = body
    Workplace.run = run  # type: ignore[method-assign]
    backup._write = write


def salt() -> None:
    """Take the salt out of commitments, before anybody imports what makes them."""
    from ledger_automation import canonical  # noqa: PLC0415
    from ledger_automation.canonical import commitment  # noqa: PLC0415

    def commit(_: bytes, octets: bytes) -> bytes:
        return sha256(octets).digest()

    canonical.commit = commitment.commit = commit
    from ledger_automation.worker.workplace import Workplace  # noqa: PLC0415

    Workplace._audit = lambda *_, **__: None  # type: ignore[assignment, method-assign]  its self-test would end the run


if __name__ == "__main__":
    salt() if sys.argv[1] == "salt" else leaks(PEOPLE)
    from ledger_automation.cli import main

    main(sys.argv[2:])
