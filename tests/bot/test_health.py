"""Readiness is progress: what each kind of standstill, and each outage, makes of it."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis
from sqlmodel import Session, SQLModel, update

from bot.health import ANSWER_S, LEADERLESS_S, PARTS, Health
from bot.platforms import Platforms
from bot.tokens import Token
from bot.uplinks import Uplink
from handlers import Platform
from storage import inbox, leases, presence
from storage.clock import utc_now
from storage.condition import Condition, Status
from storage.database import Database
from storage.presence import Identity
from storage.tables.deliveries import DeliveryRow
from storage.tables.inbox import InboxRow
from storage.tables.jobs import OutboxRow
from storage.vitals import Vitals
from tests.jobs.asked import ask

STUCK_AFTER_S = 60.0
LONG_AGO = timedelta(seconds=STUCK_AFTER_S + 5)


Outside = Callable[[], Mapping[str, str]]


@asynccontextmanager
async def health(
    database: Database, url: str, vitals: Vitals | None = None, outside: Outside = dict
) -> AsyncGenerator[Health]:
    redis = Redis.from_url(url)  # pyright: ignore[reportUnknownMemberType]
    try:
        vitals = vitals or Vitals("gateway")
        yield Health(database, redis, vitals, outside, stuck_after_s=STUCK_AFTER_S)
    finally:
        await redis.aclose()


async def condition(
    database: Database, url: str, vitals: Vitals | None = None, outside: Outside = dict
) -> Condition:
    async with health(database, url, vitals, outside) as one:
        found = await one.condition()
    assert {*found.stuck, *found.degraded} <= {*PARTS}, "a part that no metric shows"
    return found


@pytest.fixture
async def sqlite(sqlite: Database) -> Database:
    """With a worker at work."""
    worker = Identity.mine("worker")
    await sqlite.write(lambda s: presence.beat(s, worker, utc_now() + timedelta(minutes=2)))
    return sqlite


def waiting(session: Session) -> None:
    """A job whose every part was due a moment ago, and an event nobody has come to."""
    ask(session)


def aged(*tables: type[SQLModel]) -> list[object]:
    then = utc_now() - LONG_AGO
    columns = {InboxRow: "received_at", OutboxRow: "not_before", DeliveryRow: "next_try_at"}
    return [update(table).values(**{columns[table]: then}) for table in tables]  # pyright: ignore[reportArgumentType]


async def age(database: Database, *tables: type[SQLModel]) -> None:
    def write(session: Session) -> None:
        for statement in aged(*tables):
            session.connection().execute(statement)  # pyright: ignore[reportCallIssue, reportArgumentType]

    await database.write(write)


@pytest.mark.parametrize(
    ("table", "part"),
    [(InboxRow, "events"), (OutboxRow, "bells"), (DeliveryRow, "deliveries")],
)
async def test_what_is_due_and_untouched_for_too_long_is_not_ready(
    sqlite: Database, valkey_url: str, table: type[SQLModel], part: str
) -> None:
    await sqlite.write(waiting)
    assert (await condition(sqlite, valkey_url)).status is Status.READY
    await age(sqlite, table)
    found = await condition(sqlite, valkey_url)
    assert found.status is Status.NOT_READY
    assert list(found.stuck) == [part]
    assert "65 s" in found.stuck[part] or "66 s" in found.stuck[part]


async def test_a_long_line_that_moves_is_progress(sqlite: Database, valkey_url: str) -> None:
    await sqlite.write(waiting)
    await age(sqlite, InboxRow)
    other = await sqlite.write(lambda s: inbox.claim(s, "slack", {}, ["2"], utc_now(), holder="g"))
    await sqlite.write(lambda s: inbox.finish(s, other, utc_now()))
    assert (await condition(sqlite, valkey_url)).status is Status.READY


async def test_events_that_wait_for_their_platform_are_no_standstill(
    sqlite: Database, valkey_url: str
) -> None:
    taken = await sqlite.write(lambda s: inbox.claim(s, "slack", {}, ["1"], utc_now(), holder="g"))
    await sqlite.write(lambda s: inbox.postpone(s, taken, utc_now(), "Slack is busy"))
    await age(sqlite, InboxRow)
    assert (await condition(sqlite, valkey_url)).status is Status.READY


async def test_an_installation_that_nobody_leads_is_not_ready_after_a_while(
    sqlite: Database, valkey_url: str
) -> None:
    vitals = Vitals("gateway")
    assert (await condition(sqlite, valkey_url, vitals)).status is Status.READY
    vitals.started_at -= LEADERLESS_S + 1
    assert list((await condition(sqlite, valkey_url, vitals)).stuck) == ["leader"]
    just_over = utc_now() - timedelta(seconds=20)
    await sqlite.write(lambda s: leases.acquire(s, "leader", "g", 15.0, just_over))
    assert (await condition(sqlite, valkey_url, vitals)).status is Status.READY


async def test_without_redis_it_is_ready_and_says_what_is_missing(sqlite: Database) -> None:
    found = await condition(sqlite, "redis://127.0.0.1:1/0")
    assert found.status is Status.DEGRADED
    assert "start later" in found.degraded["redis"]


async def test_a_platform_that_is_lost_to_us_is_named_and_takes_no_gateway_out_of_service(
    sqlite: Database, valkey_url: str
) -> None:
    clock_s = 0.0
    token = Token("GRYPH_DISCORD_TOKEN", "Reset it.")
    fine = Token("GRYPH_SLACK_APP_TOKEN", "Make it anew.")
    uplink = Uplink(Platform.DISCORD, lambda: clock_s)
    platforms = Platforms(standing=[token, fine], uplinks=[uplink])
    uplink.wanted()
    token.refused("4004")
    uplink.lost("it hung up")
    clock_s = 95.0
    found = await condition(sqlite, valkey_url, outside=platforms.trouble)
    assert (found.status, found.http_status) == (Status.DEGRADED, 200)
    assert found.degraded == {
        "tokens": "GRYPH_DISCORD_TOKEN is refused. Reset it.",
        "uplinks": "discord has not been connected for 95 s: it hung up.",
    }
    token.taken()
    uplink.made()
    found = await condition(sqlite, valkey_url, outside=platforms.trouble)
    assert found.status is Status.READY


async def test_without_a_worker_it_is_ready_and_says_so(tmp_path: Path, valkey_url: str) -> None:
    database = Database(f"sqlite:///{tmp_path / 'bare.db'}")
    SQLModel.metadata.create_all(database.engine)
    found = await condition(database, valkey_url)
    assert (found.status, list(found.degraded)) == (Status.DEGRADED, ["workers"])
    database.close()


async def test_a_database_that_somebody_has_locked_is_not_ready_within_seconds(
    sqlite: Database, valkey_url: str
) -> None:
    path = Path(sqlite.url.removeprefix("sqlite:///"))
    async with health(sqlite, valkey_url) as one:
        with closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN EXCLUSIVE")
            started = time.monotonic()
            found = await one.condition()
            assert time.monotonic() - started < 2 * ANSWER_S
            assert list(found.stuck) == ["database"]
        await asyncio.sleep(1.1)
        assert (await one.condition()).status is Status.READY


async def test_a_blocked_loop_is_told_of_while_and_after_it_is_blocked(
    sqlite: Database, valkey_url: str
) -> None:
    vitals = Vitals("gateway")
    watching = asyncio.ensure_future(vitals.watch_loop())
    await asyncio.sleep(0.1)
    seen = asyncio.get_running_loop().run_in_executor(None, _soon, vitals)
    time.sleep(1.6)  # noqa: ASYNC251 - what must not happen
    assert await seen > 0.5
    await asyncio.sleep(0.1)
    found = await condition(sqlite, valkey_url, vitals)
    assert found.status is Status.DEGRADED
    assert "s late" in found.degraded["loop"]
    watching.cancel()
    assert (
        vitals.registry.get_sample_value("gryph_event_loop_lag_seconds_bucket", {"le": "1.0"}) == 0
    )


def _soon(vitals: Vitals) -> float:
    """The lag as another thread sees it while the loop stands still."""
    time.sleep(1.2)
    return vitals.loop_lag_s()


async def test_many_who_ask_at_once_cost_one_look(sqlite: Database, valkey_url: str) -> None:
    written: list[float] = []
    counted = Database(sqlite.url)
    counted.on_write = written.append
    async with health(counted, valkey_url) as one:
        await asyncio.gather(*(one.condition() for _ in range(50)))
    assert len(written) == 1
    counted.close()
