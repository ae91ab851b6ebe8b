"""A real Prometheus scrapes a real gateway and worker, and answers what we ask it."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from storage import targets
from storage.console import MessageKind
from tests.acceptance.campaign.processes import free_port
from tests.acceptance.prometheus import Prometheus, watching
from tests.acceptance.stack import Stack, gryph, running
from tests.deploy.deployed import (
    Query,
    alarms,
    panel_queries,
    recorded,
    rule_queries,
)
from tests.fakes.model_servers.running import openai_server
from tests.fakes.model_servers.world import MODEL, World

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(
        shutil.which("prometheus") is None,
        reason="prometheus is not installed (Debian package prometheus)",
    ),
]
SETTLE_S = 60.0
COMMANDS = (
    *("help", "status", "quota", "tset broken.py", "test broken.py", "test missing.py"),
    'generate "a function that adds two numbers" in=text/sums.py',
)
WRITTEN = """\
FILE: text/sums.py
```python
def added(one: int, other: int) -> int:
    return one + other
```
"""
EMPTY_WHEN_WELL = {
    "annotation",  # no alarm fires
    "Tries to say something, per minute B",  # nothing failed
    "Still to be said A",  # no platform put anything off
    "Still to be said B",
    "Tokens and connections A",  # the console has none
    "Tokens and connections B",
    "Age of the oldest A",  # no job is left in line
    "Jobs that are not over A",
    "Prefix cache and its blocks B",  # an endpoint has none
    "Models in trouble, per hour A",
    "Models in trouble, per hour B",  # opened once, maybe before the first scrape
    "Models in trouble, per hour C",
}
"""Queries of panels that nothing answers while everything is well and all work is done."""
DEPENDS_ON_THE_MACHINE = {"GryphDiskLow", "GryphDiskFull", "GryphLoopLate", "GryphAcksSlow"}


async def test_every_rule_and_panel_is_answered_and_nothing_is_wrong(
    stack: Stack, repository: Path, tmp_path: Path
) -> None:
    async with watching(stack.home, tmp_path / "prometheus") as prometheus, a_model(stack):
        await until_all_are_up(prometheus)
        await printed_is_what_is_asked_for(stack)
        await say_all(stack, repository)
        await until(lambda: has_numbers(prometheus, "gryph_end_to_end_seconds_count"))
        await say_all(stack, repository)  # only what grows between two scrapes has a rate
        for name in recorded():
            await until(lambda name=name: has_numbers(prometheus, name))
        await until_panels_show_all(prometheus, stack, repository)
        assert (await empty(prometheus, rule_queries())).isdisjoint(recorded())
        await until(lambda: only_a_backup_is_missing(prometheus))
        assert {rule["health"] for rule in await prometheus.rules()} == {"ok"}


async def test_killed_processes_and_a_backup_are_seen(tmp_path: Path) -> None:
    home, listen = tmp_path / "home", f"127.0.0.1:{free_port()}"
    async with (
        running(home, GRYPH_LISTEN=listen) as stack,
        watching(home, tmp_path / "prometheus") as prometheus,
    ):
        await until_all_are_up(prometheus)
        assert (await gryph(home, "backup", str(tmp_path / "b")))[0] == 0
        await until(lambda: silent(prometheus, "GryphBackupOld"))
        for name in ("gateway", "worker-1"):
            stack.kill(name)
        await until(lambda: restarted(prometheus, 2))
        await until_all_are_up(prometheus)


@asynccontextmanager
async def a_model(stack: Stack) -> AsyncGenerator[None]:
    """An endpoint, registered while the block lasts."""
    with openai_server(World(key="", script=lambda _turns: WRITTEN)) as server:
        where = ("--openai", server.address, "--model", MODEL)
        code, out, err = await gryph(stack.home, "model", "add", "coder", *where)
        assert (code, err) == (0, ""), out
        yield
        assert (await gryph(stack.home, "model", "remove", "coder"))[0] == 0


async def until_all_are_up(prometheus: Prometheus) -> None:
    async def are_up() -> bool:
        return await prometheus.targets() == {"gryph-gateway": "up", "gryph-worker": "up"}

    await until(are_up)


async def until_panels_show_all(prometheus: Prometheus, stack: Stack, repository: Path) -> None:
    """A rate shows what grew between two scrapes; where a busy machine missed that, it grows again."""
    for _ in range(2):
        try:
            await until(lambda: panels_show_all(prometheus))
        except TimeoutError:
            await say_all(stack, repository)
        else:
            return
    await until(lambda: panels_show_all(prometheus))


async def say_all(stack: Stack, repository: Path) -> None:
    for line in COMMANDS:
        thread = await stack.say(line, repository)
        await thread.until(lambda t: bool(t.of(MessageKind.ANSWER) or t.of(MessageKind.RESULT)))


async def panels_show_all(prometheus: Prometheus) -> bool:
    """What grew after the last scrape is seen with the next one."""
    return await empty(prometheus, panel_queries()) <= EMPTY_WHEN_WELL


async def only_a_backup_is_missing(prometheus: Prometheus) -> bool:
    """Of all that could be wrong."""
    loud = {*alarms()} - await empty(prometheus, rule_queries())
    return loud - DEPENDS_ON_THE_MACHINE == {"GryphBackupOld"}


async def silent(prometheus: Prometheus, name: str) -> bool:
    return not await prometheus.query(alarms()[name]["expr"])


async def restarted(prometheus: Prometheus, count: int) -> bool:
    changed = await prometheus.query("changes(gryph_process_start_time_seconds[5m]) > 0")
    return len(changed) == count


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SETTLE_S):
        while not await holds():  # noqa: ASYNC110 - other processes set no event of ours
            await asyncio.sleep(0.5)


async def empty(prometheus: Prometheus, queries: list[Query]) -> set[str]:
    """Those that nothing answers. Raises NotAnswered for those that are no PromQL."""
    return {query.where for query in queries if not await has_numbers(prometheus, query.expr)}


async def has_numbers(prometheus: Prometheus, expr: str) -> bool:
    found = await prometheus.query(expr.replace("$__rate_interval", "1m"))
    return any(sample["value"][1] != "NaN" for sample in found)


async def printed_is_what_is_asked_for(stack: Stack) -> None:
    """Each process' page as it is served, against all names in rules and panels."""
    printed: set[str] = set()
    async with httpx.AsyncClient(trust_env=False) as http:
        for file in targets.folder(stack.home).glob("*.json"):
            (told,) = json.loads(file.read_text())
            page = (await http.get(f"http://{told['targets'][0]}/metrics")).text
            printed |= set(re.findall(r"^# TYPE (\w+) ", page, re.MULTILINE))
    asked = set[str]().union(*(query.names for query in [*rule_queries(), *panel_queries()]))
    series = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked - recorded()}
    assert len(series) > 30
    assert series <= printed
