"""Logins on the web on both databases: how long they count, and how they are renewed."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, select

from storage import people, sessions
from storage.database import Database
from storage.sessions import GRACE, IDLE, LONGEST, RENEWED_AFTER
from storage.tables.sessions import WebSessionRow

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def _begin(session: Session) -> str:
    person = people.person_of(session, platform="github", account="7", name="ann", now=NOW)
    return sessions.begin(session, person, "web:github:7", "ann", NOW)


@pytest.fixture
def secret(database: Database) -> str:
    return database.write_now(_begin)


def counts(database: Database, secret: str, at: datetime) -> bool:
    return database.read_now(lambda s: sessions.find(s, secret, at)) is not None


def renew(database: Database, secret: str, at: datetime) -> str | None:
    return database.write_now(lambda s: sessions.renew(s, secret, at))


def test_a_login_counts_for_an_hour_without_use(database: Database, secret: str) -> None:
    assert counts(database, secret, NOW + IDLE - SECOND)
    assert not counts(database, secret, NOW + IDLE)


def test_the_database_holds_no_secret(database: Database, secret: str) -> None:
    row = database.read_now(lambda s: s.exec(select(WebSessionRow)).one())
    assert secret not in str(row.model_dump())


@pytest.mark.parametrize("shown", ["", "x", "0" * 64])
def test_another_secret_is_nobodys(database: Database, secret: str, shown: str) -> None:
    assert not counts(database, shown, NOW)
    assert renew(database, shown, NOW) is None


def test_a_renewal_is_due_only_when_it_changes_something(database: Database, secret: str) -> None:
    def due(shown: str, at: datetime) -> bool:
        return database.read_now(lambda s: sessions.is_renewal_due(s, shown, at))

    assert not due("another", NOW)
    assert not due(secret, NOW + RENEWED_AFTER - SECOND)
    assert due(secret, NOW + RENEWED_AFTER)
    renew(database, secret, NOW + RENEWED_AFTER)
    assert not due(secret, NOW + RENEWED_AFTER + GRACE)
    assert due(secret, NOW + RENEWED_AFTER + GRACE + SECOND)


def test_in_use_its_secret_changes_and_the_old_one_counts_a_moment_longer(
    database: Database, secret: str
) -> None:
    assert renew(database, secret, NOW + RENEWED_AFTER - SECOND) is None
    at = NOW + RENEWED_AFTER
    fresh = renew(database, secret, at)
    assert fresh not in (None, secret)
    assert fresh is not None
    assert counts(database, fresh, at + IDLE - SECOND)
    assert counts(database, secret, at + GRACE)
    assert not counts(database, secret, at + GRACE + SECOND)


def test_a_replaced_secret_shown_late_ends_the_login(database: Database, secret: str) -> None:
    at = NOW + RENEWED_AFTER
    fresh = renew(database, secret, at)
    assert fresh is not None
    assert renew(database, secret, at + GRACE) is None
    assert counts(database, fresh, at + GRACE)
    assert renew(database, secret, at + GRACE + SECOND) is None
    assert not counts(database, fresh, at + GRACE + SECOND)


def test_no_use_makes_it_last_longer_than_half_a_day(database: Database, secret: str) -> None:
    at = NOW
    while at < NOW + LONGEST + IDLE:
        at += RENEWED_AFTER
        secret = renew(database, secret, at) or secret
        assert counts(database, secret, at) == (at < NOW + LONGEST)


def test_logging_out_ends_it_once(database: Database, secret: str) -> None:
    ended = database.write_now(lambda s: sessions.end(s, secret))
    assert ended is not None
    assert ended.account == "web:github:7"
    assert not counts(database, secret, NOW)
    assert database.write_now(lambda s: sessions.end(s, secret)) is None


def test_expired_logins_are_forgotten_and_others_kept(database: Database, secret: str) -> None:
    assert database.write_now(lambda s: sessions.sweep(s, NOW + IDLE - SECOND)) == 0
    assert database.write_now(lambda s: sessions.sweep(s, NOW + IDLE)) == 1
