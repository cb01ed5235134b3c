"""Where the published material lies, and what a test may not do without it."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of published vectors and real logs; it stays outside the repository."""
    folder = Path(os.environ.get("LEDGER_SHARED", ROOT.parent / "shared"))
    if not (folder / "vectors").is_dir():
        pytest.skip(f"the published vectors and logs are not at {folder.name}/ beside the checkout (LEDGER_SHARED)")
    return folder
