"""Anchorer and admin are handed over, and there is never a moment without either (AR10)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

from ledger_automation.chain import anchoring, creation, keys
from ledger_automation.chain.deploy import deploy, find
from ledger_automation.chain.keys import Secrets
from ledger_automation.chain.roles import Roles
from ledger_automation.chain.rotation import rotate_anchorer
from ledger_automation.errors import Conflict, Misconfigured

ANCHORER = keccak(b"ANCHORER")
ORIGIN = b"\x01" * 32


class Died(BaseException):
    """The process ended here."""


def quiet() -> None:
    """Nothing is open."""


@pytest.fixture
def roles(tester: Any, tmp_path: Path) -> Roles:
    record = deploy(tester, tmp_path, keys.anchorer(tmp_path, create=True))
    return Roles(tester, record.registry)


def holders(tester: Any, roles: Roles) -> list[int]:
    """Count the anchorers after each event of the registry, from its events alone."""
    granted, revoked = (keccak(text=f"Role{word}(bytes32,address,address)") for word in ("Granted", "Revoked"))
    logs = tester.web3.eth.get_logs({"fromBlock": 0, "address": roles._registry})
    counts, seats = [], set()
    for log in logs:
        if log["topics"][0] in (granted, revoked) and log["topics"][1] == ANCHORER:
            (seats.add if log["topics"][0] == granted else seats.discard)(bytes(log["topics"][2]))
            counts.append(len(seats))
    return counts


def test_the_last_anchorer_can_neither_be_revoked_nor_renounce(registry: Any, tester: Any, log: Any) -> None:
    holder, second = tester.web3.eth.accounts[:2]
    last = ("LastAnchorer", {"account": holder})
    assert registry.refusal("revokeRole", ANCHORER, holder) == last
    assert registry.refusal("renounceRole", ANCHORER, holder) == last
    assert registry.send("revokeRole", ANCHORER, second)["status"] == 1, "who holds nothing loses nothing"
    for change in ("grantRole", "revokeRole", "grantRole"):
        assert registry.send(change, keccak(b"GUEST"), second)["status"] == 1, "another role is no seat of an anchorer"
    assert registry.refusal("revokeRole", ANCHORER, holder) == last
    for _ in range(3):
        assert registry.send("grantRole", ANCHORER, second)["status"] == 1, "granted twice is counted once"
    assert registry.send("revokeRole", ANCHORER, holder)["status"] == 1
    heir = registry.opened_by(second)
    assert heir.refusal("renounceRole", ANCHORER, second) == ("LastAnchorer", {"account": second})
    heir.anchor(log, 0, 5)
    assert registry.refusal("anchor", *log.step(5, 6))[0] == "AccessControlUnauthorizedAccount"


def test_a_rotation_ends_with_the_new_key_alone(tester: Any, tmp_path: Path, roles: Roles, log: Any) -> None:
    former = keys.anchorer(tmp_path, create=False).address
    rotated = rotate_anchorer(tester, tmp_path, quiet)
    current = keys.anchorer(tmp_path, create=False).address
    assert (rotated.former, rotated.current) == (former, current)
    assert rotated.left_wei > 0
    assert (roles.may_anchor(former), roles.may_anchor(current)) == (False, True)
    assert sorted(each.name for each in keys.files(tmp_path)) == ["admin", "anchorer", f"retired/{former}"]
    assert holders(tester, roles) == [1, 2, 1]
    chain = anchoring(tester, tmp_path)
    chain.broadcast(chain.sign(chain.call(ORIGIN, 0, log.checkpoint(5), []), 0))
    assert chain.latest(ORIGIN) == log.checkpoint(5)
    again = rotate_anchorer(tester, tmp_path, quiet)
    assert again.former == current
    assert holders(tester, roles) == [1, 2, 1, 2, 1]


@contextmanager
def stopping(monkeypatch: pytest.MonkeyPatch, home: Path, at: int) -> Iterator[list[str]]:
    """Let the process end right before or after the n-th thing that a rotation does to a home's files or to a chain."""
    done: list[str] = []

    def moment(name: str) -> None:
        done.append(name)
        if len(done) == at + 1:
            raise Died

    def traced(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            if isinstance(arguments[0], Path) and home not in arguments[0].parents:
                return call(*arguments, **options)  # what the garbage collector closes is no step of a rotation
            moment(f"before {name}")
            answer = call(*arguments, **options)
            moment(f"after {name}")
            return answer

        return wrapped

    with monkeypatch.context() as patch:
        patch.setattr(creation, "transact", traced("transact", creation.transact))
        patch.setattr(creation, "fund", traced("fund", creation.fund))
        for name in ("hardlink_to", "replace", "unlink"):
            patch.setattr(Path, name, traced(name, getattr(Path, name)))
        yield done


def test_interrupted_anywhere_the_same_call_finishes_it(
    tester: Any, tmp_path: Path, roles: Roles, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = 0
    while True:
        former = keys.anchorer(tmp_path, create=False).address
        before = len(holders(tester, roles))
        with stopping(monkeypatch, tmp_path, moments) as done:
            try:
                rotate_anchorer(tester, tmp_path, quiet)
            except Died:
                finished = False
            else:
                finished = True
        if not finished and not (done[-1] == "after replace" and done.count("after replace") == 2):
            assert rotate_anchorer(tester, tmp_path, quiet).former == former
        current = keys.anchorer(tmp_path, create=False).address
        assert current != former
        assert (roles.may_anchor(former), roles.may_anchor(current)) == (False, True)
        assert holders(tester, roles)[before:] == [2, 1], done
        names = {each.name for each in keys.files(tmp_path)}
        assert not names & {"anchorer.next", "anchorer.old"}
        if finished:
            break
        moments += 1
    assert moments == 16, done


def test_what_is_in_flight_is_settled_before_the_old_key_goes(tester: Any, tmp_path: Path, roles: Roles) -> None:
    former = keys.anchorer(tmp_path, create=False).address
    asked: list[tuple[str, bool]] = []

    def settle() -> None:
        asked.append((keys.anchorer(tmp_path, create=False).address, roles.may_anchor(former)))
        if len(asked) == 2:
            raise Conflict("one is still open")

    with pytest.raises(Conflict):
        rotate_anchorer(tester, tmp_path, settle)
    assert [address == former for address, _ in asked] == [True, False], "once with each key"
    assert roles.may_anchor(former), "not revoked while something is open"
    rotated = rotate_anchorer(tester, tmp_path, settle)
    assert rotated.former == former
    assert all(may for _, may in asked)
    assert not roles.may_anchor(former)


def test_without_the_admins_key_it_says_who_must_act_and_goes_on_afterwards(
    tester: Any, tmp_path: Path, roles: Roles
) -> None:
    former = keys.anchorer(tmp_path, create=False).address
    away = tmp_path / "elsewhere.key"
    keys.place(tmp_path, "admin").rename(away)
    admin = keys.account(away)
    for call, account in (("grantRole", "next"), ("revokeRole", "old")):
        for _ in range(2):
            with pytest.raises(Misconfigured, match=rf"must call {call}\(ANCHORER") as caught:
                rotate_anchorer(tester, tmp_path, quiet)
        address = keys.account(keys.place(tmp_path, f"anchorer.{account}")).address
        facts = caught.value.facts
        assert (facts["admin"], facts["account"]) == (admin.address, address)
        assert facts["registry"] == find(tester, tmp_path).registry
        (roles.grant if call == "grantRole" else roles.revoke)(admin, address)
    assert rotate_anchorer(tester, tmp_path, quiet).former == former
    assert holders(tester, roles) == [1, 2, 1]


def test_a_home_whose_one_key_had_both_seats_keeps_its_admin(tester: Any, tmp_path: Path) -> None:
    account = keys.anchorer(tmp_path, create=True)
    roles = Roles(tester, deploy(tester, tmp_path, account, account.address).registry)
    assert not keys.place(tmp_path, "admin").exists()
    for _ in range(2):
        rotate_anchorer(tester, tmp_path, quiet)
        assert roles.admin() == account.address == keys.admin(tmp_path, create=False).address  # type: ignore[union-attr]
    assert holders(tester, roles) == [1, 2, 1, 2, 1]


def test_a_key_that_lies_elsewhere_is_rotated_elsewhere(tester: Any, tmp_path: Path, roles: Roles) -> None:
    before = keys.files(tmp_path)
    secret = keys.place(tmp_path, "anchorer").read_text().strip()
    with keys.using(Secrets(anchorer=secret)), pytest.raises(Misconfigured, match="does not lie in this home"):
        rotate_anchorer(tester, tmp_path, quiet)
    assert keys.files(tmp_path) == before
    assert holders(tester, roles) == [1]


def test_the_admins_seat_passes_in_two_steps_and_a_day(tester: Any, tmp_path: Path, roles: Roles) -> None:
    """The rehearsal of docs/adr/0009: the old admin offers, a day passes, the new one accepts, and then rotates."""
    old = keys.admin(tmp_path, create=False)
    assert old is not None
    heir = keys.account(tmp_path / "heir.key", create=True)
    creation.fund(tester, heir.address)
    offer = roles._interface.encode("beginDefaultAdminTransfer", [heir.address])
    accept = roles._interface.encode("acceptDefaultAdminTransfer", [])
    creation.transact(tester, old, roles._registry, offer)
    with pytest.raises(Misconfigured, match="would revert"):
        creation.transact(tester, heir, roles._registry, accept)
    backend = tester.web3.provider.ethereum_tester
    backend.time_travel(tester.web3.eth.get_block("latest")["timestamp"] + 86_402)
    assert roles.admin() == old.address, "until the heir accepts, there is the old one"
    creation.transact(tester, heir, roles._registry, accept)
    assert roles.admin() == heir.address
    with pytest.raises(Misconfigured, match=rf"The admin {heir.address}, whose key is not in this home"):
        rotate_anchorer(tester, tmp_path, quiet)
    (tmp_path / "heir.key").replace(keys.place(tmp_path, "admin"))
    rotate_anchorer(tester, tmp_path, quiet)
    assert holders(tester, roles) == [1, 2, 1]
