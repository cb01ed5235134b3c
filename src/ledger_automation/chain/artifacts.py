"""The compiled contracts: committed with the source, loaded without a compiler, proved by compiling again.

An artifact holds what a deployment and a reader need (ABI, bytecode, storage layout) and what a doubter needs
(compiler, settings, SHA-256 of every source, OpenZeppelin's included). `check` recompiles and compares byte for byte.

The compiler's metadata is left out of the bytecode (``appendCBOR`` false). With it, a changed comment or a checkout at
another path changes the code and thereby the code hash that verifiers pin; without it the code hash says what the chain
executes, and the hashes of the sources, kept here beside it, say what it was made of.

What this does not do: it deploys nothing and knows no chain. Mocks never become artifacts.

    $ ledger contracts build    # write
    $ ledger contracts check    # compare with what is committed
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec
import solcx
from eth_utils.crypto import keccak
from solcx.exceptions import SolcError

from ledger_automation.chain import toolchain
from ledger_automation.errors import Misconfigured

FOLDER: Final = Path(__file__).with_name("artifacts")

SHIPPED: Final = ("contracts", "contracts/workflows")
"""Folders, not trees: interfaces, libraries and mocks lie below in others and are not shipped."""

_VERIFIERS: Final = "node_modules/@openzeppelin/contracts/utils/cryptography/verifiers"
SHIPPED_BY_OTHERS: Final = (f"{_VERIFIERS}/ERC7913P256Verifier.sol", f"{_VERIFIERS}/ERC7913WebAuthnVerifier.sol")
"""What members' passkeys need, deployed as OpenZeppelin wrote it."""

SETTINGS: Final[dict[str, Any]] = {
    # Cancun is what every target understands; the defaults differ (solc osaka, eth-tester Prague).
    "evmVersion": "cancun",
    # Worth 130 gas on every enforced step against the usual 200, for a third more code, which is paid for once.
    "optimizer": {"enabled": True, "runs": 10_000},
    # Worth 1,300 gas on an anchor over a million leaves, for a few seconds of compiling.
    "viaIR": True,
    "metadata": {"appendCBOR": False, "bytecodeHash": "none"},
    "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
}

_OUTPUTS: Final = (
    "abi",
    "evm.bytecode.object",
    "evm.deployedBytecode.object",
    "evm.deployedBytecode.immutableReferences",
    "storageLayout",
)


class Immutable(msgspec.Struct, frozen=True):
    """A stretch of the deployed code that the constructor fills in."""

    start: int
    length: int


class Artifact(msgspec.Struct, frozen=True):
    """One compiled contract. Bytecode is 0x-prefixed hex; ``storage`` maps a variable to its slot."""

    contract: str
    source: str
    compiler: str
    settings: dict[str, Any]
    sources: dict[str, str]
    storage: dict[str, int]
    immutables: list[Immutable]
    abi: list[dict[str, Any]]
    bytecode: str
    deployed_bytecode: str

    def abi_hash(self) -> str:
        """Return SHA-256 of the ABI, keys sorted, without spaces."""
        return hashlib.sha256(msgspec.json.encode(self.abi, order="sorted")).hexdigest()

    def code_hash(self) -> str:
        """Return keccak-256 of the deployed code, as EXTCODEHASH gives it for a contract without immutables."""
        return f"0x{keccak(hexstr=self.deployed_bytecode).hex()}"

    def is_code(self, code: bytes) -> bool:
        """Tell whether a chain's code is this contract's, whatever the constructor filled into its immutables."""
        blank = bytearray(code)
        for gap in self.immutables:
            blank[gap.start : gap.start + gap.length] = bytes(gap.length)
        return bytes(blank).hex() == self.deployed_bytecode.removeprefix("0x")


def load(contract: str, folder: Path = FOLDER) -> Artifact:
    """Read a committed artifact; raises Misconfigured where there is none or it is damaged."""
    path = folder / f"{contract}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Artifact)
    except (OSError, msgspec.MsgspecError) as error:
        raise Misconfigured(f"The compiled contract {contract} cannot be read from {path}.", path=str(path)) from error


def build(root: Path | None = None, folder: Path = FOLDER) -> list[Path]:
    """Compile the shipped contracts and write their artifacts; return the files."""
    written = []
    for name, text in _texts(root or toolchain.checkout()).items():
        path = folder / name
        path.write_bytes(text)
        written.append(path)
    return written


def check(root: Path | None = None, folder: Path = FOLDER) -> list[str]:
    """Recompile and compare with the committed artifacts, byte for byte; return a sentence for each difference."""
    fresh = _texts(root or toolchain.checkout())
    committed = {path.name: path.read_bytes() for path in folder.glob("*.json")}
    differences = [f"{name} is missing." for name in sorted(fresh.keys() - committed.keys())]
    differences += [f"{name} has no contract." for name in sorted(committed.keys() - fresh.keys())]
    for name in sorted(fresh.keys() & committed.keys()):
        if fresh[name] != committed[name]:
            differences += _differences(name, committed[name], fresh[name])
    return differences


def compile_sources(root: Path, sources: Iterable[Path]) -> list[Artifact]:
    """Compile files below ``root`` with everything they import; abstract contracts and interfaces are left out."""
    names = sorted(path.relative_to(root).as_posix() for path in sources)
    request = {
        "language": "Solidity",
        "sources": {name: {"content": (root / name).read_text("utf-8")} for name in names},
        "settings": {**SETTINGS, "outputSelection": {"*": {"*": list(_OUTPUTS), "": ["ast"]}}},
    }
    binary = toolchain.solc(root)
    try:
        answer = solcx.compile_standard(request, solc_binary=binary, base_path=root, allow_paths=[root])
    except SolcError as error:
        raise Misconfigured(f"The contracts do not compile: {error.message}") from error
    version = solcx.wrapper.get_version_str_from_solc_binary(binary)
    used = {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in sorted(answer["sources"])}
    imports = {name: _imports(unit["ast"]) for name, unit in answer["sources"].items()}
    return [
        _artifact(contract, name, version, {path: used[path] for path in _closure(name, imports)}, output)
        for name in names
        for contract, output in answer["contracts"].get(name, {}).items()
        if output["evm"]["bytecode"]["object"]
    ]


def _texts(root: Path) -> dict[str, bytes]:
    sources = [path for folder in SHIPPED for path in (root / folder).glob("*.sol")]
    if not sources:
        raise Misconfigured(f"There are no contracts below {root}; compiling needs a checkout of the repository.")
    sources += [root / name for name in SHIPPED_BY_OTHERS]
    return {
        f"{artifact.contract}.json": msgspec.json.format(msgspec.json.encode(artifact), indent=1) + b"\n"
        for artifact in compile_sources(root, sources)
    }


def _artifact(contract: str, name: str, version: str, sources: dict[str, str], output: dict[str, Any]) -> Artifact:
    deployed = output["evm"]["deployedBytecode"]
    gaps = sorted((gap["start"], gap["length"]) for found in deployed["immutableReferences"].values() for gap in found)
    return Artifact(
        contract=contract,
        source=name,
        compiler=version,
        settings=SETTINGS,
        sources=sources,
        storage={variable["label"]: int(variable["slot"]) for variable in output["storageLayout"]["storage"]},
        immutables=[Immutable(start, length) for start, length in gaps],
        abi=output["abi"],
        bytecode=f"0x{output['evm']['bytecode']['object']}",
        deployed_bytecode=f"0x{deployed['object']}",
    )


def _imports(ast: dict[str, Any]) -> list[str]:
    return [node["absolutePath"] for node in ast["nodes"] if node["nodeType"] == "ImportDirective"]


def _closure(name: str, imports: dict[str, list[str]]) -> list[str]:
    """Name the file and all it imports, directly or not: another contract's change is not this one's."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += imports[path]
    return sorted(found)


def _differences(name: str, committed: bytes, fresh: bytes) -> list[str]:
    """Name the fields that differ; of the sources, each file."""
    try:
        old, new = msgspec.json.decode(committed), msgspec.json.decode(fresh)
        fields = [field for field in new if old.get(field) != new[field]]
    except (msgspec.MsgspecError, AttributeError):
        return [f"{name} is not an artifact."]
    if not fields:
        return [f"{name} differs in its layout only."]
    sources = {**old.get("sources", {}), **new["sources"]}
    changed = [path for path in sorted(sources) if old.get("sources", {}).get(path) != new["sources"].get(path)]
    return [f"{name}: {field} differs." for field in fields if field != "sources"] + [
        f"{name}: the source {path} differs." for path in changed
    ]
