"""What the subsidy is called: its steps, states, fields and rules."""

from typing import Final

from ledger_automation.web.words.vocabulary import Vocabulary

WORDS: Final = Vocabulary(
    steps={
        "open_programme": ("Das Förderprogramm wurde geöffnet.", "Förderprogramm öffnen"),
        "apply": ("Der Antrag wurde gestellt.", "Antrag auf Zuwendung stellen"),
        "check_application": ("Der Antrag wurde geprüft.", "Antrag prüfen"),
        "return_application": ("Der Antrag wurde zur Überarbeitung zurückgegeben.", "Antrag zurückgeben"),
        "withdraw_application": ("Der Antrag wurde zurückgenommen.", "Antrag zurücknehmen"),
        "record_resolution": (
            "Der Beschluss der Gemeindevertretung wurde vermerkt.",
            "Beschluss der Gemeindevertretung vermerken",
        ),
        "grant": ("Der Zuwendungsbescheid wurde erlassen.", "Zuwendungsbescheid erlassen"),
        "refuse": ("Der Antrag wurde abgelehnt.", "Antrag ablehnen"),
        "meet_condition": ("Eine Bedingung wurde erfüllt.", "Bedingung als erfüllt vermerken"),
        "request_tranche": ("Eine Tranche wurde abgerufen.", "Tranche abrufen"),
        "endorse_tranche": ("Der Mittelabruf wurde befürwortet.", "Mittelabruf befürworten"),
        "return_tranche": ("Der Mittelabruf wurde zurückgegeben.", "Mittelabruf zurückgeben"),
        "approve_tranche": ("Die Auszahlung der Tranche wurde angeordnet.", "Auszahlung der Tranche anordnen"),
        "disburse_tranche": ("Die Tranche wurde ausgezahlt.", "Tranche auszahlen"),
        "prove_use": ("Die Verwendung der Tranche wurde nachgewiesen.", "Verwendung der Tranche nachweisen"),
        "accept_use": ("Der Nachweis für die Tranche wurde anerkannt.", "Nachweis für die Tranche anerkennen"),
        "change_rate": ("Der Fördersatz wurde geändert.", "Fördersatz ändern"),
        "reduce_grant": ("Die Zuwendung wurde gekürzt.", "Zuwendung kürzen"),
        "cancel_rest": ("Der offene Rest der Zuwendung wurde gestrichen.", "Offenen Rest der Zuwendung streichen"),
        "submit_final_proof": ("Der Verwendungsnachweis wurde eingereicht.", "Verwendungsnachweis einreichen"),
        "return_final_proof": ("Der Verwendungsnachweis wurde zurückgegeben.", "Verwendungsnachweis zurückgeben"),
        "close": ("Der Fall wurde abgeschlossen.", "Fall abschließen"),
        "revoke": ("Der Zuwendungsbescheid wurde widerrufen.", "Zuwendungsbescheid widerrufen"),
        "reclaim": ("Geld aus einer Tranche wurde zurückgefordert.", "Geld aus einer Tranche zurückfordern"),
        "record_repayment": ("Eine Rückzahlung ging ein.", "Rückzahlung buchen"),
    },
    states={
        "programme_open": "offen für Anträge",
        "applied": "Antrag gestellt",
        "checked": "Antrag geprüft",
        "returned": "Antrag zurückgegeben",
        "withdrawn": "Antrag zurückgenommen",
        "granted": "Zuwendung bewilligt",
        "refused": "Antrag abgelehnt",
        "final_proof_submitted": "Verwendungsnachweis eingereicht",
        "closed": "abgeschlossen",
        "revoked": "widerrufen",
    },
    terms={
        "application": "Antrag stellen",
        "resolution": "Beschluss vorlegen",
        "use": "Verwendung nachweisen",
    },
    fields={
        "title": "Name des Förderprogramms",
        "rate": "Fördersatz",
        "rate_in_budget_emergency": "Fördersatz in Haushaltsnotlage",
        "eligible": "Wer einen Antrag stellen darf",
        "call_ends": "Ende der Antragsfrist",
        "resolution_due": "Beschluss der Gemeindevertretung bis",
        "check_required": "Prüfung des Antrags nötig",
        "cost_plan_required": "Kostenplan nötig",
        "own_share_proof_required": "Nachweis des Eigenanteils nötig",
        "own_funds": "Einsatz der Eigenmittel",
        "use_weeks": "Verwendungsfrist in Wochen",
        "kind": "Art der antragstellenden Stelle",
        "planned": "Geplante Ausgaben",
        "own_share": "Eigenanteil",
        "budget_emergency": "Haushaltsnotlage",
        "cost_plan": "Kostenplan",
        "item": "Position",
        "year": "Jahr",
        "own_share_proof": "Nachweis des Eigenanteils",
        "resolution_reference": "Aktenzeichen des Beschlusses",
        "resolution_expected": "Beschluss erwartet am",
        "note": "Vermerk",
        "reference": "Aktenzeichen",
        "record_resolution.reference": "Aktenzeichen des Beschlusses",
        "prove_use.reference": "Wo der Nachweis liegt",
        "resolved_on": "Tag des Beschlusses",
        "name": "Bedingung",
        "from_tranche": "Ab Tranche Nummer",
        "starts": "Beginn des Bewilligungszeitraums",
        "ends": "Ende des Bewilligungszeitraums",
        "advance": "Vorschuss",
        "evidence": "Nachweis der Erfüllung",
        "number": "Nummer der Tranche",
        "submit_final_proof.number": "Nummer des Belegs",
        "payee": "Wer das Geld bekommt",
        "expenditure": "Nachgewiesene Ausgaben",
        "report": "Sachbericht",
        "figures": "Zahlenmäßiger Nachweis",
        "actual": "Tatsächliche Ausgaben",
        "vouchers": "Belegliste",
        "paid_on": "Tag der Zahlung",
    },
    rules={
        "application_too_late": "Der Antrag kam nach dem Ende der Antragsfrist.",
        "applicant_not_eligible": "Das Förderprogramm steht antragstellenden Stellen dieser Art nicht offen.",
        "cost_plan_does_not_add_up": (
            "Ein Kostenplan ist nötig, und seine Positionen müssen zusammen die geplanten Ausgaben ergeben."
        ),
        "own_share_proof_missing": "Das Förderprogramm verlangt einen Nachweis des Eigenanteils.",
        "resolution_missing": "Das Förderprogramm verlangt vor der Bewilligung den Beschluss der Gemeindevertretung.",
        "nobody_decides_in_own_case": "Wer den Antrag gestellt hat, trifft keine Entscheidung der Behörde.",
        "check_first": "Ein Antrag wird geprüft, bevor über ihn entschieden wird.",
        "four_eyes": "Wer den Antrag geprüft hat, entscheidet nicht über ihn.",
        "grant_beyond_rate": (
            "Die Zuwendung ist höchstens der Anteil der geplanten Ausgaben, den der Fördersatz nennt, "
            "kaufmännisch gerundet."
        ),
        "rate_beyond_programme": (
            "Der Fördersatz ist höchstens der, den das Förderprogramm für diese antragstellende Stelle nennt."
        ),
        "period_reversed": "Ein Zeitraum endet nicht, bevor er beginnt.",
        "condition_unknown": "Erfüllt werden kann nur eine Bedingung des Zuwendungsbescheids, die noch offen ist.",
        "reduction_beyond_open": "Gestrichen werden kann nur, was weder ausgezahlt noch unterwegs ist.",
        "nothing_open": "Von der Zuwendung ist nichts mehr offen.",
        "use_not_proven": "Die Verwendung der Tranche muss nachgewiesen sein.",
        "accept_use.use_not_proven": "Nur eine nachgewiesene Verwendung wird anerkannt.",
        "submit_final_proof.use_not_proven": (
            "Vor dem Verwendungsnachweis wird die Verwendung jeder ausgezahlten Tranche nachgewiesen."
        ),
        "tranche_waiting": "Keine Tranche darf noch auf Anordnung oder Auszahlung warten.",
        "vouchers_do_not_add_up": "Die Belegliste muss die Summe der tatsächlichen Ausgaben ergeben.",
        "final_proof_below_tranches": (
            "Der Verwendungsnachweis zeigt mindestens die Ausgaben, die für die Tranchen nachgewiesen sind."
        ),
        "not_granted_yet": "Es gibt noch keinen Zuwendungsbescheid.",
        "nothing_after_revocation": (
            "Der Zuwendungsbescheid ist widerrufen; es folgen nur noch Rückforderung und Rückzahlung."
        ),
        "nothing_after_closure": "Der Fall ist abgeschlossen; es folgen nur noch Rückforderung und Rückzahlung.",
        "tranche_once": (
            "Jede Tranche wird einmal abgerufen; nur eine zurückgegebene darf noch einmal abgerufen werden."
        ),
        "beyond_grant": "Die Tranchen übersteigen nie die Zuwendung abzüglich ihrer Kürzungen.",
        "outside_period": "Geld wird nur im Bewilligungszeitraum abgerufen und ausgezahlt.",
        "tranche_unknown": "Eine Tranche mit dieser Nummer hat niemand abgerufen.",
        "tranche_not_requested": "Die Tranche wartet nicht auf die Anordnung ihrer Auszahlung.",
        "tranche_not_returnable": "Nur eine Tranche, die noch nicht ausgezahlt ist, kann zurückgegeben werden.",
        "conditions_open": "Eine Tranche wartet, bis alle ihre Bedingungen erfüllt sind.",
        "requester_approves": (
            "Wer eine Tranche abgerufen hat, darf sie weder befürworten noch ihre Auszahlung anordnen."
        ),
        "payee_acts": "Wer das Geld bekommt, darf die Auszahlung weder anordnen noch ausführen.",
        "order_and_payment_apart": (
            "Wer eine Auszahlung angeordnet oder abgerufen hat, führt sie nicht aus (Anordnung und Vollzug)."
        ),
        "tranche_paid_already": "Jede Tranche wird nur einmal ausgezahlt.",
        "tranche_not_approved": "Ausgezahlt wird nur eine Tranche, deren Auszahlung angeordnet ist.",
        "beyond_rate_of_proven": (
            "Ausgezahlt werden höchstens der Fördersatz der nachgewiesenen Ausgaben und der bewilligte Vorschuss."
        ),
        "own_funds_first": "Zuerst werden die Eigenmittel ausgegeben; ausgezahlt wird nur, was sie nicht decken.",
        "earlier_use_unproven": (
            "Es gibt keine weitere Tranche, solange die Verwendung einer früheren nach ihrer Frist nicht "
            "nachgewiesen ist (ANBest-P 1.4)."
        ),
        "tranche_not_paid": "Nachgewiesen wird nur die Verwendung einer ausgezahlten Tranche.",
        "reclaim_beyond_disbursed": "Es wird nicht mehr zurückgefordert, als ausgezahlt wurde.",
        "repayment_beyond_reclaim": "Es wird nicht mehr zurückgezahlt, als zurückgefordert wurde.",
    },
)
