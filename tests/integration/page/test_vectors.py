"""The published vectors through the page's own functions, in the browser: decided as the program decides them."""

import base64
import json
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from coincurve import PrivateKey
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from playwright.sync_api import Browser

from ledger_automation.audit.enforced import recovered
from ledger_automation.canonical import canonicalize, parse
from ledger_automation.errors import CanonicalError
from ledger_automation.workflows._enforcement import keccak256
from support.browser import inner

NAMES = (
    "canonical, decodeUtf8, fromBase64, fromHex, hex, imported, keccak256, parseStrict, recovered, verifyConsistency, "
    "verifyInclusion"
)


@pytest.fixture
def parts(browser: Browser, tmp_path: Path) -> Any:
    return inner(browser, tmp_path, NAMES)


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def test_the_parser_suite_is_decided_alike(parts: Any, shared: Path) -> None:
    files = sorted((shared / "vectors" / "JSONTestSuite" / "test_parsing").glob("*.json"))
    texts = [each.read_bytes() for each in files]
    decided = parts.evaluate(
        """(texts) => texts.map((text) => {
          try {
            const octets = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            return parts.canonical(parts.parseStrict(parts.decodeUtf8(octets)));
          } catch { return null; }
        })""",
        [b64(each) for each in texts],
    )
    assert len(decided) == 318
    assert dict(zip(files, decided, strict=True)) == dict(zip(files, map(reread, texts), strict=True))


def reread(text: bytes) -> str | None:
    try:
        return canonicalize(parse(text)).decode()
    except CanonicalError:
        return None


def test_every_proof_is_decided_as_published(parts: Any, shared: Path) -> None:
    testdata = shared / "vectors" / "transparency-dev-merkle" / "testdata"
    cases = [
        {"kind": kind, **msgspec.json.decode(path.read_bytes())}
        for kind in ("inclusion", "consistency")
        for path in sorted((testdata / kind).rglob("*.json"))
    ]
    held = parts.evaluate(
        """async (cases) => {
          const octets = (text) => parts.fromBase64(text ?? "");
          const held = [];
          for (const { kind, proof, ...each } of cases) {
            const nodes = (proof ?? []).map(octets);
            try {
              if (kind === "inclusion") {
                const [leaf, root] = [each.leafHash, each.root].map(octets);
                await parts.verifyInclusion(leaf, each.leafIdx, each.treeSize, nodes, root);
              } else {
                await parts.verifyConsistency(each.size1, each.size2, nodes, octets(each.root1), octets(each.root2));
              }
              held.push(true);
            } catch { held.push(false); }
          }
          return held;
        }""",
        cases,
    )
    assert len(held) == 196
    wrong = [each["desc"] for each, holds in zip(cases, held, strict=True) if holds == each["wantErr"]]
    assert wrong == []


def test_every_signature_is_judged_alike(parts: Any, shared: Path) -> None:
    """Wycheproof's and C2SP's odd corners: points of low order, other spellings, s beyond the order."""
    odd = json.loads((shared / "vectors" / "C2SP-CCTV" / "ed25519" / "ed25519vectors.json").read_bytes())
    cases = [(each["key"], each["msg"].encode().hex(), each["sig"]) for each in odd]
    known = json.loads((shared / "vectors" / "wycheproof" / "testvectors_v1" / "ed25519_test.json").read_bytes())
    for group in known["testGroups"]:
        cases += [(group["publicKey"]["pk"], each["msg"], each["sig"]) for each in group["tests"]]
    judged = parts.evaluate(
        """async (cases) => Promise.all(cases.map(async ([key, message, signature]) => {
          try {
            const [raw, text, signed] = [key, message, signature].map(parts.fromHex);
            return await crypto.subtle.verify("Ed25519", await parts.imported(raw), signed, text);
          } catch { return false; }
        }))""",
        cases,
    )
    assert len(judged) == 1_065
    assert judged == [holds(*map(bytes.fromhex, each)) for each in cases]
    assert judged.count(True) > 200


def holds(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def test_keccak_and_recovery_come_to_the_same(parts: Any) -> None:
    random = Random(7)
    texts = [random.randbytes(length) for length in (0, 1, 31, 32, 135, 136, 137, 271, 272, 273, 1_000)]
    hashed = parts.evaluate(
        "(texts) => texts.map((text) => parts.hex(parts.keccak256(parts.fromHex(text))))",
        [each.hex() for each in texts],
    )
    assert hashed == [keccak256(each).hex() for each in texts]
    signed = []
    for _ in range(40):
        digest, key = random.randbytes(32), PrivateKey(random.randbytes(32))
        signature = bytearray(key.sign_recoverable(digest, hasher=None))
        signature[64] += 27
        if random.random() < 0.5:
            signature[random.randrange(65)] ^= 1 << random.randrange(8)
        signed.append((digest, bytes(signature)))
    found = parts.evaluate(
        "(cases) => cases.map((each) => parts.recovered(...each.map(parts.fromHex)))",
        [[digest.hex(), signature.hex()] for digest, signature in signed],
    )
    addresses = [recovered(*each) for each in signed]
    assert found == [each.hex() if each else None for each in addresses]
    assert None in found
