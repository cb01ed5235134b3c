"""What things cost, and from that what a case costs on each system, in euro.

`prices.toml` has every price with its source and its date; whoever knows better passes his own file. Which chain and
which time-stamping authority are used is a choice in it. A case's price has four parts, each a plain product:

    hosting     machine and database, and with a chain its nodes, over the cases of a year of all workflows
    storage     bytes an event x events a case x price of a gigabyte and month x the months that the law keeps a case
    timestamps  tokens a day x price of a token, over the cases of a year of all workflows
    gas         (gas a checkpoint x anchors a day, over the cases of a year, and with a contract gas a case)
                x price of gas x price of ether

Bytes, events and gas are figures of a study; a part whose figure is missing is missing, and never nought.
What this does not do: count the hours of people, of whom a chain takes some for its keys and its account.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Annotated, Final, NamedTuple

import msgspec

from ledger_automation.study.declarations import Declarations
from ledger_automation.study.facts import Chain, workflows
from ledger_automation.study.record import Figure
from ledger_automation.verify.verdict import Sentence
from ledger_automation.workflows import workflow

CHAINED: Final = ("anchored", "enforced")
"""The systems that need a chain."""

DECIDED: Final = ("enforced",)
"""The systems whose contract decides each step, for gas."""

STAMPED: Final = ("timestamped_log",)
"""The systems that buy timestamps."""

_GIGABYTE: Final = 1e9
_ETHER_IN_GWEI: Final = 1e9
_MONTHS: Final = 12
_DAYS: Final = 365

_Words = Annotated[str, msgspec.Meta(min_length=1)]
_Amount = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
_Whole = Annotated[int, msgspec.Meta(ge=1)]


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A price, where it comes from, and of which day it is."""

    value: _Amount
    source: _Words
    date: dt.date


class Count(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many there are of what a year's or a day's price is spread over or made of."""

    value: _Whole
    source: _Words
    date: dt.date


class ChainPrices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One chain: its kind, whether one organisation runs all of it, what its gas and the nodes that are paid cost."""

    kind: Chain
    one_hand: bool
    gas_gwei: Price
    nodes: Count
    node_eur_month: Price


class Hosting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every system needs."""

    machine_eur_month: Price
    database_eur_month: Price
    storage_eur_gb_month: Price


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file; ``chain`` and ``authority`` choose from what stands below them."""

    chain: str
    authority: str
    tokens_day: Count
    anchors_day: Count
    ether_eur: Price
    hosting: Hosting
    chains: dict[str, ChainPrices]
    authorities_eur_token: dict[str, Price]
    cases_year: dict[str, Count]

    @property
    def chosen(self) -> ChainPrices:
        """Return the chain that is used."""
        return self.chains[self.chain]

    @property
    def all_cases(self) -> int:
        """Return the cases of a year of all workflows, which share what is hosted."""
        return sum(each.value for each in self.cases_year.values())


class Cost(NamedTuple):
    """What a case costs, in euro, by part; ``missing`` names the measures without which a part is not known."""

    hosting: float
    storage: float
    timestamps: float
    gas: float
    missing: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """Return the price of a case; of no use where something is missing."""
        return self.hosting + self.storage + self.timestamps + self.gas


def cost_per_case(figures: Iterable[Figure], prices: Prices, name: str, system: str) -> Cost:
    """Return what a case of a workflow costs on a system, at the dearest of what was measured."""
    own = [each for each in figures if each.workflow in {name, ""} and each.rounds]
    needed = {"events_case": _dearest(own, "events_case"), "storage": _dearest(own, "storage", system)}
    if system in CHAINED:
        needed["gas_checkpoint"] = _dearest(own, "gas_checkpoint", system)
    if system in DECIDED:
        needed["gas_case"] = _dearest(own, "gas_case", system)
    held = {measure: value or 0 for measure, value in needed.items()}
    anchors = held.get("gas_checkpoint", 0) * prices.anchors_day.value * _DAYS / prices.all_cases
    return Cost(
        hosting=_hosting(prices, system),
        storage=held["storage"] * held["events_case"] / _GIGABYTE * _kept(prices, name),
        timestamps=_timestamps(prices) if system in STAMPED else 0.0,
        gas=(anchors + held.get("gas_case", 0))
        * prices.chosen.gas_gwei.value
        / _ETHER_IN_GWEI
        * prices.ether_eur.value,
        missing=tuple(measure for measure, value in needed.items() if value is None),
    )


def costs(figures: Iterable[Figure], prices: Prices, name: str, systems: Iterable[str]) -> dict[str, Cost]:
    """Return what a case of a workflow costs on each system."""
    held = tuple(figures)
    return {system: cost_per_case(held, prices, name, system) for system in systems}


def _dearest(figures: Iterable[Figure], measure: str, system: str = "") -> float | None:
    """Return the greatest median; of any system where none is named: events a case are the workload's."""
    found = [each.median for each in figures if each.measure == measure and system in {"", each.system}]
    return max(found, default=None)


def _hosting(prices: Prices, system: str) -> float:
    month = prices.hosting.machine_eur_month.value + prices.hosting.database_eur_month.value
    if system in CHAINED:
        month += prices.chosen.nodes.value * prices.chosen.node_eur_month.value
    return month * _MONTHS / prices.all_cases


def _kept(prices: Prices, name: str) -> float:
    """Return what a gigabyte costs for as long as the workflow's law keeps a case."""
    retention = workflow(name).retention
    years = retention.years if retention else 1
    return prices.hosting.storage_eur_gb_month.value * _MONTHS * years


def _timestamps(prices: Prices) -> float:
    return prices.tokens_day.value * prices.authorities_eur_token[prices.authority].value * _DAYS / prices.all_cases


def euro(amount: float) -> Sentence:
    """Write an amount of money, which may be far less than a cent."""
    words = written(amount, ",.4f")
    return Sentence(f"{words.de} EUR", f"{words.en} EUR")


def written(number: float, form: str) -> Sentence:
    """Write a number with each language's point and comma."""
    english = format(number, form)
    return Sentence(english.translate(str.maketrans(",.", ".,")), english)


def _flaws(prices: Prices) -> list[str]:
    """Tell what contradicts itself: a choice that is not there, a workflow too few or too many."""
    flaws = [] if prices.chain in prices.chains else [f"there is no price of the chain {prices.chain}"]
    if prices.authority not in prices.authorities_eur_token:
        flaws.append(f"there is no price of the authority {prices.authority}")
    flaws += [f"{name} is a chain of no kind" for name, chain in prices.chains.items() if chain.kind is Chain.NONE]
    flaws += [f"they do not count the cases of {name}" for name in workflows() if name not in prices.cases_year]
    return flaws + [f"there is no workflow {name}" for name in prices.cases_year if name not in workflows()]


DECLARATIONS: Final = Declarations(Prices, "prices", _flaws)
shipped, load = DECLARATIONS.shipped, DECLARATIONS.load
parse, convert = DECLARATIONS.parse, DECLARATIONS.convert
