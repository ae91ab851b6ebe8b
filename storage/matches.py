"""Who was named for which task, and what people made of it: one row for each person named.

The last row of a job and target is the one that counts now. Whoever refuses, or is passed over,
makes room for the next of the ranking; the rows before stay and tell what was learned.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Session, col, select

from storage import availability, people
from storage.availability import HELD_FOR, HOST, Known
from storage.database import insert_if_absent
from storage.ids import JobId, PersonId
from storage.tables.jobs import JobRow
from storage.tables.matching import MatchRow

VERB = "match"
"""Of the jobs that name people."""
LONGEST_REASON = 300
"""Characters of what somebody gave as a reason."""
REVIEWER = "reviewer"
"""The mode of those who look at what somebody else did."""
_PATH = "path:"
_OTHERS = "others"
"""Where they are kept, beside what the task is about."""


class MatchState(StrEnum):
    """What became of it that somebody was named."""

    OPEN = "open"
    TAKEN = "taken"
    """By the one who was named."""
    ASSIGNED = "assigned"
    """To the one who was named, on the code host."""
    DECLINED = "declined"
    REASSIGNED = "reassigned"
    """Somebody else took it, was asked or was assigned."""
    EXPIRED = "expired"
    """It was closed before anybody said anything, and was not opened again."""


HELD = (MatchState.TAKEN, MatchState.ASSIGNED)


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody who may be offered a task."""

    key: str
    name: str
    login: str | None = None
    """On the code host, where it is known."""
    reasons: tuple[str, ...] = ()
    """Facts, as Markdown."""


@dataclass(frozen=True, slots=True)
class About:
    """What a task is about, as far as is needed to know others by that are like it."""

    files: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    """Of its text: which they are, not in which order or how often."""
    believed: Mapping[str, float] = field(default_factory=dict[str, float])
    """By the person's key how likely the history alone made those who were shown."""
    left_out: tuple[str, ...] = ()
    """Who would have been named otherwise, and why they were not."""
    author: str = ""
    """The login of who opened the issue or pull request, where that is known."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """What a job found for one task."""

    job: JobId
    repository: str
    target: str
    """See `target_of`."""
    named: str
    """What messages call it."""
    people: tuple[Named, ...]
    """In the order in which they are offered; whoever is to be left out is not among them."""
    confidence: float
    """That the first is the one, in [0, 1]."""
    mode: str = "author"
    number: int | None = None
    is_pull: bool = False
    second: str | None = None
    """The key of who was named beside the first."""
    about: About = About()
    is_open: bool = True
    others: tuple[Named, ...] = ()
    """Whom the history knows besides them: by these somebody is told from a stranger."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something about it."""

    name: str
    person: PersonId | None = None
    """None where only the code host tells of them."""
    logins: tuple[str, ...] = ()
    """Theirs on the code host."""

    @property
    def key(self) -> str:
        """What they are called where no history tells of them."""
        if self.logins:
            return f"login:{self.logins[0].lower()}"
        return f"person:{self.person}"


def target_of(*, number: int | None = None, path: str = "", text: str = "") -> str:
    """A task by what it is, the same however often it is asked about."""
    if number is not None:
        return f"#{number}"
    if path:
        return f"{_PATH}{path}"
    spelled = " ".join(text.casefold().split())
    return f"text:{hashlib.sha256(spelled.encode()).hexdigest()[:16]}"


def is_of_many(target: str) -> bool:
    """Whether several may do it side by side: one works on the same files as somebody else, though
    not on the same issue.
    """
    return target.startswith(_PATH)


def suggest(session: Session, found: Suggested, now: datetime) -> None:
    """Note whom a job names; the same job notes it once. Without anybody nothing is noted."""
    if not found.people:
        return
    first = found.people[0]
    values: dict[str, Any] = {
        "job_id": found.job,
        "repository": found.repository.lower(),
        "target": found.target,
        "named": found.named,
        "turn": 1,
        "number": found.number,
        "is_pull": found.is_pull,
        "mode": found.mode,
        "person_key": first.key,
        "name": first.name,
        "login": first.login,
        "second_key": found.second,
        "confidence": found.confidence,
        "ranking": [asdict(one) for one in found.people],
        "about": asdict(found.about) | {_OTHERS: [_briefly(one) for one in found.others]},
        "state": MatchState.OPEN,
        "reason": "",
        "suggested_at": now,
        "finished_at": None if found.is_open else now,
    }
    insert_if_absent(session, MatchRow, values)


def passed_over(session: Session, repository: str, target: str) -> frozenset[str]:
    """Keys of those who declined this very task, or for whom somebody did, and who have not taken
    it since: never named again.
    """
    decided = select(MatchRow.person_key, MatchRow.state).where(
        MatchRow.repository == repository.lower(),
        MatchRow.target == target,
        col(MatchRow.state).in_((MatchState.DECLINED, *HELD)),
    )
    in_order = decided.order_by(col(MatchRow.decided_at), col(MatchRow.id))
    last = dict(session.exec(in_order).all())
    return frozenset(key for key, state in last.items() if state == MatchState.DECLINED)


def were_reviewers_sought(session: Session, repository: str, number: int) -> bool:
    """Whether a job was made already because a pull request was ready for others."""
    asked = col(JobRow.invocation)
    found = select(JobRow.id).where(
        JobRow.verb == VERB,
        JobRow.repository == repository,
        asked["wants_reviewers"].as_boolean(),
        asked["number"].as_integer() == number,
    )
    return session.exec(found.limit(1)).first() is not None


def current(session: Session, job: JobId) -> list[MatchRow]:
    """Of each task of a job the row that counts now, in the order in which they were noted."""
    rows = select(MatchRow).where(MatchRow.job_id == job).order_by(col(MatchRow.id))
    return list({row.target: row for row in session.exec(rows)}.values())


def first_of(session: Session, job: JobId) -> list[MatchRow]:
    """Of each task of a job who was named first, in the order in which they were noted."""
    rows = select(MatchRow).where(MatchRow.job_id == job, MatchRow.turn == 1)
    return list(session.exec(rows.order_by(col(MatchRow.id))))


def hold(session: Session, job: JobId, target: str) -> MatchRow | None:
    """The row that counts now of one task, which nobody else changes before this transaction ends;
    None where nobody was named.
    """
    first = select(MatchRow.id).where(
        MatchRow.job_id == job, MatchRow.target == target, MatchRow.turn == 1
    )
    session.exec(first.with_for_update()).first()
    found = history(session, job, target)  # after the lock, so that nobody's row is missed
    return found[-1] if found else None


def hold_everywhere(session: Session, repository: str, target: str) -> list[MatchRow]:
    """Everybody whom any job named for a task, the earliest first; held as `hold` does for all of
    these jobs.
    """
    about = (MatchRow.repository == repository.lower(), MatchRow.target == target)
    first = select(MatchRow.id).where(*about, MatchRow.turn == 1).order_by(col(MatchRow.id))
    session.exec(first.with_for_update()).all()
    return list(session.exec(select(MatchRow).where(*about).order_by(col(MatchRow.id))))


def holder(
    session: Session, repository: str, target: str, mode: str, now: datetime
) -> MatchRow | None:
    """Who does a task already, whichever job named them; None where nobody is known to."""
    rows = select(MatchRow).where(
        MatchRow.repository == repository.lower(),
        MatchRow.target == target,
        MatchRow.mode == mode,
        col(MatchRow.state).in_(HELD),
        col(MatchRow.finished_at).is_(None),
        col(MatchRow.decided_at) > now - HELD_FOR,
    )
    return session.exec(rows.order_by(col(MatchRow.decided_at).desc()).limit(1)).first()


def history(session: Session, job: JobId, target: str) -> list[MatchRow]:
    """Everybody who was named for one task of a job, the first one first."""
    rows = select(MatchRow).where(MatchRow.job_id == job, MatchRow.target == target)
    as_they_are = rows.order_by(col(MatchRow.turn)).execution_options(populate_existing=True)
    return list(session.exec(as_they_are))


def at_turn(session: Session, row: MatchRow, turn: int) -> MatchRow:
    """Who was named for the same task before; the row itself where there was nobody."""
    rows = history(session, JobId(row.job_id), row.target)
    return rows[turn - 1] if 0 < turn <= len(rows) else row


def actor_of(session: Session, person: PersonId, name: str) -> Actor:
    """Somebody who speaks to us, with the logins that they have linked."""
    accounts = people.accounts_of(session, person)
    logins = tuple(one.name for one in accounts if one.platform == HOST)
    return Actor(name, person, logins)


def is_own(row: MatchRow, *logins: str | None) -> bool:
    """Whether a review is looked for of what the one with one of these logins wrote."""
    author = about_of(row).author.lower()
    is_theirs = author in {login.lower() for login in logins if login}
    return row.mode == REVIEWER and is_theirs


def is_named(session: Session, row: MatchRow, actor: Actor) -> bool:
    """Whether it is they who were named."""
    return as_named(session, row, actor).key == row.person_key


def as_named(session: Session, row: MatchRow, actor: Actor) -> Named:
    """An actor as the ranking knows them; as themselves where it does not."""
    logins = {login.lower() for login in actor.logins}
    own = Named(row.person_key, row.name, row.login)
    known = [own, *known_of(row)]
    for one in known:
        if one.key == actor.key or (one.login and one.login.lower() in logins):
            return one
    if actor.person is not None:
        found = availability.persons_of(session, [Known(o.key, o.name, o.login) for o in known])
        same = next((one for one in known if found.get(one.key) == actor.person), None)
        if same is not None:
            return replace(same, login=same.login or next(iter(actor.logins), None))
    return Named(actor.key, actor.name, next(iter(actor.logins), None))


def take(session: Session, row: MatchRow, actor: Actor, now: datetime) -> MatchRow:
    """They do it; where somebody else was named, that is a reassignment. Returns the row that
    counts from now on. The caller has seen to it that nobody holds it.
    """
    named = as_named(session, row, actor)
    if named.key != row.person_key:
        row = turn_to(session, row, named, actor, now)
    row.responded_at = row.responded_at or now
    _decide(row, MatchState.TAKEN, actor, now)
    session.flush()
    return row


def decline(
    session: Session, row: MatchRow, actor: Actor, reason: str, now: datetime
) -> MatchRow | None:
    """They do not, or are not to, do it: the next of the ranking is named. Returns their row, None
    where nobody is left.
    """
    if is_named(session, row, actor):
        row.responded_at = row.responded_at or now
    _decide(row, MatchState.DECLINED, actor, now, reason)
    session.flush()
    rest = left(session, row, now)
    return _add(session, row, rest[0], now) if rest else None


def left(session: Session, row: MatchRow, now: datetime) -> list[Named]:
    """Who of the ranking may still be named: nobody who was already, is away or wants none."""
    before = select(MatchRow.person_key).where(
        MatchRow.job_id == row.job_id, MatchRow.target == row.target
    )
    gone = passed_over(session, row.repository, row.target) | set(session.exec(before))
    rest = [one for one in ranking_of(row) if one.key not in gone]
    standings = availability.standings_of(
        session, [Known(one.key, one.name, one.login) for one in rest], now
    )
    return [
        one
        for one in rest
        if one.key not in standings
        or not (standings[one.key].is_out or standings[one.key].away_until)
    ]


def turn_to(session: Session, row: MatchRow, named: Named, actor: Actor, now: datetime) -> MatchRow:
    """Somebody else is named instead; returns their row. Who declined before still has."""
    if row.state in (MatchState.OPEN, *HELD):
        _decide(row, MatchState.REASSIGNED, actor, now)
    session.flush()
    return _add(session, row, named, now)


def assigned(session: Session, row: MatchRow, actor: Actor, now: datetime) -> None:
    """The code host has it that the one who was named is to do it."""
    _decide(row, MatchState.ASSIGNED, actor, now)
    session.flush()


def add_reason(session: Session, row: MatchRow, reason: str) -> None:
    """Why it was declined, said afterwards."""
    row.reason = reason[:LONGEST_REASON]
    session.flush()


def ranking_of(row: MatchRow) -> list[Named]:
    """Everybody who may be offered, in that order."""
    return [
        Named(one["key"], one["name"], one["login"], tuple(one["reasons"])) for one in row.ranking
    ]


def about_of(row: MatchRow) -> About:
    """What its task is about."""
    kept = row.about
    return About(
        tuple(kept.get("files", ())),
        tuple(kept.get("words", ())),
        kept.get("believed", {}),
        tuple(kept.get("left_out", ())),
        kept.get("author", ""),
    )


def known_of(row: MatchRow) -> list[Named]:
    """Everybody whom its history knows, as far as it is kept; those who may be offered first."""
    return [*ranking_of(row), *(Named(*one) for one in row.about.get(_OTHERS, ()))]


def _briefly(one: Named) -> tuple[str, str, str | None]:
    return one.key, one.name, one.login


def _decide(
    row: MatchRow, state: MatchState, actor: Actor, now: datetime, reason: str = ""
) -> None:
    row.state, row.decided_at = state, now
    row.decided_by = actor.person
    row.decided_login = None if actor.person is not None else next(iter(actor.logins), None)
    row.reason = reason[:LONGEST_REASON]


def _add(session: Session, row: MatchRow, named: Named, now: datetime) -> MatchRow:
    """A further row of the same task."""
    values: dict[str, Any] = row.model_dump(exclude={"id"}) | {
        "turn": row.turn + 1,
        "person_key": named.key,
        "name": named.name,
        "login": named.login,
        "second_key": None,
        "confidence": 0.0,
        "state": MatchState.OPEN,
        "decided_by": None,
        "decided_login": None,
        "reason": "",
        "suggested_at": now,
        "decided_at": None,
        "responded_at": None,
        "finished_at": None,
    }
    made = MatchRow(**values)
    session.add(made)
    session.flush()
    return made
