"""Auditing the documents of an event: what is stored, held against what was committed of them, in their order."""

from hashlib import sha256

from ledger_automation.audit.event import Attachment, AuditEvent
from ledger_automation.verify.row_audit import found
from ledger_automation.verify.sources import DocumentRecord, EventRecord
from ledger_automation.verify.verdict import Finding


def diagnose_documents(row: EventRecord, event: AuditEvent, stored: list[DocumentRecord]) -> list[Finding]:
    """Compare the stored attachments of an event with what was committed of them, in their order."""
    if len(stored) != len(event.attachments):
        sentence = "The event's attachments are not those that were committed: one was removed or added."
        return [found(row, "T14", sentence, "attachment", len(event.attachments), len(stored))]
    pairs = zip(event.attachments, stored, strict=True)
    return [finding for said, there in pairs if (finding := _document(row, said, there)) is not None]


def _document(row: EventRecord, said: Attachment, there: DocumentRecord) -> Finding | None:
    for column in ("name", "media_type"):
        expected, actual = getattr(said, column), getattr(there, column)
        if expected != actual:
            sentence = f"The {column} of the attachment {said.name} was changed."
            return found(row, "T16", sentence, f"attachment.{column}", expected, actual)
    content = there.content
    if not isinstance(content, bytes):
        kind, what, digest = "T14", "replaced by what are no bytes", type(content).__name__
    elif (digest := sha256(content).hexdigest()) == said.sha256:
        return None
    else:
        kind, what = ("T15", "truncated") if len(content) < said.size else ("T14", "replaced")
    return found(row, kind, f"The attachment {said.name} was {what}.", "attachment.content", said.sha256, digest)
