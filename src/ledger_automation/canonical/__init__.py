"""Bytes that mean one thing: canonical JSON (RFC 8785, strict profile) and hiding commitments over it."""

from ledger_automation.canonical.commitment import commit
from ledger_automation.canonical.jcs import canonicalize, canonicalize_rfc8785, parse

__all__ = ["canonicalize", "canonicalize_rfc8785", "commit", "parse"]
