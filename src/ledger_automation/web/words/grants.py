"""What the finance office's pages call the steps, states and findings of a grant: short, for the cells of a table."""

from typing import Final

from ledger_automation.orchestrator.account_lines import Rule
from ledger_automation.papers.script import STAGES

__all__ = ["FINDINGS", "GRANT_STATES", "GRANT_STEPS", "STAGES"]

GRANT_STEPS: Final = {
    "open_programme": "Förderprogramm geöffnet",
    "apply": "Antrag gestellt",
    "check_application": "Antrag geprüft",
    "return_application": "Antrag zurückgegeben",
    "withdraw_application": "Antrag zurückgezogen",
    "record_resolution": "Beschluss eingetragen",
    "grant": "Zuwendung bewilligt",
    "refuse": "Antrag abgelehnt",
    "meet_condition": "Bedingung erfüllt",
    "request_tranche": "Teilbetrag angefordert",
    "endorse_tranche": "Teilbetrag befürwortet",
    "return_tranche": "Anforderung zurückgegeben",
    "approve_tranche": "Teilbetrag bewilligt",
    "disburse_tranche": "Teilbetrag ausgezahlt",
    "prove_use": "Verwendung nachgewiesen",
    "accept_use": "Verwendung anerkannt",
    "change_rate": "Fördersatz geändert",
    "reduce_grant": "Zuwendung gekürzt",
    "cancel_rest": "Rest entfallen",
    "submit_final_proof": "Verwendungsnachweis eingereicht",
    "return_final_proof": "Verwendungsnachweis zurückgegeben",
    "close": "Fall abgeschlossen",
    "revoke": "Zuwendung widerrufen",
    "reclaim": "Geld zurückgefordert",
    "record_repayment": "Rückzahlung eingegangen",
}

GRANT_STATES: Final = {
    "programme_open": "offen für Anträge",
    "applied": "beantragt",
    "returned": "zurückgegeben",
    "checked": "geprüft",
    "granted": "bewilligt",
    "refused": "abgelehnt",
    "withdrawn": "zurückgezogen",
    "final_proof_submitted": "Verwendungsnachweis liegt vor",
    "closed": "abgeschlossen",
    "revoked": "widerrufen",
}

FINDINGS: Final[dict[Rule, str | tuple[str, str]]] = {
    "content_erased": (
        "Inhalte wurden rechtmäßig gelöscht, zuerst in Schritt %(sequence)s. Dahinter wird kein Betrag gelesen."
    ),
    "trail_diverges": (
        "Ab Schritt %(sequence)s folgen die Ereignisse nicht den Regeln (%(rule)s). Dahinter wird kein Betrag gelesen."
    ),
    "own_share_differs": (
        "Die angegebenen Eigenmittel von %(actual)s weichen um %(difference)s vom gerundeten Anteil ab, der "
        "%(expected)s beträgt."
    ),
    "resolution_expected_late": (
        "Der Beschluss zu den Eigenmitteln wurde für den %(day)s erwartet, %(num)s Tag nach der Frist vom %(due)s.",
        "Der Beschluss zu den Eigenmitteln wurde für den %(day)s erwartet, %(num)s Tage nach der Frist vom %(due)s.",
    ),
    "resolution_taken_late": (
        "Der Beschluss zu den Eigenmitteln kam am %(day)s, %(num)s Tag nach der Frist vom %(due)s.",
        "Der Beschluss zu den Eigenmitteln kam am %(day)s, %(num)s Tage nach der Frist vom %(due)s.",
    ),
    "funding_does_not_meet_plan": (
        "Zuwendung und Eigenmittel sind zusammen %(actual)s, geplant sind %(expected)s. Der Unterschied ist "
        "%(difference)s."
    ),
    "grant_not_conserved": (
        "Ausgezahlt, offen und entfallen sind zusammen %(actual)s, bewilligt sind aber %(expected)s."
    ),
    "paid_beyond_earned": (
        "Ausgezahlt und nicht erstattet sind %(paid)s. Nach den Nachweisen sind es %(earned)s, also %(difference)s "
        "zu viel."
    ),
    "open_after_period": "Der Zeitraum endete am %(ends)s. Offen sind noch %(difference)s.",
    "paid_at_another_rate": (
        "Teilbetrag %(tranche)s wurde bei einem Fördersatz von %(rate_approved)s bewilligt und bei %(rate_paid)s "
        "ausgezahlt."
    ),
    "use_unproven": (
        "Die Verwendung von Teilbetrag %(tranche)s war bis zum %(due)s nachzuweisen, vor %(num)s Tag.",
        "Die Verwendung von Teilbetrag %(tranche)s war bis zum %(due)s nachzuweisen, vor %(num)s Tagen.",
    ),
    "use_proven_late": (
        "Die Verwendung von Teilbetrag %(tranche)s wurde %(num)s Tag nach der Frist vom %(due)s nachgewiesen.",
        "Die Verwendung von Teilbetrag %(tranche)s wurde %(num)s Tage nach der Frist vom %(due)s nachgewiesen.",
    ),
    "reclaim_unpaid": (
        "Von Teilbetrag %(tranche)s sind %(reclaimed)s zurückgefordert und %(repaid)s erstattet. Es fehlen "
        "%(difference)s."
    ),
    "item_not_planned": "Die Kostengruppe „%(item)s“ war nicht geplant. Ausgegeben wurden %(actual)s.",
    "item_beyond_plan": (
        "Die Kostengruppe „%(item)s“ liegt mit %(actual)s um %(difference)s über dem Plan von %(planned)s, mehr als "
        "ein Fünftel."
    ),
    "plan_restated": "Der Nachweis nennt für „%(item)s“ einen Plan von %(actual)s, der Antrag einen von %(expected)s.",
    "voucher_twice": "Der Beleg „%(voucher)s“ über %(amount)s steht mehrmals in der Liste.",
    "voucher_outside_period": (
        "Der Beleg „%(voucher)s“ über %(amount)s wurde am %(day)s bezahlt, außerhalb des Zeitraums."
    ),
}
