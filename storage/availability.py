"""Whom of a repository's people a task may be given to now: what they said of themselves with
`config me`, and what they have taken already.

A history knows people by how they signed, we know them by their accounts. Somebody is the same by
their login on the code host, or by a full name that nobody else here has.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_
from sqlmodel import Session, col, delete, select

from storage import wishes
from storage.database import insert_if_absent
from storage.ids import PersonId
from storage.tables.matching import AbsenceRow, MatchRow
from storage.tables.people import AccountRow
from storage.tables.trust import ConfigRow

CAPACITY, MATCHING, TIMEZONE = "capacity", "matching", "timezone"
"""Keys of a person's wishes."""
OFF = "off"
HELD_FOR = timedelta(days=30)
"""What was taken counts for so long at most, since nobody tells when a file or a text is done."""
HOST = "github"
_DAY = timedelta(days=1)
_WORDS = 2
"""Of a name that tells people apart."""
_TAKEN, _ASSIGNED = "taken", "assigned"


class Known(NamedTuple):
    """Somebody as a repository's history knows them."""

    key: str
    name: str
    login: str | None = None
    """On the code host."""


@dataclass(frozen=True, slots=True)
class Absence:
    """Days, both inclusive, in a time zone of the IANA database."""

    first: date
    last: date
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Own:
    """What a person said of themselves."""

    capacity: int | None = None
    """Items at a time; None where they did not say."""
    is_out: bool = False
    """Whether they are never to be named."""
    timezone: str | None = None
    absences: tuple[Absence, ...] = ()
    """The earliest first; those of one zone that overlap, or follow day by day, are one."""


@dataclass(frozen=True, slots=True)
class Availability:
    """What is known of somebody for whom a task may be."""

    person: PersonId | None = None
    """None where only our own matches tell of them."""
    capacity: int | None = None
    away_until: date | None = None
    """The last day of the absence that lasts now."""
    is_out: bool = False
    taken: int = 0
    """Items taken here, of which the code host does not know."""
    assigned: int = 0
    """Items assigned through us, which the code host counts too."""


def of_person(session: Session, person: PersonId) -> Own:
    """What they said of themselves."""
    said = wishes.of_scope(session, f"person:{person}")
    return _own(said, _absences(session, [person]).get(person, []))


def add_absence(session: Session, person: PersonId, absence: Absence) -> None:
    """They are away; saying it twice changes nothing."""
    values = {"first": absence.first.isoformat(), "last": absence.last.isoformat()}
    insert_if_absent(session, AbsenceRow, {"person_id": person, **values, "zone": absence.zone})


def take_back(session: Session, person: PersonId, days: Absence) -> bool:
    """They are there on these days after all, and away on the others as before; whether they had
    been away on any.
    """
    rows = select(AbsenceRow).where(
        AbsenceRow.person_id == person,
        col(AbsenceRow.first) <= days.last.isoformat(),
        col(AbsenceRow.last) >= days.first.isoformat(),
    )
    touched = session.exec(rows).all()
    parted = [_absence(row) for row in touched]
    for row in touched:
        session.delete(row)
    session.flush()
    for each in parted:
        if each.first < days.first:
            add_absence(session, person, replace(each, last=days.first - _DAY))
        if each.last > days.last:
            add_absence(session, person, replace(each, first=days.last + _DAY))
    return bool(parted)


def clear_absences(session: Session, person: PersonId) -> None:
    """They are there, always."""
    session.exec(delete(AbsenceRow).where(col(AbsenceRow.person_id) == person))


def forget_absences(session: Session, before: datetime) -> int:
    """Forget those that ended before a day; how many."""
    ended = col(AbsenceRow.last) < before.date().isoformat()
    return session.exec(delete(AbsenceRow).where(ended)).rowcount


def away_until(absences: Iterable[Absence], now: datetime) -> date | None:
    """The last day of an absence that lasts now, with those that follow it day by day."""
    until: date | None = None
    for each in sorted(absences, key=lambda one: one.first):
        today = now.astimezone(ZoneInfo(each.zone)).date()
        lasts = each.first <= today <= each.last
        follows = until is not None and each.first <= until + _DAY
        if lasts or follows:
            until = each.last if until is None else max(until, each.last)
    return until


def standings_of(
    session: Session, people: Sequence[Known], now: datetime
) -> dict[str, Availability]:
    """What is known of each of them, by key; nobody of whom nothing is known is in it.

    What somebody has taken counts in whichever repository it is.
    """
    persons = persons_of(session, people)
    ids = sorted(set(persons.values()))
    absences, said = _absences(session, ids), _wishes(session, ids)
    held = _held(session, now)
    found: dict[str, Availability] = {}
    for one in people:
        person = persons.get(one.key)
        own = Own() if person is None else _own(said.get(person, {}), absences.get(person, []))
        standing = Availability(
            person,
            own.capacity,
            away_until(own.absences, now),
            own.is_out,
            *_load(held, one, person),
        )
        if standing != Availability():
            found[one.key] = standing
    return found


def persons_of(session: Session, people: Sequence[Known]) -> dict[str, PersonId]:
    """Who of them is known by an account, by key."""
    by_login = _by_login(session, people)
    by_name = _by_name(session, people)
    found: dict[str, PersonId] = {}
    for one in people:
        login = (one.login or "").lower()
        person = by_login.get(login) or by_name.get(full_name(one.name))
        if person is not None:
            found[one.key] = person
    return found


def _by_login(session: Session, people: Sequence[Known]) -> dict[str, PersonId]:
    logins = {one.login.lower() for one in people if one.login}
    accounts = session.exec(
        select(AccountRow)
        .where(AccountRow.platform == HOST, func.lower(AccountRow.name).in_(logins))
        .order_by(col(AccountRow.id))  # whoever had the login last has it now
    )
    return {row.name.lower(): PersonId(row.person_id) for row in accounts}


def _by_name(session: Session, people: Sequence[Known]) -> dict[str, PersonId]:
    """Those who alone have a full name; somebody with another login on the host is another one."""
    wanted = {full_name(one.name): one for one in people if full_name(one.name)}
    spelled = {" ".join(one.name.split()) for one in wanted.values()}
    named = or_(col(AccountRow.name).in_(spelled), func.lower(AccountRow.name).in_(list(wanted)))
    having: dict[str, set[int]] = {}
    for row in session.exec(select(AccountRow).where(named)):
        having.setdefault(full_name(row.name), set()).add(row.person_id)
    alone = {name: next(iter(ids)) for name, ids in having.items() if len(ids) == 1}
    logins = _logins(session, alone.values())
    return {
        name: PersonId(person)
        for name, person in alone.items()
        if not wanted[name].login or person not in logins
    }


def _logins(session: Session, persons: Iterable[int]) -> set[int]:
    """Who of them has an account on the code host."""
    on_host = select(AccountRow.person_id).where(
        AccountRow.platform == HOST, col(AccountRow.person_id).in_(list(persons))
    )
    return set(session.exec(on_host))


def full_name(name: str) -> str:
    """A name as people are told apart by it; empty where it is one word, which tells nobody."""
    words = name.casefold().split()
    return " ".join(words) if len(words) >= _WORDS else ""


def _absences(session: Session, persons: Sequence[int]) -> dict[int, list[Absence]]:
    found: dict[int, list[Absence]] = {}
    rows = select(AbsenceRow).where(col(AbsenceRow.person_id).in_(persons))
    for row in session.exec(rows.order_by(col(AbsenceRow.first))):
        found.setdefault(row.person_id, []).append(_absence(row))
    return found


def _absence(row: AbsenceRow) -> Absence:
    return Absence(date.fromisoformat(row.first), date.fromisoformat(row.last), row.zone)


def _joined(absences: Iterable[Absence]) -> tuple[Absence, ...]:
    """The same days; the earliest first, and in each zone none that touches another."""
    found: list[Absence] = []
    latest: dict[str, int] = {}
    for each in sorted(absences, key=lambda one: (one.first, one.last)):
        at = latest.get(each.zone)
        if at is not None and each.first <= found[at].last + _DAY:
            found[at] = replace(found[at], last=max(found[at].last, each.last))
        else:
            latest[each.zone] = len(found)
            found.append(each)
    return tuple(found)


def _wishes(session: Session, persons: Sequence[int]) -> dict[int, dict[str, str]]:
    scopes = {f"person:{person}": person for person in persons}
    found: dict[int, dict[str, str]] = {}
    for row in session.exec(select(ConfigRow).where(col(ConfigRow.scope).in_(list(scopes)))):
        found.setdefault(scopes[row.scope], {})[row.key] = row.value
    return found


def _own(said: Mapping[str, str], absences: Sequence[Absence]) -> Own:
    capacity = said.get(CAPACITY)
    return Own(
        None if capacity is None else int(capacity),
        said.get(MATCHING) == OFF,
        said.get(TIMEZONE),
        _joined(absences),
    )


def _held(session: Session, now: datetime) -> list[MatchRow]:
    """What somebody has taken or was given, and has not finished."""
    rows = select(MatchRow).where(
        col(MatchRow.state).in_((_TAKEN, _ASSIGNED)),
        col(MatchRow.finished_at).is_(None),
        col(MatchRow.decided_at) > now - HELD_FOR,
    )
    return list(session.exec(rows))


def _load(held: Sequence[MatchRow], one: Known, person: PersonId | None) -> tuple[int, int]:
    """Items taken, and items assigned; one and the same that was matched twice counts once."""
    login = (one.login or "").lower()
    mine = [
        row
        for row in held
        if row.person_key == one.key
        or (login and (row.login or "").lower() == login)
        or (person is not None and row.state == _TAKEN and row.decided_by == person)
    ]
    assigned = {(row.repository, row.target) for row in mine if row.state == _ASSIGNED}
    taken = {(row.repository, row.target) for row in mine} - assigned
    return len(taken), len(assigned)
