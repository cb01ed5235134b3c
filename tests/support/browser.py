"""Debian's Chromium with the page in it, opened from disk as a reader opens it, and questions to it by the hundred."""

import base64
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from ledger_automation.errors import InvalidInput, Misconfigured
from ledger_automation.tlog.receipt_file import decode
from ledger_automation.verify.page import SOURCES, assemble, module
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.sources import ChainSource
from ledger_automation.verify.verifier import Verifier

PROGRAM: Final = "/usr/bin/chromium"
ARGUMENTS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
_ASK: Final = """async (questions) => {
  const octets = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const answers = [];
  for (const { receipt, held, level, urls, quorum } of questions) {
    const asked = { level, urls, quorum, held: held === null ? null : octets(held) };
    const { error, verdict, reason, steps } = await verifyReceipt(octets(receipt), asked);
    answers.push(error ? { error } : { verdict, reason, steps: steps.map(({ step, holds }) => [step, holds]) });
  }
  return answers;
}"""
_INNER: Final = tuple(name for name in SOURCES if name not in {"judge", "view"})

Answer = dict[str, Any]


class Question(NamedTuple):
    """A receipt, what its reader holds, how much is asked for, and which nodes (None and 0: as the policy says)."""

    receipt: bytes
    level: Level = Level.LOGGED
    held: str | None = None
    urls: tuple[str, ...] | None = ()
    quorum: int = 1

    def as_json(self) -> dict[str, Any]:
        held = None if self.held is None else base64.b64encode(self.held.encode()).decode()
        receipt = base64.b64encode(self.receipt).decode()
        return {"receipt": receipt, "held": held, "level": self.level, "urls": self.urls, "quorum": self.quorum}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Open the browser; where it is not installed the test is not there, but never in `.ci/run`."""
    if shutil.which(PROGRAM) is None:
        assert not os.environ.get("LEDGER_ALL_SERVERS"), f"{PROGRAM} is not installed"
        pytest.skip(f"{PROGRAM} is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=[*ARGUMENTS])
        yield browser
        browser.close()


def opened(browser: Browser, policy: VerificationPolicy, folder: Path, **options: Any) -> Page:
    """Write the page of a policy to disk and open it from there; whatever it says on its console is a mistake."""
    path = folder / "verify.html"
    path.write_text(assemble(policy).text, "utf-8")
    page = browser.new_page(**options)
    page.on("pageerror", lambda error: pytest.fail(f"the page failed: {error}"))
    page.goto(path.as_uri())
    return page


def inner(browser: Browser, folder: Path, names: str) -> Page:
    """Open a page with the page's own functions, as ``parts``, for what no receipt leads to."""
    path = folder / "parts.html"
    path.write_text(f'<script type="module">{module(_INNER)}\nglobalThis.parts = {{ {names} }};</script>', "utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    return page


def page_says(page: Page, questions: list[Question]) -> list[Answer]:
    """Ask the page, many at once."""
    answers: list[Answer] = []
    for start in range(0, len(questions), 200):
        answers += page.evaluate(_ASK, [each.as_json() for each in questions[start : start + 200]])
    return answers


def program_says(policy: VerificationPolicy, question: Question, chain: ChainSource | None = None) -> Answer:
    """Ask `ledger verify`'s own parts, in its order."""
    try:
        receipt = decode(question.receipt)
    except InvalidInput:
        return {"error": "UnreadableFile"}
    try:
        answer = Verifier(policy.at(question.level), chain, question.held).verify(receipt)
    except Misconfigured:
        return {"error": "Misconfigured"}
    steps = [[each.step, each.holds] for each in answer.steps]
    return {"verdict": answer.verdict.value, "reason": answer.reason, "steps": steps}
