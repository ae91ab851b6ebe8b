"""From what an API client posts to the gateway's own events; pure."""

import os.path
import re
from dataclasses import dataclass
from datetime import datetime

from bot.auth import ApiClient
from bot.commands import COMMANDS
from bot.console.writer import LOCAL
from bot.grammar import find_lines
from handlers import Caller, Invocation, Place, Platform, Reaction, Tier

_ADDRESS = re.compile(r"^[ \t]*[/@]gryph\b", re.MULTILINE | re.IGNORECASE)
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,99}/[\w.-]{1,100}", re.ASCII)


class BadRepository(Exception):
    """Not a way to name a repository; the message says what is."""


class NotAllowed(Exception):
    """The client's token does not reach this far."""


@dataclass(frozen=True)
class Said:
    """Where and when a client's message was stored."""

    conversation: str
    message: int
    at: datetime
    traceparent: str | None = None


def addressed(text: str) -> str:
    """The text as a command: what holds no `/gryph` or `@gryph` line is one itself."""
    stripped = text.strip()
    return stripped if _ADDRESS.search(stripped) else f"/gryph {stripped}"


def answers_due(text: str) -> int:
    """How many answers a message gets: one a command, and one for those that are too many."""
    lines = find_lines(addressed(text), verbs=COMMANDS)
    return max(1, len(lines.found) + bool(lines.dropped))


def repository_of(given: str | None, tier: Tier) -> str | None:
    """The repository as the rest of the house names it: "owner/name" or "local:/folder".

    Raises:
        BadRepository: It is neither owner/name nor an absolute folder.
        NotAllowed: It is a folder of this machine and the client is no operator.
    """
    if given is None:
        return None
    folder = given.removeprefix(LOCAL)
    if folder.startswith("/"):
        if not folder.isprintable():
            raise BadRepository("The folder's name holds characters that cannot be printed.")
        if tier < Tier.OPERATOR:
            raise NotAllowed("Only an operator's token may name a folder of this machine.")
        return LOCAL + os.path.normpath("/" + folder.lstrip("/"))
    if not _REPOSITORY.fullmatch(given) or given.split("/")[1] in (".", ".."):
        raise BadRepository('A repository is "owner/name" or an absolute folder.')
    return given


def invocation(client: ApiClient, said: Said, text: str, repository: str | None) -> Invocation:
    """The event of a message posted."""
    return Invocation(
        caller=_caller(client),
        place=_place(said),
        text=addressed(text),
        addressed=True,
        received_at=said.at,
        repository=repository,
        traceparent=said.traceparent,
    )


def reaction(client: ApiClient, said: Said, emoji: str, *, added: bool) -> Reaction:
    """The event of an emoji put on, or taken off, the message `said` names."""
    return Reaction(
        caller=_caller(client),
        place=_place(said),
        message_key=f"console:{said.message}",
        emoji=emoji,
        added=added,
        received_at=said.at,
    )


def _caller(client: ApiClient) -> Caller:
    return Caller(platform=Platform.CONSOLE, account=client.account, name=client.name)


def _place(said: Said) -> Place:
    return Place(
        platform=Platform.CONSOLE,
        workspace="local",
        channel=said.conversation,
        thread=said.conversation,
        message=str(said.message),
    )
