"""Each event four times, shuffled, over two gateways and two workers that are killed all the time.

`python -m tests.acceptance.exactly_once --events 10000 --seed 1` sends signed events of GitHub,
Slack and the console to two gateways on one Valkey and one database, each event `--deliveries`
times in shuffled order, while gateways and workers are killed and paused, the broker is killed,
the database is locked or loses its connections, and the platforms' APIs fail. Then it counts, from
outside and from SQL: every event that was acknowledged has its one job or answer, one status
message, one result. `test` takes a moment here instead of CPU seconds
(`campaign.quick_worker`), commands an hour are not limited, and the fake GitHub and Slack keep
their limits on writing (by installation and channel).
"""

import argparse
import asyncio
import contextlib
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from tests.acceptance.campaign import report, verify
from tests.acceptance.campaign.chaos import Chaos, Plan
from tests.acceptance.campaign.load import Driver, Event, script
from tests.acceptance.campaign.processes import now_s
from tests.acceptance.campaign.stage import Cast, Stage, staged
from tests.acceptance.campaign.takeover import Takeovers
from tests.acceptance.campaign.verify import Verdict
from tests.benchmarks.machine import machine, percentile

RATE = 12.0
"""Events a second, when nothing else asks for more time."""
KILL_EVERY_S = 6.0
CALLS_AN_EVENT = 4.0
"""API calls, roughly; so that the weather brings about the faults that were asked for."""
QUIET_S = 900.0
GOAL_S = 20.0


@dataclass(frozen=True)
class Campaign:
    """What is asked for."""

    events: int
    seed: int
    sql: str = "sqlite"
    faults: int = 1000
    kills: int = 100
    broker_restarts: int = 5
    deliveries: int = 4
    keep: bool = False

    @property
    def seconds(self) -> float:
        """How long events come in."""
        return max(self.events / RATE, self.kills * KILL_EVERY_S, 20.0)


async def run(given: Campaign, folder: Path) -> bool:
    """One campaign; True when nothing was violated."""
    cast_ = Cast()
    async with staged(folder, seed=given.seed, sql=given.sql, parts=cast_) as stage:
        started = now_s()
        events = script(given.events, given.seed)
        driver = Driver(stage, given.seed, given.deliveries)
        chaos = Chaos(stage, Takeovers(stage.database), given.seed)
        processes = given.kills + given.broker_restarts
        plan = Plan(given.kills, given.broker_restarts, given.kills // 4, given.kills // 10 + 1)
        share = max(0.01, given.faults - processes) / (given.events * CALLS_AN_EVENT)
        await stage.ask("POST", "/weather", {"share": min(0.2, share)})
        async with asyncio.TaskGroup() as group:
            group.create_task(driver.deliver(events, given.seconds))
            group.create_task(chaos.run(plan, given.seconds))
        sent_s = now_s() - started
        await stage.ask("POST", "/weather", {"share": 0.0})
        await stage.ready()
        await driver.insist(events)
        quiet_s = await _quiet(stage, events)
        verdict = await _verdict(stage, events)
        seen = await stage.ask("GET", "/weather")
        print(f"events came in for {sent_s:.0f} s; quiet {quiet_s:.0f} s later")
        print(f"CPU of gateways, workers and broker: {stage.crew.cpu_s():.0f} s")
        print(f"API calls {seen['calls']}; webhooks GitHub delivered again: {seen['redelivered']}")
        faults = report.print_faults(chaos, seen["had"])
        report.print_acks(driver)
        waits = report.print_takeovers(chaos.takeovers)
        for name, code in stage.crew.unbidden:
            verdict.broken("process ended by itself", None, f"{name} with {code}")
        for held in chaos.takeovers.never:
            verdict.broken("never taken over", None, f"{held.kind} {held.key}")
        if waits and percentile(waits, 0.95) > GOAL_S:
            verdict.broken("slow recovery", None, report.quantiles(waits))
        if faults < given.faults:
            verdict.broken("too few faults", None, f"{faults} of {given.faults} asked for")
        print(f"accepted {sum(e.accepted_at is not None for e in events)} of {len(events)} events")
        report.print_verdict(verdict, chaos)
        return not verdict.violations


async def _quiet(stage: Stage, events: list[Event]) -> float:
    """Wait until nothing is left to do; what never arrived GitHub is asked for."""
    started = now_s()
    while now_s() - started < QUIET_S:
        arrived = set((await stage.ask("GET", "/weather"))["arrived"])
        for event in events:
            if event.accepted_at is None and event.id in arrived:
                event.accepted_at = now_s()
        with contextlib.suppress(SQLAlchemyError):
            missing = [e for e in events if e.accepted_at is None]
            if not missing and not await verify.open_work(stage):
                break
        await asyncio.sleep(1.0)
    return now_s() - started


async def _verdict(stage: Stage, events: list[Event]) -> Verdict:
    verdict = Verdict()
    verify.check_outside(events, await verify.said(stage, events), verdict)
    await verify.check_inside(stage, events, verdict)
    return verdict


def main() -> None:
    """Parse the command line; exit 1 on a violation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--faults", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--broker-restarts", type=int, default=5)
    parser.add_argument("--deliveries", type=int, default=4)
    parser.add_argument("--keep", action="store_true", help="keep the folder after a violation")
    given = parser.parse_args()
    campaign = Campaign(
        events=given.events,
        seed=given.seed,
        sql=given.database,
        faults=given.faults,
        kills=given.kills,
        broker_restarts=given.broker_restarts,
        deliveries=given.deliveries,
        keep=given.keep,
    )
    print(machine("fastapi", "uvicorn", "SQLAlchemy", "redis", "arq"))
    print(f"seed {given.seed}, {given.events} events on {given.database}")
    folder = Path(tempfile.mkdtemp(prefix="gryph-campaign-"))
    is_whole = False
    try:
        is_whole = asyncio.run(run(campaign, folder))
    finally:
        if is_whole or not campaign.keep:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"kept: {folder}")
    sys.exit(0 if is_whole else 1)


if __name__ == "__main__":
    main()
