"""A new key of the log, announced in the log before it signs (R19).

The announcement is an event of the log's own case, and the checkpoint that covers it is still signed by the old key: so
the old key vouches for the new one, and whoever pinned the old key finds the new one by an inclusion proof. After that
the files may change places; this module touches none.
"""

from ledger_automation.audit.event import log_case_id
from ledger_automation.orchestrator.ports import Begin
from ledger_automation.orchestrator.seal import seal
from ledger_automation.orchestrator.sequence import record_heartbeat
from ledger_automation.orchestrator.transition import Intent, Recorder, Standing, advance
from ledger_automation.tlog.note import SignerKey, VerifierKey
from ledger_automation.workflows import Actor, Command
from ledger_automation.workflows.log import ANNOUNCEMENT


def announce_key(begin: Begin, recorder: Recorder, present: SignerKey, coming: VerifierKey) -> int:
    """Announce a key once, and sign a checkpoint over it with the present one; returns the size that it covers.

    Die anywhere in between, and the same call goes on: what was announced is not announced again.
    """
    case_id = log_case_id(recorder.origin)
    with begin() as unit:
        record = unit.cases.case(case_id)
    if record is None:
        record_heartbeat(begin, recorder)  # opens the log's case
        with begin() as unit:
            record = unit.cases.case(case_id)
    if record is None:
        raise AssertionError("the log's case was just opened")
    standing = Standing.of(record)
    facts = {"name": coming.name, "public_key": coming.text}
    if standing.case is None or tuple(facts.values()) not in standing.case.data.keys:
        command = Command(ANNOUNCEMENT, Actor("operator", "system"), facts)
        advance(begin, recorder, standing.case_id, Intent(command, recorder.clock()))
    return seal(begin, recorder, present, None).tree_size
