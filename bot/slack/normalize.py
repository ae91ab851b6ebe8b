"""Slack's payloads as events of the gateway; pure, the same for HTTP and Socket Mode."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.slack.hosted import attached
from bot.slack.mrkdwn import to_markdown
from bot.slack.payloads import (
    EventCallback,
    Interaction,
    MessageEvent,
    Press,
    ReactionEvent,
    SlashCommand,
    Written,
)
from handlers import Caller, Invocation, Place, Platform, Reaction

ACTION_PREFIX = "g:"
MENTION = "@gryph"
PEOPLES_SUBTYPES = (None, "file_share", "thread_broadcast")
_MENTION = re.compile(r"<@(\w+)(?:\|[^>]*)?>")


@dataclass(frozen=True)
class Delivery:
    """One event and the keys under which a redelivery of it is recognized."""

    event: Invocation | Reaction
    keys: tuple[str, ...]


def normalize(payload: Mapping[str, Any], now: datetime) -> Delivery | None:
    """What a verified payload asks of us; None when it is nothing for us.

    Raises:
        pydantic.ValidationError: A field that is needed is missing.
    """
    if payload.get("type") == "event_callback":
        return _event(EventCallback.model_validate(payload), now)
    if payload.get("type") == "block_actions":
        return _press(Interaction.model_validate(payload), now)
    if "command" in payload:
        return _slash(SlashCommand.model_validate(payload), now)
    return None


def _event(callback: EventCallback, now: datetime) -> Delivery | None:
    match callback.event.get("type"):
        case "app_mention" | "message":
            event = MessageEvent.model_validate(callback.event)
            if event.subtype == "message_changed":
                return _edit(callback, event, now)
            return _message(callback, event, now)
        case "reaction_added" | "reaction_removed":
            return _reaction(callback, ReactionEvent.model_validate(callback.event), now)
        case _:
            return None


def _message(callback: EventCallback, event: MessageEvent, now: datetime) -> Delivery | None:
    if event.subtype not in PEOPLES_SUBTYPES:
        return None
    invocation = _said(callback, event, event, now)
    if invocation is None:
        return None
    where = f"{callback.workspace}:{event.channel}:{event.ts}"
    keys = (f"slack:event:{callback.event_id}", f"slack:message:{where}")
    if event.edited is not None:  # a mention added by an edit may come as an edit, too
        keys += (f"slack:edit:{where}:{event.edited.ts}",)
    return Delivery(invocation, keys)


def _edit(callback: EventCallback, event: MessageEvent, now: datetime) -> Delivery | None:
    message, previous = event.message, event.previous_message
    if message is None or previous is None or message.edited is None:
        return None
    invocation = _said(callback, event, message, now)
    if invocation is None or message.text == previous.text:
        return None
    edit = f"{callback.workspace}:{event.channel}:{message.ts}:{message.edited.ts}"
    keys = (f"slack:event:{callback.event_id}", f"slack:edit:{edit}")
    before = _heard(previous, event, callback.bot)
    return Delivery(invocation.model_copy(update={"previous_text": before}), keys)


def _said(
    callback: EventCallback, event: MessageEvent, written: Written, now: datetime
) -> Invocation | None:
    """The message as an invocation, if a person wrote it and it may hold a command for us."""
    bot = callback.bot or _mentioned_first(event)
    if written.bot_id or written.user is None or written.user == bot or not written.text.strip():
        return None
    addressed = _is_direct(event) or bot in _MENTION.findall(written.text)
    if not addressed and "/gryph" not in written.text:
        return None
    thread = written.thread_ts if written.thread_ts != written.ts else None
    return Invocation(
        caller=Caller(platform=Platform.SLACK, account=written.user, name=written.user),
        place=Place(
            platform=Platform.SLACK,
            workspace=callback.workspace,
            channel=event.channel,
            thread=thread,
            message=written.ts,
        ),
        text=_heard(written, event, bot),
        addressed=addressed,
        received_at=now,
        said_at=moment(written.edited.ts if written.edited else written.ts),
        attached=attached(written.files),
    )


def _is_direct(event: MessageEvent) -> bool:
    return event.channel_type == "im" or event.channel.startswith("D")


def _heard(written: Written, event: MessageEvent, bot: str | None) -> str:
    """The text as Markdown; in a direct message our name before it may be left out."""
    text = to_markdown(written.text, bot)
    is_named = MENTION in text or "/gryph" in text
    return (
        f"{MENTION} {text}" if _is_direct(event) and text[:1].isalpha() and not is_named else text
    )


def _mentioned_first(event: MessageEvent) -> str | None:
    """Our user id where the envelope does not tell: whom an app_mention mentions first."""
    found = _MENTION.search(event.text) if event.type == "app_mention" else None
    return found[1] if found else None


def _reaction(callback: EventCallback, event: ReactionEvent, now: datetime) -> Delivery | None:
    item = event.item
    if item.type != "message" or item.channel is None or item.ts is None:
        return None
    if callback.bot is None or event.item_user != callback.bot or event.user == callback.bot:
        return None
    reaction = Reaction(
        caller=Caller(platform=Platform.SLACK, account=event.user, name=event.user),
        place=Place(
            platform=Platform.SLACK,
            workspace=callback.workspace,
            channel=item.channel,
            message=item.ts,
        ),
        message_key=message_key(item.channel, item.ts),
        emoji=event.reaction.partition("::")[0],
        added=event.type == "reaction_added",
        received_at=now,
        happened_at=moment(event.event_ts),
    )
    put = f"{item.channel}:{item.ts}:{event.user}:{event.reaction}:{event.type}:{event.event_ts}"
    keys = (f"slack:event:{callback.event_id}", f"slack:reaction:{callback.workspace}:{put}")
    return Delivery(reaction, keys)


def moment(ts: str) -> datetime | None:
    """When a message was written, which is its timestamp; None for what is none."""
    try:
        return datetime.fromtimestamp(float(ts), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def message_key(channel: str, ts: str) -> str:
    """The key of one of our messages; see `bot.face.Posted`."""
    return f"slack:{channel}:{ts}"


def _slash(command: SlashCommand, now: datetime) -> Delivery:
    workspace = command.team_id or command.enterprise_id or ""
    name = command.user_name or command.user_id
    invocation = Invocation(
        caller=Caller(platform=Platform.SLACK, account=command.user_id, name=name),
        place=Place(
            platform=Platform.SLACK,
            workspace=workspace,
            channel=command.channel_id,
            callback=command.response_url,
        ),
        text=f"/gryph {to_markdown(command.text, None)}".rstrip(),
        addressed=True,
        received_at=now,
    )
    return Delivery(invocation, (f"slack:slash:{workspace}:{command.trigger_id}",))


def _press(interaction: Interaction, now: datetime) -> Delivery | None:
    presses = [a for a in interaction.actions if a.action_id.startswith(ACTION_PREFIX) and a.value]
    place = _button_place(interaction)
    if not presses or place is None:
        return None
    person, press = interaction.user, presses[0]
    name = person.username or person.name or person.id
    invocation = Invocation(
        caller=Caller(platform=Platform.SLACK, account=person.id, name=name),
        place=place,
        text=f"/gryph {_line(press)}",
        addressed=True,
        received_at=now,
        said_at=moment(press.action_ts),
    )
    key = f"slack:press:{place.workspace}:{person.id}:{press.action_id}:{press.action_ts}"
    return Delivery(invocation, (key,))


def _line(press: Press) -> str:
    return " ".join((press.value or "").split())


def _button_place(interaction: Interaction) -> Place | None:
    """Where the button was; an ephemeral message cannot be answered in a thread of its own."""
    container = interaction.container
    channel = interaction.channel.id if interaction.channel else container.channel_id
    team = interaction.team or interaction.enterprise
    if channel is None or team is None:
        return None
    return Place(
        platform=Platform.SLACK,
        workspace=team.id,
        channel=channel,
        thread=container.thread_ts,
        message=None if container.is_ephemeral else container.message_ts,
        callback=interaction.response_url,
    )
