"""The receipt's second encoding: a COSE receipt (RFC 9942), which any tool of that standard verifies as far as it goes.

    18([ << {1: -8, 4: key id, 395: 1} >>,                  EdDSA, RFC9162_SHA256
         { 396: {-1: [ << [size, index, [hash, ...]] >>, ... ]},     a proof for each step, in the receipt's order
           "ledger-automation/receipt/v1": { ... } },       the rest: events, salts, note, case map, anchor
         nil,                                               detached: the root, which the proofs lead to
         signature ])                                       the checkpoint's (`root_signature`)

A step's entry in the tree is its commitment. Nothing is lost: either encoding is made from the other, byte for byte,
and one receipt has one COSE encoding (RFC 8949 section 4.2.1). An absence includes nothing and has none.

What RFC 9942 does not provide for, and this does: the proof of a log's only leaf, whose path is empty.
"""

from typing import Annotated, Any, Final

import cbor2
import msgspec

from ledger_automation.errors import InvalidValue, LedgerError, NotFound
from ledger_automation.tlog.note import read_note, signature_line
from ledger_automation.tlog.octets import from_hex
from ledger_automation.tlog.receipt import (
    FORMAT,
    AnchorClaim,
    Counter,
    Entry,
    ErasedStep,
    Erasure,
    Extension,
    Receipt,
    Whole,
    decode_proof,
    encode_proof,
    insist_on_entries,
)
from ledger_automation.tlog.root_signature import protected_header, root_line
from ledger_automation.tlog.tree_head import read_head

MAGIC: Final = b"\xd2"
"""The first byte of every COSE_Sign1 that says what it is; no JSON begins with it."""

_SIGN1: Final = 18
_PROOFS, _INCLUSION = 396, -1
_KEY_ID_AT: Final = slice(5, 9)
"""Where a protected header of ours has its key id."""

_DEPTH: Final = 16

_Bytes32 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Opening = tuple[str, _Bytes32]
"""An event and its salt."""


class _Erased(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    case_id: str
    steps: Annotated[tuple[tuple[Counter, _Bytes32], ...], msgspec.Meta(min_length=1)]
    decisions: tuple[_Opening, ...]


class _Rest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What COSE has no place for; ``note`` is the checkpoint without the line that the signature stands in for."""

    note: str
    steps: tuple[_Opening, ...]
    case_map_proof: tuple[_Bytes32, ...] | None
    anchor: AnchorClaim | None
    extension: tuple[Whole, tuple[_Bytes32, ...]] | None
    erasure: _Erased | None


_Proof = tuple[Whole, Whole, tuple[_Bytes32, ...]]
_Message = tuple[bytes, dict[int | str, Any], None, bytes]


def encode(receipt: Receipt) -> bytes:
    """Write a receipt as COSE; raises NotFound where the log made no such signature, InvalidValue for odd spellings."""
    octets = _written(receipt)
    if _read(octets) != receipt:
        raise InvalidValue("A receipt", receipt.checkpoint, "one that COSE can say")
    return octets


def decode(octets: bytes) -> Receipt:
    """Read a COSE receipt, strictly: in its one encoding and no other; raises InvalidValue."""
    receipt = _read(octets)
    insist_on_entries(receipt)
    try:
        again = _written(receipt)
    except LedgerError as error:
        raise InvalidValue("A receipt", octets[:20], "COSE with a checkpoint that can be read") from error
    if again != octets:
        raise InvalidValue("A receipt", octets[:20], "COSE in its one encoding, over one checkpoint")
    return receipt


def _written(receipt: Receipt) -> bytes:
    line = root_line(receipt.checkpoint)
    if line is None:
        raise NotFound(
            "The receipt's checkpoint is older than COSE receipts: the log did not sign its root alone. The receipt of "
            "the whole case has a newer one."
        )
    text, (own, _, *others) = read_note(receipt.checkpoint)
    size, erasure = read_head(text).tree_size, receipt.erasure
    entries: list[Entry | ErasedStep] = [*receipt.entries]
    if erasure:
        entries += [*erasure.steps, *erasure.decisions]
    extension = receipt.extension
    rest = _Rest(
        note=_note(text, own.text, *(each.text for each in others)),
        steps=_openings(receipt.entries),
        case_map_proof=None if receipt.case_map_proof is None else _hashes(receipt.case_map_proof),
        anchor=receipt.anchor,
        extension=(extension.first_size, _hashes(extension.consistency_proof)) if extension else None,
        erasure=_erased(erasure) if erasure else None,
    )
    proofs = [_plain((size, each.leaf_index, _hashes(each.inclusion_proof))) for each in entries]
    unprotected = {_PROOFS: {_INCLUSION: proofs}, FORMAT: msgspec.to_builtins(rest, builtin_types=(bytes,))}
    return _plain(cbor2.CBORTag(_SIGN1, [protected_header(line.key_id), unprotected, None, line.signature]))


def _read(octets: bytes) -> Receipt:
    try:
        return _receipt(_parsed(octets))
    except (cbor2.CBORError, msgspec.ValidationError, LedgerError, LookupError, ValueError) as error:
        raise InvalidValue("A receipt", octets[:20], f"COSE as docs/spec/receipt.md says ({error})") from error


def _receipt(tagged: Any) -> Receipt:
    if not isinstance(tagged, cbor2.CBORTag) or tagged.tag != _SIGN1:
        raise InvalidValue("A COSE message", tagged, "one that says that it is a COSE_Sign1")
    protected, unprotected, _, signature = _converted(tagged.value, _Message)
    rest = _converted(unprotected[FORMAT], _Rest)
    proofs = _converted(unprotected[_PROOFS], dict[int, list[bytes]])[_INCLUSION]
    text, (own, *others) = read_note(rest.note)
    line = signature_line(own.name, protected[_KEY_ID_AT], signature).removesuffix("\n")
    readable = len(rest.steps)
    return Receipt(
        format=FORMAT,
        entries=_entries(rest.steps, proofs[:readable]),
        checkpoint=_note(text, own.text, line, *(each.text for each in others)),
        case_map_proof=None if rest.case_map_proof is None else encode_proof(list(rest.case_map_proof)),
        anchor=rest.anchor,
        extension=Extension(rest.extension[0], encode_proof(list(rest.extension[1]))) if rest.extension else None,
        erasure=_unerased(rest.erasure, proofs[readable:]) if rest.erasure else None,
    )


def _note(text: str, *lines: str) -> str:
    return f"{text}\n" + "".join(f"{line}\n" for line in lines)


def _openings(entries: tuple[Entry, ...]) -> tuple[_Opening, ...]:
    return tuple((each.event, from_hex(each.salt)) for each in entries)


def _erased(erasure: Erasure) -> _Erased:
    steps = tuple((each.sequence, from_hex(each.commitment)) for each in erasure.steps)
    return _Erased(erasure.case_id, steps, _openings(erasure.decisions))


def _entries(openings: tuple[_Opening, ...], proofs: list[bytes]) -> tuple[Entry, ...]:
    shown = zip(openings, proofs, strict=True)
    return tuple(Entry(event, salt.hex(), *_place(proof)) for (event, salt), proof in shown)


def _unerased(erased: _Erased, proofs: list[bytes]) -> Erasure:
    gone = len(erased.steps)
    shown = zip(erased.steps, proofs[:gone], strict=True)
    steps = tuple(ErasedStep(number, digest.hex(), *_place(proof)) for (number, digest), proof in shown)
    return Erasure(erased.case_id, steps, _entries(erased.decisions, proofs[gone:]))


def _place(proof: bytes) -> tuple[int, tuple[str, ...]]:
    """Return a leaf's index and its path; the size is held against the checkpoint's when all is encoded again."""
    _, leaf_index, path = _converted(_parsed(proof), _Proof)
    return leaf_index, encode_proof(list(path))


def _hashes(proof: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(decode_proof(proof))


def _plain(value: object) -> bytes:
    return cbor2.dumps(value, canonical=True)


def _parsed(octets: bytes) -> Any:
    return cbor2.loads(octets, max_depth=_DEPTH, allow_indefinite=False, allow_duplicate_keys=False)


def _converted(value: Any, kind: Any) -> Any:
    return msgspec.convert(value, kind, builtin_types=(bytes,))
