"""docs/security.md lists what there is of cryptography, connections and dependencies, no less and no more."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeGuard

from ledger_automation.api.tokens import ALGORITHMS, LEAST_RSA_BITS
from ledger_automation.chain import diagnosis
from ledger_automation.cli.keys import rotate
from ledger_automation.settings import Settings
from support.pages import ROOT, Page, quoted

PAGE: Final = Page("security.md")
SOURCE: Final = ROOT / "src" / "ledger_automation"
MODULES: Final = sorted(SOURCE.rglob("*.py"))
KEYS: Final = PAGE.tables("Keys")[0]
LOCKED: Final = dict(
    re.findall(r"^([a-z0-9-]+)==([^\s;\\]+)", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)
)

BY_IMPORT: Final = {
    "hashlib.sha256": "SHA-256",
    "hashlib.sha512": "SHA-512, X.509",
    "cryptography.x509": "SHA-512, X.509",
    "rfc3161_client": "SHA-512, X.509",
    "hashlib.sha1": "SHA-1, MD5",
    "hashlib.md5": "SHA-1, MD5",
    "hashlib.blake2b": "BLAKE2b",
    "hmac": "HMAC-SHA-256",
    "keccak": "Keccak-256",
    "keccak256": "Keccak-256",
    "cryptography.hazmat.primitives.asymmetric.ed25519": "Ed25519",
    "cryptography.hazmat.primitives.asymmetric.ec": "P-256",
    "cryptography.hazmat.primitives.asymmetric.utils": "P-256",
    "cryptography.hazmat.primitives.hashes.SHA256": "SHA-256",
    "coincurve": "secp256k1",
    "eth_keys": "secp256k1",
    "eth_account.Account": "scrypt, AES-128-CTR",
    "joserfc": ", ".join(f"`{each}`" for each in ALGORITHMS),
    "secrets": "chance of the system",
    "uuid.uuid4": "chance of the system",
}
"""What a use of it means; `joserfc` is asked for the algorithms of our list alone."""

OF_CRYPTOGRAPHY: Final = {
    "hashlib",
    "hmac",
    "cryptography",
    "coincurve",
    "eth_keys",
    "joserfc",
    "secrets",
    "Crypto",
    "rfc3161_client",
}
BY_CONTRACT: Final = {"SHA-256": r"sha-?256", "Keccak-256": r"keccak", "secp256k1": r"SignatureChecker"}

OF_NETWORKS: Final = {
    "httpx2", "httpx", "requests", "urllib.request", "http.client", "aiohttp", "websockets", "smtplib", "ftplib",
    "telnetlib", "xmlrpc", "socket", "subprocess", "psycopg", "redis", "kombu", "celery", "web3.HTTPProvider",
    "opentelemetry.exporter", "sqlalchemy.create_engine", "os.system", "os.popen", "asyncio.open_connection",
}  # fmt: skip
NO_CLIENTS: Final = {"cli.listening", "worker.__main__"}
"""A port that is listened on, and signals of Celery."""


def used(path: Path) -> Iterator[str]:
    """Yield every dotted name that a module imports, or reaches through what it imported."""
    tree = ast.parse(path.read_text("utf-8"))
    loaded: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            loaded |= {each.asname or each.name: each.name for each in node.names}
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{each.name}" for each in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in loaded:
            yield f"{loaded[node.value.id]}.{node.attr}"


def is_of(name: str, family: str) -> bool:
    return name == family or name.startswith(f"{family}.") or ("." not in family and name.endswith(f".{family}"))


def package(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def test_every_algorithm_is_told_with_the_packages_that_use_it() -> None:
    found: dict[str, set[str]] = {}
    for path in MODULES:
        for name in used(path):
            for family, algorithm in BY_IMPORT.items():
                if is_of(name, family) and "errors" not in name:
                    found.setdefault(algorithm, set()).add(package(path))
        if "P256" in path.read_text("utf-8"):
            found.setdefault("P-256", set()).add(package(path))
    for path in (ROOT / "contracts").rglob("*.sol"):
        for algorithm, pattern in BY_CONTRACT.items():
            if "test" not in path.parts and re.search(pattern, path.read_text("utf-8"), re.IGNORECASE):
                found[algorithm].add("contracts")
    told = {row["algorithm"]: {*quoted(row["in"])} for row in PAGE.tables("Algorithms")[0]}
    assert told == found


def test_no_module_uses_cryptography_that_the_table_does_not_know() -> None:
    """A new function of a known library is a new row: `hashlib.md5` is none of these."""
    # how a key or a record is written, not what it does
    written = ("cryptography.hazmat.primitives.serialization", "cryptography.hazmat.asn1")
    known = (*BY_IMPORT, "cryptography.exceptions", "Crypto.Hash.keccak", *written)
    for path in MODULES:
        for name in used(path):
            if name.partition(".")[0] in OF_CRYPTOGRAPHY and name not in OF_CRYPTOGRAPHY:
                assert any(is_of(name, family) for family in known), (path, name)
        made = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if is_hmac(node)]
        assert {ast.unparse(each.args[2]).strip("'").removeprefix("hashlib.") for each in made} <= {"sha256"}


def is_hmac(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in {"hmac.new", "hmac.digest"}


def test_every_key_is_told_with_its_place_and_its_end() -> None:
    places = [name for row in KEYS for name in quoted(row["where it lies"])]
    assert {each for each in places if each.startswith("keys/")} == {
        "keys/log.key", "keys/anchorer.key", "keys/admin.key", "keys/actors/", "keys/members.key",
        "keys/witness.key",
    }  # fmt: skip
    secrets = {
        f"LEDGER_{name.upper()}"
        for name in Settings.model_fields
        if {"key", "secret"} & {*name.split("_")} or name == "anchorer_signer"
    }
    assert {each for each in places if each.startswith("LEDGER_")} == secrets
    assert all(row[column] for row in KEYS for column in ("only for", "never for", "made", "replaced", "its end"))
    rotated = {verb for row in KEYS for verb in re.findall(r"ledger keys rotate (\w+)", row["replaced"])}
    assert rotated == {name for name in rotate if not name.startswith("-")}
    assert f"after {diagnosis._OLD_KEY_DAYS} days" in " ".join(PAGE.section("Keys").split())
    assert LEAST_RSA_BITS == 3_072
    assert "3,072 bits" in PAGE.section("What is left to the operator")


def test_every_module_that_reaches_out_is_told_with_the_settings_that_name_where() -> None:
    reaching = {
        ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        for path in MODULES
        for name in used(path)
        if "exceptions" not in name and any(f"{name}.".startswith(f"{each}.") for each in OF_NETWORKS)
    }
    rows = PAGE.tables("Connections")[0]
    assert {each for row in rows for each in quoted(row["from"])} == reaching - NO_CLIENTS
    named = {each for row in rows for each in quoted(row["named by"])}
    assert named == {f"LEDGER_{name.upper()}" for name, field in Settings.model_fields.items() if leads(field)}


def leads(field: object) -> bool:
    """Tell whether a setting says where something is that is spoken to."""
    words = str(getattr(field, "description", ""))
    return bool(re.search(r"\bURL\b|\bhosts\b|\bOIDC issuers\b|a program|ledger_erasure", words))


def test_every_component_that_is_told_is_locked_and_no_pre_release_is_passed_over() -> None:
    risky = {quoted(row["component"])[0] for row in PAGE.tables("Dependencies")[1]}
    assert risky <= LOCKED.keys()
    early = {name for name, version in LOCKED.items() if re.search(r"\d(a|b|rc)\d", version)}
    assert early == {quoted(row["component"])[0] for row in PAGE.tables("Dependencies")[1] if "pre-rel" in row["risk"]}


def test_every_package_is_locked_by_hash_and_every_lock_is_told() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    direct = [*wanted["dependencies"], *(each for more in wanted["optional-dependencies"].values() for each in more)]
    for each in (each for each in direct if not each.startswith(f"{wanted['name']}[")):
        name = re.match(r"[\w.-]+", each)
        assert name is not None
        assert name[0].lower().replace("_", "-") in LOCKED, each
    for lock in (*ROOT.glob("requirements*.lock"), ROOT / "package-lock.json"):
        assert f"`{lock.name}`" in PAGE.section("Dependencies")
    for lock in ROOT.glob("requirements*.lock"):
        blocks = re.split(r"^(?=[a-z0-9])", lock.read_text("utf-8"), flags=re.MULTILINE)
        assert all("--hash=sha256:" in each for each in blocks if "==" in each), lock
    npm = (ROOT / "package-lock.json").read_text("utf-8")
    assert npm.count('"integrity": "sha512-') == len(re.findall(r'^    "node_modules/', npm, re.MULTILINE))


def test_the_terms_for_updates_are_terms() -> None:
    days = [int(found) for row in PAGE.tables("Dependencies")[0] for found in re.findall(r"(\d+) days", row["within"])]
    assert days == sorted(days)
    assert len(days) == len(PAGE.tables("Dependencies")[0])
