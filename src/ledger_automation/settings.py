"""Settings, from the environment (``LEDGER_*``) and the command line; read by `bootstrap` only."""

import re
from pathlib import Path
from typing import Any

from pydantic import Field, IPvAnyNetwork, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from ledger_automation.errors import Misconfigured
from ledger_automation.verify.policy import Level


class Settings(BaseSettings):
    """Where things lie and what they are called."""

    model_config = SettingsConfigDict(env_prefix="LEDGER_", frozen=True)

    home: Path = Field(default=Path(".ledger"), description="keys, database, chain state and deployments")
    database_url: str = Field(default="", description="sqlite:/// or postgresql:// URL; empty: a file of the home")
    erasure_url: SecretStr = Field(
        default=SecretStr(""), description="the same database as ledger_erasure, for whoever destroys content"
    )
    database_url_file: Path | None = Field(default=None, description="a mounted secret that holds the database's URL")
    chain: str = Field(default="tester", description="tester, anvil, or the URL of a JSON-RPC node")
    origin: str = Field(default="wismar.example/ledger", description="the log's name")
    confirmations: int = Field(default=1, ge=1, description="blocks that make an anchor final, its own included")
    max_fee_gwei: int = Field(default=500, ge=1, description="what one unit of gas may cost at most, in gwei")

    sequence_seconds: float = Field(default=2, gt=0, description="how often what was recorded is put into the log")
    anchor_seconds: float = Field(default=600, gt=0, description="how often the log is anchored on the chain")
    settle_seconds: float = Field(default=5, gt=0, description="how often the chain is asked what became of it all")
    sweep_seconds: float = Field(default=60, gt=0, description="how often the log is searched for what was missed")
    deliver_seconds: float = Field(default=2, gt=0, description="how often webhooks are told what is new")
    webhook_hosts: tuple[str, ...] = Field(default=(), description="hosts that webhooks may lie on (JSON list)")
    witnesses: dict[str, str] = Field(
        default={}, description="witnesses that cosign checkpoints (JSON): the URL of each by its verifier key"
    )
    witnesses_required: int = Field(default=0, ge=0, description="how many of them a verifier here asks for")
    cosign_seconds: float = Field(default=60, gt=0, description="how often witnesses are asked")
    publish_folder: Path | None = Field(
        default=None, description="where the log is published as files, as soon as it has grown; empty: nowhere"
    )
    audit_hour: int = Field(default=2, ge=0, le=23, description="the hour (UTC) of the nightly audit")
    broker_url: SecretStr = Field(default=SecretStr(""), description="redis:// or amqp:// URL of the workers' broker")
    broker_url_file: Path | None = Field(default=None, description="a mounted secret that holds the broker's URL")
    redelivery_seconds: float = Field(
        default=1_800, gt=0, le=1_800, description="how long Redis waits for a lost worker; a task may take 5/6 of it"
    )
    levels: dict[str, Level] = Field(
        default={}, description="a workflow's level (JSON); anchored where it is not named"
    )
    retention_years: dict[str, int] = Field(
        default={}, description="how many years a workflow's ended cases are kept (JSON), where not as its law says"
    )
    backdating_days: int = Field(default=30, ge=0, description="how far back an officer may enter what happened")
    issuers: tuple[str, ...] = Field(default=(), description="OIDC issuers whose tokens are believed (JSON list)")
    requests_a_second: float = Field(default=20, gt=0, description="what one client may ask for, on average")
    upload_bytes: int = Field(default=10 * 2**20, ge=1, description="the largest document that is taken")
    scanner: str = Field(default="", description="a program that reads a document and ends with 0 if it is harmless")
    metrics: bool = Field(default=False, description="show /metrics; only where no stranger can reach it")
    traces: str = Field(default="", description="the OTLP/HTTP URL to send traces to (extra: telemetry)")
    client_id: str = Field(default="", description="our client at the first issuer; empty: nobody signs in on pages")
    client_secret: SecretStr = Field(default=SecretStr(""), description="the secret of that client, if it has one")
    client_secret_file: Path | None = Field(default=None, description="a mounted secret that holds that secret")
    town: str = Field(default="", description="who writes letters: the town's name; empty: the log's")
    study: Path | None = Field(default=None, description="the folder with a study's report, shown to everybody")
    site: str = Field(default="", description="the https URL under which browsers reach the pages")
    audience: str = Field(default="ledger", description="whom tokens must be meant for")
    token_scope: str = Field(default="", description="a scope that every token must carry; empty: none is asked for")
    token_acr: tuple[str, ...] = Field(
        default=(), description="ways of signing in (acr) of which a token must name one (JSON list); empty: any"
    )
    least_rsa_bits: int = Field(
        default=3_072, ge=2_048, description="RSA keys of issuers have at least so many bits; below 3072 they are weak"
    )
    proxies: tuple[IPvAnyNetwork, ...] = Field(
        default=(), description="our own reverse proxies, whose X-Forwarded-For is believed (JSON list of networks)"
    )

    anchorer_key: SecretStr = Field(default=SecretStr(""), description="the anchorer's key: 0x hex or a keystore")
    anchorer_key_file: Path | None = Field(default=None, description="a mounted secret that holds the anchorer's key")
    anchorer_signer: SecretStr = Field(default=SecretStr(""), description="the https URL of a signer that has the key")
    anchorer_address: str = Field(default="", description="the address that the signer signs for")
    key_password: SecretStr = Field(default=SecretStr(""), description="the password of keystores")
    key_password_file: Path | None = Field(default=None, description="a mounted secret that holds the password")

    @field_validator("proxies")
    @classmethod
    def _are_ours(cls, given: tuple[IPvAnyNetwork, ...]) -> tuple[IPvAnyNetwork, ...]:
        """Refuse the network of everybody: then any stranger could say who he is."""
        if any(each.prefixlen == 0 for each in given):
            raise ValueError("name the proxies, not everybody")
        return given

    @property
    def database(self) -> str:
        """The database's URL; raises Misconfigured."""
        given = secret(SecretStr(self.database_url), self.database_url_file, "URL of the database")
        return given or f"sqlite:///{self.home / 'ledger.sqlite'}"

    @property
    def broker(self) -> str:
        """The broker's URL, empty where nobody named one; raises Misconfigured."""
        return secret(self.broker_url, self.broker_url_file, "URL of the broker")

    @property
    def client_credential(self) -> str:
        """The secret of our client at the issuer, empty where it has none; raises Misconfigured."""
        return secret(self.client_secret, self.client_secret_file, "secret of the client")


def read_settings(**given: Any) -> Settings:
    """Merge what is given over the environment; raises Misconfigured."""
    try:
        return Settings(**given)
    except ValidationError as error:
        flaws = "; ".join(f"LEDGER_{'_'.join(map(str, each['loc'])).upper()}: {each['msg']}" for each in error.errors())
        raise Misconfigured(f"The settings do not hold: {flaws}.") from error
    except SettingsError as error:  # it names the field in its words only
        (field,) = re.findall(r'field "(\w+)"', str(error))[:1] or ["..."]
        raise Misconfigured(f"The settings do not hold: LEDGER_{field.upper()} is no JSON.") from error


def secret(value: SecretStr, path: Path | None, what: str) -> str:
    """Return a secret that is given as itself or as a file, and not as both; raises Misconfigured."""
    if path is None:
        return value.get_secret_value()
    if value.get_secret_value():
        raise Misconfigured(f"The {what} is given twice, as itself and as the file {path}; give one.", path=str(path))
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"The file {path} with the {what} cannot be read.", path=str(path)) from error
