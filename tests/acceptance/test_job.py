"""One request, from the command to a file that passes on its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from bot.console.thread import files_of
from jobs.messages import File
from storage.console import MessageKind
from storage.states import JobState
from tests.acceptance.stack import Stack, eventually, gryph, json_of

pytestmark = pytest.mark.slow


async def test_a_test_job_is_followed_to_a_file_that_passes_on_its_own(
    stack: Stack, repository: Path
) -> None:
    thread = await stack.say("test text/slugs.py budget=2s", repository)
    result = await thread.result()
    assert thread.states == [JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED]
    assert thread.shape == [MessageKind.STATUS, MessageKind.RESULT]
    assert result.reply is not None
    (file,) = (block for block in files_of(result.reply) if isinstance(block, File))
    content = await stack.client.download(file.artifact)
    assert len(content) == file.size_bytes
    (repository / file.name).write_bytes(content)
    assert passes(repository, file.name)


def passes(root: Path, name: str) -> bool:
    """Whether the file passes under plain pytest."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null"]
    env = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run([*command, name], cwd=root, env=env, check=False, timeout=60)
    return done.returncode == 0


async def test_what_cannot_be_tested_is_told_clearly(stack: Stack, repository: Path) -> None:
    for line, code, words in (
        ("test ../../etc/passwd.py", 2, "outside the repository"),
        ("test missing.py", 1, "missing.py"),
        ("test blob.py", 1, "blob.py"),
        ("test broken.py", 1, "line 1"),
        ("test lonely.py", 1, "a_package_that_nobody_has"),
        ("test empty.py", 1, "empty.py"),
    ):
        ended, out, err = await gryph(
            stack.home, "ask", line, "--repo", str(repository), "--json", "--timeout", "60"
        )
        assert (line, ended, err) == (line, code, "")
        told = json_of(out)
        assert words in told["reply"]["summary"], line
        assert "on our side" not in out, line


async def test_a_running_job_is_cancelled_at_once_and_leaves_no_process(
    stack: Stack, repository: Path
) -> None:
    thread = await stack.say("test slow.py budget=60s", repository)
    await thread.until(lambda t: t.state is JobState.RUNNING)
    await eventually(lambda: sandboxed(stack))
    await stack.say(f"cancel {thread.job}", repository)
    await thread.until(lambda t: t.state is JobState.CANCELLED)
    assert sandboxed(stack) == set()
    row = await stack.job(thread.job)
    assert row.cancel_requested_by is not None


def sandboxed(stack: Stack) -> set[int]:
    """Processes that the worker started, and theirs: the jailed ones, whatever the rung."""
    parents: dict[int, int] = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                stat = (process / "stat").read_text()
            except OSError:
                continue
            state, parent = stat.rpartition(")")[2].split()[:2]
            if state != "Z":
                parents[int(process.name)] = int(parent)
    found: set[int] = set()
    newest = {stack.starts("worker-1")[-1]}
    while newest:
        newest = {pid for pid, parent in parents.items() if parent in newest}
        found |= newest
    return found
