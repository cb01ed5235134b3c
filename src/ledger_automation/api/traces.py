"""Traces, where somebody wants them (the extra ``telemetry``): one span a request, sent by OpenTelemetry's OTLP.

A span holds what the journal holds: method, declared route, status, time. Nothing of a path, a header or a body goes
into it, as an automatic instrumentation would have it (D14).
"""

import time
from collections.abc import Callable
from typing import Any

from ledger_automation.errors import Misconfigured

Trace = Callable[[str, str, int, float], None]
"""Told of each answered request: method, route, status, seconds."""


def untraced(_method: str, _route: str, _status: int, _seconds: float) -> None:
    """Trace nothing."""


def exporting(endpoint: str) -> Trace:
    """Return what sends spans to an OTLP/HTTP endpoint until the process ends; raises Misconfigured without the extra.

    They are sent in the background and dropped where nobody takes them: a trace is never what a request waits for.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  an extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        raise Misconfigured("Traces need OpenTelemetry: install ledger-automation[telemetry].") from error
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint)))
    return spans(provider)


def spans(provider: Any) -> Trace:
    """Return what makes a span of each request (semantic conventions for HTTP servers)."""
    tracer = provider.get_tracer("ledger_automation.api")

    def trace(method: str, route: str, status: int, seconds: float) -> None:
        end = time.time_ns()
        span = tracer.start_span(f"{method} {route}", start_time=end - int(seconds * 1e9))
        span.set_attributes({"http.request.method": method, "http.route": route, "http.response.status_code": status})
        span.end(end)

    return trace
