"""The receipt: a file that leaves the building and can be checked without trusting who gave it out.

``ledger-automation/receipt/v1`` is one JSON document (docs/spec/receipt.md); its second encoding is `cose_receipt`, and
`receipt_file` reads either. It holds one entry for a step, or one for each step of a case, which share a checkpoint and
an anchor. The events stand in it as strings: the exact bytes that are hashed. Nothing in a receipt says what counts:
origin, log key, chain and registry are the verifier's policy.
"""

import base64
import re
from typing import Annotated, Final, Literal

import msgspec

from ledger_automation.canonical import parse
from ledger_automation.errors import InvalidValue
from ledger_automation.tlog.case_map import MapLeaf
from ledger_automation.tlog.octets import from_base64
from ledger_automation.values import MAX_INTEGER

FORMAT: Final = "ledger-automation/receipt/v1"
ABSENCE: Final = "ledger-automation/absence/v1"

Whole = Annotated[int, msgspec.Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)]
"""What every reader of JSON reads alike; of another encoding no more is read."""

Counter = Annotated[int, msgspec.Meta(ge=0, le=MAX_INTEGER)]

_KEY: Final = re.compile(r"[0-9a-f]{64}")


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One event with what opens its commitment (salt in hex) and what places it in the log (hashes in base64)."""

    event: str
    salt: str
    leaf_index: Whole
    inclusion_proof: tuple[str, ...]


class Extension(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Proof that the receipt's checkpoint extends an older one that its holder has."""

    first_size: Whole
    consistency_proof: tuple[str, ...]


class AnchorClaim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the checkpoint is said to be anchored; a claim, to be held against a chain that the verifier chose."""

    chain_id: Whole
    registry: str
    transaction: str
    block_number: Whole
    block_hash: str


class ErasedStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step whose content was destroyed: its commitment (hex) still stands in the log."""

    sequence: Counter
    commitment: str
    leaf_index: Whole
    inclusion_proof: tuple[str, ...]


class Erasure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What of a case was erased, in its order, and the events of the log's own case that decided it."""

    case_id: str
    steps: Annotated[tuple[ErasedStep, ...], msgspec.Meta(min_length=1)]
    decisions: tuple[Entry, ...]


class Receipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Entries in the order of the case, the signed note, and the anchor (None: not anchored when it was issued).

    ``case_map_proof`` shows that the last step is the last of its case; a receipt of a whole case has it. Steps that
    were erased stand in ``erasure``.
    """

    format: Literal["ledger-automation/receipt/v1"]
    entries: tuple[Entry, ...]
    checkpoint: str
    case_map_proof: tuple[str, ...] | None
    anchor: AnchorClaim | None
    extension: Extension | None = None
    erasure: Erasure | None = None


class OtherCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The case that stands alone where another one would stand: its key in hex, its head, its leaf hash in base64."""

    key: str
    sequence: Counter
    leaf_hash: str


class Absence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Proof that the log of a checkpoint has no such case; ``other`` is None where nobody stands in its place."""

    format: Literal["ledger-automation/absence/v1"]
    case_id: str
    other: OtherCase | None
    case_map_proof: tuple[str, ...]
    checkpoint: str
    anchor: AnchorClaim | None


def encode_leaf(leaf: MapLeaf | None) -> OtherCase | None:
    """Write the case that stands in another one's place."""
    if leaf is None:
        return None
    return OtherCase(leaf.key.hex(), leaf.head.sequence, base64.b64encode(leaf.head.leaf_hash).decode())


def decode_leaf(other: OtherCase | None) -> MapLeaf | None:
    """Read the case that stands in another one's place; raises InvalidValue."""
    if other is None:
        return None
    if not _KEY.fullmatch(other.key):
        raise InvalidValue("A case's key", other.key, "64 hex digits in lower case")
    (leaf_hash,) = decode_proof((other.leaf_hash,))
    return MapLeaf(bytes.fromhex(other.key) + other.sequence.to_bytes(8, "big") + leaf_hash)


def encode_proof(nodes: list[bytes]) -> tuple[str, ...]:
    """Write a proof's hashes in base64."""
    return tuple(base64.b64encode(node).decode() for node in nodes)


def decode_proof(nodes: tuple[str, ...]) -> list[bytes]:
    """Read a proof's hashes, each in its one spelling; raises InvalidValue."""
    try:
        return [from_base64(node) for node in nodes]
    except InvalidValue as error:
        raise InvalidValue("A proof's hash", nodes, str(error.facts["expected"])) from error


def write(receipt: Receipt | Absence) -> bytes:
    """Write the receipt's JSON document."""
    return msgspec.json.format(msgspec.json.encode(receipt), indent=1) + b"\n"


def decode(octets: bytes) -> Receipt | Absence:
    """Read either from its bytes, strictly: no two readers may see two receipts in one file.

    Raises CanonicalError for JSON outside the strict profile, InvalidValue for JSON that is neither.
    """
    value = parse(octets)
    absent = isinstance(value, dict) and value.get("format") == ABSENCE
    try:
        receipt = msgspec.convert(value, Absence) if absent else msgspec.convert(value, Receipt)
    except msgspec.ValidationError as error:
        raise InvalidValue("A receipt", octets[:40], f"as docs/spec/receipt.md says ({error})") from error
    if isinstance(receipt, Receipt):
        insist_on_entries(receipt)
    return receipt


def insist_on_entries(receipt: Receipt) -> None:
    """Refuse a receipt of nothing; raises InvalidValue."""
    if not receipt.entries and receipt.erasure is None:
        raise InvalidValue("A receipt", receipt.entries, "one with entries")
