"""``ledger database grant``: who may do what on a PostgreSQL server."""

from cyclopts import App

from ledger_automation.bootstrap import open_ledger
from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit

app = App(name="database", help="Prepare the database of a ledger.")


@app.command
def grant(*, options: Options = NONE) -> int:
    """Make the roles of application, erasure and auditor on PostgreSQL; run by the owner, as often as one likes."""
    with open_ledger(options.settings()) as ledger:
        roles = ledger.grant()
    lines = [f"{name} {does}; give it to a login with GRANT {name} TO ..." for name, does in roles.items()]
    emit({"roles": roles}, lines, json=options.json)
    return 0
