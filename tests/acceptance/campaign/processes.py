"""The campaign's processes: started, killed, paused, and started again when they die."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.stack import ROOT
from tests.benchmarks.machine import cpu_s

RESTART_WAIT_S = 0.3
STOP_S = 20.0
PORTS = range(20_000, 30_000)


def free_port() -> int:
    """A loopback port that nobody holds right now, of those that no outgoing connection takes."""
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")


@dataclass
class Member:
    """One process of the stack under its name."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    process: asyncio.subprocess.Process | None = None
    starts: int = 0
    paused: bool = False
    cpu_used_s: float = 0.0
    """By processes of this name that have ended."""

    @property
    def pid(self) -> int | None:
        """Of the living process."""
        alive = self.process is not None and self.process.returncode is None
        return self.process.pid if alive and self.process is not None else None


@dataclass
class Crew:
    """Keeps its members running; `stay_down` holds the names that are not started again."""

    log: Path
    members: dict[str, Member] = field(default_factory=dict[str, Member])
    stay_down: set[str] = field(default_factory=set[str])
    unbidden: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    """Names and exit codes of processes that ended without being killed by us."""
    _killed: set[int] = field(default_factory=set[int])
    _stopping: bool = False

    def add(self, name: str, *argv: str, env: Mapping[str, str]) -> None:
        """Name a member; `run` starts it."""
        self.members[name] = Member(name, argv, env)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["Crew"]:
        """Everybody, for as long as the block lasts."""
        async with asyncio.TaskGroup() as group:
            keepers = [group.create_task(self._keep(each)) for each in self.members.values()]
            try:
                yield self
            finally:
                self._stopping = True
                await self._stop_all()
                for keeper in keepers:
                    keeper.cancel()

    def kill(self, name: str) -> int | None:
        """SIGKILL the present process of that name; its pid, or None when there is none."""
        member = self.members[name]
        pid = member.pid
        if pid is None:
            return None
        member.cpu_used_s += cpu_s(pid)
        self._killed.add(pid)
        _signal(pid, signal.SIGKILL)
        return pid

    async def pause(self, name: str, seconds: float) -> bool:
        """SIGSTOP it for a while; False when it was not there, or paused already."""
        member = self.members[name]
        pid = member.pid
        if pid is None or member.paused:
            return False
        member.paused = True
        _signal(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            member.paused = False
            if member.pid == pid:
                _signal(pid, signal.SIGCONT)
        return True

    def cpu_s(self) -> float:
        """CPU seconds of everybody so far, the dead included."""
        living = [each.pid for each in self.members.values() if each.pid is not None]
        return sum(each.cpu_used_s for each in self.members.values()) + sum(map(cpu_s, living))

    async def _keep(self, member: Member) -> None:
        while not self._stopping:
            if member.name in self.stay_down:
                await asyncio.sleep(RESTART_WAIT_S)
                continue
            with self.log.open("ab") as output:
                member.process = await asyncio.create_subprocess_exec(
                    *member.argv, env=member.env, stdout=output, stderr=output, cwd=ROOT
                )
            member.starts += 1
            code = await member.process.wait()
            if member.process.pid not in self._killed and not self._stopping:
                self.unbidden.append((member.name, code))
            await asyncio.sleep(RESTART_WAIT_S)

    async def _stop_all(self) -> None:
        """Those who hand back first, the broker last."""
        living = [each for each in self.members.values() if each.pid is not None]
        for member in living:
            if member.paused and member.pid is not None:
                _signal(member.pid, signal.SIGCONT)
        brokers = [each for each in living if each.name == "valkey"]
        for group in ([each for each in living if each not in brokers], brokers):
            await asyncio.gather(*(_stop(each) for each in group))


def _signal(pid: int, number: int) -> None:
    """To a process of ours, of whose end we may not have heard yet."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


async def _stop(member: Member) -> None:
    process = member.process
    if process is None or process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def now_s() -> float:
    """Seconds on the clock that everything here is timed by."""
    return time.monotonic()
