"""Our client stays logged in and connected, and comes back when it is not."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs
from yarl import URL

from bot import uplinks
from bot.discord import connection
from bot.discord.connection import Connection
from bot.discord.inbound import GryphClient, run
from bot.discord.outbound import DiscordOutbound
from bot.face import Busy
from bot.settings import GatewaySettings, MissingSetting
from bot.tokens import TokenRefused
from handlers import Place, Platform
from jobs.messages import say
from tests.bot.discord.registry import REGISTRY
from tests.bot.discord.town import Client, Town, until
from tests.fakes.discord import MemoryArtifacts, no_memory
from tests.fakes.discord_wire.faults import Fault, Kind
from tests.fakes.intake import RecordingIntake

PLACE = Place(platform=Platform.DISCORD, workspace="dm", channel="5")
LOGIN = "/users/@me"


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@asynccontextmanager
async def kept(client: Client) -> AsyncGenerator[None]:
    """Logged in and connected as the leader's client is."""
    holding = Connection(client)
    async with asyncio.TaskGroup() as group:
        login = group.create_task(holding.stay_logged_in())
        listening = group.create_task(holding.listen())
        yield
        await stop(listening)
        await stop(login)


async def begun(town: Town, client: Client, sessions: int) -> None:
    """Wait until so many sessions were begun in all, and the client knows the last one."""
    await until(lambda: len(town.discord.gateway.started) == sessions and bool(client.guilds))


async def test_connection_that_breaks_is_resumed_and_ends_on_cancel(town: Town) -> None:
    client = Client(town)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(run(client))
        await begun(town, client, 1)
        town.mention("status")
        await until(lambda: client.heard == ["@gryph status"])
        town.discord.gateway.hang_up(4000)
        await until(lambda: town.discord.gateway.resumed == 1)
        town.mention("help")
        await until(lambda: client.heard == ["@gryph status", "@gryph help"])
        await stop(task)
    assert town.discord.called("PUT", "/commands") == 1
    await until(lambda: not town.discord.gateway.connected)


async def test_lease_that_is_lost_and_won_again_connects_anew_with_one_login(town: Town) -> None:
    client = Client(town)
    await client.open()
    async with asyncio.TaskGroup() as group:
        for number in (1, 2):
            task = group.create_task(client.stay_connected())
            await begun(town, client, number)
            town.mention("status")
            await until(lambda number=number: len(client.heard) == number)
            await stop(task)
            assert not client.is_closed()
    assert town.discord.called("GET", LOGIN) == 1
    await client.close()


async def test_discord_out_of_reach_at_start_is_tried_again(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RETRY_S", 0.01)
    town.discord.faults.add(Fault("GET", LOGIN, Kind.ERROR_503, times=2))
    client = Client(town)
    with pytest.raises(Busy):
        await DiscordOutbound(client, MemoryArtifacts()).answer(PLACE, say("hello"), key="1")
    async with kept(client):
        await begun(town, client, 1)
    assert town.discord.called("GET", LOGIN) == 3
    assert client.is_closed()


async def test_refused_token_is_asked_for_again_rarely_and_taken_when_it_is_mended(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RETRY_S", 0.05)
    town.discord.faults.add(Fault("GET", LOGIN, Kind.UNAUTHORIZED, times=3))
    client = Client(town)
    async with kept(client):
        await begun(town, client, 1)
        assert not client.token.is_refused
    assert town.discord.called("GET", LOGIN) == 4


async def test_token_that_is_revoked_while_connected_is_told_once_and_used_when_it_is_mended(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RETRY_S", 0.1)
    monkeypatch.setattr(uplinks, "BRIEF_S", 0.0)
    client = Client(town)
    async with kept(client):
        await begun(town, client, 1)
        await until(lambda: client.is_ready() and client.uplink.is_up)
        with capture_logs() as logs:
            town.discord.faults.add(Fault("GET", LOGIN, Kind.UNAUTHORIZED, times=2))
            town.discord.gateway.hang_up(4004)
            await until(client.is_closed)
            assert client.token.is_refused, "before any login was tried"
            assert not client.uplink.is_up
            assert "GRYPH_DISCORD_TOKEN is refused" in client.uplink.trouble()
            with pytest.raises(TokenRefused, match="GRYPH_DISCORD_TOKEN"):
                await DiscordOutbound(client, MemoryArtifacts()).answer(PLACE, say("x"), key="1")
            town.mention("status")
            await begun(town, client, 2)
        errors = [each for each in logs if each["log_level"] == "error"]
        assert [each["event"] for each in errors] == ["token refused"]
        assert "4004" in errors[0]["reason"]
        assert not client.token.is_refused
        await until(lambda: client.uplink.is_up and client.heard == ["@gryph status"])
    assert client.uplink.trouble() == ""


async def test_logins_with_a_revoked_token_come_ever_more_slowly(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RETRY_S", 0.05)
    town.discord.faults.add(Fault("GET", LOGIN, Kind.UNAUTHORIZED, times=100))
    async with kept(Client(town)):
        await asyncio.sleep(1.0)
    assert 3 <= town.discord.called("GET", LOGIN) <= 5  # at 0, 0.05, 0.15, 0.35 and 0.75 s


async def test_gateway_that_lost_the_lease_while_shut_speaks_again_all_the_same(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RETRY_S", 0.2)
    client = Client(town)
    holding = Connection(client)
    async with asyncio.TaskGroup() as group:
        login = group.create_task(holding.stay_logged_in())
        listening = group.create_task(holding.listen())
        await begun(town, client, 1)
        await until(client.is_ready)
        town.discord.gateway.hang_up(4004)
        await until(client.is_closed)
        await stop(listening)
        await until(lambda: not client.is_closed() and not client.token.is_refused)
        place = Place(
            platform=Platform.DISCORD,
            workspace=str(town.guild.id),
            channel=str(town.channel.id),
        )
        await DiscordOutbound(client, MemoryArtifacts()).answer(place, say("here"), key="1")
        assert client.uplink.trouble() == "", "another gateway listens"
        await stop(login)
    assert town.discord.called("GET", LOGIN) == 2
    assert town.said() == ["here"]


async def test_discords_gateway_out_of_reach_is_told_with_the_reason_until_it_is_back(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uplinks, "BRIEF_S", 0.0)
    client = Client(town)
    async with kept(client):
        await begun(town, client, 1)
        await until(lambda: client.uplink.is_up)
        real, client.ws.gateway = client.ws.gateway, URL("ws://127.0.0.1:1")
        town.discord.gateway.hang_up(4000)
        await until(lambda: "no way to Discord (" in client.uplink.trouble())
        client.ws.gateway = real
        await until(lambda: client.uplink.is_up)


async def test_session_that_is_invalid_is_begun_anew(town: Town) -> None:
    client = Client(town)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(run(client))
        await begun(town, client, 1)
        town.discord.gateway.forget()
        town.discord.gateway.hang_up(4000)
        await begun(town, client, 2)
        town.mention("status")
        await until(lambda: client.heard == ["@gryph status"])
        await stop(task)
    assert town.discord.gateway.resumed == 0


async def test_connection_that_answers_no_heartbeat_is_left_and_resumed(town: Town) -> None:
    town.discord.gateway.heartbeat_ms = 300
    town.discord.gateway.answers_heartbeats = False
    client = Client(town)
    client._connection.heartbeat_timeout = 0.5  # pyright: ignore[reportPrivateUsage]
    async with asyncio.TaskGroup() as group:
        task = group.create_task(run(client))
        await until(lambda: town.discord.gateway.resumed > 0)
        town.discord.gateway.answers_heartbeats = True
        town.mention("status")
        await until(lambda: client.heard == ["@gryph status"])
        await stop(task)


async def test_missing_token_is_named() -> None:
    client = GryphClient(GatewaySettings(), RecordingIntake(), REGISTRY, no_memory())
    with pytest.raises(MissingSetting, match="GRYPH_DISCORD_TOKEN"):
        await client.open()
