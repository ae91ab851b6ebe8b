"""Many events for a long while, some of them failing: nothing lost, memory flat, quick yeses.

`python -m tests.acceptance.soak --minutes 30 --rate 50 --seed 1` sends events of GitHub, Slack,
Discord and the console at a fixed rate whatever the answers do, mostly what people say to each other, with
mentions, slash commands, reactions and some jobs, through a balancer to two gateways, while a
share of the calls to the platforms' APIs fail and now and then one gateway and one worker are
killed. The other gateway and worker live all the time: their memory is the one whose slope counts.
"""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.campaign import report, verify
from tests.acceptance.campaign.chaos import Chaos
from tests.acceptance.campaign.load import COMMANDS, Driver, Event, Face
from tests.acceptance.campaign.memory import Memory
from tests.acceptance.campaign.processes import now_s
from tests.acceptance.campaign.stage import Cast, Stage, staged
from tests.acceptance.campaign.takeover import Takeovers
from tests.acceptance.campaign.verify import Verdict, quiet
from tests.benchmarks.machine import machine, percentile

P99_MS = 300.0
FLAT_MB_PER_HOUR = 30.0
LONG_S = 1200.0
"""A shorter run says nothing about megabytes an hour."""
WARM_UP = 0.2
"""Of the run."""
VICTIMS = ("gateway-2", "worker-2")
CHATTER = (
    "Looks good to me, thank you",
    "I think we should rename this; what about `status`?",
    "rebased, and the tests pass now",
    "> /gryph test a.py\n\nwhat does this do?",
)
EMOJI = ("+1", "thumbsup", "-1", "tada")
MIX = {
    (Face.GITHUB, "chat"): 35,
    (Face.GITHUB, "say"): 6,
    (Face.SLACK, "chat"): 20,
    (Face.SLACK, "say"): 6,
    (Face.SLACK, "slash"): 3,
    (Face.SLACK, "react"): 4,
    (Face.DISCORD, "chat"): 12,
    (Face.DISCORD, "say"): 4,
    (Face.DISCORD, "slash"): 2,
    (Face.DISCORD, "react"): 2,
    (Face.CONSOLE, "say"): 6,
}
"""Shares of faces and acts."""
JOBS = 0.15
"""Of what is said to us."""


@dataclass(frozen=True)
class Asked:
    """What is asked for."""

    seconds: float
    rate: float
    seed: int
    faults: float = 0.05
    kill_every_s: float = 60.0
    is_timed: bool = True
    """Whether slow acknowledgements are a violation: on a machine that does nothing else."""


def script(given: Asked) -> list[Event]:
    """The events."""
    dice = random.Random(given.seed)  # noqa: S311 - a campaign's seed
    kinds = dice.choices(list(MIX), weights=list(MIX.values()), k=int(given.seconds * given.rate))
    return [_event(number, *kind, dice) for number, kind in enumerate(kinds)]


def _event(number: int, face: Face, act: str, dice: random.Random) -> Event:
    may_be_job = act == "say" or (face is Face.DISCORD and act == "slash")
    is_job = may_be_job and dice.random() < JOBS
    text = f"test work/f{number}.py" if is_job else dice.choice(COMMANDS)
    if act == "chat":
        text = dice.choice(CHATTER)
    elif act == "react":
        text = "👍" if face is Face.DISCORD else dice.choice(EMOJI)
    return Event(number, face, text, is_job, dice.randrange(10**6), dice.randrange(10**6), act=act)


async def _open_loop(driver: Driver, events: list[Event], rate: float) -> None:
    started = now_s()
    async with asyncio.TaskGroup() as group:
        telling = group.create_task(driver.tell_github())
        sent: list[asyncio.Task[None]] = []
        for event in events:
            await asyncio.sleep(max(0.0, started + event.number / rate - now_s()))
            sent.append(group.create_task(driver.send(event)))
        await asyncio.wait(sent)
        telling.cancel()
    await driver.report_attempts()


async def _kill_now_and_then(chaos: Chaos, given: Asked) -> None:
    dice = random.Random(given.seed + 9)  # noqa: S311 - a campaign's seed
    while True:
        await asyncio.sleep(given.kill_every_s)
        await chaos.kill_one(dice, VICTIMS)


async def run(given: Asked, folder: Path) -> bool:
    """One campaign; True when nothing was violated."""
    async with staged(folder, seed=given.seed, sql="sqlite", parts=Cast()) as stage:
        events = script(given)
        driver = Driver(stage, given.seed, 1, balanced=True)
        chaos = Chaos(stage, Takeovers(stage.database), given.seed)
        memory = Memory(stage.crew)
        await stage.ask("POST", "/weather", {"share": given.faults})
        beside = [
            asyncio.ensure_future(memory.run()),
            asyncio.ensure_future(_kill_now_and_then(chaos, given)),
        ]
        try:
            await _open_loop(driver, events, given.rate)
        finally:
            for each in beside:
                each.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        await stage.ask("POST", "/weather", {"share": 0.0})
        await stage.ready()
        await driver.insist(events)
        quiet_s = await quiet(stage, events)
        print(f"{len(events)} events in {given.seconds:.0f} s, quiet {quiet_s:.0f} s later")
        verdict = await verify.judged(stage, events)
        return await _report(stage, driver, chaos, memory, (given, verdict))


async def _report(
    stage: Stage, driver: Driver, chaos: Chaos, memory: Memory, found: tuple[Asked, Verdict]
) -> bool:
    given, verdict = found
    seen = await stage.ask("GET", "/weather")
    print(f"CPU of gateways, workers and broker: {stage.crew.cpu_s():.0f} s")
    print(f"API calls {seen['calls']}; webhooks GitHub delivered again: {seen['redelivered']}")
    report.print_faults(chaos, seen["had"])
    report.print_acks(driver)
    report.print_takeovers(chaos.takeovers)
    if given.is_timed and percentile(driver.acks_ms, 0.99) >= P99_MS:
        verdict.broken("slow acknowledgements", None, f"p99 is not under {P99_MS:.0f} ms")
    for slope in memory.slopes(given.seconds * WARM_UP):
        print(
            f"memory of {slope.name} ({slope.pid}): {slope.first_mb:.0f} to {slope.last_mb:.0f} MB "
            f"in {slope.seconds:.0f} s after its warm-up, {slope.mb_per_hour:+.0f} MB/h"
        )
        if slope.seconds >= LONG_S / 2 and slope.mb_per_hour > FLAT_MB_PER_HOUR:
            verdict.broken("memory grows", None, f"{slope.name} {slope.mb_per_hour:.0f} MB/h")
    for name, code in stage.crew.unbidden:
        verdict.broken("process ended by itself", None, f"{name} with {code}")
    report.print_verdict(verdict, chaos)
    return not verdict.violations


def main() -> None:
    """Parse the command line; exit 1 on a violation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=float, default=0.05, help="share of API calls that fail")
    parser.add_argument("--kill-every", type=float, default=60.0, help="seconds")
    parser.add_argument("--keep", action="store_true", help="keep the folder after a violation")
    given = parser.parse_args()
    asked = Asked(given.minutes * 60, given.rate, given.seed, given.faults, given.kill_every)
    print(machine("fastapi", "uvicorn", "SQLAlchemy", "redis", "arq"))
    print(f"seed {given.seed}, {given.rate:.0f} events/s for {given.minutes:.1f} min")
    folder = Path(tempfile.mkdtemp(prefix="gryph-campaign-"))
    is_whole = False
    try:
        is_whole = asyncio.run(run(asked, folder))
    finally:
        if is_whole or not given.keep:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"kept: {folder}")
    sys.exit(0 if is_whole else 1)


if __name__ == "__main__":
    main()
