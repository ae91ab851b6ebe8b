"""Where drafts are kept, on both databases: one row, under the lease, gone with the run."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from storage import deliveries, drafts, ledger, retention
from storage.backups import rows
from storage.database import Database
from storage.drafts import Draft
from storage.ids import JobId
from storage.ledger import Leased, LostLease
from storage.states import JobState
from storage.tables.deliveries import DeliveryRow
from storage.tables.drafts import DraftRow
from tests.contracts.test_ledger import DONE, NOW, after, ask, leased


async def write(database: Database, lease: Leased, text: str) -> None:
    await database.write(lambda s: ledger.draft(s, lease, Draft(text, len(text)), after(1)))


async def kept(database: Database, job: JobId) -> tuple[int, str] | None:
    row = await database.read(lambda s: drafts.find(s, job))
    return None if row is None else (row.revision, row.text)


async def at_work(database: Database) -> tuple[JobId, Leased]:
    job = await database.write(ask)
    return job, await leased(database, job)


async def taken(database: Database, job: JobId, now: datetime) -> bool:
    """Whether there is something new to be shown, which it then is."""

    def show(session: Session) -> bool:
        errand = deliveries.take(session, job, "g1", now)
        assert errand is not None
        deliveries.note(session, job, "g1", **errand.shown)
        return errand.is_behind

    return await database.write(show)


async def test_a_draft_is_written_over_and_is_no_event(database: Database) -> None:
    job, lease = await at_work(database)
    for text in ("one", "one two", "half \ud83d and \0"):
        await write(database, lease, text)
    assert await kept(database, job) == (3, "half ? and ")
    events = await database.read(lambda s: ledger.events_after(s, job, 0))
    assert [event.text for event in events] == ["", ""]


async def test_a_draft_wakes_the_delivery(database: Database) -> None:
    job, lease = await at_work(database)
    await taken(database, job, NOW)
    await database.write(lambda s: deliveries.let_go(s, job, "g1", NOW))
    assert await database.read(lambda s: deliveries.due(s, after(2))) == []
    await write(database, lease, "one")
    assert await database.read(lambda s: deliveries.due(s, after(2))) == [job]
    assert await taken(database, job, after(2))
    assert not await taken(database, job, after(2))


@pytest.mark.parametrize("how", ["finish", "again", "hand_back", "reap"])
async def test_a_draft_goes_when_the_attempt_is_over(database: Database, how: str) -> None:
    job, lease = await at_work(database)
    await write(database, lease, "one")

    def end(session: Session) -> None:
        match how:
            case "finish":
                ledger.finish(session, lease, DONE, after(2))
            case "again":
                ledger.again(session, lease, "later", 0.0, after(2))
            case "hand_back":
                ledger.hand_back(session, lease, after(2))
            case _:
                ledger.reap(session, {}, after(600))

    await database.write(end)
    assert await kept(database, job) is None
    with pytest.raises(LostLease):
        await write(database, lease, "too late")
    assert await kept(database, job) is None


async def test_a_late_worker_does_not_write_over_a_newer_one(database: Database) -> None:
    job, first = await at_work(database)
    await database.write(lambda s: ledger.hand_back(s, first, NOW))
    second = await leased(database, job)
    await write(database, second, "newer")
    with pytest.raises(LostLease):
        await write(database, first, "older")
    assert await kept(database, job) == (1, "newer")


async def test_a_job_that_is_being_stopped_shows_nothing_new(database: Database) -> None:
    job, lease = await at_work(database)
    await write(database, lease, "one")
    state = await database.write(lambda s: ledger.request_cancel(s, job, "ann", {}, after(2)))
    assert state is JobState.RUNNING
    await write(database, lease, "one two")
    assert await kept(database, job) == (1, "one")


async def test_drafts_are_forgotten_with_their_job_and_in_no_backup(database: Database) -> None:
    job, lease = await at_work(database)
    await database.write(lambda s: ledger.finish(s, lease, DONE, NOW))
    await database.write(lambda s: s.add(DraftRow(job_id=job, revision=1, text="left", length=4)))
    with database.engine.connect() as connection:
        assert "drafts" not in {table.name for table in rows.tables_of(connection)}
    assert await database.write(lambda s: retention.jobs(s, NOW + timedelta(days=1))) == 1
    left = await database.read(lambda s: list(s.exec(select(DeliveryRow)).all()))
    assert (left, await kept(database, job)) == ([], None)
