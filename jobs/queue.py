"""The bell between gateway and workers: arq behind a small protocol.

arq carries job ids and nothing else; what the job is lies in the ledger. A bell may ring twice or
get lost: the lease makes the first harmless, the outbox the second.
"""

import json
from datetime import datetime
from typing import Any, Protocol

from arq.connections import ArqRedis, RedisSettings, create_pool
from redis.exceptions import RedisError

from storage.ids import JobId

EVENTS_STREAM = "gryph:events"
EVENTS_KEPT = 10_000
RUN = "run"
"""Name of the one arq function."""


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


def redis_settings(url: str) -> RedisSettings:
    """arq's settings for a Redis or Valkey URL (redis://, rediss://, unix://)."""
    settings = RedisSettings.from_dsn(url)
    settings.conn_timeout = 5
    settings.conn_retries = 2
    settings.conn_retry_delay = 0.2  # pyright: ignore[reportAttributeAccessIssue] - a float works
    return settings


class JobQueue(Protocol):
    """Rings for a job."""

    async def ring(self, job: JobId, queue: str, *, asked_at: datetime) -> None:
        """Tell the workers of `queue` that `job` may start; the oldest request is served first.

        Raises:
            QueueDown: Try again later.
        """
        ...


class ArqQueue:
    """The real queue."""

    def __init__(self, url: str) -> None:
        """Connects on first use, and again after a loss."""
        self._settings = redis_settings(url)
        self._pool: ArqRedis | None = None

    async def ring(self, job: JobId, queue: str, *, asked_at: datetime) -> None:
        """See `JobQueue.ring`."""
        try:
            pool = await self._connected()
            # The score is the time of asking: a job rung again keeps its place in the line.
            await pool.enqueue_job(RUN, job, _queue_name=queue_name(queue), _defer_until=asked_at)
        except (RedisError, OSError) as error:
            raise QueueDown(str(error)) from error

    async def _connected(self) -> ArqRedis:
        if self._pool is None:
            self._pool = await create_pool(
                self._settings, job_serializer=to_json, job_deserializer=from_json
            )
        return self._pool

    async def close(self) -> None:
        """Let go of the connection."""
        if self._pool is not None:
            await self._pool.aclose()


class EventBell:
    """Tells every gateway that a job has something new to say; the ledger says what."""

    def __init__(self) -> None:
        """Silent until connected."""
        self._redis: ArqRedis | None = None

    def connect(self, redis: ArqRedis) -> None:
        """Ring through this connection from now on."""
        self._redis = redis

    async def ring(self, job: JobId) -> None:
        """Best effort: a lost bell is made good by the gateways' regular look."""
        if self._redis is None:
            return
        try:
            await self._redis.xadd(EVENTS_STREAM, {"job": job}, maxlen=EVENTS_KEPT)
        except (RedisError, OSError):
            return
