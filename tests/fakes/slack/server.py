"""Slack on a loopback port: Web API, uploads, response_url and Socket Mode.

aiohttp serves it, since uvicorn has no WebSocket without a further package.
"""

import asyncio
import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import web

from tests.fakes.slack.faults import Fault, Faults, Kind
from tests.fakes.slack.limits import Refused, content
from tests.fakes.slack.methods import METHODS
from tests.fakes.slack.socket_mode import Sockets
from tests.fakes.slack.world import Ephemeral, World

BOT_TOKEN = "xoxb-fake-bot"
APP_TOKEN = "xapp-fake-app"
FILES_SCOPE = "files:read"
MOST_LISTED = 999
RESPONSE_USES = 5
RESPONSE_LIFE_S = 30 * 60
PACE_S = 1.0
_JSON_ARGS = ("blocks", "metadata", "files", "view", "attachments")


@dataclass
class ResponseUrl:
    """Where an interaction may be answered, five times in half an hour."""

    channel: str
    made_at_s: float
    uses: int = 0


class SlackServer:
    """The HTTP side; the state is in `world`."""

    def __init__(self, world: World) -> None:
        """Not yet listening."""
        self.world = world
        self.faults = Faults()
        self.sockets = Sockets()
        self.paced = False
        """Whether more than one message a second and channel is refused."""
        self.missing_scopes: set[str] = set()
        self.most_listed = MOST_LISTED
        """Messages of a page; 15 for apps that are sold outside of the marketplace."""
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.response_urls: dict[str, ResponseUrl] = {}
        self.url = ""
        self._stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0, control: Iterable[web.RouteDef] = ()) -> None:
        """Listen on 127.0.0.1; `url` then says where. `control` are routes beside Slack's."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_routes(control)
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_post("/upload/{file}", self._upload)
        app.router.add_get("/files-pri/{file}/{name}", self._file)
        app.router.add_post("/response/{token}", self._response)
        app.router.add_get("/socket", self.sockets.serve)
        await self._listen(app, port)

    async def _listen(self, app: web.Application, port: int) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        host, bound = self._runner.addresses[0][:2]
        self.url = self.world.url = f"http://{host}:{bound}"

    async def stop(self) -> None:
        """Stop listening."""
        self._stopping.set()
        await self.sockets.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def new_response_url(self, channel: str) -> str:
        """A fresh response_url for an interaction in the channel."""
        token = secrets.token_hex(8)
        self.response_urls[token] = ResponseUrl(channel, self.world.clock())
        return f"{self.url}/response/{token}"

    def called(self, method: str) -> int:
        """How often a method was called."""
        return sum(name == method for name, _ in self.calls)

    async def _api(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        args = await _arguments(request)
        self.calls.append((method, args))
        fault = self.faults.take(method)
        if fault is not None:
            return await self._fail(fault, method, args, request)
        if self.paced and method == "chat.postMessage" and self._too_soon(args):
            return _rate_limited(1)
        return web.json_response(self._answer(method, args, request))

    def _answer(self, method: str, args: dict[str, Any], request: web.Request) -> dict[str, Any]:
        try:
            token = _token(request, args)
            if method == "apps.connections.open":
                return self._open_socket(token)
            if token != BOT_TOKEN:
                raise Refused("invalid_auth" if token else "not_authed")
            run, scope = _method(method)
            if scope and scope in self.missing_scopes:
                raise Refused("missing_scope", needed=scope)
            ours = {"_base": self.url, "_most": self.most_listed}
            return {"ok": True, **run(self.world, {**args, **ours})}
        except KeyError as missing:
            return {"ok": False, "error": "invalid_arguments", "detail": str(missing)}
        except Refused as refused:
            messages = {"messages": [refused.detail]} if refused.detail else {}
            needed = {"needed": refused.needed, "provided": ""} if refused.needed else {}
            return {"ok": False, "error": refused.code, "response_metadata": messages, **needed}

    def _open_socket(self, token: str) -> dict[str, Any]:
        if token != APP_TOKEN:
            raise Refused("not_allowed_token_type" if token == BOT_TOKEN else "invalid_auth")
        ticket = self.sockets.new_ticket()
        return {"ok": True, "url": f"{self.url.replace('http', 'ws', 1)}/socket?ticket={ticket}"}

    def _too_soon(self, args: dict[str, Any]) -> bool:
        channel = self.world.channels.get(args.get("channel", ""))
        now_s = self.world.clock()
        if channel is None or now_s - channel.last_post_s >= PACE_S:
            if channel is not None:
                channel.last_post_s = now_s
            return False
        return True

    async def _fail(
        self, fault: Fault, method: str, args: dict[str, Any], request: web.Request
    ) -> web.Response:
        match fault.kind:
            case Kind.RATE_LIMITED:
                return _rate_limited(fault.retry_after_s)
            case Kind.REFUSED:
                return web.json_response({"ok": False, "error": fault.code})
            case Kind.HANGS:
                await self._stopping.wait()
            case Kind.DONE_BUT_LOST:
                self._answer(method, args, request)
            case Kind.ERROR_500:
                pass
        return web.Response(status=500, text="<html>oops</html>", content_type="text/html")

    async def _upload(self, request: web.Request) -> web.Response:
        fault = self.faults.take("upload")
        if fault is not None:
            return web.Response(status=500, text="oops")
        upload = self.world.uploads.get(request.match_info["file"])
        content = await request.read()
        if upload is None or len(content) != upload["length"]:
            return web.Response(status=400, text="bad upload")
        upload["content"] = content
        return web.Response(text=f"OK - {len(content)}")

    async def _file(self, request: web.Request) -> web.Response:
        """A person's file; who may not have it gets a page to log in at."""
        self.calls.append(("file", {"path": request.path, "token": _token(request, {})}))
        fault = self.faults.take("file")
        if fault is not None:
            return await self._fail(fault, "file", {}, request)
        if _token(request, {}) != BOT_TOKEN:
            raise web.HTTPFound(f"{self.url}/?redir={request.path}")
        if FILES_SCOPE in self.missing_scopes:
            return web.Response(text="<html>Sign in to Slack</html>", content_type="text/html")
        content = self.world.shared.get(request.path)
        return web.Response(status=404) if content is None else web.Response(body=content)

    async def _response(self, request: web.Request) -> web.Response:
        fault = self.faults.take("response_url")
        if fault is not None:
            return web.Response(status=500, text="oops")
        found = self.response_urls.get(request.match_info["token"])
        if found is None or self.world.clock() - found.made_at_s > RESPONSE_LIFE_S:
            return web.Response(status=404, text="expired_url")
        found.uses += 1
        if found.uses > RESPONSE_USES:
            return web.Response(status=404, text="used_url")
        body = cast("dict[str, Any]", await request.json())
        self.calls.append(("response_url", body))
        try:
            text, blocks = content(body)
        except Refused as refused:
            return web.Response(status=400, text=refused.code)
        self.world.ephemerals.append(Ephemeral(found.channel, text, blocks))
        return web.Response(text="ok")


def _method(name: str) -> tuple[Callable[..., dict[str, Any]], str]:
    if name not in METHODS:
        raise Refused("unknown_method", name)
    return METHODS[name]


def _rate_limited(retry_after_s: int) -> web.Response:
    return web.json_response(
        {"ok": False, "error": "ratelimited"},
        status=429,
        headers={"Retry-After": str(retry_after_s)},
    )


def _token(request: web.Request, args: dict[str, Any]) -> str:
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bearer or str(args.get("token", ""))


async def _arguments(request: web.Request) -> dict[str, Any]:
    """Query, form or JSON, as Slack takes all three."""
    args: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        args |= cast("dict[str, Any]", await request.json())
    else:
        args |= dict(await request.post())
    for name in _JSON_ARGS:
        if isinstance(args.get(name), str):
            args[name] = json.loads(args[name])
    return args
