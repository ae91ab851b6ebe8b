"""Discord on a loopback port: who may call, how often, and what goes wrong."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Self

from aiohttp import web

from tests.fakes.discord_wire.conversations import Conversations
from tests.fakes.discord_wire.faults import Fault, Faults, Kind
from tests.fakes.discord_wire.gateway import Gateway
from tests.fakes.discord_wire.interactions import Interactions
from tests.fakes.discord_wire.limits import Buckets
from tests.fakes.discord_wire.people import People
from tests.fakes.discord_wire.refusals import Limited, Refused
from tests.fakes.discord_wire.routes import API, TOKEN, Routes, answer, check_token
from tests.fakes.discord_wire.world import World

_INVALID = {401, 403, 429}
_LIMITED_ROUTES = (
    "/channels/{channel}/messages",
    "/channels/{channel}/messages/{message}",
)
_EXEMPT = (f"{API}/interactions/", f"{API}/webhooks/")
"""From the limit that all routes share."""
_GATEWAY = "/gateway-socket/"
_VIA = {"Via": "1.1 google"}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Discord:
    """All of Discord: what it holds, who listens, and people to act in it."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Not yet served; `clock` gives seconds since 1970."""
        self.world = World(clock)
        self.gateway = Gateway(self.world, TOKEN)
        self.conversations = Conversations(self.world, self.gateway)
        self.interactions = Interactions(self.world, self.gateway)
        self.routes = Routes(self.world, self.gateway, self.conversations, self.interactions)
        self.people = People(self.world, self.conversations, self.interactions, self.routes)
        self.faults = Faults()
        self.calls: list[str] = []
        """Method and path of each call of the API."""
        self.invalid = 0
        """Calls that count against the ten thousand in ten minutes that mean a ban."""
        self.url = ""
        self._buckets = Buckets(clock)
        self._stopping = asyncio.Event()

    @property
    def api_url(self) -> str:
        """The setting `discord_api_url`."""
        return f"{self.url}{API}"

    @property
    def settings(self) -> dict[str, str]:
        """What a gateway needs to know."""
        return {
            "GRYPH_DISCORD_TOKEN": TOKEN,
            "GRYPH_DISCORD_API_URL": self.api_url,
            "GRYPH_DISCORD_GATEWAY_URL": self.gateway.url,
        }

    @classmethod
    @contextlib.asynccontextmanager
    async def running(
        cls, *, port: int = 0, clock: Callable[[], float] = time.time
    ) -> AsyncGenerator[Self]:
        """A fresh Discord on a loopback port, while the context lasts."""
        discord = cls(clock)
        app = web.Application(client_max_size=64 << 20, middlewares=[discord.around])
        discord.routes.add_to(app)
        app.router.add_get(_GATEWAY, discord.gateway.serve)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        host, bound = runner.addresses[0][:2]
        discord.url = discord.conversations.url = f"http://{host}:{bound}"
        discord.gateway.url = f"ws://{host}:{bound}{_GATEWAY}"
        try:
            yield discord
        finally:
            discord._stopping.set()
            discord.gateway.cut()
            await runner.cleanup()

    def called(self, method: str, ending: str) -> int:
        """How often a call was made."""
        return sum(each.startswith(f"{method} ") and each.endswith(ending) for each in self.calls)

    @web.middleware
    async def around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Everything that holds for every call."""
        if request.path == _GATEWAY:
            return await handler(request)
        self.calls.append(f"{request.method} {request.path}")
        fault = self.faults.take(request.method, request.path)
        if fault is not None:
            return await self._fail(fault, request, handler)
        return await self._answer(request, handler)

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        headers: dict[str, str] = {}
        try:
            check_token(request, TOKEN)
            if not request.path.startswith(_EXEMPT):
                self._buckets.spend_everywhere()
            headers = self._spend(request)
            response = await handler(request)
        except Limited as limited:
            self.invalid += 1
            return _limited(limited.retry_after_s, everywhere=limited.everywhere)
        except Refused as refused:
            self.invalid += refused.status in _INVALID
            body = {"message": refused.message, "code": refused.code}
            return answer(body, refused.status, headers)
        response.headers.update(headers)
        return response

    def _spend(self, request: web.Request) -> dict[str, str]:
        resource = request.match_info.route.resource
        path = "" if resource is None else resource.canonical.removeprefix(API)
        if path not in _LIMITED_ROUTES:
            return {}
        return self._buckets.spend(f"{request.method} {path} of {request.match_info['channel']}")

    async def _fail(
        self, fault: Fault, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        match fault.kind:
            case Kind.RATE_LIMITED:
                self.invalid += 1
                return _limited(fault.retry_after_s, everywhere=False)
            case Kind.BANNED:
                self.invalid += 1
                return web.Response(status=429, text="error code: 1015")
            case Kind.ERROR_503:
                return web.Response(status=503, text="upstream connect error")
            case Kind.UNAUTHORIZED:
                self.invalid += 1
                return answer({"message": "401: Unauthorized", "code": 0}, 401)
            case Kind.HANGS:
                await self._stopping.wait()
            case Kind.DONE_BUT_LOST:
                await self._answer(request, handler)
            case Kind.CUT:
                await self._answer(request, handler)
                if request.transport is not None:
                    request.transport.abort()
        return web.Response(status=502, text="bad gateway")


def _limited(retry_after_s: float, *, everywhere: bool) -> web.Response:
    """429 as Discord itself sends it: discord.py waits and tries again."""
    scope = "global" if everywhere else "user"
    headers = {"Retry-After": f"{max(1, round(retry_after_s))}", "X-RateLimit-Scope": scope, **_VIA}
    body = {
        "message": "You are being rate limited.",
        "retry_after": round(retry_after_s, 3),
        "global": everywhere,
    }
    return answer(body, 429, headers)
