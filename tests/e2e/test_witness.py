"""``ledger witness`` as processes of their own: three witnesses, one log, and what is left when they are killed."""

import json
import multiprocessing
import os
import re
import shutil
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ledger_automation.bootstrap import stored_log_key
from ledger_automation.cli import main
from ledger_automation.tlog.cosignature import WitnessKey, witnesses_of
from support.views import View, request

PRELOADED = ["ledger_automation.cli.app", "ledger_automation.cli.serve", "ledger_automation.witness.home"]
SECONDS = 60


def program(journal: Path, words: list[str], env: dict[str, str]) -> None:
    """Run the command line in a process of its own, with everything that it says in a file."""
    os.environ.update(env)
    with journal.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    main(words)


@pytest.fixture(scope="session")
def start() -> Callable[..., Any]:
    """Start the program from a server that has imported it: no second is lost."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)

    def started(journal: Path, *words: object, **env: str) -> Any:
        process = context.Process(target=program, args=(journal, [str(word) for word in words], env))
        process.start()
        return process

    return started


def waited(journal: Path, process: Any, words: str) -> re.Match[str]:
    """Wait until a process says something; return it."""
    give_up = time.monotonic() + SECONDS
    while not journal.exists() or not (found := re.search(words, journal.read_text("utf-8"))):
        assert process.is_alive(), journal.read_text("utf-8")
        assert time.monotonic() < give_up
        time.sleep(0.02)
    return found


class Process:
    """One witness in a process of its own; started again, it has the same port."""

    def __init__(self, start: Callable[..., Any], town: Any, home: Path, name: str) -> None:
        self.home = home
        self._start = start
        self._town = town
        self._port = "0"
        self.key = WitnessKey.parse(self.run("key", name)["key"])
        self.again()

    def run(self, *words: str) -> Any:
        return self._town.ok("witness", *words, "--home", self.home)

    def again(self) -> None:
        journal, logs = self.home / "journal", self._town.home / "keys" / "log.pub"
        journal.unlink(missing_ok=True)
        self.process = self._start(journal, "witness", "serve", logs, "--port", self._port, "--home", self.home)
        found = waited(journal, self.process, r"Witnessing at (http://127.0.0.1:(\d+))\.")
        self.url, self._port = found[1], found[2]

    def kill(self) -> None:
        self.process.kill()
        self.process.join(SECONDS)

    def remembers(self) -> int:
        return max((each["tree_size"] for each in self.run("show")["logs"].values()), default=0)


@pytest.fixture
def town(towns: Callable[[], Any]) -> Any:
    made = towns()
    made.open()
    return made


@pytest.fixture
def witnesses(start: Callable[..., Any], town: Any, tmp_path: Path) -> Iterator[list[Process]]:
    made = [Process(start, town, tmp_path / str(number), f"witness.example/{number}") for number in range(3)]
    yield made
    for each in made:
        each.kill()


def named(witnesses: list[Process]) -> dict[str, str]:
    places = {each.key.text: each.url for each in witnesses}
    return {"LEDGER_WITNESSES": json.dumps(places), "LEDGER_WITNESSES_REQUIRED": "2", "LEDGER_COSIGN_SECONDS": "0.3"}


def sealed(town: Any, env: dict[str, str]) -> list[str]:
    """Seal without a chain; return who cosigned."""
    answer = town("seal", "--level", "logged", "--json", env=env)
    assert answer.code == 0, answer
    return list(answer.data["cosigned"])


def verified(town: Any, case: str, env: dict[str, str]) -> tuple[int, str]:
    town("receipt", case, "--out", town.home.parent / "receipt.json", env=env)
    answer = town("verify", town.home.parent / "receipt.json", "--json", env=env)
    return answer.code, answer.data["reason"]


def test_two_of_three_are_enough_whoever_is_killed_and_one_is_not(town: Any, witnesses: list[Process]) -> None:
    env, (one, two, three) = named(witnesses), witnesses
    case = town.open()
    assert sealed(town, env) == [each.key.name for each in witnesses]
    assert verified(town, case, env) == (0, "logged")
    one.kill()
    case = town.open()
    answer = town("seal", "--level", "logged", env=env)
    assert "Cosigned by 2 of 3 witnesses." in answer.out
    assert "Witness witness.example/0: It does not answer: ConnectError." in answer.out
    assert verified(town, case, env) == (0, "logged")
    two.kill()
    case = town.open()
    assert sealed(town, env) == [three.key.name]
    assert verified(town, case, env) == (10, "not_witnessed")
    for each in (one, two):
        each.again()
    assert sealed(town, env) == [each.key.name for each in witnesses]
    assert verified(town, case, env) == (0, "logged")
    assert len({each.remembers() for each in witnesses}) == 1


def test_a_second_log_of_the_same_key_is_told_to_its_face(town: Any, towns: Any, witnesses: list[Process]) -> None:
    env, other = named(witnesses), towns()
    sealed(town, env)
    shutil.copytree(town.home, other.home)
    first, second = town.open(), other.open()
    sealed(town, env)
    answer = other("seal", "--level", "logged", "--json", env=env)
    assert (answer.code, answer.data["error"]) == (30, "Contradiction")
    assert "two logs" in answer.data["sentence"]
    assert verified(town, first, env) == (0, "logged")
    assert verified(other, second, env) == (10, "not_witnessed")
    assert verified(other, second, {}) == (0, "logged"), "without witnesses nothing tells"
    shown = witnesses[0].run("show")["split_views"]
    assert [len(each) for each in shown.values()] == [2]


def test_the_service_has_its_log_cosigned_by_itself(
    town: Any, witnesses: list[Process], start: Callable[..., Any]
) -> None:
    journal = town.home.parent / "served"
    env = {**named(witnesses), "LEDGER_SEQUENCE_SECONDS": "0.2", "LEDGER_HOME": str(town.home)}
    process = start(journal, "serve", "--dev", "--port", "0", "--chain", "tester", **env)
    try:
        url = waited(journal, process, r"Serving (http://\S+?)\.? ")[1]
        give_up = time.monotonic() + SECONDS
        while (note := fetched(f"{url}/log/checkpoint?witnesses=2")) is None:
            assert time.monotonic() < give_up, journal.read_text("utf-8")
            time.sleep(0.1)
        assert len(witnesses_of(note, [each.key for each in witnesses])) >= 2
        assert fetched(f"{url}/log/checkpoint?witnesses=4") is None
    finally:
        process.terminate()
        process.join(SECONDS)


def test_a_witness_killed_at_random_keeps_every_promise(witnesses: list[Process], town: Any) -> None:
    """Five times; whatever it answered it still holds, and another history is never cosigned in its place."""
    random, witness = Random(5), witnesses[0]
    log = stored_log_key(town.home / "keys" / "log.key", "wismar.example/ledger")
    one, two, promised = View("one", key=log), View("two", key=log), 0
    for _ in range(5):
        promised = until_it_is_killed(witness, one, promised, answers=random.randrange(1, 20), pause=random.random())
        witness.again()
        kept = witness.remembers()
        assert kept in {promised, promised + 1}, "what was stored and not answered may be one more"
        for body in (request(kept, [], two.note(kept)), two.body(kept + 1), two.body(kept + 1, kept)):
            assert posted(witness.url, body)[0] in {409, 422}
    assert promised >= 5


def until_it_is_killed(witness: Process, view: View, promised: int, *, answers: int, pause: float) -> int:
    """Have one size after the other cosigned until it dies, soon after some answers; return the last that it gave."""
    size, killer = promised, threading.Timer(pause / 50, witness.kill)
    with suppress(OSError, HTTPException):  # it dies before it answers, or in the middle of an answer
        while True:
            status, told = posted(witness.url, view.body(size + 1, size))
            size = size + 1 if status == 200 else int(told)
            promised = max(promised, size)
            answers -= 1
            if not answers:
                killer.start()
    killer.join()
    return promised


def posted(url: str, body: bytes) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"{url}/add-checkpoint", body, SECONDS) as answer:  # noqa: S310  ours
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def fetched(url: str) -> str | None:
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310  ours
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return None if error.code == 404 else f"{error.code}"


def test_what_cannot_be_witnessed_is_said_in_a_sentence(town: Any, witnesses: list[Process], tmp_path: Path) -> None:
    home, logs = witnesses[0].home, town.home / "keys" / "log.pub"
    port = witnesses[0].url.rpartition(":")[2]
    (tmp_path / "none").write_text("\n", "utf-8")
    (tmp_path / "odd").write_text(f"{witnesses[1].key.text}\n", "utf-8")
    for code, sentence, words in (
        (2, "name", ("key", "a b", "--home", tmp_path / "new")),
        (4, "is called witness.example/0", ("key", "another", "--home", home)),
        (4, "There is no witness", ("serve", logs, "--home", tmp_path / "new")),
        (4, "There is no witness", ("show", "--home", tmp_path / "new")),
        (5, "There is no file", ("serve", tmp_path / "missing", "--home", home)),
        (2, "lists no log", ("serve", tmp_path / "none", "--home", home)),
        (2, "lists a log that is none", ("serve", tmp_path / "odd", "--home", home)),
        (4, "Nothing can listen", ("serve", logs, "--home", home, "--port", port)),
    ):
        answer = town("witness", *words)
        assert (answer.code, sentence in answer.err) == (code, True), answer
        assert answer.err.count("\n") == 1
    key = home / "keys" / "witness.key"
    key.chmod(0o640)
    assert "chmod 600" in town("witness", "serve", logs, "--home", home).err
    key.chmod(0o600)
    key.write_text("no key at all", "utf-8")
    answer = town("witness", "serve", logs, "--home", home)
    assert (answer.code, "no key at all" in answer.err) == (4, False)
    key.write_text("77" * 32, "utf-8")
    assert "do not belong together" in town("witness", "serve", logs, "--home", home).err
    (home / "witness.sqlite").unlink()
    assert town("witness", "show", "--home", home).code == 4
