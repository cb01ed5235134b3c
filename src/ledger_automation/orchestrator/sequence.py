"""The sequencer: the only writer of the log. Pending events become leaves, leaves become a signed checkpoint (T2).

Leaves, nodes, the case map's tiles and the checkpoint are one transaction. The primary keys of leaves are the
compare-and-swap on the log's size: of two sequencers one gets a Conflict and nothing of it stays. If we die before the
commit, the same events in the same order give the same root next time; if we die after it, the checkpoint is there to
be anchored.
"""

from typing import NamedTuple

from ledger_automation.audit.event import log_case_id
from ledger_automation.errors import Misconfigured
from ledger_automation.merkle import leaf_hash
from ledger_automation.orchestrator.case_map import grow
from ledger_automation.orchestrator.ports import Begin, NewLeaf, UnitOfWork
from ledger_automation.orchestrator.transition import Intent, Recorder, Standing
from ledger_automation.tlog.case_map import Head
from ledger_automation.tlog.checkpoint import Checkpoint, stated
from ledger_automation.tlog.note import SignerKey, VerifierKey, read_note
from ledger_automation.values import timestamp
from ledger_automation.verify.policy import Level
from ledger_automation.verify.sources import CheckpointRecord
from ledger_automation.workflows import Actor, Command, workflow


class Sequenced(NamedTuple):
    """What one run of the sequencer added."""

    leaves: int
    checkpoint: Checkpoint


def sequence(
    begin: Begin, recorder: Recorder, key: SignerKey, *, limit: int = 100_000, sweep: bool = False
) -> Sequenced | None:
    """Integrate what is pending, oldest first, up to a limit; None when nothing is."""
    with begin() as unit:
        pending = unit.log.pending(limit, sweep=sweep)
        if not pending:
            return None
        frontier = unit.log.frontier()
        previous = next(unit.log.checkpoints(frontier.size - 1), None)
        if previous is not None:
            _insist_on_its_key(unit, recorder.origin, key, previous)
        hashes = [leaf_hash(event.commitment) for event in pending]
        leaves = [
            NewLeaf(index, event.event_id, event.case_id, event.sequence, digest)
            for index, (event, digest) in enumerate(zip(pending, hashes, strict=True), frontier.size)
        ]
        unit.log.append(leaves, frontier.extend(hashes))
        heads = {leaf.case_id: Head(leaf.sequence, leaf.leaf_hash) for leaf in leaves}
        map_root = grow(unit.case_map, previous and stated(previous.note), heads, frontier.size)
        checkpoint = Checkpoint(recorder.origin, frontier.size, frontier.root_hash(), map_root)
        note, now = checkpoint.sign(key), timestamp(recorder.clock())
        unit.log.sign_off(CheckpointRecord(frontier.size, checkpoint.root_hash, note, now))
        unit.commit()
    return Sequenced(len(leaves), checkpoint)


def _insist_on_its_key(unit: UnitOfWork, origin: str, key: SignerKey, previous: CheckpointRecord) -> None:
    """Refuse to sign with a key that the log has changed for another one (T41); raises Misconfigured.

    A process that began before a rotation still has the former key in its memory.
    """
    signed = {line.key_id for line in read_note(previous.note)[1]}
    if key.verifier.key_id in signed:
        return
    record = unit.cases.case(log_case_id(origin))
    standing = Standing.of(record).case if record is not None else None
    announced = [VerifierKey.parse(text) for _, text in standing.data.keys] if standing is not None else []
    before = [place for place, each in enumerate(announced) if each.key_id in signed]
    coming = [each.key_id for each in announced[max(before, default=-1) + 1 :]]
    if key.verifier.key_id not in coming:
        sentence = "The log is signed by another key now; a process that has the former one must be started anew."
        raise Misconfigured(sentence, expected=previous.note, actual=key.verifier.text)


def record_heartbeat(begin: Begin, recorder: Recorder) -> None:
    """Append a heartbeat to the log's own case, so that an idle interval tells nothing about a case."""
    case_id = log_case_id(recorder.origin)
    actor = Actor("sequencer", "system")
    with begin() as unit:
        record, now = unit.cases.case(case_id), recorder.clock()
        if record is None:
            opened = Standing(case_id, workflow("log"), Level.LOGGED)
            first, standing = recorder.step(
                opened, Intent(Command("open_log", actor, {"origin": recorder.origin}), now)
            )
            unit.cases.record([first])
        else:
            standing = Standing.of(record)
        beat, _ = recorder.step(standing, Intent(Command("record_heartbeat", actor, {}), now))
        unit.cases.record([beat])
        unit.commit()
