"""What an idle system adds to an engine: from a command to its result, through the console.

`python -m tests.benchmarks.overhead` starts the stack (`gryph up`) in an empty home and asks, one
after the other, for tests of a file that does not exist: the job goes the whole way (API, inbox,
dispatch, outbox, queue, lease, checkout, engine entry, ledger, delivery, server-sent event) and
the engine answers at once. Prints p50, p95 and the resident memory of the idle gateway.
"""

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path

import httpx

from bot.auth import ApiKeys, Role
from bot.console.ask import Question, ask
from bot.console.client import GatewayClient
from bot.demo import stack
from tests.benchmarks.machine import machine, percentile, rss_mb

P95_MS = 300.0
RSS_MB = 150.0


async def measure(commands: int) -> tuple[list[float], float]:
    """Milliseconds from command to result, and the idle gateway's memory in MB."""
    with tempfile.TemporaryDirectory(prefix="gryph-bench-") as folder:
        home, repository = _prepare(Path(folder))
        async with stack(home) as url, httpx.AsyncClient(trust_env=False) as http:
            token = ApiKeys(home).mint("bench", Role.OPERATOR)
            client = GatewayClient(http, lambda: url, lambda: token)
            await asyncio.sleep(3)  # the worker proves its sandbox meanwhile
            pid = json.loads((home / "run" / "gateway.json").read_text())["pid"]
            idle_mb = rss_mb(pid)
            times_ms: list[float] = []
            for number in range(commands):
                question = Question(f"test missing_{number}.py", 60, repository=str(repository))
                started = time.perf_counter()
                answered = await ask(client, question, None)
                times_ms.append((time.perf_counter() - started) * 1000)
                assert len(answered.heard.jobs) == 1
                await asyncio.sleep(0.05)
            return times_ms[1:], idle_mb


def _prepare(folder: Path) -> tuple[Path, Path]:
    home, repository = folder / "home", folder / "repository"
    home.mkdir()
    repository.mkdir()
    (repository / "a.py").write_text("def f(x: int) -> int:\n    return x + 1\n")
    return home, repository


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=60)
    options = parser.parse_args()
    print(machine("fastapi", "arq", "SQLAlchemy"))
    times_ms, idle_mb = asyncio.run(measure(options.commands))
    p50, p95 = percentile(times_ms, 0.5), percentile(times_ms, 0.95)
    print(f"{len(times_ms)} commands, one at a time, engine answers at once")
    print(f"command to result: p50 {p50:.0f} ms, p95 {p95:.0f} ms (goal < {P95_MS:.0f} ms)")
    print(f"idle gateway: {idle_mb:.0f} MB resident (goal < {RSS_MB:.0f} MB)")


if __name__ == "__main__":
    main()
