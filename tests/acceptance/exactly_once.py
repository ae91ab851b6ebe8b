"""Each event four times, shuffled, over two gateways and two workers that are killed all the time.

`python -m tests.acceptance.exactly_once --events 10000 --seed 1` sends signed events of GitHub,
Slack, Discord and the console to two gateways on one Valkey and one database, each event
`--deliveries` times in shuffled order, while gateways and workers are killed and paused, the broker
is killed, the database is locked or loses its connections, and the platforms' APIs fail. Then it
counts, from outside and from SQL: every event that was acknowledged has its one job or answer, one
status message, one result. `test` takes a moment here instead of CPU seconds
(`campaign.quick_worker`), commands an hour and Slack's calls of one method are not limited, and the
fakes keep their limits on writing (by installation and channel). Discord tells whoever is connected
to its gateway, whose connections break too; what people write there while nobody is connected must
be found.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.campaign import report, verify
from tests.acceptance.campaign.chaos import Chaos, Plan
from tests.acceptance.campaign.load import Driver, script
from tests.acceptance.campaign.processes import now_s
from tests.acceptance.campaign.stage import Cast, staged
from tests.acceptance.campaign.takeover import Takeovers
from tests.benchmarks.machine import machine, percentile

RATE = 8.0
"""Events a second, when nothing else asks for more time."""
KILL_EVERY_S = 6.0
CALLS_AN_EVENT = 3.0
"""API calls, roughly; so that the weather brings about the faults that were asked for."""
GOAL_S = 20.0
SWEEP_S = 30.0
"""Between two looks for lost webhooks; in production 300 s."""


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
    seconds_at_least: float | None = None
    """None gives every kill its time."""

    @property
    def seconds(self) -> float:
        """How long events come in."""
        at_least_s = self.seconds_at_least or max(20.0, self.kills * KILL_EVERY_S)
        return max(self.events / RATE, at_least_s)


async def run(given: Campaign, folder: Path) -> bool:
    """One campaign; True when nothing was violated."""
    swept = {"GRYPH_GITHUB_SWEEP_S": str(SWEEP_S)}
    async with staged(folder, seed=given.seed, sql=given.sql, parts=Cast(), **swept) as stage:
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
        quiet_s = await verify.quiet(stage, events)
        verdict = await verify.judged(stage, events)
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
    )
    print(machine("fastapi", "uvicorn", "SQLAlchemy", "redis", "arq"))
    print(f"seed {given.seed}, {given.events} events on {given.database}")
    folder = Path(tempfile.mkdtemp(prefix="gryph-campaign-"))
    is_whole = False
    try:
        is_whole = asyncio.run(run(campaign, folder))
    finally:
        if is_whole or not given.keep:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"kept: {folder}")
    sys.exit(0 if is_whole else 1)


if __name__ == "__main__":
    main()
