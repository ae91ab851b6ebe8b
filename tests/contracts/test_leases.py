"""Leases on both databases."""

import asyncio
from datetime import UTC, datetime, timedelta

from storage import leases
from storage.database import Database

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TTL_S = 15.0


def acquire(database: Database, owner: str, after_s: float = 0.0) -> "asyncio.Future[bool]":
    at = NOW + timedelta(seconds=after_s)
    return asyncio.ensure_future(
        database.write(lambda s: leases.acquire(s, "leader", owner, TTL_S, at))
    )


async def test_one_holder_at_a_time(database: Database) -> None:
    assert await acquire(database, "a")
    assert not await acquire(database, "b", 14.0)


async def test_the_holder_renews_and_so_keeps_it(database: Database) -> None:
    assert await acquire(database, "a")
    assert await acquire(database, "a", 10.0)
    assert not await acquire(database, "b", 20.0)


async def test_an_expired_lease_goes_to_another_and_its_old_holder_learns_it(
    database: Database,
) -> None:
    assert await acquire(database, "a")
    assert await acquire(database, "b", 15.0)
    assert not await acquire(database, "a", 16.0)


async def test_a_released_lease_is_free_at_once(database: Database) -> None:
    assert await acquire(database, "a")
    assert not await database.write(lambda s: leases.release(s, "leader", "b"))
    assert await database.write(lambda s: leases.release(s, "leader", "a"))
    assert await acquire(database, "b")


async def test_leases_of_other_names_are_free(database: Database) -> None:
    assert await acquire(database, "a")
    assert await database.write(lambda s: leases.acquire(s, "discord", "b", TTL_S, NOW))


async def test_of_many_who_try_together_one_gets_it(database: Database, database_url: str) -> None:
    other = Database(database_url)
    try:
        tries = (acquire((database, other)[n % 2], f"p{n}") for n in range(16))
        assert sum(await asyncio.gather(*tries)) == 1
    finally:
        other.close()
