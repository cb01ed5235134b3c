"""Timestamps of checkpoints (RFC 3161): a second anchor, which needs no chain.

An authority signs that it was shown the SHA-512 of a checkpoint's text at a moment. Whoever has the token can say that
everything in the log up to that size was there by then, even when the chain is gone or the log's own key is known to
everybody. Anybody may ask for one, over any receipt or published checkpoint.

    12 timestamp   the token is over this checkpoint's text, and an authority that the reader named signed it
                                                                            RFC 3161 section 2.3, RFC 5816

What this does not do: ask whether a certificate was revoked, renew a token before its algorithms fail (that is what
`evidence_record` is for), or read a token whose certificates are out of DER's order, as OpenSSL writes a whole chain.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha512
from typing import Final, NamedTuple

from cryptography.hazmat import asn1
from cryptography.x509 import Certificate, Name, ObjectIdentifier, load_der_x509_certificate, load_pem_x509_certificates
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
from ledger_automation.verify.verdict import VerifiedStep
from ledger_automation.verify.verifier import ReceiptVerdict

_STEP: Final = "12 timestamp"

NAMES: Final = {"2.16.840.1.101.3.4.2.1": "sha256", "2.16.840.1.101.3.4.2.3": "sha512"}
"""Hash functions by their object identifiers (RFC 5754)."""

_ALGORITHMS: Final = {"sha256": HashAlgorithm.SHA256, "sha512": HashAlgorithm.SHA512}


@asn1.sequence
class _Status:
    status: int


@asn1.sequence
class _Granted:
    status: _Status
    token: asn1.TLV


class Timestamp(NamedTuple):
    """When an authority was shown something, whose certificate is good until when, and which hashes it rests on."""

    at: datetime
    authority: str
    until: datetime
    hashes: frozenset[str]
    imprint: str


def query(checkpoint: Checkpoint) -> bytes:
    """Write the question for an authority: over the checkpoint's text."""
    return question(checkpoint.text().encode(), "sha512")


def question(octets: bytes, algorithm: str) -> bytes:
    """Write the question for an authority: over the hash of some octets, with its certificate, and a nonce."""
    return TimestampRequestBuilder().data(octets).hash_algorithm(_ALGORITHMS[algorithm]).build().as_bytes()


def authorities(pem: bytes) -> list[Certificate]:
    """Read the certificates that a reader trusts; raises InvalidValue."""
    try:
        return load_pem_x509_certificates(pem)
    except ValueError as error:
        raise InvalidValue("An authority's certificates", pem[:40], "certificates in PEM") from error


def examine(token: bytes, checkpoint: Checkpoint, roots: Sequence[Certificate]) -> Timestamp:
    """Return what a token says of a checkpoint; raises InvalidValue for no token, Contradiction for one that fails."""
    return check(read_answer(token), sha512(checkpoint.text().encode()).digest(), roots)


def read_answer(answer: bytes) -> TimeStampResponse:
    """Read an authority's answer; raises InvalidValue."""
    try:
        return decode_timestamp_response(answer)
    except ValueError as error:
        raise InvalidValue("A timestamp", answer[:20], "an answer of RFC 3161 in DER") from error


def read_token(token: bytes) -> TimeStampResponse:
    """Read a token alone (a CMS ContentInfo in DER), as evidence records carry it; raises InvalidValue."""
    return read_answer(asn1.encode_der(_Granted(status=_Status(status=0), token=_tlv(token))))


def check(response: TimeStampResponse, digest: bytes, roots: Sequence[Certificate]) -> Timestamp:
    """Return what an authority said of a digest; raises Contradiction where it said it of another, or is another."""
    builder = VerifierBuilder(roots=[*dict.fromkeys(roots)])
    try:
        builder.build().verify(response, digest)
    except (VerificationError, ValueError) as error:
        sentence = "The timestamp does not hold for this and these authorities."
        raise Contradiction(sentence, expected=digest.hex(), actual=str(error)) from error
    signer = _signer(response)
    imprint = _name(response.tst_info.message_imprint.hash_algorithm)
    used = {imprint, *map(_name, response.signed_data.digest_algorithms)}
    if signer.signature_hash_algorithm is not None:
        used.add(signer.signature_hash_algorithm.name)
    named, until = _subject(signer.subject), signer.not_valid_after_utc
    return Timestamp(response.tst_info.gen_time, named, until, frozenset(used), imprint)


def good_until(token: bytes) -> datetime:
    """Return when the certificate behind a token that was verified once runs out; raises InvalidValue."""
    return _signer(read_token(token)).not_valid_after_utc


def stamped_at(token: bytes) -> datetime:
    """Return when a token that was verified once was made; raises InvalidValue."""
    return read_token(token).tst_info.gen_time


def _tlv(der: bytes) -> asn1.TLV:
    try:
        return asn1.decode_der(asn1.TLV, der)
    except ValueError as error:
        raise InvalidValue("A timestamp", der[:20], "a token of RFC 3161 in DER") from error


def stamped(
    answer: ReceiptVerdict, checkpoint: Checkpoint, token: bytes, roots: Sequence[Certificate]
) -> ReceiptVerdict:
    """Return a verdict with the step that looks at a timestamp behind the others; raises InvalidValue for no token."""
    try:
        told = examine(token, checkpoint, roots)
    except Contradiction as error:
        step = VerifiedStep(_STEP, holds=False, detail=f"{error.sentence} {error.facts['actual']}.")
    else:
        detail = f"{told.authority} was shown the checkpoint by {told.at.isoformat().replace('+00:00', 'Z')}"
        step = VerifiedStep(_STEP, holds=True, detail=detail)
    return answer.then(step, "step_12_timestamp")


def _signer(response: TimeStampResponse) -> Certificate:
    """Return the certificate of whoever signed a verified answer; raises Contradiction where several may have.

    Certificates in a token are signed by nobody but themselves: anybody can add some.
    """
    signer = next(iter(response.signed_data.signer_infos))
    found = {*map(load_der_x509_certificate, response.signed_data.certificates)}
    named = [each for each in found if (each.issuer, each.serial_number) == (signer.issuer, signer.serial_number)]
    if len(named) != 1:
        sentence = "The timestamp has several certificates for one signer."
        raise Contradiction(sentence, expected=1, actual=len(named))
    return named[0]


def _name(oid: ObjectIdentifier) -> str:
    return NAMES.get(oid.dotted_string, oid.dotted_string)


def _subject(subject: Name) -> str:
    found = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else subject.rfc4514_string()
