"""The receipt: a file that leaves the building and can be checked without trusting who gave it out.

``ledger-automation/receipt/v1`` is one JSON document (docs/spec/receipt.md). It holds one entry for a step, or one for
each step of a case, which share a checkpoint and an anchor. The events stand in it as strings: the exact bytes that are
hashed. Nothing in a receipt says what counts: origin, log key, chain and registry are the verifier's policy.
"""

import base64
import binascii
from pathlib import Path
from typing import Final, Literal

import msgspec

from ledger_automation.errors import InvalidValue, NotFound, UnreadableFile

FORMAT: Final = "ledger-automation/receipt/v1"


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One event with what opens its commitment (salt in hex) and what places it in the log (hashes in base64)."""

    event: str
    salt: str
    leaf_index: int
    inclusion_proof: tuple[str, ...]


class Extension(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Proof that the receipt's checkpoint extends an older one that its holder has."""

    first_size: int
    consistency_proof: tuple[str, ...]


class AnchorClaim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the checkpoint is said to be anchored; a claim, to be held against a chain that the verifier chose."""

    chain_id: int
    registry: str
    transaction: str
    block_number: int
    block_hash: str


class Receipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Entries in the order of the case, the signed note, and the anchor (None: not anchored when it was issued)."""

    format: Literal["ledger-automation/receipt/v1"]
    entries: tuple[Entry, ...]
    checkpoint: str
    case_map_proof: None
    anchor: AnchorClaim | None
    extension: Extension | None = None


def encode_proof(nodes: list[bytes]) -> tuple[str, ...]:
    """Write a proof's hashes in base64."""
    return tuple(base64.b64encode(node).decode() for node in nodes)


def decode_proof(nodes: tuple[str, ...]) -> list[bytes]:
    """Read a proof's hashes; raises InvalidValue."""
    try:
        return [base64.b64decode(node, validate=True) for node in nodes]
    except (binascii.Error, ValueError) as error:
        raise InvalidValue("A proof's hash", nodes, "base64") from error


def write(receipt: Receipt) -> bytes:
    """Write the receipt's file."""
    return msgspec.json.format(msgspec.json.encode(receipt), indent=1) + b"\n"


def read(path: Path) -> Receipt:
    """Read a receipt's file; raises NotFound or UnreadableFile."""
    try:
        receipt = msgspec.json.decode(path.read_bytes(), type=Receipt)
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {path}.") from error
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableFile(path, f"it is not a receipt ({error})") from error
    if not receipt.entries:
        raise UnreadableFile(path, "it is a receipt without entries")
    return receipt
