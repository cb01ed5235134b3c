"""Timestamps of checkpoints (RFC 3161): a second anchor, which needs no chain.

An authority signs that it was shown the SHA-512 of a checkpoint's text at a moment. Whoever has the token can say that
everything in the log up to that size was there by then, even when the chain is gone or the log's own key is known to
everybody. Anybody may ask for one, over any receipt or published checkpoint.

    12 timestamp   the token is over this checkpoint's text, and an authority that the reader named signed it
                                                                            RFC 3161 section 2.3, RFC 5816

What this does not do: ask whether a certificate was revoked, renew a token before its algorithms fail (RFC 4998), or
read a token whose certificates are out of DER's order, as OpenSSL writes a whole chain.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha512
from typing import Final, NamedTuple

import msgspec
from cryptography.x509 import Certificate, Name, load_der_x509_certificate, load_pem_x509_certificates
from cryptography.x509.oid import NameOID
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from ledger_automation.errors import Contradiction, InvalidValue
from ledger_automation.tlog.checkpoint import Checkpoint
from ledger_automation.verify.verdict import SENTENCES, Verdict, VerifiedStep
from ledger_automation.verify.verifier import ReceiptVerdict

_STEP: Final = "12 timestamp"


class Timestamp(NamedTuple):
    """When an authority was shown a checkpoint, and what the authority's certificate calls it."""

    at: datetime
    authority: str


def query(checkpoint: Checkpoint) -> bytes:
    """Write the question for an authority: over the checkpoint's text, with its certificate, and a nonce."""
    return (
        TimestampRequestBuilder()
        .data(checkpoint.text().encode())
        .hash_algorithm(HashAlgorithm.SHA512)
        .build()
        .as_bytes()
    )


def authorities(pem: bytes) -> list[Certificate]:
    """Read the certificates that a reader trusts; raises InvalidValue."""
    try:
        return load_pem_x509_certificates(pem)
    except ValueError as error:
        raise InvalidValue("An authority's certificates", pem[:40], "certificates in PEM") from error


def examine(token: bytes, checkpoint: Checkpoint, roots: Sequence[Certificate]) -> Timestamp:
    """Return what a token says of a checkpoint; raises InvalidValue for no token, Contradiction for one that fails."""
    try:
        response = decode_timestamp_response(token)
    except ValueError as error:
        raise InvalidValue("A timestamp", token[:20], "an answer of RFC 3161 in DER") from error
    builder = VerifierBuilder()
    for root in roots:
        builder = builder.add_root_certificate(root)
    try:
        builder.build().verify(response, sha512(checkpoint.text().encode()).digest())
    except (VerificationError, ValueError) as error:
        sentence = "The timestamp does not hold for this checkpoint and these authorities."
        raise Contradiction(sentence, expected=checkpoint.text(), actual=str(error)) from error
    return Timestamp(response.tst_info.gen_time, _named(response))


def stamped(
    answer: ReceiptVerdict, checkpoint: Checkpoint, token: bytes, roots: Sequence[Certificate]
) -> ReceiptVerdict:
    """Return a verdict with the step that looks at a timestamp behind the others; raises InvalidValue for no token."""
    try:
        told = examine(token, checkpoint, roots)
    except Contradiction as error:
        step = VerifiedStep(_STEP, holds=False, detail=f"{error.sentence} {error.facts['actual']}.")
        verdict, reason = Verdict.CONTRADICTED, "step_12_timestamp"
        return ReceiptVerdict(verdict, reason, SENTENCES[verdict], (*answer.steps, step))
    detail = f"{told.authority} was shown the checkpoint by {told.at.isoformat().replace('+00:00', 'Z')}"
    return msgspec.structs.replace(answer, steps=(*answer.steps, VerifiedStep(_STEP, holds=True, detail=detail)))


def _named(response: TimeStampResponse) -> str:
    """Return what the signer's certificate calls the authority."""
    signer = next(iter(response.signed_data.signer_infos))
    for each in response.signed_data.certificates:
        found = load_der_x509_certificate(each)
        if found.serial_number == signer.serial_number:
            return _subject(found.subject)
    return "an authority"


def _subject(subject: Name) -> str:
    found = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else subject.rfc4514_string()
