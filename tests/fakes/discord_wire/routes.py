"""Discord's REST API v10, as far as our face calls it."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

from aiohttp import BodyPartReader, web

from tests.fakes.discord_wire import shapes
from tests.fakes.discord_wire.conversations import Conversations, File
from tests.fakes.discord_wire.gateway import Gateway
from tests.fakes.discord_wire.interactions import Interactions
from tests.fakes.discord_wire.refusals import Refused, unauthorized, unknown
from tests.fakes.discord_wire.world import World

API = "/api/v10"
TOKEN = "fake.discord.token"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Routes:
    """The calls; each checks nothing but what it is about."""

    def __init__(
        self,
        world: World,
        gateway: Gateway,
        conversations: Conversations,
        interactions: Interactions,
    ) -> None:
        """They change `world` and are told at `gateway`."""
        self._world = world
        self._gateway = gateway
        self._conversations = conversations
        self._interactions = interactions
        self.commands: list[dict[str, Any]] = []
        """The slash commands people can use."""

    def add_to(self, app: web.Application) -> None:
        """Put the routes into an application."""
        message = "/channels/{channel}/messages/{message}"
        original = "/webhooks/{application}/{token}/messages/@original"
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/gateway", self._where),
            ("GET", "/gateway/bot", self._where_for_bots),
            ("GET", "/users/@me", self._me),
            ("GET", "/oauth2/applications/@me", self._application),
            ("PUT", "/applications/{application}/commands", self._register),
            ("GET", "/applications/{application}/commands", self._registered),
            ("GET", "/guilds/{guild}", self._guild),
            ("GET", "/guilds/{guild}/members/{user}", self._member),
            ("GET", "/guilds/{guild}/threads/active", self._threads),
            ("GET", "/channels/{channel}", self._channel),
            ("PATCH", "/channels/{channel}", self._wake),
            ("GET", "/channels/{channel}/messages", self._history),
            ("POST", "/channels/{channel}/messages", self._post),
            ("GET", message, self._message),
            ("PATCH", message, self._edit),
            ("POST", f"{message}/threads", self._open_thread),
            ("PUT", f"{message}/reactions/{{emoji}}/@me", self._react),
            ("DELETE", f"{message}/reactions/{{emoji}}/@me", self._react),
            ("PUT", "/channels/{channel}/thread-members/{user}", self._invite),
            ("POST", "/interactions/{interaction}/{token}/callback", self._respond),
            ("POST", "/webhooks/{application}/{token}", self._follow_up),
            ("GET", original, self._original),
            ("PATCH", original, self._edit_original),
        ]
        for method, path, handler in table:
            app.router.add_route(method, API + path, handler)
        app.router.add_get("/attachments/{file}/{name}", self._file)

    async def _where(self, request: web.Request) -> web.Response:
        del request
        return answer({"url": self._gateway.url})

    async def _where_for_bots(self, request: web.Request) -> web.Response:
        del request
        limit = self._gateway.start_limit
        return answer({"url": self._gateway.url, "shards": 1, "session_start_limit": limit})

    async def _me(self, request: web.Request) -> web.Response:
        del request
        return answer({**shapes.user(self._world.bot), "verified": True, "mfa_enabled": False})

    async def _application(self, request: web.Request) -> web.Response:
        del request
        bot = shapes.user(self._world.bot)
        return answer(
            {
                "id": bot["id"],
                "name": bot["username"],
                "description": "",
                "icon": None,
                "bot_public": True,
                "bot_require_code_grant": False,
                "verify_key": "",
                "flags": 0,
                "owner": bot,
                "team": None,
            }
        )

    async def _register(self, request: web.Request) -> web.Response:
        if _number(request, "application") != self._world.bot.id:
            raise Refused(403, 20012, "You are not authorized to perform this action")
        commands = cast("list[dict[str, Any]]", await request.json())
        application = str(self._world.bot.id)
        self.commands = [
            {"id": str(self._world.new_id()), "application_id": application, "version": "1", **each}
            for each in commands
        ]
        return answer(self.commands)

    async def _registered(self, request: web.Request) -> web.Response:
        del request
        return answer(self.commands)

    async def _guild(self, request: web.Request) -> web.Response:
        return answer(shapes.guild(self._world, self._guild_of(request)))

    async def _member(self, request: web.Request) -> web.Response:
        guild = self._guild_of(request)
        user = self._world.users.get(_number(request, "user"))
        if user is None or user.id not in guild.members:
            raise unknown("Member", 10007)
        return answer(shapes.member(guild, user))

    async def _threads(self, request: web.Request) -> web.Response:
        guild = self._guild_of(request)
        found = [shapes.channel(each) for each in self._world.threads(guild.id)]
        return answer({"threads": found, "members": []})

    async def _channel(self, request: web.Request) -> web.Response:
        return answer(shapes.channel(self._world.channel(_number(request, "channel"))))

    async def _wake(self, request: web.Request) -> web.Response:
        body = cast("dict[str, Any]", await request.json())
        channel = self._conversations.wake(_number(request, "channel"), body)
        return answer(shapes.channel(channel))

    async def _history(self, request: web.Request) -> web.Response:
        query = request.query
        page = self._conversations.page(
            _number(request, "channel"),
            int(query.get("limit", "50")),
            int(query["before"]) if "before" in query else None,
            int(query["after"]) if "after" in query else None,
        )
        return answer([shapes.message(self._world, each) for each in page])

    async def _post(self, request: web.Request) -> web.Response:
        body, files = await _message_body(request)
        made = self._conversations.post(_number(request, "channel"), body, files)
        return answer(shapes.message(self._world, made))

    async def _message(self, request: web.Request) -> web.Response:
        found = self._world.message(_number(request, "channel"), _number(request, "message"))
        return answer(shapes.message(self._world, found))

    async def _edit(self, request: web.Request) -> web.Response:
        body, _ = await _message_body(request)
        channel, message = _number(request, "channel"), _number(request, "message")
        edited = self._conversations.edit(channel, message, body)
        return answer(shapes.message(self._world, edited))

    async def _open_thread(self, request: web.Request) -> web.Response:
        body = cast("dict[str, Any]", await request.json())
        channel, message = _number(request, "channel"), _number(request, "message")
        thread = self._conversations.open_thread(channel, message, body)
        return answer(shapes.channel(thread), status=201)

    async def _react(self, request: web.Request) -> web.Response:
        found = self._world.message(_number(request, "channel"), _number(request, "message"))
        emoji, added = request.match_info["emoji"], request.method == "PUT"
        self._conversations.react(self._world.bot, found, emoji, added=added)
        return web.Response(status=204)

    async def _invite(self, request: web.Request) -> web.Response:
        self._conversations.invite(_number(request, "channel"), _number(request, "user"))
        return web.Response(status=204)

    async def _respond(self, request: web.Request) -> web.Response:
        interaction, token = _number(request, "interaction"), request.match_info["token"]
        body = cast("dict[str, Any]", await request.json())
        told = self._interactions.respond(interaction, token, body)
        if request.query.get("with_response") in ("1", "true"):
            return answer(told)
        return web.Response(status=204)

    async def _follow_up(self, request: web.Request) -> web.Response:
        body, _ = await _message_body(request)
        return answer(self._interactions.follow_up(request.match_info["token"], body))

    async def _original(self, request: web.Request) -> web.Response:
        found = self._interactions.original(request.match_info["token"])
        return answer(shapes.message(self._world, found))

    async def _edit_original(self, request: web.Request) -> web.Response:
        body, _ = await _message_body(request)
        return answer(self._interactions.edit_original(request.match_info["token"], body))

    async def _file(self, request: web.Request) -> web.Response:
        content = self._world.files.get(_number(request, "file"))
        return web.Response(status=404) if content is None else web.Response(body=content)

    def _guild_of(self, request: web.Request) -> Any:
        guild = self._world.guilds.get(_number(request, "guild"))
        if guild is None:
            raise unknown("Guild", 10004)
        return guild


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """JSON as Discord sends it: the type without a character set, which discord.py looks for."""
    return web.Response(
        status=status,
        body=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **(headers or {})},
    )


def check_token(request: web.Request, token: str) -> None:
    """Raise Refused unless our bot calls; interactions bring a token of their own."""
    if request.path.startswith((f"{API}/interactions/", f"{API}/webhooks/", "/attachments/")):
        return
    if request.headers.get("Authorization") != f"Bot {token}":
        raise unauthorized()


def _number(request: web.Request, name: str) -> int:
    try:
        return int(request.match_info[name])
    except ValueError as error:
        raise Refused(400, 50035, f"Invalid Form Body: {name} is no snowflake") from error


async def _message_body(request: web.Request) -> tuple[dict[str, Any], list[File]]:
    """JSON, or a form of `payload_json` and `files[n]`."""
    if request.content_type != "multipart/form-data":
        return cast("dict[str, Any]", await request.json()), []
    body: dict[str, Any] = {}
    contents: dict[str, tuple[str, bytes]] = {}
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader), "no forms in forms"
        if part.name == "payload_json":
            body = json.loads(await part.text())
        else:
            number = str(part.name).removeprefix("files[").removesuffix("]")
            contents[number] = (part.filename or "file", bytes(await part.read()))
    attachments: list[dict[str, Any]] = body.get("attachments") or []
    described = {str(each["id"]): each.get("description") for each in attachments}
    return body, [
        File(name, content, described.get(number)) for number, (name, content) in contents.items()
    ]
