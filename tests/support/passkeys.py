"""A passkey in software: what a browser would bring of one, and of those that somebody has tampered with."""

import json
import os
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def text(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


class Authenticator:
    """One credential. What is given by name takes the place of what is right."""

    def __init__(self, origin: str = "http://127.0.0.1:8000", host: str = "127.0.0.1") -> None:
        self.origin = origin
        self.host = host
        self.credential = os.urandom(16)
        self.private = ec.generate_private_key(ec.SECP256R1())

    @property
    def key(self) -> bytes:
        numbers = self.private.public_key().public_numbers()
        return numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")

    def client(self, kind: str, challenge: bytes, **changed: Any) -> bytes:
        said = {"type": kind, "challenge": text(challenge), "origin": self.origin, "crossOrigin": False}
        return json.dumps({**said, **changed}, separators=(",", ":")).encode()

    def data(self, flags: int, more: bytes = b"", host: str = "") -> bytes:
        return sha256((host or self.host).encode()).digest() + bytes([flags]) + bytes(4) + more

    def cose(self, key: bytes = b"", curve: int = 1) -> bytes:
        key = key or self.key
        return bytes.fromhex(f"a50102032620{curve:02x}215820") + key[:32] + bytes.fromhex("225820") + key[32:]

    def attested(self, cose: bytes = b"", credential: bytes = b"") -> bytes:
        named = credential or self.credential
        return bytes(16) + len(named).to_bytes(2, "big") + named + (cose or self.cose())

    def created(self, challenge: bytes, *, data: bytes = b"", client: bytes = b"") -> dict[str, str]:
        """Answer `navigator.credentials.create`."""
        made = data or self.data(PRESENT | VERIFIED | ATTESTED, self.attested())
        return {"client": text(client or self.client("webauthn.create", challenge)), "authenticator": text(made)}

    def asserted(
        self, challenge: bytes, *, data: bytes = b"", client: bytes = b"", high: bool = False
    ) -> dict[str, bytes]:  # fmt: skip
        """Answer `navigator.credentials.get`, signed over whatever was given."""
        data = data or self.data(PRESENT | VERIFIED)
        client = client or self.client("webauthn.get", challenge)
        signature = self.private.sign(data + sha256(client).digest(), ec.ECDSA(SHA256()))
        r, s = decode_dss_signature(signature)
        low = min(s, ORDER - s)
        signature = encode_dss_signature(r, ORDER - low if high else low)
        return {"credential": self.credential, "client": client, "authenticator": data, "signature": signature}

    def signs(self, challenge: bytes, **changed: Any) -> dict[str, str]:
        """Return the fields of the page where something is signed."""
        return {f"_{name}": text(each) for name, each in self.asserted(challenge, **changed).items()}
