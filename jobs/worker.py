"""A worker process: composition root and main loop.

`python -m jobs.worker` serves one queue until SIGTERM or SIGINT; then running jobs get a short
while to finish and are handed back otherwise. A broker that goes away is waited for.
"""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Mapping
from typing import Any

import structlog
from arq.connections import ArqRedis, create_pool
from arq.worker import Worker, func
from redis.exceptions import RedisError

from engines.sandbox.sandbox import Sandbox, find_sandbox
from engines.sandbox.types import NoIsolation
from jobs import test_code
from jobs.desk import Work
from jobs.queue import RUN, EventBell, from_json, queue_name, redis_settings, to_json
from jobs.runner import JOB_LIMIT_S, Runner
from jobs.settings import WorkerSettings
from jobs.workshop import LocalDesk, NoSandbox, Workshop
from storage import vault
from storage.artifacts import ArtifactStore
from storage.database import Database
from storage.ids import JobId
from storage.logs import set_up_logging

log = structlog.get_logger()

WORKS: Mapping[str, Work] = {"test": test_code.run}
"""The registry of jobs, by kind of request."""

POLL_S = 0.03
GRACE_S = 5.0
"""How long running jobs may finish after a signal before they are handed back."""
BROKER_WAIT_S = 1.0
READ_LIMIT = 200
"""Ids looked at in one poll; more than all workers together have in flight."""


HAND_BACK_S = 10.0
"""How long an engine may take to notice that it should stop."""

LocalRunner = Runner[LocalDesk]


class NoBroker(Exception):
    """There is no queue to serve; the message names the setting."""


async def serve(settings: WorkerSettings) -> None:
    """Run until a signal comes."""
    if settings.redis_url is None:
        raise NoBroker("GRYPH_REDIS_URL is missing: a worker needs the queue of its gateway.")
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    database = Database(settings.sql_url)
    sandbox = await asyncio.to_thread(_proven_sandbox)
    keys = vault.checkout_keys(settings.home, settings.checkout_key)
    shop = Workshop(settings, database, ArtifactStore(settings.home), keys, sandbox)
    log.info("worker ready", queue=settings.queues, isolation=_rung(sandbox))
    try:
        await _serve_until(stopping, settings, settings.redis_url, (database, shop))
    finally:
        shop.close()
        database.close()


async def _serve_until(
    stopping: asyncio.Event,
    settings: WorkerSettings,
    redis_url: str,
    parts: tuple[Database, Workshop],
) -> None:
    database, shop = parts
    bell = EventBell()
    owner = f"{socket.gethostname()}:{os.getpid()}"
    runner = Runner(database, bell, shop, WORKS, owner=owner, concurrency=settings.concurrency)
    while not stopping.is_set():
        try:
            redis = await create_pool(
                redis_settings(redis_url), job_serializer=to_json, job_deserializer=from_json
            )
        except (RedisError, OSError) as error:
            log.warning("broker out of reach", error=str(error))
            await asyncio.sleep(BROKER_WAIT_S)
            continue
        bell.connect(redis)
        await _serve_broker(stopping, settings, runner, redis)


async def _serve_broker(
    stopping: asyncio.Event, settings: WorkerSettings, runner: LocalRunner, redis: ArqRedis
) -> None:
    """Serve until a signal, or until the broker is lost; running jobs outlive the broker."""
    worker = _arq_worker(settings, runner, redis)
    serving = asyncio.ensure_future(worker.async_run())
    waiting = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if stopping.is_set():
        log.info("stopping", running=runner.running)
        worker.allow_pick_jobs = False
        await runner.idle(GRACE_S)
        runner.hand_back_all()
        await runner.idle(HAND_BACK_S)
    serving.cancel()
    for outcome in await asyncio.gather(serving, return_exceptions=True):
        if isinstance(outcome, RedisError | OSError):
            log.warning("broker lost", error=str(outcome))
        elif isinstance(outcome, Exception):
            raise outcome


def _arq_worker(settings: WorkerSettings, runner: LocalRunner, redis: ArqRedis) -> Worker:
    async def run(ctx: dict[Any, Any], *args: str) -> None:
        del ctx
        (job,) = args
        await runner.run(JobId(job))

    return Worker(
        functions=[func(run, name=RUN, keep_result=0, timeout=JOB_LIMIT_S + 60, max_tries=1)],
        queue_name=queue_name(settings.queues),
        redis_pool=redis,
        handle_signals=False,
        max_jobs=settings.concurrency,
        poll_delay=POLL_S,
        queue_read_limit=READ_LIMIT,
        retry_jobs=False,
        keep_result=0,
        job_serializer=to_json,
        job_deserializer=from_json,
        log_results=False,
    )


def _proven_sandbox() -> Sandbox | NoSandbox:
    try:
        return find_sandbox()
    except NoIsolation as error:
        log.error("no isolation on this host", reason=str(error))  # noqa: TRY400 - no bug of ours
        return NoSandbox(str(error))


def _rung(sandbox: Sandbox | NoSandbox) -> str:
    return "none" if isinstance(sandbox, NoSandbox) else str(sandbox.rung)


def main() -> None:
    """The process' entry."""
    set_up_logging()
    logging.getLogger("arq").setLevel(logging.WARNING)
    asyncio.run(serve(WorkerSettings()))


if __name__ == "__main__":
    main()
