"""Checking a published log: numbered steps over a folder or a file server, without the log's database or its office.

    1  a pinned key signed the checkpoint, for the pinned log                   C2SP signed-note, tlog-checkpoint
    2  the tiles at its right edge lead to its root                             C2SP tlog-tiles
    3  it extends every checkpoint that the reader holds                        RFC 9162 section 2.1.4.2
    4  every tile leads to the one above it, every entry to its leaf            RFC 9162 section 2.1.1
    5  the chain and the contract that answer are the pinned ones               policy
    6  what the chain holds of the log is a beginning of it                     RFC 9162 section 2.1.4.2
    7  the whole of it is on the chain, with the confirmations that the policy asks
    8  as many pinned witnesses as the policy asks cosigned the checkpoint      C2SP tlog-cosignature

The steps stop at the first that does not hold; step 4 names every file that does not. The chain is asked before the
checkpoint is fetched: what is published and anchored in between is no log that was cut off. A file that is missing and
a node that does not answer make the verdict `unreachable`, never `contradicted`, and never green.

What this does not do: open an entry. Entries are commitments; what they commit to is shown by receipts.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

import msgspec

from ledger_automation.errors import (
    Contradiction,
    InvalidInput,
    LedgerError,
    LogTooShort,
    NoteError,
    NotFound,
    ProofError,
    TileError,
    Unreachable,
)
from ledger_automation.merkle import consistency_proof, verify_consistency
from ledger_automation.merkle.tree import TILE_WIDTH
from ledger_automation.tlog.checkpoint import Checkpoint, open_checkpoint
from ledger_automation.tlog.cosignature import witnesses_of
from ledger_automation.tlog.tiles import CHECKPOINT, Fetch, TiledTree, bundles_of
from ledger_automation.verify.policy import ON_CHAIN, VerificationPolicy
from ledger_automation.verify.sources import AnchoredCheckpoint, ChainSource
from ledger_automation.verify.verdict import SENTENCES, Finding, Sentence, Verdict, VerifiedStep, shown
from ledger_automation.verify.verifier import check_identity

REWRITTEN: Final = "T36"
SPLIT_VIEW: Final = "T37"
SKIPPED: Final = "T38"


class PublishedLog:
    """A signed checkpoint with the tree beneath it."""

    def __init__(self, note: str, checkpoint: Checkpoint, fetch: Fetch) -> None:
        self.note = note
        self.checkpoint = checkpoint
        self.tree = TiledTree(fetch, checkpoint.tree_size, checkpoint.root_hash)

    @classmethod
    def read(cls, fetch: Fetch, policy: VerificationPolicy) -> "PublishedLog":
        """Fetch the checkpoint; raises NoteError, and what ``fetch`` raises."""
        try:
            note = fetch(CHECKPOINT).decode()
        except UnicodeDecodeError as error:
            raise NoteError("The checkpoint is not text.", expected="UTF-8", actual=str(error)) from error
        return cls(note, open_checkpoint(note, policy.origin, policy.keys()), fetch)

    def require_extends(self, size: int, root_hash: bytes, whose: str) -> None:
        """Insist that the log begins with an older one; raises LogTooShort, ProofError or TileError.

        ``whose`` names the older one in a sentence.
        """
        here = self.checkpoint
        if size > here.tree_size:
            sentence = f"{whose} covers {size} leaves, and only {here.tree_size} are shown: out of date, or cut off."
            raise LogTooShort(sentence, expected=size, actual=here.tree_size)
        if size == 0:
            return
        proof = consistency_proof(self.tree.node, size, here.tree_size)
        try:
            verify_consistency(size, here.tree_size, proof, root_hash, here.root_hash)
        except ProofError as error:
            sentence = f"{whose} of {size} leaves is no beginning of this log of {here.tree_size}: there are two logs."
            raise ProofError(sentence, expected=root_hash.hex(), actual=error.actual, tree_size=size) from error

    def require_extends_all(self, notes: Iterable[str], policy: VerificationPolicy, whose: str) -> list[int]:
        """Insist that the log begins with every checkpoint that somebody holds; return their sizes.

        Raises as `require_extends`, and NoteError for no checkpoint; what proves two logs first, whatever else cannot
        be read. That error has the note and its class (``tampering``): T37, the size that is shown has two roots; T38,
        a longer one that is held too does fit, so this one was never a step of the log, and whoever follows the log
        from step to step is led past it; T36, another history.
        """
        sizes: list[int] = []
        failed: list[LedgerError] = []
        misfit: ProofError | None = None
        for checkpoint, note in sorted(_opened(notes, policy, failed), key=_by_size):
            size = checkpoint.tree_size
            try:
                self.require_extends(size, checkpoint.root_hash, whose)
            except ProofError as error:
                kind = SPLIT_VIEW if size == self.checkpoint.tree_size else REWRITTEN
                misfit = misfit or _known(error, note=note, tampering=kind)
            except (LogTooShort, TileError, NotFound, Unreachable) as error:
                failed.append(error)
            else:
                sizes.append(size)
        if misfit is not None:
            raise _known(misfit, tampering=SKIPPED) if sizes and sizes[-1] > misfit.facts["tree_size"] else misfit
        if failed:
            raise next((each for each in failed if isinstance(each, Contradiction)), failed[0])
        return sizes

    def flaws(self, since: int = 0) -> list[TileError]:
        """Read every tile and entry from a leaf on; return what leads elsewhere, each file once.

        What lies under a tile that does not hold is not looked at: nothing says what it would have to be. A file that
        is missing raises NotFound, unless something else is found.
        """
        found: dict[str, TileError] = {}
        missing: NotFound | None = None
        for bundle in bundles_of(self.checkpoint.tree_size):
            if (bundle.number + 1) * TILE_WIDTH > since:
                try:
                    self.tree.entries(bundle.number)
                except TileError as error:
                    found.setdefault(error.path, error)
                except NotFound as error:
                    missing = missing or error
        if missing is not None and not found:
            raise missing
        return list(found.values())


class Anchors(NamedTuple):
    """What a chain holds of a log: its newest checkpoint, and the newest with the confirmations that are asked."""

    latest: AnchoredCheckpoint | None
    settled: AnchoredCheckpoint | None

    @classmethod
    def ask(cls, chain: ChainSource, policy: VerificationPolicy) -> "Anchors":
        """Ask the pinned chain; raises Misconfigured for another one, Unreachable where nobody answers."""
        check_identity(chain, policy)
        origin = sha256(policy.origin.encode()).digest()
        return cls(chain.latest(origin), chain.settled(origin, policy.confirmations))

    def require_prefix(self, log: PublishedLog) -> int:
        """Insist that the log begins with what the chain holds; return how many leaves that are."""
        here = log.checkpoint
        for each in filter(None, self):
            log.require_extends(each.tree_size, each.root_hash, "The checkpoint on the chain")
            if each.tree_size == here.tree_size and each.case_map_root != here.case_map_root:
                sentence = "The chain holds another case map for this checkpoint."
                raise Contradiction(sentence, expected=each.case_map_root.hex(), actual=here.case_map_root.hex())
        return self.latest.tree_size if self.latest else 0


class LogVerdict(msgspec.Struct, frozen=True):
    """The answer about a published log; ``tree_size`` and ``root_hash`` are 0 and empty without a good checkpoint."""

    verdict: Verdict
    reason: str
    sentence: Sentence
    tree_size: int
    root_hash: bytes
    anchored_size: int
    findings: tuple[Finding, ...]
    steps: tuple[VerifiedStep, ...]


class LogChecker:
    """Checks a published log against a policy; ``held`` are checkpoints that the reader got earlier or elsewhere."""

    def __init__(self, policy: VerificationPolicy, chain: ChainSource | None = None, held: Sequence[str] = ()) -> None:
        self._policy = policy
        self._chain = chain
        self._held = held
        self._clear()

    def check(self, fetch: Fetch) -> LogVerdict:
        """Return the verdict; raises nothing for bad evidence, Misconfigured for another chain than the pinned one."""
        self._clear()
        try:
            return self._check(fetch)
        except (Unreachable, NotFound) as error:
            return self._fails(Verdict.UNREACHABLE, "source_unreachable", error)
        except (Contradiction, InvalidInput) as error:
            return self._fails(Verdict.CONTRADICTED, f"step_{self._step.replace(' ', '_')}", error)

    def _clear(self) -> None:
        self._steps: list[VerifiedStep] = []
        self._step = ""
        self._log: PublishedLog | None = None
        self._anchored = 0
        self._witnesses: set[bytes] = set()
        self._findings: tuple[Finding, ...] = ()

    def _check(self, fetch: Fetch) -> LogVerdict:
        anchors = self._asked()
        self._step = "1 checkpoint"
        log = PublishedLog.read(fetch, self._policy)
        self._log = log
        self._witnesses = {key.raw for key in witnesses_of(log.note, self._policy.witness_keys())}
        self._holds(f"signed over {log.checkpoint.tree_size} leaves")
        self._step = "2 edge"
        log.tree.edge()
        self._holds(f"leads to the root {log.checkpoint.root_hash.hex()}")
        self._extends(log)
        self._step = "4 tiles"
        if flaws := log.flaws():
            self._findings = tuple(self._finding(each) for each in flaws)
            raise flaws[0]
        self._holds(f"{log.checkpoint.tree_size} entries lead to the root, and all tiles between")
        if self._policy.level not in ON_CHAIN:
            return self._witnessed("logged")
        return self._on_chain(log, anchors)

    def _asked(self) -> Anchors | Unreachable:
        """Ask the chain; that it does not answer is said when its turn comes."""
        self._step = "5 chain"
        if self._policy.level not in ON_CHAIN or self._chain is None:
            return Unreachable("No chain was asked; the policy wants an anchor.")
        try:
            return Anchors.ask(self._chain, self._policy)
        except Unreachable as error:
            return error

    def _extends(self, log: PublishedLog) -> None:
        self._step = "3 extension"
        for size in log.require_extends_all(self._held, self._policy, "The checkpoint that you hold"):
            self._holds(f"extends your checkpoint of {size} leaves")

    def _on_chain(self, log: PublishedLog, anchors: Anchors | Unreachable) -> LogVerdict:
        self._step = "5 chain"
        if isinstance(anchors, Unreachable):
            raise anchors
        pinned = self._policy.chain
        self._holds(f"chain {pinned.chain_id}, registry {pinned.registry}" if pinned else "")
        self._step = "6 anchor"
        self._anchored = anchors.require_prefix(log)
        self._holds(f"{self._anchored} of {log.checkpoint.tree_size} leaves are on the chain")
        self._step = "7 confirmations"
        settled = anchors.settled.tree_size if anchors.settled else 0
        detail = f"{settled} leaves have {self._policy.confirmations}"
        if settled == log.checkpoint.tree_size:
            self._holds(detail)
            return self._witnessed("anchored")
        self._steps.append(VerifiedStep(self._step, None, detail))
        whole = self._anchored == log.checkpoint.tree_size
        return self._conclude(Verdict.PENDING, "not_final" if whole else "not_anchored")

    def _witnessed(self, reason: str) -> LogVerdict:
        """Count the witnesses, if the policy asks for any; all else holds."""
        required = self._policy.witnesses_required
        if not required:
            return self._conclude(Verdict.FINAL, reason)
        self._step = "8 witnesses"
        detail = f"{len(self._witnesses)} of the {required} that the policy asks for cosigned the checkpoint"
        if len(self._witnesses) < required:
            self._steps.append(VerifiedStep(self._step, None, detail))
            return self._conclude(Verdict.PENDING, "not_witnessed")
        self._holds(detail)
        return self._conclude(Verdict.FINAL, reason)

    def _holds(self, detail: str) -> None:
        self._steps.append(VerifiedStep(self._step, holds=True, detail=detail))

    def _fails(self, verdict: Verdict, reason: str, error: LedgerError) -> LogVerdict:
        holds = False if verdict is Verdict.CONTRADICTED else None
        self._steps.append(VerifiedStep(self._step, holds, error.sentence))
        if verdict is Verdict.CONTRADICTED and not self._findings:
            self._findings = (self._finding(error),)
        return self._conclude(verdict, reason)

    def _conclude(self, verdict: Verdict, reason: str) -> LogVerdict:
        here = self._log.checkpoint if self._log else None
        size, root = (here.tree_size, here.root_hash) if here else (0, b"")
        sentence = SENTENCES[verdict]
        return LogVerdict(verdict, reason, sentence, size, root, self._anchored, self._findings, tuple(self._steps))

    def _finding(self, error: LedgerError) -> Finding:
        """Name what does not hold by its class in the tampering catalogue."""
        facts = {name: shown(error.facts.get(name)) for name in ("expected", "actual")}
        kind = error.facts.get("tampering", _CLASSES.get(type(error), "T42"))
        place = {"column": error.facts.get("path"), "leaf_index": error.facts.get("tree_size")}
        return Finding(tampering=kind, sentence=error.sentence, **place, **facts)


def _opened(
    notes: Iterable[str], policy: VerificationPolicy, failed: list[LedgerError]
) -> Iterator[tuple[Checkpoint, str]]:
    """Yield the checkpoints of notes; what is none goes to those that failed."""
    for note in notes:
        try:
            yield open_checkpoint(note, policy.origin, policy.keys()), note
        except NoteError as error:
            failed.append(error)


def _by_size(held: tuple[Checkpoint, str]) -> int:
    return held[0].tree_size


def _known(error: ProofError, **facts: str) -> ProofError:
    return ProofError(error.sentence, **{**error.facts, **facts})


_CLASSES: Final[dict[type[LedgerError], str]] = {
    TileError: "T31",
    NoteError: "T40",
    LogTooShort: "T21",
    ProofError: REWRITTEN,
}
