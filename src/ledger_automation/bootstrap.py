"""The composition root: settings become a ledger, with a database, a log key and, when asked for, a chain.

Nothing is opened at import. `open_ledger` opens what a verb needs and closes it again; the chain is opened only inside
`Ledger.chain`, because most verbs never need one.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ledger_automation.errors import InvalidValue, Misconfigured, NotFound, Unreachable
from ledger_automation.orchestrator.ports import CheckpointAnchor
from ledger_automation.orchestrator.transition import Recorder
from ledger_automation.settings import Settings
from ledger_automation.store.engine import Engine, open_engine
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.tlog.note import SignerKey
from ledger_automation.verify.policy import Level, VerificationPolicy, parse, write
from ledger_automation.verify.sources import ChainIdentity, ChainSource, NoChain

EPHEMERAL: Final = "tester"
"""The chain that lives and ends with one process."""

TESTER_CHAIN_ID: Final = 131277322940537
"""The chain id of every eth-tester chain (py-evm's)."""


@dataclass(frozen=True)
class Ledger:
    """One log with its database and key."""

    settings: Settings
    engine: Engine
    key: SignerKey
    recorder: Recorder

    def begin(self) -> AbstractContextManager[SqlUnitOfWork]:
        """Open a transaction for writing."""
        return SqlUnitOfWork.open(self.engine)

    def read(self) -> AbstractContextManager[SqlUnitOfWork]:
        """Open a snapshot for reading."""
        return SqlUnitOfWork.open(self.engine, reading=True)

    @contextmanager
    def chain(self) -> Iterator[tuple[CheckpointAnchor, VerificationPolicy]]:
        """Open the chain to anchor on, pin it, and return it with the policy that does."""
        from ledger_automation.chain import open_anchoring  # noqa: PLC0415  costs a second that most verbs save

        with open_anchoring(self.settings.chain, self.settings.home) as chain:
            policy = VerificationPolicy(
                origin=self.settings.origin,
                log_keys=(self.key.verifier.text,),
                level=Level.ANCHORED,
                chain=chain.identity(),
                confirmations=self.settings.confirmations,
            )
            if self.settings.chain == EPHEMERAL:
                self._begin_anew(chain.identity())
            pin(self.settings.home, policy)
            yield chain, policy

    def _begin_anew(self, fresh: ChainIdentity) -> None:
        """Write down that an earlier process took its chain with it; the log is anchored anew on this one."""
        with self.begin() as unit:
            unit.anchors.lose(fresh.chain_id)
            unit.commit()

    def policy(self, level: Level) -> VerificationPolicy:
        """Return the policy that this home has pinned, for a level; raises Misconfigured where no chain is pinned."""
        if level is not Level.ANCHORED:
            return VerificationPolicy(self.settings.origin, (self.key.verifier.text,), level)
        return pinned(self.settings.home)


@contextmanager
def open_ledger(settings: Settings, *, existing: bool = False) -> Iterator[Ledger]:
    """Open database and key; both are made on first use, unless they must be ``existing``: then raises NotFound."""
    database = Path(settings.database.removeprefix("sqlite:///"))
    if existing and not database.exists() and not any(each.is_file() for each in database.parents):
        raise NotFound(f"There is no ledger at {settings.database}.", database=settings.database)
    key = log_key(settings.home, settings.origin)
    engine = open_engine(settings.database)
    try:
        yield Ledger(settings, engine, key, Recorder(settings.origin, lambda: datetime.now(UTC)))
    finally:
        engine.dispose()


def log_key(home: Path, origin: str) -> SignerKey:
    """Read the log's private key from the home, or make one; the public part lies beside it for everybody.

    Raises Misconfigured where others can read the key, or where it is none.
    """
    path = home / "keys" / "log.key"
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_once(path, secrets.token_bytes(32).hex().encode())
        if path.stat().st_mode & 0o077:
            raise Misconfigured(f"The log key {path} is readable by others; run `chmod 600 {path}`.", path=str(path))
        key = SignerKey(origin, bytes.fromhex(path.read_text("ascii").strip()))
        _replace(path.with_suffix(".pub"), f"{key.verifier.text}\n".encode())
    except OSError as error:
        raise Misconfigured(f"The log key {path} cannot be used: {error.strerror}.", path=str(path)) from error
    except (ValueError, InvalidValue):
        # Without its cause: that one would quote the file's content.
        raise Misconfigured(f"The file {path} holds no log key: 64 hex digits.", path=str(path)) from None
    return key


def _write_once(path: Path, content: bytes) -> None:
    """Create a file that only its owner may read; whoever came second keeps the first one's.

    Written elsewhere, then linked: if we die in between, or somebody starts beside us, nobody ever reads half a key.
    """
    draft = _draft(path)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()


def _replace(path: Path, content: bytes) -> None:
    """Put a whole file in the place of another, if it says anything else; readers see the one or the other."""
    if path.exists() and path.read_bytes() == content:
        return
    draft = _draft(path)
    draft.write_bytes(content)
    draft.replace(path)


def _draft(path: Path) -> Path:
    return path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")


def pin(home: Path, policy: VerificationPolicy) -> None:
    """Write the policy that verbs on this home verify by.

    Raises Misconfigured where another chain is pinned already, unless that one ended with its process.
    """
    path = home / "policy.json"
    if path.exists():
        before = read_policy(path)
        if before.chain is not None and before.chain.chain_id != TESTER_CHAIN_ID and before.chain != policy.chain:
            sentence = f"This log is anchored on another chain; {path} pins it. Name that chain with --chain."
            raise Misconfigured(sentence, expected=str(before.chain), actual=str(policy.chain))
    _replace(path, write(policy))


@contextmanager
def reading_chain(settings: Settings, policy: VerificationPolicy) -> Iterator[ChainSource]:
    """Open the pinned chain for reading; where there is nothing to ask any more, a source that says so."""
    if policy.chain is None or policy.chain.chain_id == TESTER_CHAIN_ID:
        yield NoChain("The eth-tester chain that the log was anchored on ended with its process.")
        return
    if settings.chain == EPHEMERAL:
        yield NoChain(f"The log is anchored on chain {policy.chain.chain_id}; name it with --chain (anvil or a URL).")
        return
    from ledger_automation.chain import open_registry  # noqa: PLC0415  costs a second that most verbs save

    with ExitStack() as stack:
        source: ChainSource
        try:
            source = stack.enter_context(open_registry(settings.chain, settings.home, policy.chain.registry))
        except Unreachable as error:
            source = NoChain(error.sentence)
        yield source


def pinned(home: Path) -> VerificationPolicy:
    """Read the policy of this home; raises Misconfigured where nothing was anchored yet."""
    try:
        return read_policy(home / "policy.json")
    except NotFound as error:
        raise Misconfigured("No chain is pinned here yet; seal or deploy first, or name a policy file.") from error


def read_policy(path: Path) -> VerificationPolicy:
    """Read a policy file; raises NotFound or InvalidDefinition."""
    try:
        return parse(path.read_bytes())
    except OSError as error:
        raise NotFound(f"There is no policy file {path}.", path=str(path)) from error
