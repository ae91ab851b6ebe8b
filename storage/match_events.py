"""What the code host tells of tasks for which somebody was named: whom it was given to, who looked
at it, that it is closed. Whoever does what somebody else was named for is learned from.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from storage import matches
from storage.matches import HELD, Actor, MatchState
from storage.tables.matching import MatchRow


class Event(StrEnum):
    """What happened to an issue or a pull request."""

    ASSIGNED = "assigned"
    UNASSIGNED = "unassigned"
    REVIEW_REQUESTED = "review_requested"
    REVIEW_UNREQUESTED = "review_request_removed"
    REVIEWED = "reviewed"
    CLOSED = "closed"
    REOPENED = "reopened"


@dataclass(frozen=True, slots=True)
class Happened:
    """One event. Logins are the host's."""

    event: Event
    repository: str
    number: int
    at: datetime
    by: str
    who: str | None = None
    """To whom it was given, or from whom it was taken; None where it is about nobody."""
    by_bot: bool = False
    """Whether no person did it."""


_MODES: Mapping[Event, str] = {
    Event.ASSIGNED: "author",
    Event.UNASSIGNED: "author",
    Event.REVIEW_REQUESTED: "reviewer",
    Event.REVIEW_UNREQUESTED: "reviewer",
    Event.REVIEWED: "reviewer",
}
"""What somebody has to have been named as, for an event to say something of it."""


_UNDECIDED = (MatchState.OPEN, MatchState.DECLINED, MatchState.REASSIGNED)
"""Nobody is known to do it."""


def note(session: Session, happened: Happened) -> None:
    """Note what it says of those who were named; most events say nothing."""
    target = matches.target_of(number=happened.number)
    rows = matches.hold_everywhere(session, happened.repository, target)
    if happened.event in (Event.CLOSED, Event.REOPENED):
        _end(rows, happened)
        session.flush()
        return
    if happened.event is Event.REVIEWED:
        who = None if happened.by_bot else happened.by
    else:
        who = happened.who
    if who is None:
        return
    last = {(row.job_id, row.target): row for row in rows}
    for row in last.values():
        if row.mode == _MODES[happened.event]:
            _WORK[happened.event](session, row, who, happened)
    if happened.event is Event.REVIEWED:
        _respond(rows, who, happened.at)
    session.flush()


def _end(rows: Sequence[MatchRow], happened: Happened) -> None:
    for row in rows:
        if happened.event is Event.REOPENED:
            row.finished_at = None
            if row.state == MatchState.EXPIRED:
                row.state = MatchState.OPEN
            continue
        row.finished_at = row.finished_at or happened.at
        if row.state == MatchState.OPEN:
            row.state = MatchState.EXPIRED


def _given(session: Session, row: MatchRow, who: str, happened: Happened) -> None:
    """It was given to somebody on the host itself, or through us."""
    by, named = Actor(happened.by, logins=(happened.by,)), Actor(who, logins=(who,))
    is_named = matches.is_named(session, row, named)
    if is_named and row.state in (MatchState.OPEN, MatchState.TAKEN):
        matches.assigned(session, row, by, happened.at)
    elif row.state in _UNDECIDED:
        named = matches.as_named(session, row, named)
        row = matches.turn_to(session, row, named, by, happened.at)
        matches.assigned(session, row, by, happened.at)
    if row.state == MatchState.ASSIGNED and happened.by.lower() == who.lower():
        row.responded_at = row.responded_at or happened.at


def _withdrawn(session: Session, row: MatchRow, who: str, happened: Happened) -> None:
    """Who lets go of it themselves has declined; from others it was taken."""
    if row.state not in HELD or not matches.is_named(session, row, Actor(who, logins=(who,))):
        return
    is_own = happened.by.lower() == who.lower()
    row.state = MatchState.DECLINED if is_own else MatchState.REASSIGNED
    row.decided_at, row.decided_by, row.decided_login = happened.at, None, happened.by


def _reviewed(session: Session, row: MatchRow, who: str, happened: Happened) -> None:
    """Whoever reviews it has taken it, unless somebody else has already; its author only replies
    to reviews.
    """
    if matches.is_own(row, who):
        return
    by = Actor(who, logins=(who,))
    is_new = row.state in _UNDECIDED and not matches.is_named(session, row, by)
    if is_new or row.state == MatchState.OPEN:
        matches.take(session, row, by, happened.at)


def _respond(rows: Sequence[MatchRow], who: str, at: datetime) -> None:
    for row in rows:
        if (row.login or "").lower() == who.lower():
            row.responded_at = row.responded_at or at


_WORK: Mapping[Event, Callable[[Session, MatchRow, str, Happened], None]] = {
    Event.ASSIGNED: _given,
    Event.REVIEW_REQUESTED: _given,
    Event.UNASSIGNED: _withdrawn,
    Event.REVIEW_UNREQUESTED: _withdrawn,
    Event.REVIEWED: _reviewed,
}
