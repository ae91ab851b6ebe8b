"""The door every HTTP request comes through: how large a body may be, how long it may take, and
what is said while the database is away.

One place for all routes. Bodies up to `SMALL_BYTES` are bounded by their number; what goes beyond
is drawn from one budget of the process, so that many large bodies at once cannot fill its memory.
"""

import asyncio
from collections.abc import Mapping

import structlog
from fastapi import HTTPException
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.face import NotTaken

log = structlog.get_logger()

MOST_BODY_BYTES = 1_000_000
"""Where a route says nothing else."""
SMALL_BYTES = 64_000
BODIES_BYTES = 64 * 1024 * 1024
"""What all large bodies may hold together, beyond their first `SMALL_BYTES`."""
BODY_S = 10.0
"""From a request's head to the end of its body."""
_AWAY = (NotTaken, OperationalError, InterfaceError, PoolTimeout)
_BAD_REQUEST, _TIMEOUT, _TOO_LARGE, _UNAVAILABLE = 400, 408, 413, 503
_CLOSE = {"Connection": "close"}


class Door:
    """ASGI middleware. A body that is refused while a route reads it raises HTTPException there."""

    def __init__(self, app: ASGIApp, largest: Mapping[str, int]) -> None:
        """`largest` names the paths whose bodies may be of another size, in bytes."""
        self._app = app
        self._largest = largest
        self._held_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on with a guarded body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most_bytes = self._largest.get(scope["path"], MOST_BODY_BYTES)
        if _declared_bytes(scope) > most_bytes:
            refused = _too_large(most_bytes)
            answer = JSONResponse({"detail": refused.detail}, refused.status_code)
            await answer(scope, receive, send)
            return
        body = _Body(self, receive, most_bytes)
        try:
            await _answered(self._app, scope, body.receive, send)
        finally:
            self._held_bytes -= body.drawn_bytes

    def draw(self, more_bytes: int) -> None:
        """Take from the budget of large bodies. Raises HTTPException 503 when it is used up."""
        if self._held_bytes + more_bytes > BODIES_BYTES:
            text = "Too many large requests at once; send it again."
            raise HTTPException(_UNAVAILABLE, text, {"Retry-After": "5"})
        self._held_bytes += more_bytes


async def _answered(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Let the application answer; 503 where the database does not let it."""
    is_begun = False

    async def begin(message: Message) -> None:
        nonlocal is_begun
        is_begun = True
        await send(message)

    try:
        await app(scope, receive, begin)
    except _AWAY as error:
        if is_begun:
            raise
        log.warning("database out of reach", path=scope["path"], error=str(error)[:300])
        content = {"detail": "The database does not answer; send it again."}
        await JSONResponse(content, _UNAVAILABLE, {"Retry-After": "5"})(scope, receive, send)


class _Body:
    """One request's body on its way to the route."""

    def __init__(self, door: Door, receive: Receive, most_bytes: int) -> None:
        self._door = door
        self._receive = receive
        self._most_bytes = most_bytes
        self._size_bytes = 0
        self._is_whole = False
        self._deadline = asyncio.get_running_loop().time() + BODY_S
        self.drawn_bytes = 0

    async def receive(self) -> Message:
        """The next message. Raises HTTPException 400, 408, 413 or 503."""
        if self._is_whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError as error:
            text = f"The body has to arrive within {BODY_S:.0f} s."
            raise HTTPException(_TIMEOUT, text, _CLOSE) from error
        if message["type"] == "http.disconnect":
            raise HTTPException(_BAD_REQUEST, "The request ended before its body did.", _CLOSE)
        self._count(len(message.get("body", b"")))
        self._is_whole = not message.get("more_body", False)
        return message

    def _count(self, more_bytes: int) -> None:
        self._size_bytes += more_bytes
        if self._size_bytes > self._most_bytes:
            raise _too_large(self._most_bytes)
        draw = max(0, self._size_bytes - SMALL_BYTES) - self.drawn_bytes
        if draw > 0:
            self._door.draw(draw)
            self.drawn_bytes += draw


def _declared_bytes(scope: Scope) -> int:
    given = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(given) if given.isdigit() else 0


def _too_large(most_bytes: int) -> HTTPException:
    return HTTPException(_TOO_LARGE, f"A request here holds at most {most_bytes} bytes.")
