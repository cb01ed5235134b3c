"""Values that bring a permit's walks to decisions, objections and ends, and documents to the same versions again."""

from itertools import product

_DOCUMENTS = [
    {"name": name, "version": version, "sha256": content * 64}
    for name, version, content in product(("plan", "photo"), (1, 2), "00001")
]
HINTS = {
    "documents": ((), *([each] for each in _DOCUMENTS), *([_DOCUMENTS[0], each] for each in _DOCUMENTS)),
    "rules": (
        *({},) * 20,  # those of the office: the only ones under which an applicant opens a case himself
        *(
            {"planned_days": days, "four_eyes": eyes, "objection_months": months, "holidays_of": land}
            for days, eyes, months, land in product((1, 60, 3660), (True, False, False), (0, 1, 2, 7, 12), ("MV", ""))
        ),
    ),
    "applicant": ("anna", "anna", "boris", ""),
    "subject": ("a",),
    "parties": ((), ("a",), ("a",), ("b", "a"), ("any", "c")),
    "party": ("a", "a", "b", "any"),
    "kind": ("external", "external", "external", "internal"),
    "valid_until": (None, *(f"{year}-06-01T12:00:00.000001+02:00" for year in (2001, 2001, 2002, 2003, 9999))),
}
