"""What `gryph doctor` finds out about this machine."""

import asyncio
import os
import shutil
import signal
import stat
import sys
import tempfile
from dataclasses import dataclass
from enum import StrEnum

import httpx
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from bot.auth import ApiKeys
from bot.console.client import NoGateway, gateway_url
from bot.console.settings import ClientSettings
from bot.settings import GatewaySettings
from bot.text import size
from storage.files import private_folder
from storage.migrations.run import current, newest

TIMEOUT_S = 5.0
CANARY_TIMEOUT_S = 180.0
DISK_LOW_BYTES = 2_000_000_000
DISK_FULL_BYTES = 200_000_000
_GATEWAY_READY = 200


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    OFF = "off"
    """Not configured, or not running: nothing is wrong."""
    MISSING = "missing"
    """Something is not there that some jobs need."""
    BROKEN = "broken"
    """Configured, and does not work."""


@dataclass(frozen=True)
class Check:
    """One row of the doctor's table."""

    name: str
    verdict: Verdict
    found: str
    remedy: str = ""


async def home(settings: GatewaySettings) -> Check:
    """Whether the home folder can be written, and nobody else can look into it."""
    try:
        private_folder(settings.home)
        with tempfile.TemporaryFile(dir=settings.home):
            pass
    except OSError as error:
        remedy = "Set GRYPH_HOME to a folder you may write, or mend this one's owner."
        return Check("home", Verdict.BROKEN, f"{settings.home}: {error.strerror}", remedy)
    if stat.S_IMODE(settings.home.stat().st_mode) & 0o077:
        found = f"others may look into {settings.home}"
        return Check("home", Verdict.BROKEN, found, f"chmod 700 {settings.home}")
    return Check("home", Verdict.OK, f"{settings.home} can be written and is private")


async def keys(settings: GatewaySettings) -> Check:
    """Whether the keys that sign tokens are there and private."""
    path = ApiKeys(settings.home).path
    if not path.exists():
        return Check("keys", Verdict.OFF, "none yet; the first start or `gryph token` makes one")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Check("keys", Verdict.BROKEN, f"others may read {path}", f"chmod 600 {path}")
    return Check("keys", Verdict.OK, f"{path} is private")


async def database(settings: GatewaySettings) -> Check:
    """Whether the database opens and has its tables."""
    if settings.database_url is None and not (settings.home / "gryph.db").exists():
        found = "SQLite, not made yet; `gryph up` or `gryph migrate` makes it"
        return Check("database", Verdict.OFF, found)
    try:
        revision = await asyncio.to_thread(current, settings.sql_url)
    except (SQLAlchemyError, ValueError, OSError) as error:
        # The URL may hold a password: only the kind of error is shown of what names it.
        found = f"cannot be opened: {type(error).__name__}"
        remedy = "Check GRYPH_DATABASE_URL and that the server runs."
        return Check("database", Verdict.BROKEN, found, remedy)
    kind = make_url(settings.sql_url).get_backend_name()
    if revision != newest():
        found = f"{kind} opens; its tables are {'of another version' if revision else 'missing'}"
        return Check("database", Verdict.BROKEN, found, "gryph migrate")
    return Check("database", Verdict.OK, f"{kind} opens, tables are up to date")


async def broker(settings: GatewaySettings) -> Check:
    """Whether Redis or Valkey answers."""
    if settings.redis_url is None:
        found = "GRYPH_REDIS_URL is not set; `gryph up` starts an embedded Valkey"
        return Check("broker", Verdict.OFF, found)
    try:
        redis = Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - untyped keywords
            settings.redis_url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
        )
        async with redis:
            await redis.execute_command("PING")  # pyright: ignore[reportUnknownMemberType]
    except (RedisError, OSError, ValueError) as error:
        found = f"does not answer: {type(error).__name__}"
        return Check("broker", Verdict.BROKEN, found, "Check GRYPH_REDIS_URL; start the server.")
    return Check("broker", Verdict.OK, "answers")


async def gateway(settings: GatewaySettings) -> Check:
    """Whether a gateway runs with this home folder, or at the configured address."""
    client = ClientSettings(home=settings.home)
    try:
        url = gateway_url(client)
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as http:
            answer = await http.get(f"{url}/readyz")
    except NoGateway:
        return Check("gateway", Verdict.OFF, "not running", "gryph up")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        verdict = Verdict.OFF if client.gateway_url is None else Verdict.BROKEN
        return Check("gateway", verdict, f"does not answer: {type(error).__name__}", "gryph up")
    if answer.status_code != _GATEWAY_READY:
        found = f"{url} is not ready ({answer.status_code})"
        return Check("gateway", Verdict.BROKEN, found, "Read its log; check the database.")
    return Check("gateway", Verdict.OK, f"{url} is ready")


async def git(settings: GatewaySettings) -> Check:
    """Whether git is there, for checkouts and pull requests."""
    del settings
    path = shutil.which("git")
    if path is None:
        found = "not found: no repository can be checked out"
        return Check("git", Verdict.MISSING, found, "Install git.")
    out = await _output(path, "--version", timeout_s=TIMEOUT_S)
    return Check("git", Verdict.OK, out.strip().replace("git version", "version") or path)


async def disk(settings: GatewaySettings) -> Check:
    """Whether there is room in the home folder."""
    existing = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free_bytes = shutil.disk_usage(existing).free
    found = f"{size(free_bytes)} free at {existing}"
    if free_bytes < DISK_FULL_BYTES:
        return Check("disk", Verdict.BROKEN, found, "Make room, or move GRYPH_HOME.")
    if free_bytes < DISK_LOW_BYTES:
        return Check("disk", Verdict.MISSING, f"only {found}", "Make room, or move GRYPH_HOME.")
    return Check("disk", Verdict.OK, found)


class _Probe(BaseModel):
    model_config = ConfigDict(extra="ignore")
    name: str
    passed: bool


class _Rung(BaseModel):
    model_config = ConfigDict(extra="ignore")
    rung: str
    forks: bool = False
    probes: tuple[_Probe, ...]
    passed: bool
    missing: str = ""

    @property
    def summary(self) -> str:
        name = f"{self.rung}, warm" if self.forks else self.rung
        if self.missing:
            return f"{name}: not available"
        failed = ", ".join(probe.name for probe in self.probes if not probe.passed)
        return f"{name}: " + (f"fails at {failed}" if failed else f"{len(self.probes)} held")


_RUNGS = TypeAdapter(tuple[_Rung, ...])
_SEE_CANARY = "python -m engines.sandbox canary"


async def sandbox(settings: GatewaySettings) -> Check:
    """Whether untrusted code can be held here; attacked in a process of its own."""
    del settings
    argv = (sys.executable, "-m", "engines.sandbox", "canary", "--json")
    try:
        return sandbox_check(await _output(*argv, timeout_s=CANARY_TIMEOUT_S))
    except (ValidationError, TimeoutError) as error:
        found = f"its canary gave no verdict: {type(error).__name__}"
        return Check("sandbox", Verdict.BROKEN, found, _SEE_CANARY)


def sandbox_check(report: str) -> Check:
    """The verdict over all rungs of the canary's JSON report: one that holds is enough, since
    only such a one is used.

    Raises:
        ValidationError: It is no such report.
    """
    rungs = _RUNGS.validate_json(report)
    found = "; ".join(rung.summary for rung in rungs)
    if any(rung.passed for rung in rungs):
        return Check("sandbox", Verdict.OK, found)
    if all(rung.missing for rung in rungs):
        remedy = "Install bubblewrap (bwrap), or use a kernel with Landlock: " + _SEE_CANARY
        return Check("sandbox", Verdict.MISSING, f"{found}; no code is run here", remedy)
    return Check("sandbox", Verdict.BROKEN, f"{found}; no code is run here", _SEE_CANARY)


async def _output(*argv: str, timeout_s: float) -> str:
    """What a program prints. Raises TimeoutError, having ended it and what it started."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # the canary tries to signal its neighbours
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), timeout_s)
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        raise
    return out.decode(errors="replace")
