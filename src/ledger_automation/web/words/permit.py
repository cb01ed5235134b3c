"""What the permit is called: its steps, states, fields and rules."""

from typing import Final

from ledger_automation.web.words.vocabulary import Vocabulary

WORDS: Final = Vocabulary(
    steps={
        "submit_application": ("Der Antrag ging ein.", "Antrag stellen"),
        "acknowledge": ("Der Eingang wurde bestätigt.", "Eingang bestätigen"),
        "draft_letter": ("Ein Schreiben wurde entworfen.", "Schreiben entwerfen"),
        "check_letter": ("Das Schreiben wurde geprüft.", "Schreiben prüfen"),
        "revise_letter": ("Das Schreiben wurde überarbeitet.", "Schreiben überarbeiten"),
        "determine_letter": ("Das Schreiben wurde freigegeben.", "Schreiben freigeben"),
        "send_letter": ("Das Schreiben wurde verschickt.", "Schreiben verschicken"),
        "request_documents": ("Unterlagen wurden nachgefordert.", "Unterlagen nachfordern"),
        "supplement_documents": ("Unterlagen wurden nachgereicht.", "Unterlagen nachreichen"),
        "determine_advice_need": (
            "Es wurde festgestellt, ob eine Stellungnahme nötig ist.",
            "Bedarf an Stellungnahmen feststellen",
        ),
        "request_advice": ("Eine Stellungnahme wurde angefordert.", "Stellungnahme anfordern"),
        "receive_advice": ("Eine Stellungnahme ging ein.", "Stellungnahme aufnehmen"),
        "determine_hold": (
            "Es wurde festgestellt, ob das Verfahren ausgesetzt werden muss.",
            "Notwendigkeit einer Aussetzung feststellen",
        ),
        "extend_term": ("Die Bearbeitungsfrist wurde verlängert.", "Bearbeitungsfrist verlängern"),
        "propose_decision": ("Eine Entscheidung wurde vorgeschlagen.", "Entscheidung vorschlagen"),
        "grant": ("Die Genehmigung wurde erteilt.", "Genehmigung erteilen"),
        "refuse": ("Der Antrag wurde abgelehnt.", "Antrag ablehnen"),
        "withdraw": ("Der Antrag wurde zurückgenommen.", "Antrag zurücknehmen"),
        "notify": ("Der Bescheid wurde bekanntgegeben.", "Bescheid bekanntgeben"),
        "object": ("Widerspruch wurde eingelegt.", "Widerspruch einlegen"),
        "remedy_objection": ("Dem Widerspruch wurde abgeholfen.", "Dem Widerspruch abhelfen"),
        "reject_objection": ("Der Widerspruch wurde zurückgewiesen.", "Widerspruch zurückweisen"),
        "enter_into_force": ("Die Genehmigung ist in Kraft getreten.", "Genehmigung in Kraft setzen"),
        "close_refusal": ("Die Ablehnung wurde bestandskräftig.", "Bestandskraft der Ablehnung feststellen"),
        "expire": ("Die Genehmigung ist abgelaufen.", "Ablauf der Genehmigung feststellen"),
        "revoke": ("Die Genehmigung wurde widerrufen.", "Genehmigung widerrufen"),
    },
    states={
        "submitted": "Antrag eingegangen",
        "acknowledged": "Eingang bestätigt",
        "granted": "Genehmigung erteilt",
        "refused": "Antrag abgelehnt",
        "withdrawn": "Antrag zurückgenommen",
        "notified": "Bescheid bekanntgegeben",
        "objected": "Widerspruch eingelegt",
        "in_force": "Genehmigung in Kraft",
        "refusal_final": "Ablehnung bestandskräftig",
        "expired": "Genehmigung abgelaufen",
        "revoked": "widerrufen",
    },
    terms={
        "decision": "Entscheidung über den Antrag",
        "objection": "Widerspruch einlegen",
        "validity": "Ende der Genehmigung",
    },
    fields={
        "subject": "Gegenstand",
        "documents": "Unterlagen",
        "name": "Name der Unterlage",
        "version": "Fassung",
        "sha256": "Prüfsumme (SHA-256)",
        "planned_days": "Bearbeitungsfrist in Tagen",
        "four_eyes": "Vier-Augen-Prinzip",
        "objection_months": "Widerspruchsfrist in Monaten",
        "missing": "Was fehlt",
        "paper": "Schreiben",
        "needed": "Nötig",
        "determine_advice_need.needed": "Stellungnahme ist nötig",
        "determine_hold.needed": "Verfahren muss ausgesetzt werden",
        "parties": "Wer gefragt wird",
        "party": "Wer Stellung nimmt",
        "kind": "Art der Stellungnahme",
        "until": "Neues Ende der Frist",
        "valid_until": "Gültig bis",
        "conditions": "Nebenbestimmungen",
    },
    rules={
        "applicant_unknown": "Wenn die Behörde einen Antrag aufnimmt, muss sie nennen, wer ihn stellt.",
        "rules_are_the_offices": (
            "Wer für sich selbst einen Antrag stellt, tut das nach den Regeln der Behörde; andere setzt die "
            "Sachbearbeitung fest."
        ),
        "document_version_fixed": (
            "Eine Fassung einer Unterlage ändert sich nie; für eine Änderung braucht es eine neue Fassung."
        ),
        "documents_not_requested": (
            "Unterlagen werden auf Anforderung nachgereicht oder von der antragstellenden Person."
        ),
        "draft_first": (
            "Ein Schreiben wird entworfen, bevor es geprüft wird; nur die Eingangsbestätigung entwirft das System."
        ),
        "check_first": "Ein Schreiben wird geprüft, bevor es überarbeitet oder freigegeben wird.",
        "determination_first": "Ein Schreiben wird freigegeben, bevor es verschickt wird.",
        "acknowledge.determination_first": (
            "Eine Eingangsbestätigung, die noch geprüft wird, muss freigegeben werden, bevor sie verschickt wird."
        ),
        "letter_sent_already": "Ein verschicktes Schreiben ändert sich nicht mehr.",
        "advice_need_first": (
            "Ob das Verfahren ausgesetzt werden muss, wird erst nach dem Bedarf an Stellungnahmen festgestellt."
        ),
        "advice_not_requested": "Eine Stellungnahme von einer anderen Stelle muss vorher angefordert sein.",
        "extension_not_later": "Die verlängerte Frist muss nach der bisherigen enden.",
        "extend_term.calendar_unknown": (
            "Die verlängerte Frist muss in einem Jahr enden, für das sich Fristen berechnen lassen."
        ),
        "extension_too_late": "Eine Frist wird verlängert, bevor sie endet.",
        "documents_missing": "Nachgeforderte Unterlagen fehlen noch; erst müssen sie da sein.",
        "advice_missing": "Angeforderte Stellungnahmen fehlen noch; erst müssen sie da sein.",
        "four_eyes": "Eine Person schlägt die Entscheidung vor, eine andere trifft sie.",
        **dict.fromkeys(
            ("remedy_objection.four_eyes", "reject_objection.four_eyes"),
            "Wer die Entscheidung getroffen hat, entscheidet nicht über den Widerspruch gegen sie.",
        ),
        "valid_until_past": "Eine Genehmigung muss nach der Entscheidung enden, mit der sie erteilt wird.",
        "objection_decided": "Über den Widerspruch ist schon entschieden.",
        "objection_too_late": "Der Widerspruch kam nach dem Ende der Frist, die mit der Bekanntgabe beginnt.",
        "objection_term_running": "Die Frist für den Widerspruch läuft noch.",
        "not_granted": "Nur eine erteilte Genehmigung kann in Kraft treten, ablaufen oder widerrufen werden.",
        "not_refused": "Nur eine Ablehnung wird auf diesem Weg bestandskräftig.",
        "not_expired_yet": "Eine Genehmigung läuft genau mit ihrer letzten Sekunde ab, nicht vorher.",
        "expired_at_that_second": (
            "Zu diesem Zeitpunkt war die Genehmigung schon abgelaufen; sie kann nicht mehr in Kraft treten und "
            "nicht widerrufen werden."
        ),
        "decided_already": "Über den Antrag ist entschieden; seine Prüfung ist vorbei.",
        "nothing_after_the_end": "Der Fall ist beendet.",
    },
)
