"""The table of OWASP ASVS 5.0.0: every item of levels 1 and 2 is answered once, by tests that exist."""

import ast
import runpy
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[3]
TABLE: Final[dict[str, dict[str, Any]]] = tomllib.loads(Path(__file__).with_name("asvs.toml").read_text("utf-8"))
LEVEL: Final = {
    f"{section}.{number}": int(level)
    for section, levels in TABLE["levels"].items()
    for number, level in enumerate(levels, 1)
}
NAMED_OF_LEVEL_3: Final = {"V1.5.3", "V2.3.5", "V8.3.2", "V15.4.2"}
"""Those that our requirements ask for; others of level 3 may be answered too."""


def test_the_items_are_those_of_the_standard() -> None:
    assert Counter(LEVEL.values()) == {1: 70, 2: 183, 3: 92}


def test_every_item_is_answered_once() -> None:
    """An item by its own line, or by its section's or chapter's, which speaks of those without a line of their own."""
    for item, level in LEVEL.items():
        above = [item, item.rpartition(".")[0], item.partition(".")[0]]
        found = [(place, part) for place in above for part in ("shown", "elsewhere", "absent") if place in TABLE[part]]
        own = [part for place, part in found if place == item]
        assert len(own) <= 1, item
        if level < 3 or item in NAMED_OF_LEVEL_3:
            assert own or found, item
            assert own or len(found) == 1, item
    answered = {place for part in ("shown", "elsewhere", "absent") for place in TABLE[part]}
    known = {*LEVEL, *TABLE["levels"], *(item.partition(".")[0] for item in LEVEL)}
    assert answered <= known


def test_every_test_that_is_named_exists_and_every_sentence_is_one() -> None:
    functions = {
        name: {
            each.name for each in ast.parse((ROOT / path).read_text("utf-8")).body if isinstance(each, ast.FunctionDef)
        }
        for name, path in TABLE["files"].items()
    }
    for item, (answer, *tests) in TABLE["shown"].items():
        assert answer.endswith("."), item
        assert tests, item
        for each in tests:
            file, _, name = each.partition("::")
            assert name in functions[file], (item, each)


def test_the_page_is_made_of_the_table() -> None:
    page = runpy.run_path(str(ROOT / "scripts" / "asvs.py"))["page"]
    assert (ROOT / "docs" / "asvs.md").read_text("utf-8") == page(TABLE), "run scripts/asvs.py"
