"""People at work in a fake Slack: they write, press and react, and the app is told of it.

What they do changes the workspace and goes to the app as Slack would send it: signed HTTP posts,
or envelopes while a Socket Mode connection is open.
"""

import contextlib
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from tests.fakes.slack.limits import texts
from tests.fakes.slack.server import SlackServer
from tests.fakes.slack.world import BOT, TEAM, Message, World

SECRET = "fake-signing-secret"
EVENTS, COMMANDS, INTERACTIONS = "/slack/events", "/slack/commands", "/slack/interactions"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Sent:
    """A request to the app and how it answered."""

    path: str
    body: bytes
    content_type: str
    status: int
    answer: str


class Slack:
    """The workspace, its people, and the app's address."""

    def __init__(self, world: World, server: SlackServer, session: aiohttp.ClientSession) -> None:
        """Use `Slack.running`."""
        self.world = world
        self.server = server
        self.app_url = ""
        """Where the app listens; empty while nobody does, and then events are not told."""
        self.sent: list[Sent] = []
        self._session = session

    @classmethod
    @contextlib.asynccontextmanager
    async def running(
        cls,
        *,
        port: int = 0,
        clock: Callable[[], float] = time.time,
        control: Callable[[Self], Iterable[web.RouteDef]] | None = None,
    ) -> AsyncGenerator[Self]:
        """A fresh workspace on a loopback port, while the context lasts.

        `control` makes further routes, by which another process moves the people.
        """
        world = World(clock)
        server = SlackServer(world)
        connector = aiohttp.TCPConnector(force_close=True)  # a kept one may be closed as we write
        async with aiohttp.ClientSession(connector=connector) as session:
            slack = cls(world, server, session)
            await server.start(port, control(slack) if control else ())
            try:
                yield slack
            finally:
                await server.stop()

    @property
    def api_url(self) -> str:
        """The setting `slack_api_url`."""
        return f"{self.server.url}/api/"

    async def say(
        self,
        user: str,
        channel: str,
        text: str,
        *,
        thread: str | None = None,
        files: Sequence[dict[str, Any]] = (),
    ) -> Message:
        """A person writes, with files of `World.share`; the app hears of mentions and direct
        messages only.
        """
        message = Message(self.world.next_ts(), channel, user, text, thread_ts=thread)
        message.files = list(files)
        self.world.add(message)
        direct = self.world.channels[channel].kind == "im"
        if direct:
            await self.event({**_message_event(message), "type": "message", "channel_type": "im"})
        elif f"<@{BOT}>" in text:
            await self.event({**_message_event(message), "type": "app_mention"})
        return message

    async def edit(self, message: Message, text: str) -> None:
        """A person edits what they wrote."""
        previous = _message_event(message)
        message.text = text
        edited = message.edited = {"user": message.user, "ts": self.world.next_ts()}
        await self.event(
            {
                "type": "message",
                "subtype": "message_changed",
                "hidden": True,
                "channel": message.channel,
                "channel_type": self._channel_type(message.channel),
                "ts": edited["ts"],
                "message": {**_message_event(message), "type": "message", "edited": edited},
                "previous_message": {**previous, "type": "message"},
            }
        )

    async def react(self, user: str, message: Message, name: str, *, added: bool = True) -> None:
        """A person puts an emoji on a message, or takes it off."""
        people = message.reactions.setdefault(name, set())
        (people.add if added else people.discard)(user)
        await self.event(
            {
                "type": "reaction_added" if added else "reaction_removed",
                "user": user,
                "reaction": name,
                "item_user": message.user,
                "item": {"type": "message", "channel": message.channel, "ts": message.ts},
                "event_ts": self.world.next_ts(),
            }
        )

    async def slash(self, user: str, channel: str, text: str, command: str = "/gryph") -> None:
        """A person uses the slash command."""
        payload = {
            "command": command,
            "text": text,
            "team_id": TEAM,
            "channel_id": channel,
            "channel_name": self.world.channels[channel].name,
            "user_id": user,
            "user_name": self.world.users[user].name,
            "response_url": self.server.new_response_url(channel),
            "trigger_id": secrets.token_hex(8),
        }
        if self.server.sockets.connected:
            await self.server.sockets.send("slash_commands", payload)
        else:
            await self.post(COMMANDS, urlencode(payload).encode(), FORM)

    async def press(self, user: str, message: Message, label: str) -> None:
        """A person presses the button with that label."""
        element = button(message.blocks, label)
        payload = {
            "type": "block_actions",
            "user": {"id": user, "username": self.world.users[user].name, "team_id": TEAM},
            "team": {"id": TEAM, "domain": "acme"},
            "channel": {"id": message.channel, "name": "x"},
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": message.channel,
                "is_ephemeral": False,
                **({"thread_ts": message.thread_ts} if message.thread_ts else {}),
            },
            "message": message.as_json(with_metadata=True),
            "actions": [{**element, "action_ts": self.world.next_ts(), "type": "button"}],
            "response_url": self.server.new_response_url(message.channel),
            "trigger_id": secrets.token_hex(8),
        }
        await self.interact(payload)

    async def interact(self, payload: dict[str, Any]) -> None:
        """Send an interactivity payload."""
        if self.server.sockets.connected:
            await self.server.sockets.send("interactive", payload)
        else:
            body = urlencode({"payload": json.dumps(payload)}).encode()
            await self.post(INTERACTIONS, body, FORM)

    async def event(self, event: dict[str, Any], **outer: object) -> None:
        """Send an event callback, if anybody listens."""
        payload = {
            "type": "event_callback",
            "team_id": TEAM,
            "event_id": f"Ev{secrets.token_hex(5)}",
            "event_time": int(self.world.clock()),
            "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True}],
            "event": event,
            **outer,
        }
        if self.server.sockets.connected:
            await self.server.sockets.send("events_api", payload)
        elif self.app_url:
            sent = await self.post(EVENTS, json.dumps(payload).encode(), JSON)
            if sent.status == HTTPStatus.SERVICE_UNAVAILABLE:
                await self.again(reason="http_error")  # Slack's first retry comes at once

    async def again(self, times: int = 1, *, reason: str = "http_timeout") -> None:
        """Deliver the newest request again, as Slack does when the ack is late."""
        last = self.sent[-1]
        for number in range(1, times + 1):
            retry = {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": reason}
            await self.post(last.path, last.body, last.content_type, retry)

    async def post(
        self, path: str, body: bytes, content_type: str, headers: dict[str, str] | None = None
    ) -> Sent:
        """Send a signed request to the app; other headers win over ours."""
        signed = sign(body, self.world.clock()) | {"Content-Type": content_type}
        async with self._session.post(
            f"{self.app_url}{path}", data=body, headers=signed | (headers or {})
        ) as response:
            sent = Sent(path, body, content_type, response.status, await response.text())
        self.sent.append(sent)
        return sent

    def _channel_type(self, channel: str) -> str:
        return {"im": "im", "private": "group"}.get(self.world.channels[channel].kind, "channel")


def sign(body: bytes, now_s: float, secret: str = SECRET) -> dict[str, str]:
    """Slack's signature v0 over the raw body."""
    timestamp = str(int(now_s))
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256)
    return {
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={digest.hexdigest()}",
    }


def button(blocks: list[dict[str, Any]], label: str) -> dict[str, Any]:
    """The button with that label. Raises LookupError, naming what there is instead."""
    found = [
        element
        for block in blocks
        for element in [*block.get("elements", []), block.get("accessory", {})]
        if element.get("type") == "button"
    ]
    for element in found:
        if element["text"]["text"] == label:
            return element
    raise LookupError(f"no button {label!r} among {[e['text']['text'] for e in found]}")


def read(blocks: list[dict[str, Any]]) -> str:
    """What a person reads in a message: a line for each text, buttons in brackets after it."""
    lines: list[str] = []
    for block in blocks:
        buttons = [e for e in block.get("elements", []) if e.get("type") == "button"]
        buttons += [block["accessory"]] if "accessory" in block else []
        if block["type"] != "actions":
            lines += texts({name: part for name, part in block.items() if name != "accessory"})
        if buttons:
            lines.append(" ".join(f"[{e['text']['text']}]" for e in buttons))
    return "\n".join(lines)


def _message_event(message: Message) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "user": message.user,
        "text": message.text,
        "ts": message.ts,
        "channel": message.channel,
        "team": TEAM,
        "event_ts": message.ts,
    }
    if message.thread_ts:
        shown["thread_ts"] = message.thread_ts
    if message.files:
        shown |= {"files": message.files, "upload": False}
    return shown
