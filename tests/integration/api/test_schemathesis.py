"""The service against its own document, by schemathesis 4: every check and every phase, and nothing is found.

A default run tries a few examples an operation; `make schemathesis` a thousand, and keeps what came of it.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ledger_automation.study.measurement import machine
from support.examined import examine
from support.town import Town

DOCUMENT: Final = Path(__file__).resolve().parents[3] / "docs" / "openapi.json"
EXAMPLES: Final = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "1"))
SEED: Final = int(os.environ.get("SCHEMATHESIS_SEED", "20261128"))


def test_nothing_is_found(town: Town) -> None:
    document = json.loads(DOCUMENT.read_text("utf-8"))
    found = examine(town, document, EXAMPLES, SEED)
    if path := os.environ.get("SCHEMATHESIS_FILE"):
        report = {
            "written": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "seed": SEED,
            "examples_an_operation_and_phase": EXAMPLES,
            "examples": found.examples,
            "phases": found.phases,
            "findings": found.findings,
            "shown": found.shown,
        }
        Path(path).write_text(json.dumps(report, indent=1, sort_keys=True) + "\n", "utf-8")
    operations = {f"{method} {path}" for method, path, _ in town.operations()}
    assert operations <= found.examples.keys()
    assert found.shown == {}
