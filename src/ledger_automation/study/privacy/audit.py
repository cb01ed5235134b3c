"""The whole scan, in order: the register, the run, everything outside, the search, the dictionary, the observer.

It can fail, and shows at each run that it can: in every receipt the search must find its own holder (the artefacts that
are his to read are searched once more without saying so), and the dictionary must open the one commitment whose salt it
is given (or any other: then it works as well). A run without that has shown nothing, and raises Contradiction.
"""

from typing import Final, NamedTuple

import msgspec

from ledger_automation.errors import Contradiction, InvalidValue
from ledger_automation.orchestrator.duties import Duty
from ledger_automation.study.privacy import dictionary
from ledger_automation.study.privacy.courses import WORKFLOWS, courses
from ledger_automation.study.privacy.linkability import Linkability, linkability
from ledger_automation.study.privacy.outside import RECEIPT, artefacts, fields
from ledger_automation.study.privacy.register import MOST, OWNED, PLATES, Person, register
from ledger_automation.study.privacy.scan import Artefact, Hit, Scanner
from ledger_automation.study.privacy.service import OpenedLedger, Service
from ledger_automation.study.privacy.town import ADMINISTRATOR, Receiver, Tell, Town, forget, pry
from ledger_automation.verify.policy import Level

FEWEST: Final = 12
"""So many are needed to have every workflow at every level, and over HTTP."""

_CONTROLS: Final = 25


class Searched(msgspec.Struct, frozen=True):
    """What was searched of a kind: artefacts and bytes."""

    artefacts: int
    octets: int


class Scan(msgspec.Struct, frozen=True):
    """What a scan came to."""

    cases: int
    events: int
    seed: int
    chain_id: int
    register: int
    forms: int
    searched: dict[str, Searched]
    hits: tuple[Hit, ...]
    dictionary: dictionary.Attack
    linkability: Linkability

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.hits and not self.dictionary.matches


class Plan(NamedTuple):
    """How large a scan is: cases, how many of them enforced, guesses, and from which seed."""

    cases: int
    enforced: int
    guesses: int
    seed: int

    def check(self) -> None:
        """Raise InvalidValue for what cannot be run."""
        if not FEWEST <= self.cases <= MOST:
            raise InvalidValue("The cases of a scan", self.cases, f"{FEWEST} to {MOST}")
        if not OWNED <= self.guesses <= PLATES:
            raise InvalidValue("The guesses of a scan", self.guesses, f"{OWNED} to {PLATES}")

    @property
    def intervals(self) -> int:
        """For how many intervals the run lasts."""
        return max(6, self.cases // 20)


def scan(ledger: OpenedLedger, service: Service, plan: Plan, tell: Tell) -> Scan:
    """Run and search; raises Contradiction where the scan itself does not work."""
    plan.check()
    people = register(plan.cases, plan.seed)
    tell("people, in all their forms", 0, 1)
    scanner = Scanner(people)
    tell("people, in all their forms", 1, 1)
    town = _lived(ledger, service, plan, people, tell)
    found = artefacts(town)
    hits = _searched(scanner, found, tell)
    _insist_that_it_finds(scanner, found)
    hits += scanner.fields(fields(town, found))
    attack = dictionary.attack(dictionary.targets(found), _template(town), plan.guesses, tell)
    if not attack.controlled and not attack.matches:
        raise Contradiction("The dictionary does not open the commitment whose salt it is given.", expected=1, actual=0)
    chain_id = ledger.opened.chain.anchor.identity().chain_id
    searched = {kind: Searched(scanner.artefacts[kind], octets) for kind, octets in sorted(scanner.searched.items())}
    size = (plan.cases, town.sizes[-1], plan.seed, chain_id, len(people), scanner.forms)
    return Scan(*size, searched, tuple(hits), attack, linkability(town, found))


def _lived(ledger: OpenedLedger, service: Service, plan: Plan, people: list[Person], tell: Tell) -> Town:
    """Return a town after its run: told of by webhook, pried into, and with one case erased."""
    receiver = Receiver()
    town = Town(ledger, service, courses(people, plan.enforced, plan.intervals, plan.seed), plan.seed, receiver.told)
    try:
        town.ask(ADMINISTRATOR, "POST", "/webhooks", {"url": receiver.url})
        town.live(plan.intervals, tell)
        over_http = next(each.person for each in town.courses if each.over_http)
        for person in (*people[: len(WORKFLOWS)], over_http):
            pry(town, person, other=people[-1])
        forget(town, people[-1])
        town.do(Duty.AUDIT)
    finally:
        receiver.close()
    return town


def _searched(scanner: Scanner, found: list[Artefact], tell: Tell) -> list[Hit]:
    hits: list[Hit] = []
    for number, artefact in enumerate(found, 1):
        hits += scanner.scan(artefact)
        tell("artefacts searched", number, len(found))
    return hits


def _insist_that_it_finds(scanner: Scanner, found: list[Artefact]) -> None:
    """Search receipts as if nothing in them were their holder's own: each must then tell of him."""
    for each in [artefact for artefact in found if artefact.kind == RECEIPT][:_CONTROLS]:
        seen = {hit.person for hit in scanner.find(each._replace(own=frozenset()))}
        if seen != each.own:
            sentence = f"The search does not find whose the receipt of {each.place} is."
            raise Contradiction(sentence, expected=sorted(each.own), actual=sorted(seen))


def _template(town: Town) -> dictionary.Template:
    """Return the first event of a fine, but for the plate in it, and its salt: what its receipt tells."""
    course = next(
        each for each in town.courses if each.workflow == "parking_fine" and each.person.number in town.cases
        and each.level is not Level.ENFORCED
    )  # fmt: skip
    with town.ledger.read() as unit:
        first = unit.cases.trail(town.cases[course.person.number])[0]
    if first.canonical is None or first.salt is None:
        raise Contradiction("The event to be guessed was erased.", actual=first.case_id)
    before, _, after = first.canonical.partition(course.person.plate.encode())
    return dictionary.Template(before, after, first.salt)
