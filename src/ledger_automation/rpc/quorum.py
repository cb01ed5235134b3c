"""One chain asked through several nodes, of which so many must give the same answer: against a node that lies (T45).

    1  every node is asked how far it has come; all are then asked as of one block that enough of them have, and one
       that lags far behind it is silent rather than a liar
    2  every node is asked, all at the same time
    3  two that answered and differ are a contradiction, however many agree with the one or the other
    4  too few that answered are unreachable; else what all of them say is the answer

An answer that is an error of ours (a contract that reverts) is an answer too. What this does not do: say who lied; and
nodes that are in one hand are one node.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeVar

from ledger_automation.errors import Contradiction, InvalidDefinition, LedgerError, Unreachable
from ledger_automation.rpc.http import HttpNode
from ledger_automation.rpc.interface import checksummed
from ledger_automation.rpc.registry import Reader
from ledger_automation.verify.sources import AnchoredCheckpoint, AnchorEvidence, ChainIdentity

Answer = TypeVar("Answer")

LYING: Final = "T45"

LAG: Final = 32
"""Blocks. A node that is no further behind the others decides as of which block all are asked."""


class _Said(NamedTuple):
    """What a node said: a value, or the error that its answer leads to; for ``silence`` there is no answer."""

    node: HttpNode
    value: Any = None
    error: LedgerError | None = None

    @property
    def silence(self) -> bool:
        return isinstance(self.error, Unreachable)

    @property
    def content(self) -> object:
        """What is compared: errors by kind and sentence."""
        return self.value if self.error is None else (type(self.error).__name__, self.error.sentence)


class Quorum:
    """Implements `verify.sources.ChainSource` through open nodes; every question may raise Contradiction as well."""

    def __init__(self, nodes: Sequence[HttpNode], address: str, quorum: int) -> None:
        if not 1 <= quorum <= len(nodes):
            sentence = f"Of {len(nodes)} nodes {quorum} cannot agree; name more of them, or a smaller quorum."
            raise InvalidDefinition(sentence, nodes=len(nodes), quorum=quorum)
        self._nodes = nodes
        self._address = checksummed(address)
        self._quorum = quorum

    def identity(self) -> ChainIdentity:
        """Return which chain and contract the nodes agree to be there."""
        return self._agreed("which chain and contract this is", lambda reader: reader.identity())

    def latest(self, origin: bytes) -> AnchoredCheckpoint | None:
        """Return the newest checkpoint of an origin."""
        return self._agreed("what was anchored last", lambda reader: reader.latest(origin))

    def settled(self, origin: bytes, confirmations: int) -> AnchoredCheckpoint | None:
        """Return the newest checkpoint of an origin that has so many confirmations."""
        return self._agreed("what is settled", lambda reader: reader.settled(origin, confirmations))

    def evidence(self, transaction: str, origin: bytes) -> AnchorEvidence | None:
        """Return what the nodes agree to know of a transaction."""
        said = self._heard(lambda reader: reader.evidence(transaction, origin))
        found = [each.value.block_number for each in said if isinstance(each.value, AnchorEvidence)]
        block = self._abreast[0][0].head()
        if any(number > block for number in found):  # not every node that says otherwise can know of it yet
            raise Unreachable(f"The transaction is said to be in a block after {block}, which not all nodes have yet.")
        agreed: AnchorEvidence | None = self._elected(f"transaction {transaction}", said)
        return agreed

    def block_hash(self, number: int) -> str | None:
        """Return the hash of the block of a number."""
        return self._agreed(f"block {number}", lambda reader: reader.block_hash(number))

    def code_hash(self, contract: str) -> str:
        """Return what code is at an address."""
        return self._agreed(f"the code at {contract}", lambda reader: reader.code_hash(contract))

    def standing(self, contract: str, case_key: bytes) -> int:
        """Return a ledger's word of a case."""
        return self._agreed("where the case stands", lambda reader: reader.standing(contract, case_key))

    def took(self, contract: str, word: int) -> bool:
        """Tell whether a ledger ever took the step that led to a standing."""
        return self._agreed("whether the contract took the step", lambda reader: reader.took(contract, word))

    def seated(self, contract: str) -> frozenset[tuple[int, bytes]]:
        """Return everybody who ever had a seat in a ledger."""
        return self._agreed("who has a seat", lambda reader: reader.seated(contract))

    def _agreed(self, what: str, question: Callable[[Reader], Answer]) -> Answer:
        agreed: Answer = self._elected(what, self._heard(question))
        return agreed

    def _heard(self, question: Callable[[Reader], object]) -> list[_Said]:
        abreast, behind = self._abreast
        return [*_ask(abreast, lambda node: question(Reader(node, self._address))), *behind]

    def _elected(self, what: str, said: list[_Said]) -> Any:
        """Return what all say who answered; raises Contradiction, and Unreachable where they are too few."""
        answers = [each for each in said if not each.silence]
        for each in answers[1:]:
            if each.content != answers[0].content:
                sentence = f"{LYING}: {answers[0].node.endpoint} and {each.node.endpoint} differ about {what}."
                raise Contradiction(
                    sentence, tampering=LYING, expected=str(answers[0].content), actual=str(each.content)
                )
        if len(answers) < self._quorum:
            raise self._too_few(said)
        if answers[0].error is not None:
            raise answers[0].error
        return answers[0].value

    @cached_property
    def _abreast(self) -> tuple[list[HttpNode], list[_Said]]:
        """Return the nodes to ask, as of one block, and what is known of the others."""
        said = _ask(self._nodes, lambda node: node.head())
        heads = sorted((each.value for each in said if each.error is None), reverse=True)
        if len(heads) < self._quorum:
            raise self._too_few(said)
        block = min(each for each in heads if each >= heads[self._quorum - 1] - LAG)
        come = [each for each in said if each.error is None and each.value >= block]
        behind = [_fallen_behind(each, block) for each in said if each not in come]
        return [each.node.as_of(block) for each in come], behind

    def _too_few(self, said: Sequence[_Said]) -> Unreachable:
        reasons = " ".join(each.error.sentence for each in said if each.silence and each.error is not None)
        answered = sum(not each.silence for each in said)
        sentence = f"{answered} of {len(said)} nodes answered, and {self._quorum} must agree. {reasons}"
        return Unreachable(sentence, answered=answered, quorum=self._quorum)


def _ask(nodes: Iterable[HttpNode], question: Callable[[HttpNode], object]) -> list[_Said]:
    """Put a question to all nodes at once; a reply of each, in their order."""

    def ask(node: HttpNode) -> _Said:
        try:
            return _Said(node, question(node))
        except LedgerError as error:
            return _Said(node, error=error)

    asked = list(nodes)
    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(ask, asked))


def _fallen_behind(said: _Said, block: int) -> _Said:
    if said.error is not None:
        return said
    sentence = f"The chain at {said.node.endpoint} has come to block {said.value} only, of {block}."
    return _Said(said.node, error=Unreachable(sentence))
