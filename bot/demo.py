"""`make demo`: a conversation on real input, over the whole stack, from an empty home.

Starts `gryph up` in a temporary home on free ports, asks for tests of a real file of this
repository (in a copy), applies them, makes a small change and asks what it changes, and runs the
written file on its own. Exits 0 only if every job succeeded, the change was noticed and the file
passes.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from bot.auth import ApiKeys, Role
from bot.console.ask import Answered, Question, ask
from bot.console.client import GatewayClient
from bot.console.live import LiveThread
from bot.console.render import Screen
from storage.states import JobState

ROOT = Path(__file__).parent.parent
TARGET = "bot/console/plain.py"
SLIP = ("columns(text) <= width", "columns(text) < width")
"""A change of `TARGET` that is easily read over: what just fits is cut as well."""
SLIPPED = "cut"
"""The function that behaves differently for it."""
START_S = 90.0
ANSWER_S = 180.0
WIDTH = 100


class DemoFailed(Exception):
    """The conversation did not go as it should."""


def main() -> None:
    """Play the conversation and run what it wrote. Raises DemoFailed."""
    with tempfile.TemporaryDirectory(prefix="gryph-demo-") as folder:
        home, repository = Path(folder, "home"), Path(folder, "repository")
        home.mkdir()
        _copy(repository)
        _say("Starting the stack: Valkey, gateway and workers, in an empty home …")
        asyncio.run(_play(home, repository))
        written = _written(repository)
        _say(f"$ pytest {written}")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
        env = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        done = subprocess.run([*command, written], cwd=repository, env=env, check=False)  # noqa: S603
        if done.returncode != 0:
            raise DemoFailed(f"{written} does not pass on its own")


async def _play(home: Path, repository: Path) -> None:
    async with stack(home) as url, httpx.AsyncClient(trust_env=False) as http:
        token = ApiKeys(home).mint("you", Role.OPERATOR)
        client = GatewayClient(http, lambda: url, lambda: token)
        await _turn(client, repository, f"tset {TARGET}")  # a typo gets the word, not silence
        answered = await _turn(client, repository, f"test {TARGET}", JobState.SUCCEEDED)
        (job,) = answered.heard.jobs
        await _turn(client, repository, f"apply {job}")
        await _turn(client, repository, f"feedback {job} up the names say what they check")
        await _change(client, repository)


async def _change(client: GatewayClient, repository: Path) -> None:
    """Make the change, ask what it changes, and take it back."""
    file = repository / TARGET
    before = file.read_text()
    file.write_text(before.replace(*SLIP))
    _say(f"$ git diff {TARGET}")
    changed = zip(*(text.splitlines() for text in (before, file.read_text())), strict=True)
    for number, (old, new) in enumerate(changed, 1):
        if old != new:
            _say(f"@@ line {number} @@\n-{old}\n+{new}")
    answered = await _turn(client, repository, "test base=HEAD", JobState.SUCCEEDED)
    file.write_text(before)
    told = [said.reply for said in answered.heard.finals if said.reply is not None]
    if not any(f"`{SLIPPED}`" in remark.text for reply in told for remark in reply.remarks):
        raise DemoFailed(f"the change of `{SLIPPED}` was not noticed")


async def _turn(
    client: GatewayClient, repository: Path, line: str, wanted: JobState | None = None
) -> Answered:
    """One line and its thread; where a job is wanted, exactly one in that state."""
    _say(f"you> /gryph {line}")
    live = LiveThread(sys.stdout, Screen(client.artifact_url, WIDTH), in_place=False)
    question = Question(line, ANSWER_S, repository=str(repository))
    answered = await ask(client, question, live)
    states = [view.state for view in answered.heard.jobs.values()]
    if states != ([] if wanted is None else [wanted]):
        raise DemoFailed(f"`{line}` ended with {states or 'no job'}")
    return answered


def _written(repository: Path) -> str:
    """The file that Apply wrote, as git sees it."""
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard"],  # noqa: S607 - git of the PATH
        cwd=repository,
        check=True,
        capture_output=True,
        text=True,
    )
    names = listed.stdout.split()
    if len(names) != 1:
        raise DemoFailed(f"Apply should have written one file; there are {names}")
    return names[0]


def _copy(repository: Path) -> None:
    """This repository's files, as a repository of their own."""
    for package in ("bot", "handlers", "jobs", "storage"):
        shutil.copytree(
            ROOT / package, repository / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    (repository / "tests").mkdir()
    for command in (
        ["git", "init", "--quiet"],
        ["git", "add", "."],
        ["git", "-c", "user.name=demo", "-c", "user.email=demo@localhost", "commit", "-qm", "demo"],
    ):
        subprocess.run(command, cwd=repository, check=True)  # noqa: S603 - the three above


@asynccontextmanager
async def stack(home: Path) -> AsyncGenerator[str]:
    """`gryph up` in that home; its address once it is ready."""
    log = home / "demo.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.cli", "up", env=environment(home), stderr=output, cwd=ROOT
        )
    try:
        yield await _ready(home, process)
    except BaseException:
        sys.stdout.flush()
        sys.stderr.write(log.read_text()[-4000:])
        raise
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def environment(home: Path) -> dict[str, str]:
    """This process' own, with a home and ports that disturb nobody, and no platform on."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("GRYPH_")}  # noqa: TID251 - handed on to a child
    return {**inherited, "GRYPH_HOME": str(home), "GRYPH_LISTEN": "127.0.0.1:0"}


async def _ready(home: Path, process: asyncio.subprocess.Process) -> str:
    note = home / "run" / "gateway.json"
    async with asyncio.timeout(START_S), httpx.AsyncClient(trust_env=False) as http:
        while process.returncode is None:
            await asyncio.sleep(0.1)
            if not note.exists():
                continue
            url: Any = json.loads(note.read_text())["url"]
            try:
                if (await http.get(f"{url}/readyz")).is_success:
                    return str(url)
            except httpx.TransportError:
                continue
    raise DemoFailed("the stack did not start")


def _say(text: str) -> None:
    sys.stdout.write(f"\n{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    except DemoFailed as reason:
        sys.exit(f"demo failed: {reason}")
    _say("Demo done: every job succeeded, the change was noticed, and the generated tests pass.")
