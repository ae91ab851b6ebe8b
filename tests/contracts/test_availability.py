"""Who may be given something, on both databases."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session, select

from storage import availability, matches, people, wishes
from storage.availability import Absence, Availability, Known, away_until
from storage.database import Database
from storage.ids import JobId, PersonId
from storage.matches import Actor, Named, Suggested
from storage.people import Account
from storage.tables.matching import AbsenceRow
from tests.contracts.samples import add_job

NOW = datetime(2026, 12, 4, 23, 30, tzinfo=UTC)
"""A Friday; in Tokyo it is Saturday already."""
ANA = Known("ana@home", "Ana Lovelace", "ana")


def known(
    session: Session, name: str = "ana", platform: str = "github", account: str = "7"
) -> PersonId:
    return people.person_of(session, platform=platform, account=account, name=name, now=NOW)


def off(first: str, last: str, zone: str = "UTC") -> Absence:
    return Absence(date.fromisoformat(first), date.fromisoformat(last), zone)


@pytest.mark.parametrize(
    ("absences", "until"),
    [
        ([], None),
        ([off("2026-12-01", "2026-12-12")], date(2026, 12, 12)),
        ([off("2026-12-05", "2026-12-12")], None),
        ([off("2026-12-05", "2026-12-12", "Asia/Tokyo")], date(2026, 12, 12)),
        ([off("2026-12-01", "2026-12-04", "Asia/Tokyo")], None),
        ([off("2026-12-01", "2026-12-04"), off("2026-12-05", "2026-12-06")], date(2026, 12, 6)),
        ([off("2026-12-01", "2026-12-04"), off("2026-12-06", "2026-12-06")], date(2026, 12, 4)),
        ([off("2026-12-03", "2026-12-20"), off("2026-12-04", "2026-12-05")], date(2026, 12, 20)),
    ],
)
def test_an_absence_lasts_to_the_end_of_the_days_that_follow_each_other(
    absences: list[Absence], until: date | None
) -> None:
    assert away_until(absences, NOW) == until


def test_what_somebody_said_of_themselves_is_known_by_their_login(database: Database) -> None:
    def work(session: Session) -> None:
        person = known(session, "Ana")
        wishes.put(session, f"person:{person}", "capacity", "3", NOW)
        wishes.put(session, f"person:{person}", "matching", "off", NOW)
        availability.add_absence(session, person, off("2026-12-01", "2026-12-12"))
        availability.add_absence(session, person, off("2026-12-01", "2026-12-12"))
        assert availability.standings_of(session, [ANA, Known("bo@home", "Bo")], NOW) == {
            "ana@home": Availability(person, 3, date(2026, 12, 12), is_out=True)
        }
        own = availability.of_person(session, person)
        assert (own.capacity, own.is_out, len(own.absences)) == (3, True, 1)

    database.write_now(work)


def test_somebody_of_whom_nothing_is_known_is_left_out(database: Database) -> None:
    assert database.read_now(lambda s: availability.standings_of(s, [ANA], NOW)) == {}


def test_a_full_name_tells_who_it_is_where_nobody_else_has_it(database: Database) -> None:
    def work(session: Session) -> None:
        person = known(session, "ana LOVELACE", "slack", "T1:U1")
        by_name = [Known("ana@home", "Ana Lovelace")]
        assert availability.persons_of(session, by_name) == {"ana@home": person}
        known(session, "Ana Lovelace", "discord", "9")
        assert availability.persons_of(session, by_name) == {}

    database.write_now(work)


def test_absences_that_touch_are_one_and_days_may_be_taken_out_of_it(database: Database) -> None:
    def work(session: Session) -> None:
        person = known(session)
        for each in (
            off("2026-12-01", "2026-12-05"),
            off("2026-12-04", "2026-12-08"),
            off("2026-12-09", "2026-12-12"),
            off("2026-12-14", "2026-12-14"),
            off("2026-12-12", "2026-12-15", "Asia/Tokyo"),
        ):
            availability.add_absence(session, person, each)
        whole, tokyo, last = availability.of_person(session, person).absences
        assert whole == off("2026-12-01", "2026-12-12")
        assert tokyo == off("2026-12-12", "2026-12-15", "Asia/Tokyo")
        assert last == off("2026-12-14", "2026-12-14")
        assert availability.take_back(session, person, off("2026-12-03", "2026-12-14"))
        assert availability.of_person(session, person).absences == (
            off("2026-12-01", "2026-12-02"),
            off("2026-12-15", "2026-12-15", "Asia/Tokyo"),
        )
        assert not availability.take_back(session, person, off("2026-12-03", "2026-12-14"))

    database.write_now(work)


def test_one_word_is_no_full_name(database: Database) -> None:
    def work(session: Session) -> None:
        known(session, "ana", "slack", "T1:U1")
        assert availability.persons_of(session, [Known("ana@home", "ana")]) == {}

    database.write_now(work)


def test_a_namesake_with_another_login_is_somebody_else(database: Database) -> None:
    def work(session: Session) -> None:
        person = known(session, "Ana Lovelace", "slack", "T1:U1")
        github = Account("github", "8", "ana2")
        people.add_account(session, person, github, NOW)
        assert availability.persons_of(session, [ANA]) == {}
        assert availability.persons_of(session, [Known("a", "Ana Lovelace")]) == {"a": person}

    database.write_now(work)


def test_what_is_held_counts_once_until_it_is_finished_or_old(database: Database) -> None:
    def work(session: Session) -> None:
        person = known(session)
        actor = Actor("ana", person, ("ana",))
        for number, job in enumerate(("J000001", "J000002", "J000003", "J000004")):
            found = Suggested(
                add_job(session, job, person, NOW),
                "o/r",
                f"#{max(number, 1)}",
                "",
                (Named(*ANA),),
                0.5,
            )
            matches.suggest(session, found, NOW)
            row = matches.current(session, found.job)[0]
            if job == "J000004":
                matches.assigned(session, row, Actor("boss", logins=("boss",)), NOW)
            else:
                matches.take(session, row, actor, NOW)
        one = availability.standings_of(session, [ANA], NOW)["ana@home"]
        assert (one.taken, one.assigned) == (2, 1)
        (row,) = matches.current(session, JobId("J000004"))
        row.finished_at = NOW
        session.flush()
        one = availability.standings_of(session, [ANA], NOW)["ana@home"]
        assert (one.taken, one.assigned) == (2, 0)
        later = NOW + availability.HELD_FOR
        assert availability.standings_of(session, [ANA], later)["ana@home"].taken == 0

    database.write_now(work)


def test_linking_joins_what_was_said_and_letting_go_leaves_it(database: Database) -> None:
    def work(session: Session) -> None:
        one, other = known(session), known(session, "Ana L", "slack", "T1:U1")
        availability.add_absence(session, one, off("2026-12-01", "2026-12-12"))
        for person in (one, other):
            availability.add_absence(session, person, off("2026-12-24", "2026-12-24"))
        wishes.put(session, f"person:{other}", "capacity", "2", NOW)
        kept = people.join(session, one, other)
        own = availability.of_person(session, kept)
        assert (own.capacity, len(own.absences)) == (2, 2)
        assert people.unlink(session, kept, Account("slack", "T1:U1", "Ana L"), NOW)
        assert len(availability.of_person(session, kept).absences) == 2
        assert len(session.exec(select(AbsenceRow)).all()) == 2

    database.write_now(work)


def test_what_has_ended_is_forgotten(database: Database) -> None:
    def work(session: Session) -> None:
        person = known(session)
        availability.add_absence(session, person, off("2026-11-01", "2026-11-02"))
        availability.add_absence(session, person, off("2026-11-01", "2026-12-02"))
        assert availability.forget_absences(session, NOW - timedelta(days=30)) == 1
        availability.clear_absences(session, person)
        assert availability.of_person(session, person).absences == ()

    database.write_now(work)
