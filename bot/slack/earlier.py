"""What an earlier, interrupted attempt has already put into a thread.

Whoever posts may be killed before it is noted, so that every attempt after the first is preceded by
one bounded look at the newest messages since the request.
"""

from dataclasses import dataclass, field
from typing import Any, cast

import structlog

from bot.fence import may_be_there
from bot.slack.api import Refusal, SlackApi

log = structlog.get_logger()

EVENT_TYPE = "gryph_delivery"
MOST_MESSAGES = 200


@dataclass(frozen=True)
class Spot:
    """Where messages go: a thread of a channel, or the channel itself."""

    channel: str
    thread: str | None = None


@dataclass(frozen=True)
class Earlier:
    """Our messages of one delivery that are already there."""

    parts: dict[str, str] = field(default_factory=dict[str, str])
    """By part: the message's ts."""
    files: frozenset[str] = frozenset()
    """Titles of all files in the messages looked at."""


def mark(key: str, part: str) -> dict[str, Any]:
    """Message metadata by which a delivery's message is found again."""
    return {"event_type": EVENT_TYPE, "event_payload": {"key": key, "part": part}}


async def earlier(api: SlackApi, spot: Spot, key: str, since: str | None) -> Earlier:
    """Our messages of the delivery `key`, among those after the timestamp `since`; on a first try
    there are none, and Slack is not asked.

    Raises:
        Busy: Slack does not answer now.
    """
    if not may_be_there():
        return Earlier()
    args: dict[str, Any] = {
        "channel": spot.channel,
        "limit": MOST_MESSAGES,
        "include_all_metadata": True,
        "inclusive": True,
    }
    if since is not None:
        args["oldest"] = since
    method = "conversations.history"
    if spot.thread is not None:
        method = "conversations.replies"
        args["ts"] = spot.thread
    try:
        answer = await api.call(method, args)
    except Refusal as refusal:
        log.warning("slack cannot look for earlier messages", error=str(refusal))
        return Earlier()
    return _read(cast("list[dict[str, Any]]", answer.get("messages", [])), key)


def _read(messages: list[dict[str, Any]], key: str) -> Earlier:
    parts: dict[str, str] = {}
    titles: set[str] = set()
    for message in messages:
        metadata: dict[str, Any] = message.get("metadata") or {}
        payload: dict[str, Any] = metadata.get("event_payload") or {}
        if metadata.get("event_type") == EVENT_TYPE and payload.get("key") == key:
            parts.setdefault(str(payload.get("part")), message["ts"])
        files: list[dict[str, Any]] = message.get("files") or []
        titles |= {str(file.get("title")) for file in files}
    return Earlier(parts, frozenset(titles))
