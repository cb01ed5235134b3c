"""``ledger restore``: a back-up into an empty home and database, and how it stands against the chain."""

from pathlib import Path

import msgspec

from ledger_automation import bootstrap
from ledger_automation.cli.exit_codes import BY_VERDICT
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit
from ledger_automation.verify.verdict import Verdict

_KEYLESS = "It came without private keys; bring keys/ back before anything is sealed."


def restore(folder: Path, *, options: Options = NONE) -> int:
    """Restore a back-up into an empty home and database, and say whether the chain knows a longer log."""
    settings = options.settings()
    manifest, erased = bootstrap.restore(settings, folder)
    verdict, sentence = bootstrap.standing(settings)
    rows = manifest.rows
    lines = [
        f"Restored {rows['event']} events of {rows['case']} cases, as of {manifest.taken_at}, into {settings.home}.",
        *([f"Erased again the content of {erased} events, as the log says."] if erased else []),
        *([] if manifest.private_keys else [_KEYLESS]),
        f"{verdict}: {sentence}",
    ]
    facts = {"restored": msgspec.to_builtins(manifest), "erased": erased}
    emit({**facts, "verdict": verdict, "sentence": sentence}, lines, json=options.json)
    return 0 if verdict is Verdict.PENDING else BY_VERDICT[verdict]
