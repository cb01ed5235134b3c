"""The page and a real chain: Anvil holds the archive's checkpoint, and other nodes are silent, elsewhere, or lie."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, Route

from ledger_automation.chain import AnchoringChain, anvil
from ledger_automation.chain.anchoring import anchoring
from ledger_automation.merkle.tree import fold
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.sources import AnchoredCheckpoint
from support import case_maps
from support.anchors import sign
from support.archive import ORIGIN, POLICY, Receipt
from support.browser import Answer, Question, page_says, program_says
from support.receipt_mutants import Bench, mutants

SILENT = "http://127.0.0.1:1/"
OTHER = "http://node.example/"
HOLDS = [[name, True] for name in ("7 chain", "8 anchor", "9 confirmations")]


class Anchored(NamedTuple):
    """A chain on which the archive is anchored, where it answers, and the claim to make of it."""

    chain: AnchoringChain
    url: str
    policy: VerificationPolicy
    claim: dict[str, Any]

    def question(self, receipt: Receipt, *urls: str, quorum: int = 1, **claim: Any) -> Question:
        octets = json.dumps({**receipt, "anchor": {**self.claim, **claim}}, ensure_ascii=False).encode()
        return Question(octets, Level.ANCHORED, None, urls or (self.url,), quorum)


@pytest.fixture(scope="module")
def anchored(archived: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anchored]:
    home, log = tmp_path_factory.mktemp("home"), archived.archive
    with anvil.running(home) as connection:
        chain = anchoring(connection, home)
        origin = sha256(ORIGIN.encode()).digest()
        checkpoint = AnchoredCheckpoint(log.size, fold(log.hashes), case_maps.root(log.places(log.size)))
        submission = sign(chain, origin, 0, checkpoint, [])
        chain.broadcast(submission)
        connection.mined(submission.transaction)
        found = chain.evidence(submission.transaction, origin)
        assert found is not None
        identity = chain.identity()
        claim = {
            "chain_id": identity.chain_id,
            "registry": identity.registry,
            "transaction": submission.transaction,
            "block_number": found.block_number,
            "block_hash": found.block_hash,
        }
        yield Anchored(
            chain, connection.web3.provider.endpoint_uri, replace(POLICY, chain=identity, confirmations=1), claim
        )  # type: ignore[attr-defined]


@pytest.fixture
def page(open_page: Any, anchored: Anchored) -> Page:
    found: Page = open_page(anchored.policy)
    return found


def whole(archived: Bench) -> Receipt:
    return archived.honest[0]


def said(answer: Answer) -> str:
    return str(answer.get("error") or f"{answer['verdict']} {answer['reason']}")


def test_every_receipt_of_the_anchored_checkpoint_is_final(anchored: Anchored, page: Page, archived: Bench) -> None:
    receipts = [each for each in archived.honest if each["checkpoint"] == archived.archive.note(archived.archive.size)]
    questions = [anchored.question(each) for each in (*receipts, archived.archive.absence("no case"))]
    answers = page_says(page, questions)
    assert answers == [program_says(anchored.policy, each, anchored.chain) for each in questions]
    assert {said(each) for each in answers} == {"final anchored"}
    assert all(each["steps"][-3:] == HOLDS for each in answers)


def test_a_claim_that_is_not_the_chains_is_refused_by_both(anchored: Anchored, page: Page, archived: Bench) -> None:
    number, block = anchored.claim["block_number"], anchored.claim["block_hash"]
    deployed = anchored.chain.registry._connection.web3.eth.get_block(number - 1)["transactions"][0].to_0x_hex()
    claims: list[dict[str, Any]] = [
        {"chain_id": 1},
        {"registry": anchored.claim["registry"].lower()},
        {"transaction": "0x" + "00" * 32},
        {"transaction": deployed},
        {"transaction": anchored.claim["transaction"].upper()},
        {"transaction": ""},
        {"block_number": number + 1},
        {"block_number": -1},
        {"block_hash": "0x" + "00" * 32},
        {"block_hash": block[2:]},
    ]
    questions = [anchored.question(whole(archived), **each) for each in claims]
    early = next(
        each for each in archived.honest if each["checkpoint"] == archived.archive.note(archived.archive.size // 2)
    )
    questions.append(anchored.question(early))
    answers = page_says(page, questions)
    assert answers == [program_says(anchored.policy, each, anchored.chain) for each in questions]
    assert {said(each) for each in answers} == {"contradicted step_8_anchor"}


def test_too_few_confirmations_are_pending(anchored: Anchored, open_page: Any, archived: Bench) -> None:
    policy = replace(anchored.policy, confirmations=1_000)
    question = anchored.question(whole(archived))
    (answer,) = page_says(open_page(policy), [question])
    assert answer == program_says(policy, question, anchored.chain)
    assert said(answer) == "pending not_final"


def test_mutants_are_judged_alike_with_a_chain_to_ask(anchored: Anchored, page: Page, archived: Bench) -> None:
    log = archived.archive
    receipts = [
        {**each, "anchor": anchored.claim} for each in archived.honest if each["checkpoint"] == log.note(log.size)
    ]
    asked = [
        each.question._replace(level=Level.ANCHORED, urls=(anchored.url,))
        for each in mutants(Bench(log, receipts), 340, 5)
    ]
    answers = page_says(page, asked)
    assert answers == [program_says(anchored.policy, each, anchored.chain) for each in asked]
    assert {"final anchored", "contradicted step_8_anchor"} <= {said(each) for each in answers}


def test_offline_wrong_chain_and_forged_are_three_sentences(
    anchored: Anchored, open_page: Any, page: Page, archived: Bench
) -> None:
    forged = json.loads(anchored.question(whole(archived)).receipt)
    forged["entries"][0]["salt"] = "00" * 32
    chain = anchored.policy.chain
    assert chain is not None
    elsewhere = open_page(replace(anchored.policy, chain=replace(chain, genesis_hash="0x" + "09" * 32)))
    good = anchored.question(whole(archived))
    sentences = {
        shown(page, good.receipt, SILENT),
        shown(elsewhere, good.receipt, anchored.url),
        shown(page, json.dumps(forged).encode(), anchored.url),
        shown(page, good.receipt, anchored.url),
    }
    assert len(sentences) == 4
    assert said(*page_says(elsewhere, [good])) == "Misconfigured"


def shown(page: Page, receipt: bytes, url: str) -> str:
    """Give the page a receipt and a node as a reader does, and return the sentence that he reads."""
    page.locator("#more").evaluate("(details) => { details.open = true; }")
    page.locator("#nodes").fill(url)
    page.locator("#receipt").set_input_files({"name": "r.json", "mimeType": "application/json", "buffer": receipt})
    page.locator("#answer[data-verdict]:not([aria-busy])").wait_for()
    page.get_by_role("button", name="Noch einmal prüfen").click()
    page.locator("#answer[data-verdict]:not([aria-busy])").wait_for()
    return page.locator("#sentence").inner_text()


Lie = Callable[[str, Any], Any]


@contextmanager
def lying(page: Page, anchored: Anchored, lie: Lie) -> Iterator[str]:
    """Let a second node answer what the first one does, but for a lie."""

    def answer(route: Route) -> None:
        asked = route.request.post_data_json
        request = Request(anchored.url, json.dumps(asked).encode(), {"content-type": "application/json"})  # noqa: S310
        with urlopen(request) as reply:  # noqa: S310  loopback
            result = json.load(reply)["result"]
        told = lie(asked["method"], result)
        body = (
            told
            if isinstance(told, str) and told.startswith("!")
            else json.dumps({"jsonrpc": "2.0", "id": 1, "result": told})
        )
        route.fulfill(
            status=200, body=body, headers={"access-control-allow-origin": "*", "content-type": "application/json"}
        )

    page.route(OTHER, answer)
    yield OTHER
    page.unroute(OTHER)


def altered(method: str, field: str, value: Any) -> Lie:
    return lambda asked, result: {**result, field: value} if asked == method and isinstance(result, dict) else result


def instead(method: str, value: Any) -> Lie:
    return lambda asked, result: value if asked == method else result


LIES: dict[str, Lie] = {
    "another chain id": instead("eth_chainId", "0x1"),
    "another genesis": altered("eth_getBlockByNumber", "hash", "0x" + "09" * 32),
    "other code": instead("eth_getCode", "0x00"),
    "no such transaction": instead("eth_getTransactionReceipt", None),
    "reverted": altered("eth_getTransactionReceipt", "status", "0x0"),
    "another block": altered("eth_getTransactionReceipt", "blockNumber", "0x1"),
    "no events": altered("eth_getTransactionReceipt", "logs", []),
}


@pytest.mark.parametrize("name", LIES)
def test_nodes_that_disagree_are_not_green(anchored: Anchored, page: Page, archived: Bench, name: str) -> None:
    with lying(page, anchored, LIES[name]) as other:
        question = anchored.question(whole(archived), anchored.url, other, quorum=1)
        (answer,) = page_says(page, [question])
    assert said(answer) == "unreachable chain_unreachable"


def test_nodes_that_agree_are_as_good_as_one_and_too_few_are_not(
    anchored: Anchored, page: Page, archived: Bench
) -> None:
    with lying(page, anchored, lambda _, result: result) as honest:
        both = anchored.question(whole(archived), anchored.url, honest, quorum=2)
        three = anchored.question(whole(archived), anchored.url, honest, SILENT, quorum=2)
        few = anchored.question(whole(archived), anchored.url, honest, SILENT, quorum=3)
        none = anchored.question(whole(archived), SILENT)
        verdicts = [said(each) for each in page_says(page, [both, three, few, none])]
    silent = "unreachable chain_unreachable"
    assert verdicts == ["final anchored", "final anchored", silent, silent]


def test_the_policys_nodes_are_asked_where_the_reader_names_none(
    anchored: Anchored, open_page: Any, archived: Bench
) -> None:
    octets = anchored.question(whole(archived)).receipt
    verdicts, nodes = [], (anchored.url, SILENT)
    for required in (0, 1, 2):
        page = open_page(replace(anchored.policy, nodes=nodes, nodes_required=required))
        assert page.locator("#nodes").input_value().split() == [*nodes]
        assert page.locator("#quorum").input_value() == (str(required) if required else "")
        asked = [(None, 0), (None, 1), ((anchored.url,), 0), ((anchored.url,), 1), ((), 0)]
        questions = [Question(octets, Level.ANCHORED, None, urls, quorum) for urls, quorum in asked]
        verdicts.append([answer["verdict"] == "final" for answer in page_says(page, questions)])
    assert verdicts == [
        [False, True, True, True, False],
        [True, True, True, True, False],
        [False, True, False, True, False],
    ]


NONSENSE = ("!", "![]", "!null", [], "0xzz", {"hash": 1}, {"logs": {}}, "0x" + "9" * 81, -1, True)
METHODS = ("eth_chainId", "eth_getBlockByNumber", "eth_getCode", "eth_getTransactionReceipt", "eth_blockNumber")


def test_nonsense_is_no_answer(anchored: Anchored, page: Page, archived: Bench) -> None:
    for method in METHODS:
        for nonsense in NONSENSE:
            with lying(page, anchored, instead(method, nonsense)) as other:
                (answer,) = page_says(page, [anchored.question(whole(archived), other)])
            assert said(answer) == "unreachable chain_unreachable", (method, nonsense)


def test_one_node_alone_decides_what_it_says_clearly(anchored: Anchored, page: Page, archived: Bench) -> None:
    told = {
        "eth_getTransactionReceipt": (None, "contradicted step_8_anchor"),
        "eth_getCode": ("0x", "Misconfigured"),
        "eth_chainId": ("0x1", "Misconfigured"),
        "eth_blockNumber": ("0x0", "pending not_final"),
    }
    for method, (told_instead, expected) in told.items():
        with lying(page, anchored, instead(method, told_instead)) as other:
            (answer,) = page_says(page, [anchored.question(whole(archived), other)])
        assert said(answer) == expected, method
    reorganised = altered("eth_getTransactionReceipt", "blockHash", "0x" + "09" * 32)
    with lying(page, anchored, reorganised) as other:
        (answer,) = page_says(page, [anchored.question(whole(archived), other)])
    assert said(answer) == "unreachable chain_unreachable"


def test_two_events_of_the_registry_leave_open_which_is_meant(anchored: Anchored, page: Page, archived: Bench) -> None:
    def doubled(method: str, result: Any) -> Any:
        return {**result, "logs": result["logs"] * 2} if method == "eth_getTransactionReceipt" else result

    def elsewhere(method: str, result: Any) -> Any:
        if method != "eth_getTransactionReceipt":
            return result
        return {**result, "logs": [{**each, "address": "0x" + "11" * 20} for each in result["logs"]]}

    for lie in (doubled, elsewhere):
        with lying(page, anchored, lie) as other:
            (answer,) = page_says(page, [anchored.question(whole(archived), other)])
        assert said(answer) == "contradicted step_8_anchor"
