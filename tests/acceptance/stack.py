"""`gryph up` in a home of its own, a person in front of it, and a hand that kills its processes."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from bot.auth import ApiKeys, Role
from bot.console.client import GatewayClient, NoGateway, gateway_url
from bot.console.settings import ClientSettings
from bot.console.thread import ThreadMessage
from storage.console import MessageKind
from storage.database import Database
from storage.ids import JobId
from storage.ledger import get
from storage.states import JobState
from storage.tables.jobs import JobRow

ROOT = Path(__file__).parents[2]
START_S = 60.0
STOP_S = 25.0
ANSWER_S = 120.0
LOOK_S = 0.05


class Ended(Exception):
    """The stack ended by itself; the message is the end of its log."""


def environment(home: Path, **settings: str) -> dict[str, str]:
    """This process' own, with no setting of ours but these, free ports and that home."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("GRYPH_")}  # noqa: TID251 - handed on to a child
    return {
        **inherited,
        "GRYPH_HOME": str(home),
        "GRYPH_LISTEN": "127.0.0.1:0",
        "OMP_NUM_THREADS": "1",
        **settings,
    }


@dataclass
class Thread:
    """One message of ours to the stack and everything that was said about it."""

    client: GatewayClient
    conversation: str
    message: int
    after: int
    newest: dict[int, ThreadMessage] = field(default_factory=dict[int, ThreadMessage])
    states: list[JobState] = field(default_factory=list[JobState])
    """What the status message showed, without repetitions."""

    async def until(self, wanted: Callable[["Thread"], bool], at_most_s: float = ANSWER_S) -> None:
        """Listen until the thread is as wanted. Raises TimeoutError."""
        if wanted(self):
            return
        async with asyncio.timeout(at_most_s), aclosing(self._follow()) as messages:
            async for message in messages:
                self._take(message)
                if wanted(self):
                    return

    async def result(self) -> ThreadMessage:
        """The result, once it and the last edit of the status are there."""
        await self.until(lambda t: bool(t.of(MessageKind.RESULT)) and t.state.final)
        (result,) = self.of(MessageKind.RESULT)
        return result

    def of(self, kind: MessageKind) -> list[ThreadMessage]:
        """The messages of a kind, as they are now."""
        return [m for m in self.newest.values() if m.kind is kind]

    @property
    def state(self) -> JobState:
        """What the status message shows; queued before there is one."""
        return self.states[-1] if self.states else JobState.QUEUED

    @property
    def job(self) -> JobId:
        """The job that was asked for."""
        (status,) = self.of(MessageKind.STATUS)
        assert status.job is not None
        return status.job.job

    @property
    def shape(self) -> list[MessageKind]:
        """The kinds of our messages in the order they came."""
        return [m.kind for m in sorted(self.newest.values(), key=lambda m: m.id)]

    def _follow(self) -> AsyncGenerator[ThreadMessage, None]:
        return self.client.follow(self.conversation, self.after)

    def _take(self, message: ThreadMessage) -> None:
        if message.about != self.message:
            return
        self.newest[message.id] = message
        if message.kind is MessageKind.STATUS and message.job is not None:
            state = message.job.state
            if not self.states or self.states[-1] is not state:
                self.states.append(state)


class Stack:
    """A running `gryph up`."""

    def __init__(self, home: Path, process: asyncio.subprocess.Process, client: GatewayClient):
        """See `running`."""
        self.home = home
        self.process = process
        self.client = client

    @property
    def log(self) -> str:
        """What it and its children wrote."""
        return log_of(self.home).read_text()

    def starts(self, name: str) -> list[int]:
        """The pids under which the supervisor started a child, in order."""
        events = (json.loads(line) for line in self.log.splitlines() if line.startswith("{"))
        return [e["pid"] for e in events if e["event"] == "started" and e["process"] == name]

    def kill(self, name: str) -> None:
        """SIGKILL the present process of that name."""
        os.kill(self.starts(name)[-1], signal.SIGKILL)

    async def say(self, line: str, repository: Path) -> Thread:
        """Post one command about a repository."""
        receipt = await self.client.post(line, repository=str(repository))
        return Thread(self.client, receipt.conversation, receipt.message, receipt.last_event_id)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal it and wait; its exit code. Raises TimeoutError after `STOP_S`."""
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), STOP_S)

    async def job(self, job: JobId) -> JobRow:
        """The ledger's row."""
        return await row_of(self.home, job)


async def row_of(home: Path, job: JobId) -> JobRow:
    """The ledger's row of a job, whether or not a stack runs in that home."""
    database = Database(f"sqlite:///{home / 'gryph.db'}")
    try:
        row = await database.read(lambda s: get(s, job))
    finally:
        await asyncio.to_thread(database.close)
    assert row is not None
    return row


def log_of(home: Path) -> Path:
    """Where the stacks of a home write, one after the other."""
    return home.parent / f"{home.name}.log"


@asynccontextmanager
async def running(home: Path, **settings: str) -> AsyncGenerator[Stack]:
    """Start `gryph up` there, wait until it is ready, and stop it at the end, whatever happened."""
    with log_of(home).open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot.cli", "up"),
            env=environment(home, **settings),
            stderr=output,
            cwd=ROOT,
        )
    where = ClientSettings(home=home)
    async with httpx.AsyncClient(trust_env=False) as http:
        keys = ApiKeys(home)
        client = GatewayClient(
            http, partial(gateway_url, where), lambda: keys.mint("tester", Role.OPERATOR)
        )
        try:
            stack = Stack(home, process, client)
            await _ready(stack, http, partial(gateway_url, where))
            yield stack
        finally:
            await _ended(process, home)


async def _ready(stack: Stack, http: httpx.AsyncClient, address: Callable[[], str]) -> None:
    async with asyncio.timeout(START_S):
        while stack.process.returncode is None:
            await asyncio.sleep(LOOK_S)
            try:
                if (await http.get(f"{address()}/readyz")).is_success:
                    return
            except (NoGateway, httpx.TransportError):
                continue
    raise Ended(stack.log[-4000:])


async def eventually(happened: Callable[[], object], at_most_s: float = 30.0) -> None:
    """Wait for something outside this process. Raises TimeoutError."""
    async with asyncio.timeout(at_most_s):
        while not happened():  # noqa: ASYNC110 - other processes set no event of ours
            await asyncio.sleep(LOOK_S)


async def _ended(process: asyncio.subprocess.Process, home: Path) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()
    for pid in of_home(home):
        os.kill(pid, signal.SIGKILL)


def of_home(home: Path) -> Mapping[int, str]:
    """Every living process that has to do with a home folder, by pid with its command line."""
    needle = str(home).encode()
    return {
        int(folder.name): command.replace(b"\0", b" ").decode(errors="replace")
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and int(folder.name) != os.getpid()
        for command, about in [_read(folder)]
        if needle in command or needle in about
    }


def _read(folder: Path) -> tuple[bytes, bytes]:
    """Command line and surroundings of a process; empty when it is gone, or a zombie."""
    try:
        command = (folder / "cmdline").read_bytes()
        about = (folder / "environ").read_bytes()
        here = os.fsencode((folder / "cwd").readlink())
    except OSError:
        return b"", b""
    return (command, about + b"\0" + here) if command else (b"", b"")


async def gryph(home: Path, *arguments: str, **settings: str) -> tuple[int, str, str]:
    """Run one `gryph` command to its end: exit code, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.cli", *arguments),
        env=environment(home, **settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), START_S)
    except TimeoutError:
        process.terminate()
        await process.wait()
        raise
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def json_of(text: str) -> dict[str, Any]:
    """What `gryph ask --json` printed."""
    value: dict[str, Any] = json.loads(text)
    return value
