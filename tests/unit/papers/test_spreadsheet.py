"""Tranches and vouchers as CSV: what is written is read back, and no cell begins a formula in any country."""

import csv
import io
import re
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ledger_automation.orchestrator.account import account
from ledger_automation.orchestrator.account_lines import Account, FinalProof, TrancheLine, VoucherLine
from ledger_automation.papers.spreadsheet import TRANCHES, VOUCHERS, amount, guarded, tranches, vouchers
from ledger_automation.study import wismar
from support.grants import CASE, FINAL, of_wismar

SIGNS = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
FORMULA = (*SIGNS, "\t", "\r", "\n", "\0")
TEXTS = st.text(
    st.sampled_from([*FORMULA, *"',;\"|a 1ä\u200b"]) | st.characters(exclude_categories=["Cs"]), max_size=30
)
NASTY = '=cmd|" /C calc"!A0'


def rows(octets: bytes, delimiter: str = ";") -> list[list[str]]:
    text = octets.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=delimiter == ";"))


def back(cell: str) -> str:
    return re.sub("(^|(?<=[,;\"\t\r\n]))'", "", cell)


WISMAR = account(of_wismar(wismar.STEPS, *FINAL).rows)


def of(**lines: Any) -> Account:
    return msgspec.structs.replace(WISMAR, **lines)


def test_wismar_s_tranches_are_read_back_with_who_signed() -> None:
    head, first, second = rows(tranches(of()))
    assert tuple(head) == TRANCHES
    told = dict(zip(TRANCHES, second, strict=True))
    assert told["Fall"] == CASE
    assert (told["Teilbetrag"], told["Stand"], told["Fördersatz (%)"]) == ("2", "teilweise zurückgefordert", "90,00")
    assert (told["ausgezahlt (EUR)"], told["davon Eigenmittel (EUR)"], told["zurückgefordert (EUR)"]) == (
        "250000,00", "27000,00", "12500,00",
    )  # fmt: skip
    signed = ("angefordert", "bewilligt", "ausgezahlt", "nachgewiesen", "entschieden")
    assert [told[f"{what} von"] for what in signed] == [
        "wismar-treasury", "approver-2", "cashier-1", "wismar-treasury", "auditor-1",
    ]  # fmt: skip
    assert (told["ausgezahlt am"], told["entschieden am"]) == ("2020-05-18", "2020-07-06")
    assert told["Begründungen"] == "vouchers 30 and 31 lie outside the period"
    assert len(first) == len(TRANCHES)


def test_vouchers_add_up_and_none_are_the_head_alone() -> None:
    head, *lines = rows(vouchers(of()))
    assert tuple(head) == VOUCHERS
    assert [line[1:] for line in lines] == [
        ["1", "1-14", "2020-03-02", "278000,00"], ["2", "15-31", "2020-06-02", "270000,00"],
        ["3", "32", "2019-09-30", "2000,00"],
    ]  # fmt: skip
    assert rows(vouchers(of(proof=None))) == [list(VOUCHERS)]


def test_the_file_is_what_a_german_spreadsheet_takes() -> None:
    octets = vouchers(of())
    assert octets.startswith(b'\xef\xbb\xbf"Fall";"Lfd. Nr."')
    assert octets.count(b"\r\n") == 4
    assert octets.endswith(b";2000,00\r\n")
    assert "ä" in tranches(of()).decode("utf-8-sig")


@settings(max_examples=300, deadline=None)
@given(number=TEXTS, payee=TEXTS, reasons=st.lists(TEXTS, max_size=3))
@example(number=NASTY, payee=f"x,{NASTY}", reasons=[f"y\n{NASTY}"])
@example(number='"=1', payee="';=1", reasons=["\t\t=1"])
def test_no_cell_begins_a_formula_and_every_text_is_read_back(number: str, payee: str, reasons: list[str]) -> None:
    line = TrancheLine(1, "requested", payee, 1, (), reasons=tuple(reasons))
    base = of().acts[0]
    told = of(tranches=(line,), proof=FinalProof("r", (VoucherLine(number, "2020-01-01", 1),), base))
    written = ((tranches(told), 3, payee), (tranches(told), -1, " | ".join(reasons)), (vouchers(told), 2, number))
    for octets, column, text in written:
        (_, row) = rows(octets)
        assert back(row[column]) == text
        assert not any(cell.startswith(FORMULA) for found in rows(octets) for cell in found)
        for delimiter in ",\t":  # a spreadsheet elsewhere, to which our line ends may be in a cell
            for cell in (cell for found in rows(octets, delimiter) for cell in found):
                assert not cell.lstrip("\t\r\n\0").startswith(SIGNS), (delimiter, cell)


@given(TEXTS)
def test_a_harmless_text_stays_as_it_is(text: str) -> None:
    if not re.search("(^|[,;\"\t\r\n])['=+\\-@\t\r\n\0\uff1d\uff0b\uff0d\uff20]", text):
        assert guarded(text) == text
    assert back(guarded(text)) == text


@given(st.integers(0, 2**53 - 1))
def test_amounts_are_read_back_to_the_cent(cents: int) -> None:
    assert int(amount(cents).replace(",", "")) == cents


def test_a_sign_never_begins_a_cell() -> None:
    with pytest.raises(ValueError, match="not negative"):
        amount(-1)
