"""Values that lead a random subsidy to its money, and to the edges of its rules."""

from typing import Any, Final

_PLANNED: Final = 1_000


def _application(planned: int, total: int, **more: Any) -> dict[str, Any]:
    plan = [{"item": "all", "year": 2001, "amount": total}] if total else []
    return {"applicant": "anna", "kind": "municipality", "planned": planned, "cost_plan": plan, **more}


def _proof(spent: int, vouchers: int) -> dict[str, Any]:
    return {
        "report": "r",
        "figures": [{"item": "all", "planned": _PLANNED, "actual": spent}],
        "vouchers": [{"number": "1", "paid_on": "2001-12-01", "amount": vouchers}],
    }


def _programme(**rules: Any) -> dict[str, Any]:
    easy = {"check_required": False, "cost_plan_required": False, "own_share_proof_required": False, "use_weeks": 1}
    return {"title": "t", "rules": {**easy, **rules}}


def _grant(amount: int, rate: int, **more: Any) -> dict[str, Any]:
    return {"amount": amount, "rate": rate, **more}


_LATER: Final = ({"name": "a", "from_tranche": 2}, {"name": "b", "from_tranche": 3})
_TWICE: Final = ({"name": "a", "from_tranche": 3}, {"name": "b"}, {"name": "a", "from_tranche": 2})

HINTS: Final[dict[str, tuple[Any, ...]]] = {
    "rows": (
        "apply",
        "check_application",
        "record_resolution",
        "grant",
        "meet_condition",
        "request_tranche",
        "endorse_tranche",
        "approve_tranche",
        "disburse_tranche",
        "prove_use",
        "accept_use",
        "reclaim",
        "record_repayment",
    ),
    "open_programme": (
        _programme(),
        _programme(own_funds="first", use_weeks=6),
        _programme(resolution_due="2001-05-01", check_required=True, zone="Asia/Kathmandu"),
        _programme(own_share_proof_required=True, rate=5_000, zone="America/Sao_Paulo"),
    ),
    "rate": (5_000, 6_500, 6_500, 9_000),
    "rate_in_budget_emergency": (9_000, 9_000, 5_000),
    "eligible": (["municipality"], ["municipality"], ["district", "municipality"], []),
    "kind": ("municipality", "municipality", "district"),
    "call_ends": (None, None, "2001-04-20", "2001-06-01", "2002-06-01"),
    "resolution_due": (None, "2001-05-01"),
    "use_weeks": (1, 2, 6, 520),
    "zone": ("Europe/Berlin", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu"),
    "apply": (
        _application(_PLANNED, _PLANNED, own_share_proof="p"),
        _application(_PLANNED, _PLANNED, own_share_proof="p", own_share=100, budget_emergency=True),
        _application(_PLANNED, _PLANNED, own_share=250),
        _application(_PLANNED, 0, own_share_proof="p", own_share=50),
        _application(2**53 - 1, 2**53 - 1, own_share_proof="p", applicant="boris"),
    ),
    "grant": (
        _grant(500, 5_000, advance=100),
        _grant(650, 6_500, advance=1_000),
        _grant(500, 5_000, advance=400, starts="2001-05-01", ends="2002-06-30"),
        _grant(500, 5_000, advance=1_000, conditions=_LATER),
        _grant(400, 4_000, advance=50, conditions=_TWICE),
        _grant(400, 4_000, starts="2001-06-01", ends="2001-05-31"),
    ),
    "amount": (1, 10, 10, 20, 50, 50, 100, 200, 400, 651),
    "expenditure": (0, 1, 60, 100, 300, 500, 1_000),
    "advance": (0, 0, 50, 100, 1_000),
    "starts": (None, None, "2001-04-01", "2001-05-01", "2001-09-01"),
    "ends": (None, None, "2001-04-30", "2001-12-31", "2003-01-01"),
    "conditions": ([], [], _LATER, _TWICE),
    "payee": ("account", "anna", "boris"),
    "name": ("a", "b", "c"),
    "number": (1, 1, 1, 2, 2, 3, 3),
    "submit_final_proof": (_proof(1_000, 1_000), _proof(1, 1), _proof(1_000, 999), _proof(5_000, 5_000)),
}
