"""House rules beyond the import contracts of `.importlinter`, held over the syntax trees of the sources."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger_automation import intake, workflows
from ledger_automation.intake import mapping

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "ledger_automation"
MODULES = sorted(SOURCE.rglob("*.py"))
BANNED = {
    "helper",
    "helpers",
    "util",
    "utils",
    "manager",
    "managers",
    "processor",
    "processors",
    "common",
    "misc",
    "v2",
}
OF_OTHERS = {"ContextManager", "AbstractContextManager", "contextmanager"}
LONGEST_MODULE, LONGEST_FUNCTION = 450, 45
ENGINES = {"create_engine", "sessionmaker", "Web3", "HTTPProvider", "Console", "Redis", "Celery", "Client"}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text("utf-8")))


def symbols(path: Path) -> Iterator[str]:
    """Yield every name that a module gives: definitions, arguments, assignments, aliases."""
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname


def says_nothing(name: str) -> bool:
    """Tell whether a word of a name, in snake or camel case, is banned; ``base`` only where it begins one."""
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)]
    return bool(BANNED & set(words)) or (len(words) > 1 and words[0] == "base")


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_no_name_says_nothing(path: Path) -> None:
    given = {*path.relative_to(SOURCE).with_suffix("").parts, *symbols(path)} - OF_OTHERS
    assert [name for name in sorted(given) if says_nothing(name)] == []


def test_no_file_of_the_repository_says_nothing() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "src", "tests", "scripts", "contracts"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [name for name in listed.stdout.split() if says_nothing(Path(name).stem)] == []


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_modules_and_functions_stay_short(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_MODULE
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
        and "migrations" not in path.parts  # a migration is a table of tables
    }
    assert long == {}


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_no_module_catches_everything(path: Path) -> None:
    """A worker's outermost loop may; everywhere else it hides mistakes. Cleaning up and raising again is allowed."""
    if "worker" in path.parts:
        return
    caught = [
        node.lineno
        for node in nodes(path)
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or {"Exception", "BaseException"} & {each.id for each in ast.walk(node.type) if isinstance(each, ast.Name)}
        )
        and not (node.body and isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None)
    ]
    assert caught == []


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_no_class_path_reaches_what_is_stored(path: Path) -> None:
    """Stored names are stable words; a class may move. No pickling, and no name taken from a class's module."""
    loaded = {alias.name.split(".")[0] for node in nodes(path) if isinstance(node, ast.Import) for alias in node.names}
    loaded |= {(node.module or "").split(".")[0] for node in nodes(path) if isinstance(node, ast.ImportFrom)}
    assert not loaded & {"pickle", "marshal", "shelve", "dill", "jsonpickle"}
    taken = {node.attr for node in nodes(path) if isinstance(node, ast.Attribute)}
    assert not taken & {"__qualname__", "__module__"}


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_nothing_is_opened_at_import(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    called = {
        each.func.id if isinstance(each.func, ast.Name) else getattr(each.func, "attr", "")
        for statement in tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr)
        for each in ast.walk(statement)
        if isinstance(each, ast.Call)
    }
    assert not called & ENGINES


def test_settings_are_read_by_the_composition_root_and_the_command_line_only() -> None:
    """Whatever else reads an environment reads its compiler's or its proxy's, never a setting of ours."""
    readers = {named(path) for path in MODULES if "LEDGER_" in "".join(strings(path))}
    assert readers <= {"src/ledger_automation/settings.py", "src/ledger_automation/cli/options.py"}


def test_the_import_contracts_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    text = (ROOT / ".importlinter").read_text("utf-8")
    assert "exhaustive = True" in text
    assert "ignore_imports" not in text, "an exception is a violation with a permit"


def test_the_locks_name_no_address() -> None:
    """Whoever installs chooses the index; the hashes make sure that it does not matter which."""
    python = (ROOT / "requirements.lock").read_text("utf-8")
    assert "://" not in python
    assert "--hash=sha256:" in python
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text("utf-8")


def test_every_workflow_and_every_mapping_is_found_by_itself() -> None:
    folder = SOURCE / "workflows"
    homes = [each for each in folder.iterdir() if each.suffix == ".py" or (each / "__init__.py").exists()]
    entries = [each / "__init__.py" if each.is_dir() else each for each in homes]
    stated = {
        each.stem if each.name != "__init__.py" else each.parent.name
        for each in entries
        if "WORKFLOW" in symbols_of(each)
    }
    assert stated == set(workflows.names())
    shipped = {each.stem for each in (Path(intake.__path__[0]) / "mappings").glob("*.toml")}
    assert shipped == set(mapping.names())
    assert {mapping.shipped(name).workflow for name in shipped} <= set(workflows.names())


def strings(path: Path) -> Iterator[str]:
    """Yield a module's texts but for its docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    told = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value


def symbols_of(path: Path) -> set[str]:
    imported = {
        alias.asname or alias.name for node in nodes(path) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    return imported | set(symbols(path))
