"""Reading server-sent events, sans I/O (HTML Living Standard, section 9.2.6)."""

from dataclasses import dataclass


class TooLong(Exception):
    """A line grew beyond all bounds; whoever speaks there is no gateway of ours."""


@dataclass(frozen=True)
class StreamEvent:
    """One event; `id` is the last one given, "" before the first."""

    event: str
    data: str
    id: str


class EventReader:
    """Feed it bytes as they come; it returns the events they complete."""

    def __init__(self, *, line_max_bytes: int = 64 << 20) -> None:
        """Lines longer than `line_max_bytes` are refused."""
        self._line_max_bytes = line_max_bytes
        self._pending = bytearray()
        self._event = ""
        self._data: list[str] = []
        self._id = ""

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that end in this chunk.

        Raises:
            TooLong: A line has no end.
        """
        # Only "\n" ends our gateway's lines; str.splitlines would also cut at U+2028 in data.
        scanned = len(self._pending)
        self._pending += chunk
        end = self._pending.rfind(b"\n", scanned)
        if end < 0:
            if len(self._pending) > self._line_max_bytes:
                raise TooLong(f"a line of more than {self._line_max_bytes} bytes")
            return []
        whole = bytes(self._pending[:end])
        del self._pending[: end + 1]
        lines = (line.rstrip(b"\r").decode(errors="replace") for line in whole.split(b"\n"))
        return [event for line in lines if (event := self._line(line)) is not None]

    def _line(self, line: str) -> StreamEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._event = value
        elif name == "data":
            self._data.append(value)
        elif name == "id":
            self._id = value
        return None

    def _dispatch(self) -> StreamEvent | None:
        event, data = self._event or "message", self._data
        self._event, self._data = "", []
        return StreamEvent(event, "\n".join(data), self._id) if data else None
