"""What is old is forgotten, what is not stays, on both databases."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, SQLModel, col, select

from storage import (
    audit,
    availability,
    console,
    deliveries,
    feedback,
    inbox,
    ledger,
    matches,
    people,
    retention,
)
from storage.audit import Entry
from storage.availability import Absence
from storage.console import MessageKind, NewMessage
from storage.database import Database
from storage.deliveries import Message
from storage.feedback import Vote
from storage.ids import JobId
from storage.inbox import Taken
from storage.ledger import Ending
from storage.matches import Named, Suggested
from storage.retention import Kept
from storage.states import JobState
from storage.tables import (
    AbsenceRow,
    AuditRow,
    ConsoleMessageRow,
    DeliveryRow,
    FeedbackRow,
    InboxKeyRow,
    InboxRow,
    JobEventRow,
    JobRow,
    MatchRow,
    PostedMessageRow,
)
from tests.jobs.asked import ask

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEPT = Kept(events=timedelta(days=30), artifacts=timedelta(days=90), jobs=timedelta(days=365))
KEY = b"k" * 32


def count(session: Session, table: type[SQLModel]) -> int:
    return session.exec(select(func.count()).select_from(table)).one()


def counts(database: Database, *tables: type[SQLModel]) -> list[int]:
    return database.read_now(lambda s: [count(s, table) for table in tables])


def job_of(session: Session, at: datetime) -> JobId:
    """A finished job of a time, with everything that hangs on one."""
    job = ask(session, now=at)
    lease = ledger.lease(session, job, "w", at)
    assert isinstance(lease, ledger.Leased)
    done = Ending(JobState.SUCCEEDED, "done", {"summary": "done", "blocks": []})
    ledger.finish(session, lease, done, at)
    row = session.get_one(DeliveryRow, job)
    deliveries.posted(session, row, Message(f"m-{job}", "result", "slack", {}, {}), at)
    ann = people.person_of(session, platform="slack", account="U-ann", name="ann", now=at)
    feedback.vote(session, job, ann, Vote(1, "reaction:+1"), at)
    named = (Named("ana@home", "Ana Lovelace"),)
    matches.suggest(session, Suggested(job, "o/r", "#1", "#1", named, 0.5), at)
    return job


def handled(session: Session, key: str, at: datetime) -> None:
    taken: Taken = inbox.claim(session, "slack", {}, [key], at, holder="g")
    inbox.finish(session, taken, at)


async def test_an_old_job_goes_with_all_that_hangs_on_it(database: Database) -> None:
    old = NOW - timedelta(days=366)
    gone = await database.write(lambda s: job_of(s, old))
    stays = await database.write(lambda s: job_of(s, NOW - timedelta(days=364)))
    await retention.forget(database, KEPT, NOW)
    assert await database.read(lambda s: ledger.get(s, gone)) is None
    assert await database.read(lambda s: ledger.get(s, stays)) is not None
    tables = (JobEventRow, DeliveryRow, PostedMessageRow, FeedbackRow, MatchRow)
    assert counts(database, *tables) == [3, 1, 1, 1, 1]


async def test_an_absence_that_is_over_is_forgotten_after_a_month(database: Database) -> None:
    def away(session: Session) -> None:
        ann = people.person_of(session, platform="slack", account="U-ann", name="ann", now=NOW)
        for days in (31, 29, -9):
            day = (NOW - timedelta(days=days)).date()
            availability.add_absence(session, ann, Absence(day, day))

    await database.write(away)
    await retention.forget(database, KEPT, NOW)
    assert counts(database, AbsenceRow) == [2]


async def test_a_job_that_is_not_over_stays_however_old(database: Database) -> None:
    await database.write(lambda s: ask(s, now=NOW - timedelta(days=800)))
    await retention.forget(database, KEPT, NOW)
    assert counts(database, JobRow) == [1]


async def test_handled_events_and_their_keys_go_after_a_month(database: Database) -> None:
    await database.write(lambda s: handled(s, "old", NOW - timedelta(days=31)))
    await database.write(lambda s: handled(s, "new", NOW - timedelta(days=29)))
    unhandled = NOW - timedelta(days=31)
    await database.write(lambda s: inbox.claim(s, "slack", {}, ["due"], unhandled, holder=None))
    await retention.forget(database, KEPT, NOW)
    assert counts(database, InboxRow, InboxKeyRow) == [2, 2]


async def test_the_event_of_a_kept_job_is_kept(database: Database) -> None:
    def old_job(session: Session) -> None:
        job_of(session, NOW - timedelta(days=60))
        for row in session.exec(select(InboxRow)).all():
            row.handled_at = NOW - timedelta(days=60)

    await database.write(old_job)
    await retention.forget(database, KEPT, NOW)
    assert counts(database, JobRow, InboxRow) == [1, 1]


async def test_old_answers_and_threads_go(database: Database) -> None:
    def talk(session: Session) -> None:
        for name, at in (("old", NOW - timedelta(days=400)), ("new", NOW)):
            deliveries.open_answer(session, f"answer:{name}", "slack", {}, {}, at)
            deliveries.take(session, f"answer:{name}", "g", at)
            deliveries.note(session, f"answer:{name}", "g", finished_at=at)
            console.open_conversation(session, name, "ann", at)
            console.add(session, NewMessage(name, name, MessageKind.PERSON, {}), at)

    await database.write(talk)
    await retention.forget(database, KEPT, NOW)
    assert counts(database, DeliveryRow, ConsoleMessageRow) == [1, 1]


async def test_many_rows_go_in_small_transactions(database: Database) -> None:
    old = NOW - timedelta(days=40)

    def many(session: Session) -> None:
        for number in range(retention.AT_ONCE + 50):
            handled(session, f"k{number}", old)

    await database.write(many)
    assert await database.write(lambda s: retention.events(s, NOW)) == retention.AT_ONCE
    await retention.forget(database, KEPT, NOW)
    assert counts(database, InboxRow) == [0]


async def test_the_audit_log_is_for_good(database: Database) -> None:
    ancient = NOW - timedelta(days=4000)
    await database.write(lambda s: audit.append(s, KEY, Entry("a", "b", "c"), ancient))
    await retention.forget(database, KEPT, NOW)
    assert await database.read(lambda s: s.exec(select(col(AuditRow.seq))).all()) == [1]
