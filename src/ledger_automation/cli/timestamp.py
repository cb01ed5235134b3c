"""``ledger timestamp``: have an authority (RFC 3161) sign that it was shown a checkpoint; anybody may ask."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit, save
from ledger_automation.cli.verify import choose_policy, read_note, read_octets
from ledger_automation.published.authority import ask_authority
from ledger_automation.tlog.checkpoint import open_checkpoint
from ledger_automation.verify.policy import Level
from ledger_automation.verify.timestamp import authorities, examine, query


def timestamp(
    file: Annotated[Path, Parameter(help="A receipt, or a checkpoint as it is published.")],
    url: Annotated[str, Parameter(help="The authority's address.")],
    *,
    out: Annotated[Path, Parameter(help="Write the token to this file.")],
    authority: Annotated[Path, Parameter(help="The certificates (PEM) that the token must lead to.")],
    policy: Annotated[Path | None, Parameter(help="The pinned facts; default: what this home has pinned.")] = None,
    options: Options = NONE,
) -> int:
    """Have an authority sign that it was shown a checkpoint: a second anchor, which needs no chain."""
    asked = choose_policy(options.settings(), policy, Level.LOGGED)
    checkpoint = open_checkpoint(read_note(file, asked), asked.origin, asked.keys())
    roots = authorities(read_octets(authority))
    token = ask_authority(url, query(checkpoint))
    told = examine(token, checkpoint, roots)
    save(out, token)
    data = {"file": str(out), "tree_size": checkpoint.tree_size, "at": told.at.isoformat(), "authority": told.authority}
    emit(data, [f"{out}: {told.authority} was shown {checkpoint.tree_size} leaves at {told.at}."], json=options.json)
    return 0
