"""One run: everything started, all commands given at once, and what became of them."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlmodel import Session, col, func, select

from storage.console import MessageKind
from storage.database import Database
from storage.tables.deliveries import DeliveryRow
from storage.tables.drafts import DraftRow
from storage.tables.jobs import JobRow
from tests.acceptance.stack import Stack
from tests.benchmarks.generating.accounts import Account, accounts, number_of
from tests.benchmarks.generating.commands import Command, Shown, asked, now_s
from tests.benchmarks.generating.models import add_tiny, scripted
from tests.benchmarks.generating.town import Town, opened
from tests.benchmarks.generating.usage import Usage, watched
from tests.fakes.otlp import receiving

PLENTY = "1000000"
TEAMS = 8
LOOK_S = 0.5
LOOK_OFTEN_S = 0.05
SEVERAL = 4
WARM = 'generate "count the words" in=text/warm.py --tests'
_WORKER = "worker-gpu"


@dataclass(frozen=True)
class Asked:
    """A run."""

    commands: int
    seed: int
    model: Literal["scripted", "tiny"]
    is_one_team: bool = False
    """Whether all is one workspace and one installation, with their budgets for calls; otherwise
    the people of GitHub have several, and Slack's budget is lifted, as if they were many teams."""
    within_s: float = 0.0
    """Within how long they are all given; at the same moment by default."""
    at_most_s: float = 1500.0
    is_worker_killed: bool = False
    """Whether the `gpu` worker gets a SIGKILL as soon as it writes several answers."""


@dataclass(frozen=True)
class Kill:
    """The end of a worker."""

    at_s: float
    writing: int
    """Answers of which a part was in the ledger."""


@dataclass(frozen=True)
class Run:
    """What was seen."""

    commands: Sequence[Command]
    stray: Sequence[Shown]
    """What we said where nobody asked."""
    accounts: Mapping[int, Account]
    """By number of command."""
    states: Mapping[str, int]
    """How the jobs ended."""
    results: Mapping[str, int]
    """What they said, and how often."""
    warnings: Mapping[str, int]
    """Of all processes' logs, by event."""
    usages: Sequence[Usage]
    wall_s: float
    asked_at_once: int | None
    """Requests that the scripted model wrote at the same time; None for another."""
    is_over: bool
    """Whether all was delivered within the time."""
    kill: Kill | None
    """Of the worker, where that was asked for and several answers were being written."""
    again: int
    """Jobs that were begun more than once."""


async def run(given: Asked, folder: Path) -> Run:
    """Have it all happen."""
    with receiving() as receiver:
        settings = {"GRYPH_OTLP_URL": receiver.url, **_budgets(given)}
        teams = 1 if given.is_one_team else TEAMS
        async with (
            opened(folder, given.commands, teams, settings) as town,
            _model(given, town) as model,
        ):
            await _warm(town)
            commands = asked(given.commands, given.seed)
            lasting = ("gateway",) if given.is_worker_killed else ("gateway", _WORKER)
            usages = [Usage(name, town.stack.starts(name)[-1]) for name in lasting]
            began_s = now_s()
            is_over, kill = await _all(town, commands, usages, given)
            wall_s = now_s() - began_s
            for command in commands:
                command.shown = town.of(command)
            warnings = _warnings(town.stack)
            home = town.stack.home
    jobs = [job for job in await _jobs(home) if job.line != WARM]
    found = accounts(receiver.spans)
    threads = {command.thread for command in commands}
    return Run(
        commands=commands,
        stray=[each for each in town.shown if each.thread not in threads],
        accounts={number_of(job.line): found[job.id] for job in jobs if job.id in found},
        states=Counter(job.state for job in jobs),
        results=Counter(str((job.reply or {}).get("summary", "")) for job in jobs),
        warnings=warnings,
        usages=usages,
        wall_s=wall_s,
        asked_at_once=model(),
        is_over=is_over,
        kill=kill,
        again=sum(job.attempt > 1 for job in jobs),
    )


def _budgets(given: Asked) -> dict[str, str]:
    if given.is_one_team:
        return {}
    return {"GRYPH_SLACK_CALLS_PER_MINUTE": PLENTY}


@asynccontextmanager
async def _model(given: Asked, town: Town) -> AsyncGenerator[Callable[[], int | None]]:
    if given.model == "tiny":
        await add_tiny(town.stack, town.stack.home.parent / "tiny")
        yield lambda: None
        return
    async with scripted(town.stack) as world:
        yield lambda: world.most_running


async def _warm(town: Town) -> None:
    """Have one command given before the others: it is the one that the model is loaded for."""
    thread = await town.stack.say(WARM, town.checkout)
    await thread.until(lambda t: bool(t.of(MessageKind.RESULT)) and t.state.final)


async def _all(
    town: Town, commands: Sequence[Command], usages: Sequence[Usage], given: Asked
) -> tuple[bool, Kill | None]:
    """Give all commands and wait until all is said; whether it was, and the worker's end."""
    kills: list[Kill] = []
    async with asyncio.TaskGroup() as group:
        beside = [group.create_task(each) for each in (town.watch(), watched(*usages))]
        if given.is_worker_killed:
            beside.append(group.create_task(_kill(town.stack, len(commands), kills)))
        step_s = given.within_s / len(commands)
        await asyncio.gather(*(_after(n * step_s, town.say(c)) for n, c in enumerate(commands)))
        try:
            async with asyncio.timeout(given.at_most_s):
                await _said(town.stack.home, len(commands) + 1)
            is_over = True
        except TimeoutError:
            is_over = False
        for each in beside:
            each.cancel()
    town.look()
    return is_over, next(iter(kills), None)


async def _kill(stack: Stack, commands: int, kills: list[Kill]) -> None:
    """The worker, once it writes several answers; noted in `kills`."""
    most = min(SEVERAL, commands)
    written = (
        select(func.count())
        .select_from(DraftRow)
        .join(JobRow, col(JobRow.id) == col(DraftRow.job_id))
        .where(col(DraftRow.length) > 0, JobRow.line != WARM)
    )
    database = Database(f"sqlite:///{stack.home / 'gryph.db'}")
    try:
        while (  # noqa: ASYNC110 - other processes set no event
            writing := await database.read(lambda s: s.exec(written).one())
        ) < most:
            await asyncio.sleep(LOOK_OFTEN_S)
        kills.append(Kill(now_s(), writing))
        stack.kill(_WORKER)
    finally:
        await asyncio.to_thread(database.close)


async def _after(wait_s: float, said: Awaitable[None]) -> None:
    await asyncio.sleep(wait_s)
    await said


async def _said(home: Path, count: int) -> None:
    """Until nothing is left to say about so many jobs."""

    def over(session: Session) -> int:
        finished = col(DeliveryRow.finished_at).is_not(None)
        return session.exec(select(func.count()).select_from(DeliveryRow).where(finished)).one()

    database = Database(f"sqlite:///{home / 'gryph.db'}")
    try:
        while await database.read(over) < count:  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(LOOK_S)
    finally:
        await asyncio.to_thread(database.close)


async def _jobs(home: Path) -> Sequence[JobRow]:
    database = Database(f"sqlite:///{home / 'gryph.db'}")
    try:
        return await database.read(lambda s: s.exec(select(JobRow)).all())
    finally:
        await asyncio.to_thread(database.close)


def _warnings(stack: Stack) -> dict[str, int]:
    lines = (json.loads(line) for line in stack.log.splitlines() if line.startswith("{"))
    bad = [line for line in lines if line.get("level") in ("warning", "error", "critical")]
    return Counter(str(line["event"])[:100] for line in bad)
