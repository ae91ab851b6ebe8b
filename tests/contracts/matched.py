"""Suggestions that tests decide about."""

from datetime import UTC, datetime

from sqlmodel import Session

from storage import matches, people
from storage.ids import JobId, PersonId
from storage.matches import About, Actor, Named, Suggested
from storage.states import JobState
from storage.tables.jobs import JobRow
from storage.tables.matching import MatchRow
from tests.contracts.samples import add_job

NOW = datetime(2026, 12, 4, 12, tzinfo=UTC)
JOB = JobId("J000001")
ANA, BO, CY = (
    Named("ana@home", "Ana Lovelace", "ana", ("4 of 6 files changed in the last 90 days",)),
    Named("bo@home", "Bo Diddley", "bo"),
    Named("cy@home", "Cy Twombly"),
)
DEE = Named("dee@home", "Dee Dee", "deedee")
ABOUT = About(("src/a.py",), ("reconnect",), {ANA.key: 0.7, BO.key: 0.3}, author="Eve")


def known(session: Session, login: str) -> PersonId:
    """Somebody with an account on the code host."""
    return people.person_of(session, platform="github", account=login, name=login, now=NOW)


def actor(session: Session, login: str) -> Actor:
    """The same, doing something."""
    return matches.actor_of(session, known(session, login), login)


def suggested(
    session: Session,
    job: str = JOB,
    *,
    number: int | None = 12,
    mode: str = "author",
    repository: str = "o/r",
) -> MatchRow:
    """A job that named Ana, with Bo and Cy behind her."""
    add_job(session, job, known(session, "asker"), NOW)
    row = session.get_one(JobRow, job)
    row.state = JobState.SUCCEEDED
    target = matches.target_of(number=number, path="src/a.py")
    found = Suggested(
        job=JobId(job),
        repository=repository,
        target=target,
        named=f"#{number}" if number else "src/a.py",
        people=(ANA, BO, CY),
        confidence=0.7,
        mode=mode,
        number=number,
        is_pull=mode == "reviewer",
        second=BO.key,
        about=ABOUT,
        others=(DEE,),
    )
    matches.suggest(session, found, NOW)
    held = matches.hold(session, JobId(job), target)
    assert held is not None
    return held
