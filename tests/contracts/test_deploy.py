"""One set of contracts a chain and a home, wherever somebody dies and however many deploy at once."""

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from eth_abi.abi import encode
from web3.types import RPCEndpoint

from ledger_automation.chain import anvil, artifacts, creation, deploy, keys, open_chain
from ledger_automation.chain.connection import Connection
from ledger_automation.chain.deploy import Deployment, Wanted, find, ledger, shipped
from ledger_automation.chain.roles import Roles
from ledger_automation.errors import LedgerError, Misconfigured
from ledger_automation.rpc.interface import checksummed
from ledger_automation.workflows import workflow


@pytest.fixture(scope="module")
def anvils(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One Anvil for all homes of this module; each home signs with keys of its own."""
    home = tmp_path_factory.mktemp("anvil")
    with anvil.running(home) as connection:
        connection.web3.provider.make_request(RPCEndpoint("anvil_setAutomine"), [True])  # no waiting for blocks
        yield home


@contextmanager
def node(anvils: Path) -> Iterator[Connection]:
    with anvil.running(anvils) as connection:
        yield connection


def toy(mocks: dict[str, artifacts.Artifact]) -> list[Wanted]:
    """A workflow's contract, with its immutables, and one that stands for a verifier; neither is shipped."""
    return [
        ledger("toy", mocks["StallLedger"], 86_400),
        Wanted("verifiers", "trusting", mocks["TrustingRegistry"], lambda _: b""),
    ]


def deployed(connection: Connection, home: Path, wanted: Any = ()) -> Deployment:
    return deploy.deploy(connection, home, keys.anchorer(home, create=True), None, wanted)


def creations(connection: Connection, *senders: str) -> int:
    """Count the contracts that accounts ever created."""
    eth = connection.web3.eth
    blocks = [eth.get_block(number, full_transactions=True) for number in range(eth.block_number + 1)]
    return sum(
        each["from"] in senders and not each.get("to")  # type: ignore[index, union-attr]
        for block in blocks
        for each in block["transactions"]
    )


def owners(home: Path) -> list[str]:
    return [each.address for each in keys.files(home)]


def test_everything_wanted_is_deployed_once_and_found_again(anvils: Path, tmp_path: Path, mocks: Any) -> None:
    with node(anvils) as connection:
        record = deployed(connection, tmp_path, toy(mocks))
        assert (set(record.ledgers), set(record.verifiers)) == ({"toy"}, {"trusting"})
        assert deployed(connection, tmp_path, toy(mocks)) == record == find(connection, tmp_path)
        assert creations(connection, *owners(tmp_path)) == 3
        path = tmp_path / "deployments" / "31337.json"
        assert msgspec.json.decode(path.read_bytes(), type=Deployment) == record
        assert sorted(each.name for each in path.parent.iterdir()) == ["31337.json", "31337.lock", "31337.sent"]
        admin, anchorer = keys.admin(tmp_path, create=False), keys.anchorer(tmp_path, create=False)
        assert admin is not None
        assert (record.admin, record.anchorer) == (admin.address, anchorer.address)
        assert Roles(connection, record.registry).admin() == admin.address
        assert record.ledgers["toy"].code_hash != mocks["StallLedger"].code_hash(), "its immutables are filled in"
        assert not Roles(connection, record.registry).may_anchor(admin.address)


def test_a_workflow_that_names_a_contract_gets_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow("permit"), "enforcement", SimpleNamespace(contract="CheckpointRegistry"))
    (found,) = [each for each in shipped(86_400) if each.contract == "ledgers.permit"]
    admin = "0x" + "11" * 20
    assert found.arguments(admin) == encode(["address", "uint64"], [admin, 86_400])
    assert found.artifact == artifacts.load("CheckpointRegistry")


def test_a_record_from_before_there_were_ledgers_is_read_and_completed(
    anvils: Path, tmp_path: Path, mocks: Any
) -> None:
    with node(anvils) as connection:
        record = deployed(connection, tmp_path)
        path = tmp_path / "deployments" / "31337.json"
        old = json.loads(path.read_text())
        del old["ledgers"], old["verifiers"]
        path.write_text(json.dumps(old))
        assert find(connection, tmp_path) == record
        completed = deployed(connection, tmp_path, toy(mocks))
        assert msgspec.structs.replace(completed, ledgers={}, verifiers={}) == record
        assert set(completed.contracts()) == {"CheckpointRegistry", "ledgers.toy", "verifiers.trusting"}


def test_each_contract_of_the_record_is_held_against_its_code(anvils: Path, tmp_path: Path, mocks: Any) -> None:
    with node(anvils) as connection:
        record = deployed(connection, tmp_path, toy(mocks))
        path = tmp_path / "deployments" / "31337.json"
        for group, name in (("ledgers", "toy"), ("verifiers", "trusting")):
            changed = msgspec.to_builtins(record)
            changed[group][name]["address"] = keys.anchorer(tmp_path, create=False).address
            path.write_text(json.dumps(changed))
            with pytest.raises(Misconfigured, match=f"code hash of {group}.{name}"):
                deployed(connection, tmp_path, toy(mocks))


def test_a_home_keeps_its_chain(anvils: Path, tmp_path: Path) -> None:
    with node(anvils) as connection:
        deployed(connection, tmp_path)
        path = tmp_path / "deployments" / "31337.json"
        path.rename(path.with_name("1.json"))
        before = creations(connection, *owners(tmp_path))
        with pytest.raises(Misconfigured, match="deployed on chain 1, not on 31337"):
            deployed(connection, tmp_path)
        assert creations(connection, *owners(tmp_path)) == before


def test_a_remote_chain_needs_an_admin_and_says_so(anvils: Path, tmp_path: Path, stranger: Any) -> None:
    with node(anvils) as connection:
        url = f"http://127.0.0.1:{anvil._read(anvils / 'anvil').port}"
        account = keys.anchorer(tmp_path, create=True)
        creation.fund(connection, account.address)
        with open_chain(url, tmp_path) as remote:
            with pytest.raises(Misconfigured, match="Nobody would be the admin"):
                deploy.deploy(remote, tmp_path, account)
            assert not (tmp_path / "keys" / "admin.key").exists()
            record = deploy.deploy(remote, tmp_path, account, stranger.address)
            assert Roles(remote, record.registry).admin() == stranger.address
            assert not (tmp_path / "keys" / "admin.key").exists()


def dying(at: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Wrap a call that leaves a trace outside of its process: at the n-th moment before or after one, kill it."""
    moments = 0

    def moment() -> None:
        nonlocal moments
        if moments == at:
            os.kill(os.getpid(), signal.SIGKILL)
        moments += 1

    def wrap(call: Callable[..., Any]) -> Callable[..., Any]:
        def traced(*arguments: Any, **options: Any) -> Any:
            moment()
            answer = call(*arguments, **options)
            moment()
            return answer

        return traced

    return wrap


def deploy_and_die(anvils: Path, home: Path, mocks: Any, at: int) -> None:
    """Run in a process of its own; dies at a moment, or ends well after the last."""
    wrap = dying(at)
    with node(anvils) as connection:
        creation.write = wrap(creation.write)  # type: ignore[assignment]
        connection.web3.eth.send_raw_transaction = wrap(connection.web3.eth.send_raw_transaction)  # type: ignore[method-assign]
        deployed(connection, home, toy(mocks))


def killed(target: Callable[..., None], *arguments: Any) -> int | None:
    process = multiprocessing.get_context("fork").Process(target=target, args=arguments)
    process.start()
    process.join(60)
    return process.exitcode


def test_killed_between_any_two_steps_there_is_one_set(anvils: Path, tmp_path_factory: Any, mocks: Any) -> None:
    homes, codes = [], []
    for at in range(30):
        homes.append(tmp_path_factory.mktemp("home"))
        codes.append(killed(deploy_and_die, anvils, homes[-1], mocks, at))
        if codes[-1] == 0:
            break
    # Three contracts; each is written to the journal, sent, and written to the record; before and after each of these.
    assert codes == [-signal.SIGKILL] * 18 + [0]
    with node(anvils) as connection:
        for home in homes:
            record = deployed(connection, home, toy(mocks))
            assert creations(connection, *owners(home)) == 3, home
            assert len(record.contracts()) == 3
            assert not list((home / "deployments").glob("*.pending"))


def test_a_creation_whose_nonce_was_taken_is_signed_anew(anvils: Path, tmp_path: Path, mocks: Any) -> None:
    with node(anvils) as connection:
        assert killed(deploy_and_die, anvils, tmp_path, mocks, 2) == -signal.SIGKILL
        journal = tmp_path / "deployments" / "31337.pending"
        pending = creation.pending_in(journal)
        assert pending is not None
        admin = keys.admin(tmp_path, create=False)
        assert admin is not None
        creation.transact(connection, admin, admin.address, b"")
        record = deployed(connection, tmp_path)
        assert record.transaction != pending.transaction
        assert creations(connection, *owners(tmp_path)) == 1
        assert not journal.exists()


@pytest.fixture
def forgetful(tmp_path: Path) -> Iterator[tuple[Connection, Callable[[], None]]]:
    """An Anvil of its own, and a way to have it forget everything."""
    with anvil.running(tmp_path / "own") as connection:
        connection.web3.provider.make_request(RPCEndpoint("anvil_setAutomine"), [True])

        def ask(method: str, *words: Any) -> Any:
            return connection.web3.provider.make_request(RPCEndpoint(method), list(words))["result"]

        before = ask("evm_snapshot")

        def forget() -> None:
            assert ask("evm_revert", before) is True

        yield connection, forget


def test_what_the_chain_forgets_is_made_again_where_it_was(forgetful: Any, tmp_path: Path, mocks: Any) -> None:
    """Killed before it wrote its state down, or reorganised: the record is right again, and nobody lends a hand."""
    connection, forget = forgetful
    first = deployed(connection, tmp_path, toy(mocks))
    forget()
    for _ in range(3):
        connection.web3.provider.make_request(RPCEndpoint("evm_mine"), [])
    with pytest.raises(Misconfigured, match="not the contract"):
        find(connection, tmp_path)
    again = deployed(connection, tmp_path, toy(mocks))
    assert again.contracts() == first.contracts()
    assert again == find(connection, tmp_path)
    assert connection.web3.eth.get_balance(checksummed(again.anchorer)) > 0, "an anchorer without ether never anchors"
    for made in (again, *again.ledgers.values(), *again.verifiers.values()):
        receipt = connection.receipt(made.transaction)
        assert receipt is not None
        assert receipt["blockNumber"] == made.block_number
    assert deployed(connection, tmp_path, toy(mocks)) == again
    assert creations(connection, *owners(tmp_path)) == 3


def test_what_cannot_be_made_again_is_told(forgetful: Any, tmp_path: Path) -> None:
    """Its nonce is taken on the chain as it now is: another contract would be at another address."""
    connection, forget = forgetful
    deployed(connection, tmp_path)
    admin = keys.admin(tmp_path, create=False)
    assert admin is not None
    forget()
    creation.fund(connection, admin.address)
    creation.transact(connection, admin, admin.address, b"")
    with pytest.raises(Misconfigured, match="not the contract"):
        deployed(connection, tmp_path)
    assert creations(connection, *owners(tmp_path)) == 0


def test_a_damaged_journal_stops_and_says_so(anvils: Path, tmp_path: Path) -> None:
    (tmp_path / "deployments").mkdir()
    (tmp_path / "deployments" / "31337.pending").write_text("{")
    with node(anvils) as connection, pytest.raises(Misconfigured, match="may have been sent already"):
        deployed(connection, tmp_path)


def deploy_quietly(anvils: Path, home: Path, mocks: Any) -> None:
    with node(anvils) as connection:
        deployed(connection, home, toy(mocks))


def test_processes_that_deploy_at_once_make_one_set(anvils: Path, tmp_path: Path, mocks: Any) -> None:
    context = multiprocessing.get_context("fork")
    rivals = [context.Process(target=deploy_quietly, args=(anvils, tmp_path, mocks)) for _ in range(4)]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join(60)
    assert [rival.exitcode for rival in rivals] == [0] * 4
    with node(anvils) as connection:
        assert creations(connection, *owners(tmp_path)) == 3


def test_in_process_chains_take_the_same_set_and_leave_no_file(tester: Any, tmp_path: Path, mocks: Any) -> None:
    record = deployed(tester, tmp_path, toy(mocks))
    assert deployed(tester, tmp_path, toy(mocks)) == record == find(tester, tmp_path)
    assert len(record.contracts()) == 3
    assert not (tmp_path / "deployments").exists()


def test_a_constructor_that_reverts_is_refused_before_it_is_sent(tester: Any, tmp_path: Path) -> None:
    nobody = Wanted(
        "ledgers", "toy", artifacts.load(deploy.CONTRACT), lambda _: encode(["address"] * 2, ["0x" + "00" * 20] * 2)
    )
    with pytest.raises(LedgerError, match="would revert"):
        deployed(tester, tmp_path, [nobody])
    assert find(tester, tmp_path).ledgers == {}
