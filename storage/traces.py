"""Traces by OpenTelemetry: one from a message to its answer, through every process.

Off until `set_up_tracing` is given an address, and then nothing of OpenTelemetry is imported: a
span is a context manager that passes on the trace it was given. A trace travels as a W3C
`traceparent` (https://www.w3.org/TR/trace-context/) in the inbox payload and in the job. Spans
carry ids, verbs and platforms; never what people wrote, and of an exception only its type.
"""

import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import structlog

Value = str | int | float | bool

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class Span(Protocol):
    """A part of a trace while it goes on."""

    @property
    def traceparent(self) -> str | None:
        """What a part elsewhere names as its parent; None outside any trace."""
        ...

    def note(self, **attributes: Value) -> None:
        """Say more about this part."""
        ...


class Tracing(Protocol):
    """Makes spans."""

    def span(
        self, name: str, kind: str, parent: str | None, attributes: Mapping[str, Value]
    ) -> Any:
        """A context manager around one `Span`."""
        ...

    def past(
        self, name: str, times_ns: tuple[int, int], parent: str, attributes: Mapping[str, Value]
    ) -> None:
        """A span that is over already."""
        ...

    def close(self) -> None:
        """Send what is left."""
        ...


class _Through:
    """Tracing is off: what came from outside is handed on."""

    def __init__(self, traceparent: str | None) -> None:
        self.traceparent = traceparent

    def note(self, **attributes: Value) -> None:
        """Nobody listens."""


class _Process:
    """What this process was set up with, as logging is."""

    tracing: Tracing | None = None


def set_up_tracing(url: str | None, process: str) -> Callable[[], None]:
    """Send this process' spans to the OTLP receiver at `url`; without one, switch tracing off.

    Returns what has to be called at the end, so that the last spans are sent.
    """
    if url is None:
        _Process.tracing = None
        return lambda: None
    from storage.otlp import OtlpTracing  # noqa: PLC0415 - tens of megabytes, only when it is on

    tracing = OtlpTracing(url, process)
    _Process.tracing = tracing

    def close() -> None:
        _Process.tracing = None
        tracing.close()

    return close


def is_on() -> bool:
    """Whether spans are sent anywhere."""
    return _Process.tracing is not None


def valid(traceparent: str | None) -> str | None:
    """The traceparent if it is one; a stranger's header may be anything."""
    return traceparent if traceparent and _TRACEPARENT.fullmatch(traceparent) else None


@contextmanager
def span(
    name: str, *, kind: str = "internal", parent: str | None = None, **attributes: Value
) -> Generator[Span]:
    """One part of a trace: below `parent`, or else below the part that goes on around it.

    `kind` is OpenTelemetry's: internal, server, client, producer or consumer. Log lines of the
    part carry its trace's id.
    """
    if _Process.tracing is None:
        yield _Through(parent)
        return
    with (
        _Process.tracing.span(name, kind, valid(parent), attributes) as made,
        structlog.contextvars.bound_contextvars(trace=str(made.traceparent).split("-")[1]),
    ):
        yield made


def past(name: str, times_ns: tuple[int, int], parent: str | None, **attributes: Value) -> None:
    """A part that is over already, from one time of the epoch to another."""
    if _Process.tracing is not None and (known := valid(parent)) is not None:
        _Process.tracing.past(name, times_ns, known, attributes)
