"""Opening a chain must not leave the interpreter where hostile JSON crashes it (py_ecc lifts the recursion limit)."""

import subprocess
import sys

PROGRAM = """
import sys, tempfile
from pathlib import Path
from ledger_automation.audit.encoding import decode
from ledger_automation.canonical import parse
from ledger_automation.chain import open_chain
from ledger_automation.errors import CanonicalError
with open_chain("tester", Path(tempfile.gettempdir())):
    for read in (parse, decode):
        for text in (b"[" * 1_000_000, b'{"a":' * 1_000_000, b'{"payload":' + b"[" * 1_000_000):
            try:
                read(text)
            except CanonicalError:
                print("refused")
"""


def test_a_million_brackets_are_refused_with_a_chain_open() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["refused"] * 6), done.stderr
