"""Everything as Discord writes it: ids are strings, times ISO 8601."""

from datetime import UTC, datetime
from typing import Any

from tests.fakes.discord_wire.world import (
    EPOCH_MS,
    Channel,
    ChannelKind,
    Guild,
    Message,
    MessageKind,
    Role,
    User,
    World,
)

_THREAD_REST_MINUTES = 10_080


def user(each: User) -> dict[str, Any]:
    """An account."""
    return {
        "id": str(each.id),
        "username": each.name,
        "discriminator": "0",
        "global_name": None if each.is_bot else each.name,
        "avatar": None,
        "bot": each.is_bot,
        "public_flags": 0,
    }


def member(guild: Guild, of: User, *, with_user: bool = True) -> dict[str, Any]:
    """A server's member; messages bring the account beside it."""
    shown: dict[str, Any] = {
        "roles": [str(role) for role in sorted(guild.members.get(of.id, ()))],
        "joined_at": _time(guild.id),
        "nick": None,
        "avatar": None,
        "flags": 0,
        "deaf": False,
        "mute": False,
        "pending": False,
    }
    return {**shown, "user": user(of)} if with_user else shown


def guild(world: World, each: Guild) -> dict[str, Any]:
    """A server, as REST shows it."""
    return {
        "id": str(each.id),
        "name": each.name,
        "icon": None,
        "owner_id": str(next(iter(each.members))),
        "roles": [_role(role, at) for at, role in enumerate(each.roles.values())],
        "emojis": [],
        "stickers": [],
        "features": [],
        "verification_level": 0,
        "default_message_notifications": 1,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "premium_tier": 0,
        "preferred_locale": "en-US",
        "system_channel_id": None,
        "system_channel_flags": 0,
        "afk_channel_id": None,
        "afk_timeout": 300,
        "vanity_url_code": None,
        "member_count": len(each.members),
    }


def guild_create(world: World, each: Guild) -> dict[str, Any]:
    """A server, as the gateway tells of it: without the intent for members only our own."""
    channels = [c for c in world.channels.values() if c.guild == each.id]
    return {
        **guild(world, each),
        "joined_at": _time(each.id),
        "large": False,
        "unavailable": False,
        "members": [member(each, world.bot)],
        "channels": [channel(c) for c in channels if c.kind is ChannelKind.TEXT],
        "threads": [channel(c) for c in world.threads(each.id)],
        "voice_states": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def channel(each: Channel) -> dict[str, Any]:
    """A channel, thread or direct conversation."""
    newest = max(each.messages, default=None)
    shown: dict[str, Any] = {
        "id": str(each.id),
        "type": int(each.kind),
        "last_message_id": None if newest is None else str(newest),
        "flags": 0,
    }
    if each.kind is ChannelKind.DIRECT:
        return {**shown, "recipients": []}
    shown |= {"guild_id": str(each.guild), "name": each.name, "rate_limit_per_user": 0}
    if each.kind is ChannelKind.TEXT:
        return {
            **shown,
            "position": 0,
            "topic": None,
            "nsfw": False,
            "parent_id": None,
            "permission_overwrites": [],
        }
    return {
        **shown,
        "parent_id": str(each.parent),
        "owner_id": str(each.owner),
        "message_count": len(each.messages),
        "member_count": len(each.members),
        "thread_metadata": {
            "archived": each.is_archived,
            "locked": False,
            "auto_archive_duration": _THREAD_REST_MINUTES,
            "archive_timestamp": _time(each.id),
            "create_timestamp": _time(each.id),
        },
    }


def message(world: World, each: Message) -> dict[str, Any]:
    """A message as our bot may see it, as REST shows it."""
    is_shown = world.shows_content(each)
    shown: dict[str, Any] = {
        "id": str(each.id),
        "channel_id": str(each.channel),
        "type": int(each.kind),
        "author": user(each.author),
        "content": each.content if is_shown else "",
        "components": each.components if is_shown else [],
        "attachments": each.attachments if is_shown else [],
        "embeds": [],
        "timestamp": _time(each.id),
        "edited_timestamp": each.edited_at and each.edited_at.isoformat(),
        "tts": False,
        "pinned": False,
        "mention_everyone": False,
        "mentions": [user(world.users[one]) for one in sorted(each.pings)],
        "mention_roles": [],
        "flags": each.flags,
        "reactions": [_reaction(world, *one) for one in each.reactions.items()],
    }
    return shown | _relations(world, each)


def message_event(world: World, each: Message) -> dict[str, Any]:
    """A message, as the gateway tells of it."""
    where = world.channels[each.channel]
    if where.guild is None:
        return {**message(world, each), "channel_type": int(where.kind)}
    at = world.guilds[where.guild]
    return {
        **message(world, each),
        "channel_type": int(where.kind),
        "guild_id": str(at.id),
        "member": member(at, each.author, with_user=False),
    }


def emoji(name: str) -> dict[str, Any]:
    """One of Unicode's."""
    return {"id": None, "name": name}


def _relations(world: World, each: Message) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if each.nonce is not None:
        found["nonce"] = each.nonce
    if each.author is world.bot:
        found["application_id"] = str(world.bot.id)
    if each.interaction is not None:
        found["webhook_id"] = str(world.bot.id)
    if each.kind is MessageKind.REPLY:
        found["message_reference"] = {
            "type": 0,
            "channel_id": str(each.channel),
            "message_id": str(each.reply_to),
        }
    if each.id in world.channels:
        found["thread"] = channel(world.channels[each.id])
    return found


def _reaction(world: World, name: str, people: set[int]) -> dict[str, Any]:
    return {
        "emoji": emoji(name),
        "count": len(people),
        "count_details": {"burst": 0, "normal": len(people)},
        "me": world.bot.id in people,
        "me_burst": False,
        "burst_colors": [],
    }


def _role(each: Role, position: int) -> dict[str, Any]:
    return {
        "id": str(each.id),
        "name": each.name,
        "permissions": str(each.permissions),
        "position": position,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }


def _time(snowflake: int) -> str:
    at_ms = (snowflake >> 22) + EPOCH_MS
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()
