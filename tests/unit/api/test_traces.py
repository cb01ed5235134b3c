"""Traces hold what the journal holds, and nothing of a path."""

import builtins
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from ledger_automation.api.edge import Edge, Figures, Limit
from ledger_automation.api.traces import exporting, spans
from ledger_automation.errors import Misconfigured


def test_a_request_is_one_span_without_anything_of_its_path() -> None:
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    app = Starlette(routes=[Route("/cases/{case}", lambda _: PlainTextResponse("x"))])
    edge = Edge(app, Figures(CollectorRegistry()), Limit(100), spans(provider))
    TestClient(edge).get("/cases/of-erika?name=mustermann")
    (span,) = kept.get_finished_spans()
    assert span.attributes is not None
    assert dict(span.attributes)["http.response.status_code"] == 200
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.start_time <= span.end_time
    assert "erika" not in span.to_json()
    assert "mustermann" not in span.to_json()


def test_spans_are_sent_over_http() -> None:
    heard: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        trace = exporting(f"http://127.0.0.1:{server.server_port}/v1/traces")
        trace("GET", "/cases/{case}", 200, 0.01)
        give_up = time.monotonic() + 30
        while not heard and time.monotonic() < give_up:
            time.sleep(0.1)
        server.shutdown()
    assert b"GET /cases/{case}" in heard[0]


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    found = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("opentelemetry"):
            raise ImportError(name)
        return found(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(Misconfigured, match=r"ledger-automation\[telemetry\]"):
        exporting("http://127.0.0.1:4318/v1/traces")
