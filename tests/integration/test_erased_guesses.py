"""After an erasure, nobody confirms a guess of what was erased: not the operator with his files, keys and other salts.

The operator knows the event but for the plate in it, every plate there is (a million of them), all bytes of his home
at every offset, and all salts that are left. Before the erasure the same attack finds the plate, which shows that it
would find it.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from ledger_automation.bootstrap import Ledger, member_secret, open_ledger
from ledger_automation.orchestrator.erase import Decision, decide, erase
from ledger_automation.orchestrator.seal import seal
from ledger_automation.orchestrator.transition import Intent, advance, open_case
from ledger_automation.settings import Settings
from ledger_automation.study.privacy.register import plates
from ledger_automation.values import CaseId
from ledger_automation.verify.policy import Level
from ledger_automation.workflows import Actor, Command, workflow

GUESSES = 1_000_000
CUT = 16
"""Digests are looked for by their first so many bytes, so that one that was cut short is found too."""

SECRET_PLATE = 777_777


class Operator:
    """Whoever has the home of a ledger: its files as they are, and all salts in its database."""

    def __init__(self, ledger: Ledger, before: bytes, after: bytes) -> None:
        ledger.engine.dispose()
        home = ledger.settings.home
        self.files = [path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()]
        self.secret = member_secret(home)
        self.keys = [path.read_bytes() for path in sorted((home / "keys").iterdir()) if path.is_file()]
        with ledger.read() as unit:
            rows = [row for _, _, found in unit.cases.trails(0, 0) for row in found]
        self.salts = [row.salt for row in rows if row.salt is not None]
        self.before, self.after = before, after

    def opened(self, guesses: range) -> set[int]:
        """Return the guesses that some digest in some file confirms."""
        values = {each[at : at + CUT] for each in self.files for at in range(len(each) - CUT + 1)}
        ways = list(self._ways())
        return {
            number
            for number, plate in zip(guesses, islice(plates(guesses.stop), guesses.start, None), strict=True)
            if any(way(plate.encode())[:CUT] in values for way in ways)
        }

    def reads(self, plate: str) -> bool:
        return any(form in each for each in self.files for form in (plate.encode(), plate.encode("utf-16-le")))

    def _ways(self) -> Iterator[Callable[[bytes], bytes]]:
        yield lambda guess: hashlib.sha256(guess).digest()
        yield lambda guess: hmac.digest(self.secret, guess, "sha256")
        for salt in (b"", bytes(32), *self.keys, *self.salts):
            yield self._event(hashlib.sha256(salt + self.before))

    def _event(self, begun: "hashlib._Hash") -> Callable[[bytes], bytes]:
        """Return the event's commitment under a salt; what stands before the guess is hashed once."""

        def digest(guess: bytes) -> bytes:
            hashed = begun.copy()
            hashed.update(guess + self.after)
            return hashed.digest()

        return digest


@pytest.mark.parametrize("sequence", [None, 0], ids=["the whole case", "its first step"])
def test_no_guess_of_a_million_is_confirmed_after_an_erasure(tmp_path: Path, sequence: int | None) -> None:
    clerk, plate = Actor("clara", "clerk"), list(plates(SECRET_PLATE + 1))[-1]
    with open_ledger(Settings(home=tmp_path)) as ledger:
        begin, recorder = ledger.begin, ledger.recorder

        def fine(offence: str) -> CaseId:
            intent = Intent(Command("record_fine", clerk, {"amount": 3_500, "offence": offence}), recorder.clock())
            step = open_case(begin, recorder, workflow("parking_fine"), Level.LOGGED, intent)
            return CaseId(step.event.case_id)

        mine, _ = fine(f"Halteverbot; {plate}; Wasserstrasse"), fine("Parkscheibe vergessen")
        advance(begin, recorder, mine, Intent(Command("send_hearing", clerk, {}), recorder.clock()))
        seal(begin, recorder, ledger.key, None)
        with ledger.read() as unit:
            first = unit.cases.trail(mine)[0]
        assert first.canonical is not None
        before, _, after = first.canonical.partition(plate.encode())
        assert first.salt is not None
        assert (operator := Operator(ledger, before, after)).reads(plate)
        assert any(first.salt in each for each in operator.files)
        assert operator.opened(range(SECRET_PLATE - 1_000, SECRET_PLATE + 1_000)) == {SECRET_PLATE}
        decide(begin, recorder, Actor("anna", "clerk"), Decision(mine, sequence, "Art. 17 DSGVO"))
        seal(begin, recorder, ledger.key, None)
        assert erase(begin, recorder, ledger.eraser) == (2 if sequence is None else 1)
        operator = Operator(ledger, before, after)
        assert not operator.reads(plate)
        assert not any(first.salt in each for each in operator.files), "nor can it be guessed: it has 256 bits"
        assert operator.opened(range(GUESSES)) == set()
