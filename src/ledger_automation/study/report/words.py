"""All words of the report, each in German and in English; what is measured and what it is called stands in `record`.

A key of a kind and a name (``workflow.permit``) names a thing of the report; ``.one`` and ``.many`` are for one
and for many. What stands in braces is filled in by `Language.say`.
"""

from typing import Final

from ledger_automation.verify.verdict import Sentence

LANGUAGES: Final = ("de", "en")

_FRAME: Final = {
    "title": ("Braucht die Stadt eine Blockchain?", "Does the town need a blockchain?"),
    "subtitle": (
        "Bericht der Machbarkeitsstudie: gemessen, mit jedem Befehl zum Nachmessen.",
        "Report of the feasibility study: measured, with every command to measure it again.",
    ),
    "skip": ("Zum Inhalt", "Skip to content"),
    "contents": ("Inhalt", "Contents"),
    "other": ("This report in English", "Dieser Bericht auf Deutsch"),
    "footer": (
        "Alle Zahlen stehen in report.json; daraus ist dieser Bericht gezeichnet, ohne eine Zahl von Hand.",
        "All figures stand in report.json; this report is drawn from it, with no figure by hand.",
    ),
    "not_measured": ("nicht gemessen", "not measured"),
    "not_measured.sentence": ("Das wurde nicht gemessen.", "This was not measured."),
    "not_measured.named": ("{what}: nicht gemessen.", "{what}: not measured."),
    "not_measured.groups": ("Nicht gemessen: {groups}.", "Not measured: {groups}."),
    "not_stated": ("Nicht angegeben.", "Not stated."),
    "and": ("und", "and"),
    "yes": ("ja", "yes"),
    "no": ("nein", "no"),
    "from_to": ("{low} bis {high}", "{low} to {high}"),
    "almost_all": ("> 99", "> 99"),
    "of": ("{n} von {total}", "{n} of {total}"),
    "scroll": ("Tabelle, seitlich verschiebbar: {caption}", "Table, scrolls sideways: {caption}"),
    "scroll.plot": ("Diagramm, seitlich verschiebbar: {caption}", "Chart, scrolls sideways: {caption}"),
    "same_figures": ("Dieselben Zahlen als Tabelle", "The same figures as a table"),
    "command_number": ("Befehl {n}", "Command {n}"),
}

_SECTIONS: Final = {
    "section.answer": ("Die Antwort", "The answer"),
    "section.method": ("Wie gemessen wurde", "How it was measured"),
    "section.figures": ("Was gemessen wurde", "What was measured"),
    "section.growth": ("Wie es mit dem Protokoll wächst", "How it grows with the log"),
    "section.tampering": ("Welche Manipulation auffällt", "Which tampering is noticed"),
    "section.replays": ("Die echten Protokolle", "The real logs"),
    "section.repeated": ("An zwei Tagen gemessen", "Measured on two days"),
    "section.omitted": ("Was fehlt, und warum", "What is missing, and why"),
    "section.commands": ("Befehle zum Nachmessen", "Commands to measure it again"),
    "commands.intro": (
        "Jede Tabelle nennt in ihrer letzten Spalte die Nummer des Befehls, der ihre Zahlen noch einmal erzeugt.",
        "Each table names, in its last column, the number of the command that makes its figures again.",
    ),
    "commands.caption": ("Die Befehle", "The commands"),
}

_COLUMNS: Final = {
    "column.step": ("Schritt", "Step"),
    "column.enough": ("Was am günstigsten genügt", "The cheapest that is enough"),
    "column.chain": ("Blockchain?", "Blockchain?"),
    "column.cost": ("€ je Fall", "€ per case"),
    "column.cost_spread": ("Spanne der Kosten", "Range of costs"),
    "column.hosting": ("Betrieb", "Hosting"),
    "column.storage": ("Speicher", "Storage"),
    "column.timestamps": ("Zeitstempel", "Timestamps"),
    "column.gas": ("Gas", "Gas"),
    "column.total": ("zusammen", "Together"),
    "column.reasons": ("Gründe", "Reasons"),
    "column.workflow": ("Ablauf", "Workflow"),
    "column.steps": ("Schritte", "Steps"),
    "column.without": ("ohne Blockchain", "without blockchain"),
    "column.with": ("mit Blockchain", "with blockchain"),
    "column.nothing": ("nichts genügt", "nothing is enough"),
    "column.what": ("Was", "What"),
    "column.value": ("Wert", "Value"),
    "column.source": ("Quelle", "Source"),
    "column.date": ("Stand", "As of"),
    "column.system": ("System", "System"),
    "column.durability": ("Wann etwas als gespeichert gilt", "When something counts as stored"),
    "column.measure": ("Messgröße", "Measure"),
    "column.store": ("Datenbank", "Database"),
    "column.load": ("Last", "Load"),
    "column.median": ("Median", "Median"),
    "column.spread": ("Spanne der Runden", "Range of rounds"),
    "column.rounds": ("Runden", "Rounds"),
    "column.command": ("Befehl", "Command"),
    "column.number": ("Nr.", "No."),
    "column.attack": ("Angriff", "Attack"),
    "column.adversary": ("Täter", "Adversary"),
    "column.detected": ("erkannt", "detected"),
    "column.share": ("Anteil", "Share"),
    "column.state": ("Zustand", "State"),
    "column.p99": ("99 % (Median der Runden)", "99 % (median of rounds)"),
    "column.clients": ("Clients", "Clients"),
    "column.events": ("Ereignisse", "Events"),
    "column.slope": ("Steigung", "Slope"),
    "column.read": ("gelesen", "read"),
    "column.accepted": ("angenommen", "accepted"),
    "column.ignored": ("übergangen", "ignored"),
    "column.refused": ("abgelehnt", "refused"),
    "column.workload": ("Arbeitslast", "Workload"),
    "column.earlier": ("früher", "earlier"),
    "column.later": ("später", "later"),
    "column.moved": ("Änderung", "Change"),
    "column.why": ("Warum", "Why"),
}

_ANSWER: Final = {
    "answer.absent": (
        "Es gibt noch keine Antwort: Die Schritte wurden nicht bewertet.",
        "There is no answer yet: the steps were not judged.",
    ),
    "answer.unequal": (
        "Achtung: Die Systeme haben dieselben Protokolle verschieden gezählt; die Antwort ist damit nicht belegt.",
        "Attention: the systems counted the same logs differently; the answer is therefore not supported.",
    ),
    "answer.overview": ("Schritte je Ablauf", "Steps per workflow"),
    "answer.caption": (
        "{workflow}: Schritt für Schritt, was am günstigsten genügt",
        "{workflow}: step by step, the cheapest that is enough",
    ),
    "answer.total": ("Zusammen", "Together"),
    "answer.none": ("keines der gemessenen", "none of those measured"),
    "answer.reasons.one": ("{n} Grund", "{n} reason"),
    "answer.reasons.many": ("{n} Gründe", "{n} reasons"),
    "tally.with": ("brauchen eine Blockchain", "need a blockchain"),
    "tally.without": ("kommen ohne sie aus", "do without it"),
    "tally.nothing": ("erfüllt kein gemessenes System", "are met by no measured system"),
}

_METHOD: Final = {
    "method.about": ("Maschine, Stand und Zeit", "Machine, version and time"),
    "method.durability": ("Dauerhaftigkeit", "Durability"),
    "method.beside": ("Was auf denselben Kernen mitlief", "What ran on the same cores"),
    "method.beside.none": ("Zu keiner Zahl ist angegeben, dass etwas mitlief.", "No figure states that anything ran."),
    "method.beside.figures.one": ("bei {n} Zahl", "for {n} figure"),
    "method.beside.figures.many": ("bei {n} Zahlen", "for {n} figures"),
    "method.prices": ("Preise, mit Quelle und Stand", "Prices, with source and date"),
    "method.facts": ("Was nicht gemessen, sondern erklärt wurde", "What was declared, not measured"),
}

_DECLARED: Final = {
    "declared.machine": ("Maschine", "Machine"),
    "declared.commit": ("Stand der Quellen (Commit)", "Version of the sources (commit)"),
    "declared.seed": ("Startwert des Zufalls", "Seed of chance"),
    "declared.moment": ("Zeitpunkt", "Moment"),
    "declared.seconds": ("Dauer in Sekunden", "Duration in seconds"),
    "declared.cpu": ("Prozessor", "Processor"),
    "declared.cores": ("Kerne", "Cores"),
    "declared.system": ("Betriebssystem", "Operating system"),
    "declared.python": ("Python", "Python"),
    "declared.sqlite": ("SQLite", "SQLite"),
    "declared.chain": ("gewählte Blockchain", "chosen blockchain"),
    "declared.authority": ("gewählter Zeitstempeldienst", "chosen time-stamping authority"),
    "declared.tokens_day": ("Zeitstempel je Tag", "timestamps per day"),
    "declared.ether_eur": ("ein Ether in €", "one ether in €"),
    "declared.hosting": ("Betrieb", "hosting"),
    "declared.machine_eur_month": ("Rechner in € je Monat", "machine in € per month"),
    "declared.database_eur_month": ("Datenbank in € je Monat", "database in € per month"),
    "declared.storage_eur_gb_month": ("ein Gigabyte in € je Monat", "a gigabyte in € per month"),
    "declared.chains": ("Blockchain", "blockchain"),
    "declared.kind": ("Art", "kind"),
    "declared.one_hand": ("in einer Hand", "in one hand"),
    "declared.gas_gwei": ("Gas in Gwei", "gas in gwei"),
    "declared.nodes": ("bezahlte Knoten", "nodes paid for"),
    "declared.node_eur_month": ("ein Knoten in € je Monat", "a node in € per month"),
    "declared.authorities_eur_token": ("ein Zeitstempel in €", "a timestamp in €"),
    "declared.cases_year": ("Fälle im Jahr", "cases a year"),
    "declared.permit": ("Baugenehmigung", "Building permit"),
    "declared.subsidy": ("Förderung", "Subsidy"),
    "declared.parking_fine": ("Parkbußgeld", "Parking fine"),
    "declared.town": ("Stadt", "Town"),
    "declared.declared": ("erklärt am", "declared on"),
    "declared.default": ("jeder Schritt", "every step"),
    "declared.writers": ("Stellen, die schreiben", "organisations that write"),
    "declared.writers_known": ("alle bekannt", "all known"),
    "declared.writers_trusted": ("trauen einander", "trust each other"),
    "declared.third_party": ("ein Dritter, dem alle trauen", "a third party whom all trust"),
    "declared.public": ("jeder muss prüfen können", "anybody must be able to verify"),
    "declared.distrusted": ("stärkster Täter, vor dem geschützt wird", "strongest adversary to be safe from"),
    "declared.prevented": ("muss unmöglich sein", "must be impossible"),
    "declared.noticed_within_hours": ("muss auffallen binnen (Stunden)", "must be noticed within (hours)"),
    "declared.survives_operator": ("Beweise überdauern den Betreiber", "evidence outlives the operator"),
    "declared.held_outside": ("Belege liegen außer Haus", "receipts are held outside"),
}

_FIGURES: Final = {
    "figures.overview": ("Auf einen Blick", "At a glance"),
    "figures.unbound": ("Ohne Bezug auf einen Ablauf", "Without reference to a workflow"),
    "figures.caption": ("{workflow}: {group}", "{workflow}: {group}"),
    "group.latency": ("Zeit bis zu jedem Zustand", "Time to each state"),
    "group.throughput": ("Durchsatz", "Throughput"),
    "group.storage": ("Speicher", "Storage"),
    "group.gas": ("Gas", "Gas"),
    "group.audit": ("Prüfung und Nachweise", "Audit and proofs"),
    "group.other": ("Weiteres", "Further figures"),
    "load.clients.one": ("{n} Client", "{n} client"),
    "load.clients.many": ("{n} Clients", "{n} clients"),
    "load.rate.one": ("{n} Schritt/s angeboten", "{n} step/s offered"),
    "load.rate.many": ("{n} Schritte/s angeboten", "{n} steps/s offered"),
    "load.events.one": ("Protokoll mit {n} Ereignis", "log of {n} event"),
    "load.events.many": ("Protokoll mit {n} Ereignissen", "log of {n} events"),
    "load.beside": ("daneben: {what}", "beside: {what}"),
    "unit.events/s": ("Ereignisse/s", "events/s"),
    "unit.ms": ("ms", "ms"),
    "unit.s": ("s", "s"),
    "unit.bytes/event": ("Byte/Ereignis", "bytes/event"),
    "unit.gas/event": ("Gas/Ereignis", "gas/event"),
    "unit.gas/case": ("Gas/Fall", "gas/case"),
    "unit.events/case": ("Ereignisse/Fall", "events/case"),
    "unit.bytes": ("Byte", "bytes"),
    "unit.leaves/s": ("Blätter/s", "leaves/s"),
    "workflow.permit": ("Baugenehmigung", "Building permit"),
    "workflow.subsidy": ("Förderung", "Subsidy"),
    "workflow.parking_fine": ("Parkbußgeld", "Parking fine"),
    "workflow.log": ("Protokoll selbst", "The log itself"),
    "store.sqlite": ("SQLite", "SQLite"),
    "store.postgresql": ("PostgreSQL", "PostgreSQL"),
    "state.recorded": ("gespeichert", "recorded"),
    "state.logged": ("im Protokoll", "logged"),
    "state.stamped": ("gestempelt", "timestamped"),
    "state.anchored": ("verankert", "anchored"),
    "state.final": ("endgültig", "final"),
}

_PLOTS: Final = {
    "plot.frontier": ("Was Beweiskraft kostet", "What evidence costs"),
    "plot.frontier.x": ("Kosten je Fall in €", "Cost per case in €"),
    "plot.frontier.y": ("erkannte Angriffe in %", "attacks detected in %"),
    "plot.frontier.line": ("Grenze: mehr gibt es zu diesem Preis nicht", "frontier: no more is had at this price"),
    "plot.frontier.point": ("{system} ({cost}, {share})", "{system} ({cost}, {share})"),
    "plot.frontier.says": (
        "Mehr erkannte Angriffe gibt es zu diesen Preisen nicht: {points}.",
        "At these prices no more attacks are detected: {points}.",
    ),
    "plot.frontier.beaten": (
        "Teurer, ohne mehr zu erkennen, oder zum selben Preis schwächer: {points}.",
        "Dearer without detecting more, or weaker at the same price: {points}.",
    ),
    "plot.latency": ("Zeit bis zu jedem Zustand", "Time to each state"),
    "plot.latency.x": (
        "Millisekunden: Zeichen = Median, Strich bis 99 %",
        "milliseconds: mark = median, line up to 99 %",
    ),
    "plot.latency.says": (
        "{state}: am schnellsten {fastest} mit {low}, am langsamsten {slowest} mit {high} (Median).",
        "{state}: fastest {fastest} with {low}, slowest {slowest} with {high} (median).",
    ),
    "plot.latency.only": ("{state}: nur {system}, {value} (Median).", "{state}: only {system}, {value} (median)."),
    "plot.throughput": ("Durchsatz nach Zahl der Clients", "Throughput by number of clients"),
    "plot.throughput.x": ("Clients zugleich", "clients at once"),
    "plot.throughput.y": (
        "Ereignisse/s (Strich: Spanne der Runden)",
        "events/s (line: range of rounds)",
    ),
    "plot.throughput.one": (
        "{system}: {high} mit {most} Clients.",
        "{system}: {high} with {most} clients.",
    ),
    "plot.throughput.says": (
        "{system}: {low} mit {least} und {high} mit {most} Clients.",
        "{system}: {low} with {least} and {high} with {most} clients.",
    ),
    "plot.growth": ("Wachstum: {measure}", "Growth: {measure}"),
    "plot.growth.x": ("Ereignisse im Protokoll", "events in the log"),
    "plot.growth.y": ("{measure} in {unit}", "{measure} in {unit}"),
    "plot.growth.legend": ("{system} (Steigung {slope})", "{system} (slope {slope})"),
    "plot.growth.says": ("{system} {how} (Steigung {slope}).", "{system} {how} (slope {slope})."),
    "euro": ("{amount} €", "€{amount}"),
    "cost.caption": ("{workflow}: Kosten je Fall in €", "{workflow}: cost per case in €"),
    "cost.missing": ("unbekannt, denn es fehlt: {what}", "unknown, for want of: {what}"),
    "plot.setting": ("Gezeigt: {setting}.", "Shown: {setting}."),
    "growth.intro": (
        "Steigung 0 heißt: gleich, wie groß das Protokoll auch ist. Steigung 1 heißt: Es wächst mit ihm.",
        "Slope 0 means: the same however large the log is. Slope 1 means: it grows with the log.",
    ),
    "growth.falls": ("fällt mit dem Protokoll", "falls with the log"),
    "growth.constant": ("bleibt gleich", "stays the same"),
    "growth.slower": ("wächst langsamer als das Protokoll", "grows slower than the log"),
    "growth.linear": ("wächst mit dem Protokoll", "grows with the log"),
    "growth.faster": ("wächst schneller als das Protokoll", "grows faster than the log"),
}

_TAMPERING: Final = {
    "tampering.intro": (
        "Jeder Angriff wurde wirklich ausgeführt. ●\xa0heißt: alle erkannt. ◐\xa0heißt: ein Teil. ○\xa0heißt: keiner.",
        "Every attack was really carried out. ●\xa0means: all detected. ◐\xa0means: some. ○\xa0means: none.",
    ),
    "tampering.summary": ("Erkannte Angriffe je Täter und System", "Attacks detected, by adversary and system"),
    "tampering.matrix": ("Jeder Angriff im Einzelnen, {store}", "Every attack by itself, {store}"),
    "tampering.untried": ("nicht versucht", "not tried"),
    "tampering.all": ("alle, {of}", "all, {of}"),
    "tampering.some": ("teils, {of}", "some, {of}"),
    "tampering.none": ("keiner, {of}", "none, {of}"),
    "tampering.by": ("{by}, {seconds} s", "{by}, {seconds} s"),
    "tampering.place": ("benannt {named}, verortet {located}", "named {named}, located {located}"),
    "adversary.clerk": ("Sachbearbeitung", "clerk"),
    "adversary.administrator": ("Verwaltung der Datenbank", "database administrator"),
    "adversary.operator": ("Betreiber mit allen Schlüsseln", "operator with every key"),
    "by.system": ("vom System abgelehnt", "refused by the system"),
    "by.auditor": ("durch Prüfung", "by an audit"),
    "by.applicant": ("durch einen Beleg", "by a receipt"),
    "by.chain": ("durch die Blockchain", "by the blockchain"),
    "by.": ("durch niemanden", "by nobody"),
}

_CHECKS: Final = {
    "replays.caption": ("{log}: was jedes System daraus machte", "{log}: what each system made of it"),
    "replays.equal.many": (
        "{log}: Alle {n} Läufe kamen zu denselben Zahlen.",
        "{log}: all {n} runs came to the same counts.",
    ),
    "replays.equal.one": (
        "{log}: Nur ein Lauf; es gibt nichts zu vergleichen.",
        "{log}: one run only; there is nothing to compare it with.",
    ),
    "replays.unequal": (
        "Achtung, {log}: Die Läufe kamen zu verschiedenen Zahlen bei: {what}. Das darf nicht sein.",
        "Attention, {log}: the runs came to different counts of: {what}. This must not be.",
    ),
    "replays.rules.one": ("{n} Regel", "{n} rule"),
    "replays.rules.many": ("{n} Regeln", "{n} rules"),
    "replays.rule": ("{rule}: {n}", "{rule}: {n}"),
    "repeated.caption": (
        "Derselbe Median an zwei Tagen, und wie weit er sich bewegte",
        "The same median on two days, and how far it moved",
    ),
    "repeated.most": (
        "Am weitesten bewegte sich: {measure}, {system}, um {moved}.",
        "What moved furthest: {measure}, {system}, by {moved}.",
    ),
    "omitted.caption": ("Weggelassen", "Left out"),
    "omitted.nothing": ("Es ist nichts als weggelassen angegeben.", "Nothing is stated as left out."),
}

WORDS: Final = {
    key: Sentence(de, en)
    for part in (_FRAME, _SECTIONS, _COLUMNS, _ANSWER, _METHOD, _DECLARED, _FIGURES, _PLOTS, _TAMPERING, _CHECKS)
    for key, (de, en) in part.items()
}
"""Every word by its key."""
