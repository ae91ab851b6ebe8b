"""The inbox, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, col, func, select

from storage import inbox
from storage.database import Database
from storage.inbox import Duplicate, Superseded
from storage.tables.inbox import InboxKeyRow, InboxRow

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=inbox.LEASE_S + 1)


def rows(session: Session) -> tuple[int, int]:
    events = session.exec(select(func.count(col(InboxRow.id)))).one()
    return events, session.exec(select(func.count(col(InboxKeyRow.key)))).one()


async def test_an_event_is_claimed_once_under_any_of_its_keys(database: Database) -> None:
    await database.write(lambda s: inbox.claim(s, "slack", {"n": 1}, ["a", "b"], NOW, holder="g"))
    with pytest.raises(Duplicate):
        await database.write(
            lambda s: inbox.claim(s, "slack", {"n": 1}, ["c", "b"], NOW, holder="g")
        )
    assert await database.read(rows) == (1, 2)


async def test_a_refused_claim_does_not_block_its_fresh_keys(database: Database) -> None:
    await database.write(lambda s: inbox.claim(s, "slack", {}, ["a"], NOW, holder="g"))
    with pytest.raises(Duplicate):
        await database.write(lambda s: inbox.claim(s, "slack", {}, ["new", "a"], NOW, holder="g"))
    await database.write(lambda s: inbox.claim(s, "slack", {}, ["new"], NOW, holder="g"))
    assert await database.read(rows) == (2, 2)


async def test_a_claimed_event_is_its_claimers_until_the_lease_ends(database: Database) -> None:
    claimed = await database.write(
        lambda s: inbox.claim(s, "github", {"n": 7}, ["k"], NOW, holder="g")
    )
    assert await database.write(lambda s: inbox.take_due(s, NOW, holder="h")) == []
    taken = await database.write(lambda s: inbox.take_due(s, LATER, holder="h"))
    assert [(one.id, one.payload, one.attempt) for one in taken] == [(claimed.id, {"n": 7}, 2)]


async def test_the_first_taker_may_not_finish_once_a_second_took_over(database: Database) -> None:
    first = await database.write(lambda s: inbox.claim(s, "github", {}, ["k"], NOW, holder="g"))
    (second,) = await database.write(lambda s: inbox.take_due(s, LATER, holder="h"))
    with pytest.raises(Superseded):
        await database.write(lambda s: inbox.finish(s, first, LATER))
    await database.write(lambda s: inbox.finish(s, second, LATER))
    with pytest.raises(Superseded):
        await database.write(lambda s: inbox.finish(s, second, LATER))


async def test_a_postponed_event_comes_back_at_its_time(database: Database) -> None:
    claimed = await database.write(lambda s: inbox.claim(s, "github", {}, ["k"], NOW, holder="g"))
    until = NOW + timedelta(seconds=90)
    await database.write(lambda s: inbox.postpone(s, claimed, until, "GitHub is busy"))
    assert await database.write(lambda s: inbox.take_due(s, LATER, holder="h")) == []
    assert len(await database.write(lambda s: inbox.take_due(s, until, holder="h"))) == 1
