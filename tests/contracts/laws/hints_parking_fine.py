"""Values that bring a fine's walks past service: both procedures, rules without days, and rules out of reach."""

_GERMAN = {"hearing_required": False}
_ITALIAN = {
    "hearing_required": False,
    "appeal_before_notice": True,
    "appeal_days": 60,
    "court_directly": True,
    "court_days": 60,
    "court_days_after_decision": 30,
    "penalty_after_days": 60,
    "collection_after_days": 60,
    "holidays_of": "",
    "zone": "Europe/Rome",
}
_SHORT = {
    "appeal_days": 0,
    "court_days": 0,
    "court_directly": True,
    "court_days_after_decision": 1,
    "penalty_after_days": 0,
    "collection_after_days": 0,
    "hearing_required": False,
}
_HEARD = {**_SHORT, "hearing_required": True, "appeal_before_notice": True, "court_days_after_decision": 30}
_OUT_OF_REACH = {"appeal_days": 511}

HINTS = {
    "rules": ({}, *(_GERMAN,) * 4, *(_ITALIAN,) * 4, *(_SHORT,) * 4, *(_HEARD,) * 2, _OUT_OF_REACH),
    "offence": ("a",),
    "outcome": ("upheld", "upheld", "upheld", "dismissed"),
}
