"""Write docs/asvs.md from the table that tests/integration/api/test_asvs.py checks."""

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "tests" / "integration" / "api" / "asvs.toml"
PAGE = ROOT / "docs" / "asvs.md"
PARTS = {
    "elsewhere": "What the identity provider, the proxy or the operator does",
    "absent": "What there is none of",
}


def page(table: dict[str, Any]) -> str:
    """Return the page."""
    lines = [
        "# OWASP ASVS 5.0.0, level 2",
        "",
        "For a JSON API and pages with sessions. Made by `scripts/asvs.py`; tests show it, no certificate.",
        "",
        "## What tests show",
        "",
    ]
    for item, (answer, *tests) in table["shown"].items():
        places = ((table["files"][file], name) for file, _, name in (each.partition("::") for each in tests))
        named = ", ".join(f"`{path}::{name}`" for path, name in places)
        lines.append(f"- **{item}** {answer} {named}")
    for part, title in PARTS.items():
        lines += ["", f"## {title}", ""]
        lines += [f"- **{item}** {reason}" for item, reason in table[part].items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(tomllib.loads(TABLE.read_text("utf-8"))), "utf-8")
