"""Canonical JSON: the published vectors on the full RFC 8785 path, and what the strict profile refuses."""

import json
import struct
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ledger_automation.canonical import canonicalize, canonicalize_rfc8785, commit, parse
from ledger_automation.errors import CanonicalError, InvalidValue

_SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8"))
_KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
STRICT_VALUES = st.recursive(_SCALARS, lambda inner: st.lists(inner) | st.dictionaries(_KEYS, inner), max_leaves=30)


FLOATS_REFUSED_BY_POLICY = {
    "y_number.json", "y_number_0e+1.json", "y_number_0e1.json", "y_number_double_close_to_zero.json",
    "y_number_int_with_exp.json", "y_number_real_capital_e.json", "y_number_real_capital_e_neg_exp.json",
    "y_number_real_capital_e_pos_exp.json", "y_number_real_exponent.json", "y_number_real_fraction_exponent.json",
    "y_number_real_neg_exp.json", "y_number_real_pos_exponent.json", "y_number_simple_real.json",
    "y_object_extreme_numbers.json", "y_structure_lonely_negative_real.json",
}  # fmt: skip
NEGATIVE_ZERO_REFUSED_BY_POLICY = {"y_number_minus_zero.json", "y_number_negative_zero.json"}
DUPLICATE_KEYS_REFUSED_BY_POLICY = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}
REFUSED_BY_POLICY = FLOATS_REFUSED_BY_POLICY | NEGATIVE_ZERO_REFUSED_BY_POLICY | DUPLICATE_KEYS_REFUSED_BY_POLICY


def test_the_published_documents(shared: Path) -> None:
    folder = shared / "vectors" / "json-canonicalization"
    inputs = sorted(folder.rglob("input/*.json"))
    assert len(inputs) == 6
    for each in inputs:
        expected = (each.parents[1] / "output" / each.name).read_bytes()
        assert canonicalize_rfc8785(json.loads(each.read_bytes())) == expected, each.name


def test_the_published_numbers(shared: Path) -> None:
    lines = next((shared / "vectors" / "json-canonicalization").rglob("es6*10000.txt")).read_text().split()
    assert len(lines) == 10_000
    for line in lines:
        bits, expected = line.split(",")
        (number,) = struct.unpack(">d", bytes.fromhex(bits.zfill(16)))
        assert canonicalize_rfc8785(number).decode() == expected


@given(STRICT_VALUES)
def test_the_strict_path_writes_what_the_oracle_writes(value: object) -> None:
    written = canonicalize(value)
    assert written == rfc8785.dumps(value)
    assert parse(written) == value


@pytest.mark.parametrize(
    "value",
    [1.0, float("nan"), float("inf"), 2**53, -(2**53), "\ud800", {"é": 1}, {1: 1}, b"x", {"a": [{"b": 0.5}]}, {1, 2}],
)
def test_values_outside_the_profile_are_refused(value: object) -> None:
    with pytest.raises(CanonicalError):
        canonicalize(value)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"a":2}', b'{"a":{"b":1,"b":1}}', b"NaN", b"-Infinity", b"1.0", b"1e2", b"1e400", b"9007199254740992",
        b"-0", b"1" * 5000, b'"\\ud800"', b'"\xff"', b"\xef\xbb\xbf1", b"", b"{", b"[1,]", b"'a'", b"[" * 100_000,
        b"[" * 65 + b"]" * 65, b'{"\\u00e9":1}', b'"\x00"',
    ],
)  # fmt: skip
def test_texts_outside_the_profile_are_refused(text: bytes) -> None:
    with pytest.raises(CanonicalError):
        parse(text)


def test_the_refusal_names_the_place() -> None:
    with pytest.raises(CanonicalError, match=r"\$\.actor\.ids\[1\]"):
        canonicalize({"actor": {"ids": [1, 2**60]}})


def test_the_parser_suite_is_decided(shared: Path) -> None:
    """All 188 texts that no parser may accept are refused; of the 95 that a plain parser accepts, only these are."""
    folder = shared / "vectors" / "JSONTestSuite" / "test_parsing"
    verdicts = {each.name: _accepted(each.read_bytes()) for each in folder.glob("*.json")}
    refused = {name for name, accepted in verdicts.items() if not accepted}
    assert len([name for name in verdicts if name.startswith("n_")]) == 188
    assert [name for name in verdicts if name.startswith("n_") and name not in refused] == []
    assert {name for name in refused if name.startswith("y_")} == REFUSED_BY_POLICY
    undecided = {name for name in verdicts if name.startswith("i_")}
    assert len(undecided) == 35
    assert undecided <= refused, (
        "floats, lone surrogates, byte order marks and deep nesting: the profile refuses them all"
    )


def _accepted(text: bytes) -> bool:
    try:
        parse(text)
    except CanonicalError:
        return False
    return True


def test_a_commitment_opens_only_with_its_own_salt_and_bytes() -> None:
    salt = bytes(range(32))
    assert commit(salt, b"{}").hex() == "3beb4649fb0f3ba0e4d1db3befc0f9e6982d28cf69bc263851e1b7635a0c9f38"
    assert len({commit(salt, b"{}"), commit(salt[::-1], b"{}"), commit(salt, b"[]")}) == 3
    with pytest.raises(InvalidValue):
        commit(salt[:31], b"{}")
