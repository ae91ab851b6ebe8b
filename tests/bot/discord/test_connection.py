import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from pydantic import SecretStr
from typing_extensions import override

from bot.discord import connection
from bot.discord.connection import Connection
from bot.discord.inbound import GryphClient, run
from bot.discord.outbound import DiscordOutbound
from bot.face import Busy
from bot.settings import GatewaySettings, MissingSetting
from handlers import Invocation, Place, Platform, Reaction
from jobs.messages import say
from storage.ids import InboxId
from tests.bot.discord.registry import REGISTRY
from tests.fakes.discord import MemoryArtifacts, no_memory
from tests.fakes.intake import RecordingIntake

WAIT_S = 20
PLACE = Place(platform=Platform.DISCORD, workspace="dm", channel="5")
US = {"id": "1", "username": "gryph", "discriminator": "0", "avatar": None, "bot": True}
ANN = {"id": "2", "username": "ann", "discriminator": "0", "avatar": None, "global_name": "Ann"}


def _json(answer: object) -> web.Response:
    """As Discord sends it: the type without a character set, which discord.py looks for."""
    return web.Response(body=json.dumps(answer).encode(), content_type="application/json")


class WaitingIntake(RecordingIntake):
    """Lets a test wait for the next invocation."""

    def __init__(self) -> None:
        """Nothing accepted yet."""
        super().__init__()
        self._texts: asyncio.Queue[str] = asyncio.Queue()

    @override
    async def accept(self, event: Invocation | Reaction, keys: tuple[str, ...]) -> InboxId | None:
        """Accept, and let go on who waits."""
        accepted = await super().accept(event, keys)
        if isinstance(event, Invocation):
            await self._texts.put(event.text)
        return accepted

    async def next_text(self) -> str:
        """The text of the next invocation."""
        return await asyncio.wait_for(self._texts.get(), WAIT_S)


class LoopbackDiscord:
    """As much of Discord's REST and gateway as one direct message needs, on a loopback port."""

    def __init__(self) -> None:
        """Not yet served."""
        self.address = ""
        self.calls: list[str] = []
        self.frames: asyncio.Queue[tuple[int, Any]] = asyncio.Queue()
        self.failures = 0
        """So many of the next calls fail."""
        self.refusals = 0
        """So many of the next logins are refused."""
        self.knows_session = True
        """Whether a session can be resumed."""
        self.answers_heartbeats = True
        self.heartbeat_ms = 45_000
        self.sockets: list[web.WebSocketResponse] = []

    def app(self) -> web.Application:
        """The routes."""
        app = web.Application(middlewares=[self._note])
        app.router.add_get("/api/v10/users/@me", self._me)
        app.router.add_get("/api/v10/oauth2/applications/@me", self._application)
        app.router.add_put("/api/v10/applications/1/commands", self._commands)
        app.router.add_get("/gateway/", self._gateway)
        return app

    async def say(self, content: str, *, number: int) -> None:
        """Ann sends us a direct message over the latest connection."""
        message: dict[str, Any] = {
            "id": str(number),
            "channel_id": "5",
            "author": ANN,
            "content": content,
            "timestamp": "2026-11-24T09:00:00+00:00",
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "attachments": [],
            "embeds": [],
            "pinned": False,
            "type": 0,
        }
        await self.sockets[-1].send_json(
            {"op": 0, "t": "MESSAGE_CREATE", "s": number, "d": message}
        )

    @web.middleware
    async def _note(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.calls.append(f"{request.method} {request.path}")
        if self.failures > 0:
            self.failures -= 1
            return web.Response(status=503)
        if self.refusals > 0:
            self.refusals -= 1
            return web.Response(status=401)
        return await handler(request)

    async def _me(self, _: web.Request) -> web.Response:
        return _json(US)

    async def _application(self, _: web.Request) -> web.Response:
        fields = {"name": "gryph", "description": "", "icon": None, "bot_public": True}
        more = {"bot_require_code_grant": False, "verify_key": "", "flags": 0, "owner": ANN}
        return _json({"id": "1", **fields, **more})

    async def _commands(self, _: web.Request) -> web.Response:
        return _json([])

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": self.heartbeat_ms}})
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            frame = message.json()
            await self._answer(socket, frame["op"])
            if frame["op"] != 1:
                await self.frames.put((frame["op"], frame["d"]))
        return socket

    async def _answer(self, socket: web.WebSocketResponse, op: int) -> None:
        if op == 1 and self.answers_heartbeats:
            await socket.send_json({"op": 11, "d": None})
        elif op == 2:
            ready: dict[str, Any] = {
                "v": 10,
                "user": US,
                "guilds": [],
                "session_id": "s",
                "resume_gateway_url": f"ws://{self.address}/gateway/",
                "application": {"id": "1", "flags": 0},
            }
            await socket.send_json({"op": 0, "t": "READY", "s": 1, "d": ready})
        elif op == 6 and not self.knows_session:
            await socket.send_json({"op": 9, "d": False})
        elif op == 6:
            await socket.send_json({"op": 0, "t": "RESUMED", "s": 2, "d": {}})


@pytest.fixture
async def server(addresses_restored: None) -> AsyncIterator[LoopbackDiscord]:
    del addresses_restored
    discord = LoopbackDiscord()
    runner = web.AppRunner(discord.app(), shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    discord.address = f"{host}:{port}"
    yield discord
    await runner.cleanup()


def client_of(server: LoopbackDiscord, intake: RecordingIntake) -> GryphClient:
    settings = GatewaySettings(
        discord_token=SecretStr("t"),
        discord_api_url=f"http://{server.address}/api/v10/",
        discord_gateway_url=f"ws://{server.address}/gateway/",
    )
    return GryphClient(settings, intake, REGISTRY, no_memory())


async def frame(server: LoopbackDiscord) -> int:
    """The next operation that the client sends, heartbeats aside."""
    op, _ = await asyncio.wait_for(server.frames.get(), WAIT_S)
    return op


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_connection_that_breaks_is_resumed_and_ends_on_cancel(
    server: LoopbackDiscord,
) -> None:
    intake = WaitingIntake()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(run(client_of(server, intake)))
        assert await frame(server) == 2
        await server.say("status", number=11)
        assert await intake.next_text() == "@gryph status"
        await server.sockets[-1].close(code=4000)
        assert await frame(server) == 6
        await server.say("status J7K2M9Q", number=12)
        assert await intake.next_text() == "@gryph status J7K2M9Q"
        await stop(task)
    assert server.calls.count("PUT /api/v10/applications/1/commands") == 1
    assert all(socket.closed for socket in server.sockets)


async def test_lease_that_is_lost_and_won_again_connects_anew_with_one_login(
    server: LoopbackDiscord,
) -> None:
    intake = WaitingIntake()
    client = client_of(server, intake)
    await client.open()
    async with asyncio.TaskGroup() as group:
        for number in (11, 12):
            task = group.create_task(client.stay_connected())
            assert await frame(server) == 2
            await server.say("status", number=number)
            assert await intake.next_text() == "@gryph status"
            await stop(task)
            assert not client.is_closed()
    assert server.calls.count("GET /api/v10/users/@me") == 1
    await client.close()


async def test_discord_out_of_reach_at_start_is_tried_again(
    server: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RETRY_S", 0.01)
    server.failures = 2
    client = client_of(server, WaitingIntake())
    with pytest.raises(Busy):
        await DiscordOutbound(client, MemoryArtifacts()).answer(PLACE, say("hello"), key="1")
    kept = Connection(client)
    async with asyncio.TaskGroup() as group:
        login = group.create_task(kept.stay_logged_in())
        listening = group.create_task(kept.listen())
        assert await frame(server) == 2
        await stop(listening)
        await stop(login)
    assert server.calls.count("GET /api/v10/users/@me") == 3
    assert client.is_closed()


async def test_refused_token_is_asked_for_again_rarely_and_taken_when_it_is_mended(
    server: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RETRY_S", 0.05)
    server.refusals = 3
    client = client_of(server, WaitingIntake())
    kept = Connection(client)
    async with asyncio.TaskGroup() as group:
        login = group.create_task(kept.stay_logged_in())
        listening = group.create_task(kept.listen())
        assert await frame(server) == 2
        assert not client.token.is_refused
        await stop(listening)
        await stop(login)
    assert server.calls.count("GET /api/v10/users/@me") == 4


async def test_session_that_is_invalid_is_begun_anew(server: LoopbackDiscord) -> None:
    intake = WaitingIntake()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(run(client_of(server, intake)))
        assert await frame(server) == 2
        server.knows_session = False
        await server.sockets[-1].close(code=4000)
        assert await frame(server) == 6
        assert await frame(server) == 2
        await server.say("status", number=11)
        assert await intake.next_text() == "@gryph status"
        await stop(task)


async def test_connection_that_answers_no_heartbeat_is_left_and_resumed(
    server: LoopbackDiscord,
) -> None:
    server.heartbeat_ms = 300
    server.answers_heartbeats = False
    intake = WaitingIntake()
    async with asyncio.TaskGroup() as group:
        client = client_of(server, intake)
        client._connection.heartbeat_timeout = 0.5  # pyright: ignore[reportPrivateUsage]
        task = group.create_task(run(client))
        assert await frame(server) == 2
        assert await frame(server) == 6
        server.answers_heartbeats = True
        await server.say("status", number=12)
        assert await intake.next_text() == "@gryph status"
        await stop(task)


async def test_missing_token_is_named() -> None:
    client = GryphClient(GatewaySettings(), RecordingIntake(), REGISTRY, no_memory())
    with pytest.raises(MissingSetting, match="GRYPH_DISCORD_TOKEN"):
        await client.open()
