"""Documents on their way to a step: sent first, examined, and then named by their hash in the step that takes them.

What waits is its sender's alone; another one who knows the hash does not get at it. It waits for `KEPT`, longer than
the answer of a request that named it is kept, so that whoever repeats the request is not told that it is gone.

What this does not do: look into a document (`api.media`), or keep one for a case; that is the event's attachment.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple, Protocol

from ledger_automation.errors import NotFound
from ledger_automation.values import Digest
from ledger_automation.verify.sources import DocumentRecord

KEPT: Final = timedelta(days=2)


class Upload(NamedTuple):
    """A document that was sent; ``sha256`` is that of the content as it is kept."""

    actor_id: str
    sha256: bytes
    media_type: str
    content: bytes
    at: str


class Wanted(NamedTuple):
    """A document that a step names: what it is to be called, and its hash."""

    name: str
    sha256: Digest


class UploadStore(Protocol):
    """Documents that wait for their step."""

    def keep(self, upload: Upload) -> None:
        """Store a document; the same one again only waits longer."""
        ...

    def find(self, actor_id: str, digests: Sequence[bytes]) -> dict[bytes, Upload]:
        """Return those of an actor's documents that there are, by hash."""
        ...

    def purge(self, before: str) -> int:
        """Forget documents that were sent before a moment; return how many."""
        ...


def taken(store: UploadStore, actor_id: str, wanted: Sequence[Wanted]) -> tuple[DocumentRecord, ...]:
    """Return the documents that a step names, in its order; raises NotFound for one that does not wait."""
    found = store.find(actor_id, [each.sha256 for each in wanted])
    for each in wanted:
        if each.sha256 not in found:
            raise NotFound(f"No document {each.sha256.hex()} of yours waits; send it first.")
    return tuple(
        DocumentRecord(each.name, found[each.sha256].media_type, found[each.sha256].content) for each in wanted
    )
