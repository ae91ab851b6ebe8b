"""The people's hands for another process: each is a POST of JSON under `/_fake/`.

`/_fake/say {user, channel, text, thread}`, `slash`, `edit`, `press {…, ts, label}`,
`react {…, ts, name, added}`, `fault {method, kind, times, retry_after_s, code}` and
`GET /_fake/state` for everything there is. Users and channels go by name.
"""

from typing import Any, cast

from aiohttp import web

from tests.fakes.slack.faults import Fault, Kind
from tests.fakes.slack.workspace import Slack
from tests.fakes.slack.world import Message, World


def routes(slack: Slack) -> list[web.RouteDef]:
    """The control routes of a workspace."""
    hands = Hands(slack)
    return [
        web.get("/_fake/state", hands.state),
        web.post("/_fake/say", hands.say),
        web.post("/_fake/slash", hands.slash),
        web.post("/_fake/edit", hands.edit),
        web.post("/_fake/press", hands.press),
        web.post("/_fake/react", hands.react),
        web.post("/_fake/fault", hands.fault),
    ]


class Hands:
    """What another process may do as a person."""

    def __init__(self, slack: Slack) -> None:
        """They act in that workspace."""
        self._slack = slack

    async def state(self, request: web.Request) -> web.Response:
        """Users, channels with their messages, and what only one person saw."""
        del request
        world = self._slack.world
        channels = {
            channel.name: [m.as_json(with_metadata=True) for m in channel.messages]
            for channel in world.channels.values()
        }
        whispers = [{"text": e.text, "blocks": e.blocks} for e in world.ephemerals]
        return web.json_response(
            {
                "users": {user.name: user.id for user in world.users.values()},
                "channels": channels,
                "ephemerals": whispers,
                "connected": self._slack.server.sockets.connected,
            }
        )

    async def say(self, request: web.Request) -> web.Response:
        """Write a message."""
        asked = await _json(request)
        user, channel = _who(self._slack.world, asked)
        thread = asked.get("thread")
        message = await self._slack.say(user, channel, asked["text"], thread=thread)
        return web.json_response({"ts": message.ts})

    async def slash(self, request: web.Request) -> web.Response:
        """Use the slash command."""
        asked = await _json(request)
        await self._slack.slash(*_who(self._slack.world, asked), asked["text"])
        return web.json_response({})

    async def edit(self, request: web.Request) -> web.Response:
        """Edit a message."""
        asked = await _json(request)
        await self._slack.edit(_message(self._slack.world, asked), asked["text"])
        return web.json_response({})

    async def press(self, request: web.Request) -> web.Response:
        """Press a button."""
        asked = await _json(request)
        user, _ = _who(self._slack.world, asked)
        await self._slack.press(user, _message(self._slack.world, asked), asked["label"])
        return web.json_response({})

    async def react(self, request: web.Request) -> web.Response:
        """Put an emoji on a message, or take it off."""
        asked = await _json(request)
        user, _ = _who(self._slack.world, asked)
        message = _message(self._slack.world, asked)
        await self._slack.react(user, message, asked["name"], added=asked.get("added", True))
        return web.json_response({})

    async def fault(self, request: web.Request) -> web.Response:
        """Order a failure."""
        asked = await _json(request)
        kind = Kind(asked.pop("kind"))
        self._slack.server.faults.add(Fault(asked.pop("method"), kind, **asked))
        return web.json_response({})


async def _json(request: web.Request) -> dict[str, Any]:
    return cast("dict[str, Any]", await request.json())


def _who(world: World, asked: dict[str, Any]) -> tuple[str, str]:
    users = {user.name: user.id for user in world.users.values()}
    channels = {channel.name: channel.id for channel in world.channels.values()}
    try:
        return users[asked["user"]], channels[asked["channel"]]
    except KeyError as missing:
        raise web.HTTPNotFound(text=f"no {missing}") from missing


def _message(world: World, asked: dict[str, Any]) -> Message:
    _, channel = _who(world, asked)
    return world.message(channel, asked["ts"])
