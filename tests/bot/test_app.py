"""The composed gateway: what it tells operators, and how its loops live and die."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from sqlmodel import Session, select

from bot import uplinks
from bot.app import Gateway, compose
from bot.settings import GatewaySettings, MissingSetting
from storage import ledger
from storage.clock import utc_now
from storage.database import Database
from storage.ids import JobId
from storage.migrations.run import upgrade
from storage.tables.jobs import JobRow
from tests.fakes.discord_wire.faults import Fault, Kind
from tests.fakes.discord_wire.routes import TOKEN
from tests.fakes.discord_wire.server import Discord
from tests.jobs.asked import asked, leased, row_of
from tests.jobs.outage import without
from tests.jobs.waiting import PATIENCE_S, until

URL = "http://127.0.0.1:8414"


@pytest.fixture
def settings(tmp_path: Path, valkey_url: str) -> GatewaySettings:
    found = GatewaySettings(home=tmp_path, redis_url=valkey_url)
    upgrade(found.sql_url)
    return found


@asynccontextmanager
async def composed(settings: GatewaySettings) -> AsyncGenerator[tuple[Gateway, httpx.AsyncClient]]:
    gateway = compose(settings, URL)
    transport = httpx.ASGITransport(gateway.app)
    try:
        async with httpx.AsyncClient(transport=transport, base_url=URL) as http:
            yield gateway, http
    finally:
        await gateway.close()


@asynccontextmanager
async def running(settings: GatewaySettings) -> AsyncGenerator[httpx.AsyncClient]:
    async with composed(settings) as (gateway, http), asyncio.timeout(3 * PATIENCE_S):
        loops = asyncio.ensure_future(gateway.run())
        try:
            yield http
            assert not loops.done(), "a loop ended by itself"
        finally:
            loops.cancel()
            await asyncio.gather(loops, return_exceptions=True)


@pytest.fixture
def database(settings: GatewaySettings) -> Database:
    return Database(settings.sql_url)


async def test_a_gateway_with_its_database_is_ready(settings: GatewaySettings) -> None:
    async with composed(settings) as (_, http):
        alive = (await http.get("/healthz")).json()
        assert alive["status"] == "alive"
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()["stuck"]) == (200, {})
        assert list(ready.json()["degraded"]) == ["workers"]


async def test_a_discord_token_that_is_revoked_is_told_and_the_gateway_stays_in_service(
    settings: GatewaySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uplinks, "BRIEF_S", 0.0)
    async with Discord.running() as discord:
        on = settings.model_copy(
            update={
                "discord_token": SecretStr(TOKEN),
                "discord_api_url": discord.api_url,
                "discord_gateway_url": discord.gateway.url,
            }
        )
        async with running(on) as http:
            await until(lambda: _shown(http, 'gryph_connected{platform="discord"} 1.0'))
            discord.faults.add(Fault("GET", "/users/@me", Kind.UNAUTHORIZED, times=1_000))
            discord.gateway.hang_up(4004)
            await until(lambda: _shown(http, 'gryph_connected{platform="discord"} 0.0'))
            await until(lambda: _told(http, "uplinks", "GRYPH_DISCORD_TOKEN is refused"))
            ready = await http.get("/readyz")
            assert (ready.status_code, ready.json()["stuck"]) == (200, {})
            assert ready.json()["degraded"]["tokens"] == (
                "GRYPH_DISCORD_TOKEN is refused. Reset the bot's token and set it anew."
            )
            assert await _shown(http, 'gryph_token_refused{setting="GRYPH_DISCORD_TOKEN"} 1.0')
            assert await _shown(http, 'gryph_trouble{part="tokens"} 1.0')


async def _shown(http: httpx.AsyncClient, line: str) -> bool:
    return f"{line}\n" in (await http.get("/metrics")).text


async def _told(http: httpx.AsyncClient, part: str, words: str) -> bool:
    return words in (await http.get("/readyz")).json()["degraded"].get(part, "")


async def test_a_gateway_without_a_broker_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(MissingSetting, match="GRYPH_REDIS_URL"):
        compose(GatewaySettings(home=tmp_path, redis_url=None), URL)


async def test_metrics_count_the_jobs_that_are_not_over(
    settings: GatewaySettings, database: Database
) -> None:
    jobs = [await asked(database) for _ in range(3)]
    await leased(database, jobs[0])
    async with composed(settings) as (_, http):
        text = (await http.get("/metrics")).text
    assert 'gryph_jobs{queue="cpu",state="queued",verb="test"} 2.0' in text
    assert 'gryph_jobs{queue="cpu",state="running",verb="test"} 1.0' in text
    await asyncio.to_thread(database.close)


async def test_a_job_whose_worker_fell_silent_is_queued_again_by_the_leader(
    settings: GatewaySettings, database: Database
) -> None:
    job = await asked(database)
    await leased(database, job)
    await database.write(lambda s: _silence(s, job))

    async def queued() -> bool:
        return (await row_of(database, job)).state == "queued"

    async with running(settings):
        await until(queued)
    await asyncio.to_thread(database.close)


def _silence(session: Session, job: JobId) -> None:
    row = session.exec(select(JobRow).where(JobRow.id == job)).one()
    row.lease_until = utc_now() - timedelta(seconds=ledger.LEASE_S)


async def _ready(http: httpx.AsyncClient) -> bool:
    return (await http.get("/readyz")).is_success


async def test_every_loop_outlives_a_database_that_is_away_for_a_moment(
    settings: GatewaySettings, database: Database
) -> None:
    async with running(settings) as http:
        for table in ("deliveries", "outbox", "inbox", "leases"):
            async with without(database, table):
                await asyncio.sleep(1.2)
        await until(lambda: _ready(http))
    await asyncio.to_thread(database.close)


async def test_every_loop_outlives_a_broker_that_is_away(settings: GatewaySettings) -> None:
    away = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    database = Database(settings.sql_url)
    job = await asked(database)
    async with running(away) as http:
        await asyncio.sleep(2.5)
        await until(lambda: _ready(http))
    assert (await row_of(database, job)).state == "queued"
    await asyncio.to_thread(database.close)


async def test_a_composed_gateway_that_never_ran_closes(settings: GatewaySettings) -> None:
    async with composed(settings):
        pass
