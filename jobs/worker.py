"""A worker process: composition root and main loop.

`python -m jobs.worker` serves one queue until SIGTERM or SIGINT; then running jobs get a short
while to finish and are handed back otherwise. A broker that goes away is waited for.
"""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Generator, Mapping
from importlib import import_module
from typing import Any

import structlog
from arq.connections import ArqRedis
from arq.worker import Worker, func
from redis.exceptions import RedisError
from typing_extensions import override

from engines.sandbox.sandbox import Sandbox, find_sandbox
from engines.sandbox.types import NoIsolation
from jobs.cpu import cpu_works
from jobs.desk import Work
from jobs.health import WorkerHealth
from jobs.listener import CannotListen, listening
from jobs.metrics import WorkerMetrics
from jobs.model_metrics import LiveModels
from jobs.one_parser import parse_one_by_one
from jobs.queue import RUN, EventBell, connection, from_json, queue_name, to_json
from jobs.runner import JOB_LIMIT_S, Runner
from jobs.settings import WorkerSettings
from jobs.workshop import LocalDesk, NoSandbox, Workshop
from storage import targets, vault
from storage.database import Database
from storage.heart import Heart
from storage.ids import JobId
from storage.logs import set_up_logging
from storage.presence import Identity
from storage.redaction import Redactor, own_secrets
from storage.stores.choice import open_store
from storage.traces import set_up_tracing

log = structlog.get_logger()

POLL_S = 0.03
GRACE_S = 5.0
"""How long running jobs may finish after a signal before they are handed back."""
BROKER_WAIT_S = 1.0
HAND_BACK_S = 10.0
"""How long an engine may take to notice that it should stop."""
CANCEL_AGAIN_S = 0.2
ERRANDS_S = 1.0
"""How long the broker may take to note that the last jobs are over."""
TURN_S = 0.0005
"""How long a busy thread keeps the interpreter from others. Python's own 5 ms add up: the loop that
takes jobs, and a model's engine between two operations, wait for each busy thread of each job."""
READ_LIMIT = 200
"""Ids looked at in one poll; more than all workers together have in flight."""

LocalRunner = Runner[LocalDesk]


class _Worker(Worker):
    """arq's, which asks the broker three questions about each job in its queue at each look, those
    included that run here already.
    """

    @override
    async def start_jobs(self, job_ids: list[bytes]) -> None:
        await super().start_jobs([each for each in job_ids if each.decode() not in self.tasks])


class NoBroker(Exception):
    """There is no queue to serve; the message names the setting."""


async def serve(settings: WorkerSettings, works: Mapping[str, Work] | None = None) -> None:
    """Run until a signal comes; `works` takes the place of the queue's registry of jobs.

    Raises:
        NoBroker: There is no queue to serve.
    """
    if settings.redis_url is None:
        raise NoBroker("GRYPH_REDIS_URL is missing: a worker needs the queue of its gateway.")
    stopping = _set_by_signals()
    database = Database(settings.sql_url)
    sandbox = await asyncio.to_thread(_proven_sandbox)
    keys = vault.checkout_keys(settings.home, settings.checkout_key)
    redactor = _redacted_logs(settings)
    shop = Workshop(settings, database, open_store(settings), keys, sandbox, redactor)
    redis = connection(settings.redis_url)
    heart = Heart(database, Identity.mine("worker"))
    held = contextlib.ExitStack()
    known, models = (works, None) if works else held.enter_context(_works(shop))
    runner = Runner(
        database,
        EventBell(redis),
        shop,
        known,
        owner=heart.owner,
        concurrency=settings.slots,
    )
    runner.redactor = redactor
    metrics = runner.metrics
    metrics.sandbox.labels(_rung(sandbox)).set(1)
    database.on_write = metrics.vitals.write_s.observe
    metrics.vitals.watch_home(settings.home)
    shop.on_refusal = metrics.sandbox_refusals.inc
    runs = [heart.run, metrics.vitals.watch_loop]
    if models is not None:
        metrics.models.watch(models)
        runs.append(models.keep_up)
    health = WorkerHealth(
        heart, redis, metrics.vitals, is_isolated=not isinstance(sandbox, NoSandbox)
    )
    await heart.beat()
    log.info("worker ready", queue=settings.queues, isolation=_rung(sandbox))
    try:
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(run()) for run in runs]
            with _door(settings, metrics, health):
                await _serve_queue(stopping, settings, runner, redis, metrics)
            for task in beside:
                task.cancel()
    finally:
        await heart.leave()
        await redis.aclose(close_connection_pool=True)
        held.close()
        shop.close()
        database.close()


def _redacted_logs(settings: WorkerSettings) -> Redactor:
    """What takes secrets out of the logs from now on; it learns the keys of models later."""
    redactor = Redactor(own_secrets(settings))
    set_up_logging(redactor=redactor)
    return redactor


def _set_by_signals() -> asyncio.Event:
    """Set once the process is asked to end."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


@contextlib.contextmanager
def _works(shop: Workshop) -> Generator[tuple[Mapping[str, Work], LiveModels | None]]:
    """What the worker of this queue can do, and the models it asks."""
    if shop.settings.queues == "cpu":
        with cpu_works(shop) as works_and_models:
            yield works_and_models
        return
    # Only here: workers of the other queue have no use for what it imports.
    with import_module("jobs.gpu").gpu_works(shop) as works_and_models:
        yield works_and_models


@contextlib.contextmanager
def _door(
    settings: WorkerSettings, metrics: WorkerMetrics, health: WorkerHealth
) -> Generator[None]:
    """Open to operators while the block lasts, if the settings say where."""
    if settings.worker_listen is None:
        yield
        return
    with (
        listening(settings.worker_listen, metrics, health.condition) as address,
        targets.offered(settings.home, "worker", address),
    ):
        yield


async def _serve_queue(
    stopping: asyncio.Event,
    settings: WorkerSettings,
    runner: LocalRunner,
    redis: ArqRedis,
    metrics: WorkerMetrics,
) -> None:
    """Serve until a signal, whatever becomes of the broker; running jobs outlive both."""
    errands: set[asyncio.Task[Any]] = set()
    while not stopping.is_set():
        worker = _arq_worker(settings, runner, redis)
        try:
            await _serve_broker(stopping, worker)
        except (RedisError, OSError) as error:
            metrics.broker_losses.inc()
            log.warning("broker lost", error=str(error), running=runner.running)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), BROKER_WAIT_S)
        for errand in worker.tasks.values():
            errand.add_done_callback(_see_error)
        errands = {task for task in (*errands, *worker.tasks.values()) if not task.done()}
    log.info("stopping", running=runner.running)
    await runner.wind_up(grace_s=GRACE_S, hand_back_s=HAND_BACK_S)
    if errands:
        await asyncio.wait(errands, timeout=ERRANDS_S)


async def _serve_broker(stopping: asyncio.Event, worker: Worker) -> None:
    """Take jobs until a signal. Raises RedisError or OSError when the broker is lost."""
    serving = asyncio.ensure_future(worker.async_run())
    waiting = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    while not serving.done():
        # More than once: before Python 3.12 `asyncio.wait_for`, which is under every command to
        # the broker, now and then loses a cancellation; one stop in twelve hung for it.
        serving.cancel()
        await asyncio.wait({serving}, timeout=CANCEL_AGAIN_S)
    if not serving.cancelled():
        serving.result()


def _see_error(errand: "asyncio.Task[Any]") -> None:
    """The broker went away before it was told that a job is over, which it need not know."""
    if not errand.cancelled() and (error := errand.exception()) is not None:
        log.warning("broker not told", error=str(error))


def _arq_worker(settings: WorkerSettings, runner: LocalRunner, redis: ArqRedis) -> Worker:
    async def run(ctx: dict[Any, Any], *args: str) -> None:
        del ctx
        (job,) = args
        await runner.run(JobId(job))

    return _Worker(
        functions=[func(run, name=RUN, keep_result=0, timeout=JOB_LIMIT_S + 60, max_tries=1)],
        queue_name=queue_name(settings.queues),
        redis_pool=redis,
        handle_signals=False,
        max_jobs=settings.slots,
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
    parse_one_by_one()
    sys.setswitchinterval(TURN_S)
    set_up_logging()
    logging.getLogger("arq").setLevel(logging.WARNING)
    settings = WorkerSettings()
    close_tracing = set_up_tracing(settings.otlp_url, "worker")
    try:
        asyncio.run(serve(settings))
    except (NoBroker, CannotListen) as error:
        sys.exit(f"gryph: {error}")
    finally:
        close_tracing()


if __name__ == "__main__":
    main()
