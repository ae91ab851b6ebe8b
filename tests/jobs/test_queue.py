"""The bell over a real Valkey: arq carries ids as JSON, whenever they were asked for."""

import asyncio
import json
import secrets
import socket
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import pytest
from arq.worker import Worker, func
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from jobs.queue import (
    EVENTS_STREAM,
    RUN,
    ArqQueue,
    EventBell,
    QueueDown,
    connection,
    from_json,
    queue_name,
    to_json,
)
from storage.clock import utc_now
from storage.ids import JobId

JOB = JobId("J7K2M9Q")


@pytest.fixture
async def queue(valkey_url: str) -> AsyncGenerator[ArqQueue]:
    queue = ArqQueue(valkey_url)
    yield queue
    await queue.close()


@pytest.fixture
async def redis(valkey_url: str) -> AsyncGenerator[Redis]:
    redis = Redis.from_url(valkey_url)  # pyright: ignore[reportUnknownMemberType]
    yield redis
    await redis.aclose()


@pytest.fixture
def lane() -> str:
    """A queue nobody else uses."""
    return secrets.token_hex(8)


async def heard(url: str, lane: str) -> list[str]:
    """What a worker of that queue is told, in order, until there is no more."""
    told: list[str] = []

    async def run(ctx: dict[str, object], *args: str) -> None:
        del ctx
        told.extend(args)

    redis = connection(url)
    worker = Worker(
        functions=[func(run, name=RUN, keep_result=0)],
        queue_name=queue_name(lane),
        redis_pool=redis,
        handle_signals=False,
        burst=True,
        max_jobs=1,
        poll_delay=0.01,
        job_serializer=to_json,
        job_deserializer=from_json,
    )
    await worker.async_run()
    await redis.aclose(close_connection_pool=True)
    return told


async def test_a_bell_reaches_a_worker_of_its_queue(
    queue: ArqQueue, lane: str, valkey_url: str
) -> None:
    await queue.ring(JOB, lane, turn_at=utc_now())
    assert await heard(valkey_url, f"not-{lane}") == []
    assert await heard(valkey_url, lane) == [JOB]


@pytest.mark.parametrize("days", [-0.01, 0.5, 1, 2, 400])
async def test_a_job_whose_turn_was_long_ago_can_still_be_rung(
    queue: ArqQueue, lane: str, valkey_url: str, days: float
) -> None:
    await queue.ring(JOB, lane, turn_at=utc_now() - timedelta(days=days))
    assert await heard(valkey_url, lane) == [JOB]


async def test_whose_turn_comes_first_is_served_first(
    queue: ArqQueue, lane: str, valkey_url: str
) -> None:
    now = utc_now()
    for number, age_s in enumerate([10, 3000, 200]):
        await queue.ring(JobId(f"J{number}"), lane, turn_at=now - timedelta(seconds=age_s))
    assert await heard(valkey_url, lane) == ["J1", "J2", "J0"]


async def test_what_lies_in_redis_is_json_with_the_jobs_id_and_no_pickle(
    queue: ArqQueue, lane: str, redis: Redis
) -> None:
    await queue.ring(JOB, lane, turn_at=utc_now())
    (entry,) = await redis.zrange(queue_name(lane), 0, -1)  # pyright: ignore[reportUnknownMemberType] - untyped keyword
    raw = await redis.get(b"arq:job:" + entry)
    assert isinstance(raw, bytes)
    message = json.loads(raw)
    assert (message["f"], message["a"], message["k"]) == (RUN, [JOB], {})
    left_ms = await redis.pttl(b"arq:job:" + entry)
    assert 0 < left_ms <= 24 * 3600 * 1000


@given(st.lists(st.text()), st.datetimes(timezones=st.just(UTC)))
def test_messages_survive_json(arguments: list[str], at: datetime) -> None:
    back = from_json(to_json({"a": tuple(arguments), "f": RUN, "at": at}))
    assert back == {"a": tuple(arguments), "f": RUN, "at": str(at)}


async def test_a_dead_broker_is_said_to_be_down() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    queue = ArqQueue(f"redis://127.0.0.1:{port}/0")
    with pytest.raises(QueueDown):
        await queue.ring(JOB, "cpu", turn_at=utc_now())
    await queue.close()


async def test_a_bell_rings_on_the_stream(valkey_url: str, redis: Redis) -> None:
    job = JobId(secrets.token_hex(4))
    pool = connection(valkey_url)
    await EventBell(pool).ring(job)
    entries = await redis.xrevrange(EVENTS_STREAM, count=100)
    assert {b"job": job.encode()} in [fields for _, fields in entries]
    await pool.aclose(close_connection_pool=True)


async def test_a_bell_nobody_hears_does_not_hold_a_job_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        pool = connection(f"redis://127.0.0.1:{mute.getsockname()[1]}/0")
        async with asyncio.timeout(20):
            await EventBell(pool).ring(JOB)
        await pool.aclose(close_connection_pool=True)
