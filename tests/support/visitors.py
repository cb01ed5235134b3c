"""Somebody at the pages of a town in this process: signed in, with his cookie, and the forms that he is shown."""

import re
from typing import Any
from urllib.parse import urlencode

from ledger_automation.orchestrator.asked import Identity
from ledger_automation.orchestrator.session import begin
from support.asgi import Reply
from support.town import URL, Town

_HIDDEN = re.compile(r'<input type="hidden" name="(form|head|key)" value="([^"]*)">')


class Visitor:
    """Asks as a browser does."""

    def __init__(self, town: Town, persona: str = "") -> None:
        self.town = town
        self.cookie = ""
        if persona:
            now = town.ledger.recorder.clock()
            with town.ledger.begin() as unit:
                self.cookie = f"session={begin(unit.sessions, Identity(URL, persona), now)}"
                unit.commit()

    def get(self, path: str) -> Reply:
        return self.town.service.ask("GET", path, {"Cookie": self.cookie}, b"")

    def post(self, path: str, fields: dict[str, str]) -> Reply:
        headers = {"Cookie": self.cookie, "Content-Type": "application/x-www-form-urlencoded"}
        return self.town.service.ask("POST", path, headers, urlencode(fields).encode())

    def hidden(self, path: str) -> dict[str, str]:
        """Return what a form carries that nobody writes."""
        answer = self.get(path)
        assert answer.status == 200, answer
        return dict(_HIDDEN.findall(answer.body.decode())[-3:])

    def fill(self, path: str, **fields: Any) -> Reply:
        """Open a form, fill it in and send it; a double underscore is a point."""
        return self.post(path, self.hidden(path) | {name.replace("__", "."): value for name, value in fields.items()})

    def leads(self, path: str, **fields: Any) -> str:
        """Return the case that a form leads to."""
        answer = self.fill(path, **fields)
        assert answer.status == 303, answer.body.decode()
        return str(answer.headers["location"])
