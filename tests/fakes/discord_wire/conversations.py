"""Messages and threads, as our bot makes them and as people do; every change is told."""

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.fakes.discord_wire import shapes
from tests.fakes.discord_wire.gateway import Gateway, Intent
from tests.fakes.discord_wire.limits import THREAD_NAME, check_content, check_message
from tests.fakes.discord_wire.refusals import Refused, invalid
from tests.fakes.discord_wire.world import (
    Channel,
    ChannelKind,
    Message,
    MessageKind,
    Right,
    User,
    World,
)

PAGE = 100


@dataclass(frozen=True)
class File:
    """A file that comes with a message."""

    name: str
    content: bytes
    description: str | None = None


class Conversations:
    """What happens in channels."""

    def __init__(self, world: World, gateway: Gateway) -> None:
        """Whoever listens at `gateway` hears of it."""
        self._world = world
        self._gateway = gateway
        self.url = ""
        """Where attachments are read."""

    def post(self, channel: int, body: dict[str, Any], files: Sequence[File] = ()) -> Message:
        """A message of our bot; the earlier one of the same enforced nonce. Raises Refused."""
        world = self._world
        world.channel(channel, Right.SEND)
        check_message(body, [each.content for each in files])
        nonce = body.get("nonce")
        known = world.of_nonce(str(nonce)) if nonce and body.get("enforce_nonce") else None
        if known is not None:
            return known
        reference: dict[str, Any] = body.get("message_reference") or {}
        made = Message(
            world.new_id(),
            channel,
            world.bot,
            body.get("content") or "",
            components=body.get("components") or [],
            attachments=[self._attach(each) for each in files],
            nonce=None if nonce is None else str(nonce),
            flags=body.get("flags") or 0,
        )
        self._refer(made, reference)
        made.pings = _allowed(world, made, body.get("allowed_mentions"))
        self._add(made)
        if nonce:
            world.remember_nonce(str(nonce), made)
        return made

    def edit(self, channel: int, message: int, body: dict[str, Any]) -> Message:
        """Change a message of our bot. Raises Refused."""
        world = self._world
        found = world.message(channel, message)
        if found.author is not world.bot:
            raise Refused(403, 50005, "Cannot edit a message authored by another user")
        if world.channels[channel].is_archived:
            raise Refused(400, 50083, "Thread is archived")
        content: str = body.get("content", found.content) or ""
        components: list[dict[str, Any]] = body.get("components", found.components) or []
        check_content(content, components)
        found.content, found.components = content, components
        self._edited(found)
        return found

    def page(
        self, channel: int, limit: int, before: int | None, after: int | None
    ) -> list[Message]:
        """Messages, newest first: the newest, those before one, or the next after one."""
        where = self._world.channel(channel)
        if not 1 <= limit <= PAGE:
            raise invalid(f"limit: 1 to {PAGE}")
        if self._denies_history(where):
            return []
        ids = sorted(where.messages)
        if after is not None:
            ids = [each for each in ids if each > after][:limit]
        else:
            ids = [each for each in ids if before is None or each < before][-limit:]
        return [where.messages[each] for each in reversed(ids)]

    def open_thread(self, channel: int, message: int, body: dict[str, Any]) -> Channel:
        """The thread of a message, which takes its id. Raises Refused."""
        world = self._world
        parent = world.channel(channel, Right.OPEN_THREADS)
        if parent.kind is not ChannelKind.TEXT:
            raise Refused(400, 50024, "Cannot execute action on this channel type")
        root = world.message(channel, message)
        if message in world.channels:
            raise Refused(400, 160004, "A thread has already been created for this message")
        name = str(body.get("name") or "")
        if not 1 <= len(name) <= THREAD_NAME:
            raise invalid(f"name: 1 to {THREAD_NAME} in length")
        thread = Channel(
            message,
            name,
            ChannelKind.THREAD,
            parent.guild,
            parent=channel,
            owner=world.bot.id,
            members={world.bot.id},
        )
        world.channels[message] = thread
        told = {**shapes.channel(thread), "newly_created": True}
        self._gateway.dispatch("THREAD_CREATE", told, Intent.GUILDS)
        self._tell("MESSAGE_UPDATE", root)
        return thread

    def wake(self, channel: int, body: dict[str, Any]) -> Channel:
        """Archive a thread, or bring it back. Raises Refused."""
        found = self._world.channel(channel)
        if found.kind is not ChannelKind.THREAD:
            raise Refused(403, 50013, "Missing Permissions")
        found.is_archived = bool(body.get("archived", found.is_archived))
        self._gateway.dispatch("THREAD_UPDATE", shapes.channel(found), Intent.GUILDS)
        return found

    def invite(self, thread: int, user: int) -> None:
        """Put a member into a thread. Raises Refused."""
        found = self._world.channel(thread)
        guild = self._world.guilds.get(found.guild or 0)
        if found.kind is not ChannelKind.THREAD:
            raise Refused(400, 50024, "Cannot execute action on this channel type")
        if guild is None or user not in guild.members:
            raise Refused(404, 10007, "Unknown Member")
        found.members.add(user)

    def say(
        self,
        user: User,
        channel: Channel,
        content: str,
        reply_to: Message | None = None,
        files: Sequence[File] = (),
    ) -> Message:
        """A person writes; a reply mentions whom it answers."""
        made = Message(self._world.new_id(), channel.id, user, content)
        made.attachments = [self._attach(each) for each in files]
        made.pings = {each.id for each in self._world.mentioned(content)}
        if reply_to is not None:
            made.kind, made.reply_to = MessageKind.REPLY, reply_to.id
            made.pings.add(reply_to.author.id)
        return self._add(made)

    def reword(self, message: Message, content: str) -> None:
        """A person edits what they wrote."""
        message.content = content
        message.pings = {each.id for each in self._world.mentioned(content)}
        self._edited(message)

    def react(self, user: User, message: Message, emoji: str, *, added: bool = True) -> None:
        """Somebody puts an emoji on a message, or takes it off."""
        people = message.reactions.setdefault(emoji, set())
        (people.add if added else people.discard)(user.id)
        if not people:
            del message.reactions[emoji]
        where = self._world.channels[message.channel]
        told: dict[str, Any] = {
            "user_id": str(user.id),
            "channel_id": str(message.channel),
            "message_id": str(message.id),
            "emoji": shapes.emoji(emoji),
            "burst": False,
            "type": 0,
        }
        if added:
            told["message_author_id"] = str(message.author.id)
        intent = Intent.DIRECT_REACTIONS
        if where.guild is not None:
            intent = Intent.GUILD_REACTIONS
            told["guild_id"] = str(where.guild)
            if added:
                told["member"] = shapes.member(self._world.guilds[where.guild], user)
        event = "MESSAGE_REACTION_ADD" if added else "MESSAGE_REACTION_REMOVE"
        self._gateway.dispatch(event, told, intent)

    def again(self, message: Message) -> int:
        """Tell of a message a second time; how many sessions hear it."""
        return self._tell("MESSAGE_CREATE", message)

    def _add(self, message: Message) -> Message:
        self._world.add(message)
        self._tell("MESSAGE_CREATE", message)
        return message

    def _edited(self, message: Message) -> None:
        message.edited_at = self._world.now
        message.history.append(message.content)
        self._tell("MESSAGE_UPDATE", message)

    def _tell(self, event: str, message: Message) -> int:
        where = self._world.channels[message.channel]
        intent = Intent.DIRECT_MESSAGES if where.guild is None else Intent.GUILD_MESSAGES
        return self._gateway.dispatch(event, shapes.message_event(self._world, message), intent)

    def _refer(self, message: Message, reference: dict[str, Any]) -> None:
        if not reference:
            return
        to = int(reference["message_id"])
        is_there = to in self._world.channels[message.channel].messages
        if not is_there and reference.get("fail_if_not_exists", True):
            raise invalid("message_reference: unknown message")
        if is_there:
            message.kind, message.reply_to = MessageKind.REPLY, to

    def _attach(self, file: File) -> dict[str, Any]:
        number = self._world.new_id()
        self._world.files[number] = file.content
        url = f"{self.url}/attachments/{number}/{file.name}"
        return {
            "id": str(number),
            "filename": file.name,
            "description": file.description,
            "size": len(file.content),
            "content_type": mimetypes.guess_type(file.name)[0],
            "url": url,
            "proxy_url": url,
        }

    def _denies_history(self, channel: Channel) -> bool:
        parent = self._world.channels.get(channel.parent or 0, channel)
        return Right.READ_HISTORY in channel.denied | parent.denied


def _allowed(world: World, message: Message, allowed: dict[str, Any] | None) -> set[int]:
    """Whom a message of our bot notifies; all it mentions, unless it says otherwise."""
    mentioned = {each.id for each in world.mentioned(message.content)}
    if allowed is None or "users" in (allowed.get("parse") or []):
        return mentioned
    users: list[str] = allowed.get("users") or []
    return mentioned & set(map(int, users))
