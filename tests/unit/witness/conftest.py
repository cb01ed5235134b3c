"""A witness in a home of its own, which knows one log."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ledger_automation.tlog.cosignature import WitnessKey
from ledger_automation.witness import home
from ledger_automation.witness.witness import Witness
from support.views import KEY

NAME = "witness.example/1"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "logs").write_text(f"{KEY.verifier.text}\n", "utf-8")
    home.make(tmp_path, NAME)
    return tmp_path


@pytest.fixture
def key(place: Path) -> WitnessKey:
    return home.public_key(place)


@pytest.fixture
def reopen(place: Path) -> Callable[[], Witness]:
    """Open the witness as another process would."""
    return lambda: home.open_witness(place, place / "logs")


@pytest.fixture
def witness(reopen: Callable[[], Witness]) -> Witness:
    return reopen()
