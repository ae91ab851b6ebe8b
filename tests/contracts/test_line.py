"""The fair order, on both databases: who is served next, and who waits for whom."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from sqlmodel import Session

from storage import inbox, ledger, line, people
from storage.database import Database
from storage.ids import JobId
from storage.ledger import Ending, Leased, NewJob
from storage.line import Pace
from storage.states import JobState, Urgency
from storage.tables.jobs import OutboxRow

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DONE = Ending(JobState.SUCCEEDED, "", {"summary": "ok", "blocks": []})
EVERYBODY = 1_000


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@dataclass
class Town:
    """People who ask, a worker that takes what is next, and a clock."""

    database: Database
    now: datetime = NOW
    names: dict[JobId, str] = field(default_factory=dict[JobId, str])
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def ask(
        self,
        person: str,
        repository: str = "o/r",
        urgency: Urgency = Urgency.PERSON,
        queue: str = "cpu",
    ) -> JobId:
        """One more job, a second after the last thing that happened."""
        self.now += timedelta(seconds=1)
        job = self.database.write_now(lambda s: self._ask(s, person, repository, urgency, queue))
        self.names[job] = person
        return job

    def _ask(
        self, session: Session, person: str, repository: str, urgency: Urgency, queue: str
    ) -> JobId:
        taken = inbox.claim(
            session, "console", {}, [f"key-{next(self._numbers)}"], self.now, holder="g"
        )
        asker = people.person_of(
            session, platform="console", account=person, name=person, now=self.now
        )
        new = NewJob(
            inbox_id=taken.id,
            line_number=0,
            verb="test",
            line="test a.py",
            queue=queue,
            request={},
            invocation={},
            person=asker,
            platform="console",
            place={},
            repository=repository,
            urgency=urgency,
        )
        return JobId(ledger.create(session, new, self.now).id)

    def line(self, most: int = EVERYBODY, queue: str = "cpu") -> str:
        """Whose jobs stand in line, in order: one letter each."""
        turns = self.database.read_now(lambda s: line.first(s, self.now, most))
        return "".join(self.names[turn.job] for turn in turns if turn.queue == queue)

    def start(self, job: JobId | None = None) -> Leased:
        """A worker takes a job: the first in line, unless one is named."""
        self.now += timedelta(seconds=1)

        def take(session: Session) -> Leased:
            chosen = job or line.first(session, self.now, 1)[0].job
            ledger.clear(session, chosen, self.now)
            leased = ledger.lease(session, chosen, "w", self.now)
            assert isinstance(leased, Leased)
            return leased

        return self.database.write_now(take)

    def end(self, leased: Leased, took_s: float = 1.0) -> None:
        """It is done."""
        self.now += timedelta(seconds=took_s)
        self.database.write_now(lambda s: ledger.finish(s, leased, DONE, self.now))

    def serve(self, jobs: int) -> str:
        """With a single slot: who is served, one after the other."""
        served = ""
        for _ in range(jobs):
            leased = self.start()
            served += self.names[leased.job]
            self.end(leased)
        return served


@pytest.fixture
def town(database: Database) -> Town:
    return Town(database)


def test_one_persons_jobs_stand_in_the_order_they_were_asked_in(town: Town) -> None:
    asked = [town.ask("a") for _ in range(4)]
    turns = town.database.read_now(lambda s: line.first(s, town.now, EVERYBODY))
    assert [turn.job for turn in turns] == asked
    assert [turn.place for turn in turns] == [1, 2, 3, 4]
    assert all(turn.is_due for turn in turns)


def test_a_newcomer_stands_before_the_second_job_of_a_flood(town: Town) -> None:
    for number in range(5):
        town.ask("a", f"o/a{number}")
    town.ask("b", "o/b")
    assert town.line() == "abaaaa"


def test_with_a_single_slot_people_alternate_whatever_they_asked_for_before(town: Town) -> None:
    for _ in range(5):
        town.ask("a", "o/a")
    for _ in range(3):
        town.ask("b", "o/b")
    assert town.serve(8) == "abababaa"


def test_in_one_repository_people_alternate_too(town: Town) -> None:
    for person in "aaaaabb":
        town.ask(person)
    assert town.serve(7) == "ababaaa"


def test_what_a_person_has_running_counts(town: Town) -> None:
    for _ in range(4):
        town.ask("a", "o/a")
    town.start()
    town.start()
    town.ask("b", "o/b")
    town.ask("b", "o/b")
    assert town.line() == "bbaa"


def test_many_people_in_one_repository_do_not_starve_another_one(town: Town) -> None:
    for person in "abcdef":
        town.ask(person, "o/busy")
        town.ask(person, "o/busy")
    for _ in range(3):
        town.ask("z", "o/quiet")
    assert town.serve(6) == "azbzcz"


def test_one_person_in_many_repositories_does_not_starve_another_one(town: Town) -> None:
    for number in range(6):
        town.ask("a", f"o/a{number}")
    for _ in range(3):
        town.ask("b", "o/b")
    assert town.serve(6) == "ababab"


def test_a_crowd_of_newcomers_does_not_overtake_who_waits(town: Town) -> None:
    town.ask("a", "o/a")
    town.ask("a", "o/a")
    served = town.serve(1)
    for person in "bcdefgh":
        town.ask(person, f"o/{person}")
        served += town.serve(1)
    assert served == "aabcdefg"


def test_people_who_wait_go_before_what_was_scheduled(town: Town) -> None:
    for person in "AB":
        town.ask(person, f"o/{person}", Urgency.BACKGROUND)
    town.ask("c", "o/c")
    town.ask("c", "o/c")
    assert town.line() == "ccAB"


def test_a_persons_own_command_goes_before_their_scheduled_jobs(town: Town) -> None:
    for _ in range(3):
        town.ask("a", "o/a", Urgency.BACKGROUND)
    mine = town.ask("a", "o/a")
    assert town.database.read_now(lambda s: line.first(s, town.now, 1))[0].job == mine


def test_a_scheduled_job_that_has_waited_for_an_hour_waits_behind_nobody_new(town: Town) -> None:
    town.ask("A", "o/A", Urgency.BACKGROUND)
    town.now += timedelta(seconds=line.AGED_S - 10)
    town.ask("b", "o/b")
    assert town.line() == "bA"
    town.now += timedelta(seconds=10)
    town.ask("c", "o/c")
    assert town.line() == "Abc"


def test_a_retry_after_a_lost_worker_keeps_its_place(town: Town) -> None:
    first = town.ask("a", "o/a")
    town.ask("a", "o/a")
    town.start()
    town.now += timedelta(seconds=ledger.LEASE_S + 1)
    town.database.write_now(lambda s: ledger.reap(s, {}, town.now))
    turns = town.database.read_now(lambda s: line.first(s, town.now, EVERYBODY))
    assert turns[0].job == first


def test_queues_have_lines_of_their_own(town: Town) -> None:
    town.ask("a", "o/a", queue="cpu")
    town.ask("b", "o/b", queue="gpu")
    town.ask("c", "o/c", queue="gpu")
    assert (town.line(), town.line(queue="gpu")) == ("a", "bc")
    assert town.line(1, "gpu") == "b"


def test_the_head_of_a_line_is_at_least_twice_what_runs(town: Town) -> None:
    for _ in range(12):
        town.ask("a", "o/a")
    for _ in range(3):
        town.start()
    assert (len(town.line(2)), len(town.line(7))) == (6, 7)


def test_a_job_that_stepped_aside_keeps_nobody_waiting_and_comes_back(town: Town) -> None:
    stuck = town.ask("a", "o/a")
    town.ask("b", "o/b")
    until = town.now + timedelta(seconds=30)
    town.database.write_now(lambda s: line.step_aside(s, stuck, until))
    assert town.line() == "b"
    town.now = until
    assert town.line() == "ab"


def test_a_rung_job_keeps_its_place_though_its_bell_is_not_due(town: Town) -> None:
    town.ask("a", "o/a")
    town.ask("b", "o/b")
    town.database.write_now(lambda s: ledger.due_rings(s, town.now))
    turns = town.database.read_now(lambda s: line.first(s, town.now, EVERYBODY))
    assert [(town.names[turn.job], turn.is_due) for turn in turns] == [("a", False), ("b", False)]


def test_only_the_bells_asked_for_are_rung(town: Town) -> None:
    first, second = town.ask("a"), town.ask("b")
    rings = town.database.write_now(lambda s: ledger.due_rings(s, town.now, [second]))
    assert [ring.job for ring in rings] == [second]
    bell = town.database.read_now(lambda s: s.get(OutboxRow, first))
    assert bell is not None
    assert bell.attempts == 0


def test_a_look_tells_everybody_how_many_stand_before_them(town: Town) -> None:
    jobs = [town.ask("a", "o/a") for _ in range(3)]
    seen = town.database.read_now(lambda s: line.look(s, town.now))
    assert [seen.ahead[job] for job in jobs] == [0, 1, 2]
    assert seen.paces == {"cpu": Pace(queued=3)}
    assert seen.wait_s(jobs[2], "cpu") is None


def test_the_expected_wait_comes_from_how_long_jobs_took_and_how_many_run(town: Town) -> None:
    jobs = [town.ask("a", "o/a") for _ in range(8)]
    for took_s in (5, 10, 60):
        town.end(town.start(), took_s)
    town.start()
    town.start()
    seen = town.database.read_now(lambda s: line.look(s, town.now))
    assert seen.paces == {"cpu": Pace(queued=3, running=2, typical_s=10.0)}
    assert [seen.wait_s(job, "cpu") for job in jobs[5:]] == [5.0, 10.0, 15.0]
