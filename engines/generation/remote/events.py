"""Server-sent events, read from bytes that are split anywhere; no I/O.

Source: HTML Living Standard, section "Server-sent events", parsing an event stream.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_EVENT_CHARS = 4 * 2**20


class EventTooLong(Exception):
    """One event grew over `LONGEST_EVENT_CHARS`."""


@dataclass(frozen=True)
class ServerEvent:
    """One event of a stream."""

    data: str
    name: str = "message"


class EventReader:
    """Turns the bytes of a stream into its events.

    Bytes that are not UTF-8 become U+FFFD, as the standard says. `id` and `retry` mean nothing
    here, since a stream is never taken up again.
    """

    def __init__(self) -> None:
        """At the beginning of a stream."""
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest = ""
        self._data: list[str] = []
        self._data_chars = 0
        self._name = ""

    def feed(self, chunk: bytes) -> Iterator[ServerEvent]:
        """The events that a chunk completes.

        Raises:
            EventTooLong: One does not end.
        """
        yield from self._read(self._decoder.decode(chunk))

    def end(self) -> Iterator[ServerEvent]:
        """What was begun when the stream ended.

        The standard drops an event without its blank line. Some servers leave that line out after
        their last event, so it counts here if its line is complete JSON, which the caller checks.
        """
        yield from self._read(self._decoder.decode(b"", final=True) + "\n\n", is_last=True)

    def _read(self, text: str, *, is_last: bool = False) -> Iterator[ServerEvent]:
        text = self._rest + text
        # A carriage return at the end may be the first half of a line end.
        keep = "\r" if text.endswith("\r") and not is_last else ""
        whole = text.removesuffix("\r") if keep else text
        lines = whole.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._rest = lines.pop() + keep
        for line in lines:
            if (event := self._line(line)) is not None:
                yield event
        if len(self._rest) + self._data_chars > LONGEST_EVENT_CHARS:
            raise EventTooLong(f"an event of more than {LONGEST_EVENT_CHARS:,} characters")

    def _line(self, line: str) -> ServerEvent | None:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
            self._data_chars += len(value) + 1
        elif field == "event":
            self._name = value
        elif field == "error":
            # Not in the standard; old llama.cpp servers report errors so.
            self._name = "error"
            self._data.append(value)
        return None

    def _dispatch(self) -> ServerEvent | None:
        name, data = self._name or "message", self._data
        self._name, self._data, self._data_chars = "", [], 0
        return ServerEvent("\n".join(data), name) if data else None
