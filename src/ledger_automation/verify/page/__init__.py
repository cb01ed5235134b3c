"""``verify.html``: the second verifier, one file that opens from disk and relies on nobody (docs/spec/verify-page.md).

The page's sources are the ES modules of this folder, each runnable by itself. `assemble` puts them into one module in
the order of `SOURCES`, with the pinned policy, the workflows' tables and the verdicts' sentences as data; the same
policy gives the same bytes. The page's own policy lets it run exactly this script and style, and load nothing.
"""

import base64
import re
from collections.abc import Iterable
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final, NamedTuple

import msgspec

from ledger_automation.audit.event import log_case_id
from ledger_automation.verify.policy import VerificationPolicy
from ledger_automation.verify.verdict import CASE_ABSENT, CASE_HOLDS, SENTENCES, STEP_HOLDS, Sentence, Verdict
from ledger_automation.workflows import Workflow, names, workflow
from ledger_automation.workflows._table import ROLES

SOURCES: Final = (
    "refusals", "octets", "strict_json", "cbor", "shapes", "keccak", "secp256k1", "merkle", "root_signature", "note",
    "event", "law", "case_map", "receipt_shapes", "cose", "frames", "receipt", "nodes", "anchor", "enforced",
    "verifier", "words", "judge", "scan", "view",
)  # fmt: skip
"""Each module after those that it imports."""

_IMPORT: Final = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT: Final = re.compile(r"^export ", re.MULTILINE)
_PLACE: Final = re.compile(r"\{\{(\w+)\}\}")


class Page(NamedTuple):
    """The whole file, and what it may load and run (a Content-Security-Policy, which stands in it too)."""

    text: str
    security: str


def assemble(policy: VerificationPolicy) -> Page:
    """Return the page that verifies by a policy."""
    style, script = _source("page.css"), module()
    security = _security(style, script)
    parts = {"security": security, "style": style, "script": script, "pinned": _pinned(policy)}
    return Page(_PLACE.sub(lambda place: parts[place[1]], _source("page.html")), security)


def module(sources: Iterable[str] = SOURCES) -> str:
    """Return one module: the sources without their imports of each other, which stand above."""
    texts = (_EXPORT.sub("", _IMPORT.sub("", _source(f"{name}.js"))).strip() for name in sources)
    return "\n" + "\n\n".join(texts) + "\n"


def _security(style: str, script: str) -> str:
    """Let the page run its own script, wear its own style, and ask the nodes that its reader names."""
    return (
        f"default-src 'none'; script-src {_hashed(script)}; style-src {_hashed(style)}; img-src data:; "
        "connect-src https: http:; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"


def _pinned(policy: VerificationPolicy) -> str:
    """Write the data; no ``<`` in it can end the element that it stands in."""
    own = str(log_case_id(policy.origin))
    tables = {"log_case": own, "roles": ROLES, "workflows": {name: _table(workflow(name)) for name in names()}}
    data = {"policy": policy, "sentences": _sentences(), "tables": tables}
    return msgspec.json.encode(data, order="deterministic").decode().replace("<", "\\u003c")


def _table(table: Workflow[Any]) -> dict[str, Any]:
    """Write what a workflow's table says by itself: its version, its rows, and its states' numbers on chain."""
    rows = [
        {"action": each.action, "roles": each.roles, "sources": each.sources, "targets": each.targets}
        for each in table.transitions.values()
    ]
    return {"rows": rows, "states": table.enforcement.states if table.enforcement else (), "version": table.version}


def _sentences() -> dict[str, Sentence]:
    others = {verdict.value: sentence for verdict, sentence in SENTENCES.items() if verdict is not Verdict.FINAL}
    return {**others, "absent": CASE_ABSENT, "case": CASE_HOLDS, "step": STEP_HOLDS}


def _source(name: str) -> str:
    return files(__name__).joinpath(name).read_text("utf-8")
