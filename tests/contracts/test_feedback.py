"""Votes on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session

from storage import feedback, people
from storage.database import Database
from storage.feedback import Tally, Vote
from storage.ids import ArtifactId, JobId, PersonId
from storage.tables.feedback import FeedbackRow
from tests.contracts.samples import add_job

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
JOB = JobId("J000001")


def two_people_and_a_job(session: Session) -> tuple[PersonId, PersonId]:
    first, second = (
        people.person_of(session, platform="slack", account=account, name=account, now=NOW)
        for account in ("U1", "U2")
    )
    add_job(session, JOB, first, NOW)
    return first, second


async def test_votes_are_counted_by_their_side(database: Database) -> None:
    def work(session: Session) -> list[Tally]:
        first, second = two_people_and_a_job(session)
        tallies = [feedback.tally(session, JOB)]
        for person, value in ((first, 1), (second, -1)):
            feedback.vote(session, JOB, person, Vote(value, "button"), NOW)
            tallies.append(feedback.tally(session, JOB))
        return tallies

    assert await database.write(work) == [Tally(0, 0), Tally(1, 0), Tally(1, 1)]


async def test_a_new_vote_replaces_the_persons_earlier_one(database: Database) -> None:
    def work(session: Session) -> tuple[Tally, FeedbackRow | None]:
        person, _ = two_people_and_a_job(session)
        feedback.vote(session, JOB, person, Vote(1, "reaction:+1"), NOW)
        said = Vote(-1, "command", "flaky", ArtifactId("A1"))
        feedback.vote(session, JOB, person, said, NOW)
        return feedback.tally(session, JOB), session.get(FeedbackRow, (JOB, person))

    tally, row = await database.write(work)
    assert tally == Tally(0, 1)
    assert row is not None
    assert (row.comment, row.artifact_id, row.source) == ("flaky", "A1", "command")


async def test_a_removed_reaction_takes_its_own_vote_back(database: Database) -> None:
    def work(session: Session) -> tuple[bool, Tally, bool]:
        person, _ = two_people_and_a_job(session)
        feedback.vote(session, JOB, person, Vote(1, "reaction:+1"), NOW)
        removed = feedback.retract(session, JOB, person, "reaction:+1", NOW)
        left = feedback.tally(session, JOB)
        return removed, left, feedback.retract(session, JOB, person, "reaction:+1", NOW)

    assert await database.write(work) == (True, Tally(0, 0), False)


async def test_a_removed_reaction_leaves_a_vote_made_otherwise(database: Database) -> None:
    def work(session: Session) -> tuple[bool, Tally]:
        person, other = two_people_and_a_job(session)
        feedback.vote(session, JOB, person, Vote(1, "reaction:+1"), NOW)
        feedback.vote(session, JOB, person, Vote(1, "button"), NOW)
        feedback.vote(session, JOB, other, Vote(1, "reaction:+1"), NOW)
        return feedback.retract(session, JOB, person, "reaction:+1", NOW), feedback.tally(
            session, JOB
        )

    assert await database.write(work) == (False, Tally(2, 0))


async def test_a_vote_is_for_or_against(database: Database) -> None:
    def work(session: Session) -> None:
        person, _ = two_people_and_a_job(session)
        nothing: int = 0
        feedback.vote(session, JOB, person, Vote(nothing, "button"), NOW)

    with pytest.raises(ValueError, match=r"\+1 or -1"):
        await database.write(work)


async def test_a_vote_that_is_told_after_its_end_does_not_count(database: Database) -> None:
    def work(session: Session) -> Tally:
        person, _ = two_people_and_a_job(session)
        later = NOW + timedelta(seconds=3)
        feedback.retract(session, JOB, person, "reaction:+1", later)
        feedback.vote(session, JOB, person, Vote(1, "reaction:+1"), NOW)
        return feedback.tally(session, JOB)

    assert await database.write(work) == Tally(0, 0)


async def test_of_two_votes_the_later_counts_in_whatever_order_they_are_told(
    database: Database,
) -> None:
    def work(session: Session) -> Tally:
        person, _ = two_people_and_a_job(session)
        feedback.vote(session, JOB, person, Vote(-1, "reaction:-1"), NOW + timedelta(seconds=2))
        feedback.retract(session, JOB, person, "reaction:+1", NOW + timedelta(seconds=1))
        feedback.vote(session, JOB, person, Vote(1, "reaction:+1"), NOW)
        return feedback.tally(session, JOB)

    assert await database.write(work) == Tally(0, 1)
