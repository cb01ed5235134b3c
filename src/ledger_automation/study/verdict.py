"""The verdict: for each step of each workflow, the cheapest system that is enough, and why no cheaper one is.

Pure functions of what a report holds; whoever has `report.json` can compute its answers anew (`recomputed`). A system
is enough for a step when it falls short of nothing that is declared about the step (`facts`), and shows so by what was
measured on it (`record`). What was not measured counts as not shown:

    1. cost         what a case costs on it is known
    2. chain        it has one where the questions of Wüst and Gervais call for one, of the kind that they call for
    3. outsiders    its evidence can be verified by anybody, where anybody must be able to
    4. noticing     every attack on what is recorded was detected, by each adversary that must be reckoned with
    5. time         the slowest event was covered, and the slowest detecting audit done, within the declared hours;
                    on a timestamped log an event waits for a token besides, as long as the paid ones are apart
    6. preventing   a contract refused the operator's unlawful steps, and his invented ones were noticed, where they
                    must be impossible
    7. surviving    its evidence lies with somebody else, where it must outlive the operator

The criteria of Article 45l of Regulation (EU) No 910/2014, as inserted by Regulation (EU) 2024/1183, are answered from
the same attacks, and said; they rule nobody out, since none of these systems is run by a qualified provider.

Who detected counts: the applicant with a receipt only where somebody outside is declared to hold one. An invented step
that is added to the end rewrites nothing; who wants it impossible asks for prevention. `attestation` signs a report.
What this does not do: measure, or draw.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from ledger_automation.study import facts as declared
from ledger_automation.study import prices as priced
from ledger_automation.study.facts import ADVERSARIES, Chain, Facts, StepFacts, chain_called_for
from ledger_automation.study.prices import CHAINED, STAMPED, Cost, Prices, costs, euro, written
from ledger_automation.study.record import MEASURES, NAMES, SYSTEMS, Answer, StudyReport, Tampered
from ledger_automation.verify.verdict import Sentence
from ledger_automation.workflows import workflow

INVENTED: Final = frozenset({"T06", "T07"})
"""A step more that nobody took: what was recorded before it still reads as it did."""

REWRITES: Final = frozenset({*(f"T{number:02}" for number in range(1, 25)), "T36", "T37"}) - INVENTED
"""The classes by which recorded history reads otherwise: rows, documents, older states, all of it, a fork."""

UNLAWFUL: Final = frozenset({"T49"})
"""Correct cryptography, illegal content."""

ORIGIN: Final = frozenset({"T02", "T06", "T20"})
ORDER: Final = frozenset({"T03", "T04", "T07", "T08", "T10", "T13"})
"""The classes that Article 45l (1) (b) and (c) speak of: who made a record, and when in the sequence."""

COVERED: Final = {
    "table": "recorded_p99",
    "hash_chain": "recorded_p99",
    "merkle_log": "logged_p99",
    "timestamped_log": "stamped_p99",
    "anchored": "anchored_p99",
    "enforced": "final_p99",
}
"""From when on an event is covered by all that a system has: until then a tampering may pass."""

VERIFIABLE: Final = ("merkle_log", "timestamped_log", "anchored", "enforced")
"""The systems whose evidence an outsider can verify with a public key, and take away."""

_REFUSED: Final = "system"
_KINDS: Final = (Chain.PRIVATE, Chain.PUBLIC, Chain.PERMISSIONLESS)
_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR

_WHO: Final = {
    "clerk": Sentence("der Sachbearbeitung", "of a clerk"),
    "administrator": Sentence("der Datenbankverwaltung", "of the database administrator"),
    "operator": Sentence("des Betreibers", "of the operator"),
}
_SUBJECT: Final = {
    "table": Sentence("die Tabelle", "the table"),
    "hash_chain": Sentence("die Hashkette", "the hash chain"),
    "merkle_log": Sentence("das Merkle-Protokoll", "the Merkle log"),
    "timestamped_log": Sentence("das Merkle-Protokoll mit Zeitstempeln", "the Merkle log with timestamps"),
    "anchored": Sentence("die Verankerung auf der Chain", "the anchor on the chain"),
    "enforced": Sentence("der Vertrag auf der Chain", "the contract on the chain"),
}


class Summary(NamedTuple):
    """The answers in a sentence: of the whole town, and of each workflow."""

    town: Sentence
    workflows: dict[str, Sentence]


class _Case(NamedTuple):
    """All that one step is judged by."""

    report: StudyReport
    prices: Prices
    workflow: str
    facts: StepFacts
    costs: dict[str, Cost]


def answers(report: StudyReport, facts: Facts, prices: Prices) -> tuple[Answer, ...]:
    """Return one answer for each action of each workflow, in the order of their tables."""
    spent = {name: costs(report.figures, prices, name, SYSTEMS) for name in declared.workflows()}
    return tuple(
        _answer(_Case(report, prices, name, facts.of(name, action), spent[name]), action)
        for name in declared.workflows()
        for action in workflow(name).transitions
    )


def recomputed(report: StudyReport) -> tuple[Answer, ...]:
    """Return the answers that follow from a report's own figures, facts and prices; raises InvalidDefinition."""
    facts = declared.convert(report.facts, "of the report")
    return answers(report, facts, priced.convert(report.prices, "of the report"))


def summary(given: Sequence[Answer]) -> Summary:
    """Say in a sentence for how many steps no chain is needed, and which system is enough for how many."""
    by_workflow: dict[str, list[Answer]] = {}
    for each in given:
        by_workflow.setdefault(each.workflow, []).append(each)
    return Summary(_summed(given), {name: _summed(own) for name, own in by_workflow.items()})


def _answer(case: _Case, action: str) -> Answer:
    """Take the cheapest system that falls short of nothing; of two at one price the simpler."""
    short = {system: _shortcoming(case, system) for system in SYSTEMS}
    by_price = sorted(SYSTEMS, key=lambda system: (case.costs[system].total, SYSTEMS.index(system)))
    known = [system for system in by_price if not case.costs[system].missing]
    enough = [system for system in known if short[system] is None]
    chosen = enough[0] if enough else ""
    passed = known[: known.index(chosen)] if chosen else known
    simpler = SYSTEMS[: SYSTEMS.index(chosen)] if chosen else SYSTEMS
    told = [*passed, *(system for system in simpler if system not in known)]
    reasons = [
        chain_called_for(case.facts)[1],
        *_needs(case.facts),
        *(why for system in told if (why := short[system])),
    ]
    reasons += _enough(case, chosen, enough) if chosen else [_NOTHING]
    cost = case.costs[chosen].total if chosen else 0.0
    return Answer(
        workflow=case.workflow, action=action, system=chosen, chain=chosen in CHAINED, cost=cost, reasons=tuple(reasons)
    )


_NOTHING: Final = Sentence(
    "Keines der Systeme ist als ausreichend gezeigt.", "None of the systems is shown to be enough."
)


def _shortcoming(case: _Case, system: str) -> Sentence | None:
    """Return the first thing, in the order of the module's list, that a system falls short of."""
    return (
        _uncosted(case, system)
        or _chainless(case, system)
        or _not_public(case, system)
        or _unnoticed(case, system)
        or _too_late(case, system)
        or _not_prevented(case, system)
        or _gone_with_operator(case, system)
    )


def _uncosted(case: _Case, system: str) -> Sentence | None:
    missing = [MEASURES[measure].words for measure in case.costs[system].missing]
    if not missing:
        return None
    german, english = ", ".join(each.de for each in missing), ", ".join(each.en for each in missing)
    return Sentence(
        f"Was ein Fall kostet, ist nicht gezeigt („{NAMES[system].de}“): Nicht gemessen wurde {german}.",
        f"What a case costs is not shown (“{NAMES[system].en}”): {english} was not measured.",
    )


def _chainless(case: _Case, system: str) -> Sentence | None:
    """Wüst and Gervais: no chain where one is called for, one of another kind, or one that one party can rewrite."""
    kind, _ = chain_called_for(case.facts)
    subject, chain = _SUBJECT[system], case.prices.chosen
    if system not in CHAINED:
        return None if kind is Chain.NONE else Sentence(
            f"Nicht genug ist {subject.de}: {case.facts.writers.value} Organisationen schreiben, und keine darf den "
            "Stand allein führen.",
            f"Not enough is {subject.en}: {case.facts.writers.value} organisations write, and none of them may keep "
            "the state alone.",
        )  # fmt: skip
    needed = kind if kind is not Chain.NONE else Chain.PUBLIC if case.facts.public.value else Chain.PRIVATE
    if _KINDS.index(chain.kind) < _KINDS.index(needed):
        return Sentence(
            f"Nicht genug ist {subject.de}: Die gewählte Chain {case.prices.chain} ist von der Art „{chain.kind}“, "
            f"gebraucht wird „{needed}“.",
            f"Not enough is {subject.en}: the chosen chain {case.prices.chain} is {chain.kind}, "
            f"and one that is {needed} is needed.",
        )
    if chain.one_hand and (kind is not Chain.NONE or case.facts.distrusted.value == "operator"):
        return Sentence(
            f"Nicht genug ist {subject.de}: Die gewählte Chain {case.prices.chain} liegt in einer Hand.",
            f"Not enough is {subject.en}: the chosen chain {case.prices.chain} is in one hand.",
        )
    return None


def _not_public(case: _Case, system: str) -> Sentence | None:
    if not case.facts.public.value or system in VERIFIABLE:
        return None
    subject = _SUBJECT[system]
    return Sentence(
        f"Nicht genug ist {subject.de}: Jeder muss den Schritt prüfen können, und das kann nur, wer die Datenbank hat.",
        f"Not enough is {subject.en}: anybody must be able to verify the step, and only whoever has the database can.",
    )


def _unnoticed(case: _Case, system: str) -> Sentence | None:
    """Every adversary must have tried (a clerk at least an unlawful step), and each attack must have been detected."""
    subject = _SUBJECT[system]
    if system in STAMPED and "operator" in case.facts.adversaries and not case.facts.third_party.value:
        return Sentence(
            f"Nicht genug ist {subject.de}: Es gibt keinen Dritten, dessen Zeitstempeln alle trauen.",
            f"Not enough is {subject.en}: there is no third party whose timestamps everybody trusts.",
        )
    for adversary in case.facts.adversaries:
        who = _WHO[adversary]
        rows = _attacks(case, system, (adversary,), REWRITES | UNLAWFUL)
        tries = rows if adversary == "clerk" else [each for each in rows if each.attack in REWRITES]
        if not sum(each.injected for each in tries):
            return Sentence(
                f"Nicht gezeigt ist, was {subject.de} bemerkt: Angriffe {who.de} wurden darauf nicht versucht.",
                f"What {subject.en} notices is not shown: no attack {who.en} was tried on it.",
            )
        injected, detected = _counted(case, rows)
        if detected < injected:
            return Sentence(
                f"Von {injected} Angriffen {who.de} bemerkte {subject.de} {detected}.",
                f"Of {injected} attacks {who.en}, {subject.en} noticed {detected}.",
            )
    return None


def _too_late(case: _Case, system: str) -> Sentence | None:
    subject, hours, seconds = _SUBJECT[system], case.facts.noticed_within_hours.value, _seconds(case, system)
    if seconds is None:
        words = MEASURES[COVERED[system]].words
        return Sentence(
            f"Nicht gezeigt ist, wie bald {subject.de} etwas bemerkt: „{words.de}“ wurde nicht gemessen.",
            f"How soon {subject.en} notices anything is not shown: “{words.en}” was not measured.",
        )
    if seconds <= hours * _HOUR:
        return None
    took, most = _duration(seconds), written(hours, "g")
    return Sentence(
        f"Nicht genug ist {subject.de}: Bis etwas bemerkt wird, vergehen {took.de}, erlaubt sind {most.de} Stunden.",
        f"Not enough is {subject.en}: it takes {took.en} until anything is noticed, and {most.en} hours are allowed.",
    )


def _not_prevented(case: _Case, system: str) -> Sentence | None:
    """What the operator's own application refuses is no obstacle to him; a contract must have been seen to refuse."""
    if not case.facts.prevented.value:
        return None
    subject = _SUBJECT[system]
    if system != "enforced":
        return Sentence(
            f"Nicht genug ist {subject.de}: Rechtswidriges weist nur die Anwendung zurück, und die hat der Betreiber.",
            f"Not enough is {subject.en}: only the application refuses what is unlawful, and the operator has that.",
        )
    rows, invented = (_attacks(case, system, ("operator",), classes) for classes in (UNLAWFUL, INVENTED))
    injected, detected = _counted(case, invented)
    if detected == injected and any(each.detected for each in rows if each.detected_by == _REFUSED):
        return None
    if detected < injected:
        return Sentence(
            f"Nicht genug ist {subject.de}: Von {injected} erfundenen Schritten des Betreibers fielen {detected} auf.",
            f"Not enough is {subject.en}: of {injected} invented steps of the operator {detected} were noticed.",
        )
    return Sentence(
        f"Nicht gezeigt ist, was {subject.de} verhindert: Von {sum(each.injected for each in rows)} rechtswidrigen "
        "Schritten des Betreibers wurde keiner zurückgewiesen.",
        f"What {subject.en} prevents is not shown: of {sum(each.injected for each in rows)} unlawful steps of the "
        "operator none was refused.",
    )


def _gone_with_operator(case: _Case, system: str) -> Sentence | None:
    """A root on a chain proves nothing by itself: without a receipt outside only the steps of a contract remain."""
    outside = system in VERIFIABLE and case.facts.held_outside.value
    if not case.facts.survives_operator.value or outside or system == "enforced":
        return None
    subject = _SUBJECT[system]
    return Sentence(
        f"Nicht genug ist {subject.de}: Ist der Betreiber fort, hält niemand sonst einen Nachweis.",
        f"Not enough is {subject.en}: when the operator is gone, nobody else holds evidence.",
    )


def _attacks(case: _Case, system: str, who: Iterable[str], classes: frozenset[str]) -> list[Tampered]:
    adversaries = {*who}
    return [
        each
        for each in case.report.tampered
        if each.system == system and each.adversary in adversaries and each.attack in classes
    ]


def _counted(case: _Case, rows: Iterable[Tampered]) -> tuple[int, int]:
    """Return how many were injected, and how many of them somebody detected who has what he needs for it."""
    held = tuple(rows)
    blind = "" if case.facts.held_outside.value else "applicant"
    return sum(each.injected for each in held), sum(
        each.detected for each in held if each.detected_by not in {"", blind}
    )


def _seconds(case: _Case, system: str) -> float | None:
    """Return how long it takes at worst until a tampering can be noticed: the event is covered, and an audit done."""
    rounds = [
        value / 1000
        for each in case.report.figures
        if (each.measure, each.system) == (COVERED[system], system) and each.workflow in {case.workflow, ""}
        for value in each.rounds
    ]
    if not rounds:
        return None
    wait = _DAY / case.prices.tokens_day.value if system in STAMPED else 0
    rows = _attacks(case, system, case.facts.adversaries, REWRITES | UNLAWFUL)
    return wait + max(rounds) + max((each.seconds for each in rows), default=0)


def _needs(facts: StepFacts) -> list[Sentence]:
    """Return why the declared needs are declared: whom one must be safe from, and what else is asked for."""
    asked = [facts.distrusted.reason]
    asked += [each.reason for each in (facts.public, facts.prevented, facts.survives_operator) if each.value]
    return asked


def _enough(case: _Case, system: str, enough: Iterable[str]) -> list[Sentence]:
    """Return what shows that a system is enough, what it costs, what a chain would, and what Article 45l asks."""
    subject, cost = _SUBJECT[system], euro(case.costs[system].total)
    rows = _attacks(case, system, case.facts.adversaries, REWRITES | UNLAWFUL)
    injected, detected = _counted(case, rows)
    took, most = _duration(_seconds(case, system) or 0), written(case.facts.noticed_within_hours.value, "g")
    found = [
        Sentence(
            f"Genug ist {subject.de}: Bemerkt wurden {detected} von {injected} Angriffen, nach höchstens {took.de} "
            f"(erlaubt: {most.de} Stunden); ein Fall kostet {cost.de}.",
            f"Enough is {subject.en}: {detected} of {injected} attacks were noticed, after {took.en} at most "
            f"(allowed: {most.en} hours); a case costs {cost.en}.",
        )
    ]
    if case.facts.prevented.value:
        found.append(
            Sentence(
                "Rechtswidrige Schritte des Betreibers wies der Vertrag zurück; kein anderer blieb unbemerkt.",
                "The contract refused unlawful steps of the operator; no other one went unnoticed.",
            )
        )
    others = [_invented(case, system), _other_side(case, system, enough)]
    return [*found, *(each for each in others if each), _article_45l(case, system)]


def _invented(case: _Case, system: str) -> Sentence | None:
    """Say what becomes of steps that nobody took, where prevention was not asked for."""
    injected, detected = _counted(case, _attacks(case, system, case.facts.adversaries, INVENTED))
    if case.facts.prevented.value or not injected:
        return None
    return Sentence(
        f"Von {injected} erfundenen Schritten am Ende eines Falls fielen {detected} auf; das zu verhindern ist nicht "
        "verlangt.",
        f"Of {injected} invented steps at the end of a case {detected} were noticed; preventing them is not asked for.",
    )


def _other_side(case: _Case, system: str, enough: Iterable[str]) -> Sentence | None:
    """Return what the cheapest with a chain would cost where none is needed, else the cheapest enough without one."""
    chained = system in CHAINED
    others = [each for each in (enough if chained else CHAINED) if (each in CHAINED) != chained]
    known = [each for each in others if not case.costs[each].missing]
    if not known:
        return None
    other = min(known, key=lambda each: case.costs[each].total)
    cost, subject, chain = euro(case.costs[other].total), _SUBJECT[other], case.prices.chain
    if chained:
        return Sentence(
            f"Ohne Chain wäre genug: {subject.de}, für {cost.de} je Fall.",
            f"Enough without a chain would be {subject.en}, for {cost.en} a case.",
        )
    return Sentence(
        f"Eine Chain braucht es hier nicht; {subject.de} ({chain}) kostete {cost.de} je Fall.",
        f"No chain is needed here; {subject.en} ({chain}) would cost {cost.en} a case.",
    )


def _article_45l(case: _Case, system: str) -> Sentence:
    """Answer (a) to (d) of Article 45l (1): (b), (c) and (d) by the attacks of everybody that would break them."""
    shares = [
        _share(*_counted(case, _attacks(case, system, ADVERSARIES, classes))) for classes in (ORIGIN, ORDER, REWRITES)
    ]
    origin, order, change = shares
    return Sentence(
        f"Artikel 45l eIDAS: Herkunft {origin.de}, eindeutige Reihenfolge {order.de}, spätere Änderungen {change.de}; "
        "keines führt ein qualifizierter Anbieter, und keines ist ein qualifiziertes elektronisches Journal.",
        f"Article 45l eIDAS: origin {origin.en}, unique sequential order {order.en}, subsequent changes {change.en}; "
        "no qualified provider runs any of these systems, and none is a qualified electronic ledger.",
    )


def _share(injected: int, detected: int) -> Sentence:
    if not injected:
        return Sentence("nicht versucht", "not tried")
    return Sentence(f"{detected} von {injected} Angriffen bemerkt", f"{detected} of {injected} attacks noticed")


def _summed(given: Sequence[Answer]) -> Sentence:
    total, free = len(given), sum(1 for each in given if each.system and not each.chain)
    taken = [(system, sum(1 for each in given if each.system == system)) for system in SYSTEMS]
    german = "".join(f"; „{NAMES[system].de}“ genügt bei {count}" for system, count in taken if count)
    english = "".join(f"; “{NAMES[system].en}” is enough for {count}" for system, count in taken if count)
    unshown = sum(1 for each in given if not each.system)
    if unshown:
        german += f"; bei {unshown} ist keines der Systeme als ausreichend gezeigt"
        english += f"; for {unshown} none of the systems is shown to be enough"
    return Sentence(
        f"Bei {free} von {total} Schritten ist keine Chain nötig{german}.",
        f"For {free} of {total} steps no chain is needed{english}.",
    )


def _duration(seconds: float) -> Sentence:
    if seconds >= _HOUR:
        words = written(seconds / _HOUR, ",.2f")
        return Sentence(f"{words.de} Stunden", f"{words.en} hours")
    words = written(seconds, ",.2f")
    return Sentence(f"{words.de} Sekunden", f"{words.en} seconds")
