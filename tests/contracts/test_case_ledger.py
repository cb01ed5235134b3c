"""Enforced steps on chain: what the contract takes, and every way around it that it must refuse."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.address import to_canonical_address

from contracts.enforcing import HOUR, NAMES, Office, Person, person, with_terms
from contracts.passkeys import passkey
from ledger_automation.chain import artifacts
from ledger_automation.chain.connection import Connection
from ledger_automation.chain.local import open_chain

ANNA, BORIS, CLARA, EVE = (person(name) for name in ("anna", "boris", "clara", "eve"))

CUT_SHORT = ("UnknownError", {"data": "0x"})
"""What Solidity itself says of bytes that are not there: no step, so no rule to name."""


@pytest.fixture(scope="module", params=["tester", "anvil"])
def connection(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    with open_chain(request.param, tmp_path_factory.mktemp(request.param)) as opened:
        yield opened


@pytest.fixture(scope="module")
def office(connection: Connection, mocks: dict[str, artifacts.Artifact]) -> Office:
    founded = Office.founded(connection, mocks["StallLedger"])
    founded.seat(ANNA, "applicant", "approver")
    founded.seat(BORIS, "clerk")
    founded.seat(CLARA, "approver")
    return founded


def test_a_case_runs_and_the_head_is_what_python_says(office: Office) -> None:
    applied = office.signed(ANNA, "applicant", "apply")
    receipt = office.take(applied)
    (log,) = receipt["logs"]
    assert [int.from_bytes(topic, "big") for topic in log["topics"]] == list(
        office.ask("standingOf", applied.step.case_key)
    )
    assert bytes(log["data"]) == b""
    allotted = office.signed(BORIS, "clerk", "allot", applied, fee=500)
    office.take(allotted)
    office.take(office.signed(ANNA, "applicant", "give_up", allotted))


def test_who_did_not_sign_did_not_act(office: Office) -> None:
    """The orchestrator relays; with every key but the actor's own it can forge nothing."""
    applied = office.signed(ANNA, "applicant", "apply")
    office.take(applied)
    forged = office.signed(BORIS._replace(sign=EVE.sign), "clerk", "allot", applied, fee=500)
    error, facts = office.refused(forged)
    assert (error, facts["member"]) == ("NotSigned", BORIS.number)
    assert office.refused(forged._replace(signature=b""))[0] == "NotSigned"
    stranger = office.signed(EVE, "clerk", "allot", applied, fee=500)
    assert office.refused(stranger) == ("RoleNotHeld", {"member": EVE.number, "role": 1, "roles": 0})
    clerk = office.signed(CLARA, "clerk", "allot", applied, fee=500)
    assert office.refused(clerk) == ("RoleNotHeld", {"member": CLARA.number, "role": 1, "roles": 4})


def test_whatever_was_signed_cannot_be_changed(office: Office) -> None:
    applied = office.signed(ANNA, "applicant", "apply")
    office.take(applied)
    allotted = office.signed(BORIS, "clerk", "allot", applied, fee=500)
    step = allotted.step
    changed = {
        "the moment": with_terms(allotted, 0, 64, (step.terms & (1 << 64) - 1) + 1),
        "the deadline": with_terms(allotted, 64, 64, 2**40),
        "the action": with_terms(allotted, 192, 8, 2),
        "the commitment": allotted._replace(step=step._replace(commitment=b"\x01" * 32)),
        "the arguments": allotted._replace(step=step._replace(arguments=(1,))),
        "their number": allotted._replace(step=step._replace(arguments=(500, 0), terms=step.terms + (1 << 216))),
    }
    assert {what: office.refused(each)[0] for what, each in changed.items()} == dict.fromkeys(changed, "NotSigned")
    assert office.refused(with_terms(allotted, 128, 32, CLARA.number))[0] == "RoleNotHeld"
    assert office.refused(with_terms(allotted, 200, 8, 2))[0] == "RoleNotHeld"
    office.take(allotted)


def test_a_signature_counts_once_and_for_one_head_only(office: Office) -> None:
    applied = office.signed(ANNA, "applicant", "apply")
    office.take(applied)
    assert office.refused(applied) == (
        "StaleSequence", {"caseKey": f"0x{applied.step.case_key.hex()}", "expected": 1, "actual": 0},
    )  # fmt: skip
    allotted = office.signed(BORIS, "clerk", "allot", applied, fee=500)
    second = office.signed(ANNA, "applicant", "apply", at=office.now - HOUR)
    office.take(second)
    elsewhere = allotted._replace(step=allotted.step._replace(before=second.link))
    assert office.refused(elsewhere)[0] == "NotSigned"
    mixed = allotted._replace(step=allotted.step._replace(before=second.link._replace(case_key=applied.link.case_key)))
    error, facts = office.refused(mixed)
    assert (error, facts["expected"]) == ("WrongFacts", f"0x{applied.link.head.to_bytes(32, 'big').hex()}")
    office.take(allotted)
    late = office.signed(CLARA, "approver", "allot", applied, fee=1)
    assert office.refused(late)[0] == "StaleSequence"
    early = with_terms(office.signed(ANNA, "applicant", "give_up", allotted), 160, 32, 3)
    assert office.refused(early)[1]["expected"] == 2


def test_another_contract_and_another_chain_do_not_know_the_signature(
    office: Office, mocks: dict[str, artifacts.Artifact]
) -> None:
    twin = Office.founded(office.connection, mocks["StallLedger"])
    twin.seat(ANNA, "applicant")
    applied = office.signed(ANNA, "applicant", "apply")
    assert twin.refused(applied)[0] == "NotSigned"
    step = applied.step
    foreign = ANNA.sign(step.digest(office.domain._replace(chain_id=office.domain.chain_id + 1)))
    assert office.refused(applied._replace(signature=foreign))[0] == "NotSigned"
    alike = ANNA.sign(step.digest(office.domain._replace(workflow="subsidy")))
    assert office.refused(applied._replace(signature=alike))[0] == "NotSigned"


def test_facts_cannot_be_invented(office: Office) -> None:
    applied = office.signed(ANNA, "applicant", "apply")
    office.take(applied)
    allotted = office.signed(BORIS, "clerk", "allot", applied, fee=500)
    link, mine = applied.link.facts
    for facts in ((link, NAMES.member("eve")), (link,), (link ^ 1, mine), (link, mine, 0), ()):
        before = allotted.step.before._replace(facts=facts)
        terms = (allotted.step.terms & ~(0xFF << 208)) | len(facts) << 208
        lie = allotted._replace(step=allotted.step._replace(before=before, terms=terms))
        assert office.refused(lie)[0] == "WrongFacts", facts


def test_time(office: Office) -> None:
    """A signature ends with its deadline; a step lies neither ahead nor too far back nor before the previous one."""
    expired = office.signed(ANNA, "applicant", "apply", valid=-HOUR)
    error, facts = office.refused(expired)
    assert error == "SignatureExpired"
    assert facts["deadline"] < facts["blockTime"]
    for at in (office.now + timedelta(minutes=40), office.now - timedelta(hours=25)):
        assert office.refused(office.signed(ANNA, "applicant", "apply", at=at))[0] == "ImplausibleMoment"
    applied = office.signed(ANNA, "applicant", "apply")
    office.take(applied)
    backwards = office.signed(BORIS, "clerk", "allot", applied, fee=500)
    earlier = applied.step.moment - 1
    step = backwards.step._replace(terms=(backwards.step.terms >> 64 << 64) | earlier)
    resigned = backwards._replace(step=step, signature=BORIS.sign(step.digest(office.domain)))
    assert office.refused(resigned) == ("BeforePreviousStep", {"moment": earlier, "previous": applied.step.moment})


def test_the_law_says_no_under_its_own_name(office: Office) -> None:
    applied = office.signed(ANNA, "applicant", "apply")
    office.take(applied)
    good = office.signed(BORIS, "clerk", "allot", applied, fee=500)

    def forged(who: Person, role: int, action: int, *arguments: int) -> Any:
        terms = good.step.terms & ~(0xFFFF << 192 | 0xFF << 216 | 0xFFFFFFFF << 128)
        terms |= who.number << 128 | action << 192 | role << 200 | len(arguments) << 216
        step = good.step._replace(terms=terms, arguments=arguments)
        return good._replace(step=step, signature=who.sign(step.digest(office.domain)))

    assert office.refused(forged(ANNA, 2, 1, 500)) == ("NobodyDecidesInOwnCase", {"member": ANNA.number})
    assert office.refused(forged(BORIS, 1, 1, 0)) == ("FeeMissing", {"fee": 0})
    assert office.refused(forged(BORIS, 1, 1)) == ("WrongArguments", {"action": 1, "actual": 0})
    assert office.refused(forged(BORIS, 1, 1, 1 << 64)) == ("ArgumentOutOfRange", {"index": 0, "value": 1 << 64})
    assert office.refused(forged(BORIS, 1, 2)) == ("NotInState", {"state": 1, "action": 2})
    assert office.refused(forged(ANNA, 0, 1, 5)) == ("WrongRole", {"role": 0, "allowed": 6})
    assert office.refused(forged(BORIS, 1, 77)) == ("UnknownAction", {"action": 77})


def test_a_case_is_named_by_its_own_commitment(office: Office) -> None:
    applied = office.signed(ANNA, "applicant", "apply")
    key, terms, commitment, witness = office.relay(applied)
    assert office.refusal("take", b"\x07" * 16, terms, commitment, witness)[0] == "KeyIsNotCommitment"
    assert office.refusal("take", bytes(16), terms, bytes(32), witness)[0] == "KeyIsNotCommitment"
    assert office.refusal("take", key, terms | 200 << 216, commitment, witness) == CUT_SHORT


def test_anyone_may_relay_and_nobody_gains_by_it(office: Office) -> None:
    applied = office.signed(ANNA, "applicant", "apply")
    other = office.connection.web3.eth.accounts[3]
    relayed = Office(office.connection, office.address, office.interface, other).take(applied)
    assert relayed["from"] == other
    assert office.refused(applied)[0] == "StaleSequence"


def test_rights_are_asked_when_the_step_arrives(office: Office) -> None:
    dora = person("dora")
    office.seat(dora, "clerk")
    applied = office.signed(ANNA, "applicant", "apply")
    office.take(applied)
    allotted = office.signed(dora, "clerk", "allot", applied, fee=500)
    office.seat(dora)
    assert office.refused(allotted) == ("RoleNotHeld", {"member": dora.number, "role": 1, "roles": 0})
    office.seat(dora._replace(signer=person("dora's new key").signer), "clerk")
    assert office.refused(allotted)[0] == "NotSigned"
    fresh = dora._replace(sign=person("dora's new key").sign)
    office.take(office.signed(fresh, "clerk", "allot", applied, fee=500))


@pytest.mark.parametrize("verifier", ["ERC7913P256Verifier", "ERC7913WebAuthnVerifier"])
def test_a_passkey_signs(office: Office, verifier: str) -> None:
    artifact = artifacts.load(verifier)
    sent = office.connection.web3.eth.send_transaction(
        {"from": office.admin, "data": artifact.bytecode, "gas": 4_000_000}  # type: ignore[typeddict-item]
    )
    address = office.connection.mined(sent.to_0x_hex())["contractAddress"]
    key, sign = passkey(verifier)
    holder = Person(f"holder of {verifier}", to_canonical_address(address) + key, sign)
    office.seat(holder, "clerk")
    assert office.ask("seatOf", holder.number) == (2, holder.signer)
    elsewhere = bytes.fromhex("11" * 19 + "22") + key  # the same key behind another verifier is the same signer
    assert office.refusal("seat", 77, 1, elsewhere)[0] in {"SignerSeated", "NoSuchVerifier"}
    wallet = to_canonical_address(office.address) + key
    assert office.refusal("seat", 77, 1, wallet)[0] == "SignerSeated"
    applied = office.signed(ANNA, "applicant", "apply")
    office.take(applied)
    _, other = passkey(verifier)
    assert (
        office.refused(office.signed(holder._replace(sign=other), "clerk", "allot", applied, fee=5))[0] == "NotSigned"
    )
    office.take(office.signed(holder, "clerk", "allot", applied, fee=500))


def test_a_wallet_signs(office: Office, mocks: dict[str, artifacts.Artifact]) -> None:
    owner = person("owner")
    data = mocks["Wallet"].bytecode + encode(["address"], [owner.signer]).hex()
    sent = office.connection.web3.eth.send_transaction({"from": office.admin, "data": data, "gas": 2_000_000})  # type: ignore[typeddict-item]
    wallet = office.connection.mined(sent.to_0x_hex())["contractAddress"]
    holder = Person("wallet", to_canonical_address(wallet), owner.sign)
    office.seat(holder, "clerk")
    applied = office.signed(ANNA, "applicant", "apply")
    office.take(applied)
    stolen = office.signed(holder._replace(sign=EVE.sign), "clerk", "allot", applied, fee=5)
    assert office.refused(stolen)[0] == "NotSigned"
    office.take(office.signed(holder, "clerk", "allot", applied, fee=500))


def test_seats(office: Office) -> None:
    emil = person("emil")
    assert office.refusal("seat", 0, 1, emil.signer) == ("NobodyHasNoSeat", {})
    assert office.refusal("seat", 9, 128, emil.signer) == ("UnknownRoles", {"roles": 128})
    for malformed in (b"", emil.signer[:19], emil.signer + b"\x01", bytes(20), emil.signer + bytes(63)):
        assert office.refusal("seat", 9, 1, malformed)[0] == "MalformedSigner"
    assert office.refusal("seat", 9, 1, emil.signer + bytes(64))[0] == "NoSuchVerifier"
    assert office.refusal("seat", 9, 1, ANNA.signer) == (
        "SignerSeated", {"signer": f"0x{ANNA.signer.hex()}", "member": ANNA.number},
    )  # fmt: skip
    stranger = Office(office.connection, office.address, office.interface, office.connection.web3.eth.accounts[4])
    assert stranger.refusal("seat", 9, 1, emil.signer)[0] == "OwnableUnauthorizedAccount"
    office.seat(emil, "clerk")
    office.seat(emil._replace(signer=person("other").signer), "clerk")
    office.seat(Person("frida", emil.signer, emil.sign), "clerk")
    assert office.ask("seatOf", NAMES.member("frida"))[1] == emil.signer
    assert office.ask("seatOf", 4711) == (0, b"")


def test_the_admins_seat_is_handed_over_and_never_empty(
    connection: Connection, mocks: dict[str, artifacts.Artifact]
) -> None:
    founded = Office.founded(connection, mocks["StallLedger"])
    heir = connection.web3.eth.accounts[6]
    assert founded.refusal("renounceOwnership") == ("AdminRequired", {})
    founded.send("transferOwnership", heir)
    assert founded.ask("owner") == (founded.admin.lower(),), "until the heir accepts, nothing has changed"
    stranger = replace(founded, admin=connection.web3.eth.accounts[7])
    assert stranger.refusal("acceptOwnership")[0] == "OwnableUnauthorizedAccount"
    replace(founded, admin=heir).send("acceptOwnership")
    assert founded.ask("owner") == (heir.lower(),)
    assert founded.refusal("seat", 9, 1, BORIS.signer)[0] == "OwnableUnauthorizedAccount"


def test_allows_is_the_table(office: Office) -> None:
    table = office.table
    for number, row in enumerate(table.transitions.values()):
        for state in range(4):
            name = table.enforcement.states[state - 1] if state else None
            for role, word in enumerate(("applicant", "clerk", "approver", "finance", "auditor", "system")):
                expected = (name in row.sources if name else not row.sources) and word in row.roles
                assert office.ask("allows", state, number, role) == (expected,)
