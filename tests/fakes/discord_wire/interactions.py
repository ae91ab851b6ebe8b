"""Slash commands and pressed buttons: acknowledged within three seconds, or failed.

https://docs.discord.com/developers/interactions/receiving-and-responding
"""

import asyncio
import secrets
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from tests.fakes.discord_wire import shapes
from tests.fakes.discord_wire.gateway import Gateway, Intent
from tests.fakes.discord_wire.limits import check_content, check_message
from tests.fakes.discord_wire.refusals import Refused, invalid, unknown
from tests.fakes.discord_wire.world import (
    Channel,
    Flag,
    Message,
    MessageKind,
    User,
    World,
)

FIRST_ANSWER_S = 3.0
TOKEN_S = 15 * 60.0
_FILE_LIMIT = 10 * 1024 * 1024


class Asked(IntEnum):
    """Discord's interaction types that occur here."""

    COMMAND = 2
    COMPONENT = 3


class Answered(IntEnum):
    """How an interaction may be answered first."""

    MESSAGE = 4
    LATER = 5
    UPDATE_LATER = 6


@dataclass
class Interaction:
    """What a person did, and how it was answered."""

    id: int
    token: str
    kind: Asked
    user: User
    channel: Channel
    made_at_s: float
    payload: dict[str, Any]
    answer: Answered | None = None
    response: Message | None = None
    """The message that the person sees as its answer, or whose button it was."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)


class Interactions:
    """All of them, by token."""

    def __init__(self, world: World, gateway: Gateway) -> None:
        """Nobody has done anything."""
        self._world = world
        self._gateway = gateway
        self.by_token: dict[str, Interaction] = {}

    def make(
        self, user: User, channel: Channel, data: dict[str, Any], on: Message | None
    ) -> Interaction:
        """Something that a person just did; `on` is the message whose button was pressed."""
        world = self._world
        kind = Asked.COMMAND if on is None else Asked.COMPONENT
        token = secrets.token_urlsafe(40)
        made = Interaction(world.new_id(), token, kind, user, channel, world.clock(), {})
        made.response = on
        made.payload = {
            "id": str(made.id),
            "application_id": str(world.bot.id),
            "type": int(kind),
            "token": token,
            "version": 1,
            "data": data,
            "channel_id": str(channel.id),
            "channel": shapes.channel(channel),
            "app_permissions": "0",
            "locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": {"0": str(channel.guild or 0)},
            "attachment_size_limit": _FILE_LIMIT,
            "context": 0 if channel.guild else 1,
            **self._who(user, channel),
        }
        if on is not None:
            made.payload["message"] = shapes.message(world, on)
        self.by_token[token] = made
        return made

    def send(self, made: Interaction) -> int:
        """Tell every session; how many are connected. Raises nothing, and is not repeated."""
        return self._gateway.dispatch("INTERACTION_CREATE", made.payload)

    async def is_answered(self, made: Interaction) -> bool:
        """Whether the person sees an answer, or that the application did not respond."""
        left_s = made.made_at_s + FIRST_ANSWER_S - self._world.clock()
        try:
            await asyncio.wait_for(made.answered.wait(), max(0.0, left_s))
        except TimeoutError:
            return made.answered.is_set()
        return True

    def respond(self, interaction: int, token: str, body: dict[str, Any]) -> dict[str, Any]:
        """The first answer. Raises Refused when it is too late or a second one."""
        made = self.by_token.get(token)
        if made is None or made.id != interaction:
            raise unknown("interaction", 10062)
        if made.answer is not None:
            raise Refused(400, 40060, "Interaction has already been acknowledged.")
        if self._world.clock() - made.made_at_s > FIRST_ANSWER_S:
            raise unknown("interaction", 10062)
        answer = self._answer(made, body)
        made.answer = answer
        made.answered.set()
        if answer is not Answered.UPDATE_LATER:
            self._post(made, body.get("data") or {}, is_loading=answer is Answered.LATER)
        return self._told(made)

    def original(self, token: str) -> Message:
        """The first answer's message. Raises Refused."""
        made = self._of(token)
        if made.answer is None:
            raise unknown("Webhook", 10015)
        where = made.channel.messages
        if made.response is None or made.response.id not in where:
            raise unknown("Message", 10008)
        return made.response

    def edit_original(self, token: str, body: dict[str, Any]) -> dict[str, Any]:
        """Write the first answer's message. Raises Refused."""
        message = self.original(token)
        content: str = body.get("content", message.content) or ""
        components: list[dict[str, Any]] = body.get("components", message.components) or []
        check_content(content, components)
        message.content, message.components = content, components
        if message.flags & Flag.LOADING:
            message.flags &= ~Flag.LOADING
        else:
            message.edited_at = self._world.now
        message.history.append(content)
        self._tell("MESSAGE_UPDATE", message)
        return shapes.message(self._world, message)

    def follow_up(self, token: str, body: dict[str, Any]) -> dict[str, Any]:
        """A further message. Raises Refused."""
        made = self._of(token)
        if made.answer is None:
            raise unknown("Webhook", 10015)
        check_message(body, ())
        message = self._message(made, body)
        self._tell("MESSAGE_CREATE", message)
        return shapes.message(self._world, message)

    def _of(self, token: str) -> Interaction:
        made = self.by_token.get(token)
        if made is None:
            raise unknown("Webhook", 10015)
        if self._world.clock() - made.made_at_s > TOKEN_S:
            raise Refused(401, 50027, "Invalid Webhook Token")
        return made

    def _answer(self, made: Interaction, body: dict[str, Any]) -> Answered:
        try:
            answer = Answered(body.get("type", 0))
        except ValueError as unknown_type:
            raise invalid(f"type: {unknown_type}") from unknown_type
        if answer is Answered.UPDATE_LATER and made.kind is Asked.COMMAND:
            raise invalid("type: only for components")
        if answer is Answered.MESSAGE:
            check_message(body.get("data") or {}, ())
        return answer

    def _post(self, made: Interaction, body: dict[str, Any], *, is_loading: bool) -> None:
        message = self._message(made, body)
        if is_loading:
            message.flags |= Flag.LOADING
        made.response = message
        self._tell("MESSAGE_CREATE", message)

    def _message(self, made: Interaction, body: dict[str, Any]) -> Message:
        world = self._world
        return world.add(
            Message(
                world.new_id(),
                made.channel.id,
                world.bot,
                body.get("content") or "",
                kind=MessageKind.COMMAND,
                components=body.get("components") or [],
                interaction=made.id,
            )
        )

    def _tell(self, event: str, message: Message) -> None:
        is_direct = self._world.channels[message.channel].guild is None
        intent = Intent.DIRECT_MESSAGES if is_direct else Intent.GUILD_MESSAGES
        self._gateway.dispatch(event, shapes.message_event(self._world, message), intent)

    def _told(self, made: Interaction) -> dict[str, Any]:
        assert made.answer is not None
        callback: dict[str, Any] = {"id": str(made.id), "type": int(made.kind)}
        shown: dict[str, Any] = {"interaction": callback}
        if made.answer is not Answered.UPDATE_LATER and made.response is not None:
            callback |= {
                "response_message_id": str(made.response.id),
                "response_message_loading": made.answer is Answered.LATER,
                "response_message_ephemeral": False,
            }
            message = shapes.message(self._world, made.response)
            shown["resource"] = {"type": int(made.answer), "message": message}
        return shown

    def _who(self, user: User, channel: Channel) -> dict[str, Any]:
        if channel.guild is None:
            return {"user": shapes.user(user)}
        guild = self._world.guilds[channel.guild]
        return {
            "guild_id": str(guild.id),
            "member": {**shapes.member(guild, user), "permissions": "0"},
        }
