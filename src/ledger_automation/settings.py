"""Settings, from the environment (``LEDGER_*``) and the command line; read by `bootstrap` only."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where things lie and what they are called."""

    model_config = SettingsConfigDict(env_prefix="LEDGER_", frozen=True)

    home: Path = Field(default=Path(".ledger"), description="keys, database, chain state and deployments")
    database_url: str = Field(default="", description="an SQLite URL; empty: ledger.sqlite under the home")
    chain: str = Field(default="tester", description="tester, anvil, or the URL of a JSON-RPC node")
    origin: str = Field(default="wismar.example/ledger", description="the log's name")
    confirmations: int = Field(default=1, ge=1, description="blocks that make an anchor final, its own included")

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.home / 'ledger.sqlite'}"
