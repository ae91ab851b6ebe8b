"""Broken and hostile HTTP against a real gateway process, over real sockets.

`python -m tests.acceptance.hostile_http --bodies 40` prints one line a case. A case holds when it
is answered with an expected status (0: the connection was closed) within its time. All of them
together must leave no row in the database, no error in the log, and the memory bounded.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from bot.door import BODY_S
from bot.wire import HEAD_S
from tests.acceptance.front import Front, front
from tests.acceptance.hostile_requests import (
    MB,
    Case,
    Target,
    accepted,
    refused,
    targets,
)
from tests.benchmarks.machine import machine
from tests.fakes.valkey import running_valkey

QUICK_S = 3.0
"""The most an answer may take to whom sends everything at once."""
GRACE_S = 3.0
MOST_GROWTH_MB = 220.0
"""The budget of large bodies, once more while one is joined, and what Python keeps."""
PARALLEL = 8


@dataclass
class Report:
    """What was seen."""

    lines: list[str] = field(default_factory=list[str])
    violations: list[str] = field(default_factory=list[str])
    slowest_s: float = 0.0
    growth_mb: float = 0.0
    cases: int = 0

    def note(
        self, name: str, answer: "Answered", expected: tuple[int, ...], within_s: float
    ) -> None:
        """Judge one case."""
        self.cases += 1
        self.slowest_s = max(self.slowest_s, answer.took_s)
        holds = answer.status in expected and answer.took_s <= within_s
        line = f"{name:58} {answer.status:3}  {answer.took_s * 1000:7.0f} ms"
        self.lines.append(line if holds else f"{line}  VIOLATION, expected {expected}")
        if not holds:
            self.violations.append(f"{line.strip()}, expected {expected} in {within_s} s")


@dataclass(frozen=True)
class Answered:
    """How a connection ended."""

    status: int
    took_s: float
    content: bytes = b""


Talk = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def talk(there: Front, say: Talk, at_most_s: float) -> Answered:
    """Open a connection, say something, and read to its end."""
    started = time.monotonic()
    reader, writer = await asyncio.open_connection(*there.address)
    speaking = asyncio.ensure_future(_ignoring_hangup(say, writer))
    content = b""
    try:
        async with asyncio.timeout(at_most_s):
            content = await _answer(reader)
    except TimeoutError:
        content = b"HTTP/1.1 999 nothing in time"
    finally:
        speaking.cancel()
        writer.transport.abort()
    status = int(content.split(b" ", 2)[1]) if content.startswith(b"HTTP/1.") else 0
    return Answered(status, time.monotonic() - started, content)


async def _ignoring_hangup(say: Talk, writer: asyncio.StreamWriter) -> None:
    try:
        await say(writer)
    except (ConnectionError, asyncio.CancelledError):
        return


async def _answer(reader: asyncio.StreamReader) -> bytes:
    """Up to the end of the head; nothing where the connection ends before."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


def all_at_once(content: bytes) -> Talk:
    """Send and wait."""

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()

    return say


def and_hang_up(content: bytes) -> Talk:
    """Send, then close our half."""

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()
        writer.write_eof()

    return say


def dribble(content: bytes, drops: bytes, every_s: float = 0.4) -> Talk:
    """Send, then the same few bytes again and again."""

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        while True:
            await writer.drain()
            await asyncio.sleep(every_s)
            writer.write(drops)

    return say


def flood(content: bytes, drops: bytes, times: int) -> Talk:
    """Send, then the same bytes as often and as fast as they go."""

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        for _ in range(times):
            writer.write(drops)
            await writer.drain()

    return say


CHUNK = b"10000\r\n" + b"x" * 65536 + b"\r\n"


async def bodies(there: Front, report: Report) -> None:
    """Whatever may stand in a request whose bytes all come at once."""
    gate = asyncio.Semaphore(PARALLEL)

    async def one(case: Case) -> None:
        async with gate:
            answer = await talk(there, all_at_once(case.request), QUICK_S + 1)
        report.note(case.name, answer, case.expected, QUICK_S)

    await asyncio.gather(*(one(case) for case in refused(there.token)))


async def sizes(there: Front, report: Report, target: Target) -> None:
    """Bodies that are too large, or not of the size they said."""
    name, most = target.name, target.most_bytes
    kept_short = target.head(b"Content-Length: 100") + b"{" * 10
    many = most // 65536 + 20
    cases: list[tuple[str, Talk, tuple[int, ...]]] = [
        (
            "declared too large",
            all_at_once(target.head(b"Content-Length: %d" % (most + 1))),
            (413,),
        ),
        (
            "chunked too large",
            flood(target.head(b"Transfer-Encoding: chunked"), CHUNK, many),
            (413,),
        ),
        ("hangs up within the body", and_hang_up(kept_short), (0, 400)),
        (
            "larger than declared",
            all_at_once(target.head(b"Content-Length: 2") + b"{}" + b"\0" * MB),
            (400, 401, 422),
        ),
        (
            "both lengths",
            all_at_once(target.head(b"Content-Length: 2", b"Transfer-Encoding: chunked") + b"{}"),
            (400,),
        ),
        ("negative length", all_at_once(target.head(b"Content-Length: -1")), (400,)),
        (
            "endless trailers",
            flood(
                target.head(b"Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n",
                b"X-Trailer: %b\r\n" % (b"x" * 8000),
                4000,
            ),
            (0, 400, 401, 422, 431),
        ),
        (
            "chunk of no size",
            all_at_once(target.head(b"Transfer-Encoding: chunked") + b"zz\r\n{}\r\n"),
            (400,),
        ),
    ]
    for title, say, expected in cases:
        answer = await talk(there, say, QUICK_S + 1)
        report.note(f"{name}: {title}", answer, expected, QUICK_S)


async def slow(there: Front, report: Report, target: Target) -> None:
    """Heads and bodies that come a few bytes at a time, all beside each other."""
    start = b"POST %b HTTP/1.1\r\nHost: g\r\n" % target.path
    short = target.head(b"Content-Length: 100") + b"{"
    cases: list[tuple[str, Talk, tuple[int, ...], float]] = [
        ("nothing at all", dribble(b"", b""), (408,), HEAD_S),
        ("slow head", dribble(start, b"X-A: b\r\n"), (408,), HEAD_S),
        ("endless head", flood(start, b"X-A: %b\r\n" % (b"b" * 8000), 4000), (0, 431), QUICK_S),
        ("slow body", dribble(short, b" "), (408,), BODY_S),
        ("silent body", all_at_once(short), (408,), BODY_S),
        (
            "slow chunks",
            dribble(target.head(b"Transfer-Encoding: chunked"), b"1\r\nx\r\n"),
            (408,),
            BODY_S,
        ),
    ]

    async def one(title: str, say: Talk, expected: tuple[int, ...], within_s: float) -> None:
        answer = await talk(there, say, within_s + GRACE_S)
        report.note(f"{target.name}: {title}", answer, expected, within_s + GRACE_S)

    await asyncio.gather(*(one(*case) for case in cases))


async def large_together(there: Front, report: Report, count: int) -> None:
    """Many of the largest bodies side by side, of somebody who knows no secret."""
    github = targets(there.token)[0]
    head = github.head(b"Transfer-Encoding: chunked")
    before_mb = there.peak_mb()
    say = flood(head, CHUNK, github.most_bytes // 65536 - 1)

    async def ended(writer: asyncio.StreamWriter) -> None:
        await say(writer)
        writer.write(b"0\r\n\r\n")

    answers = await asyncio.gather(*(talk(there, ended, BODY_S + 20) for _ in range(count)))
    for number, answer in enumerate(answers):
        expected = (401, 408, 503)
        report.note(f"25 MB side by side, {number + 1}", answer, expected, BODY_S + GRACE_S)
    report.growth_mb = there.peak_mb() - before_mb
    if report.growth_mb > MOST_GROWTH_MB:
        report.violations.append(f"memory grew by {report.growth_mb:.0f} MB")


async def pipelined(there: Front, report: Report) -> None:
    """Twenty requests in one write, and a request whose sender closes its half at once."""
    request = b"GET /healthz HTTP/1.1\r\nHost: g\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n"
    started = time.monotonic()
    reader, writer = await asyncio.open_connection(*there.address)
    writer.write(request * 19 + last)
    content = await asyncio.wait_for(reader.read(), QUICK_S)
    writer.close()
    answers = content.count(b"HTTP/1.1 200 OK")
    took = Answered(200 if answers == 20 else answers, time.monotonic() - started)
    report.note("twenty requests in one write", took, (200,), QUICK_S)
    half = await talk(there, and_hang_up(request), QUICK_S)
    report.note("half closed after a whole request", half, (0, 200), QUICK_S)


async def campaign(folder: Path, redis_url: str, bodies_at_once: int) -> Report:
    """Everything, against one gateway."""
    report = Report()
    async with front(folder, redis_url) as there:
        everywhere = targets(there.token)
        await bodies(there, report)
        await asyncio.gather(
            pipelined(there, report),
            *(sizes(there, report, target) for target in everywhere),
            *(slow(there, report, target) for target in everywhere),
        )
        await large_together(there, report, bodies_at_once)
        left = {name: count for name, count in (await there.rows()).items() if count}
        if left:
            report.violations.append(f"rows were left: {left}")
        report.violations += there.troubles()
        await _still_works(there, report)
    return report


async def _still_works(there: Front, report: Report) -> None:
    """After all that, an honest event is taken."""
    for case in accepted(there.token):
        answer = await talk(there, all_at_once(case.request), QUICK_S)
        report.note(case.name, answer, case.expected, QUICK_S)
    taken = (await there.rows())["inbox"]
    if taken != len(accepted(there.token)):
        report.violations.append(f"{taken} honest events were taken")


def main() -> int:
    """Run and print; 1 on a violation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bodies", type=int, default=40, help="25 MB bodies side by side")
    options = parser.parse_args()
    print(machine("fastapi", "uvicorn", "httptools"))
    with tempfile.TemporaryDirectory(prefix="gryph-hostile-") as folder, running_valkey() as url:
        report = asyncio.run(campaign(Path(folder), url, options.bodies))
    print("\n".join(report.lines))
    print(
        f"{report.cases} cases, slowest {report.slowest_s:.1f} s, memory grew by "
        f"{report.growth_mb:.0f} MB, {len(report.violations)} violations"
    )
    print("\n".join(report.violations))
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
