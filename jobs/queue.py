"""The bell between gateway and workers: arq behind a small protocol.

arq carries job ids and nothing else; what the job is lies in the ledger. A bell may ring twice or
get lost: the lease makes the first harmless, the outbox the second.
"""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any, Protocol

from arq.connections import ArqRedis
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from storage.ids import JobId

EVENTS_STREAM = "gryph:events"
EVENTS_KEPT = 10_000
RUN = "run"
"""Name of the one arq function."""
BELL_KEPT = timedelta(hours=24)
"""How long the queue remembers a bell that no worker heard."""
LONG_AGO = timedelta(days=30)
ANSWER_S = 5.0
"""How long the broker may take over one answer."""
BELL_S = 1.0
"""How long a running job waits for its bell to be heard."""


class QueueDown(Exception):
    """The broker does not answer; what was asked stays in the outbox."""


def queue_name(queue: str) -> str:
    """The arq queue that workers of `queue` listen on."""
    return f"gryph:queue:{queue}"


def to_json(value: dict[str, Any]) -> bytes:
    """arq's messages as JSON: a pickle in Redis would be code execution for whoever writes it."""
    return json.dumps(value, default=str).encode()


def from_json(raw: bytes) -> dict[str, Any]:
    """The inverse of `to_json`. arq expects the argument list back as a tuple."""
    value: dict[str, Any] = json.loads(raw)
    if isinstance(value.get("a"), list):
        value["a"] = tuple(value["a"])
    return value


def connection(url: str) -> ArqRedis:
    """arq's client for a Redis or Valkey URL (redis://, rediss://, unix://).

    Connects on first use and again after a loss. A broker that takes the connection and then says
    nothing counts as lost: arq's own pool would wait for it forever.
    """
    pool = ConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType] - untyped keywords
        url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S
    )
    return ArqRedis(pool, job_serializer=to_json, job_deserializer=from_json)


class JobQueue(Protocol):
    """Rings for a job."""

    async def ring(self, job: JobId, queue: str, *, turn_at: datetime) -> None:
        """Tell the workers of `queue` that `job` may start now; of several, the one whose turn
        comes first is served first.

        Raises:
            QueueDown: Try again later.
        """
        ...


class ArqQueue:
    """The real queue."""

    def __init__(self, url: str) -> None:
        """Connects on first use, and again after a loss."""
        self._redis = connection(url)

    async def ring(self, job: JobId, queue: str, *, turn_at: datetime) -> None:
        """See `JobQueue.ring`."""
        try:
            await self._redis.enqueue_job(
                RUN,
                job,
                _queue_name=queue_name(queue),
                # The score, which arq serves in order once its time has come: long ago.
                _defer_until=turn_at - LONG_AGO,
                # From now; arq would count from the score, and refuse what was due yesterday.
                _expires=BELL_KEPT,
            )
        except (RedisError, OSError) as error:
            raise QueueDown(str(error)) from error

    async def close(self) -> None:
        """Let go of the connection."""
        await self._redis.aclose(close_connection_pool=True)


class EventBell:
    """Tells every gateway that a job has something new to say; the ledger says what."""

    def __init__(self, redis: ArqRedis) -> None:
        """Ring through this connection."""
        self._redis = redis

    async def ring(self, job: JobId) -> None:
        """Best effort, and soon over: a lost bell is made good by the gateways' regular look."""
        try:
            async with asyncio.timeout(BELL_S):
                await self._redis.xadd(EVENTS_STREAM, {"job": job}, maxlen=EVENTS_KEPT)
        except (RedisError, OSError):
            return
