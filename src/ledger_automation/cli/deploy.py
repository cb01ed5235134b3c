"""``ledger deploy``: put the contracts on a chain, once."""

from typing import Annotated

import msgspec
from cyclopts import Parameter, validators

from ledger_automation.bootstrap import open_ledger
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit
from ledger_automation.cli.seal import EPHEMERAL


def deploy(
    *,
    admin: Annotated[str | None, Parameter(help="The admin's address; default: the key keys/admin.key.")] = None,
    backdating_days: Annotated[
        int,
        Parameter(
            help="How far an enforced step may lie before its block; fixed for good.",
            validator=validators.Number(gte=0, lte=36_525),
        ),
    ] = 30,
    options: Options = NONE,
) -> int:
    """Deploy the contracts on a chain, or find those deployed before, and pin the registry."""
    with open_ledger(options.settings()) as ledger:
        record = ledger.deploy(admin, backdating_days)
    facts = msgspec.to_builtins(record)
    data = {"chain": ledger.settings.chain, **facts, "log_key": ledger.key.verifier.text}
    lines = [f"Registry {record.registry} on chain {record.chain_id}; pinned in {ledger.settings.home}/policy.json."]
    lines += [f"Ledger of {name}: {each.address}" for name, each in record.ledgers.items()]
    lines += [f"{name}: {each.address}" for name, each in record.verifiers.items()]
    lines += [f"Admin {record.admin}, first anchorer {record.anchorer}."]
    emit(data, lines + ([EPHEMERAL] if ledger.settings.chain == "tester" else []), json=options.json)
    return 0
