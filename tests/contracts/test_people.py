"""People on both databases."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, SQLModel, col, select

from storage import approvals, feedback, people, wishes
from storage.database import Database
from storage.feedback import Vote
from storage.ids import JobId, PersonId
from storage.people import Account, LinkRefused
from storage.tables.inbox import InboxRow
from storage.tables.jobs import JobRow
from storage.tables.people import LinkCodeRow, PersonRow
from tests.contracts.samples import add_job

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BOB = "github:bob"
"""The account that the codes are made for."""


def ann(session: Session) -> PersonId:
    return people.person_of(session, platform="slack", account="T1:U1", name="Ann", now=NOW)


def bob(session: Session) -> PersonId:
    return people.person_of(session, platform="github", account="77", name="bob", now=NOW)


async def test_an_account_is_the_same_person_every_time(database: Database) -> None:
    first = await database.write(ann)
    assert await database.write(ann) == first
    assert await database.write(bob) != first


async def test_the_same_account_name_on_another_platform_is_somebody_else(
    database: Database,
) -> None:
    def on(platform: str) -> PersonId:
        return database.write_now(
            lambda s: people.person_of(s, platform=platform, account="1", name="x", now=NOW)
        )

    assert on("slack") != on("discord")


async def test_a_new_display_name_is_followed(database: Database) -> None:
    person = await database.write(ann)
    await database.write(
        lambda s: people.person_of(s, platform="slack", account="T1:U1", name="Ann B.", now=NOW)
    )
    accounts = await database.read(lambda s: people.accounts_of(s, person))
    assert accounts == [Account("slack", "T1:U1", "Ann B.")]


async def test_many_first_messages_at_once_make_one_person(database: Database) -> None:
    seen = await asyncio.gather(*(database.write(ann) for _ in range(20)))
    assert len(set(seen)) == 1
    assert len(await database.read(lambda s: s.exec(select(PersonRow)).all())) == 1


async def test_two_processes_that_meet_an_account_agree_on_the_person(
    database: Database, database_url: str
) -> None:
    other = Database(database_url)
    try:
        writers = [database, other] * 10
        seen = await asyncio.gather(*(writer.write(ann) for writer in writers))
    finally:
        other.close()
    assert len(set(seen)) == 1


async def test_nothing_granted_is_no_tier(database: Database) -> None:
    person = await database.write(ann)
    assert await database.read(lambda s: people.tier_in(s, person, ["slack:T1"])) is None


async def test_the_highest_grant_of_the_scopes_counts(database: Database) -> None:
    def work(session: Session) -> list[int | None]:
        person, admin = ann(session), bob(session)
        people.grant(session, person, "slack:T1", 2, admin, NOW)
        people.grant(session, person, "github:o/r", 4, admin, NOW)
        scopes = (["slack:T1"], ["slack:T1", "github:o/r"], ["discord:8"], list[str]())
        return [people.tier_in(session, person, scope) for scope in scopes]

    assert await database.write(work) == [2, 4, None, None]


async def test_a_grant_for_everywhere_counts_in_every_scope(database: Database) -> None:
    def work(session: Session) -> int | None:
        person = ann(session)
        people.grant(session, person, people.EVERYWHERE, 5, person, NOW)
        return people.tier_in(session, person, ["discord:8"])

    assert await database.write(work) == 5


async def test_a_second_grant_replaces_the_first_even_downwards(database: Database) -> None:
    def work(session: Session) -> int | None:
        person = ann(session)
        for tier in (4, 2):
            people.grant(session, person, "slack:T1", tier, person, NOW)
        return people.tier_in(session, person, ["slack:T1"])

    assert await database.write(work) == 2


async def test_a_revoked_grant_is_gone_and_a_second_revoke_says_so(database: Database) -> None:
    def work(session: Session) -> tuple[bool, int | None, bool]:
        person = ann(session)
        people.grant(session, person, "slack:T1", 4, person, NOW)
        first = people.revoke(session, person, "slack:T1")
        tier = people.tier_in(session, person, ["slack:T1"])
        return first, tier, people.revoke(session, person, "slack:T1")

    assert await database.write(work) == (True, None, False)


async def test_a_linked_account_speaks_for_the_person_who_made_the_code(
    database: Database,
) -> None:
    first, second = await database.write(ann), await database.write(bob)
    code = await database.write(lambda s: people.start_link(s, first, BOB, NOW))
    assert await database.write(lambda s: people.finish_link(s, code, BOB, second, NOW)) == first
    assert await database.write(bob) == first
    assert len(await database.read(lambda s: people.accounts_of(s, first))) == 2


async def test_a_code_is_read_as_people_type_it(database: Database) -> None:
    first, second = await database.write(ann), await database.write(bob)
    code = await database.write(lambda s: people.start_link(s, first, BOB, NOW))
    typed = f" {code[:4].lower()}-{code[4:]}".replace("0", "o").replace("1", "L")
    assert await database.write(lambda s: people.finish_link(s, typed, BOB, second, NOW)) == first


async def test_only_the_digest_of_a_code_is_stored(database: Database) -> None:
    person = await database.write(ann)
    code = await database.write(lambda s: people.start_link(s, person, BOB, NOW))
    [row] = await database.read(lambda s: s.exec(select(LinkCodeRow)).all())
    assert len(code) == 8
    assert code not in row.model_dump_json()


async def test_an_unknown_code_is_refused(database: Database) -> None:
    person = await database.write(ann)
    with pytest.raises(LinkRefused, match="not known"):
        await database.write(lambda s: people.finish_link(s, "00000000", BOB, person, NOW))


async def test_a_code_is_good_for_the_named_account_alone(database: Database) -> None:
    first, second = await database.write(ann), await database.write(bob)
    code = await database.write(lambda s: people.start_link(s, first, BOB, NOW))
    with pytest.raises(LinkRefused, match="not known"):
        await database.write(lambda s: people.finish_link(s, code, "github:eve", second, NOW))
    with pytest.raises(LinkRefused, match="not known"):
        await database.write(lambda s: people.offered_by(s, code, "github:eve", NOW))
    assert await database.write(lambda s: people.offered_by(s, code, "GitHub:Bob", NOW)) == first


async def test_an_account_that_is_let_go_is_somebody_of_its_own(database: Database) -> None:
    def work(session: Session) -> tuple[bool, bool, bool]:
        first, second = ann(session), bob(session)
        people.finish_link(session, people.start_link(session, first, BOB, NOW), BOB, second, NOW)
        people.grant(session, first, "*", 5, first, NOW)
        gone = people.unlink(session, first, Account("github", "77", "bob"), NOW)
        again = people.unlink(session, first, Account("slack", "T1:U1", "Ann"), NOW)
        return gone, again, people.tier_in(session, bob(session), []) is None

    assert await database.write(work) == (True, False, True)


async def test_a_role_goes_with_the_account_it_was_given_to(database: Database) -> None:
    def work(session: Session) -> tuple[int | None, int | None]:
        first, second = ann(session), bob(session)
        people.grant(session, second, "*", 5, first, NOW)
        people.given_to(session, second, "*", "github:77")
        people.grant(session, first, "slack:T1", 2, first, NOW)
        kept = people.finish_link(
            session, people.start_link(session, first, BOB, NOW), BOB, second, NOW
        )
        assert people.tier_in(session, kept, ["slack:T1"]) == 5
        assert people.unlink(session, kept, Account("github", "77", "bob"), NOW)
        scopes = ["slack:T1"]
        return people.tier_in(session, kept, scopes), people.tier_in(session, bob(session), scopes)

    assert await database.write(work) == (2, 5)


async def test_a_code_works_once(database: Database) -> None:
    first, second = await database.write(ann), await database.write(bob)
    code = await database.write(lambda s: people.start_link(s, first, BOB, NOW))
    await database.write(lambda s: people.finish_link(s, code, BOB, second, NOW))
    third = await database.write(
        lambda s: people.person_of(s, platform="discord", account="9", name="eve", now=NOW)
    )
    with pytest.raises(LinkRefused, match="used already"):
        await database.write(lambda s: people.finish_link(s, code, BOB, third, NOW))


async def test_a_code_expires_after_ten_minutes(database: Database) -> None:
    first, second = await database.write(ann), await database.write(bob)
    code = await database.write(lambda s: people.start_link(s, first, BOB, NOW))
    late = NOW + timedelta(minutes=10)
    with pytest.raises(LinkRefused, match="expired"):
        await database.write(lambda s: people.finish_link(s, code, BOB, second, late))
    in_time = late - timedelta(seconds=1)
    assert (
        await database.write(lambda s: people.finish_link(s, code, BOB, second, in_time)) == first
    )


async def test_ones_own_code_is_refused_and_stays_good(database: Database) -> None:
    first, second = await database.write(ann), await database.write(bob)
    code = await database.write(lambda s: people.start_link(s, first, BOB, NOW))
    with pytest.raises(LinkRefused, match="your own"):
        await database.write(lambda s: people.finish_link(s, code, BOB, first, NOW))
    assert await database.write(lambda s: people.finish_link(s, code, BOB, second, NOW)) == first


async def test_a_second_code_replaces_the_first(database: Database) -> None:
    first, second = await database.write(ann), await database.write(bob)
    old = await database.write(lambda s: people.start_link(s, first, BOB, NOW))
    await database.write(lambda s: people.start_link(s, first, BOB, NOW))
    with pytest.raises(LinkRefused, match="not known"):
        await database.write(lambda s: people.finish_link(s, old, BOB, second, NOW))


async def test_linking_keeps_the_higher_of_two_roles(database: Database) -> None:
    def work(session: Session) -> list[int | None]:
        first, second = ann(session), bob(session)
        for person, scope, tier in (
            (first, "both", 2),
            (second, "both", 4),
            (first, "mine", 3),
            (second, "theirs", 5),
            (first, "high", 4),
            (second, "high", 1),
        ):
            people.grant(session, person, scope, tier, second, NOW)
        joined = people.finish_link(
            session, people.start_link(session, first, BOB, NOW), BOB, second, NOW
        )
        scopes = ("both", "mine", "theirs", "high")
        return [people.tier_in(session, joined, [scope]) for scope in scopes]

    assert await database.write(work) == [4, 3, 5, 4]


async def test_linking_moves_jobs_votes_approvals_and_wishes(database: Database) -> None:
    def work(session: Session) -> PersonId:
        first, second = ann(session), bob(session)
        add_job(session, "J000001", first, NOW)
        add_job(session, "J000002", second, NOW)
        later = NOW + timedelta(minutes=1)
        one, two = JobId("J000001"), JobId("J000002")
        feedback.vote(session, one, first, Vote(1, "button"), NOW)
        feedback.vote(session, one, second, Vote(-1, "button"), later)
        feedback.vote(session, two, first, Vote(1, "button"), later)
        feedback.vote(session, two, second, Vote(-1, "button"), NOW)
        approvals.approve(session, "o/r", 7, "a" * 40, second, NOW)
        wishes.put(session, f"person:{second}", "style", "unittest", NOW)
        wishes.put(session, f"person:{second}", "budget", "9", NOW)
        wishes.put(session, f"person:{first}", "style", "pytest", NOW)
        return people.finish_link(
            session, people.start_link(session, first, BOB, NOW), BOB, second, NOW
        )

    joined = await database.write(work)

    def left(session: Session) -> object:
        owners = session.exec(select(JobRow.person_id).order_by(col(JobRow.id))).all()
        tallies = [feedback.tally(session, JobId(job)) for job in ("J000001", "J000002")]
        wished = wishes.of_scope(session, f"person:{joined}")
        approved = approvals.approved_by(session, "o/r", 7, "a" * 40)
        return list(owners), [(t.up, t.down) for t in tallies], wished, approved

    expected_wishes = {"budget": "9", "style": "pytest"}
    assert await database.read(left) == ([joined] * 2, [(0, 1), (1, 0)], expected_wishes, joined)
    assert len(await database.read(lambda s: s.exec(select(PersonRow)).all())) == 1


def test_every_reference_to_a_person_is_one_that_linking_moves() -> None:
    references = {
        f"{table.name}.{key.parent.name}"
        for table in SQLModel.metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name == PersonRow.__tablename__
    }
    assert references == {
        "absences.person_id",
        "accounts.person_id",
        "approvals.approved_by",
        "feedback.person_id",
        "jobs.person_id",
        "link_codes.person_id",
        "matches.decided_by",
        "roles.granted_by",
        "roles.person_id",
        "web_sessions.person_id",
    }


async def test_crossed_links_join_two_people_once(database: Database) -> None:
    first, second = await database.write(ann), await database.write(bob)
    one = await database.write(lambda s: people.start_link(s, first, BOB, NOW))
    two = await database.write(lambda s: people.start_link(s, second, BOB, NOW))
    outcomes = await asyncio.gather(
        database.write(lambda s: people.finish_link(s, one, BOB, second, NOW)),
        database.write(lambda s: people.finish_link(s, two, BOB, first, NOW)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, LinkRefused) for outcome in outcomes) == 1
    assert await database.write(ann) == await database.write(bob)


async def test_a_refused_event_leaves_no_person_behind(database: Database) -> None:
    def work(session: Session) -> None:
        ann(session)
        raise KeyError

    with pytest.raises(KeyError):
        await database.write(work)
    assert not await database.read(lambda s: s.exec(select(PersonRow)).all())
    assert not await database.read(lambda s: s.exec(select(InboxRow)).all())
