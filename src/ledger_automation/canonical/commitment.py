"""The commitment of an event: SHA-256 over a random salt and the canonical bytes.

A commitment binds (nobody finds a second opening, SHA-256 being collision resistant) and hides (256 random bits make
a dictionary of plates useless). Only commitments leave the database. Destroying salt and bytes erases one event and
leaves every proof over its commitment as valid as before.
"""

from hashlib import sha256

from ledger_automation.values import Digest, Salt


def commit(salt: bytes, canonical: bytes) -> Digest:
    """Return ``SHA-256(salt || canonical)``, 32 bytes; a salt of another length raises InvalidValue."""
    return Digest(sha256(Salt(salt) + canonical).digest())
