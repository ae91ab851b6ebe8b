"""The claim before the acknowledgement: durable, once, whoever delivers it however often."""

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from bot.intake import WAITING, DurableIntake
from bot.metrics import GatewayMetrics
from handlers import Invocation
from storage import inbox
from storage.clock import utc_now
from storage.database import Database
from storage.tables.inbox import InboxRow
from tests.jobs.asked import ANN, PLACE


def said(text: str = "@gryph help") -> Invocation:
    return Invocation(caller=ANN, place=PLACE, text=text, addressed=True, received_at=utc_now())


def gateway(database: Database) -> DurableIntake:
    return DurableIntake(database, GatewayMetrics(), holder="g")


def rows(session: Session) -> list[InboxRow]:
    return list(session.exec(select(InboxRow)).all())


async def test_an_accepted_event_lies_in_the_database_and_waits_for_the_dispatcher(
    sqlite: Database,
) -> None:
    intake = gateway(sqlite)
    accepted = await intake.accept(said(), ("Ev1", "sha-of-it"))
    (row,) = await sqlite.read(rows)
    async with intake.next() as taken:
        assert accepted == row.id == taken.id
    assert Invocation.model_validate(row.payload).text == "@gryph help"


async def test_every_event_four_times_shuffled_over_two_gateways_is_claimed_once(
    sqlite: Database,
) -> None:
    gateways = [gateway(sqlite), gateway(sqlite)]
    deliveries = [(number, n % 2) for number in range(25) for n in range(4)]
    random.shuffle(deliveries)
    outcomes = await asyncio.gather(
        *(gateways[which].accept(said(), (f"Ev{number}",)) for number, which in deliveries)
    )
    assert sum(outcome is not None for outcome in outcomes) == 25
    assert len(await sqlite.read(rows)) == 25
    assert sum(WAITING - one.room for one in gateways) == 25


async def test_one_shared_key_is_enough_to_be_the_same_event(sqlite: Database) -> None:
    intake = gateway(sqlite)
    assert await intake.accept(said(), ("message-1", "first delivery")) is not None
    assert await intake.accept(said(), ("second delivery", "message-1")) is None
    assert await intake.accept(said(), ("second delivery",)) is not None, "nothing was left behind"


async def test_more_than_memory_holds_is_found_in_the_database(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.intake.WAITING", 2)
    intake = gateway(sqlite)
    assert intake.room == 2 < WAITING
    for number in range(5):
        assert await intake.accept(said(), (f"Ev{number}",)) is not None
    assert intake.room == 0
    assert len(await sqlite.write(lambda s: inbox.take_due(s, utc_now(), holder="h"))) == 3
    later = utc_now() + timedelta(seconds=inbox.LEASE_S + 1)
    assert len(await sqlite.write(lambda s: inbox.take_due(s, later, holder="h"))) == 5


async def test_nobody_goes_before_those_who_wait_in_the_database(sqlite: Database) -> None:
    intake = gateway(sqlite)
    intake.older_wait = True
    await intake.accept(said(), ("Ev1",))
    assert intake.room == WAITING
    intake.older_wait = False
    await intake.accept(said(), ("Ev2",))
    assert intake.room == WAITING - 1


def seconds_later(seconds: float) -> Callable[[], datetime]:
    then = utc_now() + timedelta(seconds=seconds)
    return lambda: then


async def test_what_waits_or_is_handled_for_long_stays_ours(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = gateway(sqlite)
    for number in range(3):
        await intake.accept(said(), (f"Ev{number}",))
    async with intake.next():
        for later_s in (20, 40, 60):
            monkeypatch.setattr("bot.intake.utc_now", seconds_later(later_s))
            await intake.keep()
        now = seconds_later(80)()
        assert await sqlite.write(lambda s: inbox.take_due(s, now, holder="h")) == []


async def test_what_another_gateway_took_meanwhile_is_let_go(sqlite: Database) -> None:
    intake = gateway(sqlite)
    for number in range(2):
        await intake.accept(said(), (f"Ev{number}",))
    now = seconds_later(inbox.LEASE_S + 1)()
    (lost,) = await sqlite.write(lambda s: inbox.take_due(s, now, limit=1, holder="h"))
    await intake.keep()
    async with intake.next() as taken:
        assert taken.id != lost.id


async def test_what_we_took_again_ourselves_is_handled_under_the_newer_attempt(
    sqlite: Database,
) -> None:
    intake = gateway(sqlite)
    await intake.accept(said(), ("Ev1",))
    now = seconds_later(inbox.LEASE_S + 1)()
    (again,) = await sqlite.write(lambda s: inbox.take_due(s, now, holder="g"))
    intake.hold(again)
    async with intake.next() as taken:
        assert taken.attempt == again.attempt == 2


async def test_accepted_and_repeated_events_are_counted(sqlite: Database) -> None:
    metrics = GatewayMetrics()
    intake = DurableIntake(sqlite, metrics, holder="g")
    for _ in range(3):
        await intake.accept(said(), ("Ev1",))
    value = metrics.registry.get_sample_value
    assert value("gryph_events_received_total", {"platform": "slack"}) == 3
    assert value("gryph_events_duplicate_total", {"platform": "slack"}) == 2
    assert value("gryph_accept_seconds_count") == 3
