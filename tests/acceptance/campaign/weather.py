"""Bad weather between us and a platform: a proxy before its API that now and then does not work.

What it breaks, it breaks as networks and platforms do: refused with and without Retry-After, an
error of the server's, an answer lost after the effect, silence, a connection cut in mid-answer,
and one that is reset before anything was done.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

import aiohttp
from aiohttp import web

CALL_S = 60.0
SILENCE_S = (4.0, 14.0)
"""From less to more than what our clients wait."""


class Fault(StrEnum):
    """What goes wrong with one call."""

    LIMITED = "429 with Retry-After"
    LIMITED_SILENTLY = "429 without Retry-After"
    BROKEN = "503"
    LOST = "answer lost after the effect"
    SILENT = "no answer"
    CUT = "connection cut in mid-answer, after the effect"
    RESET = "connection reset before the effect"


WEIGHTS = {
    Fault.LIMITED: 4,
    Fault.LIMITED_SILENTLY: 1,
    Fault.BROKEN: 4,
    Fault.LOST: 4,
    Fault.SILENT: 1,
    Fault.CUT: 3,
    Fault.RESET: 3,
}
_DROPPED = {"transfer-encoding", "content-length", "content-encoding", "connection", "host"}


class Weather:
    """Decides which calls fail; the same seed and calls give the same failures."""

    def __init__(self, seed: int) -> None:
        """A good day."""
        self._dice = random.Random(seed)  # noqa: S311 - a campaign's seed
        self.share = 0.0
        """Of calls that fail."""
        self.had: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()

    def next(self, platform: str) -> Fault | None:
        """What is to happen to the next call."""
        self.calls[platform] += 1
        if self._dice.random() >= self.share:
            return None
        (fault,) = self._dice.choices(list(WEIGHTS), weights=list(WEIGHTS.values()))
        self.had[fault] += 1
        return fault

    def silence_s(self) -> float:
        """How long a silent call stays open."""
        return self._dice.uniform(*SILENCE_S)


class Proxy:
    """A platform's API, as it is reached through the weather."""

    def __init__(self, name: str, behind: str, weather: Weather) -> None:
        """`behind` is the address of the real one, without a path."""
        self._name = name
        self._behind = behind
        self._weather = weather
        self._http: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen on a free loopback port; `url` then says where."""
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(CALL_S), connector=aiohttp.TCPConnector(limit=0)
        )
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{path:.*}", self._call)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def _call(self, request: web.Request) -> web.StreamResponse:
        fault = self._weather.next(self._name)
        body = await request.read()
        match fault:
            case Fault.LIMITED:
                return web.json_response(
                    {"ok": False, "error": "ratelimited", "message": "rate limit"},
                    status=429,
                    headers={"Retry-After": "2"},
                )
            case Fault.LIMITED_SILENTLY:
                return web.json_response({"message": "rate limit"}, status=429)
            case Fault.BROKEN:
                return web.Response(status=503, text="<html>try later</html>")
            case Fault.SILENT:
                await asyncio.sleep(self._weather.silence_s())
                return _hang_up(request)
            case Fault.RESET:
                return _hang_up(request)
            case _:
                return await self._forward(request, body, fault)

    async def _forward(
        self, request: web.Request, body: bytes, fault: Fault | None
    ) -> web.StreamResponse:
        assert self._http is not None
        async with self._http.request(
            request.method,
            f"{self._behind}{request.raw_path}",
            data=body,
            headers=_kept(request.headers.items()),
        ) as answer:
            content = await answer.read()
            if fault is Fault.LOST:
                return web.Response(status=502, text="<html>bad gateway</html>")
            headers = _kept(answer.headers.items())
            if fault is Fault.CUT:
                return await _half(request, answer.status, headers, content)
            return web.Response(status=answer.status, headers=headers, body=content)


async def _half(
    request: web.Request, status: int, headers: dict[str, str], content: bytes
) -> web.StreamResponse:
    """Say how long the answer is, send half of it and close."""
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = len(content) + 1
    await response.prepare(request)
    await response.write(content[: len(content) // 2])
    return _hang_up(request, response)


def _hang_up(
    request: web.Request, response: web.StreamResponse | None = None
) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return response or web.Response(status=500)


def _kept(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() not in _DROPPED}
