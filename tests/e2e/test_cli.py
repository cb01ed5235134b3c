"""Every verb as a user calls it: what it answers on its happy path, and that the answer has the documented shape."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger_automation.chain import anvil, open_chain

REPLAY = {
    "file", "workflow", "level", "cases", "events", "accepted", "refused", "ignored", "refusals", "tree_size",
    "root_hash", "anchored_size", "seconds",
}  # fmt: skip
AUDIT = {"verdict", "events", "cases", "tree_size", "checkpoints", "findings", "seconds"}
VERIFY = {"verdict", "reason", "sentence", "steps"}
FINDING = {"class", "case_id", "sequence", "leaf_index", "column", "expected", "actual", "sentence"}
VERBS = (
    (), ("case",), ("case", "open"), ("case", "do"), ("case", "show"), ("seal",), ("receipt",), ("verify",), ("audit",),
    ("publish",), ("check",), ("refresh",), ("monitor",), ("verify-page",), ("dossier",),
    ("replay",), ("deploy",), ("contracts",), ("contracts", "build"), ("contracts", "check"), ("demo",),
    ("retention",), ("timestamp",), ("preserve",), ("evidence",),
    ("study",), ("study", "run"), ("study", "tamper"), ("study", "verdict"), ("study", "report"),
    ("database",), ("database", "grant"),
    ("doctor",), ("keys",), ("keys", "show"), ("keys", "rotate"), ("keys", "rotate", "anchorer"),
    ("keys", "rotate", "log"),
)  # fmt: skip
PAID = ("record_payment", "--actor", "cash-office", "--role", "finance", "--payload")


@pytest.fixture(scope="module")
def anvils(towns: Callable[[], Any]) -> Iterator[Any]:
    """A town on Anvil with a case of two steps and a document; Anvil is kept running for outsiders to ask."""
    town = towns()
    document = town.home.parent / "photo.jpg"
    document.write_bytes(b"\xff\xd8 the car")
    town.case = town.open("--attach", document)
    town.ok("case", "do", town.case, *PAID, '{"amount": 1000}')
    with open_chain("anvil", town.home):
        town.url = f"http://127.0.0.1:{anvil._read(town.home / 'anvil').port}"
        town.deployed = town.ok("deploy", "--chain", "anvil")
        town.sealed = town.ok("seal", "--chain", "anvil")
        yield town


def test_a_case_is_opened_taken_on_and_shown(anvils: Any) -> None:
    shown = anvils.ok("case", "show", anvils.case)
    assert (shown["workflow"], shown["level"], shown["sequence"], shown["ended"]) == (
        "parking_fine", "anchored", 1, False,
    )  # fmt: skip
    assert [(each["action"], each["evidence"]) for each in shown["events"]] == [
        ("record_fine", "final"),
        ("record_payment", "final"),
    ]
    assert shown["events"][0]["attachments"] == ["photo.jpg"]
    assert "send_notice" in shown["actions"]
    words = anvils("case", "show", anvils.case)
    assert words.code == 0
    assert "possible now:" in words.out


def test_deploying_says_where_and_deploying_again_finds_it(anvils: Any) -> None:
    assert {"chain_id", "registry", "registry_code_hash", "genesis_hash"} <= set(anvils.deployed)
    assert anvils.deployed["chain_id"] == 31337
    assert anvils.ok("deploy", "--chain", "anvil") == anvils.deployed
    assert json.loads((anvils.home / "policy.json").read_text())["chain"]["registry"] == anvils.deployed["registry"]


def test_sealing_again_grows_the_log_by_a_heartbeat(anvils: Any) -> None:
    assert (anvils.sealed["leaves"], anvils.sealed["tree_size"], anvils.sealed["anchored_size"]) == (2, 2, 2)
    assert len(bytes.fromhex(anvils.sealed["root_hash"])) == 32
    again = anvils.ok("seal", "--chain", "anvil")
    assert again["leaves"] >= 1
    assert again["tree_size"] == again["anchored_size"] > 2


def test_a_receipt_leaves_the_building_and_holds_elsewhere(anvils: Any, towns: Callable[[], Any]) -> None:
    receipt, one = anvils.home.parent / "case.json", anvils.home.parent / "step.json"
    issued = anvils.ok("receipt", anvils.case, "--out", receipt)
    assert (issued["steps"], issued["anchored"], issued["bytes"]) == (2, True, receipt.stat().st_size)
    assert anvils.ok("receipt", anvils.case, "--sequence", 1, "--out", one)["steps"] == 1
    outsider = towns()
    outsider.home.mkdir()
    policy = Path(shutil.copy(anvils.home / "policy.json", outsider.home / "pinned.json"))
    for file in (receipt, one):
        answer = outsider.ok("verify", file, "--policy", policy, "--chain", anvils.url)
        assert set(answer) == VERIFY | {"sentence_de"}
        assert (answer["verdict"], answer["reason"]) == ("final", "anchored")
        assert all(set(step) == {"step", "holds", "detail"} for step in answer["steps"])
        open_steps = [step["step"] for step in answer["steps"] if not step["holds"]]
        assert open_steps == ([] if file is receipt else ["5 completeness"])
    assert sorted(outsider.state()) == ["pinned.json"], "who verifies leaves nothing behind"
    away = outsider("verify", receipt, "--policy", policy, "--chain", "http://127.0.0.1:9", "--json")
    assert (away.code, away.data["verdict"]) == (20, "unreachable")
    assert outsider.ok("verify", receipt, "--policy", policy, "--level", "logged")["verdict"] == "final"


def test_a_receipt_is_written_as_cose_and_as_codes_and_read_again(anvils: Any) -> None:
    folder = anvils.home.parent
    cose, text, codes = folder / "case.cose", folder / "case.txt", folder / "codes.svg"
    issued = anvils.ok("receipt", anvils.case, "--encoding", "cose", "--out", cose, "--qr", codes)
    assert (issued["steps"], issued["anchored"], issued["bytes"]) == (2, True, cose.stat().st_size)
    assert cose.read_bytes()[0] == 0xD2
    anvils.ok("receipt", anvils.case, "--encoding", "frames", "--out", text)
    assert anvils("receipt", anvils.case, "--encoding", "frames").out == text.read_text()
    assert codes.read_text().count('role="img"') == len(text.read_text().splitlines())
    for file in (cose, text):
        answer = anvils.ok("verify", file, "--held", cose, "--chain", "anvil")
        assert (answer["verdict"], answer["reason"]) == ("final", "anchored")
    answers = [anvils("receipt", anvils.case, "--encoding", each) for each in ("cose", "pdf")]
    answers.append(anvils("receipt", "00000000-0000-4000-8000-000000000000", "--absent", "--qr", codes))
    assert [each.code for each in answers] == [2, 2, 2]
    assert "name a file for it with --out" in answers[0].err
    assert "includes nothing" in answers[2].err


def test_a_page_verifies_by_the_policy_that_it_was_made_with(anvils: Any, towns: Callable[[], Any]) -> None:
    page, again = anvils.home.parent / "pages" / "verify.html", anvils.home.parent / "again.html"
    made = anvils.ok("verify-page", "--out", page)
    assert (made["file"], made["bytes"], made["level"]) == (str(page), page.stat().st_size, "anchored")
    outsider = towns()
    assert outsider("verify-page", "--out", again).code == 5, "nothing is pinned there, and no log is"
    outsider.ok("verify-page", "--policy", anvils.home / "policy.json", "--out", again)
    assert again.read_bytes() == page.read_bytes()
    assert json.loads((anvils.home / "policy.json").read_text())["log_keys"][0] in page.read_text("utf-8")
    fresh = towns()
    fresh.open()
    assert fresh.ok("verify-page", "--out", again)["level"] == "logged", "before the first anchor"


def test_the_nodes_that_somebody_put_into_the_policy_stay(anvils: Any) -> None:
    path = anvils.home / "policy.json"
    told = {**json.loads(path.read_text()), "nodes": [anvils.url], "nodes_required": 1}
    path.write_text(json.dumps(told))
    anvils.open()
    anvils.ok("seal", "--chain", "anvil")
    assert json.loads(path.read_text()) == told


def test_a_held_checkpoint_must_be_extended(anvils: Any) -> None:
    folder = anvils.home.parent
    older, newer, note = folder / "older.json", folder / "newer.json", folder / "held.txt"
    anvils.ok("receipt", anvils.case, "--out", older)
    anvils.ok("seal", "--chain", "anvil")
    case = anvils.open()
    anvils.ok("seal", "--chain", "anvil")
    note.write_text(json.loads(older.read_text())["checkpoint"])
    for held in (older, note):
        anvils.ok("receipt", case, "--held", held, "--out", newer)
        answer = anvils.ok("verify", newer, "--held", held, "--chain", "anvil")
        assert "6 extension" in [step["step"] for step in answer["steps"]]
    # Somebody who holds a younger checkpoint than the case's own gets a receipt of at least that size.
    anvils.ok("receipt", anvils.case, "--held", newer, "--out", older)
    assert anvils.ok("verify", older, "--held", newer, "--chain", "anvil")["verdict"] == "final"
    assert anvils.ok("audit", "--held", newer, "--held", note, "--chain", "anvil")["verdict"] == "final"


def test_an_audit_is_final_and_the_next_goes_on_from_its_mark(anvils: Any) -> None:
    mark = anvils.home.parent / "mark.json"
    whole = anvils.ok("audit", "--mark", mark, "--chain", "anvil")
    assert set(whole) == AUDIT | {"reason", "sentence", "sentence_de", "erased", "anchored_size"}
    assert (whole["verdict"], whole["findings"], whole["anchored_size"]) == ("final", [], whole["tree_size"])
    anvils.open()
    open_end = anvils("audit", "--mark", mark, "--chain", "anvil", "--json")
    assert (open_end.code, open_end.data["verdict"]) == (10, "pending")
    anvils.ok("seal", "--chain", "anvil")
    rest = anvils.ok("audit", "--mark", mark, "--chain", "anvil")
    assert rest["verdict"] == "final"
    assert rest["events"] < whole["events"]


def test_a_database_set_back_is_contradicted_by_the_chain(anvils: Any) -> None:
    copy = anvils.home.parent / "copy.sqlite"
    shutil.copy(anvils.home / "ledger.sqlite", copy)
    anvils.open()
    anvils.ok("seal", "--chain", "anvil")
    url = f"sqlite:///{copy}"
    assert anvils("seal", "--chain", "anvil", "--db", url).code == 30
    audit = anvils("audit", "--chain", "anvil", "--db", url, "--json")
    assert (audit.code, audit.data["verdict"]) == (30, "contradicted")
    assert audit.data["findings"]
    assert all(set(finding) == FINDING for finding in audit.data["findings"])


def test_a_replay_counts_every_event_and_a_second_one_adds_nothing(towns: Callable[[], Any]) -> None:
    town = towns()
    log = town.home.parent / "road_traffic_fine_small.xes"
    event = '<event><string key="concept:name" value="{}"/><date key="time:timestamp" value="{}"/>{}</event>'
    amount = (
        '<float key="amount" value="35.0"/><string key="article" value="157"/><float key="paymentAmount" value="{}"/>'
    )
    fine = event.format("Create Fine", "2012-01-02T00:00:00+01:00", amount.format(0))
    paid = event.format("Payment", "2012-01-09T00:00:00+01:00", amount.format(35))
    odd = event.format("Payment", "2012-01-09T00:00:00+01:00", amount.format("0.005"))
    traces = "".join(
        f'<trace><string key="concept:name" value="A{number}"/>{events}</trace>'
        for number, events in enumerate((fine + paid, fine + paid + paid, fine + odd, paid))
    )
    log.write_text(f"<log>{traces}</log>")
    words = ("replay", log, "--workflow", "parking_fine", "--level", "anchored", "--chain", "tester")
    first, second = town.ok(*words), town.ok(*words)
    assert set(first) == REPLAY | {"openings", "share_accepted"}
    assert first["events"] == first["accepted"] + first["refused"] + first["ignored"] == 8
    assert first["refused"] == sum(first["refusals"].values()) == 3
    assert first["refusals"]["malformed_event"] == 1
    assert (first["cases"], first["tree_size"], first["anchored_size"]) == (3, 5, 5)
    assert len(bytes.fromhex(first["root_hash"])) == 32
    assert {**first, "seconds": 0} == {**second, "seconds": 0}
    assert town.ok("audit", "--level", "logged")["verdict"] == "final"
    gone = town("audit", "--json")
    assert (gone.code, gone.data["verdict"]) == (20, "unreachable"), "the tester's chain ended with the replay"
    words = town(*words)
    assert "eth-tester chain ends with this command" in words.out
    let_what_is_due_go(town)


def let_what_is_due_go(town: Any) -> None:
    """Two of the fines were settled in 2012, and fines are kept for eight years."""
    found = town.ok("retention")
    assert found["years"] == {"parking_fine": 8, "permit": 6, "subsidy": 10}
    assert {(each["workflow"], each["kept_until"]) for each in found["due"]} == {("parking_fine", "2020-12-31")}
    assert (len(found["due"]), found["erased"]) == (2, 0)
    assert town("retention", env={"LEDGER_RETENTION_YEARS": '{"parking_fine": 99}'}).out.startswith("No case is kept")
    refused = [town("retention", "--erase"), town("retention", "--limit", 0)]
    refused.append(town("retention", env={"LEDGER_RETENTION_YEARS": '{"wedding": 1}'}))
    assert [each.code for each in refused] == [2, 2, 2]
    done = town.ok("retention", "--erase", "--actor", "dora")
    assert (len(done["due"]), done["erased"]) == (2, 4)
    assert town.ok("retention")["due"] == []
    shown = town.ok("case", "show", done["due"][0]["case_id"])
    assert shown["case_id"] == done["due"][0]["case_id"]
    audit = town.ok("audit", "--level", "logged")
    assert (audit["verdict"], audit["erased"]) == ("final", 4)


def test_contracts_are_what_the_sources_compile_to(towns: Callable[[], Any]) -> None:
    assert towns().ok("contracts", "check") == {"differences": []}


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb_has_its_help(verb: tuple[str, ...], towns: Callable[[], Any]) -> None:
    town = towns()
    answer = town(*verb, "--help")
    assert answer.code == 0
    assert answer.out.startswith(f"Usage: {' '.join(('ledger', *verb))}")
    assert not town.home.exists()


def test_the_installed_program_helps_says_its_version_and_completes(towns: Callable[[], Any]) -> None:
    town = towns()
    town.home.mkdir()
    assert town.program("--help").out.startswith("Usage: ledger COMMAND")
    assert town.program("--version").out.strip()
    user = {"HOME": str(town.home), "SHELL": "/bin/bash"}
    installed = town.program("--install-completion", "--shell", "bash", "--output", town.home / "ledger.bash", env=user)
    assert installed.code == 0, installed
    assert "ledger" in (town.home / "ledger.bash").read_text("utf-8")
    refused = town.program("case", "show", "case-7")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.strip().endswith(".")


def test_no_color_is_honoured_and_strangers_text_is_shown_as_it_is(town: Any) -> None:
    words = ("case", "show", "00000000-0000-4000-8000-000000000000")
    coloured = town(*words, env={"FORCE_COLOR": "1"})
    plain = town(*words, env={"FORCE_COLOR": "1", "NO_COLOR": "1"})
    assert "\x1b[1;31m" in coloured.err
    assert "\x1b[1;31m" not in plain.err
    strange = town("case", "show", "[/red]\x1b[2J:smile:")
    assert strange.code == 2
    assert "[/red]\\\\x1b[2J:smile:" in strange.err or "[/red]\\x1b[2J:smile:" in strange.err
    payload = {"amount": 100, "offence": "[/] [bold]kerb[/bold] :smile: \x1b[2J"}
    case = town.open(payload=payload)
    town.ok("seal", "--level", "logged")
    printed = town("receipt", case)
    assert printed.code == 0
    assert "\x1b" not in printed.out
    assert json.loads(json.loads(printed.out)["entries"][0]["event"])["payload"]["offence"] == payload["offence"]
