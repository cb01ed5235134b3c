"""What the parking fine is called: its steps, states, fields and rules."""

from typing import Final

from ledger_automation.web.words.vocabulary import Vocabulary

WORDS: Final = Vocabulary(
    steps={
        "record_fine": ("Die Ordnungswidrigkeit wurde aufgenommen.", "Ordnungswidrigkeit aufnehmen"),
        "send_hearing": ("Die Anhörung wurde verschickt.", "Anhörung verschicken"),
        "correct_amount": ("Der Betrag wurde berichtigt.", "Betrag berichtigen"),
        "send_notice": ("Der Bußgeldbescheid wurde verschickt.", "Bußgeldbescheid verschicken"),
        "record_service": ("Der Bußgeldbescheid wurde zugestellt.", "Zustellung vermerken"),
        "appeal_to_authority": ("Einspruch wurde eingelegt.", "Einspruch einlegen"),
        "appeal_to_court": ("Das Gericht wurde angerufen.", "Gericht anrufen"),
        "forward_appeal": ("Der Einspruch wurde weitergeleitet.", "Einspruch weiterleiten"),
        "decide_appeal": ("Über den Einspruch wurde entschieden.", "Über den Einspruch entscheiden"),
        "serve_decision": ("Die Entscheidung wurde zugestellt.", "Entscheidung zustellen"),
        "withdraw_appeal": ("Der Einspruch wurde zurückgenommen.", "Einspruch zurücknehmen"),
        "add_penalty": ("Ein Säumniszuschlag kam hinzu.", "Säumniszuschlag erheben"),
        "record_payment": ("Eine Zahlung ging ein.", "Zahlung buchen"),
        "send_to_collection": ("Der Fall ging in die Vollstreckung.", "In die Vollstreckung geben"),
        "record_collected": ("Der Betrag wurde beigetrieben.", "Beigetriebenen Betrag buchen"),
        "write_off": ("Der Betrag wurde niedergeschlagen.", "Betrag niederschlagen"),
        "cancel_fine": ("Das Verfahren wurde eingestellt.", "Verfahren einstellen"),
        "refund": ("Zu viel Gezahltes wurde erstattet.", "Zu viel Gezahltes erstatten"),
    },
    states={
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
    },
    terms={
        "appeal": "Einspruch einlegen",
        "court": "Gericht anrufen",
        "penalty": "Ohne Säumniszuschlag zahlen",
        "collection": "Ohne Vollstreckung zahlen",
    },
    fields={
        "offence": "Verstoß",
        "hearing_required": "Anhörung vor dem Bußgeldbescheid nötig",
        "appeal_before_notice": "Einspruch vor dem Bußgeldbescheid möglich",
        "appeal_days": "Einspruchsfrist in Tagen",
        "court_directly": "Gericht auch ohne die Behörde",
        "court_days": "Frist für das Gericht in Tagen",
        "court_days_after_decision": "Frist für das Gericht nach der Entscheidung in Tagen",
        "penalty_after_days": "Säumniszuschlag nach so vielen Tagen",
        "collection_after_days": "Vollstreckung nach so vielen Tagen",
        "expense": "Auslagen",
        "batch": "Abgabeliste",
    },
    rules={
        "hearing_first": "Nach diesen Regeln kommt die Anhörung vor dem Bußgeldbescheid (§ 55 OWiG).",
        "notice_sent_once": "Der Bußgeldbescheid ist schon verschickt; seine Auslagen fallen nur einmal an.",
        "notice_first": "Nur ein Bußgeldbescheid, der verschickt wurde, kann zugestellt werden.",
        "served_once": "Der Bußgeldbescheid ist schon zugestellt; seine Fristen beginnen nicht noch einmal.",
        "amount_fixed_after_service": "Nach der Zustellung des Bußgeldbescheids steht der Betrag fest.",
        "nothing_to_appeal_yet": "Es gibt noch keinen Bußgeldbescheid, gegen den sich ein Einspruch richten könnte.",
        "appeal_too_late": "Der Einspruch kam nach dem Ende der Frist, die mit der Zustellung beginnt.",
        "authority_first": "Nach diesen Regeln führt der Weg zum Gericht nur über die Behörde (§ 69 OWiG).",
        "court_appeal_too_late": "Das Gericht muss vor dem Ende der Frist angerufen werden.",
        "forwarded_once": "Der Einspruch ist schon weitergeleitet.",
        "decided_once": "Über den Einspruch ist schon entschieden.",
        "decision_first": "Nur eine Entscheidung, die getroffen wurde, kann zugestellt werden.",
        "nobody_decides_in_own_case": (
            "Über das Bußgeld entscheidet weder, wer es aufgenommen hat, noch, wer betroffen ist."
        ),
        **dict.fromkeys(
            (f"{action}.nobody_decides_in_own_case" for action in ("correct_amount", "forward_appeal", "write_off")),
            "Wer vom Bußgeld betroffen ist, darf es nicht ändern, weiterleiten oder niederschlagen.",
        ),
        "no_penalty_in_these_rules": "Diese Regeln kennen keinen Säumniszuschlag.",
        "penalty_once": "Der Säumniszuschlag ist schon erhoben.",
        "penalty_below_amount": (
            "Der Säumniszuschlag ersetzt den Betrag durch einen höheren, nie durch einen niedrigeren."
        ),
        "penalty_too_early": (
            "Der Säumniszuschlag kommt nicht vor seinem Tag hinzu, der von der Zustellung an gezählt wird."
        ),
        "collection_too_early": (
            "Die Vollstreckung beginnt erst nach den Fristen, die mit Zustellung und Entscheidung beginnen."
        ),
        "refund_is_what_was_overpaid": "Erstattet wird genau das, was zu viel gezahlt wurde, und nur einmal.",
        "suspended_by_appeal": "Ein rechtzeitiger Einspruch hält Säumniszuschlag und Vollstreckung auf.",
        "no_appeal_pending": "Es liegt kein Einspruch vor, der zu bearbeiten wäre.",
        "one_appeal_at_a_time": "Ein Einspruch läuft schon; einen zweiten gibt es nicht.",
        "not_served_yet": "Vorher muss der Bußgeldbescheid zugestellt sein.",
        "in_collection_already": "Der Fall ist in der Vollstreckung; die Behörde unternimmt nichts mehr.",
        "nothing_after_settled": (
            "Was zu zahlen war, ist bezahlt oder niedergeschlagen; es folgt höchstens eine Erstattung."
        ),
        "nothing_after_dismissed": "Das Verfahren ist eingestellt; es folgt höchstens eine Erstattung.",
        "payment_although_settled": "Es ist nichts mehr zu zahlen; jede Zahlung wäre zu viel.",
        "payment_after_collection": "Der Fall ist in der Vollstreckung; sie nimmt die Zahlung entgegen.",
        "collection_although_settled": "Nur ein Bußgeld, das noch nicht erledigt ist, geht in die Vollstreckung.",
    },
)
