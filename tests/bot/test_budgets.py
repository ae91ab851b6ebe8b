"""Budgets for calls to platforms: shared, waited for, and kept alone when Redis is away."""

import asyncio
import secrets
import socket
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from typing_extensions import override

from bot.budgets import Budgets, Spent
from bot.limits import Bucket, Limits, Verdict


@pytest.fixture
async def redis(valkey_url: str) -> AsyncGenerator[Redis]:
    redis = Redis.from_url(valkey_url)  # pyright: ignore[reportUnknownMemberType]
    yield redis
    await redis.aclose()


def bucket(size: float, per_s: float) -> Bucket:
    """A bucket nobody else uses."""
    key = f"test:{secrets.token_hex(8)}"
    return Bucket(key, key, size, per_s)


async def spent(budgets: Budgets, one: Bucket, *, tries: int) -> int:
    """How often it gave."""
    given_ = 0
    for _ in range(tries):
        try:
            await budgets.spend([one])
            given_ += 1
        except Spent:
            pass
    return given_


async def test_two_gateways_share_one_budget(redis: Redis) -> None:
    one = bucket(10, 0.001)
    gateways = [Budgets(Limits(redis)) for _ in range(2)]
    assert sum(await asyncio.gather(*(spent(each, one, tries=10) for each in gateways))) == 10


async def test_a_short_wait_is_waited_for_and_a_long_one_handed_back(redis: Redis) -> None:
    budgets, quick, slow = Budgets(Limits(redis)), bucket(1, 5), bucket(1, 0.01)
    started = time.monotonic()
    await budgets.spend([quick])
    await budgets.spend([quick])
    assert 0.15 < time.monotonic() - started < 2
    await budgets.spend([slow])
    with pytest.raises(Spent) as refused:
        await budgets.spend([slow])
    assert 90 < refused.value.retry_after_s <= 100


class Counted(Limits):
    """Counts the questions."""

    asked = 0

    @override
    async def take(self, buckets: Sequence[Bucket], *, cost: int | None = None) -> Verdict:
        self.asked += 1
        return await super().take(buckets, cost=cost)


async def test_many_who_wait_are_served_in_line_and_do_not_all_ask_again_and_again(
    redis: Redis,
) -> None:
    limits, one, served = Counted(redis), bucket(1, 50), list[int]()
    budgets = Budgets(limits)

    async def spend(number: int) -> None:
        await budgets.spend([one])
        served.append(number)

    await asyncio.gather(*(spend(number) for number in range(40)))
    assert served == list(range(40))
    assert limits.asked <= 3 * 40


async def test_who_stands_in_line_for_too_long_is_sent_away(redis: Redis) -> None:
    budgets, one = Budgets(Limits(redis), patience_s=2.0), bucket(1, 1)
    found = await asyncio.gather(*(budgets.spend([one]) for _ in range(20)), return_exceptions=True)
    assert found[:2] == [None, None]
    assert isinstance(found[-1], Spent)
    assert sum(each is None for each in found) < 4


async def test_what_may_be_left_out_leaves_room_for_what_must_be_said(redis: Redis) -> None:
    budgets, one = Budgets(Limits(redis)), bucket(4, 0.001)
    progress = replace(one, spare=2)
    assert await budgets.has_room([progress])
    await budgets.spend([one])
    await budgets.spend([one])
    assert not await budgets.has_room([progress])
    assert await budgets.has_room([one])
    assert await spent(budgets, one, tries=4) == 2


async def test_a_closed_bucket_is_closed_for_the_other_gateway_too(redis: Redis) -> None:
    one, other = Budgets(Limits(redis)), Budgets(Limits(redis))
    door = replace(bucket(1, 1), cost=0)
    await one.spend([door])
    await one.close(door, 40)
    await one.close(door, 20)
    for gateway in (one, other):
        with pytest.raises(Spent) as refused:
            await gateway.spend([door])
        assert 38 < refused.value.retry_after_s <= 40


async def test_without_redis_a_gateway_keeps_within_half_and_counts_it(unused_port: int) -> None:
    alone: list[None] = []
    async with Redis(port=unused_port) as gone:
        budgets = Budgets(Limits(gone), on_alone=lambda: alone.append(None))
        assert await spent(budgets, bucket(10, 0.001), tries=10) == 5
        assert len(alone) == 10


async def test_what_was_spent_with_redis_counts_without_it(redis: Redis, unused_port: int) -> None:
    one = bucket(10, 0.001)
    async with Redis(port=unused_port) as gone:
        limits = Failing(Limits(redis), Limits(gone))
        budgets = Budgets(limits)
        assert await spent(budgets, one, tries=4) == 4
        limits.is_away = True
        assert await spent(budgets, one, tries=4) == 1


async def test_a_mute_redis_is_asked_once_and_then_left_alone_for_a_while() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        async with Redis(port=mute.getsockname()[1]) as silent, asyncio.timeout(10):
            budgets, started = Budgets(Limits(silent)), time.monotonic()
            assert await spent(budgets, bucket(40, 0.001), tries=20) == 20
            assert time.monotonic() - started < 3


class Failing(Limits):
    """Limits whose Redis goes away when a test says so."""

    def __init__(self, here: Limits, away: Limits) -> None:
        """`away` asks where nobody is."""
        self._here, self._away, self.is_away = here, away, False

    @override
    async def take(self, buckets: Sequence[Bucket], *, cost: int | None = None) -> Verdict:
        """See `Limits`."""
        limits = self._away if self.is_away else self._here
        return await limits.take(buckets, cost=cost)


@settings(max_examples=60, deadline=None)
@given(
    most=st.integers(2, 60),
    burst_share=st.floats(0.1, 0.9),
    pauses_s=st.lists(st.floats(0, 30), min_size=1, max_size=120),
)
def test_no_span_holds_more_than_was_promised(
    most: int, burst_share: float, pauses_s: list[float]
) -> None:
    clock = [0.0]
    budgets = Budgets(None, patience_s=0.0, clock=lambda: clock[0])
    one = Bucket.within("k", most, 60.0, max(1, int((most - 1) * burst_share)))

    async def run() -> list[float]:
        given_s: list[float] = []
        for pause_s in pauses_s:
            clock[0] += pause_s
            for _ in range(3):
                given_s += [clock[0]] * await spent(budgets, one, tries=1)
        return given_s

    given_s = asyncio.run(run())
    for start in given_s:
        assert sum(start <= at < start + 60.0 for at in given_s) <= most


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
