"""The verifier's self-test: it passes, and it stops a verifier that was blinded."""

import pytest

from ledger_automation.errors import Misconfigured
from ledger_automation.verify import auditor, case_audit
from ledger_automation.verify.log_audit import LogAudit
from ledger_automation.verify.selftest import selftest


def test_it_passes() -> None:
    selftest()


def test_a_verifier_that_takes_every_case_is_distrusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_audit, "plainly_holds", lambda *_: True)
    with pytest.raises(Misconfigured, match="self-test"):
        selftest()


def test_a_verifier_that_takes_every_checkpoint_is_distrusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LogAudit, "_checkpoint", lambda *_: None)
    with pytest.raises(Misconfigured, match=r"T31|T40"):
        selftest()


def test_a_verifier_that_finds_fault_with_everything_is_distrusted(monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = auditor.Auditor.audit

    def suspicious(self: auditor.Auditor, cases: object, log: object, mark: object = None) -> object:
        report = genuine(self, cases, log, mark)  # type: ignore[arg-type]
        return report if report.findings else genuine(self, cases, type(log)(None, [], log.leaf_rows, log.note))  # type: ignore[attr-defined, arg-type, call-arg]

    monkeypatch.setattr(auditor.Auditor, "audit", suspicious)
    with pytest.raises(Misconfigured, match="final"):
        selftest()
