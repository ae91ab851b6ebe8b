"""A receiver of OpenTelemetry traces (OTLP over HTTP) on this machine, quick or slow."""

import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from typing_extensions import override


@dataclass(frozen=True)
class Received:
    """One span."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    """Empty where it has none."""
    attributes: dict[str, Any]
    times_ns: tuple[int, int]


class Receiver(ThreadingHTTPServer):
    """Keeps what it is sent."""

    daemon_threads = True

    def __init__(self, answer_after_s: float) -> None:
        """Each answer takes that long."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.bodies: list[bytes] = []
        self.closing = threading.Event()
        self.answer_after_s = answer_after_s

    @property
    def spans(self) -> list[Received]:
        """All of them."""
        return [span for body in list(self.bodies) for span in _spans(body)]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Take spans at the one address of the protocol."""
        server = self.server
        assert isinstance(server, Receiver)
        if self.path != "/v1/traces" or self.headers["Content-Type"] != "application/x-protobuf":
            self.send_error(404)
            return
        server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        server.closing.wait(server.answer_after_s)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Requests are no news."""


@contextmanager
def receiving(answer_after_s: float = 0.0) -> Generator[Receiver]:
    """A receiver while the block lasts."""
    receiver = Receiver(answer_after_s)
    thread = threading.Thread(target=receiver.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.closing.set()
        receiver.shutdown()
        receiver.server_close()
        thread.join()


def _spans(body: bytes) -> list[Received]:
    request = ExportTraceServiceRequest.FromString(body)
    return [
        Received(
            service=str(_attributes(sent.resource.attributes)["service.name"]),
            name=span.name,
            trace=span.trace_id.hex(),
            id=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            attributes=_attributes(span.attributes),
            times_ns=(span.start_time_unix_nano, span.end_time_unix_nano),
        )
        for sent in request.resource_spans
        for scope in sent.scope_spans
        for span in scope.spans
    ]


def _attributes(told: Iterable[KeyValue]) -> dict[str, Any]:
    return {each.key: _value(each.value) for each in told}


def _value(value: AnyValue) -> object:
    return getattr(value, value.WhichOneof("value") or "string_value")
