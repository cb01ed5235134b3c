"""The exception tree: every way this software says no.

An error carries its facts as attributes and one clear sentence as its text. Nothing here knows an exit code or an HTTP
status: one table in ``cli/exit_codes.py`` maps the second level of the tree, and a test proves that table complete.

    LedgerError
     +-- InvalidInput           the caller's input cannot be read or is not allowed at all
     |    +-- InvalidValue          a single value: a malformed id, a fraction of a cent
     |    +-- CanonicalError        JSON outside the strict profile of RFC 8785
     |    +-- InvalidDefinition     a workflow's table, a mapping or a policy that contradicts itself
     |    +-- UnreadableFile        a truncated log, a file of another format
     |    +-- UnmappedActivities    a log speaks of activities that its mapping does not name
     |    +-- UnknownWorkflow, UnknownAction
     +-- Unauthenticated        who calls is not known: no token, or one that does not hold
     +-- Forbidden              who calls is known, and may not
     |    +-- NotSigned             what is to be signed with a passkey is not, or with another, or is something else
     |    |    +-- SignedTooLate        it was shown to be signed too long ago
     |    +-- NoPasskey             somebody is to sign, and has registered nothing to sign with
     |    +-- NoSeat                the contract would not believe any of somebody's passkeys in that role
     +-- NotFound               no such case, step or file
     +-- TransitionNotAllowed   the law of the workflow says no: a rule's name and a sentence
     +-- NotSealed              the step is recorded, but not in the log yet
     +-- Conflict               somebody was faster; the same call may succeed when repeated
     |    +-- PreconditionFailed    the case is not where the caller saw it; look again before repeating
     |    +-- AnotherSize           a witness cosigned a log of another size last
     +-- Contradiction          evidence does not hold: what was expected, what is there
     |    +-- ProofError            a Merkle proof, RFC 9162 section 2.1.3 and 2.1.4
     |    +-- NoteError             a checkpoint's signed note, C2SP signed-note
     |    +-- SplitView             one log showed two checkpoints of one size
     |    +-- TileError             a tile or a bundle of entries that does not lead to its checkpoint, C2SP tlog-tiles
     |    +-- LogTooShort           somebody asks about more leaves than the log has
     |    +-- ChainRefused          a contract reverted: its custom error and arguments
     |         +-- AnchorRefused         the registry did, over a checkpoint
     +-- Misconfigured          a chain, contract, key or database other than the pinned one
     |    +-- GasLimitExceeded      a call needs more gas than one transaction of the chain may have
     |    +-- ServiceMissing        what was asked for needs the extra `service`, and it is not installed
     +-- Unreachable            a source that was asked did not answer; never green, never "forged"
"""

from collections.abc import Mapping
from typing import Any


class LedgerError(Exception):
    """Root of the tree; ``facts`` holds what a reader needs beside the sentence."""

    def __init__(self, sentence: str, **facts: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.facts: Mapping[str, Any] = facts


class InvalidInput(LedgerError):
    """The input cannot be read, or is outside what is allowed for anybody."""


class InvalidValue(InvalidInput):
    """One value is malformed."""

    def __init__(self, what: str, value: object, expected: str) -> None:
        super().__init__(f"{what} must be {expected}, not {value!r:.80}.", what=what, value=value, expected=expected)


class CanonicalError(InvalidInput):
    """JSON outside the strict profile of RFC 8785: a float, a duplicate key, an integer beyond 2^53-1, ..."""


class InvalidDefinition(InvalidInput):
    """A workflow's table, a mapping file or a policy file contradicts itself."""


class UnreadableFile(InvalidInput):
    """A file is missing, truncated, or not of the format it claims."""

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"{path} cannot be read: {reason}.", path=str(path), reason=reason)


class UnmappedActivities(InvalidInput):
    """A log holds activities that its mapping neither maps nor ignores."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        listed = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
        super().__init__(f"The mapping does not name these activities of the log: {listed}.", counts=dict(counts))


class UnknownWorkflow(InvalidInput):
    """No workflow of that name."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"There is no workflow {name!r}; there are {', '.join(known)}.", name=name, known=known)


class UnknownAction(InvalidInput):
    """The workflow has no such action."""

    def __init__(self, workflow: str, action: str, known: list[str]) -> None:
        sentence = f"The workflow {workflow} has no action {action!r}; it has {', '.join(known)}."
        super().__init__(sentence, workflow=workflow, action=action, known=known)


class Unauthenticated(LedgerError):
    """Who calls is not known; ``reason`` says in a word or two what is wrong with the token."""

    def __init__(self, sentence: str, reason: str) -> None:
        super().__init__(sentence, reason=reason)


class Forbidden(LedgerError):
    """Who calls is known, and may not do this."""


class NotSigned(Forbidden):
    """What a passkey answered does not hold: another challenge, page, key or credential; ``flaw`` says which."""

    def __init__(self, flaw: str) -> None:
        super().__init__(f"The passkey's answer does not hold: {flaw}.", flaw=flaw)


class SignedTooLate(NotSigned):
    """What was shown to be signed is too old."""


class NoPasskey(Forbidden):
    """Whoever is to sign has no key here and no passkey."""


class NoSeat(Forbidden):
    """No passkey of whoever is to sign has a seat in the workflow's contract with the role of the step."""


class NotFound(LedgerError):
    """What was asked for does not exist here."""


class TransitionNotAllowed(LedgerError):
    """The workflow's law refuses a step.

    ``rule`` is the rule's stable name (``wrong_role``, ``not_in_state``, ``four_eyes``, ...); nothing was changed.
    """

    def __init__(self, rule: str, sentence: str, **facts: Any) -> None:
        super().__init__(sentence, rule=rule, **facts)
        self.rule = rule


class NotSealed(LedgerError):
    """The step is recorded; its proof comes with the next checkpoint."""


class Conflict(LedgerError):
    """Somebody was faster: the case or the log moved on between reading and writing."""


class PreconditionFailed(Conflict):
    """The caller acts on a case as it saw it, and it has moved on since (If-Match, RFC 9110 section 13.1.1)."""


class AnotherSize(Conflict):
    """A witness cosigned another size last than it was asked to go on from (C2SP tlog-witness)."""

    def __init__(self, tree_size: int) -> None:
        super().__init__(f"The checkpoint cosigned last is one of {tree_size} leaves.", tree_size=tree_size)
        self.tree_size = tree_size


class Contradiction(LedgerError):
    """A piece of evidence does not hold."""

    def __init__(self, sentence: str, *, expected: object = None, actual: object = None, **facts: Any) -> None:
        super().__init__(sentence, expected=expected, actual=actual, **facts)
        self.expected = expected
        self.actual = actual


class ProofError(Contradiction):
    """A Merkle proof does not lead to the root (RFC 9162, sections 2.1.3.2 and 2.1.4.2)."""


class NoteError(Contradiction):
    """A checkpoint's note is malformed, or not signed by the pinned key (C2SP signed-note)."""


class SplitView(Contradiction):
    """One log showed two checkpoints of one size: two notes, each signed by a key of the log."""

    def __init__(self, origin: str, tree_size: int, held: str, shown: str) -> None:
        sentence = f"The log {origin} showed two checkpoints of {tree_size} leaves."
        super().__init__(sentence, expected=held, actual=shown, origin=origin, tree_size=tree_size)
        self.tree_size = tree_size
        self.held = held
        self.shown = shown


class TileError(Contradiction):
    """A tile or a bundle of entries is not what its checkpoint says (C2SP tlog-tiles); ``path`` is where it lies."""

    def __init__(self, path: str, flaw: str, expected: object, actual: object) -> None:
        super().__init__(f"{path} {flaw}.", expected=expected, actual=actual, path=path)
        self.path = path


class LogTooShort(Contradiction):
    """Somebody asks how a checkpoint was extended that covers more leaves than the log has."""


class ChainRefused(Contradiction):
    """A contract reverted: ``error`` is its custom error, ``arguments`` its facts."""

    what = "call"

    def __init__(self, error: str, arguments: Mapping[str, Any]) -> None:
        shown = ", ".join(f"{name}={value}" for name, value in arguments.items())
        sentence = f"The chain refused the {self.what}: {error}({shown})."
        super().__init__(sentence, error=error, arguments=dict(arguments))
        self.error = error
        self.arguments = arguments


class AnchorRefused(ChainRefused):
    """The registry reverted."""

    what = "checkpoint"


class Misconfigured(LedgerError):
    """A chain, contract, key or database is other than the pinned one, or missing."""


class GasLimitExceeded(Misconfigured):
    """A call does not fit into one transaction of this chain; nothing was signed."""

    def __init__(self, needed: int, limit: int) -> None:
        sentence = f"The call needs {needed} gas, and one transaction of this chain may have {limit}."
        super().__init__(sentence, needed=needed, limit=limit)


class ServiceMissing(Misconfigured):
    """What was asked for is the service's, of which only the verifier's part is installed."""

    def __init__(self, module: str) -> None:
        super().__init__("This needs the service: pip install 'ledger-automation[service]'.", module=module)


class Unreachable(LedgerError):
    """A source that was asked did not answer."""
