"""The whole set in containers: no engine runs it here, but everything that it names is there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ledger_automation.settings import Settings
from ledger_automation.worker.timetable import GROUPS
from support.servers import ALL_SERVERS

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if "LEDGER_HOME" in each.get("environment", {})}
GIVEN = {"ADMIN_ADDRESS": f"0x{'1' * 40}", "ISSUERS": '["https://issuer.example"]'}
CLIENT = shutil.which("docker-compose")


def test_every_setting_that_it_names_there_is() -> None:
    named = {name for each in OURS.values() for name in each["environment"]}
    assert {name.removeprefix("LEDGER_").lower() for name in named} <= set(Settings.model_fields)
    assert all(name.startswith("LEDGER_") for name in named)


def test_its_settings_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in next(iter(OURS.values()))["environment"].items():
        given = re.sub(r"\$\{(\w+):\?.*\}", lambda found: GIVEN[found[1]], value)
        monkeypatch.setenv(name, given)
    assert Settings().issuers == ("https://issuer.example",)


def test_there_is_one_of_each_and_two_that_answer_requests() -> None:
    words = {name: " ".join(each.get("command", ())) for name, each in SERVICES.items()}
    assert sum("ledger serve" in said for said in words.values()) == 2
    assert sum("worker beat" in said for said in words.values()) == 1
    read = [re.search(r"-Q (\S+)", said) for said in words.values()]
    assert sorted(found[1] for found in read if found) == sorted(GROUPS), "every queue has its reader"
    assert {"database", "broker", "node"} <= set(SERVICES)


@pytest.mark.parametrize("name", OURS)
def test_its_commands_are_there_with_their_options(name: str) -> None:
    words = [str(word) for word in OURS[name]["command"]]
    verb = 2 if words[0] == "ledger" else 4
    program = [str(Path(sys.executable).with_name("ledger"))] if words[0] == "ledger" else [sys.executable, *words[1:3]]
    env = os.environ | {"LEDGER_BROKER_URL": "amqp://broker//", "COLUMNS": "200"}
    told = subprocess.run(
        [*program, words[verb - 1], "--help"], env=env, capture_output=True, text=True, check=True, timeout=60
    )
    assert {word for word in words[verb:] if word.startswith("-")} <= set(re.findall(r"-{1,2}[\w-]+", told.stdout))


def test_no_secret_stands_in_it_and_git_knows_of_none() -> None:
    declared = {name: each["file"] for name, each in COMPOSE["secrets"].items()}
    assert all(path.startswith("secrets/") for path in declared.values())
    assert "/secrets/" in (ROOT / ".gitignore").read_text("utf-8").split()
    for service in SERVICES.values():
        used = {each if isinstance(each, str) else each["source"] for each in service.get("secrets", ())}
        assert used <= set(declared)
        for name, value in service.get("environment", {}).items():
            assert not re.search(r"://[^/]*:[^/]*@", value)
            if name.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in used
            assert not re.search(r"(PASSWORD|KEY|SECRET|DATABASE_URL|BROKER_URL)$", name)


def test_the_image_is_made_of_what_is_there() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").split() if line.startswith("!")}
    copied = [
        word
        for line in (ROOT / "Dockerfile").read_text("utf-8").splitlines()
        if line.startswith("COPY")
        for word in line.split()[1:-1]
    ]
    assert set(copied) == let_in
    assert all((ROOT / each).exists() for each in copied)


def test_where_everything_must_be_installed_the_client_is() -> None:
    assert CLIENT or not os.environ.get(ALL_SERVERS)


@pytest.mark.parametrize("client", [CLIENT] if CLIENT else [])
def test_the_client_reads_it(client: str) -> None:
    words = [client, "--file", str(ROOT / "compose.yaml"), "config"]
    said = subprocess.run(words, env=os.environ | GIVEN, capture_output=True, text=True, check=False, timeout=60)
    assert said.returncode == 0, said.stderr
    assert set(yaml.safe_load(said.stdout)["services"]) == set(SERVICES)
    lacking = subprocess.run(words, env=os.environ, capture_output=True, text=True, check=False, timeout=60)
    assert "ISSUERS" in lacking.stderr or "ADMIN_ADDRESS" in lacking.stderr
    assert lacking.returncode == 1
