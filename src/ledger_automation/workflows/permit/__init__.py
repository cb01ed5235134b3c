"""The permit: submitted, acknowledged, reviewed on two branches, decided, notified, contested, in force, expired.

Modelled on the receipt phase of an environmental permit (WABO receipt log, J. Buijs, 4TU.ResearchData, doi
10.4121/uuid:a07386a5-7be3-4367-9535-70bc9e77dbe6) and on building permits (BPI Challenge 2015). Two branches run side
by side there, in every order: the completeness of the documents and the need for advice. They are milestones in the
data of one case, not states in an invented order; a decision needs both branches closed. Letters go through one cycle,
as in the log (T02-T05, T11-T15, T16-T20): drafted, checked, revised, determined, sent.

What is policy stands in `Rules` and is committed with the case: the planned term (56 days in the log; 377 of 1,329
finished cases exceeded it, so it is a finding and no bar), four eyes on the decision (on by default; 57 % of the log's
cases have one officer), the objection's month (§ 70 VwGO). Who applies for himself takes the office's policy as it is.
What is law is not policy: nobody decides in his own case, nor acts as applicant in another's; a document's version
never changes its hash; a permit ends at its exact second.

Read `table` first; `guards` holds the rules in words, `steps` what each step changes, `case` what is remembered.
"""

from ledger_automation.workflows.permit.case import Application, Permit, Rules, is_valid
from ledger_automation.workflows.permit.table import WORKFLOW

__all__ = ["WORKFLOW", "Application", "Permit", "Rules", "is_valid"]
