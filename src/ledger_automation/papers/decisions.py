"""What a notice says of a step, read off the case's events: the heading, the sentences, the term to object.

Pure, and generic over workflows: `DECISIONS` has a row for each step that an office writes a letter about. The term is
the law's own (a permit's ``objection_ends``, a fine's ``appeal_ends`` and ``court_ends``): the case is followed through
its table up to the step. A subsidy's law knows no term, so its notice names none.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec

from ledger_automation.audit.encoding import decode
from ledger_automation.audit.event import AuditEvent
from ledger_automation.audit.trail import Trail
from ledger_automation.errors import InvalidInput, NotFound
from ledger_automation.papers.script import day, euro, percent
from ledger_automation.verify.sources import EventRecord
from ledger_automation.workflows.deadlines import local_day

_INSTANT: Final = timedelta(microseconds=1)


class Remedy(msgspec.Struct, frozen=True):
    """How to object: what it is called, the instruction, and the last day (ISO 8601) on which it is in time.

    The day is None as long as the term has not begun, since nobody was served yet.
    """

    name: str
    sentence: str
    last_day: str | None = None


class Decision(msgspec.Struct, frozen=True):
    """What was decided: texts in German; ``particulars`` are labels and values, ``reasons`` as the event gives them."""

    heading: str
    sentences: tuple[str, ...]
    particulars: tuple[tuple[str, str], ...] = ()
    conditions: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    remedy: Remedy | None = None


DECISIONS: Final[dict[tuple[str, str], tuple[str, str]]] = {
    ("permit", "acknowledge"): ("Eingangsbestätigung", "Ihr Antrag ist vollständig eingegangen und wird bearbeitet."),
    ("permit", "request_documents"): ("Nachforderung von Unterlagen", "Zu Ihrem Antrag fehlen Unterlagen."),
    ("permit", "extend_term"): ("Verlängerung der Frist", "Die Frist für die Entscheidung wird verlängert."),
    ("permit", "grant"): ("Genehmigung", "Die beantragte Genehmigung wird erteilt."),
    ("permit", "refuse"): ("Ablehnung", "Die beantragte Genehmigung wird versagt."),
    ("permit", "notify"): ("Bekanntgabe", "Die Entscheidung über Ihren Antrag wird Ihnen hiermit bekannt gegeben."),
    ("permit", "remedy_objection"): ("Abhilfe", "Ihrem Widerspruch wird abgeholfen; die Genehmigung wird erteilt."),
    ("permit", "reject_objection"): ("Widerspruchsbescheid", "Ihr Widerspruch wird zurückgewiesen."),
    ("permit", "revoke"): ("Widerruf", "Die Genehmigung wird widerrufen."),
    ("parking_fine", "send_hearing"): ("Anhörung", "Ihnen wird eine Ordnungswidrigkeit vorgeworfen."),
    ("parking_fine", "send_notice"): ("Bußgeldbescheid", "Gegen Sie wird eine Geldbuße festgesetzt."),
    ("parking_fine", "record_service"): ("Bußgeldbescheid", "Gegen Sie wurde eine Geldbuße festgesetzt."),
    ("parking_fine", "add_penalty"): ("Säumniszuschlag", "Der Betrag blieb aus und erhöht sich."),
    ("parking_fine", "decide_appeal"): ("Entscheidung", "Über Ihren Einspruch wurde entschieden."),
    ("parking_fine", "serve_decision"): ("Zustellung", "Die Entscheidung über Ihren Einspruch wird Ihnen zugestellt."),
    ("parking_fine", "cancel_fine"): ("Einstellung", "Das Verfahren wird eingestellt. Es ist nichts zu zahlen."),
    ("parking_fine", "refund"): ("Erstattung", "Zu viel Gezahltes wird Ihnen erstattet."),
    ("subsidy", "return_application"): ("Rückgabe des Antrags", "Ihr Antrag wird zur Ergänzung zurückgegeben."),
    ("subsidy", "grant"): ("Zuwendungsbescheid", "Auf Ihren Antrag wird Ihnen eine Zuwendung bewilligt."),
    ("subsidy", "refuse"): ("Ablehnungsbescheid", "Ihr Antrag auf eine Zuwendung wird abgelehnt."),
    ("subsidy", "return_tranche"): ("Rückgabe der Mittelanforderung", "Ihre Mittelanforderung wird nicht ausgeführt."),
    ("subsidy", "disburse_tranche"): ("Auszahlungsmitteilung", "Der angeforderte Teilbetrag wurde ausgezahlt."),
    ("subsidy", "change_rate"): ("Änderungsbescheid", "Der Fördersatz wird geändert."),
    ("subsidy", "reduce_grant"): ("Änderungsbescheid", "Die Zuwendung wird gekürzt."),
    ("subsidy", "cancel_rest"): ("Änderungsbescheid", "Der noch nicht ausgezahlte Rest der Zuwendung entfällt."),
    ("subsidy", "reclaim"): ("Rückforderungsbescheid", "Von der ausgezahlten Zuwendung wird ein Teil zurückgefordert."),
    ("subsidy", "return_final_proof"): ("Verwendungsnachweis", "Ihr Verwendungsnachweis wird Ihnen zurückgegeben."),
    ("subsidy", "revoke"): ("Widerrufsbescheid", "Die Bewilligung der Zuwendung wird widerrufen."),
    ("subsidy", "close"): ("Abschluss", "Der Verwendungsnachweis ist geprüft; der Fall ist abgeschlossen."),
}  # fmt: skip
"""By workflow and action: the heading, and what was decided in a sentence."""

_OBJECTION: Final = "Gegen diesen Bescheid kann Widerspruch erhoben werden (§ 70 VwGO)."
_APPEAL: Final = "Gegen den Bußgeldbescheid kann Einspruch eingelegt werden (§ 67 OWiG)."
_COURT: Final = "Gegen die Entscheidung kann das Gericht angerufen werden."
_REMEDIES: Final = {
    ("permit", "notify"): ("objection_ends", "Widerspruch", _OBJECTION),
    ("parking_fine", "record_service"): ("appeal_ends", "Einspruch", _APPEAL),
    ("parking_fine", "serve_decision"): ("court_ends", "Antrag", _COURT),
}
"""By workflow and action: the case's own term, what is to arrive by then, and the instruction."""

_AMOUNTS: Final = {"amount": "Betrag", "expense": "Auslagen", "advance": "Vorauszahlung bis"}
_DAYS: Final = {"starts": "Beginn", "ends": "Ende", "until": "Neues Ende der Frist"}


def decided(rows: Sequence[EventRecord], sequence: int) -> Decision:
    """Return what the office decided by step ``sequence`` of a case, whose events ``rows`` are, all and in order.

    Raises NotFound where the office writes no letter about that step or its content was erased, and InvalidInput where
    the law does not lead to it.
    """
    event, data = _followed(rows, sequence)
    told = DECISIONS.get((event.workflow, event.action))
    if told is None:
        raise NotFound(f"No letter is written about {event.action}.", action=event.action)
    heading, sentence = told
    given = event.payload
    words = given.get("reason") or given.get("missing")
    return Decision(
        heading,
        (sentence,),
        tuple(_particulars(event, data)),
        tuple(_conditions(given.get("conditions") or ())),
        (words,) if words else (),
        _remedy(event, data),
    )


def _followed(rows: Sequence[EventRecord], sequence: int) -> tuple[AuditEvent, Any]:
    trail = Trail()
    for row in rows[: sequence + 1]:
        if row.canonical is None:
            raise NotFound("What the case says was erased.", sequence=row.sequence)
        event = decode(row.canonical)
        if parted := trail.follow(event, row.commitment):
            raise InvalidInput(f"The law does not lead to this step: {parted.sentence}", rule=parted.rule)
    if trail.case is None or trail.case.sequence != sequence:
        raise NotFound(f"The case has no step {sequence}.", sequence=sequence)
    return event, trail.case.data


def _particulars(event: AuditEvent, data: Any) -> list[tuple[str, str]]:
    given = event.payload
    found = [("Teilbetrag", str(given["number"]))] if "number" in given else []
    found += [(label, euro(given[name])) for name, label in _AMOUNTS.items() if given.get(name)]
    if "rate" in given:
        found.append(("Fördersatz", percent(given["rate"])))
    found += [(label, day(given[name])) for name, label in _DAYS.items() if given.get(name)]
    if event.action == "disburse_tranche":
        paid = data.tranche(given["number"])
        found += [("Betrag", euro(paid.amount)), ("Verwendung nachzuweisen bis", _last(paid.use_ends, data.rules.zone))]
    if event.workflow == "parking_fine":
        found.append(("Insgesamt zu zahlen", euro(data.due)))
    return found


def _conditions(given: Any) -> list[str]:
    """A permit's conditions are a text, a grant's a list with the tranche that waits for each."""
    if isinstance(given, str):
        return [given]
    return [f"{each['name']} (vor Teilbetrag {each['from_tranche']})" for each in given]


def _remedy(event: AuditEvent, data: Any) -> Remedy | None:
    if event.action == "send_notice":
        return Remedy("Einspruch", f"{_APPEAL} Die Frist beträgt {data.rules.appeal_days} Tage ab der Zustellung.")
    known = _REMEDIES.get((event.workflow, event.action))
    ends = getattr(data, known[0]) if known else None
    if known is None or ends is None:
        return None
    return Remedy(known[1], known[2], local_day(ends - _INSTANT, data.rules.zone).isoformat())


def _last(ends: Any, zone: str) -> str:
    return day(local_day(ends - _INSTANT, zone))
