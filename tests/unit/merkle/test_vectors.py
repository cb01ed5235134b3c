"""The vectors that transparency-dev publishes for RFC 6962/9162 proofs, most of them bad on purpose."""

import base64
import json
from pathlib import Path

import pytest

from ledger_automation.errors import ProofError
from ledger_automation.merkle import verify_consistency, verify_inclusion


def _vectors(folder: Path) -> list[dict[str, object]]:
    return [json.loads(each.read_text()) for each in sorted(folder.rglob("*.json"))]


def _bytes(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def _holds(verify: object, *arguments: object) -> bool:
    try:
        verify(*arguments)  # type: ignore[operator]
    except ProofError:
        return False
    return True


def test_every_core_vector_is_decided_as_published(shared: Path) -> None:
    testdata = shared / "vectors" / "transparency-dev-merkle" / "testdata"
    decided = []
    for case in _vectors(testdata / "inclusion"):
        proof = [_bytes(node) for node in case["proof"] or []]
        arguments = (_bytes(case["leafHash"]), case["leafIdx"], case["treeSize"], proof, _bytes(case["root"]))
        decided.append((case["desc"], _holds(verify_inclusion, *arguments), not case["wantErr"]))
    for case in _vectors(testdata / "consistency"):
        proof = [_bytes(node) for node in case["proof"] or []]
        arguments = (case["size1"], case["size2"], proof, _bytes(case["root1"]), _bytes(case["root2"]))
        decided.append((case["desc"], _holds(verify_consistency, *arguments), not case["wantErr"]))
    assert len(decided) == 196
    assert [each for each in decided if each[1] != each[2]] == []


@pytest.mark.parametrize("sizes", [(0, 0), (0, 5), (6, 5), (-1, 3)])
def test_sizes_without_meaning_are_refused(sizes: tuple[int, int]) -> None:
    with pytest.raises(ProofError):
        verify_consistency(*sizes, [], b"\0" * 32, b"\0" * 32)
