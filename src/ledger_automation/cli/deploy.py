"""``ledger deploy``: put the registry on a chain, once."""

from ledger_automation.bootstrap import open_ledger
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit
from ledger_automation.cli.seal import EPHEMERAL


def deploy(*, options: Options = NONE) -> int:
    """Deploy the checkpoint registry on a chain, or find the one deployed before, and pin it."""
    with open_ledger(options.settings()) as ledger, ledger.chain() as (chain, policy):
        identity = chain.identity()
    data = {
        "chain": ledger.settings.chain,
        "chain_id": identity.chain_id,
        "genesis_hash": identity.genesis_hash,
        "registry": identity.registry,
        "registry_code_hash": identity.registry_code_hash,
        "log_key": policy.log_keys[0],
    }
    lines = [
        f"Registry {identity.registry} on chain {identity.chain_id}; pinned in {ledger.settings.home}/policy.json."
    ]
    emit(data, lines + ([EPHEMERAL] if ledger.settings.chain == "tester" else []), json=options.json)
    return 0
