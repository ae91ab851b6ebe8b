"""Events that nobody is answered: reactions to our messages, and what happens on the code host."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlmodel import Session

from bot import votes
from handlers import Happening, Reaction
from storage import match_events
from storage.match_events import Happened


def _reaction(payload: Mapping[str, Any]) -> Callable[[Session], None]:
    reaction = Reaction.model_validate(payload)
    return lambda session: votes.count(session, reaction)


def _happening(payload: Mapping[str, Any]) -> Callable[[Session], None]:
    found = Happening.model_validate(payload)
    told = Happened(
        found.what,
        found.repository,
        found.number,
        found.received_at,
        found.caller.name,
        found.who,
        found.caller.is_bot,
    )
    return lambda session: match_events.note(session, told)


KINDS: Mapping[str, Callable[[Mapping[str, Any]], Callable[[Session], None]]] = {
    "reaction": _reaction,
    "happening": _happening,
}


def effect(payload: Mapping[str, Any]) -> Callable[[Session], None]:
    """What such an event leaves behind, in one transaction.

    Raises:
        pydantic.ValidationError: Another version wrote it.
    """
    return KINDS[payload["kind"]](payload)
