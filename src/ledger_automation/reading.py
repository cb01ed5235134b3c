"""The composition root of whoever only reads: what a home has pinned, and the chain to hold evidence against.

It needs no database, no key and nothing of the extra ``service``, unless the chain is the one that this home keeps.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from ledger_automation.errors import Misconfigured, NotFound, Unreachable
from ledger_automation.settings import Settings
from ledger_automation.verify.policy import Level, VerificationPolicy, parse
from ledger_automation.verify.sources import ChainIdentity, ChainSource, NoChain

EPHEMERAL: Final = "tester"
"""The chain that lives and ends with one process."""

TESTER_CHAIN_ID: Final = 131277322940537
"""The chain id of every eth-tester chain (py-evm's)."""


class Nodes(NamedTuple):
    """Which nodes a reader names, by URL, and how many must agree; what is not named is the policy's to say."""

    urls: tuple[str, ...] = ()
    quorum: int = 0


UNNAMED: Final = Nodes()


@contextmanager
def reading_chain(settings: Settings, policy: VerificationPolicy, nodes: Nodes = UNNAMED) -> Iterator[ChainSource]:
    """Open the pinned chain for reading; where there is nothing to ask any more, a source that says so.

    Asked are the nodes that the reader names, else the policy's, else the settings' chain. Of several all must agree,
    unless reader or policy asks for fewer.
    Raises InvalidValue for what names no chain, InvalidDefinition for a quorum that cannot be had.
    """
    if policy.chain is None or policy.chain.chain_id == TESTER_CHAIN_ID:
        yield NoChain("The eth-tester chain that the log was anchored on ended with its process.")
        return
    own = (settings.chain,) if urlsplit(settings.chain).scheme in {"http", "https"} else ()
    urls = nodes.urls or policy.nodes or own
    if not urls and settings.chain == EPHEMERAL:
        pinned_id = policy.chain.chain_id
        yield NoChain(f"The log is anchored on chain {pinned_id}; name it with --rpc, or --chain (anvil or a URL).")
        return
    with ExitStack() as stack:
        if urls:
            yield _asked(stack, urls, nodes.quorum or policy.nodes_required, policy.chain)
        else:
            yield _kept(stack, settings, policy.chain)


def _asked(stack: ExitStack, urls: tuple[str, ...], quorum: int, chain: ChainIdentity) -> ChainSource:
    from ledger_automation.rpc import Quorum, Reader, open_node  # noqa: PLC0415  costs what most verbs save

    opened = [stack.enter_context(open_node(url)) for url in urls]
    if len(opened) == 1 and quorum <= 1:
        return Reader(opened[0], chain.registry)
    return Quorum(opened, chain.registry, quorum or len(opened))


def _kept(stack: ExitStack, settings: Settings, chain: ChainIdentity) -> ChainSource:
    from ledger_automation.chain import open_registry  # noqa: PLC0415  costs a second that most verbs save

    try:
        return stack.enter_context(open_registry(settings.chain, settings.home, chain.registry))
    except Unreachable as error:
        return NoChain(error.sentence)


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


def home_policy(settings: Settings) -> VerificationPolicy:
    """Return what this home has pinned, before the first anchor what its settings ask; raises NotFound without keys."""
    if (settings.home / "policy.json").exists():
        return pinned(settings.home)
    if not (settings.home / "keys" / "log.pub").exists():
        raise NotFound(f"There is no policy and no log key under {settings.home}; name one with --policy.")
    return asked_policy(settings, Level.LOGGED)


def asked_policy(settings: Settings, level: Level, **pins: Any) -> VerificationPolicy:
    """Return what the settings ask a verifier for; raises InvalidDefinition where they contradict themselves."""
    keys = public_log_keys(settings.home)
    pins |= {"witnesses": tuple(settings.witnesses), "witnesses_required": settings.witnesses_required}
    policy = VerificationPolicy(settings.origin, keys, level, **pins)
    policy.insist()
    return policy


def public_log_keys(home: Path) -> tuple[str, ...]:
    """Return the log's public keys, the present one first: what was signed before a rotation stays verifiable."""
    return tuple((home / "keys" / "log.pub").read_text("utf-8").split())
