"""Webhooks: who is told, what, how it is signed, and what happens when nobody listens."""

import base64
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from ledger_automation.bootstrap import member_secret
from ledger_automation.errors import Forbidden, NotFound, Unreachable
from ledger_automation.orchestrator.duties import Duties
from ledger_automation.orchestrator.seal import seal
from ledger_automation.orchestrator.submission import Alarm, AlarmKind
from ledger_automation.orchestrator.webhooks import Messenger
from ledger_automation.worker.courier import HttpCourier


class Receiver(HTTPServer):
    """Hears, and answers as told; 200 when nothing is told any more."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Ear)
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.url = f"http://127.0.0.1:{self.server_port}/hook"


class _Ear(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


class Post:
    """The duty, at a clock that a test sets on."""

    def __init__(self, office: Any) -> None:
        ledger = office.ledger
        self.late = timedelta()
        self.alarms: list[Alarm] = []
        secret = member_secret(ledger.settings.home)
        courier = HttpCourier(frozenset({"127.0.0.1"}))
        self._messenger = Messenger(
            ledger.begin, ledger.recorder.origin, secret, courier, lambda: ledger.recorder.clock() + self.late
        )
        self._duties = Duties(ledger.begin, ledger.recorder, ledger.key, timedelta(days=1), self.alarms.append)
        self._seal = lambda: seal(ledger.begin, ledger.recorder, ledger.key, None)

    def go(self, *, sealed: bool = True) -> None:
        if sealed:
            self._seal()
        self._duties.deliver(self._messenger)


def add(office: Any, url: str) -> Any:
    return office.client.post("/webhooks", json={"url": url}, headers=office.headers("administrator-1"))


def told(receiver: Receiver) -> list[tuple[int, str]]:
    return [(each["data"]["sequence"], each["type"]) for each in (json.loads(body) for _, body in receiver.heard)]


@pytest.fixture
def post(office: Any) -> Post:
    object.__setattr__(
        office.ledger,
        "settings",
        office.ledger.settings.model_copy(update={"webhook_hosts": ("127.0.0.1", "hooks.example")}),
    )
    return Post(office)


def test_what_happens_is_told_in_order_signed_and_once(office: Any, receiver: Receiver, post: Post) -> None:
    office.fine()
    post.go()
    added = add(office, receiver.url)
    assert added.status_code == 201, added.text
    path = office.fine()
    office.post("finance-1", f"{path}/record_payment", {"amount": 3_500})
    post.go()
    post.go()
    assert told(receiver) == [
        (0, "ledger-automation.parking_fine.fine_recorded.v1"),
        (1, "ledger-automation.parking_fine.payment_recorded.v1"),
    ]
    key = base64.b64decode(added.json()["secret"].removeprefix("whsec_"))
    for headers, body in receiver.heard:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        wanted = base64.b64encode(hmac.new(key, signed, sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{wanted}"
        event = json.loads(body)
        assert (event["specversion"], event["subject"]) == ("1.0", path.rpartition("/")[2])
        assert headers["content-type"] == "application/cloudevents+json"
    listed = office.get("administrator-1", "/webhooks").json()["webhooks"]
    assert [(each["url"], each["failures"], each["last"]) for each in listed] == [(receiver.url, 0, "It was told.")]
    assert "secret" not in listed[0]


def test_a_failure_is_repeated_later_by_the_same_id_and_overtaken_by_nobody(
    office: Any, receiver: Receiver, post: Post
) -> None:
    add(office, receiver.url)
    office.fine()
    office.fine()
    receiver.answers = [500, 302]
    post.go()
    assert len(receiver.heard) == 1
    post.go(sealed=False)
    assert len(receiver.heard) == 1, "not due yet"
    post.late += timedelta(seconds=11)
    post.go(sealed=False)
    assert len(receiver.heard) == 2, "a redirect is a failure, and not followed"
    post.late += timedelta(seconds=21)
    post.go(sealed=False)
    ids = [headers["webhook-id"] for headers, _ in receiver.heard]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert len(ids) == 4


def test_who_does_not_listen_for_long_is_an_alarm_and_then_told_nothing(
    office: Any, receiver: Receiver, post: Post
) -> None:
    add(office, receiver.url)
    office.fine()
    receiver.answers = [500] * 200
    post.go()
    for _ in range(120):
        post.late += timedelta(hours=1, seconds=1)
        post.go(sealed=False)
    assert [(each.kind, "ended" in each.sentence) for each in post.alarms] == [(AlarmKind.WEBHOOK, False)]
    assert len(receiver.heard) == 80
    assert office.get("administrator-1", "/webhooks").json()["webhooks"][0]["ended"]
    standing = office.get("auditor-1", "/alarms").json()["alarms"]
    assert [each["kind"] for each in standing] == ["webhook"]


def test_a_receiver_that_is_gone_is_told_nothing_more(office: Any, receiver: Receiver, post: Post) -> None:
    add(office, receiver.url)
    office.fine()
    receiver.answers = [410]
    post.go()
    post.late += timedelta(days=1)
    post.go()
    assert len(receiver.heard) == 1


def test_two_at_once_may_tell_twice_and_write_it_down_once(office: Any, receiver: Receiver, post: Post) -> None:
    add(office, receiver.url)
    for _ in range(5):
        office.fine()
    post.go()
    threads = [threading.Thread(target=post.go, kwargs={"sealed": False}) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len({headers["webhook-id"] for headers, _ in receiver.heard}) == 5


def test_who_may_add_and_remove(office: Any, receiver: Receiver, post: Post) -> None:
    assert post.alarms == []
    hook = add(office, receiver.url).json()["id"]
    for persona, status in (("clerk-1", 403), ("auditor-1", 403), ("administrator-1", 204), ("administrator-1", 404)):
        assert office.client.delete(f"/webhooks/{hook}", headers=office.headers(persona)).status_code == status
    assert office.client.post("/webhooks", json={"url": receiver.url}).status_code == 401


@pytest.mark.parametrize(
    "target",
    [
        "http://hooks.example/a",
        "https://other.example/a",
        "https://hooks.example:0/a",
        "https://user:pass@hooks.example/a",
        "https://hooks.example#x",
        "https://hooks.example/a b",
        "https://hooks.example\n/a",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/a",
        "https://hooks.example.evil.example/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "https://hooks.example:99999/",
        "",
    ],
)
def test_where_nobody_may_be_sent_is_refused_when_it_is_added(office: Any, post: Post, target: str) -> None:
    assert post.alarms == []
    assert add(office, target).status_code in {403, 422}
    assert office.get("administrator-1", "/webhooks").json()["webhooks"] == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1", "224.0.0.1", "0.0.0.0"],  # noqa: S104
)
def test_a_name_that_leads_inside_is_not_followed(monkeypatch: Any, address: str) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", (address, 443))])
    with pytest.raises(Forbidden):
        HttpCourier(frozenset({"hooks.example"})).deliver("https://hooks.example/a", {}, b"")


def test_a_name_is_looked_up_once(monkeypatch: Any, receiver: Receiver) -> None:
    asked = []

    def resolve(host: str, *_: Any, **__: Any) -> Any:
        asked.append(host)
        return [(2, 1, 6, "", ("93.184.215.14", 443))]

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    courier = HttpCourier(frozenset({"hooks.example"}))
    assert courier._address(urlsplit("https://hooks.example/a")) == "93.184.215.14"
    assert asked == ["hooks.example"]
    assert receiver.heard == []


def test_the_courier_goes_to_listed_hosts_only(receiver: Receiver) -> None:
    with pytest.raises(Forbidden):
        HttpCourier(frozenset()).deliver(receiver.url, {}, b"{}")
    receiver.answers = [410, 200]
    courier = HttpCourier(frozenset({"127.0.0.1"}))
    with pytest.raises(NotFound):
        courier.deliver(receiver.url, {}, b"{}")
    courier.deliver(receiver.url, {}, b"{}")
    receiver.shutdown()
    receiver.server_close()
    with pytest.raises(Unreachable):
        courier.deliver(receiver.url, {}, b"{}")
