"""``ledger doctor``: what is wrong, in words, with chain, contract, keys, clock and database. Changes nothing."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Final

from ledger_automation.bootstrap import secrets_of, stored_log_key
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit
from ledger_automation.errors import InvalidInput, LedgerError, Misconfigured
from ledger_automation.orchestrator.diagnosis import Finding, Health, ok, warning, wrong
from ledger_automation.reading import pinned, public_log_keys
from ledger_automation.settings import Settings
from ledger_automation.store.diagnosis import Looked
from ledger_automation.store.diagnosis import examine as examine_database
from ledger_automation.values import parse_timestamp

_WRONG: Final = 4
_SKEW: Final = timedelta(seconds=15)
_RENEWAL: Final = timedelta(days=90)
_MARKS: Final = {Health.OK: "ok     ", Health.WARNING: "warning", Health.WRONG: "wrong  "}


def doctor(*, options: Options = NONE) -> int:
    """Look at chain, contract, keys, clock and database, and say what is wrong and what to do; changes nothing."""
    settings = options.settings()
    findings = list(examine(settings))
    worst = max((each.health for each in findings), key=list(Health).index)
    lines = [
        f"{_MARKS[each.health]}  {each.part}: {each.what}{f' -> {each.advice}' if each.advice else ''}"
        for each in findings
    ]
    emit({"health": worst, "findings": findings}, lines, json=options.json)
    return _WRONG if worst is Health.WRONG else 0


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything, each part as far as it can be."""
    from ledger_automation.chain import diagnosis  # noqa: PLC0415  costs a second that most verbs save

    looked = examine_database(settings.database)
    yield from looked.findings
    yield from _clock(looked)
    yield from _log_key(settings)
    yield from _policy(settings)
    yield from _preservation(settings)
    with ExitStack() as stack:
        try:
            stack.enter_context(secrets_of(settings))
        except LedgerError as error:
            yield wrong("keys", error.sentence, "Without it nothing can be anchored; everything else goes on.")
        yield from diagnosis.examine(settings.chain, settings.home, looked.last_final)


def _clock(looked: Looked) -> Iterator[Finding]:
    if not looked.newest:
        return
    try:
        newest = parse_timestamp(looked.newest)
    except InvalidInput:
        yield wrong(
            "database", f"The newest event was recorded at {looked.newest!r}, which is no time.", "Audit the log."
        )
        return
    if newest > datetime.now(UTC) + _SKEW:
        sentence = f"The newest event was recorded at {looked.newest}, which is still to come."
        yield wrong("clock", sentence, "This machine's clock was set back; let NTP set it.")
    else:
        yield ok("clock", f"The newest event was recorded at {looked.newest}.")


def _log_key(settings: Settings) -> Iterator[Finding]:
    path = settings.home / "keys" / "log.key"
    if not path.exists():
        yield warning("keys", f"There is no log key {path} yet.", "The first verb that records makes it.")
        return
    try:
        key = stored_log_key(path, settings.origin)
        published = public_log_keys(settings.home)
    except (Misconfigured, OSError) as error:
        sentence = error.sentence if isinstance(error, Misconfigured) else f"{path.with_suffix('.pub')} cannot be read."
        yield wrong("keys", sentence, "Without it nothing can be logged; put the key back from its backup.")
        return
    if published[:1] == (key.verifier.text,):
        yield ok("keys", f"The log signs as {key.verifier.text}.")
    else:
        yield warning("keys", "The log's public key beside the private one is another.", "The next verb puts it right.")
    if path.with_name("log.next.key").exists():
        yield warning("keys", "A rotation of the log key is not finished.", "`ledger keys rotate log` goes on.")


def _preservation(settings: Settings) -> Iterator[Finding]:
    """Look whether what was preserved must be renewed; nothing is said where nothing was."""
    from ledger_automation.orchestrator.preserve import groups  # noqa: PLC0415  costs what most verbs save
    from ledger_automation.verify.timestamp import good_until  # noqa: PLC0415  the same

    try:
        ends = {good_until(group.chains[-1].tokens[-1]): group for group in groups(settings.home)}
    except LedgerError as error:
        yield wrong("preservation", error.sentence, "Put the file back from its backup.")
        return
    if not ends:
        return
    first = min(ends)
    leaves = f"leaves {ends[first].start} to {ends[first].end - 1}"
    if first < datetime.now(UTC):
        sentence = f"The certificate behind the last timestamp of {leaves} ran out on {first.date()}."
        yield wrong("preservation", sentence, "What was preserved shows nothing any more; preserve it anew.")
    elif first < datetime.now(UTC) + _RENEWAL:
        sentence = f"The certificate behind the last timestamp of {leaves} runs out on {first.date()}."
        yield warning("preservation", sentence, "`ledger preserve URL --stamp` renews it.")
    else:
        yield ok("preservation", f"What is preserved needs no renewal before {first.date()}.")


def _policy(settings: Settings) -> Iterator[Finding]:
    if not (settings.home / "policy.json").exists():
        yield warning("policy", "No chain is pinned yet.", "`ledger deploy` or `ledger seal` pins it.")
        return
    try:
        policy = pinned(settings.home)
    except LedgerError as error:
        yield wrong("policy", error.sentence, "Put policy.json back; receipts are verified by it.")
        return
    if policy.chain is None:
        yield warning("policy", "The policy pins no chain.", "`ledger deploy` or `ledger seal` pins it.")
    else:
        yield ok("policy", f"Registry {policy.chain.registry} on chain {policy.chain.chain_id} is pinned.")
