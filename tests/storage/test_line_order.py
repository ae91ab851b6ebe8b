"""The fair order: as a naive reading of its rules has it, and nobody starves."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete
from sqlmodel import Session, SQLModel

from storage import line
from storage.database import Database
from storage.ids import JobId
from storage.states import JobState
from storage.tables.inbox import InboxRow
from storage.tables.jobs import JobRow, OutboxRow
from storage.tables.people import PersonRow

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
EVERYBODY = 10_000


@dataclass
class Asked:
    """A job as the order sees it; times are seconds before now."""

    person: int
    repository: int
    urgency: int
    age_s: int
    state: JobState = JobState.QUEUED
    started_age_s: int | None = None


jobs = st.builds(
    Asked,
    person=st.integers(1, 4),
    repository=st.integers(1, 3),
    urgency=st.integers(0, 1),
    age_s=st.integers(0, 2 * int(line.AGED_S)),
)
started = st.builds(
    Asked,
    person=st.integers(1, 5),
    repository=st.integers(1, 4),
    urgency=st.integers(0, 1),
    age_s=st.integers(9_000, 10_000),
    state=st.sampled_from([JobState.RUNNING, JobState.SUCCEEDED]),
    started_age_s=st.integers(0, 8_000),
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database whose rows one example leaves to the next."""
    path: Path = tmp_path_factory.mktemp("line") / "gryph.db"
    database = Database(f"sqlite:///{path}")
    SQLModel.metadata.create_all(database.engine)
    yield database
    database.close()


def write(session: Session, asked: list[Asked]) -> None:
    """These jobs and no others."""
    for table in (OutboxRow, JobRow, InboxRow, PersonRow):
        session.connection().execute(delete(table))
    for person in {job.person for job in asked}:
        session.add(PersonRow(id=person, name=f"p{person}", created_at=NOW))
    session.flush()
    for number, job in enumerate(asked):
        _write_one(session, number, job)


def _write_one(session: Session, number: int, job: Asked) -> None:
    at = NOW - timedelta(seconds=job.age_s)
    started_at = job.started_age_s
    session.add(InboxRow(id=number + 1, platform="x", payload={}, received_at=at, next_try_at=at))
    session.flush()
    session.add(
        JobRow(
            id=f"J{number:06d}",
            inbox_id=number + 1,
            line_number=0,
            verb="test",
            line="test",
            queue="cpu",
            request={},
            invocation={},
            person_id=job.person,
            repository=f"o/{job.repository}",
            urgency=job.urgency,
            state=job.state,
            created_at=at,
            started_at=None if started_at is None else NOW - timedelta(seconds=started_at),
        )
    )
    session.flush()
    if job.state is JobState.QUEUED:
        session.add(OutboxRow(job_id=f"J{number:06d}", not_before=NOW))


class Reading:
    """The rules of `storage.line`, read naively."""

    def __init__(self, asked: list[Asked]) -> None:
        """Of these jobs."""
        self._asked = asked
        self._waiting = [n for n, job in enumerate(asked) if job.state is JobState.QUEUED]

    def order(self) -> list[int]:
        """The numbers of the waiting jobs, first in line first."""
        persons = {n: self._person_turn(n) for n in self._waiting}
        key = {n: (self._class(n), persons[n], self._unserved(n)[0], n) for n in self._waiting}
        repositories = {n: self._repository_turn(n, key) for n in self._waiting}
        return sorted(
            self._waiting,
            key=lambda n: (
                self._class(n),
                max(persons[n], repositories[n]),
                max(self._unserved(n)),
                n,
            ),
        )

    def _class(self, n: int) -> int:
        job = self._asked[n]
        return job.urgency if job.age_s < line.AGED_S else 0

    def _person_turn(self, n: int) -> int:
        job = self._asked[n]
        own = [k for k in self._waiting if self._asked[k].person == job.person]
        own.sort(key=lambda k: (self._class(k), -self._asked[k].age_s, k))
        runs = Counter(j.person for j in self._asked if j.state is JobState.RUNNING)
        return own.index(n) + 1 + runs[job.person]

    def _repository_turn(self, n: int, key: dict[int, tuple[int, int, int, int]]) -> int:
        job = self._asked[n]
        same = [k for k in self._waiting if self._asked[k].repository == job.repository]
        runs = Counter(j.repository for j in self._asked if j.state is JobState.RUNNING)
        return sorted(same, key=key.__getitem__).index(n) + 1 + runs[job.repository]

    def _unserved(self, n: int) -> tuple[int, int]:
        """Since when the person, and the repository, were not served, in seconds from now."""
        job = self._asked[n]
        served = [j for j in self._asked if j.started_age_s is not None]
        person = [-(j.started_age_s or 0) for j in served if j.person == job.person]
        repository = [-(j.started_age_s or 0) for j in served if j.repository == job.repository]
        asked = -job.age_s
        return max([asked, *person]), max([asked, *repository])


def place_names(database: Database) -> list[JobId]:
    """The line as the database orders it."""
    turns = database.read_now(lambda s: line.first(s, NOW, EVERYBODY))
    return [turn.job for turn in turns]


@settings(max_examples=60, deadline=None)
@given(st.lists(jobs, max_size=14), st.lists(started, max_size=6))
def test_the_order_is_what_its_rules_say(
    shared: Database, waiting: list[Asked], served: list[Asked]
) -> None:
    asked = waiting + served
    shared.write_now(lambda s: write(s, asked))
    assert place_names(shared) == [f"J{n:06d}" for n in Reading(asked).order()]


def test_one_job_beside_five_hundred_of_another_person_is_among_the_first_three(
    shared: Database,
) -> None:
    rng = random.Random(7)  # noqa: S311 - no secret
    flood = [Asked(1, rng.randint(1, 40), 0, 900 - n) for n in range(500)]
    for own_repository in (50, flood[0].repository):
        asked = [*flood, Asked(2, own_repository, 0, 0)]
        shared.write_now(lambda s, asked=asked: write(s, asked))
        assert place_names(shared).index(JobId("J000500")) <= 2
