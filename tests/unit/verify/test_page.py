"""The page as a file: the same bytes from the same policy, nothing from elsewhere, and a policy that is its own."""

import base64
import json
import re
from hashlib import sha256
from importlib.resources import files
from typing import Any

import pytest
from msgspec.structs import replace

from ledger_automation.tlog.note import SignerKey
from ledger_automation.verify import page as here
from ledger_automation.verify.page import SOURCES, assemble, module
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.sources import ChainIdentity, LedgerPin
from ledger_automation.workflows import names, workflow

KEY = SignerKey("wismar.example/ledger", b"\x01" * 32)
CHAIN = ChainIdentity(31337, "0x" + "01" * 32, "0x" + "aB" * 20, "0x" + "02" * 32)
POLICY = VerificationPolicy(KEY.verifier.name, (KEY.verifier.text,), Level.ANCHORED, CHAIN, confirmations=2)


def source(name: str) -> str:
    return files(here).joinpath(f"{name}.js").read_text("utf-8")


def pinned(text: str) -> Any:
    found = re.search(r'<script type="application/json" id="pinned">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_the_same_policy_gives_the_same_bytes() -> None:
    pins = {name: LedgerPin("0x" + "11" * 20, "0x" + "22" * 32) for name in ("permit", "subsidy")}
    one = replace(POLICY, ledgers=pins)
    other = replace(POLICY, ledgers=dict(reversed(pins.items())))
    assert assemble(one) == assemble(other)
    assert assemble(one).text != assemble(POLICY).text


def test_policy_and_tables_stand_in_it() -> None:
    data = pinned(assemble(POLICY).text)
    assert data["policy"]["log_keys"] == list(POLICY.log_keys)
    assert data["tables"]["workflows"].keys() == {*names()}
    for name, table in data["tables"]["workflows"].items():
        law = workflow(name)
        assert [row["action"] for row in table["rows"]] == list(law.transitions)
        assert {*table["rows"][-1]["roles"]} == {*list(law.transitions.values())[-1].roles}
        assert table["version"] == law.version


def test_its_own_policy_names_its_script_and_its_style_and_nothing_else() -> None:
    text, security = assemble(POLICY)
    assert f'content="{security}"' in text
    assert re.findall(r"(?:script|style)-src ([^;]*)", security) == [
        hashed(part) for part in (found(text, "script type=.module."), found(text, "style"))
    ]
    rules = dict(each.strip().split(" ", 1) for each in security.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert "unsafe" not in security


def found(text: str, tag: str) -> str:
    matches = re.findall(rf"<{tag}>(.*?)</", text, re.DOTALL)
    assert len(matches) == 1
    return str(matches[0])


def hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"


def test_it_loads_nothing_and_links_nowhere() -> None:
    text = assemble(POLICY).text
    assert re.findall(r'(?:src|href|action)="([^"]*)"', text) == ["data:,"]
    assert "url(" not in text
    assert "@import" not in text
    assert not re.search(r"^\s*(?:import|export) ", text, re.MULTILINE)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", text)


@pytest.mark.parametrize("origin", ["a</script><script>alert(1)</script>", "<!--<script>", "{{script}}", "ü\u2028"])
def test_no_name_ends_the_element_that_it_stands_in(origin: str) -> None:
    text = assemble(replace(POLICY, origin=origin)).text
    assert pinned(text)["policy"]["origin"] == origin
    assert text.count("<script") == assemble(POLICY).text.count("<script")


def test_every_source_stands_after_what_it_imports_and_none_is_left_out() -> None:
    shipped = {each.name.removesuffix(".js") for each in files(here).iterdir() if each.name.endswith(".js")}
    assert shipped == {*SOURCES}
    for at, name in enumerate(SOURCES):
        assert {*re.findall(r'from "\./(\w+)\.js"', source(name))} <= {*SOURCES[:at]}, name


def test_every_import_is_used_and_every_name_is_given_once() -> None:
    given = re.findall(r"^(?:async )?(?:const|let|function|class) (\w+)", module(), re.MULTILINE)
    assert sorted(given) == sorted({*given})
    for name in SOURCES:
        text = source(name)
        body = re.sub(r"^import [^;]*;\n", "", text, flags=re.MULTILINE)
        for imported in re.findall(r"^import \{([^}]*)\}", text, re.MULTILINE):
            for each in imported.split(","):
                assert not each.strip() or re.search(rf"\b{each.strip()}\b", body), (name, each)


def test_sources_stay_short() -> None:
    for name in SOURCES:
        lines = source(name).splitlines()
        assert len(lines) <= 250, name
        assert max(map(len, lines)) <= 150, name


def test_every_sentence_is_there_in_two_languages_and_used() -> None:
    words = source("words")
    said = {*re.findall(r"^  (\w+): \[", words, re.MULTILINE)}
    others = {"final", "pending", "erased", "unreachable", "contradicted", "refused"}
    used = {key for name in SOURCES if name != "words" for key in re.findall(r'"([a-z0-9]+_[a-z0-9_]+)"', source(name))}
    no_words = {key for key in used if key.startswith("eth_")} | {
        "chain_unreachable",
        "not_anchored",
        "not_final",
        "not_witnessed",
    }
    no_words |= {"record_erasure", "qr_code"}
    assert said - others == used - no_words


def test_it_knows_every_fact_of_a_policy_and_every_step() -> None:
    text = source("verifier")
    known = re.search(r"const isPolicy = record\(\{(.*?)\n\}\)", text, re.DOTALL)
    assert known
    assert [*re.findall(r"^  (\w+):", known[1], re.MULTILINE)] == [*VerificationPolicy.__struct_fields__]
    steps = re.findall(r'this\.step = "(\d+ \w+)"', text)
    assert sorted({int(each.split()[0]) for each in steps}) == [*range(1, 12)]
    assert all(f'"{each}":' in source("words") for each in steps)
