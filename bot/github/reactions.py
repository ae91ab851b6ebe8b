"""Reactions to our comments, which GitHub announces by no webhook: asked for in batches.

One GraphQL query reads a hundred comments; where there is no GraphQL, REST reads the newest few.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import structlog
from pydantic import Field, ValidationError

from bot.face import Intake, Undeliverable
from bot.github.client import COMMENT, GitHubClient, Reach
from bot.github.comments import Spot
from bot.github.transport import Refused
from bot.github.wire import GraphAnswer, Read, User
from handlers import Caller, Place, Platform, Reaction
from storage.clock import utc_now

log = structlog.get_logger()

BATCH = 100
MOST_REACTIONS = 50
"""Read of one comment; the newest."""
MOST_BY_REST = 30
MOST_KNOWN = 2_000
"""Comments of which is kept who reacted."""
_EMOJI = {
    "THUMBS_UP": "+1",
    "THUMBS_DOWN": "-1",
    "LAUGH": "laugh",
    "CONFUSED": "confused",
    "HEART": "heart",
    "HOORAY": "hooray",
    "ROCKET": "rocket",
    "EYES": "eyes",
}
_QUERY = f"""
query($ids: [ID!]!) {{
  nodes(ids: $ids) {{
    id
    ... on Reactable {{
      reactions(last: {MOST_REACTIONS}) {{
        nodes {{ id content user {{ login databaseId }} }}
      }}
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Watched:
    """One of our comments whose reactions are looked at."""

    message_key: str
    """`Posted.key`."""
    place: Place
    """Where it was posted, so that it is known through which installation to ask."""
    node: str
    """`Posted.data["node"]`."""


@dataclass(frozen=True)
class Seen:
    """A reaction as it was read."""

    id: str
    emoji: str
    caller: Caller


Known = dict[str, dict[str, Seen]]
"""By message key and reaction id: what the last poll read. `poll` keeps it up to date; lost in a
restart, it costs only the reactions taken back meanwhile, since accepted ones are known by key.
"""


async def poll(
    client: GitHubClient, messages: Sequence[Watched], intake: Intake, known: Known
) -> int:
    """Take in what people put on, or took off, our comments since `known`; returns how many.

    `messages` are newest first. `known` keeps the `MOST_KNOWN` with reactions that were read last.
    A repository that cannot be read is logged and left out.

    Raises:
        Busy: GitHub does not answer now; what was read before it stays taken in.
    """
    count = 0
    by_repository = sorted(messages, key=lambda each: each.place.channel)
    for repository, group in groupby(by_repository, key=lambda each: each.place.channel):
        try:
            async for message, seen in _read(client, list(group)):
                count += await _take_in(message, seen, intake, known)
        except Undeliverable as refused:
            log.warning("reactions not read", repository=repository, reason=str(refused))
    return count


async def _take_in(message: Watched, seen: Mapping[str, Seen], intake: Intake, known: Known) -> int:
    before = known.get(message.message_key, {})
    count = 0
    for id_, reaction in seen.items():
        if id_ not in before:
            key = f"github:reaction:{id_}"
            count += await _accept(message, reaction, intake, key=key, added=True)
    is_all = len(seen) < MOST_REACTIONS
    for id_, reaction in before.items():
        if is_all and id_ not in seen:
            key = f"github:reaction:{id_}:removed"
            count += await _accept(message, reaction, intake, key=key, added=False)
    _remember(message, seen, known)
    return count


def _remember(message: Watched, seen: Mapping[str, Seen], known: Known) -> None:
    known.pop(message.message_key, None)
    if seen:
        known[message.message_key] = dict(seen)
    while len(known) > MOST_KNOWN:
        del known[next(iter(known))]


async def _accept(message: Watched, seen: Seen, intake: Intake, *, key: str, added: bool) -> int:
    event = Reaction(
        caller=seen.caller,
        place=message.place,
        message_key=message.message_key,
        emoji=seen.emoji,
        added=added,
        received_at=utc_now(),
    )
    return 0 if await intake.accept(event, (key,)) is None else 1


async def _read(
    client: GitHubClient, messages: Sequence[Watched]
) -> AsyncIterator[tuple[Watched, dict[str, Seen]]]:
    """Each message of one repository that could be read, with the reactions it has."""
    place = messages[0].place
    reach = Reach(place.channel, COMMENT, place.installation)
    named = [message for message in messages if message.node]
    for start in range(0, len(named), BATCH):
        batch = named[start : start + BATCH]
        try:
            answer = await client.graphql(reach, _QUERY, {"ids": [each.node for each in batch]})
        except Refused as refused:
            if not refused.is_missing:
                raise
            log.warning("github has no graphql; reactions by rest", repository=place.channel)
            async for read in _by_rest(client, messages[:MOST_BY_REST]):
                yield read
            return
        nodes = _nodes(answer.one(GraphAnswer))
        for message in batch:
            if message.node in nodes:
                yield message, nodes[message.node]


class _GraphUser(Read):
    login: str
    number: int | None = Field(default=None, alias="databaseId")


class _GraphReaction(Read):
    id: str
    content: str
    user: _GraphUser | None = None


class _GraphReactions(Read):
    nodes: tuple[_GraphReaction, ...] = ()


class _GraphNode(Read):
    id: str
    reactions: _GraphReactions = _GraphReactions()


def _nodes(answer: GraphAnswer) -> dict[str, dict[str, Seen]]:
    """Reactions by node; a node that is gone, or reads otherwise, is left out."""
    found: dict[str, dict[str, Seen]] = {}
    raw: list[Any] = (answer.data or {}).get("nodes") or []
    for each in raw:
        try:
            node = _GraphNode.model_validate(each)
        except ValidationError:
            continue
        seen = [_seen_by_graph(reaction) for reaction in node.reactions.nodes]
        found[node.id] = {each.id: each for each in seen if each is not None}
    return found


def _seen_by_graph(reaction: _GraphReaction) -> Seen | None:
    emoji, user = _EMOJI.get(reaction.content), reaction.user
    if emoji is None or user is None:
        return None
    return Seen(reaction.id, emoji, _caller(user.login, user.number))


class _RestReaction(Read):
    node_id: str = ""
    id: int
    content: str
    user: User | None = None


async def _by_rest(
    client: GitHubClient, messages: Sequence[Watched]
) -> AsyncIterator[tuple[Watched, dict[str, Seen]]]:
    for message in messages:
        spot = Spot.of(message.place)
        comment = message.message_key.rpartition(":")[2]
        path = f"{spot.address(comment)}/reactions"
        try:
            answer = await client.get(spot.reach, path, {"per_page": str(BATCH)})
        except Refused as refused:
            if refused.is_missing:
                continue
            raise
        read = [(each, each.user) for each in answer.many(_RestReaction)]
        yield (
            message,
            {
                (each.node_id or str(each.id)): Seen(
                    each.node_id or str(each.id),
                    each.content,
                    _caller(user.login, user.id, is_bot=user.type == "Bot"),
                )
                for each, user in read
                if user is not None
            },
        )


def _caller(login: str, number: int | None, *, is_bot: bool = False) -> Caller:
    return Caller(
        platform=Platform.GITHUB,
        account=str(login if number is None else number),
        name=login,
        is_bot=is_bot or login.endswith("[bot]"),
    )
