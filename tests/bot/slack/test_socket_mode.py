"""Socket Mode: acknowledged after it is stored, reconnected whatever happens."""

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest

from bot.settings import MissingSetting
from bot.slack.inbound import socket_mode
from tests.bot.slack.conftest import Team
from tests.bot.slack.test_inbound import Broken
from tests.fakes.slack.world import BOT

PATIENCE_S = 20


@pytest.fixture
async def connected(team: Team) -> AsyncGenerator[Team]:
    task = asyncio.ensure_future(socket_mode(team.settings, team.intake))
    await asyncio.wait_for(team.slack.server.sockets.until_opened(1), PATIENCE_S)
    yield team
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - the far side has no event for it
            await asyncio.sleep(0.005)


async def test_mention_slash_and_button_arrive_through_the_socket(connected: Team) -> None:
    slack = connected.slack
    await slack.say(connected.ann, connected.dev, f"<@{BOT}> test src/a.py")
    await until(lambda: len(connected.intake.events) == 1)
    assert connected.heard().text == "@gryph test src/a.py"
    await slack.slash(connected.ann, connected.dev, "status")
    await until(lambda: len(connected.intake.events) == 2)
    assert connected.heard().text == "/gryph status"
    assert slack.sent == []


async def test_envelope_is_acknowledged_and_its_redelivery_is_not_run_again(
    connected: Team,
) -> None:
    sockets = connected.slack.server.sockets
    payload = {
        "type": "event_callback",
        "team_id": "T1",
        "event_id": "Ev1",
        "authorizations": [{"user_id": BOT, "is_bot": True}],
        "event": {
            "type": "app_mention",
            "user": connected.ann,
            "text": f"<@{BOT}> status",
            "ts": "1.2",
            "channel": connected.dev,
        },
    }
    envelope = await sockets.send("events_api", payload)
    await asyncio.wait_for(envelope.acked.wait(), PATIENCE_S)
    envelope.acked.clear()
    await sockets.resend(envelope)
    await asyncio.wait_for(envelope.acked.wait(), PATIENCE_S)
    assert len(connected.intake.events) == 1


async def test_envelope_that_could_not_be_stored_waits_for_its_redelivery(team: Team) -> None:
    broken = Broken(failures=1)
    task = asyncio.ensure_future(socket_mode(team.settings, broken))
    sockets = team.slack.server.sockets
    await asyncio.wait_for(sockets.until_opened(1), PATIENCE_S)
    payload = {
        "command": "/gryph",
        "text": "status",
        "user_id": team.ann,
        "channel_id": team.dev,
        "team_id": "T1",
        "trigger_id": "t1",
    }
    envelope = await sockets.send("slash_commands", payload)
    await until(lambda: broken.refused == 1)
    assert not envelope.acked.is_set()
    await sockets.resend(envelope)
    await asyncio.wait_for(envelope.acked.wait(), PATIENCE_S)
    assert len(broken.events) == 1
    task.cancel()
    await asyncio.wait([task])


async def test_announced_disconnect_is_followed_by_a_new_connection(connected: Team) -> None:
    sockets = connected.slack.server.sockets
    await sockets.disconnect()
    await asyncio.wait_for(sockets.until_opened(2), PATIENCE_S)
    await connected.slack.say(connected.ann, connected.direct, "status")
    await until(lambda: len(connected.intake.events) == 1)


async def test_dropped_connection_is_made_anew(connected: Team) -> None:
    sockets = connected.slack.server.sockets
    await sockets.drop()
    await asyncio.wait_for(sockets.until_opened(2), PATIENCE_S)
    await connected.slack.say(connected.ann, connected.direct, "status")
    await until(lambda: len(connected.intake.events) == 1)


async def test_missing_app_token_is_named(team: Team) -> None:
    settings = team.settings.model_copy(update={"slack_app_token": None})
    with pytest.raises(MissingSetting, match="GRYPH_SLACK_APP_TOKEN"):
        await socket_mode(settings, team.intake)
