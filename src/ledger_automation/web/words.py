"""What steps and states are called on pages: German words, translated by the catalogues like every other text.

Only what a letter's reader may meet: a fine before it names anybody, and a programme that is open. Every row of those
tables has its word, and so has every state; a test holds it.
"""

from typing import Final

STEPS: Final = {
    "record_fine": "Die Ordnungswidrigkeit wurde aufgenommen.",
    "send_hearing": "Die Anhörung wurde verschickt.",
    "correct_amount": "Der Betrag wurde berichtigt.",
    "send_notice": "Der Bußgeldbescheid wurde verschickt.",
    "record_service": "Der Bußgeldbescheid wurde zugestellt.",
    "appeal_to_authority": "Einspruch wurde eingelegt.",
    "appeal_to_court": "Das Gericht wurde angerufen.",
    "forward_appeal": "Der Einspruch wurde weitergeleitet.",
    "decide_appeal": "Über den Einspruch wurde entschieden.",
    "serve_decision": "Die Entscheidung wurde zugestellt.",
    "withdraw_appeal": "Der Einspruch wurde zurückgenommen.",
    "add_penalty": "Ein Säumniszuschlag kam hinzu.",
    "record_payment": "Eine Zahlung ging ein.",
    "send_to_collection": "Der Fall ging in die Vollstreckung.",
    "record_collected": "Der Betrag wurde beigetrieben.",
    "write_off": "Der Betrag wurde niedergeschlagen.",
    "cancel_fine": "Das Verfahren wurde eingestellt.",
    "refund": "Zu viel Gezahltes wurde erstattet.",
    "open_programme": "Das Förderprogramm wurde geöffnet.",
}

STATES: Final = {
    "recorded": "aufgenommen",
    "hearing_sent": "Anhörung verschickt",
    "notice_sent": "Bescheid verschickt",
    "notified": "Bescheid zugestellt",
    "penalty_added": "Säumniszuschlag erhoben",
    "appealed_to_authority": "Einspruch bei der Behörde",
    "appealed_to_court": "bei Gericht",
    "in_collection": "in der Vollstreckung",
    "settled": "bezahlt",
    "overpaid": "zu viel bezahlt",
    "dismissed": "eingestellt",
    "written_off": "niedergeschlagen",
    "programme_open": "offen für Anträge",
}
