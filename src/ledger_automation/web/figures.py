"""Amounts, rates, days and findings in the reader's language; exact, from integer cents and basis points."""

from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from ledger_automation.orchestrator.account_lines import Finding
from ledger_automation.web.pages import Language, catalogue
from ledger_automation.web.words.grants import FINDINGS

_MONEY: Final = frozenset(
    {"expected", "actual", "difference", "planned", "paid", "earned", "reclaimed", "repaid", "amount"}
)
_RATES: Final = frozenset({"rate_approved", "rate_paid"})
_DAYS: Final = frozenset({"day", "due", "ends"})


class Figures(NamedTuple):
    """How a language writes figures."""

    language: Language

    @property
    def locale(self) -> str:
        """The locale of its numbers and days."""
        return "en_GB" if self.language is Language.ENGLISH else "de_DE"

    def euro(self, cents: int) -> str:
        """Write integer cents as euros."""
        return format_currency(Decimal(cents).scaleb(-2), "EUR", locale=self.locale)

    def percent(self, basis_points: int) -> str:
        """Write basis points as per cent."""
        return f"{format_decimal(Decimal(basis_points).scaleb(-2), locale=self.locale)}\u00a0%"

    def day(self, written: str) -> str:
        """Write a day (ISO 8601, also the beginning of a moment in UTC); raises ValueError for what is none."""
        form = "d MMMM y" if self.language is Language.ENGLISH else "d. MMMM y"
        return format_date(date.fromisoformat(written[: len("2026-01-31")]), form, locale=self.locale)

    def sentence(self, finding: Finding) -> str:
        """Word a finding; raises KeyError for a rule that has no words."""
        words, told = FINDINGS[finding.rule], catalogue(self.language)
        facts = {name: self._fact(name, value) for name, value in finding.facts.items()}
        if isinstance(words, str):
            return told.gettext(words) % facts
        count = int(finding.facts["days"])
        return told.ngettext(*words, count) % {**facts, "num": count}

    def _fact(self, name: str, value: int | str) -> str:
        if name in _DAYS:
            return self.day(str(value))
        if name in _RATES:
            return self.percent(int(value))
        if name in _MONEY:
            return self.euro(abs(int(value)))
        return str(int(value) + 1) if name == "sequence" else str(value)  # nobody counts steps from 0
