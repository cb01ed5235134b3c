"""The verdict follows from facts, prices and measures, and from each of them: change one, and the answer changes.

The reports are made by hand: on each system every adversary's attacks go as `DETECTED` says, so many cents and so many
milliseconds. A step's facts are those of a town that trusts everybody, unless a test says otherwise.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import pytest

from ledger_automation.errors import Contradiction, InvalidDefinition, LedgerError, NoteError, UnreadableFile
from ledger_automation.study import attestation, facts, prices, verdict
from ledger_automation.study.facts import Facts
from ledger_automation.study.prices import Prices
from ledger_automation.study.record import SYSTEMS, Answer, Figure, StudyReport, Tampered
from ledger_automation.tlog.note import SignerKey
from ledger_automation.verify.verdict import Sentence
from ledger_automation.workflows import workflow

KEY: Final = SignerKey("wismar.example/study", bytes(range(32)))
STRANGER: Final = SignerKey("wismar.example/study", bytes(32))
DAY: Final = "2026-11-29"

DETECTED: Final = {  # of 40 attacks each: by whom, and how many
    "table": {"clerk": ("system", 40), "administrator": ("auditor", 0), "operator": ("auditor", 0)},
    "hash_chain": {"clerk": ("system", 40), "administrator": ("auditor", 40), "operator": ("auditor", 12)},
    "merkle_log": {"clerk": ("system", 40), "administrator": ("auditor", 40), "operator": ("applicant", 40)},
    "timestamped_log": {"clerk": ("system", 40), "administrator": ("auditor", 40), "operator": ("auditor", 40)},
    "anchored": {"clerk": ("system", 40), "administrator": ("auditor", 40), "operator": ("chain", 40)},
    "enforced": {"clerk": ("system", 40), "administrator": ("auditor", 40), "operator": ("chain", 40)},
}
UNLAWFUL_BY: Final = dict.fromkeys(SYSTEMS, "auditor") | {"enforced": "system"}
MEASURED: Final = {  # storage, milliseconds, gas a case
    "table": ("recorded_p99", 500.0, 10.0, None),
    "hash_chain": ("recorded_p99", 600.0, 12.0, None),
    "merkle_log": ("logged_p99", 900.0, 400.0, None),
    "timestamped_log": ("stamped_p99", 950.0, 3_000.0, None),
    "anchored": ("anchored_p99", 1_000.0, 60_000.0, 60_000.0),
    "enforced": ("final_p99", 1_500.0, 90_000.0, 400_000.0),
}


def tampered(attack: str, adversary: str, system: str, injected: int, detected: int, by: str) -> Tampered:
    return Tampered(
        attack=attack, what=Sentence("etwas", "something"), adversary=adversary, system=system, store="sqlite",
        injected=injected, detected=detected, named=detected, located=detected, detected_by=by, seconds=2.0,
        command="make it",
    )  # fmt: skip


def matrix() -> tuple[Tampered, ...]:
    """Return 40 rewritings of each adversary on each system, and five unlawful steps that are noticed or refused."""
    rows = []
    for system, by_adversary in DETECTED.items():
        for adversary, (by, detected) in by_adversary.items():
            first = min(detected, 25)
            rows.append(tampered("T01", adversary, system, 25, first, by))
            rows.append(tampered("T36", adversary, system, 15, detected - first, by))
        if system != "table":
            rows.append(tampered("T49", "operator", system, 5, 5, UNLAWFUL_BY[system]))
    return tuple(rows)


def figure(measure: str, system: str, *rounds: float) -> Figure:
    return Figure(
        measure=measure, system=system, store="sqlite", workload="w", workflow="", rounds=rounds, command="make it"
    )


def figures() -> tuple[Figure, ...]:
    found = [figure("events_case", "table", 8.0)]
    for system, (covered, storage, milliseconds, gas) in MEASURED.items():
        found += [figure("storage", system, storage), figure(covered, system, milliseconds)]
        found += (
            [figure("gas_checkpoint", system, 60_000.0), figure("gas_case", system, gas)] if gas is not None else []
        )
    return tuple(found)


def priced(**chosen: float) -> Prices:
    """Return prices at which each system is dearer than the one before; gas and tokens as a test says."""
    price = {name: {"value": value, "source": "test", "date": DAY} for name, value in chosen.items()}
    plain = {"value": 10, "source": "test", "date": DAY}
    gas, node, tokens = price.get("gas", plain), price.get("node", plain | {"value": 100}), price.get("tokens", plain)
    return prices.convert(
        {
            "chain": "open", "authority": "local", "tokens_day": tokens, "anchors_day": plain,
            "ether_eur": plain | {"value": 2_000},
            "hosting": {"machine_eur_month": plain, "database_eur_month": plain, "storage_eur_gb_month": plain},
            "chains": {
                name: {
                    "kind": kind, "one_hand": alone, "gas_gwei": gas, "node_eur_month": node,
                    "nodes": plain | {"value": 1},
                }
                for name, kind, alone in (
                    ("open", "permissionless", False),
                    ("closed", "private permissioned", False),
                    ("own", "private permissioned", True),
                )
            },
            "authorities_eur_token": {"local": price.get("token", plain | {"value": 0.1})},
            "cases_year": {name: plain | {"value": 100} for name in facts.workflows()},
        },
        "of a test",
    )  # fmt: skip


def town(**values: Any) -> Facts:
    """Return facts by which every step is the same: one writer, everybody trusted, unless told otherwise."""
    plain = {
        "writers": 1, "writers_known": True, "writers_trusted": False, "third_party": True, "public": False,
        "distrusted": "clerk", "prevented": False, "noticed_within_hours": 24, "survives_operator": False,
        "held_outside": False,
    }  # fmt: skip
    told = {name: {"value": value, "de": f"{name}.", "en": f"{name}!"} for name, value in (plain | values).items()}
    every = {name: {"default": told} for name in facts.workflows()}
    return msgspec.convert({"town": "Test", "declared": DAY, "workflow": every}, Facts)


def report(
    attacks: Sequence[Tampered] | None = None,
    measured: Sequence[Figure] | None = None,
    answers: tuple[Answer, ...] = (),
) -> StudyReport:
    return StudyReport(
        about={"commit": "0" * 40}, prices=msgspec.to_builtins(priced()), facts=msgspec.to_builtins(town()),
        durability={}, figures=tuple(figures() if measured is None else measured),
        tampered=tuple(matrix() if attacks is None else attacks), answers=answers,
    )  # fmt: skip


def decided(made: StudyReport | None = None, at: Prices | None = None, **values: Any) -> Answer:
    """Return the answer for the permit's grant."""
    found = verdict.answers(made or report(), town(**values), at or priced())
    return next(each for each in found if (each.workflow, each.action) == ("permit", "grant"))


def said(answer: Answer) -> str:
    return "\n".join(reason.en for reason in answer.reasons)


OPERATOR: Final = {"distrusted": "operator"}


def test_trust_in_the_operator_flips_the_answer() -> None:
    assert [decided(distrusted=each).system for each in facts.ADVERSARIES] == ["table", "hash_chain", "timestamped_log"]
    assert not any(decided(distrusted=each).chain for each in facts.ADVERSARIES)


def test_a_receipt_outside_flips_the_answer() -> None:
    assert decided(**OPERATOR, held_outside=True).system == "merkle_log"
    without = decided(**OPERATOR, held_outside=False)
    assert without.system == "timestamped_log"
    assert "Of 45 attacks of the operator, the Merkle log noticed 5." in said(without)


def test_a_trusted_third_party_flips_the_answer() -> None:
    answer = decided(**OPERATOR, third_party=False)
    assert (answer.system, answer.chain) == ("anchored", True)
    assert "there is no third party whose timestamps everybody trusts" in said(answer)


def test_the_number_of_writers_flips_the_answer() -> None:
    assert decided(writers=1, third_party=False).system == "table"
    answer = decided(writers=3, third_party=False)
    assert (answer.system, answer.chain) == ("anchored", True)
    assert "3 organisations write, and none of them may keep the state alone" in said(answer)
    assert decided(writers=3, third_party=True).system == "table"
    assert decided(writers=3, third_party=False, writers_trusted=True).system == "table"


def test_the_price_of_gas_flips_the_answer() -> None:
    cheap = decided(at=priced(gas=10, token=2, node=0), **OPERATOR)
    dear = decided(at=priced(gas=1_000, token=2, node=0), **OPERATOR)
    assert (cheap.system, cheap.chain) == ("anchored", True)
    assert (dear.system, dear.chain) == ("timestamped_log", False)
    assert cheap.cost < dear.cost


def test_the_need_of_publicity_flips_the_answer() -> None:
    assert decided(public=False).system == "table"
    answer = decided(public=True)
    assert (answer.system, answer.chain) == ("merkle_log", False)
    assert "anybody must be able to verify the step" in said(answer)


def test_publicity_asks_for_a_chain_that_everybody_can_read() -> None:
    closed = msgspec.structs.replace(priced(), chain="closed")
    assert decided(at=closed, **OPERATOR, third_party=False).system == "anchored"
    answer = decided(at=closed, **OPERATOR, third_party=False, public=True)
    assert answer.system == ""
    assert "the chosen chain closed is private permissioned, and one that is public permissioned is needed" in said(
        answer
    )


def test_unknown_writers_ask_for_a_chain_without_permission() -> None:
    closed = msgspec.structs.replace(priced(), chain="closed")
    shared = {"writers": 3, "third_party": False}
    assert decided(at=closed, **shared).system == "anchored"
    assert decided(at=closed, **shared, writers_known=False).system == ""
    assert decided(**shared, writers_known=False).system == "anchored"


def test_a_chain_in_one_hand_is_no_witness_against_it() -> None:
    own = msgspec.structs.replace(priced(), chain="own")
    answer = decided(at=own, **OPERATOR, third_party=False)
    assert (answer.system, answer.cost) == ("", 0)
    assert "the chosen chain own is in one hand" in said(answer)


def test_prevention_flips_the_answer() -> None:
    assert decided(**OPERATOR, third_party=False).system == "anchored"
    answer = decided(**OPERATOR, third_party=False, prevented=True)
    assert (answer.system, answer.chain) == ("enforced", True)
    assert "Not enough is the anchor on the chain: only the application refuses what is unlawful" in said(answer)
    assert "The contract refused unlawful steps of the operator" in said(answer)


def test_what_the_operators_own_application_refuses_is_not_prevented() -> None:
    rows = [msgspec.structs.replace(each, detected_by="system") if each.attack == "T49" else each for each in matrix()]
    assert decided(report(rows), **OPERATOR, prevented=True).system == "enforced"


def test_an_unlawful_step_that_is_only_noticed_is_not_prevented() -> None:
    rows = [msgspec.structs.replace(each, detected_by="chain") if each.attack == "T49" else each for each in matrix()]
    assert decided(report(rows), **OPERATOR).system == "timestamped_log"
    answer = decided(report(rows), **OPERATOR, prevented=True)
    assert answer.system == ""
    assert "of 5 unlawful steps of the operator none was refused" in said(answer)


def test_an_unlawful_step_that_passes_is_one_too_many() -> None:
    passed = tampered("T49", "operator", "enforced", 1, 0, "")
    answer = decided(report([*matrix(), passed]), **OPERATOR, prevented=True)
    assert answer.system == ""
    assert "Of 46 attacks of the operator, the contract on the chain noticed 45." in said(answer)


def test_what_nobody_tried_is_not_prevented() -> None:
    rows = [each for each in matrix() if each.attack != "T49"]
    assert decided(report(rows), **OPERATOR).system == "timestamped_log"
    answer = decided(report(rows), **OPERATOR, prevented=True)
    assert answer.system == ""
    assert "of 0 unlawful steps of the operator none was refused" in said(answer)


def test_of_a_clerk_an_unlawful_step_is_attack_enough() -> None:
    rows = [tampered("T49", "clerk", "table", 1, 1, "system")]
    assert decided(report(rows)).system == "table"
    assert decided(report(rows), distrusted="administrator").system == ""


def test_the_declared_hours_flip_the_answer() -> None:
    slow = [each for each in figures() if each.measure != "stamped_p99"]
    slow.append(figure("stamped_p99", "timestamped_log", 3_000.0, 3_000.0, 7_200_000.0))
    assert decided(report(measured=slow), **OPERATOR, noticed_within_hours=4.5).system == "timestamped_log"
    answer = decided(report(measured=slow), **OPERATOR, noticed_within_hours=4.4)  # 2.4 for a token, the audit 2 s
    assert answer.system == "anchored"
    assert "it takes 4.40 hours until anything is noticed, and 4.4 hours are allowed" in said(answer)


def test_how_many_tokens_are_bought_flips_the_answer() -> None:
    within = {**OPERATOR, "noticed_within_hours": 2}
    assert decided(at=priced(tokens=10, token=0.01), **within).system == "anchored"
    assert decided(at=priced(tokens=13, token=0.01), **within).system == "timestamped_log"


def test_the_slowest_audit_of_whoever_is_distrusted_counts() -> None:
    slow = msgspec.structs.replace(tampered("T22", "administrator", "hash_chain", 1, 1, "auditor"), seconds=7_200.0)
    made = report([*matrix(), slow])
    assert decided(made, distrusted="administrator", noticed_within_hours=2.1).system == "hash_chain"
    assert decided(made, distrusted="administrator", noticed_within_hours=2).system == "merkle_log"
    without = [msgspec.structs.replace(each, system="table") if each is slow else each for each in made.tampered]
    assert decided(report(without), distrusted="clerk", noticed_within_hours=2).system == "table"


def test_evidence_that_survives_the_operator_lies_with_somebody_else() -> None:
    assert decided(survives_operator=True, held_outside=True).system == "merkle_log"
    answer = decided(survives_operator=True, held_outside=False)
    assert answer.system == "enforced"
    assert "when the operator is gone, nobody else holds evidence" in said(answer)


def test_one_attack_that_passes_is_one_too_many() -> None:
    passed = tampered("T22", "operator", "timestamped_log", 1, 0, "")
    answer = decided(report([*matrix(), passed]), **OPERATOR)
    assert answer.system == "anchored"
    assert "Of 46 attacks of the operator, the Merkle log with timestamps noticed 45." in said(answer)


def test_attacks_of_other_classes_do_not_count() -> None:
    passed = tampered("T45", "operator", "timestamped_log", 1, 0, "")
    assert decided(report([*matrix(), passed]), **OPERATOR).system == "timestamped_log"


def test_a_weaker_adversarys_attack_counts_against_the_stronger_need() -> None:
    passed = tampered("T13", "clerk", "timestamped_log", 1, 0, "")
    assert decided(report([*matrix(), passed]), **OPERATOR).system == "anchored"


def test_unlawful_steps_alone_do_not_show_that_rewriting_is_noticed() -> None:
    rows = [each for each in matrix() if each.adversary != "operator" or each.attack == "T49"]
    answer = decided(report(rows), **OPERATOR)
    assert answer.system == ""
    assert "no attack of the operator was tried on it" in said(answer)


def test_an_invented_step_rewrites_nothing_and_counts_where_prevention_is_asked_for() -> None:
    unseen = report([*matrix(), *(tampered("T06", "operator", system, 3, 0, "") for system in SYSTEMS)])
    answer = decided(unseen, **OPERATOR)
    assert answer.system == "timestamped_log"
    assert "Of 3 invented steps at the end of a case 0 were noticed" in said(answer)
    prevented = decided(unseen, **OPERATOR, prevented=True)
    assert prevented.system == ""
    assert "of 3 invented steps of the operator 0 were noticed" in said(prevented)


@pytest.mark.parametrize("distrusted", facts.ADVERSARIES)
def test_without_a_tamper_matrix_nothing_is_enough(distrusted: str) -> None:
    found = verdict.answers(report(()), town(distrusted=distrusted, held_outside=True), priced())
    assert {each.system for each in found} == {""}
    assert {each.chain for each in found} == {False}
    assert "was tried on it" in said(found[0])


def test_what_was_not_measured_is_not_shown() -> None:
    late = [each for each in figures() if each.measure != "recorded_p99"]
    answer = decided(report(measured=late))
    assert answer.system == "merkle_log"
    assert "“until recorded, 99 %” was not measured" in said(answer)
    free = [each for each in figures() if (each.measure, each.system) != ("storage", "table")]
    answer = decided(report(measured=free))
    assert answer.system == "hash_chain"
    assert "storage per event was not measured" in said(answer)
    assert decided(report(measured=())).system == ""


def test_reasons_name_the_facts_and_the_figures_that_decided() -> None:
    answer = decided(report(), **OPERATOR)
    assert said(answer).startswith("By Wüst and Gervais no chain is called for. writers!\ndistrusted!\n")
    assert "Of 45 attacks of the operator, the hash chain noticed 17." in said(answer)
    assert "Of 40 attacks of the database administrator, the table noticed 0." in said(answer)
    assert "Enough is the Merkle log with timestamps: 125 of 125 attacks were noticed, after 2.40 hours" in said(answer)
    assert "No chain is needed here; the anchor on the chain (open) would cost " in said(answer)
    german = "\n".join(reason.de for reason in answer.reasons)
    assert "Von 45 Angriffen des Betreibers bemerkte die Hashkette 17." in german
    assert "nach höchstens 2,40 Stunden (erlaubt: 24 Stunden)" in german


def test_reasons_name_what_would_do_without_a_chain() -> None:
    answer = decided(at=priced(gas=0, token=2, node=0), **OPERATOR)
    assert answer.system == "anchored"
    assert "Enough without a chain would be the Merkle log with timestamps, for " in said(answer)
    assert "Enough without a chain" not in said(decided(**OPERATOR, third_party=False))


def test_reasons_leave_out_a_dearer_kind_that_was_not_measured() -> None:
    bare = [each for each in figures() if each.system != "enforced"]
    assert "contract" not in said(decided(report(measured=bare), at=priced(node=0)))
    assert "contract" in said(decided(report(measured=bare), at=priced(node=0), **OPERATOR, prevented=True))


def test_reasons_answer_article_45l() -> None:
    last = decided(**OPERATOR).reasons[-1].en
    assert "origin not tried, unique sequential order not tried, subsequent changes 120 of 120 attacks noticed" in last
    assert "no qualified provider runs any of these systems" in last
    assert "subsequent changes 40 of 120 attacks noticed" in decided().reasons[-1].en  # a table, though it is enough


def test_of_two_at_one_price_the_simpler_is_taken() -> None:
    same = [figure("storage", each.system, 1.0) if each.measure == "storage" else each for each in figures()]
    assert decided(report(measured=same)).system == "table"
    less = [each for each in same if (each.measure, each.system) != ("storage", "merkle_log")]
    assert decided(report(measured=[*less, figure("storage", "merkle_log", 0.5)])).system == "merkle_log"


def test_every_action_of_every_workflow_gets_one_answer() -> None:
    found = verdict.answers(report(), facts.shipped(), prices.shipped())
    wanted = [(name, action) for name in facts.workflows() for action in workflow(name).transitions]
    assert [(each.workflow, each.action) for each in found] == wanted
    assert all(each.chain == (each.system in {"anchored", "enforced"}) for each in found)
    assert all(reason.de and reason.en and reason.de.endswith((".", ")")) for each in found for reason in each.reasons)


def test_the_summary_counts() -> None:
    found = verdict.answers(report(), facts.shipped(), prices.shipped())
    told = verdict.summary(found)
    free = sum(1 for each in found if each.system and not each.chain)
    assert told.town.en.startswith(f"For {free} of {len(found)} steps no chain is needed; ")
    assert set(told.workflows) == set(facts.workflows())
    nothing = verdict.summary(verdict.answers(report(()), facts.shipped(), prices.shipped()))
    assert nothing.workflows["permit"] == Sentence(
        "Bei 0 von 26 Schritten ist keine Chain nötig; bei 26 ist keines der Systeme als ausreichend gezeigt.",
        "For 0 of 26 steps no chain is needed; for 26 none of the systems is shown to be enough.",
    )
    chained = verdict.summary(verdict.answers(report(), town(writers=3, third_party=False), priced()))
    assert chained.workflows["permit"].en == (
        "For 0 of 26 steps no chain is needed; “anchored on a chain” is enough for 26."
    )


def written(made: StudyReport) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(made, answers=verdict.recomputed(made)))


def test_a_signed_report_holds_and_its_answers_follow_from_it() -> None:
    file = written(report())
    note = attestation.attest(file, KEY)
    attestation.check(file, note, [KEY.verifier])
    read = msgspec.json.decode(file, type=StudyReport)
    assert verdict.recomputed(read) == read.answers
    assert len(read.answers) == 69


def test_any_changed_byte_breaks_the_signature() -> None:
    file = written(report())
    note = attestation.attest(file, KEY)
    for place in range(0, len(file), 97):
        changed = file[:place] + bytes([file[place] ^ 1]) + file[place + 1 :]
        with pytest.raises(Contradiction, match="signed over another report"):
            attestation.check(changed, note, [KEY.verifier])
    for place in range(len(note)):
        changed_note = note[:place] + chr(ord(note[place]) ^ 1) + note[place + 1 :]
        with pytest.raises(LedgerError):
            attestation.check(file, changed_note, [KEY.verifier])


def test_another_key_does_not_vouch_for_a_report() -> None:
    file = written(report())
    with pytest.raises(NoteError):
        attestation.check(file, attestation.attest(file, STRANGER), [KEY.verifier])


def test_a_report_with_other_answers_is_neither_signed_nor_believed() -> None:
    made = report(())
    wished = tuple(msgspec.structs.replace(each, system="table") for each in verdict.recomputed(made))
    file = msgspec.json.encode(msgspec.structs.replace(made, answers=wished))
    with pytest.raises(Contradiction, match="do not follow"):
        attestation.attest(file, KEY)
    forced = KEY.sign(attestation._text(file))
    with pytest.raises(Contradiction, match="do not follow"):
        attestation.check(file, forced, [KEY.verifier])


def test_what_is_no_report_is_not_signed() -> None:
    with pytest.raises(UnreadableFile):
        attestation.attest(b"{}", KEY)
    with pytest.raises(UnreadableFile):
        attestation.attest(b"\xff", KEY)
    without = msgspec.structs.replace(report(), facts={})
    with pytest.raises(InvalidDefinition, match="The facts of the report"):
        attestation.attest(msgspec.json.encode(without), KEY)
