"""One browser a module, the page of the archive's policy, and a chain on which the archive is anchored."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from ledger_automation.verify.policy import VerificationPolicy
from support.archive import POLICY, archive
from support.browser import chromium, opened
from support.receipt_mutants import Bench, bench

Opened = Callable[..., Page]


@pytest.fixture(scope="session")
def archived() -> Bench:
    return bench(archive())


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Open it for one module: while it is open, nothing else in this thread can run an event loop."""
    with chromium() as found:
        yield found


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Opened:
    def open_one(policy: VerificationPolicy = POLICY, **options: Any) -> Page:
        return opened(browser, policy, tmp_path, **options)

    return open_one
