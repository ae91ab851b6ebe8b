"""Approvals on both databases."""

from datetime import UTC, datetime

from sqlmodel import Session

from storage import approvals, people
from storage.database import Database
from storage.tables.people import PersonRow
from storage.tables.trust import ApprovalRow

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SHA = "0123456789abcdef0123456789abcdef01234567"


def approve(session: Session) -> None:
    person = people.person_of(session, platform="github", account="1", name="ann", now=NOW)
    approvals.approve(session, "Owner/Name", 7, SHA, person, NOW)


async def test_an_approved_commit_may_run(database: Database) -> None:
    await database.write(approve)
    by = await database.read(lambda s: approvals.approved_by(s, "owner/name", 7, SHA.upper()))
    assert by is not None


async def test_the_next_push_another_number_or_repository_may_not(database: Database) -> None:
    await database.write(approve)
    others = (("Owner/Name", 7, "f" * 40), ("Owner/Name", 8, SHA), ("Owner/Other", 7, SHA))
    for other in others:
        by = await database.read(lambda s, key=other: approvals.approved_by(s, *key))
        assert by is None


async def test_only_a_full_sha_matches(database: Database) -> None:
    await database.write(approve)
    by = await database.read(lambda s: approvals.approved_by(s, "Owner/Name", 7, SHA[:12]))
    assert by is None


async def test_the_newest_approval_of_a_commit_counts(database: Database) -> None:
    def approve_again(session: Session) -> str | None:
        other = people.person_of(session, platform="github", account="2", name="bob", now=NOW)
        approvals.approve(session, "owner/name", 7, SHA, other, NOW)
        row = session.get_one(ApprovalRow, ("owner/name", 7, SHA))
        return session.get_one(PersonRow, row.approved_by).name

    await database.write(approve)
    assert await database.write(approve_again) == "bob"
