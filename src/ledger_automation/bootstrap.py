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
from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic import SecretStr

from ledger_automation.audit.enforced import member_number
from ledger_automation.errors import InvalidValue, Misconfigured, NotFound, Unreachable
from ledger_automation.orchestrator.enforce import Enforcer
from ledger_automation.orchestrator.ports import CheckpointAnchor
from ledger_automation.orchestrator.submit import Lane
from ledger_automation.orchestrator.transition import Recorder
from ledger_automation.settings import Settings
from ledger_automation.store.engine import Engine, open_engine
from ledger_automation.store.grants import grant
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.tlog.note import SignerKey
from ledger_automation.verify.policy import ON_CHAIN, Level, VerificationPolicy, parse, write
from ledger_automation.verify.sources import ChainIdentity, ChainSource, LedgerPin, NoChain

if TYPE_CHECKING:
    from ledger_automation.chain import EnforcingChain
    from ledger_automation.chain.deploy import Deployment

EPHEMERAL: Final = "tester"
"""The chain that lives and ends with one process."""

TESTER_CHAIN_ID: Final = 131277322940537
"""The chain id of every eth-tester chain (py-evm's)."""


class Enforcing(NamedTuple):
    """A chain that enforces laws, with the policy that pins it and the use case that drives it."""

    chain: "EnforcingChain"
    policy: VerificationPolicy
    enforcer: Enforcer
    secret: bytes

    def admit(self, workflow: str, actor_id: str, roles: tuple[str, ...], signer: bytes = b"") -> bytes:
        """Seat an actor in a workflow's contract; returns the signer."""
        return self.chain.actors.admit(workflow, member_number(self.secret, actor_id), actor_id, roles, signer)


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

    @property
    def _fee_cap(self) -> int:
        """The most that a transaction may offer for a unit of gas, in wei."""
        return self.settings.max_fee_gwei * 10**9

    @contextmanager
    def chain(self) -> Iterator[tuple[CheckpointAnchor, VerificationPolicy]]:
        """Open the chain to anchor on, pin it, and return it with the policy that does."""
        from ledger_automation.chain import open_anchoring  # noqa: PLC0415  costs a second that most verbs save

        with (
            secrets_of(self.settings),
            open_anchoring(self.settings.chain, self.settings.home, fee_cap=self._fee_cap) as chain,
        ):
            yield chain, self._pin(chain.identity())

    @contextmanager
    def enforcing(self, backdating_days: int = 30) -> Iterator[Enforcing]:
        """Open the chain with the contracts that enforce laws, made now where they are missing, and pin it."""
        from ledger_automation.chain import open_enforcing  # noqa: PLC0415  as above

        home, days = self.settings.home, backdating_days * 86_400
        with (
            secrets_of(self.settings),
            open_enforcing(self.settings.chain, home, backdating=days, fee_cap=self._fee_cap) as chain,
        ):
            policy = self._pin(chain.anchor.identity(), chain.pins)
            lane = Lane(self.begin, chain.anchor, policy)
            secret = member_secret(home)
            enforcer = Enforcer(self.begin, self.recorder, lane, chain.ledgers, chain.actors, secret)
            yield Enforcing(chain, policy, enforcer, secret)

    def deploy(self, admin: str | None, backdating_days: int) -> "Deployment":
        """Make sure of every contract on the chain, and pin it; raises what `chain.deploy.deploy` raises."""
        from ledger_automation.chain import deploy, keys, open_chain  # noqa: PLC0415  as above

        home, wanted = self.settings.home, deploy.shipped(backdating_days * 86_400)
        with secrets_of(self.settings), open_chain(self.settings.chain, home) as connection:
            account = keys.anchorer(home, create=connection.local)
            record = deploy.deploy(connection, home, account, admin, wanted)
            self._pin(record.identity(), record.pins())
        return record

    def grant(self) -> dict[str, str]:
        """Make the roles that the database knows; returns what each may do. Raises Misconfigured where it has none."""
        return grant(self.engine)

    def _pin(self, chain: ChainIdentity, ledgers: dict[str, LedgerPin] | None = None) -> VerificationPolicy:
        if self.settings.chain == EPHEMERAL:
            self._begin_anew(chain)
        keys, confirmations = public_log_keys(self.settings.home), self.settings.confirmations
        pins = ledgers if ledgers is not None else _ledgers_pinned(self.settings.home, chain)
        policy = VerificationPolicy(self.settings.origin, keys, Level.ANCHORED, chain, confirmations, pins)
        pin(self.settings.home, policy)
        return policy

    def _begin_anew(self, fresh: ChainIdentity) -> None:
        """Write down that an earlier process took its chain with it; the log is anchored anew on this one."""
        with self.begin() as unit:
            unit.anchors.lose(fresh.chain_id)
            unit.commit()

    def policy(self, level: Level) -> VerificationPolicy:
        """Return the policy that this home has pinned, for a level; raises Misconfigured where no chain is pinned."""
        if level not in ON_CHAIN:
            return VerificationPolicy(self.settings.origin, public_log_keys(self.settings.home), level)
        return pinned(self.settings.home)


@contextmanager
def open_ledger(settings: Settings, *, existing: bool = False) -> Iterator[Ledger]:
    """Open database and key; both are made on first use, unless they must be ``existing``: then raises NotFound."""
    engine = open_engine(settings.database, existing=existing)
    try:
        key = log_key(settings.home, settings.origin)
        yield Ledger(settings, engine, key, Recorder(settings.origin, lambda: datetime.now(UTC)))
    finally:
        engine.dispose()


def log_key(home: Path, origin: str) -> SignerKey:
    """Read the log's private key from the home, or make one; the public part lies beside it for everybody.

    Raises Misconfigured where others can read the key, or where it is none.
    """
    path = home / "keys" / "log.key"
    key = stored_log_key(path, origin, create=True)
    try:
        publish(home, key.verifier.text)
    except OSError as error:
        raise Misconfigured(f"The log key {path} cannot be used: {error.strerror}.", path=str(path)) from error
    return key


def stored_log_key(path: Path, origin: str, *, create: bool = False) -> SignerKey:
    """Read one private key of the log, made first where ``create`` says so; raises Misconfigured."""
    try:
        if create and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_once(path, secrets.token_bytes(32).hex().encode())
        if path.stat().st_mode & 0o077:
            raise Misconfigured(f"The log key {path} is readable by others; run `chmod 600 {path}`.", path=str(path))
        return SignerKey(origin, bytes.fromhex(path.read_text("ascii").strip()))
    except OSError as error:
        raise Misconfigured(f"The log key {path} cannot be used: {error.strerror}.", path=str(path)) from error
    except (ValueError, InvalidValue):
        pass  # outside of here, so that the sentence has no cause: that one would quote the file's content
    raise Misconfigured(f"The file {path} holds no log key: 64 hex digits.", path=str(path))


def public_log_keys(home: Path) -> tuple[str, ...]:
    """Return the log's public keys, the present one first: what was signed before a rotation stays verifiable."""
    return tuple((home / "keys" / "log.pub").read_text("utf-8").split())


def publish(home: Path, text: str) -> None:
    """Put a public key at the head of this log's that lie beside the private one."""
    path, origin = home / "keys" / "log.pub", text.partition("+")[0]
    before = public_log_keys(home) if path.exists() else ()
    lines = dict.fromkeys((text, *(each for each in before if each.partition("+")[0] == origin)))
    _replace(path, "".join(f"{line}\n" for line in lines).encode())


def member_secret(home: Path, *, create: bool = True) -> bytes:
    """Read the secret that turns pseudonyms into members' numbers; where there is none, make one or return nothing.

    Raises Misconfigured.
    """
    path = home / "keys" / "members.key"
    if not path.exists():
        if not create:
            return b""
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_once(path, secrets.token_bytes(32).hex().encode())
    try:
        return bytes.fromhex(path.read_text("ascii"))
    except (OSError, ValueError):
        pass  # outside of here, so that the sentence has no cause: that one would quote the file's content
    raise Misconfigured(f"The file {path} holds no secret for members: 64 hex digits.", path=str(path))


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


def _ledgers_pinned(home: Path, chain: ChainIdentity) -> dict[str, LedgerPin]:
    """Return the ledgers that are pinned with a chain already."""
    path = home / "policy.json"
    before = read_policy(path) if path.exists() else None
    return before.ledgers if before is not None and before.chain == chain else {}


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


@contextmanager
def secrets_of(settings: Settings) -> Iterator[None]:
    """Let the chain's keys be opened with what the settings give instead of files; raises Misconfigured."""
    from ledger_automation.chain import keys  # noqa: PLC0415  costs a second that most verbs save

    given = keys.Secrets(
        anchorer=_secret(settings.anchorer_key, settings.anchorer_key_file, "anchorer's key"),
        password=_secret(settings.key_password, settings.key_password_file, "password of keystores"),
        remote=settings.anchorer_signer.get_secret_value(),
        address=settings.anchorer_address,
    )
    with keys.using(given):
        yield


def _secret(value: SecretStr, path: Path | None, what: str) -> str:
    if path is None:
        return value.get_secret_value()
    if value.get_secret_value():
        raise Misconfigured(f"The {what} is given twice, as itself and as the file {path}; give one.", path=str(path))
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"The file {path} with the {what} cannot be read.", path=str(path)) from error
