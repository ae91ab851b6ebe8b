"""One real gateway process behind real sockets, with its database and its log in reach."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import func
from sqlmodel import col, select

from bot.auth import ApiKeys, Role
from bot.demo import environment
from storage.database import Database
from storage.migrations.run import upgrade
from storage.tables.console import ConsoleMessageRow
from storage.tables.deliveries import DeliveryRow
from storage.tables.inbox import InboxRow
from storage.tables.jobs import JobRow

SECRET = "front-secret"
START_S = 60.0
STOP_S = 15.0
LOOK_S = 0.1
NOWHERE = "http://127.0.0.1:9"


@dataclass
class Front:
    """A running gateway."""

    url: str
    process: asyncio.subprocess.Process
    log: Path
    database: Database
    token: str
    """A bearer token of an operator."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    async def rows(self) -> dict[str, int]:
        """How many rows each table holds that an event can leave something in."""
        tables = {
            "inbox": InboxRow,
            "jobs": JobRow,
            "deliveries": DeliveryRow,
            "console": ConsoleMessageRow,
        }
        return {
            name: await self.database.read(
                lambda s, table=table: s.exec(select(func.count()).select_from(table)).one()
            )
            for name, table in tables.items()
        }

    async def until_handled(self, at_most_s: float = 60.0) -> None:
        """Wait until every event is handled and every answer is given. Raises TimeoutError."""
        async with asyncio.timeout(at_most_s):
            while await self._waiting():  # noqa: ASYNC110 - another process sets no event of ours
                await asyncio.sleep(LOOK_S)

    async def _waiting(self) -> int:
        events = select(func.count()).where(col(InboxRow.handled_at).is_(None))
        words = select(func.count()).where(col(DeliveryRow.finished_at).is_(None))
        return await self.database.read(lambda s: s.exec(events).one() + s.exec(words).one())

    def events(self) -> list[dict[str, object]]:
        """What it logged so far."""
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def troubles(self) -> list[str]:
        """Errors and exceptions in its log; there should be none."""
        bad = [str(e) for e in self.events() if e.get("level") in ("error", "critical")]
        text = self.log.read_text()
        return bad + (["Traceback: " + text[-2000:]] if "Traceback" in text else [])

    def peak_mb(self) -> float:
        """The most memory it ever had resident."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1000
        raise ProcessLookupError(self.process.pid)


def github_key() -> str:
    """A fresh private key of an App, PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@asynccontextmanager
async def front(home: Path, redis_url: str, **settings: str) -> AsyncGenerator[Front]:
    """A gateway with GitHub and Slack on, both of whose APIs are out of reach unless `settings`
    say where they are; stopped at the end.
    """
    (home / "run").mkdir(parents=True, exist_ok=True)
    env = {
        **environment(home),
        "GRYPH_REDIS_URL": redis_url,
        "GRYPH_GITHUB_APP_ID": "1",
        "GRYPH_GITHUB_PRIVATE_KEY": github_key(),
        "GRYPH_GITHUB_WEBHOOK_SECRET": SECRET,
        "GRYPH_GITHUB_API_URL": NOWHERE,
        "GRYPH_SLACK_BOT_TOKEN": "xoxb-front",
        "GRYPH_SLACK_SIGNING_SECRET": SECRET,
        "GRYPH_SLACK_API_URL": f"{NOWHERE}/",
        **settings,
    }
    sql_url = env.get("GRYPH_DATABASE_URL", f"sqlite:///{home / 'gryph.db'}")
    await asyncio.to_thread(upgrade, sql_url)
    log = home / "gateway.log"
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot.app"), env=env, stderr=output
        )
    database = Database(sql_url)
    try:
        url = await _ready(home / "run" / "gateway.json", process, log)
        yield Front(url, process, log, database, ApiKeys(home).mint("tester", Role.OPERATOR))
    finally:
        await _stopped(process)
        await asyncio.to_thread(database.close)


async def _ready(note: Path, process: asyncio.subprocess.Process, log: Path) -> str:
    async with asyncio.timeout(START_S), httpx.AsyncClient(trust_env=False) as http:
        while process.returncode is None:
            await asyncio.sleep(LOOK_S)
            url = _noted(note, process.pid)
            with contextlib.suppress(httpx.TransportError):
                if url and (await http.get(f"{url}/healthz")).is_success:
                    return url
    raise RuntimeError(await asyncio.to_thread(log.read_text))


def _noted(note: Path, pid: int) -> str | None:
    """The address that a process noted down, once it did."""
    if not note.exists():
        return None
    found = json.loads(note.read_text())
    return str(found["url"]) if found["pid"] == pid else None


async def _stopped(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()
