"""Whom a task may be given to: what people said of themselves, and what they have to do already."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from math import inf

from sqlmodel import Session

from engines.matching.assignment.load import prices
from engines.matching.assignment.standing import Standing, Standings
from engines.matching.types import Mode, Person
from engines.watch import Watch
from jobs.desk import Declined
from jobs.match_history import Past
from jobs.requests import OpenWork
from jobs.wording import count, one_line, plain
from storage import availability, matches, people
from storage.availability import Availability, Known
from storage.database import Database

_RELIEF, _MOST_RELIEF = 0.01, 0.05
"""Probability that may be given up to take an item off somebody, for each that they have and in
all. Naming only who is likeliest wears out the few who always are."""
_SHOWN = 60
"""Characters of a name."""


@dataclass(frozen=True)
class Spread:
    """What was learned of the newest tasks, to spread the load of the next ones."""

    prices: Mapping[str, float] = field(default_factory=dict[str, float])
    """By the person's key, in units of a candidate's score (`load.prices`)."""
    likeliest: Mapping[str, int] = field(default_factory=dict[str, int])
    """By the person's key, of how many of the tasks they are the likeliest."""
    tasks: int = 0


@dataclass(frozen=True)
class Team:
    """A repository's people as they stand now."""

    past: Past
    known: Mapping[str, Availability]
    """By the person's key; only those of whom something is known."""
    open_work: Mapping[str, int]
    """By login in lower case; empty where the code host does not tell."""
    spread: Spread = Spread()
    """Empty where the repository does not wish the load spread."""

    def standings(self, declined: frozenset[str] = frozenset(), *, room: float = inf) -> Standings:
        """What everybody can take; `declined` are keys of who refused the task in question, `room`
        is how much more there may be for who set no limit.
        """
        return {one.key: self._standing(one, declined, room) for one in self.past.everybody}

    def load(self, person: Person) -> int | None:
        """What somebody has to do already; None where nobody tells."""
        login = self.past.logins.get(person.key, "").lower()
        known = self.known.get(person.key, Availability())
        if self.open_work and login:
            return self.open_work.get(login, 0) + known.taken
        return known.taken + known.assigned or None

    def prices(self) -> Mapping[str, float]:
        """By the person's key, how much less likely somebody else may be and still be named first:
        a little for each item that they have to do, and what was learned where that is wished.
        """
        loads = {one.key: self.load(one) or 0 for one in self.past.everybody}
        flat = {key: min(_MOST_RELIEF, _RELIEF * load) for key, load in loads.items()}
        learned = self.spread.prices
        return {key: flat.get(key, 0.0) + learned.get(key, 0.0) for key in {**flat, **learned}}

    def why_spared(self, person: Person, instead: Person) -> str:
        """Why somebody who is likelier was not named, without a subject."""
        learned, often = self.spread.prices, self.spread.likeliest.get(person.key, 0)
        if learned.get(person.key, 0.0) > learned.get(instead.key, 0.0):
            of = count(self.spread.tasks, "task")
            return f"is the likeliest for {often} of the newest {of}; the load is to be spread here"
        return "has more to do already"

    def load_told(self, person: Person) -> str | None:
        """The same as a fact, with how much they take at a time where they said so."""
        load = self.load(person)
        capacity = self.known.get(person.key, Availability()).capacity
        if capacity is not None:
            return f"open load {load or 0} of {capacity}"
        return None if load is None else f"open load {load}"

    def login(self, person: Person) -> str | None:
        """Theirs on the code host, where the history tells it."""
        return self.past.logins.get(person.key)

    def called(self, person: Person) -> str:
        """How messages call somebody: never by an address, and never so that it pings them."""
        login, name = self.login(person), one_line(person.shown, _SHOWN)
        return f"{name} ({login})" if login and login.casefold() != name.casefold() else name

    def shown(self, person: Person) -> str:
        """The same, without a meaning in Markdown."""
        return plain(self.called(person), 2 * _SHOWN)

    def _standing(self, person: Person, declined: frozenset[str], room: float) -> Standing:
        own = self.known.get(person.key, Availability())
        load = self.load(person) or 0
        return Standing(
            capacity=load + room if own.capacity is None else own.capacity,
            open_load=load,
            away_until_s=self._back_s(own),
            opted_out=own.is_out,
            has_declined=person.key in declined,
        )

    def _back_s(self, own: Availability) -> int | None:
        """When an absence that lasts now is over; later than now, whatever the time zone."""
        if own.away_until is None:
            return None
        day = datetime.combine(own.away_until + timedelta(days=1), time(), UTC)
        return max(int(day.timestamp()), self.past.now_s + 1)


def team_of(
    past: Past,
    open_work: Sequence[OpenWork],
    database: Database,
    now: datetime,
    spread: Spread | None = None,
) -> Team:
    """Everybody of a history as they stand now."""
    everybody = [Known(one.key, one.shown, past.logins.get(one.key)) for one in past.everybody]
    known = database.read_now(lambda s: availability.standings_of(s, everybody, now))
    work = {one.login.lower(): one.tasks for one in open_work}
    return Team(past, known, work, spread or Spread())


def spread_of(past: Past, mode: Mode, watch: Watch) -> Spread:
    """What the newest tasks of a history teach. Raises Stopped."""
    recent = [one for one in past.matcher.recent(mode, watch) if one.candidates]
    likeliest = Counter(one.candidates[0].person.key for one in recent)
    return Spread(prices(recent), likeliest, len(recent))


def declined_by(database: Database, repository: str, target: str) -> frozenset[str]:
    """Keys of people who are never to be named for this very task again."""
    return database.read_now(lambda s: matches.passed_over(s, repository, target))


def requested(past: Past, database: Database, name: str) -> Person | None:
    """Who was asked for by name; None where nobody was. Raises Declined where it is nobody."""
    if not name:
        return None
    person = past.called(name) or _linked(past, database, name)
    if person is None:
        some = ", ".join(plain(one.shown) for one in past.everybody[:5])
        raise Declined(
            f"Nobody who is called {plain(name)} has worked in this repository, or more than one. "
            f"Those who did most are {some}."
        )
    return person


def _linked(past: Past, database: Database, login: str) -> Person | None:
    """Whose login a history does not tell, by the full name of who has linked it."""

    def read(session: Session) -> list[str]:
        having = people.called(session, availability.HOST, login)
        accounts = people.accounts_of(session, having[0]) if len(having) == 1 else []
        return [one.name for one in accounts if availability.full_name(one.name)]

    found = filter(None, map(past.called, database.read_now(read)))
    return next((one for one in found if one.key not in past.logins), None)
