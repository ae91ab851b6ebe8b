"""The part of an answer that both APIs share: what is written, how it ends, how it fails."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from tests.fakes.model_servers.faults import Fault, Kind
from tests.fakes.model_servers.world import Seen, Turn, World, tokens

_SIGN_OF_LIFE_S = 0.05
_LOOK_S = 0.005
_GIANT_CHUNK = b": " + b"x" * 65_000 + b"\n\n"
BREAK = b"(the connection breaks)"
"""Yielded by a stream where the connection is to break."""


_IN_THE_MIDDLE = (Kind.DROPS, Kind.HANGS_WITHIN, Kind.ERROR_WITHIN, Kind.ENDS_EARLY)


@dataclass(frozen=True)
class Plan:
    """What will be written for one request."""

    words: list[str]
    end: Literal["stop", "stop_string", "length"]
    prompt_tokens: int
    cached_tokens: int
    model: str
    fault: Fault | None = None

    @property
    def is_broken_off(self) -> bool:
        """It fails in the middle."""
        return self.has(*_IN_THE_MIDDLE)

    @property
    def told_words(self) -> list[str]:
        """Those that will be sent."""
        half = max(1, len(self.words) // 2)
        return self.words[:half] if self.is_broken_off else self.words

    def has(self, *kinds: Kind) -> bool:
        """Whether it fails in one of these ways."""
        return self.fault is not None and self.fault.kind in kinds


@dataclass(frozen=True)
class Wanted:
    """A request, understood."""

    turns: list[Turn]
    most_tokens: int
    model: str
    stops: list[str]
    schema: Mapping[str, Any] | None = None


def plan(world: World, wanted: Wanted, fault: Fault | None) -> Plan:
    """What the model will write."""
    prompt = tokens("\n".join(text for _, text in wanted.turns))
    if world.cuts_prompts:
        prompt = prompt[-(world.context_tokens - wanted.most_tokens) :]
    text = world.writes(wanted.turns, wanted.schema)
    ends = [at for stop in wanted.stops if (at := text.find(stop)) >= 0]
    words = tokens(text[: min(ends)] if ends else text)
    most_tokens = min(wanted.most_tokens, world.most_tokens or wanted.most_tokens)
    is_cut = len(words) > most_tokens
    end = "length" if is_cut else "stop_string" if ends else "stop"
    cached = world.cached(prompt)
    return Plan(words[:most_tokens], end, len(prompt), cached, wanted.model, fault)


def does_not_fit(world: World, wanted: Wanted) -> int:
    """Tokens of prompt and answer, if they are more than the context; else 0."""
    prompt_tokens = sum(len(tokens(text)) for _, text in wanted.turns)
    total = prompt_tokens + wanted.most_tokens
    return 0 if total <= world.context_tokens or world.cuts_prompts else total


async def paced(world: World, plan: Plan) -> AsyncIterator[str]:
    """The words, one by one."""
    while world.is_held:  # noqa: ASYNC110 (set by another thread)
        await asyncio.sleep(_LOOK_S)
    for word in plan.told_words:
        if world.token_s:
            await asyncio.sleep(world.token_s)
        yield word


async def broken_off(ready: Plan, sign: bytes, error: bytes) -> AsyncIterator[bytes]:
    """What comes in the place of the second half."""
    if ready.has(Kind.DROPS):
        yield BREAK
    if ready.has(Kind.ERROR_WITHIN):
        yield error
    if ready.has(Kind.HANGS_WITHIN):
        async for each in signs_of_life(sign):
            yield each


async def signs_of_life(sign: bytes) -> AsyncIterator[bytes]:
    """For ever."""
    while True:
        yield sign
        await asyncio.sleep(_SIGN_OF_LIFE_S)


async def until_it_goes(request: Request) -> None:
    """Wait for the client to hang up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def odd_response(fault: Fault | None) -> Response | None:
    """The response of faults that know no API."""
    match fault.kind if fault else None:
        case Kind.FAILS:
            page = "<html><body><h1>502 Bad Gateway</h1><script>x</script>nginx</body></html>"
            return HTMLResponse(page, 502)
        case Kind.PAGE:
            return HTMLResponse("<html><body>Please log in</body></html>")
        case Kind.REDIRECTS:
            where = {"Location": "http://localhost:9/v1/elsewhere"}
            return Response(status_code=307, headers=where)
        case Kind.GARBAGE:
            body = bytes(range(256)) * 40 + b"\n\ndata: {not json\n\ndata: [1, 2]\n\n"
            return Response(body, media_type="text/event-stream")
        case Kind.GIANT:
            return StreamingResponse(_giant(), media_type="text/event-stream")
        case Kind.PACKED:
            packed = {"Content-Encoding": "gzip"}
            return Response(b"\x1f\x8b\x08", headers=packed, media_type="text/event-stream")
        case _:
            return None


class EventStream(StreamingResponse):
    """A stream of events that may break, and that tells the world how it ended."""

    def __init__(self, events: AsyncIterator[bytes], world: World, seen: Seen) -> None:
        """Headers as the real servers have them."""
        self._world, self._seen = world, seen
        self._broke = False
        super().__init__(
            self._unbroken(events),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache"},
        )

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_complete = False
        self._world.enter()
        try:
            await super().__call__(scope, receive, send)
            is_complete = self._is_read_up
        finally:
            self._world.leave(self._seen, is_complete=is_complete)

    @override
    async def stream_response(self, send: Send) -> None:
        """Without its last message where it breaks: the server then drops the connection."""
        head = [(name, value) for name, value in self.raw_headers]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        async for chunk in self.body_iterator:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        if not self._broke:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    _is_read_up = False

    async def _unbroken(self, events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for event in events:
            if event == BREAK:
                self._broke = True
                return
            yield event
        self._is_read_up = True


async def _giant() -> AsyncIterator[bytes]:
    while True:
        yield _GIANT_CHUNK
        await asyncio.sleep(0)
