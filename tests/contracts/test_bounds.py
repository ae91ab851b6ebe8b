"""Lines that are full, on both databases: what is taken, what is not, and never one too many."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import ClassVar

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select

from bot.effects import Asked, NoRoom, Said, Spoken, Terms, Written, commit
from handlers import Caller, Invocation, Place, Platform
from jobs.requests import Source, TestCode
from storage import audit, bounds, inbox, ledger, people
from storage.bounds import Bound, Bounds
from storage.database import IDLE_MS, Database
from storage.ids import JobId
from storage.inbox import Superseded
from storage.ledger import Leased
from storage.line import Line
from storage.states import JobState, Urgency
from storage.tables.jobs import JobRow
from storage.tables.trust import AuditRow

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY = b"k" * 32
PLACE = Place(platform=Platform.SLACK, workspace="T1", channel="C1")
UNKNOWN = Line()
"""A look at the line that knows nothing of it."""
BOUNDS = Bounds(line=8, person=3, repository=5)


@dataclass(frozen=True)
class Wish:
    """A job somebody wants."""

    by: str = "ann"
    repository: str = "o/r"
    urgency: Urgency = Urgency.PERSON
    queue: str = "cpu"
    waits_for: str | None = None


class _OnGpu(TestCode):
    queue: ClassVar[str] = "gpu"


@dataclass
class Door:
    """Where messages come in, at two gateways of one database."""

    gateways: list[Database]
    bounds: Bounds = BOUNDS
    now: datetime = NOW
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def database(self) -> Database:
        return self.gateways[0]

    def said(self, *wishes: Wish) -> Said:
        """A message that asks for these jobs, not handled yet."""
        self.now += timedelta(seconds=1)
        number, by = next(self._numbers), wishes[0].by

        def hear(session: Session) -> Said:
            taken = inbox.claim(session, "slack", {}, [f"Ev{number}"], self.now, holder="g")
            person = people.person_of(session, platform="slack", account=by, name=by, now=self.now)
            caller = Caller(platform=Platform.SLACK, account=by, name=by)
            heard = Invocation(caller=caller, place=PLACE, text="", received_at=self.now)
            lines = tuple(_spoken(number, wish) for number, wish in enumerate(wishes))
            return Said(taken, heard, person, lines)

        return self.database.write_now(hear)

    def ask(self, *wishes: Wish) -> list[Written]:
        """What one message comes to."""
        said = self.said(*wishes)
        return self.database.write_now(lambda s: self.commit(s, said))

    def commit(self, session: Session, said: Said, line: Line | None = UNKNOWN) -> list[Written]:
        return commit(session, said, Terms(KEY, self.bounds), self.now, line=line)

    def fill(self, number: int, *, by: str = "", urgency: Urgency = Urgency.PERSON) -> list[JobId]:
        """So many jobs, each somebody's own for a repository of its own unless `by` one person."""
        asked: list[JobId] = []
        for each in range(number):
            wish = Wish(by or f"p{each}", f"o/{by}{each}", urgency)
            (written,) = self.ask(wish)
            assert written.full is None
            asked.append(JobId(written.key))
        return asked

    def queued(self) -> int:
        found = select(JobRow.id).where(col(JobRow.state) == JobState.QUEUED)
        return len(self.database.read_now(lambda s: s.exec(found).all()))


def _spoken(number: int, wish: Wish) -> Spoken:
    kind = _OnGpu if wish.queue == "gpu" else TestCode
    request = kind(source=Source(repository=wish.repository), path="a.py")
    asked = Asked(request, wish.waits_for, None, wish.urgency)
    return Spoken("test", "test a.py", number, asked)


def bound_of(written: list[Written]) -> list[Bound | None]:
    return [None if one.full is None else one.full.bound for one in written]


@pytest.fixture
def door(database: Database, database_url: str) -> Iterator[Door]:
    other = Database(database_url)
    yield Door([database, other])
    other.close()


def test_a_persons_share_is_theirs_and_no_more(door: Door) -> None:
    mine = door.fill(3, by="ann")
    (refused,) = door.ask(Wish("ann", "o/other"))
    assert refused.full is not None
    assert (refused.full.bound, refused.full.most) == (Bound.PERSON, 3)
    assert refused.full.jobs == tuple(mine)
    assert refused.full.own == mine[-1]
    assert bound_of(door.ask(Wish("bob", "o/other"))) == [None]


def test_a_repositorys_share_is_everybodys_who_works_in_it(door: Door) -> None:
    for person in ("ann", "ann", "ann", "bob", "bob"):
        assert bound_of(door.ask(Wish(person))) == [None]
    (refused,) = door.ask(Wish("cid"))
    assert refused.full is not None
    assert (refused.full.bound, refused.full.own) == (Bound.REPOSITORY, None)
    assert bound_of(door.ask(Wish("cid", "o/quiet"))) == [None]


def test_a_full_line_takes_nobodys_job_until_one_starts(door: Door) -> None:
    first, *_ = door.fill(8)
    assert bound_of(door.ask(Wish("zoe", "o/z"))) == [Bound.LINE]
    leased = door.database.write_now(lambda s: ledger.lease(s, first, "w", door.now))
    assert isinstance(leased, Leased)
    assert bound_of(door.ask(Wish("zoe", "o/z"))) == [None]
    assert bound_of(door.ask(Wish("yan", "o/y"))) == [Bound.LINE]


def test_what_was_scheduled_keeps_no_person_out(door: Door) -> None:
    door.fill(8, urgency=Urgency.BACKGROUND)
    assert bound_of(door.ask(Wish("zoe", "o/z", Urgency.BACKGROUND))) == [Bound.LINE]
    assert bound_of(door.ask(Wish("zoe", "o/z"))) == [None]


def test_a_full_line_leaves_the_other_queue_open(door: Door) -> None:
    door.fill(8)
    assert bound_of(door.ask(Wish("zoe", "o/z", queue="gpu"))) == [None]


def test_strangers_who_wait_for_approval_fill_no_line(door: Door) -> None:
    approval = "an approval"
    for number in range(9):
        wish = Wish(f"s{number}", f"o/{number}", waits_for=approval)
        assert bound_of(door.ask(wish)) == [None]
    assert bound_of(door.ask(Wish("ann", "o/0"))) == [None]
    for _ in range(3):
        assert bound_of(door.ask(Wish("mallory", waits_for=approval))) == [None]
    assert bound_of(door.ask(Wish("mallory", waits_for=approval))) == [Bound.PERSON]


def test_the_lines_of_a_message_are_taken_in_order_while_there_is_room(door: Door) -> None:
    wishes = [Wish("ann", f"o/{number}") for number in range(5)]
    written = door.ask(*wishes)
    assert bound_of(written) == [None, None, None, Bound.PERSON, Bound.PERSON]
    assert [one.spoken.outcome for one in written] == ["job"] * 3 + ["limited"] * 2
    assert door.queued() == 3


def test_a_refused_job_is_in_the_audit_log_as_limited(door: Door) -> None:
    door.fill(3, by="ann")
    (refused,) = door.ask(Wish("ann"))
    newest = select(AuditRow).order_by(col(AuditRow.seq).desc()).limit(1)
    row = door.database.read_now(lambda s: s.exec(newest).one())
    assert (row.action, row.subject, row.detail["outcome"]) == ("test", refused.key, "limited")
    assert refused.key.endswith(":limited")
    assert door.database.read_now(lambda s: audit.verify(s, KEY)).ok


def test_nothing_is_written_before_it_is_known_what_to_say(door: Door) -> None:
    door.fill(2, by="ann")
    said = door.said(Wish("ann"), Wish("ann"))
    with pytest.raises(NoRoom) as found:
        door.database.write_now(lambda s: door.commit(s, said, None))
    assert found.value.full.bound is Bound.PERSON
    assert door.queued() == 2
    written = door.database.write_now(lambda s: door.commit(s, said))
    assert bound_of(written) == [None, Bound.PERSON]


def test_a_refusal_is_said_once_however_often_it_is_handled(door: Door) -> None:
    door.fill(3, by="ann")
    said = door.said(Wish("ann"))
    door.database.write_now(lambda s: door.commit(s, said))
    with pytest.raises(Superseded):
        door.database.write_now(lambda s: door.commit(s, said))


def test_a_job_that_comes_back_needs_no_room(door: Door) -> None:
    first, *_ = door.fill(8)
    leased = door.database.write_now(lambda s: ledger.lease(s, first, "w", door.now))
    assert isinstance(leased, Leased)
    door.ask(Wish("zoe", "o/z"))
    door.database.write_now(lambda s: ledger.hand_back(s, leased, door.now))
    assert door.queued() == 9
    assert bound_of(door.ask(Wish("yan", "o/y"))) == [Bound.LINE]


async def test_two_gateways_at_once_never_take_one_too_many(door: Door) -> None:
    said = [door.said(*[Wish(f"p{n}", f"o/{n}-{k}") for k in range(2)]) for n in range(24)]
    writes = [
        door.gateways[number % 2].write(lambda s, one=one: door.commit(s, one))
        for number, one in enumerate(said)
    ]
    written = [one for each in await asyncio.gather(*writes) for one in each]
    assert Counter(bound_of(written)) == {None: 8, Bound.LINE: 40}
    assert door.queued() == 8


async def test_two_gateways_at_once_keep_to_one_persons_share(door: Door) -> None:
    said = [door.said(Wish("ann", f"o/{number}")) for number in range(12)]
    writes = [
        door.gateways[number % 2].write(lambda s, one=one: door.commit(s, one))
        for number, one in enumerate(said)
    ]
    written = [one for each in await asyncio.gather(*writes) for one in each]
    assert Counter(bound_of(written)) == {None: 3, Bound.PERSON: 9}


async def test_a_gateway_that_stops_in_the_middle_keeps_nobody_waiting_for_long(
    door: Door,
) -> None:
    if door.database.is_sqlite:
        pytest.skip("a stopped process holds SQLite's own lock; BUSY_MS bounds that wait")
    is_held, may_go_on = threading.Event(), threading.Event()

    def stop_in_the_middle(session: Session) -> None:
        bounds.hold(session)
        is_held.set()
        may_go_on.wait(20)

    stopped = asyncio.ensure_future(door.gateways[1].write(stop_in_the_middle))
    await asyncio.to_thread(is_held.wait, 20)
    said = door.said(Wish())
    async with asyncio.timeout(2 * IDLE_MS / 1000):
        written = await door.database.write(lambda s: door.commit(s, said))
    assert bound_of(written) == [None]
    may_go_on.set()
    with pytest.raises(DBAPIError):
        await stopped
