"""Settings, from the environment (``LEDGER_*``) and the command line; read by `bootstrap` only."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where things lie and what they are called."""

    model_config = SettingsConfigDict(env_prefix="LEDGER_", frozen=True)

    home: Path = Field(default=Path(".ledger"), description="keys, database, chain state and deployments")
    database_url: str = Field(default="", description="sqlite:/// or postgresql:// URL; empty: a file of the home")
    chain: str = Field(default="tester", description="tester, anvil, or the URL of a JSON-RPC node")
    origin: str = Field(default="wismar.example/ledger", description="the log's name")
    confirmations: int = Field(default=1, ge=1, description="blocks that make an anchor final, its own included")
    max_fee_gwei: int = Field(default=500, ge=1, description="what one unit of gas may cost at most, in gwei")

    anchorer_key: SecretStr = Field(default=SecretStr(""), description="the anchorer's key: 0x hex or a keystore")
    anchorer_key_file: Path | None = Field(default=None, description="a mounted secret that holds the anchorer's key")
    anchorer_signer: SecretStr = Field(default=SecretStr(""), description="the https URL of a signer that has the key")
    anchorer_address: str = Field(default="", description="the address that the signer signs for")
    key_password: SecretStr = Field(default=SecretStr(""), description="the password of keystores")
    key_password_file: Path | None = Field(default=None, description="a mounted secret that holds the password")

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.home / 'ledger.sqlite'}"
