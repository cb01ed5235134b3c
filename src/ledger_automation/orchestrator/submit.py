"""One lane a key: everything between "a call is ready" and "its effect is final", on a node that may be bad.

The order is the guarantee. Signed bytes and their hash are stored (T3) before the first send; every retry sends the
same bytes; what became of them is asked of the chain by their hash and written down (T4). A call is signed for a second
nonce only after the chain has shown that the first one went to another transaction or that the call reverted.

    pending -> anchored -> final          mined; then as deep as the policy asks, and not above the chain's own final
    pending -> replaced                   the same call and nonce for a better fee was mined instead
    pending -> confirmed_missing_receipt  the nonce is used, the receipt is not to be had: asked again, never re-signed
    pending -> displaced                  somebody else's transaction has the nonce: to be sent anew, by whoever sends
    pending -> reverted                   to be sent anew, at most `ATTEMPTS` times
    anchored -> pending                   a reorganisation dropped it: the same bytes are sent again

What is final never changes here: `watch` stops the lane at a chain that contradicts it. Nothing is ordered by a clock:
order is nonce, patience is blocks (spec/faults.md, C01 to C28).

What this does not do: know a contract, wait for two nodes to agree (finality is depth and the chain's own word), or
hold a lock over the network. Of two processes that sign at once the store lets one through, and what one concluded of
a nonce that the other signed or settled meanwhile is not written (C25).
"""

import time
from collections.abc import Callable, Iterable
from itertools import count, groupby
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from ledger_automation.errors import ChainRefused, Conflict, Misconfigured, Unreachable
from ledger_automation.orchestrator.observed import Fate, Look, Reception, Trace
from ledger_automation.orchestrator.ports import Begin, TransactionChain
from ledger_automation.orchestrator.submission import (
    OPEN,
    Alarm,
    AlarmKind,
    Call,
    Listen,
    SignedSubmission,
    State,
    Subject,
    Submission,
)
from ledger_automation.orchestrator.watch import Watch
from ledger_automation.verify.policy import VerificationPolicy

ATTEMPTS: Final = 3
"""So often may the call for one subject revert before a person has to look."""

PATIENCE: Final = 3
"""Blocks that may pass over waiting bytes before they are sent for a better fee."""

_BUMPS: Final = 5
_POLL: Final = 0.05
_LONGEST_PAUSE: Final = 2.0

_UNMINED: Final = (State.PENDING, State.MISSING_RECEIPT)
_UNTIL_MINED: Final = (AlarmKind.STUCK, AlarmKind.FEE_CAP, AlarmKind.MISSING_RECEIPT)


class Outcome(NamedTuple):
    """What settling found of one submission; ``moved``: it is in another block than was written down."""

    submission: Submission
    before: State
    moved: bool = False

    @property
    def state(self) -> State:
        """How it stands now."""
        return self.submission.state


class Lane:
    """Sends calls with one key to the chain that the policy pins."""

    def __init__(
        self, begin: Begin, chain: TransactionChain, policy: VerificationPolicy, listen: Listen = lambda _: None
    ) -> None:
        if policy.chain is None:
            raise Misconfigured("The policy pins no chain to send to.")
        self._begin = begin
        self._chain = chain
        self._chain_id = policy.chain.chain_id
        self._confirmations = policy.confirmations
        self._watch = Watch(begin, policy.chain, listen)

    def send(self, subject: Subject, call: Call) -> SignedSubmission:
        """Sign, store and send a call.

        Raises ChainRefused where it would revert or has done so too often, Conflict where something must be settled
        first, GasLimitExceeded, Misconfigured, Contradiction, Unreachable. After Unreachable the bytes may be stored
        and may have arrived: `settle` finds out.
        """
        look, rows = self._watch.look(self._chain)
        with self._begin() as unit:
            earlier = unit.anchors.of(subject)
        self._admit(look, rows, subject, earlier)
        taken = {row.signed.nonce for row in rows if row.signed.sender == look.sender and row.state in OPEN}
        nonce = next(number for number in count(look.mined) if number not in taken)
        signed = self._chain.sign(call, nonce)
        row = Submission(signed, subject, self._chain_id, call.contract, 1, look.head)
        self._store(row)
        self._deliver(look, row)
        return signed

    def settle(self) -> list[Outcome]:
        """Ask the chain about everything that is open, write down what it says, and send again what it dropped."""
        look, rows = self._watch.look(self._chain)
        groups = groupby(rows, key=lambda row: (row.signed.sender, row.signed.nonce))
        return [self._settle(look, list(siblings)) for _, siblings in groups]

    def ring(self, kind: AlarmKind, about: str, sentence: str, **facts: Any) -> None:
        """Let a person hear of something, once for as long as it stands."""
        self._watch.ring(kind, about, sentence, **facts)

    def is_final(self, block: int | None) -> bool:
        """Tell whether a block is final by the policy and by the chain's own word; None is in no block."""
        return block is not None and block <= self._final_block(self._chain.look(None))

    def wait(
        self,
        *,
        seconds: float,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        settle: Callable[[], Iterable[Outcome]] | None = None,
    ) -> None:
        """Settle until nothing is open; raises Unreachable when that takes longer than ``seconds``.

        A node that does not answer is asked again after a pause that doubles, as one that is overrun asks for.
        """
        give_up, pause = clock() + seconds, _POLL
        while True:
            try:
                if not [each for each in (settle or self.settle)() if each.state in OPEN]:
                    return
                pause = _POLL
            except Unreachable:
                if clock() > give_up:
                    raise
                pause = min(2 * pause, _LONGEST_PAUSE)
            if clock() > give_up:
                raise Unreachable(f"The chain did not make everything final within {seconds:.0f} seconds.")
            sleep(pause)

    def _admit(self, look: Look, rows: list[Submission], subject: Subject, earlier: list[Submission]) -> None:
        """Refuse to sign what must not be signed now."""
        facts: dict[str, Any] = {"subject": subject.key}
        if any(row.state in (*OPEN, State.FINAL) for row in earlier):
            raise Conflict(f"A transaction for {subject.key} is under way or final already.", **facts)
        reverted = [row.signed.transaction for row in earlier if row.state is State.REVERTED]
        if len(reverted) >= ATTEMPTS:
            raise ChainRefused("reverted", {**facts, "times": len(reverted), "transaction": reverted[-1]})
        unmined = [row for row in rows if row.state in _UNMINED]
        if any(row.signed.sender != look.sender for row in unmined):
            raise Conflict(
                "A transaction of the key before this one is still on its way; it is settled first.", **facts
            )
        if look.free and unmined:
            raise Conflict("This chain takes no fees, so nothing can overtake: one transaction at a time.", **facts)

    def _settle(self, look: Look, siblings: list[Submission]) -> Outcome:
        """Settle what was signed for one nonce: one submission, or one and its replacements."""
        traces = [(row, self._chain.trace(row.signed)) for row in siblings]
        try:
            return self._conclude(look, siblings, traces)
        except _Overtaken:
            live = _live(siblings)
            return Outcome(live, live.state)

    def _conclude(self, look: Look, siblings: list[Submission], traces: list[tuple[Submission, Trace]]) -> Outcome:
        """Write down what the traces say; raises _Overtaken where they are of less than was signed by now."""
        for row, trace in traces:
            if trace.fate in (Fate.MINED, Fate.REVERTED):
                return self._mined(look, row, trace, siblings)
        takers = {each.by for _, each in traces if each.fate is Fate.DISPLACED}
        ours = {row.signed.transaction for row in siblings}
        if takers & ours or any(each.fate is Fate.UNRECEIPTED for _, each in traces):
            return self._unreceipted(siblings)
        if takers:
            return self._displaced(siblings, takers)
        fates = {row.signed.transaction: trace for row, trace in traces}
        return self._unmined(look, siblings, fates[_live(siblings).signed.transaction])

    def _mined(self, look: Look, row: Submission, trace: Trace, siblings: list[Submission]) -> Outcome:
        key, alarms = row.subject.key, []
        moved = row.block_hash not in (None, trace.block_hash)
        if moved:
            sentence = f"The transaction for {key} moved to another block; its receipts must be issued again."
            facts = {"before": row.block_hash, "now": trace.block_hash}
            alarms.append(Alarm(AlarmKind.REORGANISED, key, sentence, facts))
        state = State.ANCHORED
        if trace.fate is Fate.REVERTED:
            state = State.REVERTED
            sentence = f"The transaction for {key} was mined and reverted."
            alarms.append(Alarm(AlarmKind.REVERTED, key, sentence, {"transaction": row.signed.transaction}))
        elif trace.block_number is not None and trace.block_number <= self._final_block(look):
            state = State.FINAL
        after = replace(row, state=state, block_number=trace.block_number, block_hash=trace.block_hash)
        known = [after if each is row else replace(each, state=State.REPLACED) for each in siblings]
        self._write(siblings, known, alarms)
        if state is not row.state:
            self._watch.quiet({(kind, key) for kind in _UNTIL_MINED})
        if state is State.FINAL:
            self._watch.quiet({(AlarmKind.REORGANISED, key), (AlarmKind.REVERTED, key), (AlarmKind.NONCE_TAKEN, key)})
        return Outcome(after, row.state, moved)

    def _final_block(self, look: Look) -> int:
        """Return the highest final block: as deep as the policy asks, and not above the chain's own word (C27)."""
        deep = look.head - self._confirmations + 1
        return deep if look.finalized is None else min(deep, look.finalized)

    def _unreceipted(self, siblings: list[Submission]) -> Outcome:
        """The nonce is used and nothing shows that it was not by these bytes: a second signature could act twice."""
        row = _live(siblings)
        if row.state is State.ANCHORED:
            return Outcome(row, row.state)  # its receipt was seen before; the node is slow, not the chain
        after, key = replace(row, state=State.MISSING_RECEIPT), row.subject.key
        sentence = f"The nonce of the transaction for {key} is used, but the node shows no receipt."
        alarm = Alarm(AlarmKind.MISSING_RECEIPT, key, sentence, {"transaction": row.signed.transaction})
        self._write(siblings, [after if each is row else each for each in siblings], [alarm])
        return Outcome(after, row.state)

    def _displaced(self, siblings: list[Submission], takers: set[str]) -> Outcome:
        newest = siblings[-1]
        key, after = newest.subject.key, [replace(row, state=State.DISPLACED) for row in siblings]
        sentence = f"Another transaction took the nonce of the one for {key}: who else has the key?"
        facts = {"sender": newest.signed.sender, "nonce": newest.signed.nonce, "by": sorted(takers)}
        self._write(siblings, after, [Alarm(AlarmKind.NONCE_TAKEN, key, sentence, facts)])
        return Outcome(after[-1], newest.state)

    def _unmined(self, look: Look, siblings: list[Submission], trace: Trace) -> Outcome:
        """Its nonce is free. What was anchored has left the chain, unless the node has not come so far yet (C19)."""
        row = _live(siblings)
        after, alarms = row, []
        if row.state is not State.PENDING and look.head >= (row.block_number or 0):
            after = replace(row, state=State.PENDING, block_number=None, block_hash=None)
        if row.state is State.ANCHORED and after is not row:
            sentence = f"A reorganisation dropped the transaction for {row.subject.key}; it is sent again as it is."
            alarms.append(Alarm(AlarmKind.REORGANISED, row.subject.key, sentence, {"before": row.block_hash}))
        impatient = look.head - row.sent_block >= PATIENCE
        if trace.fate is Fate.ABSENT or impatient:
            after = replace(after, sent_block=look.head)
        now = [after if each is row else each for each in siblings]
        self._write(siblings, now, alarms)  # first: it is a fact, whether or not sending works
        if trace.fate is Fate.ABSENT:
            self._deliver(look, after)
        elif impatient:
            self._push(look, after)
        return Outcome(after, row.state)

    def _push(self, look: Look, row: Submission) -> None:
        """Blocks go by without it: pay more, where paying can help and the key is still ours; else say so."""
        if look.free or row.signed.sender != look.sender:
            why = "the chain takes no fees" if look.free else "its key is no longer in use here"
            self._stuck(row, why)
            self._chain.broadcast(row.signed)
        elif (better := self._better(look, row)) is not None:
            self._deliver(look, better)

    def _deliver(self, look: Look, row: Submission) -> None:
        """Send stored bytes, for more each time the node finds the fee too low."""
        for _ in range(_BUMPS):
            if self._chain.broadcast(row.signed) is not Reception.UNDERPRICED:
                return
            if look.free or row.signed.sender != look.sender:
                self._stuck(row, "the node finds its fee too low, and it cannot be raised")
                return
            better = self._better(look, row)
            if better is None:
                return
            row = better
        self._stuck(row, f"the node found {_BUMPS} fees too low")

    def _better(self, look: Look, row: Submission) -> Submission | None:
        """Sign the call again for a better fee, and store it; None, with an alarm, at the cap."""
        signed = self._chain.bump(row.signed)
        if signed is None:
            sentence = f"The transaction for {row.subject.key} is too cheap for the chain; the fee cap forbids more."
            self._watch.ring(AlarmKind.FEE_CAP, row.subject.key, sentence, transaction=row.signed.transaction)
            return None
        better = replace(row, signed=signed, attempt=row.attempt + 1, sent_block=look.head)
        self._store(better)
        return better

    def _stuck(self, row: Submission, why: str) -> None:
        sentence = f"The transaction for {row.subject.key} is stuck: {why}."
        self._watch.ring(AlarmKind.STUCK, row.subject.key, sentence, transaction=row.signed.transaction)

    def _store(self, row: Submission) -> None:
        with self._begin() as unit:
            unit.anchors.add(row)
            unit.commit()  # T3: from here on the bytes survive us

    def _write(self, before: list[Submission], after: list[Submission], alarms: list[Alarm]) -> None:
        """Write down what became of a nonce, with what it rings (T4); if we die before, the chain is asked again."""
        if before != after and not self._watch.write(lambda anchors: anchors.update(before, after), alarms):
            raise _Overtaken


def _live(siblings: list[Submission]) -> Submission:
    """Return the newest of a nonce that may still change: the one that was mined, or the last that was sent."""
    return [each for each in siblings if each.state in OPEN][-1]


class _Overtaken(Exception):
    """Another process signed or wrote for this nonce since it was read; the next look sees what."""
