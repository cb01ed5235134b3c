"""The comparison can fail: with any one guard taken out of the page, some mutant tells the two verifiers apart."""

from typing import Any

import pytest

from ledger_automation.verify import page as here
from support.archive import POLICY
from support.browser import page_says, program_says
from support.receipt_mutants import Bench, mutants

GUARDS = {
    "a key that stands twice": ("spelling", "strict_json", "key in found || ", ""),
    "an unknown field": ("field", "shapes", "?.(member) === true", "?.(member) !== false"),
    "base64 in one spelling": ("inclusion", "octets", "return base64(octets) === text ?", "return true ?"),
    "one canonical form": ("resealed", "event", "if (canonical(event) !== text)", "if (false)"),
    "the schema": ("resealed", "event", "if (event.schema !== SCHEMA)", "if (false)"),
    "the event's log": ("resealed", "verifier", "if (event.origin !== expected)", "if (false)"),
    "the checkpoint's log": ("note", "note", "if (lines[0] !== origin)", "if (false)"),
    "the signature": ("note", "note", "if (!(await isSigned(text, signature, known)))", "if (false)"),
    "the signature over the root": (
        "note", "note", "await signersOf(text, readNoteText(note).lines, await Promise.all(keys.map(rootKeyOf)));", "",
    ),
    "a COSE proof's size": ("cose tree", "cose", " && proof[0] === size", ""),
    "a COSE proof for each step": (
        "cose tree", "cose", "insist(places.length === steps.length + gone.length + decisions.length);", "",
    ),
    "the COSE header": ("cose octets", "cose", "insist(same(header, protectedHeader(keyId)));", ""),
    "the order of COSE's keys": ("cose tree", "cbor", "last !== null && !isBefore(last, spelled)", "false"),
    "the digest of all frames": ("frames", "frames", ".toUpperCase() !== digest", " === 0"),
    "a signature at all": ("note", "note", "if ((await signersOf(text, lines, keys)).size === 0)", "if (false)"),
    "the tree's roots": ("inclusion", "merkle", "if (!same(expected, actual))", "if (false)"),
    "the case's own chain": ("resealed", "law", "if (event.previous !== previous)", "if (false)"),
    "the role": ("resealed", "law", "if (!row.roles.includes(role))", "if (false)"),
    "the state": ("resealed", "law", "if (!row.targets.includes(event.to_state))", "if (false)"),
    "a real moment": ("resealed", "law", "if (!isDate || ", "if ("),
    "completeness": ("case map", "verifier", 'if (steps.length > 1) throw new Contradiction("whole_unproved");', ""),
    "the case map's root": ("case map", "case_map", "if (!same(node, root))", "if (false)"),
    "a decision to erase": ("erasure", "verifier", "requireDecided(erasure, decisions, this.tables.log_case);", ""),
    "erased is not final": ("erasure", "verifier", 'if (verdict === "final" && this.isErased)', "if (false)"),
    "another case in its place": ("absence", "case_map", "if (same(there, key))", "if (false)"),
}  # fmt: skip


@pytest.mark.parametrize("name", GUARDS)
def test_without_a_guard_the_verifiers_differ(
    archived: Bench, open_page: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    kind, source, guard, without = GUARDS[name]
    read = here._source

    def without_guard(file: str) -> str:
        text = read(file)
        if file != f"{source}.js":
            return text
        assert text.count(guard) == 1, "the guard is not there"
        return text.replace(guard, without)

    monkeypatch.setattr(here, "_source", without_guard)
    asked = [each.question for each in mutants(archived, 200, 6, kind)]
    page = page_says(open_page(), asked)
    assert page != [program_says(POLICY, each) for each in asked]
