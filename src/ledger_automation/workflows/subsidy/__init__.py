"""The subsidy: a programme, an application, a grant, its tranches, the proof of their use, and what is asked back.

The workflow of the finance office, along the general terms of German grants (ANBest-P; § 44 LHO M-V), for the case that
this project exists for: the Hansestadt Wismar's application to "Modellprojekte Smart Cities" of 2019 (VO/2019/3113).

A tranche goes its own way inside the case: requested -> approved -> disbursed -> proven -> accepted | partly reclaimed
-> repaid. Every euro of the grant is in one of three places, to the cent: grant = disbursed + open + cancelled.
The invariants TR1-TR9 are guards with names, e.g. ``beyond_grant``, ``tranche_once``, ``conditions_open``,
``own_funds_first``, ``beyond_rate_of_proven``, ``order_and_payment_apart`` (who orders does not pay). Nobody decides in
his own case, or acts as applicant in another's. After revocation or closure nothing follows but reclaim and repayment.
Rounding is `money.share_of`.

Read `table` first; `guards` are the rules in words, `steps` what changes, `case` what is remembered; `findings` says
what an auditor would want to know about a case that broke no rule.
"""

from ledger_automation.workflows.subsidy.case import Grant, Subsidy, Tranche
from ledger_automation.workflows.subsidy.findings import Finding, findings
from ledger_automation.workflows.subsidy.payloads import Programme, Rules
from ledger_automation.workflows.subsidy.table import WORKFLOW

__all__ = ["WORKFLOW", "Finding", "Grant", "Programme", "Rules", "Subsidy", "Tranche", "findings"]
