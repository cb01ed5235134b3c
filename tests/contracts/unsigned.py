"""The ledgers with the check of signatures taken out of their source: for measuring what it costs, and nothing else."""

import shutil
from pathlib import Path

from contracts.laws.driver import ROOT
from ledger_automation.chain import artifacts

CHECKED = "        if (!_isSigned(seat, member, digest, signature)) revert NotSigned(member, digest);\n"
FIRST = "        if (block.timestamp > terms.deadline())"


def unsigned(folder: Path, names: list[str]) -> dict[str, artifacts.Artifact]:
    """Compile ledgers from a copy in which `CaseLedger` believes everybody; deadline and digest belong to the check."""
    copy = folder / "unsigned"
    shutil.copytree(ROOT / "contracts", copy / "contracts")
    (copy / "node_modules").symlink_to(ROOT / "node_modules")
    frame = copy / "contracts" / "CaseLedger.sol"
    text = frame.read_text("utf-8")
    start, end = text.index(FIRST), text.index(CHECKED) + len(CHECKED)
    frame.write_text(text[:start] + text[end:], "utf-8")
    sources = [path for path in (copy / "contracts").rglob("*.sol") if path.stem in names]
    return {each.contract: each for each in artifacts.compile_sources(copy, sources) if each.contract in names}
