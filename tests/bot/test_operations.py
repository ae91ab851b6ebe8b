"""What `/metrics` says of a gateway whose surroundings are away: it is asked just then."""

import sqlite3
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from bot.health import Health
from bot.metrics import GatewayMetrics
from bot.operations import operations
from storage.database import Database

SCRAPE_TIMEOUT_S = 10.0
"""Prometheus' own; an answer that comes later counts as none."""
NOWHERE = "redis://127.0.0.1:1/0"


@asynccontextmanager
async def gateway(database: Database, redis_url: str) -> AsyncGenerator[httpx.AsyncClient]:
    redis = Redis.from_url(redis_url)  # pyright: ignore[reportUnknownMemberType]
    metrics = GatewayMetrics()
    app = FastAPI()
    health = Health(database, redis, metrics.vitals, stuck_after_s=60.0)
    app.include_router(operations(health, metrics))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        yield http
    await redis.aclose()


async def shown(http: httpx.AsyncClient, name: str) -> dict[str, float]:
    """Values of a series by its first label."""
    page = (await http.get("/metrics")).raise_for_status().text
    return {
        next(iter(sample.labels.values()), ""): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == name
    }


async def test_redis_away_is_shown_as_what_it_is(sqlite: Database, valkey_url: str) -> None:
    async with gateway(sqlite, valkey_url) as http:
        assert (await shown(http, "gryph_trouble"))["redis"] == 0
    async with gateway(sqlite, NOWHERE) as http:
        trouble = await shown(http, "gryph_trouble")
        assert (trouble["redis"], trouble["database"]) == (1, 0)


async def test_a_locked_database_is_shown_in_time_to_be_scraped(sqlite: Database) -> None:
    path = Path(sqlite.url.removeprefix("sqlite:///"))
    async with gateway(sqlite, NOWHERE) as http:
        assert (await shown(http, "gryph_trouble"))["database"] == 0
        with closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN EXCLUSIVE")
            time.sleep(1.1)  # noqa: ASYNC251 - what was known a second ago is not asked again
            began = time.monotonic()
            trouble = await shown(http, "gryph_trouble")
            assert time.monotonic() - began < SCRAPE_TIMEOUT_S
            assert trouble["database"] == 2
