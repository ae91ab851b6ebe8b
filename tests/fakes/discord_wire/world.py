"""What Discord holds: people, servers, channels, threads and messages."""

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum, IntFlag, StrEnum
from typing import Any

from tests.fakes.discord_wire.refusals import Refused, unknown

EPOCH_MS = 1_420_070_400_000
NONCE_S = 180.0
"""How long a nonce is remembered: "the past few minutes"."""
NONCES = 10_000
MAY_EVERYTHING = 1 << 3
MAY_MANAGE_MESSAGES = 1 << 13
_USER_MENTION = re.compile(r"<@!?(\d+)>")


class ChannelKind(IntEnum):
    """Discord's channel types that occur here."""

    TEXT = 0
    DIRECT = 1
    THREAD = 11


class MessageKind(IntEnum):
    """Discord's message types that occur here."""

    SAID = 0
    REPLY = 19
    COMMAND = 20
    """The answer to a slash command."""


class Flag(IntFlag):
    """Discord's message flags that occur here."""

    SUPPRESS_EMBEDS = 1 << 2
    LOADING = 1 << 7


class Right(StrEnum):
    """What our bot may be denied in a channel."""

    VIEW = "view"
    SEND = "send"
    READ_HISTORY = "read history"
    OPEN_THREADS = "open threads"


@dataclass(frozen=True)
class User:
    """An account."""

    id: int
    name: str
    is_bot: bool = False


@dataclass(frozen=True)
class Role:
    """A role on a server."""

    id: int
    name: str
    permissions: int


@dataclass
class Guild:
    """A server."""

    id: int
    name: str
    roles: dict[int, Role] = field(default_factory=dict[int, Role])
    members: dict[int, set[int]] = field(default_factory=dict[int, set[int]])
    """The roles of each member."""


@dataclass
class Message:
    """A message in a channel or thread."""

    id: int
    channel: int
    author: User
    content: str
    kind: MessageKind = MessageKind.SAID
    components: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    attachments: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    reply_to: int | None = None
    nonce: str | None = None
    flags: int = 0
    edited_at: datetime | None = None
    interaction: int | None = None
    """The interaction that it answers."""
    reactions: dict[str, set[int]] = field(default_factory=dict[str, set[int]])
    history: list[str] = field(default_factory=list[str])
    """The texts it was posted with and edited to."""
    pings: set[int] = field(default_factory=set[int])
    """Whom it notified."""


@dataclass
class Channel:
    """A server's channel, one of its threads, or a direct conversation."""

    id: int
    name: str
    kind: ChannelKind
    guild: int | None = None
    parent: int | None = None
    owner: int | None = None
    messages: dict[int, Message] = field(default_factory=dict[int, Message])
    denied: set[Right] = field(default_factory=set[Right])
    """What our bot may not do here; a thread has its parent's."""
    members: set[int] = field(default_factory=set[int])
    """Of a thread or a direct conversation."""
    is_archived: bool = False


class World:
    """All of it, as one bot sees it."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since 1970."""
        self.clock = clock
        self.reads_all_content = False
        """Whether the bot was granted the privileged intent."""
        self._last_id = 0
        self.bot = User(self.new_id(), "gryph", is_bot=True)
        self.users = {self.bot.id: self.bot}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.files: dict[int, bytes] = {}
        """The content of attachments."""
        self._nonces: OrderedDict[str, tuple[float, Message]] = OrderedDict()

    @property
    def now(self) -> datetime:
        """By our clock."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def new_id(self) -> int:
        """A snowflake later than every other."""
        since_epoch_ms = int(self.clock() * 1000) - EPOCH_MS
        self._last_id = max(self._last_id + 1, since_epoch_ms << 22)
        return self._last_id

    def add_user(self, name: str) -> User:
        """A new account."""
        user = User(self.new_id(), name)
        self.users[user.id] = user
        return user

    def add_guild(self, name: str, members: Iterable[User] = ()) -> Guild:
        """A new server with our bot in it."""
        guild = Guild(self.new_id(), name)
        guild.roles[guild.id] = Role(guild.id, "@everyone", 0)
        guild.members = {user.id: set[int]() for user in [self.bot, *members]}
        self.guilds[guild.id] = guild
        return guild

    def grant(self, guild: Guild, user: User, permissions: int) -> None:
        """Give a member a role of these permissions."""
        role = Role(self.new_id(), f"role{len(guild.roles)}", permissions)
        guild.roles[role.id] = role
        guild.members.setdefault(user.id, set()).add(role.id)

    def add_channel(self, guild: Guild, name: str) -> Channel:
        """A new text channel."""
        channel = Channel(self.new_id(), name, ChannelKind.TEXT, guild.id)
        self.channels[channel.id] = channel
        return channel

    def direct_channel(self, user: User) -> Channel:
        """The conversation between a person and our bot."""
        both = {user.id, self.bot.id}
        for channel in self.channels.values():
            if channel.kind is ChannelKind.DIRECT and channel.members == both:
                return channel
        channel = Channel(self.new_id(), user.name, ChannelKind.DIRECT, members=both)
        self.channels[channel.id] = channel
        return channel

    def channel(self, channel: int, *rights: Right) -> Channel:
        """The channel, where our bot may do that. Raises Refused."""
        found = self.channels.get(channel)
        if found is None:
            raise unknown("Channel", 10003)
        denied = found.denied
        if found.parent is not None:
            denied = denied | self.channels[found.parent].denied
        if Right.VIEW in denied:
            raise Refused(403, 50001, "Missing Access")
        if denied & set(rights):
            raise Refused(403, 50013, "Missing Permissions")
        return found

    def message(self, channel: int, message: int) -> Message:
        """The message. Raises Refused."""
        found = self.channel(channel).messages.get(message)
        if found is None:
            raise unknown("Message", 10008)
        return found

    def add(self, message: Message) -> Message:
        """Put a message into its channel, which wakes a thread."""
        channel = self.channels[message.channel]
        message.history.append(message.content)
        channel.messages[message.id] = message
        channel.is_archived = False
        return message

    def of_nonce(self, nonce: str) -> Message | None:
        """What our bot posted under it in the past few minutes."""
        at, message = self._nonces.get(nonce, (0.0, None))
        return message if self.clock() - at < NONCE_S else None

    def remember_nonce(self, nonce: str, message: Message) -> None:
        """So that it is not posted again."""
        self._nonces[nonce] = (self.clock(), message)
        while len(self._nonces) > NONCES:
            self._nonces.popitem(last=False)

    def ours(self, channel: int) -> list[Message]:
        """What our bot said there, oldest first."""
        messages = self.channels[channel].messages.values()
        return [each for each in messages if each.author is self.bot]

    def threads(self, guild: int) -> list[Channel]:
        """A server's threads that are not archived."""
        return [
            each
            for each in self.channels.values()
            if each.kind is ChannelKind.THREAD and each.guild == guild and not each.is_archived
        ]

    def mentioned(self, content: str) -> list[User]:
        """The accounts that a text mentions, in order."""
        ids = dict.fromkeys(map(int, _USER_MENTION.findall(content)))
        return [self.users[each] for each in ids if each in self.users]

    def shows_content(self, message: Message) -> bool:
        """Whether our bot gets to read a message: without the privileged intent its own, direct
        ones and those that mention it.
        """
        return (
            self.reads_all_content
            or message.author is self.bot
            or self.channels[message.channel].kind is ChannelKind.DIRECT
            or self.bot.id in message.pings
        )
