"""How quickly signed events are acknowledged, and how that compares with doing nothing.

`python -m tests.benchmarks.gateway` starts a gateway with GitHub and Slack on (SQLite, Valkey) in
a process of its own, a counterpart that answers its API calls in another, and sends signed
`issue_comment` webhooks and `app_mention` events, each a command of one of 500 people, at a fixed
rate without waiting for answers (open loop). Then both it and a bare FastAPI route that only
verifies the HMAC are driven as fast as 16 connections go (closed loop), in the same run.
"""

import argparse
import asyncio
import hashlib
import hmac
import itertools
import json
import random
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.demo import environment
from storage.migrations.run import upgrade
from tests.benchmarks.machine import cpu_s, machine, percentile, rss_mb
from tests.fakes.valkey import running_valkey

SECRET = "benchmark-secret"
P99_MS = 150.0
SLOWEST_MS = 3000.0
CONNECTIONS = 16
START_S = 30.0
SETTLE_S = 2.0
PEOPLE = 500
PADDING = "x" * 6000
"""A real webhook has seven kilobytes."""


@dataclass(frozen=True)
class Event:
    """One signed request."""

    path: str
    headers: dict[str, str]
    body: bytes


def github_event(number: int, person: int, text: str = "/gryph status") -> Event:
    """A comment on a pull request."""
    body = json.dumps(
        {
            "action": "created",
            "installation": {"id": 7},
            "repository": {"full_name": "o/r", "name": "r", "owner": {"login": "o"}},
            "issue": {"id": 1, "number": 1, "pull_request": {"url": ""}, "user": {"login": "ann"}},
            "comment": {
                "id": number,
                "body": text,
                "user": {"login": f"p{person}", "id": person, "type": "User"},
                "created_at": "2026-11-23T12:00:00Z",
                "updated_at": "2026-11-23T12:00:00Z",
            },
            "sender": {"login": f"p{person}", "id": person, "type": "User"},
            "padding": PADDING,
        }
    ).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "issue_comment",
        "X-GitHub-Delivery": f"{number:032x}",
        "X-Hub-Signature-256": f"sha256={signature}",
    }
    return Event("/github/webhook", headers, body)


def slack_event(number: int, person: int) -> Event:
    """A mention in a channel."""
    body = json.dumps(
        {
            "type": "event_callback",
            "team_id": "T1",
            "api_app_id": "A1",
            "event_id": f"Ev{number}",
            "event": {
                "type": "app_mention",
                "user": f"U{person}",
                "text": "<@UBOT> status",
                "ts": f"{1_700_000_000 + number}.000100",
                "channel": f"C{person % 50}",
                "channel_type": "channel",
            },
            "authorizations": [{"team_id": "T1", "user_id": "UBOT", "is_bot": True}],
        }
    ).encode()
    now = str(int(time.time()))
    signed = b"v0:%b:%b" % (now.encode(), body)
    signature = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": now,
        "X-Slack-Signature": f"v0={signature}",
    }
    return Event("/slack/events", headers, body)


def events(seed: int, first: int) -> Iterator[Event]:
    """Endless, half GitHub's and half Slack's."""
    dice = random.Random(seed)  # noqa: S311 - a benchmark's seed
    for number in itertools.count(first):
        make = github_event if number % 2 else slack_event
        yield make(number, dice.randrange(PEOPLE))


def chatter(first: int) -> Iterator[Event]:
    """Endless comments that are nobody's command, as most webhooks are."""
    for number in itertools.count(first):
        yield github_event(number, number % PEOPLE, "Looks good to me, thank you")


async def send(http: aiohttp.ClientSession, url: str, event: Event) -> float:
    """Milliseconds to the acknowledgement. Raises when it is none."""
    started = time.perf_counter()
    async with http.post(url + event.path, data=event.body, headers=event.headers) as answer:
        await answer.read()
        answer.raise_for_status()
    return (time.perf_counter() - started) * 1000


async def open_loop(url: str, made: Iterator[Event], rate: float, seconds: float) -> list[float]:
    """Send at a fixed rate whatever the answers do."""
    waits_ms: list[float] = []
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:

        async def one(event: Event) -> None:
            waits_ms.append(await send(http, url, event))

        started = time.perf_counter()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
            group.create_task(one(next(made)))
    return waits_ms


async def closed_loop(url: str, made: Iterator[Event], seconds: float) -> float:
    """Acknowledgements a second over a few connections that never pause."""
    count = 0
    deadline = time.perf_counter() + seconds
    async with aiohttp.ClientSession() as http:

        async def connection() -> None:
            nonlocal count
            while time.perf_counter() < deadline:
                await send(http, url, next(made))
                count += 1

        await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return count / seconds


@dataclass(frozen=True)
class Server:
    """A running process that serves."""

    url: str
    pid: int


@asynccontextmanager
async def server(*argv: str, env: dict[str, str], note: Path) -> AsyncGenerator[Server]:
    """Start a process and wait for the address it notes down; its log is shown if it dies."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *argv, env=env, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    log = asyncio.ensure_future(process.stderr.read())
    try:
        yield Server(await asyncio.to_thread(_noted, note), process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
        else:
            print((await log).decode()[-3000:])
        await process.wait()
        log.cancel()


def _noted(note: Path) -> str:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if note.exists():
            url: str = json.loads(note.read_text())["url"]
            return url
        time.sleep(0.1)
    raise TimeoutError(f"{note.stem} did not start")


def prepare(home: Path) -> dict[str, str]:
    """A home with its settings, as the environment of the processes."""
    (home / "run").mkdir(parents=True)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    return {
        **environment(home),
        "GRYPH_GITHUB_APP_ID": "1",
        "GRYPH_GITHUB_PRIVATE_KEY": pem,
        "GRYPH_GITHUB_WEBHOOK_SECRET": SECRET,
        "GRYPH_SLACK_BOT_TOKEN": "xoxb-benchmark",
        "GRYPH_SLACK_SIGNING_SECRET": SECRET,
    }


async def measure(options: argparse.Namespace, folder: Path, redis_url: str) -> None:
    """Run the servers and print; the open and the closed loops have a gateway each, since what is
    left over from one would be done during the other.
    """
    env = {**prepare(folder), "GRYPH_REDIS_URL": redis_url}
    notes = {name: folder / "run" / f"{name}.json" for name in ("counterpart", "bare")}
    module = "tests.benchmarks.counterpart"
    async with (
        server(module, "api", str(notes["counterpart"]), env=env, note=notes["counterpart"]) as api,
        server(module, "bare", str(notes["bare"]), env=env, note=notes["bare"]) as bare,
    ):
        env |= {"GRYPH_GITHUB_API_URL": api.url, "GRYPH_SLACK_API_URL": f"{api.url}/slack/"}
        async with gateway_in(folder / "open", env) as gateway:
            print(f"idle gateway: {rss_mb(gateway.pid):.0f} MB resident, GitHub and Slack on")
            made = events(options.seed, 1)
            waits_ms = await open_loop(gateway.url, made, options.rate, options.seconds)
            _print_waits(waits_ms, options)
        async with gateway_in(folder / "closed", env) as gateway:
            seconds = options.seconds / 3
            nothing = await _driven(bare, chatter(1), seconds)
            idle = await _driven(gateway, chatter(1_000_000), seconds)
            busy = await _driven(gateway, made, seconds)
            print(f"closed loop, {CONNECTIONS} connections (acks/s, server's CPU ms per ack):")
            _print_driven("bare HMAC route", nothing, nothing)
            _print_driven("gateway, comments without a command", idle, nothing)
            _print_driven("gateway, each a command, handled beside", busy, nothing)


@asynccontextmanager
async def gateway_in(home: Path, env: dict[str, str]) -> AsyncGenerator[Server]:
    """A gateway with an empty database of its own."""
    await asyncio.to_thread(upgrade, f"sqlite:///{home / 'gryph.db'}")
    note = home / "run" / "gateway.json"
    async with server("bot.app", env={**env, "GRYPH_HOME": str(home)}, note=note) as gateway:
        await asyncio.sleep(SETTLE_S)
        yield gateway


def _print_driven(name: str, measured: tuple[float, float], bare: tuple[float, float]) -> None:
    rate, cpu_ms = measured
    ratio = rate / bare[0]
    print(f"  {name:42} {rate:6.0f}/s  {cpu_ms:.2f} ms  ratio {ratio:.2f} (aim 0.5)")


async def _driven(target: Server, made: Iterator[Event], seconds: float) -> tuple[float, float]:
    """Throughput, and CPU milliseconds of the server for one acknowledgement."""
    before = cpu_s(target.pid)
    rate = await closed_loop(target.url, made, seconds)
    return rate, (cpu_s(target.pid) - before) * 1000 / (rate * seconds)


def _print_waits(waits_ms: list[float], options: argparse.Namespace) -> None:
    p50, p99 = percentile(waits_ms, 0.5), percentile(waits_ms, 0.99)
    late = sum(wait > SLOWEST_MS for wait in waits_ms)
    print(
        f"open loop, {options.rate:.0f}/s for {options.seconds:.0f} s, {len(waits_ms)} acks: "
        f"p50 {p50:.1f} ms, p99 {p99:.1f} ms (goal < {P99_MS:.0f}), "
        f"slowest {max(waits_ms):.0f} ms, over {SLOWEST_MS / 1000:.0f} s: {late}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(machine("fastapi", "uvicorn", "slack-bolt", "SQLAlchemy"), f"seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="gryph-bench-") as folder, running_valkey() as url:
        asyncio.run(measure(options, Path(folder), url))


if __name__ == "__main__":
    main()
