"""Socket Mode: acknowledged after it is stored, reconnected whatever happens."""

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest

from bot import tokens, uplinks
from bot.settings import MissingSetting
from bot.slack import inbound
from bot.slack.inbound import socket_mode
from bot.uplinks import Uplink
from handlers import Platform
from tests.bot.slack.conftest import Team
from tests.bot.slack.test_inbound import Broken
from tests.fakes.slack.faults import Fault, Kind
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


def command(team: Team) -> dict[str, str]:
    return {
        "command": "/gryph",
        "text": "status",
        "user_id": team.ann,
        "channel_id": team.dev,
        "team_id": "T1",
        "trigger_id": "t1",
    }


async def test_envelope_that_could_not_be_stored_waits_for_its_redelivery(team: Team) -> None:
    broken = Broken(failures=1)
    task = asyncio.ensure_future(socket_mode(team.settings, broken))
    sockets = team.slack.server.sockets
    await asyncio.wait_for(sockets.until_opened(1), PATIENCE_S)
    envelope = await sockets.send("slash_commands", command(team))
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


async def test_ticket_that_is_refused_is_not_tried_for_ever(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound, "SOCKET_PING_S", 0.1)
    sockets = team.slack.server.sockets
    sockets.refused = 3
    task = asyncio.ensure_future(socket_mode(team.settings, team.intake))
    await asyncio.wait_for(sockets.until_opened(1), PATIENCE_S)
    await team.slack.say(team.ann, team.direct, "status")
    await until(lambda: len(team.intake.events) == 1)
    task.cancel()
    await asyncio.wait([task])


async def test_refused_app_token_leaves_slack_alone_until_it_is_mended(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound, "SOCKET_PING_S", 0.02)
    monkeypatch.setattr(tokens, "PAUSE_S", 0.6)
    monkeypatch.setattr(uplinks, "BRIEF_S", 0.0)
    server, token, uplink = team.slack.server, inbound.app_token(), Uplink(Platform.SLACK)
    fault = Fault("apps.connections.open", Kind.REFUSED, times=2, code="invalid_auth")
    server.faults.add(fault)
    started = asyncio.get_running_loop().time()
    task = asyncio.ensure_future(socket_mode(team.settings, team.intake, token, uplink))
    await until(lambda: token.is_refused)
    assert uplink.trouble().endswith("s: Slack: invalid_auth.")
    await asyncio.wait_for(server.sockets.until_opened(1), PATIENCE_S)
    assert asyncio.get_running_loop().time() - started >= 1.2
    assert server.called("apps.connections.open") == 3
    assert not token.is_refused
    await until(lambda: uplink.is_up and not uplink.trouble())
    server.faults.add(Fault("apps.connections.open", Kind.ERROR_500, times=5))
    await server.sockets.drop()
    await until(lambda: uplink.trouble() != "")
    await until(lambda: uplink.is_up)
    task.cancel()
    await asyncio.wait([task])
    assert not uplink.is_up
    assert uplink.trouble() == ""


async def test_envelope_unacknowledged_at_a_refresh_is_redelivered_on_the_new_socket(
    team: Team,
) -> None:
    broken = Broken(failures=1)
    task = asyncio.ensure_future(socket_mode(team.settings, broken))
    sockets = team.slack.server.sockets
    await asyncio.wait_for(sockets.until_opened(1), PATIENCE_S)
    envelope = await sockets.send("slash_commands", command(team))
    await until(lambda: broken.refused == 1)
    await sockets.disconnect("warning")
    await sockets.disconnect("refresh_requested")
    await asyncio.wait_for(sockets.until_opened(2), PATIENCE_S)
    await sockets.resend(envelope)
    await asyncio.wait_for(envelope.acked.wait(), PATIENCE_S)
    again = await sockets.send("slash_commands", command(team))
    await asyncio.wait_for(again.acked.wait(), PATIENCE_S)
    assert len(broken.events) == 1
    task.cancel()
    await asyncio.wait([task])


async def test_two_sockets_at_once_take_an_event_once(connected: Team) -> None:
    sockets = connected.slack.server.sockets
    other = asyncio.ensure_future(socket_mode(connected.settings, connected.intake))
    await asyncio.wait_for(sockets.until_opened(2), PATIENCE_S)
    for number in range(2):
        envelope = await sockets.send("slash_commands", command(connected), socket=number)
        await asyncio.wait_for(envelope.acked.wait(), PATIENCE_S)
    assert len(connected.intake.events) == 1
    other.cancel()
    await asyncio.wait([other])


async def test_missing_app_token_is_named(team: Team) -> None:
    settings = team.settings.model_copy(update={"slack_app_token": None})
    with pytest.raises(MissingSetting, match="GRYPH_SLACK_APP_TOKEN"):
        await socket_mode(settings, team.intake)
