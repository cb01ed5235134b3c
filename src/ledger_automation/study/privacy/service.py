"""The service as a run uses it, and the ledger that both work on: one database, one chain, one process.

The service itself stands above this package; whoever runs the scan hands it in as a `Service`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ledger_automation.bootstrap import Enforcing, Ledger
from ledger_automation.orchestrator.duties import Duty
from ledger_automation.orchestrator.ports import CheckpointAnchor
from ledger_automation.verify.policy import VerificationPolicy


class Answer(NamedTuple):
    """What was answered: its status, its headers by lower-case name, its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def whole(self) -> bytes:
        """Return everything that was sent back."""
        lines = [f"{self.status}", *(f"{name}: {value}" for name, value in self.headers.items()), ""]
        return "\n".join(lines).encode() + self.body


class Service(Protocol):
    """The API and the work in the background over one ledger, with its journal."""

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Send a request over HTTP, exactly so."""
        ...

    def token(self, subject: str) -> str:
        """Return a token for a subject."""
        ...

    def do(self, duty: Duty) -> bool:
        """Run a duty of the background now; tells whether it went well."""
        ...

    def journal(self) -> bytes:
        """Return all that was written down so far."""
        ...


@dataclass(frozen=True)
class OpenedLedger(Ledger):
    """A ledger whose chain is open: whoever opens it again gets the same one, since eth-tester's is in this process."""

    opened: Enforcing

    @contextmanager
    def chain(self) -> Iterator[tuple[CheckpointAnchor, VerificationPolicy]]:
        """Return the open chain."""
        yield self.opened.chain.anchor, self.opened.policy

    @contextmanager
    def enforcing(self, backdating_days: int = 30) -> Iterator[Enforcing]:  # noqa: ARG002  decided when it was opened
        """Return the open chain."""
        yield self.opened
