"""`gryph up` inside one process: what it refuses, what its broker is given, what it starts again."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisConnectionError

from bot import supervisor
from bot.listening import CannotListen
from bot.settings import GatewaySettings, MissingSetting
from bot.supervisor import WORKER_NICENESS, AlreadyRunning, up
from tests.jobs.waiting import PATIENCE_S, until

BEGUN = "import os, pathlib, time; pathlib.Path(os.environ['GRYPH_HOME'], f'pid-{os.getpid()}').write_text(os.environ['GRYPH_REDIS_URL'])"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def settings(home: Path, **others: object) -> GatewaySettings:
    return GatewaySettings.model_validate({"home": home, "listen": "127.0.0.1:0", **others})


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands in the place of Python: its children leave a note and wait to be stopped."""
    path = tmp_path / "python"
    path.write_text(f"#!{sys.executable}\n{BEGUN}\ntime.sleep(3600)\n")
    path.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(path))
    return path


@asynccontextmanager
async def standing(settings: GatewaySettings) -> AsyncGenerator[None]:
    async with asyncio.timeout(3 * PATIENCE_S), asyncio.TaskGroup() as group:
        running = group.create_task(up(settings))
        yield
        os.kill(os.getpid(), signal.SIGTERM)
        await running


def notes(home: Path) -> dict[int, str]:
    """The broker's address that each child was given, by pid."""
    return {
        int(note.name.removeprefix("pid-")): note.read_text()
        for note in home.glob("pid-*")
        if note.read_text()
    }


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_gateway_and_worker_get_a_broker_that_wants_a_password(
    home: Path, script: Path
) -> None:
    async with standing(settings(home)):
        await until(lambda: len(notes(home)) == 3)
        (url,) = set(notes(home).values())
        async with Redis.from_url(url) as redis:  # pyright: ignore[reportUnknownMemberType]
            await until(lambda: answers(redis))
        port = int(url.rpartition(":")[2].partition("/")[0])
        async with Redis(port=port) as stranger:
            with pytest.raises(AuthenticationError):
                await stranger.get("x")
    assert not any(lives(pid) for pid in notes(home))
    conf = home / "valkey" / "valkey.conf"
    assert conf.stat().st_mode & 0o077 == 0
    assert "appendonly yes" in conf.read_text()


async def answers(redis: Redis) -> bool:
    try:
        return await redis.get("nothing") is None
    except RedisConnectionError:
        return False


async def test_a_child_that_dies_is_started_again(home: Path, script: Path) -> None:
    async with standing(settings(home, redis_url="redis://127.0.0.1:1/0")):
        await until(lambda: len(notes(home)) == 3)
        os.kill(min(notes(home)), signal.SIGKILL)
        await until(lambda: len(notes(home)) == 4)
    assert not (home / "valkey").exists(), "a broker of one's own needs no other"


async def test_workers_make_way_for_the_gateway(home: Path, script: Path) -> None:
    make_nice_telling(script)
    async with standing(settings(home, redis_url="redis://127.0.0.1:1/0")):
        await until(lambda: len(notes(home)) == 3)
        mine = os.nice(0)
        made = sorted(int(niceness) - mine for niceness in notes(home).values())
    assert made == [0, WORKER_NICENESS, WORKER_NICENESS]


def make_nice_telling(script: Path) -> None:
    told = script.read_text().replace("os.environ['GRYPH_REDIS_URL']", "str(os.nice(0))")
    script.write_text(told)


async def test_a_child_that_does_not_stop_is_killed(
    home: Path, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STOP_WAIT_S", 0.2)
    make_deaf(script)
    async with standing(settings(home, redis_url="redis://127.0.0.1:1/0")):
        await until(lambda: len(notes(home)) == 3)
    assert not any(lives(pid) for pid in notes(home))


def make_deaf(script: Path) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    script.write_text(script.read_text().replace(BEGUN, f"{deaf}\n{BEGUN}"))


async def test_one_home_has_one_stack(home: Path, script: Path) -> None:
    async with standing(settings(home, redis_url="redis://127.0.0.1:1/0")):
        await until(lambda: len(notes(home)) == 3)
        with pytest.raises(AlreadyRunning, match=str(home)):
            await up(settings(home))


async def test_an_address_in_use_is_refused_before_anything_starts(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CannotListen, match=f"GRYPH_LISTEN: {address}"):
            await up(settings(home, listen=address))
    assert not (home / "gryph.db").exists()


@pytest.mark.parametrize("listen", ["localhost", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:99999"])
async def test_what_is_no_address_is_refused(home: Path, listen: str) -> None:
    with pytest.raises(CannotListen, match="host:port"):
        await up(settings(home, listen=listen))


@pytest.mark.parametrize(
    ("half", "missing"),
    [
        ({"slack_bot_token": "xoxb"}, "GRYPH_SLACK_SIGNING_SECRET"),
        ({"slack_app_token": "xapp"}, "GRYPH_SLACK_BOT_TOKEN"),
        ({"github_app_id": "1"}, "GRYPH_GITHUB_WEBHOOK_SECRET"),
        (
            {
                "github_app_id": "1",
                "github_webhook_secret": "s",
                "github_private_key_file": "/nowhere/key.pem",
            },
            "GRYPH_GITHUB_PRIVATE_KEY_FILE",
        ),
    ],
)
async def test_a_half_configured_platform_is_refused_before_anything_starts(
    home: Path, half: dict[str, str], missing: str
) -> None:
    with pytest.raises(MissingSetting, match=missing):
        await up(settings(home, **half))
    assert not (home / "gryph.db").exists()
