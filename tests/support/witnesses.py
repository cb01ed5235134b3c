"""Witnesses for a log that is tested: real ones in homes of their own, asked without a socket."""

import asyncio
from pathlib import Path
from typing import Any

from ledger_automation.errors import Unreachable
from ledger_automation.orchestrator.cosign import PinnedWitness, Reply
from ledger_automation.tlog.cosignature import WitnessKey
from ledger_automation.tlog.note import SignerKey
from ledger_automation.witness import home
from ledger_automation.witness.application import Application
from support.asgi import Service


class Witnesses:
    """Some witnesses that know one log, by number; satisfies `orchestrator.cosign.Wire`.

    ``away`` do not answer, ``answers`` are given instead of one's own; ``asked`` is what each was asked.
    """

    def __init__(self, place: Path, *logs: SignerKey, count: int = 3) -> None:
        self.places = [place / f"witness-{number}" for number in range(count)]
        self.logs = place / "logs"
        self.logs.parent.mkdir(parents=True, exist_ok=True)
        self.logs.write_text("".join(f"{each.verifier.text}\n" for each in logs), "utf-8")
        for number, each in enumerate(self.places):
            home.make(each, f"witness.example/{number}")
        self.away: set[int] = set()
        self.answers: dict[int, Reply] = {}
        self.asked: list[tuple[int, bytes, int]] = []

    def key(self, number: int) -> WitnessKey:
        return home.public_key(self.places[number])

    def pinned(self, *numbers: int) -> tuple[PinnedWitness, ...]:
        chosen = numbers or tuple(range(len(self.places)))
        return tuple(PinnedWitness(self.key(number), f"http://witness-{number}") for number in chosen)

    def settings(self, required: int = 2) -> dict[str, Any]:
        return {"witnesses": {each.key.text: each.url for each in self.pinned()}, "witnesses_required": required}

    def post(self, url: str, body: bytes) -> Reply:
        number = int(url.rpartition("-")[2])
        if number in self.away:
            self.asked.append((number, body, 0))
            raise Unreachable("It does not answer: ConnectError.")
        if number in self.answers:
            return self.answers[number]
        with asyncio.Runner() as runner:
            app = Application(home.open_witness(self.places[number], self.logs))
            reply = Service(app, runner).ask("POST", "/add-checkpoint", body=body)
        self.asked.append((number, body, reply.status))
        return Reply(reply.status, reply.headers["content-type"], reply.body)

    def statuses(self, number: int) -> list[int]:
        return [status for each, _, status in self.asked if each == number]

    def sizes(self, number: int) -> list[int]:
        """What the log's checkpoint was in each request that a witness said yes to."""
        said = [body for each, body, status in self.asked if (each, status) == (number, 200)]
        return [int(body.decode().partition("\n\n")[2].split("\n")[1]) for body in said]
