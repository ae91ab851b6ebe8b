"""Discord's objects as `Invocation`s and `Reaction`s, with their redelivery keys.

Functions return None for what cannot be for us; they do no I/O.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import discord

from bot.discord import buttons, slash
from bot.discord.markdown import MENTION, from_discord
from bot.discord.outbound import DIRECT, message_key
from bot.discord.recent import Said
from bot.names import mentioned
from handlers import Attached, Caller, Command, Invocation, Place, Platform, Reaction
from storage.clock import utc_now

SIGN = "/gryph"
_SKIN_TONES = re.compile("[\U0001f3fb-\U0001f3ff\ufe0f]")
_SPOKEN = {discord.MessageType.default, discord.MessageType.reply}
_ADD = "REACTION_ADD"


@dataclass(frozen=True)
class Heard:
    """An event for the intake and the keys that tell it from every other."""

    event: Invocation | Reaction
    keys: tuple[str, ...]


def message_heard(
    message: discord.Message, us: discord.ClientUser, commands: Mapping[str, Command]
) -> Heard | None:
    """A message that mentions us, is sent to us directly, or holds a command."""
    invocation = _invocation(message, us, commands)
    return Heard(invocation, (f"discord:message:{message.id}",)) if invocation else None


def edit_heard(
    message: discord.Message,
    before: Said | None,
    us: discord.ClientUser,
    commands: Mapping[str, Command],
) -> Heard | None:
    """A message whose text a person changed.

    Where it is not known what it said before, the edit also claims the message's own key, so that
    nothing which ran once can run again; an edit of a message that held no command before is still
    heard.
    """
    if message.edited_at is None or (before and before.content == message.content):
        return None
    invocation = _invocation(message, us, commands)
    if invocation is None:
        return None
    key = f"discord:edit:{message.id}:{message.edited_at.timestamp():.3f}"
    if before is None:
        return Heard(invocation, (key, f"discord:message:{message.id}"))
    previous = from_discord(before.content, names_in(message, us))
    if message.guild is None:
        previous = _addressed(previous, commands)
    edited = invocation.model_copy(update={"previous_text": previous})
    return Heard(edited, (key,))


def interaction_heard(
    interaction: discord.Interaction, commands: Mapping[str, Command]
) -> Heard | None:
    """Our slash command, or one of our buttons."""
    line, message, token = None, None, None
    data: Mapping[str, object] = dict(interaction.data or {})
    if interaction.type is discord.InteractionType.application_command:
        token = interaction.token
        line = slash.line_of(data, commands) if data.get("name") == slash.ROOT else None
    elif interaction.type is discord.InteractionType.component:
        line = buttons.line_of(str(data.get("custom_id")))
        message = interaction.message
    if line is None or interaction.channel_id is None or interaction.user.bot:
        return None
    place = _place(
        interaction.guild_id, interaction.channel_id, interaction.channel, message
    ).model_copy(update={"callback": token})
    invocation = Invocation(
        caller=_caller(interaction.user),
        place=place,
        text=f"{SIGN} {line}",
        addressed=True,
        received_at=utc_now(),
        said_at=interaction.created_at,
    )
    return Heard(invocation, (f"discord:interaction:{interaction.id}",))


def reaction_heard(
    payload: discord.RawReactionActionEvent, on: Said | None, client: discord.Client
) -> Heard | None:
    """An emoji put on, or taken off, a message that is ours, or may be.

    Discord names the author only when one is put on. One taken off an old message of somebody
    else is heard too; no message of ours has its key, so nothing comes of it.
    """
    us = client.user
    assert us is not None, "events come after login"
    user = payload.member or client.get_user(payload.user_id)
    if payload.user_id == us.id or (user is not None and user.bot):
        return None
    is_added = payload.event_type == _ADD
    author = payload.message_author_id or (on and on.author)
    if author not in (None, us.id):
        return None
    emoji = _SKIN_TONES.sub("", payload.emoji.name)
    at = utc_now()
    name = user.display_name if user is not None else str(payload.user_id)
    channel = client.get_channel(payload.channel_id)
    reaction = Reaction(
        caller=Caller(platform=Platform.DISCORD, account=str(payload.user_id), name=name),
        place=_place(payload.guild_id, payload.channel_id, channel, None).model_copy(
            update={"message": str(payload.message_id)}
        ),
        message_key=message_key(payload.message_id),
        emoji=emoji,
        added=is_added,
        received_at=at,
    )
    change = f"{payload.message_id}:{payload.user_id}:{emoji}:{'+' if is_added else '-'}"
    return Heard(reaction, (f"discord:reaction:{change}:{at.timestamp():.6f}",))


def _invocation(
    message: discord.Message, us: discord.ClientUser, commands: Mapping[str, Command]
) -> Invocation | None:
    if not is_a_persons(message):
        return None
    is_direct = message.guild is None
    is_mentioned = any(raw in message.content for raw in _us(us))
    if not (is_direct or is_mentioned or SIGN in message.content):
        return None
    text = from_discord(message.content, names_in(message, us))
    answered = message.reference if message.type is discord.MessageType.reply else None
    guild = None if message.guild is None else message.guild.id
    return Invocation(
        caller=_caller(message.author),
        place=_place(guild, message.channel.id, message.channel, message),
        text=_addressed(text, commands) if is_direct else text,
        addressed=is_direct or is_mentioned,
        received_at=utc_now(),
        said_at=message.edited_at or message.created_at,
        reply_to=str(answered.message_id) if answered and answered.message_id else None,
        mentions=tuple(
            (mentioned(person.display_name)[1:], str(person.id))
            for person in message.mentions
            if person.id != us.id
        ),
        attached=attached(message),
    )


def is_a_persons(message: discord.Message) -> bool:
    """Whether somebody said it, who is no program."""
    is_a_programs = message.author.bot or message.webhook_id is not None
    return not is_a_programs and message.type in _SPOKEN


def attached(message: discord.Message) -> tuple[Attached, ...]:
    """The files that came with a message."""
    return tuple(
        Attached(
            name=file.filename,
            address=file.url,
            media_type=file.content_type or "",
            size_bytes=file.size,
        )
        for file in message.attachments
    )


def _addressed(text: str, commands: Mapping[str, Command]) -> str:
    """In a direct message the mention may be left out before a verb."""
    first = text.split(maxsplit=1)[:1]
    is_command = bool(first) and first[0].lower() in commands
    return f"{MENTION} {text.lstrip()}" if is_command else text


def _us(us: discord.ClientUser) -> tuple[str, str]:
    return f"<@{us.id}>", f"<@!{us.id}>"


def names_in(message: discord.Message, us: discord.ClientUser) -> dict[str, str]:
    """What the raw mentions in a message's text stand for."""
    names = dict.fromkeys(_us(us), MENTION)
    for person in message.mentions:
        if person.id != us.id:
            names[f"<@{person.id}>"] = names[f"<@!{person.id}>"] = mentioned(person.display_name)
    names |= {f"<@&{role.id}>": mentioned(role.name) for role in message.role_mentions}
    return names | {f"<#{each.id}>": mentioned(each.name, "#") for each in message.channel_mentions}


def _caller(user: discord.User | discord.Member) -> Caller:
    return Caller(
        platform=Platform.DISCORD,
        account=str(user.id),
        name=user.display_name,
        is_bot=user.bot,
    )


def _place(
    guild: int | None,
    channel_id: int,
    channel: object,
    message: discord.Message | None,
) -> Place:
    is_thread = isinstance(channel, discord.Thread)
    return Place(
        platform=Platform.DISCORD,
        workspace=DIRECT if guild is None else str(guild),
        channel=str(channel.parent_id) if is_thread else str(channel_id),
        thread=str(channel_id) if is_thread else None,
        message=None if message is None else str(message.id),
    )
