"""Evidence records (RFC 4998): that an object was there at a moment, renewed before what shows it becomes weak.

    EvidenceRecord > ArchiveTimeStampSequence > ArchiveTimeStampChain > ArchiveTimeStamp (a reduced hash tree, a token)

A chain has one hash algorithm. Within it each timestamp is over the token before (5.2: an authority's key grows old);
each further chain is over the object and all chains before (5.3: a hash algorithm does). The object here is what opens
a step's commitment, salt and canonical bytes, which a receipt carries: so a receipt written in SHA-256 alone stays
evidence after SHA-256 has failed, as long as its steps were taken into a tree of another algorithm before.

What this does not do: encrypted objects, crypto infos and attributes, of which ours have none; ask whether a
certificate was revoked; know when an algorithm failed, which the reader says.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final, NamedTuple

from cryptography.hazmat import asn1
from cryptography.x509 import Certificate, ObjectIdentifier

from ledger_automation.errors import Contradiction, InvalidValue
from ledger_automation.tlog.hash_tree import ALGORITHMS, Path, leads_to
from ledger_automation.verify.timestamp import NAMES, check, read_token

_OIDS: Final = {name: oid for oid, name in NAMES.items()}
_VERSION: Final = 1


@asn1.sequence
class _Algorithm:
    algorithm: ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class _ArchiveTimeStamp:
    digest_algorithm: Annotated[_Algorithm | None, asn1.Implicit(0)]
    reduced_hash_tree: Annotated[list[list[bytes]] | None, asn1.Implicit(2)]
    time_stamp: asn1.TLV


@asn1.sequence
class _Chains:
    chains: list[list[_ArchiveTimeStamp]]


@asn1.sequence
class _EvidenceRecord:
    version: int
    digest_algorithms: list[_Algorithm]
    chains: list[list[_ArchiveTimeStamp]]


class Stamped(NamedTuple):
    """A token (a CMS ContentInfo in DER) with the path that leads to what it is over; an empty path is none."""

    algorithm: str
    path: Path
    token: bytes


class Stamp(NamedTuple):
    """What one timestamp of a record says: when, whose, until when that certificate is good, what it all rests on."""

    at: datetime
    authority: str
    until: datetime
    hashes: frozenset[str]
    algorithm: str


def write(chains: Sequence[Sequence[Stamped]]) -> bytes:
    """Write a record in DER."""
    used = dict.fromkeys(each.algorithm for chain in chains for each in chain)
    named = [_algorithm(each) for each in used]
    return asn1.encode_der(_EvidenceRecord(version=_VERSION, digest_algorithms=named, chains=_written(chains)))


def sequence(chains: Sequence[Sequence[Stamped]]) -> bytes:
    """Write the ArchiveTimeStampSequence of some chains in DER: what the next chain's first timestamp covers (5.3)."""
    return _sequence(_written(chains))


def examine(record: bytes, content: bytes, roots: Sequence[Certificate]) -> list[Stamp]:
    """Return what a record says of an object, oldest first.

    Raises InvalidValue for what is no record of this kind, Contradiction for one that does not hold for the object.
    """
    chains = _read(record)
    stamps: list[Stamp] = []
    for number, chain in enumerate(chains):
        algorithm = _named(chain[0])
        digest = ALGORITHMS[algorithm]
        covered = digest(content)
        if number:
            covered = digest(covered + digest(_sequence(chains[:number])))
        for each in chain:
            if _named(each) != algorithm:
                raise Contradiction("A chain of timestamps changes its hash.", expected=algorithm, actual=_named(each))
            told = _examined(each, covered, algorithm, roots)
            if stamps and told.at < stamps[-1].at:
                sentence = "A timestamp is older than the one it renews."
                raise Contradiction(sentence, expected=stamps[-1].at, actual=told.at)
            stamps.append(told)
            covered = digest(asn1.encode_der(each.time_stamp))
    return stamps


def in_time(stamps: Sequence[Stamp], failed: Mapping[str, datetime], now: datetime) -> None:
    """Insist that each timestamp was still good when it was renewed, and the last one is now; raises Contradiction.

    ``failed`` says since when a hash algorithm is none any more. The first timestamp must be older than the failure of
    what it preserves, which is written in SHA-256.
    """
    _insist("What is preserved", "sha256", stamps[0].at, failed)
    for before, until in zip(stamps, [*(each.at for each in stamps[1:]), now], strict=True):
        if until > before.until:
            sentence = f"The certificate of {before.authority} ran out before its timestamp was renewed."
            raise Contradiction(sentence, expected=f"renewed by {before.until}", actual=until)
        for each in sorted({before.algorithm, *before.hashes}):
            _insist("A timestamp", each, until, failed)


def _insist(what: str, algorithm: str, until: datetime, failed: Mapping[str, datetime]) -> None:
    since = failed.get(algorithm)
    if since is not None and until >= since:
        sentence = f"{what} rests on {algorithm}, and no timestamp of before its failure covers it by another."
        raise Contradiction(sentence, expected=f"before {since}", actual=until)


def _examined(each: _ArchiveTimeStamp, covered: bytes, algorithm: str, roots: Sequence[Certificate]) -> Stamp:
    root = leads_to(each.reduced_hash_tree or [], covered, algorithm)
    if root is None:
        raise Contradiction("The evidence record is of something else.", expected=covered.hex(), actual=None)
    told = check(read_token(asn1.encode_der(each.time_stamp)), root, roots)
    if told.imprint != algorithm:
        raise Contradiction("A timestamp is by another hash than its chain.", expected=algorithm, actual=told.imprint)
    return Stamp(told.at, told.authority, told.until, told.hashes, algorithm)


def _read(record: bytes) -> list[list[_ArchiveTimeStamp]]:
    try:
        read = asn1.decode_der(_EvidenceRecord, record)
    except ValueError as error:
        raise InvalidValue("An evidence record", record[:20], "one of RFC 4998 in DER, without extras") from error
    if read.version != _VERSION or not read.chains or not all(read.chains):
        raise InvalidValue("An evidence record", record[:20], "one of version 1 with a timestamp in each chain")
    return read.chains


def _named(each: _ArchiveTimeStamp) -> str:
    oid = each.digest_algorithm.algorithm.dotted_string if each.digest_algorithm else None
    for name, known in _OIDS.items():
        if oid == known:
            return name
    raise InvalidValue("The hash of an archive timestamp", oid, f"one of {', '.join(_OIDS)}")


def _algorithm(name: str) -> _Algorithm:
    return _Algorithm(algorithm=ObjectIdentifier(_OIDS[name]), parameters=None)


def _written(chains: Sequence[Sequence[Stamped]]) -> list[list[_ArchiveTimeStamp]]:
    return [
        [
            _ArchiveTimeStamp(
                digest_algorithm=_algorithm(each.algorithm),
                reduced_hash_tree=each.path or None,
                time_stamp=asn1.decode_der(asn1.TLV, each.token),
            )
            for each in chain
        ]
        for chain in chains
    ]


def _sequence(chains: list[list[_ArchiveTimeStamp]]) -> bytes:
    """Write chains without a name for them: what stands in the one member of a SEQUENCE."""
    return bytes(asn1.decode_der(asn1.TLV, asn1.encode_der(_Chains(chains=chains))).data)
