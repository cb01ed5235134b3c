"""P-256 keys as devices hold them: plain signatures, and WebAuthn assertions over a challenge."""

import base64
import hashlib
import json
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from eth_abi.abi import encode

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
USER_PRESENT_AND_VERIFIED = 0x05


def passkey(verifier: str) -> tuple[bytes, Callable[[bytes], bytes]]:
    """Return a fresh public key (x . y) and how it signs for one of OpenZeppelin's ERC-7913 verifiers."""
    private = ec.generate_private_key(ec.SECP256R1())
    numbers = private.public_key().public_numbers()

    def plain(digest: bytes) -> bytes:
        r, s = decode_dss_signature(private.sign(digest, ec.ECDSA(Prehashed(SHA256()))))
        return b"".join(part.to_bytes(32, "big") for part in (r, min(s, ORDER - s)))

    def asserted(challenge: bytes) -> bytes:
        text = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
        client = json.dumps(
            {"type": "webauthn.get", "challenge": text, "origin": "https://wismar.example"}, separators=(",", ":")
        )
        data = hashlib.sha256(b"wismar.example").digest() + bytes([USER_PRESENT_AND_VERIFIED]) + bytes(4)
        signature = plain(hashlib.sha256(data + hashlib.sha256(client.encode()).digest()).digest())
        places = (client.index('"challenge"'), client.index('"type"'))
        kinds = ("bytes32", "bytes32", "uint256", "uint256", "bytes", "string")
        return encode(kinds, (signature[:32], signature[32:], *places, data, client))

    key = numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
    return key, asserted if "WebAuthn" in verifier else plain
