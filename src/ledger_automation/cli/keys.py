"""``ledger keys``: show whose keys a home has, and put new ones in their place. No verb here shows a key."""

import time
from typing import Any

import msgspec
from cyclopts import App

from ledger_automation.bootstrap import (
    Ledger,
    open_ledger,
    pin,
    publish,
    secrets_of,
    stored_log_key,
)
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit
from ledger_automation.errors import Misconfigured
from ledger_automation.orchestrator.anchor import Anchorer
from ledger_automation.orchestrator.announce import announce_key
from ledger_automation.reading import pinned, public_log_keys

_DAY = 86_400
_SETTLE_SECONDS = 120

app = App(name="keys", help="Show the keys of a home, and rotate them.")
rotate = App(name="rotate", help="Put a new key in the place of the present one; a rotation that died is finished.")
app.command(rotate)


@app.command
def show(*, options: Options = NONE) -> int:
    """Show addresses, public keys, files and ages; never a secret."""
    from ledger_automation.chain import keys  # noqa: PLC0415  costs a second that most verbs save

    settings = options.settings()
    with secrets_of(settings):
        source = keys.source()
    published = settings.home / "keys" / "log.pub"
    data: dict[str, Any] = {
        "anchorer_source": source,
        "files": [_file(each) for each in keys.files(settings.home)],
        "log_keys": list(public_log_keys(settings.home)) if published.exists() else [],
    }
    if source != "file":
        data["anchorer_address"] = settings.anchorer_address
    lines = [
        f"{each['name']}: {each['address'] or 'address unknown'}, {each['age_days']} days old"
        f"{', keystore' if each['encrypted'] else ''}{'' if each['private'] else ', readable by others'}"
        for each in data["files"]
    ]
    lines += [f"log{'' if not number else ' (former)'}: {text}" for number, text in enumerate(data["log_keys"])]
    lines += [f"The anchorer's key comes from the {source}."] if source != "file" else []
    emit(data, lines or [f"There are no keys in {settings.home} yet."], json=options.json)
    return 0


@rotate.command
def anchorer(*, options: Options = NONE) -> int:
    """Grant a new anchorer's key its role, wait until the old one has nothing in flight, and revoke the old one."""
    from ledger_automation.chain import open_chain, rotation  # noqa: PLC0415  costs a second that most verbs save

    settings = options.settings()
    if settings.chain == "tester":
        raise Misconfigured("The eth-tester chain ends with this command; name the chain whose anchorer is meant.")
    with (
        open_ledger(settings, existing=True) as ledger,
        secrets_of(settings),
        open_chain(settings.chain, settings.home) as connection,
    ):
        rotated = rotation.rotate_anchorer(connection, settings.home, lambda: _settle(ledger))
    lines = [
        f"{rotated.current} anchors now; {rotated.former} no longer may, and still holds {rotated.left_wei} wei.",
        f"Its key lies in {settings.home}/keys/retired. Processes that were running must be started again.",
    ]
    emit(rotated._asdict(), lines, json=options.json)
    return 0


@rotate.command
def log(*, options: Options = NONE) -> int:
    """Announce a new key in the log under the old key's signature, and sign with the new one from then on."""
    settings = options.settings()
    with open_ledger(settings, existing=True) as ledger:
        folder, former = settings.home / "keys", ledger.key.verifier
        path = folder / "log.next.key"
        coming = stored_log_key(path, settings.origin, create=True).verifier
        covered = announce_key(ledger.begin, ledger.recorder, ledger.key, coming)
        # Verifiers learn of both keys before the new one signs; from the renaming on the old one cannot sign any more.
        publish(settings.home, coming.text)
        if (settings.home / "policy.json").exists():
            policy = pinned(settings.home)
            pin(settings.home, msgspec.structs.replace(policy, log_keys=public_log_keys(settings.home)))
        path.replace(folder / "log.key")
    data = {"former": former.text, "current": coming.text, "announced_by_size": covered}
    lines = [
        f"{coming.text} signs now; the log announces it up to size {covered}, under the signature of {former.text}.",
        "Whoever verifies with a policy of his own adds the new key to it; earlier receipts stay valid.",
    ]
    emit(data, lines, json=options.json)
    return 0


def _settle(ledger: Ledger) -> None:
    """Wait until everything that was submitted is final, whichever key signed it."""
    with ledger.chain() as (chain, policy):
        Anchorer(ledger.begin, chain, policy).wait(seconds=_SETTLE_SECONDS)


def _file(each: Any) -> dict[str, Any]:
    age = int(max(0.0, time.time() - each.written) // _DAY)
    facts = {**each._asdict(), "path": str(each.path), "age_days": age}
    del facts["written"]
    return facts
