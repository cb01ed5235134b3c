"""The parking fine: recorded, noticed, served, contested, raised, paid, collected.

Modelled on the Road Traffic Fine Management log (de Leoni & Mannhardt, doi 10.4121/uuid:270fd440-...), which runs by
Italian law, and on the German procedure (OWiG). What differs between them is a `Rules` value that the opening step
carries, so it is committed with the case:

                      German (default)                            Italian
    hearing first     yes, § 55 OWiG                              no
    appeal            objection, 14 days from service, § 67 OWiG  60 days to the prefect, art. 203 CdS
    term moves        off weekends and holidays, § 43 (2) StPO    no
    court             after the authority's decision              directly, 60 days, art. 204-bis CdS
    penalty           none                                        a tariff from day 60 after service, art. 203 (3) CdS

due = amount + expense; a penalty *replaces* the amount, it is no factor. The state follows from the facts (`standing`):
what was served and contested decides the rung, what was paid decides whether the case has ended. Invariants, each a
named rule: an appeal in time suspends escalation; the amount is fixed after service; nothing after settled or dismissed
but a refund; a refund happens once. Whose car it was is no part of a case: no plate, no name, no address; whoever first
acts as applicant is the person concerned, alone appeals from then on, and decides nothing in the case.

Read `table` first; `guards` holds the rules in words, `steps` what each step changes, `case` what is remembered.
"""

from ledger_automation.workflows.parking_fine.case import ITALIAN, Fine, Rules
from ledger_automation.workflows.parking_fine.table import WORKFLOW

__all__ = ["ITALIAN", "WORKFLOW", "Fine", "Rules"]
