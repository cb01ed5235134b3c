"""``ledger dossier``: a case as a folder that opens, and can be checked, without this software."""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from cyclopts import Parameter

from ledger_automation.bootstrap import open_ledger
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit
from ledger_automation.errors import InvalidInput
from ledger_automation.orchestrator.dossier import dossier as use_case
from ledger_automation.orchestrator.preserve import evidence
from ledger_automation.reading import home_policy
from ledger_automation.values import CaseId


def dossier(
    case: Annotated[str, Parameter(help="The case's id.")],
    *,
    out: Annotated[Path, Parameter(help="The folder, which is made.")],
    options: Options = NONE,
) -> int:
    """Export a case: events, documents, proofs, a page and a script that check it without this software."""
    settings, case_id = options.settings(), CaseId(case)
    if out.exists():
        raise InvalidInput(f"There is something at {out} already; name a folder that is to be made.", path=str(out))
    with open_ledger(settings, existing=True) as ledger, ledger.read() as unit:
        files = use_case(unit, case_id, home_policy(settings), partial(evidence, settings.home))
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as place:  # there as a whole, or not at all
        for name, content in files.items():
            path = Path(place) / "dossier" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        (Path(place) / "dossier").rename(out)
    size = sum(map(len, files.values()))
    emit({"folder": str(out), "files": len(files), "bytes": size}, [f"{out}: {len(files)} files."], json=options.json)
    return 0
