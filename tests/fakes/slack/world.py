"""What a Slack workspace holds: people, channels, messages, files."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.slack.limits import Refused

TEAM = "T1"
BOT = "UGRYPH"
BOT_NAME = "gryph"

_PING = re.compile(r"<(!(?:channel|here|everyone|subteam\^\w+)|@[UW]\w+)(?:\|[^>]*)?>")


@dataclass
class User:
    """A member, guest or bot."""

    id: str
    name: str
    flags: dict[str, bool] = field(default_factory=dict[str, bool])
    """`is_admin`, `is_restricted`, `deleted` …"""
    team: str = TEAM

    def as_json(self) -> dict[str, Any]:
        """As users.info shows it."""
        return {
            "id": self.id,
            "team_id": self.team,
            "name": self.name,
            "real_name": self.name.title(),
            "deleted": False,
            "is_bot": False,
            "is_admin": False,
            "is_owner": False,
            "is_restricted": False,
            "is_ultra_restricted": False,
            **self.flags,
        }


@dataclass
class Message:
    """A message in a channel or thread."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    thread_ts: str | None = None
    metadata: dict[str, Any] | None = None
    bot_id: str | None = None
    files: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    edits: int = 0
    edited: dict[str, str] | None = None
    """Who of the people edited it last, and when."""
    reactions: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    unfurls: bool = True
    history: list[list[dict[str, Any]]] = field(default_factory=list[list[dict[str, Any]]])
    """The blocks it was posted with and edited to."""

    def as_json(self, *, with_metadata: bool) -> dict[str, Any]:
        """As conversations.replies shows it."""
        shown: dict[str, Any] = {
            "type": "message",
            "ts": self.ts,
            "user": self.user,
            "text": self.text,
            "blocks": self.blocks,
            "team": TEAM,
        }
        optional: dict[str, object] = {
            "thread_ts": self.thread_ts,
            "bot_id": self.bot_id,
            "files": self.files,
            "edited": self.edited,
        }
        shown |= {name: value for name, value in optional.items() if value}
        if with_metadata and self.metadata:
            shown["metadata"] = self.metadata
        return shown

    def pings(self) -> set[str]:
        """Whom the message notifies: every mention that Slack would resolve in it."""
        return set(_PING.findall(f"{self.text}\n{self.blocks!r}"))


@dataclass
class Channel:
    """A conversation."""

    id: str
    name: str
    kind: str = "public"
    """public, private or im."""
    members: set[str] = field(default_factory=set[str])
    archived: bool = False
    messages: list[Message] = field(default_factory=list[Message])
    last_post_s: float = 0.0


@dataclass
class Ephemeral:
    """What only one person sees."""

    channel: str
    text: str
    blocks: list[dict[str, Any]]


class World:
    """One workspace with our bot in it."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since 1970."""
        self.clock = clock
        self.users = {BOT: User(BOT, BOT_NAME, {"is_bot": True})}
        self.channels: dict[str, Channel] = {}
        self.ephemerals: list[Ephemeral] = []
        self.uploads: dict[str, dict[str, Any]] = {}
        """By file id: name, length, snippet_type, content (once sent), url."""
        self.shared: dict[str, bytes] = {}
        """What people's files hold, by the path below which Slack keeps them."""
        self.url = ""
        """Of the file host."""
        self._last_us = 0

    def add_user(
        self, name: str, flags: Mapping[str, bool] | None = None, *, team: str = TEAM
    ) -> str:
        """A new person; returns their id."""
        user = f"U{len(self.users):03d}{name.upper()}"
        self.users[user] = User(user, name, dict(flags or {}), team)
        return user

    def add_channel(self, name: str, *, kind: str = "public", with_bot: bool = True) -> str:
        """A new channel; returns its id."""
        prefix = {"im": "D", "private": "G"}.get(kind, "C")
        channel = f"{prefix}{len(self.channels):03d}{name.upper()}"
        members = {BOT} if with_bot else set[str]()
        self.channels[channel] = Channel(channel, name, kind, members)
        return channel

    def share(
        self, user: str, name: str, content: bytes, mimetype: str, mode: str = "hosted"
    ) -> dict[str, Any]:
        """A person's file as a message tells of it; a snippet's `mode` is "snippet"."""
        file = f"F{len(self.shared):03d}SHARED"
        path = f"/files-pri/{TEAM}-{file}/{name}"
        self.shared[path] = content
        return {
            "id": file,
            "name": name,
            "title": name,
            "mimetype": mimetype,
            "filetype": name.rpartition(".")[2],
            "user": user,
            "size": len(content),
            "mode": mode,
            "is_external": False,
            "url_private": f"{self.url}{path}",
            "permalink": f"https://acme.slack.com/files/{user}/{file}/{name}",
        }

    def next_ts(self) -> str:
        """A timestamp no message has yet."""
        self._last_us = max(self._last_us + 1, int(self.clock() * 1e6))
        return f"{self._last_us // 1_000_000}.{self._last_us % 1_000_000:06d}"

    def channel(self, channel: str) -> Channel:
        """The channel as our bot sees it. Raises Refused when it cannot."""
        found = self.channels.get(channel)
        if found is None or (found.kind != "public" and BOT not in found.members):
            raise Refused("channel_not_found")
        return found

    def writable(self, channel: str) -> Channel:
        """The channel, if our bot may post there. Raises Refused."""
        found = self.channel(channel)
        if found.archived:
            raise Refused("is_archived")
        if BOT not in found.members:
            raise Refused("not_in_channel")
        return found

    def message(self, channel: str, ts: str) -> Message:
        """The message. Raises Refused when there is none."""
        found = [m for m in self.channels[channel].messages if m.ts == ts]
        if not found:
            raise Refused("message_not_found")
        return found[0]

    def add(self, message: Message) -> Message:
        """Put a message into its channel."""
        message.history.append(message.blocks)
        self.channels[message.channel].messages.append(message)
        return message

    def thread(self, channel: str, root: str) -> list[Message]:
        """A thread's messages, the root first."""
        return [m for m in self.channels[channel].messages if root in (m.ts, m.thread_ts)]

    def ours(self, channel: str) -> list[Message]:
        """What our bot posted, oldest first."""
        return [m for m in self.channels[channel].messages if m.user == BOT]
