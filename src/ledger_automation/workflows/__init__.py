"""The law, as tables: every module here that has a ``WORKFLOW`` is a workflow, and is found by itself.

>>> workflow("permit").name
'permit'
"""

import importlib
import pkgutil
from functools import cache
from typing import Any, Final

from ledger_automation.errors import InvalidDefinition, UnknownWorkflow
from ledger_automation.workflows._machine import Workflow
from ledger_automation.workflows._table import Actor, Case, Command

__all__ = ["LOG", "Actor", "Case", "Command", "Workflow", "names", "register", "workflow"]

LOG: Final = "log"
"""The workflow of the log's own case, which is written by the log and by nobody who calls."""

_registered: dict[str, Workflow[Any]] = {}


@cache
def _shipped() -> dict[str, Workflow[Any]]:
    modules = (importlib.import_module(f"{__name__}.{each.name}") for each in pkgutil.iter_modules(__path__))
    found = [module.WORKFLOW for module in modules if hasattr(module, "WORKFLOW")]
    return {each.name: each for each in found}


def names() -> list[str]:
    """List the workflows, in alphabetical order."""
    return sorted({*_shipped(), *_registered})


def workflow(name: str) -> Workflow[Any]:
    """Return a workflow by its name; raises UnknownWorkflow."""
    found = _registered.get(name) or _shipped().get(name)
    if found is None:
        raise UnknownWorkflow(name, names())
    return found


def register(table: Workflow[Any]) -> None:
    """Add a workflow from outside this package; raises InvalidDefinition when its name is taken."""
    if table.name in _shipped() or _registered.get(table.name, table) is not table:
        raise InvalidDefinition(f"There is a workflow {table.name} already.", name=table.name)
    _registered[table.name] = table
