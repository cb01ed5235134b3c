"""C01 to C05, C18, C20: the way to the node. Bytes are stored first, sent again as they are, and counted by nonce."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from web3 import Web3

from faults.proxy import dropped_after, dropped_before, raw, saying
from ledger_automation.chain import wire
from ledger_automation.errors import Conflict, LedgerError, Misconfigured, Unreachable
from ledger_automation.orchestrator.submission import State

SEND = "eth_sendRawTransaction"


def test_c01_a_reply_lost_after_the_broadcast_is_one_anchor(town: Any) -> None:
    t = town()
    size, before = t.grow(), t.mined()
    t.proxy.faults[SEND] = dropped_after
    with pytest.raises(Unreachable):
        t.anchorer.submit()
    assert t.states() == ["pending"], "stored before it was sent"
    t.proxy.heal()
    t.node.mine()
    _, again = t.restarted()
    assert again.submit() == size
    assert (t.states(), t.mined() - before, t.latest()) == (["final"], 1, size)
    assert len(t.proxy.sent) == 1, "its hash was enough to find it"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-32000, "already known"),
        (-32003, "transaction already imported"),
        (-32000, "Known transaction"),
        (-32010, "ALREADY_EXISTS: already known"),
    ],
)
def test_c02_already_known_is_a_success_in_every_dialect(town: Any, code: int, words: str) -> None:
    t = town()
    size = t.grow()
    t.proxy.faults[SEND] = saying(code, words, forwarded=True)
    assert t.anchorer.submit() == size
    assert t.rung == []
    t.node.mine()
    t.anchorer.settle()
    assert t.states() == ["final"]


def test_c02_eth_tester_takes_the_same_bytes_twice(hamlet: Any) -> None:
    t = hamlet()
    signed = t.lane.send(*t.step())
    t.chain.broadcast(signed)
    t.lane.settle()
    assert t.states() == ["final"]


def test_c03_the_library_repeats_nothing_by_itself(town: Any) -> None:
    t = town()
    t.grow()
    t.proxy.faults[SEND] = raw(429, b"slow down", forwarded=True)
    with pytest.raises(Unreachable):
        t.anchorer.submit()
    assert len(t.proxy.sent) == 1
    t.proxy.heal()
    t.node.mine()
    t.anchorer.settle()
    assert t.states() == ["final"]


class Died(BaseException):
    """The process ends here."""


def test_c04_killed_between_broadcast_and_mark_no_nonce_is_skipped_or_used_twice(town: Any, monkeypatch: Any) -> None:
    t = town()
    before = t.mined()
    kept = t.chain.submitter.broadcast

    def broadcast_and_die(submission: Any) -> None:
        kept(submission)
        raise Died

    with monkeypatch.context() as dying:
        dying.setattr(t.chain.submitter, "broadcast", broadcast_and_die)
        with pytest.raises(Died):
            t.lane.send(*t.step())
    lane, _ = t.restarted()
    lane.send(*t.step())
    assert [row.signed.nonce - before for row in t.rows()] == [0, 1]
    t.node.mine()
    assert [outcome.state for outcome in lane.settle()] == ["final", "final"]
    assert t.mined() == before + 2


def test_c05_a_gap_is_filled_from_the_mined_count(town: Any) -> None:
    """The row of the first nonce is gone (a backup was restored), the second waits behind the gap."""
    t = town()
    before = t.mined()
    t.proxy.faults[SEND] = dropped_before
    with pytest.raises(Unreachable):
        t.lane.send(*t.step())
    t.proxy.heal()
    t.lane.send(*t.step())
    with t.begin() as unit:
        unit._connection.exec_driver_sql("DELETE FROM submission WHERE nonce = ?", (before,))
        unit.commit()
    t.node.mine()
    lane, _ = t.restarted()
    assert [outcome.state for outcome in lane.settle()] == ["pending"], "nothing is mined behind a gap"
    lane.send(*t.step())
    t.node.mine()
    lane.settle()
    assert [(row.signed.nonce - before, row.state) for row in t.rows()] == [(0, "final"), (1, "final")]


def test_c05_what_never_arrived_is_sent_again_in_its_place(town: Any) -> None:
    t = town()
    t.proxy.faults[SEND] = dropped_before
    with pytest.raises(Unreachable):
        t.lane.send(*t.step())
    t.proxy.heal()
    t.lane.send(*t.step())
    t.lane.settle()
    t.node.mine()
    t.lane.settle()
    assert t.states() == ["final", "final"]


def test_c18_another_chain_is_refused_at_every_sending(town: Any, node: Any) -> None:
    t = town()
    t.grow()
    ours, other = t.proxy.upstream, node("--chain-id=7")
    t.proxy.upstream = other.url
    for attempt in (t.anchorer.submit, lambda: t.lane.send(*t.step()), t.restarted()[1].submit):
        with pytest.raises(Misconfigured, match="not the chain"):
            attempt()
    assert t.proxy.sent == t.rows() == []
    assert t.standing() == ["other_chain"]
    assert [alarm.kind for alarm in t.rung] == ["other_chain"], "told once"
    t.proxy.upstream = ours
    t.anchorer.submit()
    assert (len(t.proxy.sent), t.standing()) == (1, [])


BAD = {
    "429": raw(429, b"slow down"),
    "500": raw(500, b"oops"),
    "502, a page": raw(502, b"<html>Bad Gateway</html>"),
    "200, a page": raw(200, b"<html>Welcome to nginx!</html>"),
    "no JSON-RPC": raw(200, b"[]"),
    "huge": raw(200, b'{"jsonrpc":"2.0","id":1,"result":"0x' + b"0" * 3_000_000 + b'1"}'),
    "drop by drop": raw(200, b'{"jsonrpc":"2.0","id":1,"result":"0x1"}' + b" " * 200, 0.02),
    "nothing": dropped_before,
    "limit": saying(-32005, "rate limit exceeded"),
}


@pytest.mark.parametrize("kind", BAD)
def test_c20_a_bad_reply_is_one_typed_error_and_no_harm(town: Any, monkeypatch: Any, kind: str) -> None:
    monkeypatch.setattr(wire, "SECONDS", 2)  # an honest reply comes within it on a busy machine
    monkeypatch.setattr(wire, "LARGEST", 1_000_000)
    t = town()
    size = t.grow()
    for method in ("eth_getTransactionCount", "eth_chainId", SEND):
        t.proxy.faults = {method: BAD[kind]}
        with pytest.raises(LedgerError) as caught:
            t.anchorer.submit()
        assert type(caught.value) in (Unreachable, Misconfigured)
        assert len(caught.value.sentence) < 400
    t.proxy.heal()
    assert t.anchorer.submit() == size
    t.node.mine()
    t.anchorer.settle()
    assert (t.states(), t.latest()) == (["final"], size)


def test_c20_waiting_pauses_longer_each_time_a_node_does_not_answer(town: Any) -> None:
    t = town()
    t.grow()
    t.anchorer.submit()
    t.node.mine()
    t.proxy.faults["*"] = raw(429, b"slow down")
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 7:
            t.proxy.heal()

    t.anchorer.wait(seconds=60, sleep=sleep)
    assert t.states() == ["final"]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 2.0
    assert pauses[1] == 2 * pauses[0]


def test_c20_the_first_call_of_web3_is_bounded_too(town: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(wire, "LARGEST", 1_000_000)
    t = town()
    t.proxy.faults["eth_chainId"] = BAD["huge"]
    with pytest.raises(OSError, match="larger than"):
        _ = Web3(wire.http(t.proxy.url)).eth.chain_id


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_c20_a_node_sends_nobody_elsewhere(status: int) -> None:
    asked: list[str] = []

    class Node(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815  the names are the standard library's

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Node) as node:
        threading.Thread(target=node.serve_forever, daemon=True).start()
        with pytest.raises(ValueError, match="decode"):
            _ = Web3(wire.http(f"http://127.0.0.1:{node.server_port}/")).eth.chain_id
        node.shutdown()
    assert asked == ["/"]


def test_a_second_signature_for_the_same_is_refused(town: Any) -> None:
    t = town()
    subject, call = t.step()
    t.lane.send(subject, call)
    with pytest.raises(Conflict, match="under way"):
        t.lane.send(subject, call)
    t.node.mine()
    t.lane.settle()
    assert [row.state for row in t.rows()] == [State.FINAL]
    with pytest.raises(Conflict, match="final already"):
        t.lane.send(subject, call)
