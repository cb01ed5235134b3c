"""``ledger preserve``: timestamps over what opens every step of the log, renewed before they are weak (RFC 4998)."""

from pathlib import Path
from typing import Annotated, Literal

from cryptography.x509 import Certificate
from cyclopts import Parameter

from ledger_automation.bootstrap import open_ledger
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit
from ledger_automation.cli.verify import read_octets
from ledger_automation.orchestrator.durable import alone
from ledger_automation.orchestrator.preserve import FOLDER, Ask, Group, Preservation, groups
from ledger_automation.published.authority import ask_authority
from ledger_automation.tlog.hash_tree import ALGORITHMS
from ledger_automation.verify.timestamp import authorities, check, question, read_answer

Hash = Literal["sha256", "sha512"]


def preserve(
    url: Annotated[str, Parameter(help="The authority's address.")],
    *,
    authority: Annotated[Path, Parameter(help="The certificates (PEM) that its tokens must lead to.")],
    hash_by: Annotated[Hash, Parameter("--hash", help="How to hash; groups of another are renewed.")] = "sha512",
    stamp: Annotated[bool, Parameter(help="Renew every last token by one over it.", negative="")] = False,
    options: Options = NONE,
) -> int:
    """Have an authority stamp what opens every logged step, and renew what was stamped before (RFC 4998)."""
    settings = options.settings()
    with (
        open_ledger(settings, existing=True) as ledger,
        alone(settings.home / FOLDER, "preserves in this home"),
        ledger.read() as unit,
    ):
        kept = Preservation(settings.home, _asking(url, authorities(read_octets(authority))))
        renewed = []
        for group in groups(settings.home):
            if group.chains[-1].algorithm != hash_by:
                again = kept.rehash(group, unit.cases, hash_by)
            else:
                again = kept.stamp(group) if stamp else None
            renewed += [again] if again else []
        added = kept.extend(unit.cases, unit.log.frontier().size, hash_by)
    data = {"added": _facts(added) if added else None, "renewed": [_facts(each) for each in renewed]}
    lines = [f"Leaves {each.start} to {each.end - 1} are stamped anew, {_chains(each)}." for each in renewed]
    lines += [f"Leaves {added.start} to {added.end - 1} are preserved, {_chains(added)}."] if added else []
    emit(data, lines or ["Everything in the log is preserved."], json=options.json)
    return 0


def _asking(url: str, roots: list[Certificate]) -> Ask:
    """Return what asks an authority, and keeps no token that does not hold."""

    def ask(octets: bytes, algorithm: str) -> bytes:
        answer = read_answer(ask_authority(url, question(octets, algorithm)))
        check(answer, ALGORITHMS[algorithm](octets), roots)
        return answer.time_stamp_token()

    return ask


def _facts(group: Group) -> dict[str, object]:
    chains = [{"hash": each.algorithm, "tokens": len(each.tokens)} for each in group.chains]
    return {"start": group.start, "end": group.end, "chains": chains}


def _chains(group: Group) -> str:
    return ", ".join(f"{each.algorithm} by {len(each.tokens)} tokens" for each in group.chains)
