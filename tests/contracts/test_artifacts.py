"""The committed artifacts are what the sources compile to, and a doubter is told of any difference."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ledger_automation.chain import artifacts, toolchain
from ledger_automation.errors import Misconfigured

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A checkout with its own contracts and the same npm packages."""
    shutil.copytree(ROOT / "contracts", tmp_path / "contracts")
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    return tmp_path


def test_only_contracts_of_the_product_are_shipped() -> None:
    sources = {path.stem for folder in artifacts.SHIPPED for path in (ROOT / folder).glob("*.sol")}
    sources |= {Path(name).stem for name in artifacts.SHIPPED_BY_OTHERS}
    shipped = {path.stem for path in artifacts.FOLDER.glob("*.json")}
    assert "CheckpointRegistry" in shipped
    assert shipped <= sources
    for contract in shipped:
        assert not [name for name in artifacts.load(contract).sources if "/mocks/" in name]


def test_a_changed_source_is_found_even_in_a_comment_and_a_changed_rule_in_the_bytecode(copy: Path) -> None:
    law, registry = copy / "contracts" / "workflows" / "PermitLedger.sol", copy / "contracts" / "CheckpointRegistry.sol"
    law.write_text(law.read_text("utf-8") + "// No rule is changed by this.\n", "utf-8")
    registry.write_text(registry.read_text("utf-8").replace("treeSize <= previousSize", "treeSize < previousSize"))
    found = artifacts.check(copy)
    assert "PermitLedger.json: the source contracts/workflows/PermitLedger.sol differs." in found
    assert "CheckpointRegistry.json: the source contracts/CheckpointRegistry.sol differs." in found
    assert "CheckpointRegistry.json: bytecode differs." in found
    assert not [line for line in found if "bytecode" in line and not line.startswith("CheckpointRegistry.json")]


def test_a_changed_artifact_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That the committed ones are what the sources compile to, tests/e2e/test_cli.py shows."""
    compiled = {path.name: path.read_bytes() for path in artifacts.FOLDER.glob("*.json")}
    monkeypatch.setattr(artifacts, "_texts", lambda _: compiled)  # no compilation for comparisons
    folder = tmp_path / "artifacts"
    shutil.copytree(artifacts.FOLDER, folder)
    path = folder / "CheckpointRegistry.json"
    honest = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**honest, "bytecode": honest["bytecode"][:-2] + "00"}), "utf-8")
    assert artifacts.check(folder=folder) == ["CheckpointRegistry.json: bytecode differs."]
    path.write_text(json.dumps(honest), "utf-8")
    assert artifacts.check(folder=folder) == ["CheckpointRegistry.json differs in its layout only."]
    path.rename(folder / "Another.json")
    assert artifacts.check(folder=folder) == ["CheckpointRegistry.json is missing.", "Another.json has no contract."]


def test_a_damaged_artifact_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "CheckpointRegistry.json").write_text("{", "utf-8")
    with pytest.raises(Misconfigured, match="cannot be read"):
        artifacts.load("CheckpointRegistry", tmp_path)


def test_the_compiler_needs_no_node_on_the_path(copy: Path) -> None:
    environment = {**os.environ, "PATH": "/nonexistent", "SOLCX_BINARY_PATH": str(copy / "solc")}
    script = (
        "import sys, pathlib; from ledger_automation.chain import toolchain;"
        f"print(toolchain.solc(pathlib.Path({str(copy)!r})))"
    )
    launcher = subprocess.check_output([sys.executable, "-c", script], env=environment, text=True).strip()
    assert Path(launcher).name == f"solc-v{toolchain.SOLC_VERSION}"
    answer = subprocess.check_output([launcher, "--version"], env={"PATH": "/nonexistent"}, text=True)
    assert f"Version: {toolchain.SOLC_VERSION}+commit." in answer


def test_missing_tools_say_what_to_run(tmp_path: Path) -> None:
    for look in (toolchain.node_modules, toolchain.anvil, lambda root: toolchain.solc(root, order=["npm"])):
        with pytest.raises(Misconfigured, match="run `make setup`"):
            look(tmp_path)


def test_a_compiler_of_another_version_is_refused(tmp_path: Path) -> None:
    package = tmp_path / "node_modules" / "solc"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"version": "0.8.36"}', "utf-8")
    with pytest.raises(Misconfigured) as caught:
        toolchain.solc(tmp_path, order=["npm"])
    assert caught.value.facts == {"order": ["npm"]}
    assert "0.8.36, not 0.8.37" in caught.value.sentence
