"""What every verb takes: where things lie, which chain, and whether a program or a person reads the answer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from ledger_automation.settings import Settings, read_settings


@Parameter(name="*")
@dataclass(frozen=True)
class Options:
    """The options that all verbs share."""

    db: Annotated[str | None, Parameter(help="Database URL (LEDGER_DATABASE_URL); default: SQLite in the home.")] = None
    chain: Annotated[str | None, Parameter(help="tester, anvil or a node's URL (LEDGER_CHAIN); default: tester.")] = (
        None
    )
    home: Annotated[Path | None, Parameter(help="Keys, database, chain state (LEDGER_HOME); default: .ledger")] = None
    json: Annotated[bool, Parameter(help="Print the whole answer as JSON.", negative=())] = False

    def settings(self) -> Settings:
        """Merge the command line over the environment; raises Misconfigured."""
        given: dict[str, Any] = {"database_url": self.db, "chain": self.chain, "home": self.home}
        return read_settings(**{name: value for name, value in given.items() if value is not None})


NONE = Options()
