"""``pip install ledger-automation`` alone: it verifies, asks nodes, and says of all else that it needs the service."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from faults.proxy import Proxy, changed
from ledger_automation.chain import anvil, open_chain
from support.lone_wheel import PROJECT, drawn, install

NEEDED = "This needs the service: pip install 'ledger-automation[service]'."
SERVICE = {"alembic", "celery", "eth-account", "eth-tester", "fastapi", "lxml", "psycopg", "sqlalchemy", "web3"}
ANVIL = ("--chain", "anvil")
ANNA = ("--actor", "anna", "--role", "applicant")


class Stranger(NamedTuple):
    """Somebody with the base install, two receipts and the policy; he has no home."""

    programs: Path
    folder: Path
    url: str

    def __call__(self, *words: object) -> tuple[int, str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("LEDGER_", "PYTHON"))}
        env = {**clean, "LEDGER_HOME": str(self.folder / "none"), "COLUMNS": "100"}
        command = [self.programs / "ledger", *map(str, words)]
        done = subprocess.run(command, env=env, cwd=self.folder, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout, done.stderr

    def verify(self, name: str, *words: object) -> tuple[int, Any]:
        code, out, err = self("verify", f"{name}.json", "--policy", "policy.json", "--json", *words)
        assert out, err
        return code, json.loads(out)


@pytest.fixture(scope="module")
def stranger(towns: Callable[[], Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stranger]:
    town, folder = towns(), tmp_path_factory.mktemp("stranger")
    with open_chain("anvil", town.home):
        url = f"http://127.0.0.1:{anvil._read(town.home / 'anvil').port}"
        town.ok("deploy", *ANVIL)
        town.ok("member", "seat", "anna", "--workflow", "permit", "--role", "applicant", *ANVIL)
        cases = {"fine": town.open()}
        cases["permit"] = str(town.ok("case", "open", "permit", "--level", "enforced", *ANNA, *ANVIL)["case_id"])
        town.ok("seal", *ANVIL)
        for name, case in cases.items():
            town.ok("receipt", case, "--out", folder / f"{name}.json")
        (folder / "policy.json").write_bytes((town.home / "policy.json").read_bytes())
        forged = (folder / "fine.json").read_text("utf-8").replace("3500", "3600")
        (folder / "forged.json").write_text(forged, "utf-8")
        yield Stranger(install(tmp_path_factory.mktemp("light")), folder, url)


def test_what_it_draws_is_little_and_nothing_of_the_service() -> None:
    names = {*drawn(PROJECT)}
    assert not names & SERVICE
    assert {*drawn(PROJECT, frozenset({"service"}))} > names | SERVICE


def test_a_receipt_holds_and_a_forged_one_does_not(stranger: Stranger) -> None:
    code, answer = stranger.verify("fine", "--level", "logged")
    assert (code, answer["verdict"]) == (0, "final")
    code, answer = stranger.verify("forged", "--level", "logged")
    assert (code, answer["verdict"], answer["reason"]) == (30, "contradicted", "step_3_inclusion")


def test_an_anchor_is_asked_of_one_node_and_of_several(stranger: Stranger) -> None:
    for words in (("--rpc", stranger.url), ("--chain", stranger.url), ("--rpc", stranger.url) * 3):
        code, answer = stranger.verify("fine", *words)
        assert (code, answer["verdict"], answer["reason"]) == (0, "final", "anchored"), answer
    code, answer = stranger.verify("forged", "--rpc", stranger.url)
    assert code == 30


def test_an_enforced_case_is_held_against_its_contract(stranger: Stranger) -> None:
    code, answer = stranger.verify("permit", "--level", "enforced", "--rpc", stranger.url)
    assert (code, answer["verdict"]) == (0, "final"), answer
    assert answer["steps"][-1]["detail"] == "the contract has taken 1 steps"


def test_with_the_node_gone_it_is_unreachable(stranger: Stranger) -> None:
    proxy = Proxy(stranger.url)
    with closing(proxy):
        assert stranger.verify("fine", "--rpc", proxy.url)[0] == 0
    code, answer = stranger.verify("fine", "--rpc", proxy.url)
    assert (code, answer["verdict"], answer["reason"]) == (20, "unreachable", "chain_unreachable")
    code, answer = stranger.verify("fine", "--rpc", proxy.url, "--rpc", stranger.url)
    assert (code, answer["verdict"]) == (20, "unreachable"), "both must agree, unless the reader says otherwise"
    assert stranger.verify("fine", "--rpc", proxy.url, "--rpc", stranger.url, "--quorum", "1")[0] == 0
    assert stranger.verify("fine")[0] == 20


def test_a_node_that_forges_a_receipt_is_found_by_a_second(stranger: Stranger) -> None:
    """The liar alone is believed: that is why there are several."""
    true, lie = stranger.verify("fine", "--rpc", stranger.url), json.loads(_read(stranger, "fine"))
    lie["anchor"]["transaction"] = "0x" + "ab" * 32
    (stranger.folder / "lie.json").write_text(json.dumps(lie), "utf-8")
    assert true[0] == 0
    assert stranger.verify("lie", "--rpc", stranger.url)[0] == 30
    with closing(Proxy(stranger.url)) as liar:
        liar.faults["eth_getTransactionReceipt"] = lambda request, _: {
            "jsonrpc": "2.0", "id": request["id"], "result": _forged(stranger, lie["anchor"]["transaction"]),
        }  # fmt: skip
        assert stranger.verify("lie", "--rpc", liar.url)[0] == 0
        for quorum, urls in enumerate(((liar, stranger), (stranger, liar), (stranger, stranger, liar))):
            words = [word for each in urls for word in ("--rpc", each.url)]
            code, answer = stranger.verify("lie", *words, "--quorum", quorum)
            assert (code, answer["verdict"], answer["reason"]) == (30, "contradicted", "step_8_anchor")
            assert answer["steps"][-1]["detail"].startswith("T45: ")


def test_a_node_that_hides_an_anchor_accuses_nobody_by_itself(stranger: Stranger) -> None:
    with closing(Proxy(stranger.url)) as liar:
        liar.faults["eth_getTransactionReceipt"] = changed(lambda _: None)
        code, answer = stranger.verify("fine", "--rpc", stranger.url, "--rpc", liar.url)
    assert (code, answer["steps"][-1]["detail"].startswith("T45: ")) == (30, True)


def test_a_quorum_that_cannot_be_had_is_said(stranger: Stranger) -> None:
    code, _, err = stranger("verify", "fine.json", "--policy", "policy.json", "--rpc", stranger.url, "--quorum", "2")
    assert (code, err.strip()) == (2, "Of 1 nodes 2 cannot agree; name more of them, or a smaller quorum.")


def test_nodes_and_how_many_must_agree_may_be_the_policys(stranger: Stranger) -> None:
    def verify(required: int, *words: object) -> int:
        policy = json.loads((stranger.folder / "policy.json").read_text("utf-8"))
        policy |= {"nodes": [stranger.url, proxy.url], "nodes_required": required}
        (stranger.folder / "nodes.json").write_text(json.dumps(policy), "utf-8")
        return stranger("verify", "fine.json", "--policy", "nodes.json", *words)[0]

    with closing(Proxy(stranger.url)) as proxy:
        assert [verify(required) for required in (0, 1, 2)] == [0, 0, 0]
    assert [verify(required) for required in (0, 1, 2)] == [20, 0, 20]
    one = ("--rpc", stranger.url)
    assert [verify(required, *one) for required in (0, 1, 2)] == [0, 0, 2], "the reader's nodes, the policy's number"
    assert verify(2, *one, "--quorum", "1") == 0


@pytest.mark.parametrize("words", [
    ("seal",), ("serve",), ("audit",), ("demo",), ("case", "show", "x"), ("contracts", "check"), ("member", "--help"),
    ("verify", "fine.json", "--policy", "policy.json", *ANVIL),
])  # fmt: skip
def test_what_needs_the_service_says_so_in_one_sentence(stranger: Stranger, words: tuple[str, ...]) -> None:
    code, out, err = stranger(*words)
    assert (code, out, " ".join(err.split())) == (4, "", NEEDED)


def test_help_is_there_for_all(stranger: Stranger) -> None:
    code, out, _ = stranger("--help")
    assert code == 0
    assert {"seal", "serve", "verify"} <= set(out.split())
    assert stranger("verify", "--help")[0] == 0
    assert stranger("--version")[0] == 0


def _read(stranger: Stranger, name: str) -> str:
    return (stranger.folder / f"{name}.json").read_text("utf-8")


def _forged(stranger: Stranger, transaction: str) -> Any:
    """The true receipt of the true anchor, under the name of a transaction that never was."""
    anchor = json.loads(_read(stranger, "fine"))["anchor"]
    with closing(Proxy(stranger.url)) as proxy:
        body = {"jsonrpc": "2.0", "id": 1, "method": "eth_getTransactionReceipt", "params": [anchor["transaction"]]}
        return {**proxy._forward(json.dumps(body).encode())["result"], "transactionHash": transaction}
