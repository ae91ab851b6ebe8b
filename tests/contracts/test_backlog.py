"""What a look at the backlog finds, on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event
from sqlmodel import Session, col, update

from storage import backlog, deliveries, inbox, leases, ledger, presence
from storage.backlog import Backlog, Waiting
from storage.database import Database
from storage.ids import JobId
from storage.ledger import Leased
from storage.presence import Identity
from storage.states import JobState
from storage.tables.inbox import InboxRow
from tests.jobs.asked import ask

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


async def look(database: Database, at: datetime = NOW) -> Backlog:
    return await database.read(lambda s: backlog.look(s, at))


async def test_an_empty_installation_waits_for_nothing(database: Database) -> None:
    assert await look(database) == Backlog((), 0, None, None, None, 0, None, (), None, None, {}, {})


async def test_jobs_are_counted_by_state_with_the_oldest_one_until_they_are_over(
    database: Database,
) -> None:
    jobs = [await database.write(lambda s, n=n: ask(s, now=after(n))) for n in range(3)]
    assert await look(database) == await look(database)
    (queued,) = (await look(database)).jobs
    assert queued == Waiting(JobState.QUEUED, "cpu", "test", 3, NOW)
    assert (await look(database)).oldest_by_queue() == {"cpu": NOW}

    lease = await database.write(lambda s: ledger.lease(s, jobs[0], "w", after(3)))
    assert isinstance(lease, Leased)
    found = {each.state: each.count for each in (await look(database)).jobs}
    assert found == {JobState.QUEUED: 2, JobState.RUNNING: 1}
    assert (await look(database)).oldest_by_queue() == {"cpu": after(1)}
    assert (await look(database)).rings == 2

    ending = ledger.Ending(JobState.SUCCEEDED, "done", {})
    await database.write(lambda s: ledger.finish(s, lease, ending, after(4)))
    assert [each.state for each in (await look(database)).jobs] == [JobState.QUEUED]


async def test_an_event_that_a_try_put_off_is_unhandled_but_not_untried(
    database: Database,
) -> None:
    first = await database.write(lambda s: inbox.claim(s, "slack", {}, ["1"], NOW, holder="g"))
    await database.write(lambda s: inbox.claim(s, "slack", {}, ["2"], after(5), holder="g"))
    assert (await look(database)).event_untried_at == NOW
    await database.write(lambda s: inbox.postpone(s, first, after(60), "busy"))
    found = await look(database)
    assert (found.events, found.event_oldest_at, found.event_untried_at) == (2, NOW, after(5))
    await database.write(lambda s: inbox.finish(s, first, after(61)))
    found = await look(database)
    assert (found.events, found.event_handled_at) == (1, after(61))


async def test_a_delivery_is_overdue_when_nobody_has_looked_at_it_in_time(
    database: Database,
) -> None:
    job = await database.write(lambda s: ask(s, now=NOW))
    late = after(backlog.OVERDUE_S + 1)
    assert (await look(database, after(5))).overdue == ()
    (overdue,) = (await look(database, late)).overdue
    assert (overdue.platform, overdue.count, overdue.oldest_at) == ("slack", 1, NOW)
    assert await database.write(lambda s: deliveries.take(s, job, "g", late)) is not None
    assert (await look(database, late)).overdue == ()


async def test_a_delivery_that_its_platform_did_not_take_is_put_off_until_it_does(
    database: Database,
) -> None:
    job = await database.write(lambda s: ask(s, now=NOW))
    assert (await look(database)).put_off == {}
    errand = await database.write(lambda s: deliveries.take(s, job, "g", NOW))
    assert errand is not None
    row = errand.delivery
    await database.write(lambda s: deliveries.try_later(s, row, "g", "busy", 60, NOW))
    assert (await look(database)).put_off == {"slack": 1}
    assert await database.write(lambda s: deliveries.take(s, job, "g", after(61))) is not None
    await database.write(lambda s: deliveries.let_go(s, job, "g", after(62)))
    assert (await look(database)).put_off == {}


async def test_the_leader_is_the_holder_of_a_lease_that_lasts(database: Database) -> None:
    await database.write(lambda s: leases.acquire(s, "leader", "g", 15.0, NOW))
    assert (await look(database)).leader_until == after(15)


async def test_processes_count_while_they_beat(database: Database) -> None:
    worker = Identity.mine("worker")
    await database.write(lambda s: presence.beat(s, worker, NOW))
    assert (await look(database, after(9))).processes == {"worker": 1}
    assert (await look(database, after(11))).processes == {}


async def test_a_long_history_is_not_read(sqlite: Database) -> None:
    """Every statement of a look finds its rows by an index on what is still open."""

    def past(session: Session, job: JobId) -> None:
        session.exec(update(InboxRow).where(col(InboxRow.id) > 0).values(handled_at=NOW))
        del job

    for _ in range(3):
        await sqlite.write(lambda s: past(s, ask(s, now=NOW)))
    plans = await sqlite.read(plans_of_a_look)
    assert len(plans) > 6
    scanned = {line for line in plans if line.startswith("SCAN ")}
    small = {"SCAN outbox USING COVERING INDEX ix_outbox_not_before", "SCAN processes"}
    assert scanned == small


def plans_of_a_look(session: Session) -> list[str]:
    asked: list[tuple[str, Any]] = []

    def note(*told: Any) -> None:
        asked.append((told[2], told[3]))

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", note)
    backlog.look(session, NOW)
    event.remove(connection, "before_cursor_execute", note)
    return [
        str(row[3])
        for statement, parameters in asked
        for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
    ]
