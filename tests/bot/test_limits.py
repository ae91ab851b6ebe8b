"""Token buckets, on a real Valkey."""

import asyncio
import secrets
import socket
from collections.abc import AsyncGenerator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from bot.limits import HOUR_S, Bucket, Limits, Verdict


@pytest.fixture
async def redis(valkey_url: str) -> AsyncGenerator[Redis]:
    redis = Redis.from_url(valkey_url)  # pyright: ignore[reportUnknownMemberType]
    yield redis
    await redis.aclose()


@pytest.fixture
def limits(redis: Redis) -> Limits:
    return Limits(redis)


def bucket(per_hour: int) -> Bucket:
    """A bucket nobody else uses."""
    return Bucket.hourly(f"test:{secrets.token_hex(8)}", "You", per_hour)


async def test_a_bucket_gives_what_it_holds_and_then_says_when_to_come_back(
    limits: Limits,
) -> None:
    mine = bucket(3)
    taken = [await limits.take([mine]) for _ in range(3)]
    assert [(one.allowed, one.left) for one in taken] == [(True, (2,)), (True, (1,)), (True, (0,))]
    refused = await limits.take([mine])
    assert (refused.allowed, refused.is_open) == (False, False)
    assert 0 < refused.wait_s <= HOUR_S / 3


async def test_a_bucket_fills_again(limits: Limits) -> None:
    quick = bucket(360_000)  # a hundred a second
    for _ in range(100):
        await asyncio.gather(*(limits.take([quick], cost=3600) for _ in range(10)))
    refused = await limits.take([quick], cost=360_000)
    assert not refused.allowed
    await asyncio.sleep(0.1)
    later = await limits.take([quick], cost=0)
    assert later.left[0] > refused.left[0]


async def test_side_by_side_no_token_is_given_twice(limits: Limits) -> None:
    mine = bucket(20)
    verdicts = await asyncio.gather(*(limits.take([mine]) for _ in range(60)))
    assert sum(one.allowed for one in verdicts) == 20


async def test_either_every_bucket_gives_or_none(limits: Limits) -> None:
    person, workspace = bucket(1), bucket(10)
    assert (await limits.take([person, workspace])).left == (0, 9)
    refused = await limits.take([person, workspace])
    assert (refused.allowed, refused.left) == (False, (0, 9))
    assert (await limits.take([workspace])).left == (8,)


async def test_looking_takes_nothing(limits: Limits) -> None:
    mine = bucket(2)
    for _ in range(3):
        assert (await limits.take([mine], cost=0)).left == (2,)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sizes=st.lists(st.integers(1, 30), min_size=1, max_size=3), tries=st.integers(0, 40))
def test_never_more_than_the_smallest_bucket(valkey_url: str, sizes: list[int], tries: int) -> None:
    async def taken() -> list[Verdict]:
        redis = Redis.from_url(valkey_url)  # pyright: ignore[reportUnknownMemberType]
        async with redis:
            limits, buckets = Limits(redis), [bucket(size) for size in sizes]
            return [await limits.take(buckets) for _ in range(tries)]

    allowed = [one for one in asyncio.run(taken()) if one.allowed]
    assert len(allowed) == min(tries, *sizes)


async def test_a_bucket_nobody_uses_is_forgotten(limits: Limits, redis: Redis) -> None:
    mine = bucket(7)
    await limits.take([mine])
    left_ms = await redis.pttl(f"gryph:rate:{mine.key}")
    assert 0 < left_ms <= HOUR_S * 1000 + 1000


async def test_without_redis_commands_run_uncounted(unused_port: int) -> None:
    async with Redis(port=unused_port) as gone:
        verdict = await Limits(gone).take([bucket(5)])
    assert verdict == Verdict(allowed=True, wait_s=0.0, left=(5,), is_open=True)


async def test_a_redis_that_says_nothing_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        async with Redis(port=mute.getsockname()[1]) as silent, asyncio.timeout(20):
            assert (await Limits(silent).take([bucket(5)])).is_open


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
