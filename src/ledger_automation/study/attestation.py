"""Signing a study's report, and holding report and signature against each other.

`attest` signs the file as it stands: a C2SP signed note over the SHA-256 of its bytes. It signs only a report whose
answers follow from it, and `check` computes them anew, so that the signature is over an answer and not over a claim.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec

from ledger_automation.errors import Contradiction, UnreadableFile
from ledger_automation.study.record import StudyReport
from ledger_automation.study.verdict import recomputed
from ledger_automation.tlog.note import SignerKey, VerifierKey, open_note

_HEADER: Final = "ledger-automation/study-verdict/v1"


def attest(report: bytes, signer: SignerKey) -> str:
    """Sign a report's file.

    Raises UnreadableFile for what is no report, and Contradiction where its answers do not follow from it.
    """
    _insist_on_answers(report)
    return signer.sign(_text(report))


def check(report: bytes, note: str, keys: Sequence[VerifierKey]) -> None:
    """Hold a report against its note: 1. a pinned key signed, 2. these very bytes, 3. the answers follow from them.

    Raises NoteError, Contradiction or UnreadableFile.
    """
    signed = open_note(note, keys)
    if signed != _text(report):
        raise Contradiction("The note was signed over another report.", expected=signed, actual=_text(report))
    _insist_on_answers(report)


def _text(report: bytes) -> str:
    return f"{_HEADER}\nsha256 {sha256(report).hexdigest()}\n"


def _insist_on_answers(report: bytes) -> None:
    try:
        read = msgspec.json.decode(report, type=StudyReport)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableFile("The report", str(error)) from error
    follows = recomputed(read)
    if read.answers != follows:
        sentence = "The answers do not follow from the report by this version of the program."
        raise Contradiction(sentence, expected=follows, actual=read.answers)
