"""`storage.traces` over the OpenTelemetry SDK; imported only where tracing is on."""

import asyncio
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

Value = str | int | float | bool

EXPORT_EVERY_MS = 1000
CLOSE_S = 3.0
_PATH = "/v1/traces"
_CARRIED = TraceContextTextMapPropagator()


class _Live:
    def __init__(self, span: trace.Span) -> None:
        self.span = span

    @property
    def traceparent(self) -> str | None:
        return _traceparent(self.span)

    def note(self, **attributes: Value) -> None:
        for name, value in attributes.items():
            self.span.set_attribute(f"gryph.{name}", value)


class OtlpTracing:
    """See `storage.traces.Tracing`."""

    def __init__(self, url: str, process: str) -> None:
        """`url` is the receiver's base address, as in `http://127.0.0.1:4318`."""
        resource = Resource.create({"service.name": f"gryph-{process}"})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=url.rstrip("/").removesuffix(_PATH) + _PATH)
        self._provider.add_span_processor(
            BatchSpanProcessor(exporter, schedule_delay_millis=EXPORT_EVERY_MS)
        )
        self._tracer = self._provider.get_tracer("gryph")

    @contextmanager
    def span(
        self, name: str, kind: str, parent: str | None, attributes: Mapping[str, Value]
    ) -> Generator[_Live]:
        """See `storage.traces.span`."""
        with self._tracer.start_as_current_span(
            name,
            context=None if parent is None else _context(parent),
            kind=SpanKind[kind.upper()],
            attributes=_named(attributes),
            record_exception=False,  # its text may quote anything
            set_status_on_exception=False,
        ) as span:
            try:
                yield _Live(span)
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(Status(StatusCode.ERROR))
                raise

    def past(
        self, name: str, times_ns: tuple[int, int], parent: str, attributes: Mapping[str, Value]
    ) -> None:
        """See `storage.traces.past`."""
        began_ns, ended_ns = times_ns
        span = self._tracer.start_span(
            name, context=_context(parent), attributes=_named(attributes), start_time=began_ns
        )
        span.end(ended_ns)

    def close(self) -> None:
        """Send what is left, for a few seconds at most: the SDK by itself would wait half a minute
        for a receiver that is slow, and so be killed.
        """
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_S)


def _named(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {f"gryph.{name}": value for name, value in attributes.items()}


def _context(traceparent: str) -> Context:
    return _CARRIED.extract({"traceparent": traceparent}, Context())


def _traceparent(span: trace.Span) -> str:
    carrier: dict[str, str] = {}
    _CARRIED.inject(carrier, trace.set_span_in_context(span, Context()))
    return carrier["traceparent"]
