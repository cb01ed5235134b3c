"""The verbs' table says of each what the verb says of itself; the module is loaded only when the verb is called."""

import subprocess
import sys
from importlib import import_module

import pytest

from ledger_automation.cli.app import GROUPS, VERBS

SERVICE = ("sqlalchemy", "web3", "fastapi", "celery", "structlog", "lxml", "requests", "ledger_automation.chain")


@pytest.mark.parametrize("name", sorted(VERBS))
def test_the_table_tells_what_the_verb_tells(name: str) -> None:
    own = name.replace("-", "_")
    module = import_module(f"ledger_automation.cli.{own}")
    told = module.app.help if name in GROUPS else getattr(module, own).__doc__
    assert " ".join(told.split()).startswith(VERBS[name].removesuffix("."))


@pytest.mark.parametrize("loaded", ["cli.app", "cli.verify", "rpc", "verify.auditor", "reading"])
def test_who_only_verifies_loads_nothing_of_the_service(loaded: str) -> None:
    program = f"import sys, ledger_automation.{loaded}; print([each for each in {SERVICE} if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
