"""What several laws call the same, and what belongs to none: roles, choices, the workflows themselves.

A field or a rule that means different things in different laws has its general words here and its exact ones there.
"""

from typing import Final

from ledger_automation.web.words.vocabulary import Vocabulary

SHARED: Final = Vocabulary(
    fields={
        "amount": "Betrag",
        "applicant": "Antragstellerin oder Antragsteller",
        "conditions": "Bedingungen",
        "holidays_of": "Land, dessen Feiertage gelten",
        "kind": "Art",
        "name": "Name",
        "outcome": "Entscheidung",
        "reason": "Begründung",
        "rules": "Regeln",
        "zone": "Zeitzone",
    },
    rules={
        "not_in_state": "Dieser Schritt passt nicht zum jetzigen Stand des Falls.",
        "wrong_role": "Dieser Schritt ist einer anderen Rolle vorbehalten.",
        "before_previous_step": "Ein Schritt kann nicht vor dem vorherigen Schritt des Falls geschehen sein.",
        "outside_backdating": (
            "Was geschehen ist, darf nur innerhalb weniger Tage nachgetragen werden und nie im Voraus."
        ),
        "content_destroyed": "Der Inhalt des Falls wurde gelöscht; der Fall geht nicht weiter.",
        "own_case_only": "Wer als Antragstellerin oder Antragsteller handelt, darf das nur im eigenen Fall.",
        "calendar_unknown": (
            "Die Regeln müssen eine bekannte Zeitzone nennen und ein deutsches Land, dessen Feiertage gelten, "
            "oder keines."
        ),
        "check_first": "Vorher muss geprüft werden.",
        "four_eyes": "Hier gilt das Vier-Augen-Prinzip: eine andere Person muss handeln.",
        "nobody_decides_in_own_case": "Niemand entscheidet im eigenen Fall.",
    },
)

CHOICES: Final = {
    "acknowledgement": "Eingangsbestätigung",
    "permit_free_notice": "Mitteilung über Genehmigungsfreiheit",
    "hold_report": "Mitteilung über die Aussetzung des Verfahrens",
    "internal": "aus dem eigenen Haus",
    "external": "von einer anderen Stelle",
    "granted": "Genehmigung erteilen",
    "refused": "Antrag ablehnen",
    "dismissed": "Verfahren einstellen",
    "upheld": "Bußgeldbescheid aufrechterhalten",
    "pro_rata": "anteilig neben der Zuwendung",
    "first": "vor der Zuwendung",
    "municipality": "Gemeinde",
    "yes": "ja",
    "no": "nein",
}

ROLES: Final = {
    "applicant": "Antragstellerin oder Antragsteller",
    "clerk": "Sachbearbeitung",
    "approver": "Genehmigung",
    "finance": "Kasse",
    "auditor": "Rechnungsprüfung",
    "system": "System",
    "administrator": "Administration",
}

WORKFLOWS: Final = {
    "permit": "Genehmigungsverfahren",
    "subsidy": "Zuwendungsverfahren",
    "parking_fine": "Bußgeldverfahren",
    "log": "Verwaltung des Protokolls",
}

VERDICTS: Final = {
    "final": "Alles stimmt: Nichts wurde verändert, weggelassen oder eingeschoben.",
    "pending": "Bis hierher stimmt alles; der endgültige Nachweis steht noch aus.",
    "erased": "Der Inhalt wurde rechtmäßig gelöscht; alles Übrige stimmt.",
    "unreachable": "Eine Quelle, die gefragt werden muss, hat nicht geantwortet; das ist weder gut noch schlecht.",
    "contradicted": "Etwas stimmt nicht: Die Nachweise widersprechen einander.",
}

DRAWN: Final = {
    "final": "stimmt",
    "pending": "stimmt",
    "erased": "rechtmäßig gelöscht",
    "contradicted": "stimmt nicht",
}

PARTS: Final = {
    "database": "Datenbank",
    "log": "Protokoll",
    "anchor": "Verankerung",
    "chain": "Kette",
}

QUEUES: Final = {
    "steps": "Schritte, die noch nicht im Protokoll stehen",
    "held": "Unterschriebene Schritte, über die ein Vertrag entscheidet",
    "sent": "Transaktionen, die noch nicht endgültig sind",
    "deliver": "Blätter, die einem Empfänger noch nicht gemeldet sind",
}
