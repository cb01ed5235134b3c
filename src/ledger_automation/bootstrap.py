"""The composition root: settings become a ledger, with a database, a log key and, when asked for, a chain.

Nothing is opened at import. `open_ledger` opens what a verb needs and closes it again; the chain is opened only inside
`Ledger.chain`, because most verbs never need one.
"""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from ledger_automation.audit.enforced import member_number
from ledger_automation.errors import Misconfigured, Unreachable
from ledger_automation.orchestrator import backup
from ledger_automation.orchestrator.backup import Manifest, Restored
from ledger_automation.orchestrator.cosign import PinnedWitness, pinned_witnesses
from ledger_automation.orchestrator.decide import Decider
from ledger_automation.orchestrator.enforce import Enforcer
from ledger_automation.orchestrator.ports import CheckpointAnchor
from ledger_automation.orchestrator.submit import Lane
from ledger_automation.orchestrator.transition import Recorder
from ledger_automation.reading import (
    EPHEMERAL,
    TESTER_CHAIN_ID,
    asked_policy,
    pinned,
    public_log_keys,
    read_policy,
    reading_chain,
)
from ledger_automation.settings import Settings, secret
from ledger_automation.store.backup import SqlPlace, prepare
from ledger_automation.store.engine import Engine, open_engine
from ledger_automation.store.erasure import SqlEraser
from ledger_automation.store.grants import grant
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.tlog.note import SEED_BYTES, SignerKey
from ledger_automation.values import timestamp
from ledger_automation.verify.policy import ON_CHAIN, Level, VerificationPolicy, write
from ledger_automation.verify.sources import ChainIdentity, LedgerPin
from ledger_automation.verify.verdict import Verdict
from ledger_automation.verify.verifier import check_identity

if TYPE_CHECKING:
    from ledger_automation.chain import EnforcingChain
    from ledger_automation.chain.deploy import Deployment


_DAY: Final = 86_400


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
    recorder: Recorder

    @property
    def key(self) -> SignerKey:
        """The log's private key; raises Misconfigured where this home has none that may sign its log."""
        return log_key(self.settings.home, self.settings.origin)

    def begin(self) -> AbstractContextManager[SqlUnitOfWork]:
        """Open a transaction for writing."""
        return SqlUnitOfWork.open(self.engine)

    def brief(self) -> AbstractContextManager[SqlUnitOfWork]:
        """Open a unit of work for one look and one write, without locks where the database can."""
        return SqlUnitOfWork.open(self.engine, "brief")

    def read(self) -> AbstractContextManager[SqlUnitOfWork]:
        """Open a snapshot for reading."""
        return SqlUnitOfWork.open(self.engine, "read")

    def decider(self) -> Decider:
        """Return who decides what is asked for through the service."""
        settings = self.settings
        backdating = timedelta(days=settings.backdating_days)
        secret = member_secret(settings.home)
        return Decider((self.begin, self.brief), self.recorder, secret, levels=settings.levels, backdating=backdating)

    def witnesses(self) -> tuple[PinnedWitness, ...]:
        """Return the witnesses that the settings name; raises InvalidDefinition, InvalidValue."""
        return pinned_witnesses(self.settings.witnesses, self.settings.witnesses_required)

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

    @contextmanager
    def eraser(self) -> Iterator[SqlEraser]:
        """Open who destroys content: on PostgreSQL by a login of its own, where the settings name one."""
        url = self.settings.erasure_url.get_secret_value()
        engine = open_engine(url, existing=True) if url else self.engine
        try:
            yield SqlEraser(engine)
        finally:
            if url:
                engine.dispose()

    def grant(self) -> dict[str, str]:
        """Make the roles that the database knows; returns what each may do. Raises Misconfigured where it has none."""
        return grant(self.engine)

    def _pin(self, chain: ChainIdentity, ledgers: dict[str, LedgerPin] | None = None) -> VerificationPolicy:
        if self.settings.chain == EPHEMERAL:
            self._begin_anew(chain)
        pins = ledgers if ledgers is not None else _ledgers_pinned(self.settings.home, chain)
        confirmations = self.settings.confirmations
        policy = asked_policy(self.settings, Level.ANCHORED, chain=chain, confirmations=confirmations, ledgers=pins)
        pin(self.settings.home, policy)
        return policy

    def _begin_anew(self, fresh: ChainIdentity) -> None:
        """Write down that an earlier process took its chain with it; the log is anchored anew on this one."""
        with self.begin() as unit:
            unit.anchors.lose(fresh.chain_id)
            unit.commit()

    def pinned_identity(self) -> ChainIdentity | None:
        """Return the chain that this home has pinned; None before the first anchor."""
        path = self.settings.home / "policy.json"
        return read_policy(path).chain if path.exists() else None

    def policy(self, level: Level) -> VerificationPolicy:
        """Return the policy that this home has pinned, for a level; raises Misconfigured where no chain is pinned."""
        if level not in ON_CHAIN:
            return asked_policy(self.settings, level)
        return pinned(self.settings.home)


def key_ages(home: Path) -> list[tuple[str, int]]:
    """Return the keys of a home that are files, and how many days ago each was written; by name."""
    folder, now = home / "keys", time.time()
    ages = {each: max(0.0, now - each.stat().st_mtime) for each in sorted(folder.rglob("*.key"))}
    return [(str(each.relative_to(folder).with_suffix("")), int(age // _DAY)) for each, age in ages.items()]


@contextmanager
def open_ledger(settings: Settings, *, existing: bool = False) -> Iterator[Ledger]:
    """Open database and key; both are made on first use, unless they must be ``existing``: then raises NotFound.

    Raises Misconfigured where the home's log has another name: what it wrote from then on would be another log's.
    """
    _insist_on_origin(settings)
    pinned_witnesses(settings.witnesses, settings.witnesses_required)  # said before anything is made
    engine = open_engine(settings.database, existing=existing)
    try:
        if not _only_public(settings.home):
            log_key(settings.home, settings.origin)
        yield Ledger(settings, engine, Recorder(settings.origin, lambda: datetime.now(UTC)))
    finally:
        engine.dispose()


def _insist_on_origin(settings: Settings) -> None:
    home = settings.home
    names = {key.partition("+")[0] for key in public_log_keys(home)} if (home / "keys" / "log.pub").exists() else set()
    if names and settings.origin not in names:
        (name, *_) = sorted(names)
        sentence = f"The log of {home} is called {name}, not {settings.origin}; name it so in the settings (origin)."
        raise Misconfigured(sentence, expected=name, actual=settings.origin)


def log_key(home: Path, origin: str) -> SignerKey:
    """Read the log's private key from the home, or make one; the public part lies beside it for everybody.

    Raises Misconfigured where others can read the key, where it is none, and where only the public part is there.
    """
    path = home / "keys" / "log.key"
    if _only_public(home):  # a second key that nobody announced would sign a log whose policy does not know it
        raise Misconfigured(f"The log's private key {path} is not here; bring it back to go on.", path=str(path))
    key = stored_log_key(path, origin, create=True)
    try:
        publish(home, key.verifier.text)
    except OSError as error:
        raise Misconfigured(f"The log key {path} cannot be used: {error.strerror}.", path=str(path)) from error
    return key


def _only_public(home: Path) -> bool:
    """Tell whether this home can verify its log and not sign it, as after a restore without private keys."""
    return (home / "keys" / "log.pub").exists() and not (home / "keys" / "log.key").exists()


def stored_log_key(path: Path, origin: str, *, create: bool = False) -> SignerKey:
    """Read one private key of the log, made first where ``create`` says so; raises Misconfigured."""
    return SignerKey(origin, stored_seed(path, "log", create=create))


def stored_seed(path: Path, whose: str, *, create: bool = False) -> bytes:
    """Read the 32 bytes of one Ed25519 key, made first where ``create`` says so; raises Misconfigured."""
    try:
        if create and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_once(path, secrets.token_bytes(32).hex().encode())
        if path.stat().st_mode & 0o077:
            sentence = f"The {whose} key {path} is readable by others; run `chmod 600 {path}`."
            raise Misconfigured(sentence, path=str(path))
        seed = bytes.fromhex(path.read_text("ascii").strip())
    except OSError as error:
        raise Misconfigured(f"The {whose} key {path} cannot be used: {error.strerror}.", path=str(path)) from error
    except ValueError:
        seed = b""  # refused outside of here, without a cause: that one would quote the file
    if len(seed) != SEED_BYTES:
        raise Misconfigured(f"The file {path} holds no {whose} key: 64 hex digits.", path=str(path))
    return seed


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
        if _only_public(home):  # under another secret, nobody would find his own cases again
            raise Misconfigured(f"The members' secret {path} is not here; bring it back to go on.", path=str(path))
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
    """Write the policy that verbs on this home verify by; the nodes that somebody put into it stay.

    Raises Misconfigured where another chain is pinned already, unless that one ended with its process.
    """
    path = home / "policy.json"
    if path.exists():
        before = read_policy(path)
        if before.chain is not None and before.chain.chain_id != TESTER_CHAIN_ID and before.chain != policy.chain:
            sentence = f"This log is anchored on another chain; {path} pins it. Name that chain with --chain."
            raise Misconfigured(sentence, expected=str(before.chain), actual=str(policy.chain))
        policy = msgspec.structs.replace(policy, nodes=before.nodes, nodes_required=before.nodes_required)
    _replace(path, write(policy))


def back_up(settings: Settings, folder: Path, *, private: bool) -> Manifest:
    """Write a back-up; raises as `orchestrator.backup.back_up` does."""
    return backup.back_up(_site(settings), folder, timestamp(datetime.now(UTC)), private=private)


def restore(settings: Settings, folder: Path) -> Restored:
    """Restore a back-up into this home and its database; raises as `orchestrator.backup.restore` does."""
    return backup.restore(_site(settings), folder, prepare)


def _site(settings: Settings) -> backup.Site:
    return backup.Site(settings.origin, settings.home, SqlPlace(settings.database))


def standing(settings: Settings) -> tuple[Verdict, str]:
    """Say how the log stands against the chain that this home has pinned; raises Misconfigured for another one."""
    path = settings.home / "policy.json"
    policy = read_policy(path) if path.exists() else None
    if policy is None or policy.chain is None:
        return Verdict.PENDING, "No chain is pinned; nothing outside can tell whether a newer log was lost."
    engine = open_engine(settings.database, existing=True)
    try:
        with SqlUnitOfWork.open(engine, "read") as unit, reading_chain(settings, policy) as chain:
            check_identity(chain, policy)
            return backup.standing(unit, chain.latest(sha256(settings.origin.encode()).digest()))
    except Unreachable as error:
        return Verdict.UNREACHABLE, error.sentence
    finally:
        engine.dispose()


def _ledgers_pinned(home: Path, chain: ChainIdentity) -> dict[str, LedgerPin]:
    """Return the ledgers that are pinned with a chain already."""
    path = home / "policy.json"
    before = read_policy(path) if path.exists() else None
    return before.ledgers if before is not None and before.chain == chain else {}


def anvil_is_installed() -> bool:
    """Say whether a chain can be kept in the home."""
    from ledger_automation.chain import toolchain  # noqa: PLC0415  costs a second that most verbs save

    try:
        toolchain.anvil()
    except Misconfigured:
        return False
    return True


@contextmanager
def secrets_of(settings: Settings) -> Iterator[None]:
    """Let the chain's keys be opened with what the settings give instead of files; raises Misconfigured."""
    from ledger_automation.chain import keys  # noqa: PLC0415  costs a second that most verbs save

    given = keys.Secrets(
        anchorer=secret(settings.anchorer_key, settings.anchorer_key_file, "anchorer's key"),
        password=secret(settings.key_password, settings.key_password_file, "password of keystores"),
        remote=settings.anchorer_signer.get_secret_value(),
        address=settings.anchorer_address,
    )
    with keys.using(given):
        yield
