"""What is to be planned, found in a message or in what was said above it."""

from collections.abc import Iterator
from dataclasses import dataclass

from engines.planning.reading.files import parse_draft
from engines.planning.reading.team_list import is_list
from engines.planning.types import CannotPlan
from jobs.requests import PlanTalk, Snippet, Talk

_TABLES = frozenset({"toml", "csv"})
"""Languages of pasted blocks that are plans more often than not."""


@dataclass(frozen=True)
class Found:
    """Text that is meant to be planned."""

    text: str
    name: str
    """Where it was found, for messages."""


def found_in_talk(request: PlanTalk) -> Found | None:
    """The message's own list or block, else the newest in the thread, else the issue's; None where
    there is none.
    """
    return next(_candidates(request), None)


def _candidates(request: PlanTalk) -> Iterator[Found]:
    talk = request.talk or Talk()
    if is_list(request.text):
        yield Found(request.text, "the message")
    yield from _pasted(request.snippets, "the block")
    yield from _pasted(talk.snippets, "the file")
    for remark in reversed(talk.remarks):
        yield from _pasted(remark.snippets, f"the block of {remark.author}")
        if _is_plan(remark.text):
            yield Found(remark.text, f"the list of {remark.author}")
    if _is_plan(talk.body):
        yield Found(talk.body, "the issue")


def _pasted(snippets: tuple[Snippet, ...], what: str) -> Iterator[Found]:
    """The blocks and files that may be plans: of one that says so, even if it is wrong."""
    for one in snippets:
        says_so = one.language.casefold() in _TABLES or one.name.endswith((".toml", ".csv"))
        if says_so or _is_plan(one.text):
            yield Found(one.text, one.name or what)


def _is_plan(text: str) -> bool:
    """Whether it can be read as one, and not any list or table."""
    if not text.strip():
        return False
    try:
        parse_draft(text.encode(), "")
    except CannotPlan:
        return False
    return True
