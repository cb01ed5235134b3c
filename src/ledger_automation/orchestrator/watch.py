"""Is this still our chain? What stops a lane, and the alarms that a person hears of (spec/faults.md, C14 to C22).

A chain whose head is below the last final submission, that has another block in its place, or that is another chain or
has another contract, stops everything with an error and an alarm, until it shows that block again or a person decided
otherwise. Whatever is above the last final submission is a reorganisation and the lane's own business.

An alarm is stored before anybody is told, once for as long as it stands. What this does not do: repair anything.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final

from ledger_automation.errors import Contradiction, LedgerError, Misconfigured, Unreachable
from ledger_automation.orchestrator.observed import Look
from ledger_automation.orchestrator.ports import AnchorStore, Begin, TransactionChain
from ledger_automation.orchestrator.submission import Alarm, AlarmKind, Listen, Submission
from ledger_automation.verify.sources import ChainIdentity

FEW_BATCHES: Final = 20
"""The account is called nearly empty while there is time to fill it."""


class Watch:
    """Watches one pinned chain for one lane."""

    def __init__(self, begin: Begin, pinned: ChainIdentity, listen: Listen) -> None:
        self._begin = begin
        self._pinned = pinned
        self._listen = listen
        self._about = f"chain {pinned.chain_id}"

    def look(self, chain: TransactionChain) -> tuple[Look, list[Submission]]:
        """Look at the chain and insist that it is ours; returns what is open on it too.

        Raises Misconfigured for another chain or contract, Contradiction where something final is gone.
        """
        with self._begin() as unit:
            final = unit.anchors.last_final(self._pinned.chain_id)
            rows = unit.anchors.unsettled(self._pinned.chain_id)
        look = chain.look(final.block_number if final else None)
        self._insist(look, final)
        over = [(AlarmKind.OTHER_CHAIN, self._about), (AlarmKind.FINAL_CONTRADICTED, self._about)]
        if look.batches is not None and look.batches < FEW_BATCHES:
            sentence = f"The account {look.sender} can pay for {look.batches} more anchors only."
            self.ring(AlarmKind.LOW_FUNDS, look.sender, sentence, batches=look.batches)
        else:
            over.append((AlarmKind.LOW_FUNDS, look.sender))
        self.quiet(over)
        return look, rows

    def ring(self, kind: AlarmKind, about: str, sentence: str, **facts: Any) -> None:
        """Store an alarm and tell of it, unless it stands already."""
        self.write(lambda _: True, [Alarm(kind, about, sentence, facts)])

    def write(self, fact: Callable[[AnchorStore], bool], alarms: Iterable[Alarm]) -> bool:
        """Store a fact and the alarms that it rings, then tell of them; False, and neither, where it is refused."""
        with self._begin() as unit:
            if not fact(unit.anchors):
                return False
            now = datetime.now(UTC).isoformat(timespec="seconds")
            fresh = [alarm for alarm in alarms if unit.anchors.ring(alarm, now)]
            unit.commit()
        for alarm in fresh:
            self._listen(alarm)
        return True

    def quiet(self, over: Iterable[tuple[AlarmKind, str]]) -> None:
        """Let alarms stand no longer."""
        with self._begin() as unit:
            standing = {(alarm.kind, alarm.about) for alarm in unit.anchors.alarms()}
            for kind, about in standing.intersection(over):
                unit.anchors.quiet(kind, about)
            unit.commit()

    def _insist(self, look: Look, final: Submission | None) -> None:
        if look.identity != self._pinned:
            sentence = "This is not the chain or not the contract that the policy pins; nothing was sent."
            facts: dict[str, Any] = {"expected": str(self._pinned), "actual": str(look.identity)}
            raise self._stop(AlarmKind.OTHER_CHAIN, Misconfigured(sentence, **facts))
        if final is None or final.block_number is None:
            return
        if look.head < final.block_number:
            sentence = (
                f"The node's newest block is {look.head}, below block {final.block_number} of the last final "
                "submission: it lags or was set back; nothing is sent."
            )
            facts = {"expected": final.block_number, "actual": look.head}
            raise self._stop(AlarmKind.FINAL_CONTRADICTED, Contradiction(sentence, **facts))
        if look.known_hash is None:
            raise Unreachable(f"The node does not show block {final.block_number} of the last final submission.")
        if look.known_hash != final.block_hash:
            sentence = f"Block {final.block_number} of the last final submission is another one now; a person decides."
            facts = {"expected": final.block_hash, "actual": look.known_hash}
            raise self._stop(AlarmKind.FINAL_CONTRADICTED, Contradiction(sentence, **facts))

    def _stop(self, kind: AlarmKind, error: LedgerError) -> LedgerError:
        self.ring(kind, self._about, error.sentence, **error.facts)
        return error
