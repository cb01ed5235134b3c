"""Papers of cases: facts in, bytes out. German, printable, readable by machines, the same bytes for the same facts.

    notice        the office's letter about a step: what was decided, until when one may object
    receipt       a case's receipt as a page to keep: the verdict in a sentence, the steps, the code to check it with
    proof_of_use  the proof of use of a grant in its three parts, with the account as JSON inside (PDF/A-3b)
    council       the council's paper on a grant: a report, or what it is to resolve
    spreadsheet   tranches and vouchers as a table that a German spreadsheet opens (CSV), and never as a formula

    decisions     reads off a case's events what a notice says
    script        which characters a paper shows; figures and days in German
    typesetting   the only home of typst
    templates     one a paper, and `letter`, which all share

A paper is pure: no clock, no database, no network, no font of the machine. Its date is a fact. No text of a case is
ever read as markup: it travels as data (`typesetting`). What a paper says of a case is what its caller read; it proves
nothing by itself, and each says that it is a demonstrator's.
"""
