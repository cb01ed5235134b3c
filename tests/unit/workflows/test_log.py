from collections.abc import Callable
from typing import Any

CASE = "5f0f8a52-6c1f-4b76-9b0c-0a6a4ad6d9f1"


def opened(desk: Callable[..., Any]) -> Any:
    return desk("log").do("open_log", "system", origin="ledger.example/log")


def test_the_operator_writes_down_what_he_does(desk: Callable[..., Any]) -> None:
    log = opened(desk).do("record_heartbeat", "system").do("announce_key", "system", name="log-2", public_key="ab")
    log.do("change_policy", "approver", text="fines are anchored").do("seal_log", "system", reason="moved")
    assert log.events[-1] == "log_sealed"
    assert log.refused("record_heartbeat", "system") == "not_in_state"


def test_an_erasure_names_case_and_legal_basis_once(desk: Callable[..., Any]) -> None:
    log = opened(desk)
    assert log.refused("record_erasure", "clerk", case_id=CASE, legal_basis="  ") == "legal_basis_missing"
    assert log.refused("record_erasure", "clerk", case_id="WIS-1", legal_basis="Art. 17 GDPR") == "case_not_named"
    assert log.refused("record_erasure", "administrator", case_id=CASE, legal_basis="Art. 17") == "wrong_role"
    log.do("record_erasure", "clerk", case_id=CASE, sequence=2, legal_basis="Art. 17 GDPR")
    assert log.refused("record_erasure", "clerk", case_id=CASE, sequence=2, legal_basis="x") == "erased_already"
    log.do("record_erasure", "clerk", case_id=CASE, legal_basis="Art. 17 GDPR")
    assert log.refused("record_erasure", "clerk", case_id=CASE, sequence=3, legal_basis="x") == "erased_already"


def test_a_key_is_announced_once(desk: Callable[..., Any]) -> None:
    log = opened(desk).do("announce_key", "system", name="log-2", public_key="ab")
    assert log.refused("announce_key", "system", name="log-2", public_key="ab") == "key_announced_already"
