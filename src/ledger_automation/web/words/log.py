"""What the log's own case is called: its steps, states, fields and rules."""

from typing import Final

from ledger_automation.web.words.vocabulary import Vocabulary

WORDS: Final = Vocabulary(
    steps={
        "open_log": ("Das Protokoll wurde eröffnet.", "Protokoll eröffnen"),
        "record_heartbeat": ("Ein Lebenszeichen wurde vermerkt.", "Lebenszeichen vermerken"),
        "announce_key": ("Ein Schlüssel wurde angekündigt.", "Schlüssel ankündigen"),
        "record_erasure": ("Eine Löschung wurde vermerkt.", "Löschung vermerken"),
        "change_policy": ("Die Richtlinie wurde geändert.", "Richtlinie ändern"),
        "seal_log": ("Das Protokoll wurde geschlossen.", "Protokoll schließen"),
    },
    states={
        "running": "Protokoll läuft",
        "sealed": "Protokoll geschlossen",
    },
    fields={
        "origin": "Name des Protokolls",
        "name": "Name des Schlüssels",
        "public_key": "Öffentlicher Schlüssel",
        "case_id": "Fallnummer",
        "legal_basis": "Rechtsgrundlage",
        "sequence": "Nummer des Schritts",
        "text": "Wortlaut",
    },
    rules={
        "key_announced_already": "Ein Schlüssel wird nur einmal angekündigt.",
        "case_not_named": "Eine Löschung nennt den Fall mit seiner Nummer.",
        "erased_already": "Was gelöscht ist, kann nicht noch einmal gelöscht werden.",
        "legal_basis_missing": "Eine Löschung nennt ihre Rechtsgrundlage.",
    },
)
