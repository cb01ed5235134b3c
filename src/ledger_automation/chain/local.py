"""Opening a chain by its name: ``tester``, ``anvil``, or the URL of a node.

    tester    eth-tester in this process (py-evm, Prague): nothing to install, mines at once, gone with the process
    anvil     Anvil as its own process, state under the home, shared by all processes of that home (see `anvil`)
    http...   somebody's node; nothing is started, funded or stopped

What this does not do: deploy. A `Connection` knows no contract.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from eth_tester import EthereumTester, PyEVMBackend  # type: ignore[import-untyped]
from web3 import EthereumTesterProvider, Web3
from web3.middleware import ExtraDataToPOAMiddleware
from web3.types import RPCEndpoint, RPCResponse

from ledger_automation.chain import anvil, wire
from ledger_automation.chain.connection import Connection
from ledger_automation.errors import InvalidValue

_RECURSION: Final = 10 * 1024
"""As deep as the EVM calls (py-evm's own limit)."""


def _bound_recursion() -> None:
    """Take back what py_ecc does at import: at its limit of 100,000, nested JSON overruns the C stack: a crash."""
    sys.setrecursionlimit(min(_RECURSION, sys.getrecursionlimit()))


_bound_recursion()


@contextmanager
def open_chain(spec: str, home: Path) -> Iterator[Connection]:
    """Open the chain that ``spec`` names, and close it afterwards.

    Raises InvalidValue for another name, Unreachable where no node answers, Misconfigured where Anvil is not installed.
    """
    if spec == "tester":
        yield _tester()
    elif spec == "anvil":
        with anvil.running(home) as connection:
            yield connection
    elif urlsplit(spec).scheme in {"http", "https"}:
        yield _remote(spec)
    else:
        raise InvalidValue("A chain", spec, "tester, anvil or the http(s) URL of a node")


class _OneAtATime(EthereumTesterProvider):
    """eth-tester for several threads: it has no lock of its own, and a web server's threads would mix their blocks."""

    def __init__(self, tester: EthereumTester) -> None:
        super().__init__(tester)
        self._lock = threading.Lock()

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        with self._lock:
            return super().make_request(method, params)


def _tester() -> Connection:
    """Open a chain of our own. It mines each transaction at once, so its latest block is its tip."""
    web3 = Web3(_OneAtATime(EthereumTester(PyEVMBackend())))
    _bound_recursion()  # the backend imports the rest of the EVM only now
    return Connection(web3, "eth-tester in this process", local=True, ephemeral=True, tip="latest")


def _remote(url: str) -> Connection:
    """Connect to somebody's node.

    Proof-of-authority chains carry more extra data in a block than web3 takes unasked.
    """
    web3 = Web3(wire.http(url))
    web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
    parts = urlsplit(url)
    connection = Connection(web3, f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}")
    with connection.asking():
        _ = web3.eth.chain_id  # says now, in one sentence, that nobody is there, rather than in the middle of a verb
    return connection
