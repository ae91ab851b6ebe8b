"""One HTTP connection: how long a peer may take over a request, and how long its head may be.

uvicorn bounds the pause between two requests and nothing else: a peer that sends one byte of a
head now and then would hold its connection, and what it sent, for ever.
"""

import asyncio
from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S = 10.0
"""From a connection, or a request's first byte, to the end of its head."""
REQUEST_S = 30.0
"""From the end of the head to the end of the body, whether or not a route still wants it."""
MOST_HEAD_BYTES = 64 * 1024
"""Of a head, or of what follows the last chunk of a body; a single read may go beyond."""
_TIMEOUT = b"408 Request Timeout"
_TOO_LONG = b"431 Request Header Fields Too Large"


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol with an end to its patience."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As uvicorn makes it."""
        super().__init__(*args, **kwargs)
        self._timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._is_in_head = True
        self._moved_on = False

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._within(HEAD_S)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._within(None)
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        self._moved_on = False
        super().data_received(data)
        self._head_bytes = 0 if self._moved_on else self._head_bytes + len(data)
        if self._head_bytes > MOST_HEAD_BYTES:
            self._refuse(_TOO_LONG)

    @override
    def on_message_begin(self) -> None:
        self._is_in_head = True
        self._within(HEAD_S)
        super().on_message_begin()

    @override
    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._moved_on = True
        self._within(REQUEST_S)
        super().on_headers_complete()

    @override
    def on_body(self, body: bytes) -> None:
        self._moved_on = True
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        self._moved_on = True
        self._within(None)
        super().on_message_complete()

    def _within(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._too_slow)

    def _too_slow(self) -> None:
        self._refuse(_TIMEOUT)

    def _refuse(self, status: bytes) -> None:
        """End the connection, saying why unless an answer to something else is under way."""
        if self.transport.is_closing():
            return
        is_answering = bool(self.cycle) and not self.cycle.response_complete
        if self._is_in_head and not is_answering:
            self.transport.write(
                b"HTTP/1.1 %b\r\nconnection: close\r\ncontent-length: 0\r\n\r\n" % status
            )
        self.transport.close()
