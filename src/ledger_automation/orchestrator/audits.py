"""What audits found, kept: one run after another, the newest first to be read."""

from typing import NamedTuple, Protocol


class AuditRun(NamedTuple):
    """One audit: its moment, verdict and whole answer (JSON, docs/spec/verdict.md). ``id`` is 0 before it is kept."""

    id: int
    at: str
    verdict: str
    report: bytes


class AuditRunStore(Protocol):
    """Audits, to add and to read."""

    def keep(self, run: AuditRun) -> None:
        """Store an audit; it gets its id now."""
        ...

    def runs(self, before: int | None, limit: int) -> list[AuditRun]:
        """Return audits, newest first, from before an id on."""
        ...
