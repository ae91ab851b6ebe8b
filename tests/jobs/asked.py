"""A job in the ledger, as a command leaves it there."""

import itertools
from datetime import datetime

from sqlmodel import Session

from handlers import Caller, Invocation, Place, Platform
from jobs.requests import Source, TestCode
from storage import inbox, ledger, people
from storage.clock import utc_now
from storage.database import Database
from storage.ids import JobId
from storage.ledger import Leased, NewJob
from storage.tables.jobs import JobEventRow, JobRow

_numbers = itertools.count(1)
PLACE = Place(platform=Platform.SLACK, workspace="T1", channel="C1")
ANN = Caller(platform=Platform.SLACK, account="U-ann", name="ann")


def ask(
    session: Session,
    *,
    repository: str = "o/r",
    now: datetime | None = None,
    line: str = "test",
    by: str = "ann",
) -> JobId:
    """One more job, of Ann's unless somebody else is named."""
    now = now or utc_now()
    number = next(_numbers)
    taken = inbox.claim(session, "slack", {}, [f"asked-{number}"], now, holder="g")
    person = people.person_of(session, platform="slack", account=f"U-{by}", name=by, now=now)
    said = Invocation(caller=ANN, place=PLACE, text=line, addressed=True, received_at=now)
    request = TestCode(source=Source(repository=repository), path="a.py")
    new = NewJob(
        inbox_id=taken.id,
        line_number=0,
        verb="test",
        line=line,
        queue="cpu",
        request=request.model_dump(mode="json"),
        invocation=said.model_dump(mode="json"),
        person=person,
        platform="slack",
        place=PLACE.model_dump(mode="json"),
        repository=repository,
    )
    return JobId(ledger.create(session, new, now).id)


async def asked(database: Database) -> JobId:
    """A queued job."""
    return await database.write(ask)


async def leased(database: Database, job: JobId, owner: str = "w") -> Leased:
    """The job in a worker's hands."""
    lease = await database.write(lambda s: ledger.lease(s, job, owner, utc_now()))
    assert isinstance(lease, Leased)
    return lease


async def row_of(database: Database, job: JobId) -> JobRow:
    """The job as it is now."""
    row = await database.read(lambda s: ledger.get(s, job))
    assert row is not None
    return row


async def events_of(database: Database, job: JobId) -> list[JobEventRow]:
    """Everything that happened to it."""
    return list(await database.read(lambda s: ledger.events_after(s, job, 0)))
