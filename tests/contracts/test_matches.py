"""Who was named, and what became of it, on both databases."""

import asyncio
from collections.abc import Callable
from datetime import date, timedelta

from sqlmodel import Session, select

from storage import availability, matches, people, wishes
from storage.availability import Absence
from storage.database import Database
from storage.ids import JobId
from storage.match_events import Event, Happened, note
from storage.match_labels import Declined, labels_of, outcomes_of
from storage.matches import MatchState, Suggested
from storage.states import JobState
from storage.tables.jobs import JobRow
from storage.tables.matching import MatchRow
from tests.contracts.matched import ABOUT, ANA, BO, CY, JOB, NOW, actor, known, suggested
from tests.contracts.samples import add_job

LATER = NOW + timedelta(hours=3)


def told(
    session: Session, event: Event, who: str | None = None, *, by: str = "boss", number: int = 12
) -> None:
    note(session, Happened(event, "O/R", number, LATER, by, who))


def states(session: Session, job: str = JOB) -> list[tuple[str, str]]:
    rows = session.exec(select(MatchRow).where(MatchRow.job_id == job)).all()
    return [(row.person_key, row.state) for row in sorted(rows, key=lambda row: row.turn)]


def test_the_same_job_notes_its_suggestion_once(database: Database) -> None:
    def work(session: Session) -> None:
        row = suggested(session)
        found = Suggested(JOB, "O/r", "#12", "#12", (BO,), 0.1, number=12)
        matches.suggest(session, found, LATER)
        assert states(session) == [("ana@home", "open")]
        assert matches.ranking_of(row) == [ANA, BO, CY]
        assert [one.id for one in matches.current(session, JOB)] == [row.id]

    database.write_now(work)


def test_without_anybody_nothing_is_noted(database: Database) -> None:
    def work(session: Session) -> None:
        add_job(session, JOB, known(session, "asker"), NOW)
        matches.suggest(session, Suggested(JOB, "o/r", "#1", "#1", (), 0.0), NOW)
        assert matches.current(session, JOB) == []

    database.write_now(work)


def test_a_target_is_the_same_however_often_it_is_asked_about() -> None:
    assert matches.target_of(number=12) == "#12"
    assert matches.target_of(path="src/a.py") == "path:src/a.py"
    assert matches.target_of(text="Flaky  websocket\n") == matches.target_of(text="flaky websocket")
    assert matches.target_of(text="another") != matches.target_of(text="flaky websocket")


def test_the_one_who_is_named_takes_it(database: Database) -> None:
    def work(session: Session) -> None:
        row = matches.take(session, suggested(session), actor(session, "Ana"), LATER)
        assert states(session) == [("ana@home", "taken")]
        assert (row.responded_at, row.decided_by) == (LATER, known(session, "Ana"))

    database.write_now(work)


def test_somebody_else_who_takes_it_is_a_reassignment(database: Database) -> None:
    def work(session: Session) -> None:
        row = matches.take(session, suggested(session), actor(session, "bo"), LATER)
        assert states(session) == [("ana@home", "reassigned"), ("bo@home", "taken")]
        assert row.login == "bo"
        row = matches.take(session, suggested(session, "J000002"), actor(session, "dee"), LATER)
        assert (row.person_key, row.name) == ("login:dee", "dee")

    database.write_now(work)


def test_somebody_is_known_by_a_full_name_where_no_account_tells(database: Database) -> None:
    def work(session: Session) -> None:
        row = suggested(session)
        person = people.person_of(
            session, platform="slack", account="U1", name="Cy Twombly", now=NOW
        )
        named = matches.as_named(session, row, matches.actor_of(session, person, "Cy Twombly"))
        assert named == CY
        stranger = people.person_of(session, platform="slack", account="U2", name="cy", now=NOW)
        named = matches.as_named(session, row, matches.actor_of(session, stranger, "cy"))
        assert named.key == f"person:{stranger}"

    database.write_now(work)


def test_who_is_not_in_the_ranking_is_known_to_the_history(database: Database) -> None:
    def work(session: Session) -> None:
        row = suggested(session)
        assert [one.key for one in matches.known_of(row)][3:] == ["dee@home"]
        assert matches.as_named(session, row, actor(session, "DeeDee")).key == "dee@home"
        row.about = {"files": [], "words": []}
        assert matches.about_of(row) == matches.About(), "as it was kept before"
        assert matches.as_named(session, row, actor(session, "DeeDee")).key == "login:deedee"

    database.write_now(work)


def test_each_refusal_names_the_next_until_nobody_is_left(database: Database) -> None:
    def work(session: Session) -> None:
        row = suggested(session)
        second = matches.decline(session, row, actor(session, "ana"), "busy", LATER)
        assert second is not None
        assert (second.person_key, second.turn, second.state) == ("bo@home", 2, "open")
        assert (row.reason, row.responded_at) == ("busy", LATER)
        third = matches.decline(session, second, actor(session, "boss"), "", LATER)
        assert third is not None
        assert second.responded_at is None, "it was not Bo who spoke"
        assert matches.decline(session, third, actor(session, "boss"), "", LATER) is None
        assert matches.passed_over(session, "O/R", "#12") == {"ana@home", "bo@home", "cy@home"}
        assert matches.passed_over(session, "o/r", "#13") == frozenset()

    database.write_now(work)


def test_whoever_is_away_or_wants_none_is_not_next(database: Database) -> None:
    def work(session: Session) -> None:
        row, bo = suggested(session), known(session, "bo")
        availability.add_absence(session, bo, Absence(date(2026, 12, 1), date(2026, 12, 5)))
        assert [one.key for one in matches.left(session, row, NOW)] == ["cy@home"]
        availability.clear_absences(session, bo)
        wishes.put(session, f"person:{bo}", "matching", "off", NOW)
        assert [one.key for one in matches.left(session, row, NOW)] == ["cy@home"]

    database.write_now(work)


def test_who_declined_is_not_named_again_by_another_job(database: Database) -> None:
    def work(session: Session) -> None:
        matches.decline(session, suggested(session), actor(session, "bo"), "", LATER)
        row = suggested(session, "J000002")
        assert [one.key for one in matches.left(session, row, NOW)] == ["bo@home", "cy@home"]

    database.write_now(work)


def test_who_declined_and_took_it_after_all_has_not_declined(database: Database) -> None:
    def work(session: Session) -> None:
        row = suggested(session)
        bo = matches.decline(session, row, actor(session, "ana"), "", NOW)
        assert bo is not None
        held = matches.take(session, bo, actor(session, "ana"), LATER)
        assert matches.passed_over(session, "o/r", "#12") == frozenset()
        suggested(session, "J000002")
        told(session, Event.ASSIGNED, "bo")
        matches.decline(session, held, actor(session, "ana"), "busy", LATER + timedelta(minutes=1))
        assert matches.passed_over(session, "o/r", "#12") == {"ana@home"}

    database.write_now(work)


def test_whom_people_name_is_named_even_after_a_refusal(database: Database) -> None:
    def work(session: Session) -> None:
        row = suggested(session)
        matches.decline(session, row, actor(session, "ana"), "", LATER)
        held = matches.hold(session, JOB, "#12")
        assert held is not None
        again = matches.turn_to(session, held, ANA, actor(session, "boss"), LATER)
        assert matches.at_turn(session, again, 1).state == MatchState.DECLINED
        assert states(session)[1:] == [("bo@home", "reassigned"), ("ana@home", "open")]

    database.write_now(work)


def test_the_host_assigns_the_one_who_was_named(database: Database) -> None:
    def work(session: Session) -> None:
        suggested(session)
        told(session, Event.ASSIGNED, "Ana")
        told(session, Event.ASSIGNED, "Ana")
        assert states(session) == [("ana@home", "assigned")]
        assert matches.current(session, JOB)[0].decided_login == "boss"
        told(session, Event.UNASSIGNED, "ana", by="ana")
        assert states(session) == [("ana@home", "declined")]

    database.write_now(work)


def test_the_host_assigns_somebody_else(database: Database) -> None:
    def work(session: Session) -> None:
        suggested(session)
        told(session, Event.ASSIGNED, "bo", by="bo")
        assert states(session) == [("ana@home", "reassigned"), ("bo@home", "assigned")]
        assert matches.current(session, JOB)[0].responded_at == LATER
        told(session, Event.ASSIGNED, "dee")
        assert states(session)[1:] == [("bo@home", "assigned")], "a second assignee"
        told(session, Event.UNASSIGNED, "bo")
        assert states(session)[1:] == [("bo@home", "reassigned")]

    database.write_now(work)


def test_whoever_is_given_it_after_all_is_the_one(database: Database) -> None:
    def work(session: Session) -> None:
        row = suggested(session)
        for login in ("ana", "boss", "boss"):
            after = matches.decline(session, row, actor(session, login), "", LATER)
            row = after or row
        told(session, Event.ASSIGNED, "dee")
        assert [state for _, state in states(session)] == ["declined"] * 3 + ["assigned"]
        told(session, Event.UNASSIGNED, "dee")
        told(session, Event.ASSIGNED, "dee")
        assert states(session)[3:] == [("login:dee", "reassigned"), ("login:dee", "assigned")]
        suggested(session, "J000002", mode="reviewer")
        told(session, Event.REVIEW_REQUESTED, "ana")
        told(session, Event.REVIEW_UNREQUESTED, "ana")
        told(session, Event.REVIEWED, by="bo")
        assert states(session, "J000002") == [("ana@home", "reassigned"), ("bo@home", "taken")]

    database.write_now(work)


def test_reviews_say_nothing_of_who_is_to_do_the_work(database: Database) -> None:
    def work(session: Session) -> None:
        suggested(session)
        told(session, Event.REVIEW_REQUESTED, "bo")
        told(session, Event.REVIEWED, by="bo")
        told(session, Event.ASSIGNED, "bo", number=13)
        assert states(session) == [("ana@home", "open")]

    database.write_now(work)


def test_a_review_is_a_response(database: Database) -> None:
    def work(session: Session) -> None:
        suggested(session, mode="reviewer")
        told(session, Event.REVIEW_REQUESTED, "ana")
        told(session, Event.REVIEWED, by="ana")
        assert states(session) == [("ana@home", "assigned")]
        assert matches.current(session, JOB)[0].responded_at == LATER
        suggested(session, "J000002", mode="reviewer")
        told(session, Event.REVIEWED, by="bo")
        assert states(session, "J000002") == [("ana@home", "reassigned"), ("bo@home", "taken")]

    database.write_now(work)


def test_whoever_took_it_from_any_answer_has_it_for_a_month(database: Database) -> None:
    def work(session: Session) -> None:
        suggested(session)
        matches.take(session, suggested(session, "J000002"), actor(session, "ana"), NOW)
        found = matches.holder(session, "O/R", "#12", "author", LATER)
        assert found is not None
        assert (found.job_id, found.name) == ("J000002", "Ana Lovelace")
        assert matches.holder(session, "o/r", "#12", "reviewer", LATER) is None
        assert matches.holder(session, "o/r", "#12", "author", NOW + timedelta(days=31)) is None
        told(session, Event.CLOSED)
        assert matches.holder(session, "o/r", "#12", "author", LATER) is None

    database.write_now(work)


def test_neither_its_author_nor_a_bot_becomes_the_reviewer(database: Database) -> None:
    def work(session: Session) -> None:
        suggested(session, mode="reviewer")
        told(session, Event.REVIEWED, by="eve")
        happened = Happened(Event.REVIEWED, "o/r", 12, LATER, "checker[bot]", by_bot=True)
        note(session, happened)
        assert states(session) == [("ana@home", "open")]
        suggested(session, "J000002")
        told(session, Event.ASSIGNED, "eve")
        assert states(session, "J000002")[-1] == ("login:eve", "assigned"), "who opened an issue"

    database.write_now(work)


async def test_of_two_who_take_it_at_once_one_has_it(database: Database, database_url: str) -> None:
    await database.write(suggested)
    other = Database(database_url)

    def taken_by(login: str) -> Callable[[Session], str]:
        def work(session: Session) -> str:
            row = matches.hold(session, JOB, "#12")
            assert row is not None
            if row.state == MatchState.OPEN:
                row = matches.take(session, row, actor(session, login), LATER)
            return row.person_key

        return work

    try:
        writers = [database, other] * 4
        logins = ("bo", "dee", "ana", "eve") * 2
        takes = zip(writers, logins, strict=True)
        held = await asyncio.gather(*(each.write(taken_by(login)) for each, login in takes))
    finally:
        other.close()
    assert len(set(held)) == 1
    assert await database.read(lambda s: [state for _, state in states(s)].count("taken")) == 1


async def test_of_two_who_take_it_from_two_answers_at_once_one_has_it(
    database: Database, database_url: str
) -> None:
    jobs = [JobId(f"J00000{number}") for number in range(1, 5)]
    for job in jobs:
        await database.write(lambda s, job=job: suggested(s, job))
    other = Database(database_url)

    def taken_by(login: str, job: JobId) -> Callable[[Session], None]:
        def work(session: Session) -> None:
            matches.hold_everywhere(session, "o/r", "#12")
            row = matches.hold(session, job, "#12")
            assert row is not None
            if matches.holder(session, "o/r", "#12", "author", NOW) is None:
                matches.take(session, row, actor(session, login), LATER)

        return work

    try:
        writers = (database, other, database, other)
        takes = zip(writers, ("bo", "dee", "ana", "eve"), jobs, strict=True)
        await asyncio.gather(*(one.write(taken_by(login, job)) for one, login, job in takes))
    finally:
        other.close()
    taken = await database.read(lambda s: [state for job in jobs for _, state in states(s, job)])
    assert taken.count("taken") == 1


def test_what_is_closed_before_anybody_spoke_has_expired(database: Database) -> None:
    def work(session: Session) -> None:
        row = suggested(session)
        told(session, Event.CLOSED)
        assert (row.state, row.finished_at) == ("expired", LATER)
        matches.take(session, suggested(session, "J000002"), actor(session, "ana"), LATER)
        told(session, Event.CLOSED)
        assert states(session, "J000002") == [("ana@home", "taken")]
        told(session, Event.REOPENED)
        assert matches.current(session, JobId("J000002"))[0].finished_at is None

    database.write_now(work)


def test_reviewers_are_sought_once_for_a_pull_request(database: Database) -> None:
    def work(session: Session) -> list[bool]:
        for job, invocation in (
            ("J000001", {}),
            ("J000002", {"wants_reviewers": False, "number": 12}),
            ("J000003", {"wants_reviewers": True, "number": 13}),
        ):
            suggested(session, job)
            row = session.get_one(JobRow, job)
            row.verb, row.repository, row.invocation = "match", "o/r", invocation
        session.flush()
        return [matches.were_reviewers_sought(session, "o/r", number) for number in (12, 13)]

    assert database.write_now(work) == [False, True]


def test_labels_tell_who_was_right_and_how_soon(database: Database) -> None:
    def work(session: Session) -> None:
        matches.take(session, suggested(session), actor(session, "ana"), LATER)
        row = suggested(session, "J000002", number=13)
        after = matches.decline(session, row, actor(session, "ana"), "busy", LATER)
        assert after is not None
        matches.take(session, after, actor(session, "bo"), LATER + timedelta(hours=1))
        row = suggested(session, "J000007", number=17, repository="o/back")
        after = matches.decline(session, row, actor(session, "ana"), "not-mine", LATER)
        assert after is not None
        matches.take(session, after, actor(session, "ana"), LATER)
        (back,) = labels_of(session, "o/back")
        assert (back.right, back.declined) == ("ana@home", ()), "who took it after all"
        suggested(session, "J000003", number=14)
        suggested(session, "J000004", number=15, repository="o/other")
        suggested(session, "J000005", number=16)
        session.get_one(JobRow, "J000005").state = JobState.FAILED
        first, second, third = labels_of(session, "O/R")
        assert (first.right, first.shown[0], first.first_response_s) == (
            "ana@home",
            "ana@home",
            3 * 3600,
        )
        assert (second.right, second.declined) == ("bo@home", (Declined("ana@home", "busy"),))
        assert (third.right, third.first_response_s, third.decided_at) == (None, None, None)
        assert [first.about, second.about] == [ABOUT, ABOUT]
        assert (first.decided_at, second.decided_at) == (LATER, LATER + timedelta(hours=1))
        assert [one.number for one in labels_of(session, "o/r", most=2)] == [14], "13 is cut"
        counted = outcomes_of((first, second, third))
        assert (counted.made, counted.followed, counted.reassigned, counted.declined) == (
            3,
            1,
            1,
            1,
        )
        assert counted.first_response_s == 3 * 3600

    database.write_now(work)


def test_what_is_asked_again_is_one_task(database: Database) -> None:
    def work(session: Session) -> None:
        for job in ("J000001", "J000002", "J000003"):
            suggested(session, job)
        suggested(session, "J000004", mode="reviewer")
        suggested(session, "J000005", number=None)
        suggested(session, "J000006", number=None)
        row = matches.hold(session, JobId("J000002"), "#12")
        assert row is not None
        matches.decline(session, row, actor(session, "ana"), "busy", LATER)
        row = matches.hold(session, JobId("J000003"), "#12")
        assert row is not None
        matches.take(session, row, actor(session, "bo"), LATER - timedelta(hours=1))
        counted = outcomes_of(labels_of(session, "o/r"))
        assert (counted.made, counted.followed, counted.reassigned) == (3, 0, 1)
        assert (counted.declined, counted.first_response_s) == (1, 3 * 3600)
        told(session, Event.ASSIGNED, "ana")
        counted = outcomes_of(labels_of(session, "o/r"))
        assert (counted.made, counted.followed, counted.reassigned) == (3, 1, 0), "in the end"

    database.write_now(work)


def test_a_link_moves_decisions_and_old_jobs_take_theirs_along(database: Database) -> None:
    def work(session: Session) -> None:
        row, other = suggested(session), known(session, "ana2")
        matches.take(session, row, actor(session, "ana2"), LATER)
        kept = people.join(session, known(session, "ana"), other)
        rows = session.exec(select(MatchRow)).all()
        assert {each.decided_by for each in rows} == {kept}

    database.write_now(work)
