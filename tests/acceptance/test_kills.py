"""Any process may be killed at any moment: nothing is lost and nothing is said twice."""

import asyncio
import signal
from pathlib import Path

import pytest

from storage.console import MessageKind
from storage.states import JobState
from tests.acceptance.stack import Stack, Thread, eventually, of_home, row_of, running

pytestmark = pytest.mark.slow

LONG = "test slow.py budget=6s"
ONE_OF_EACH = [MessageKind.STATUS, MessageKind.RESULT]


async def in_work(stack: Stack, repository: Path, line: str = LONG) -> Thread:
    """A job that a worker has just started to run."""
    thread = await stack.say(line, repository)
    await thread.until(lambda t: t.state is JobState.RUNNING)
    return thread


async def test_a_job_whose_worker_is_killed_runs_again_and_is_told_once(
    stack: Stack, repository: Path
) -> None:
    thread = await in_work(stack, repository)
    stack.kill("worker-1")
    result = await thread.result()
    assert thread.states[-1] is JobState.SUCCEEDED
    assert thread.shape == ONE_OF_EACH
    assert result.reply is not None
    assert (await stack.job(thread.job)).attempt == 2


async def test_a_killed_gateway_is_started_again_and_tells_the_result_once(
    stack: Stack, repository: Path
) -> None:
    thread = await in_work(stack, repository, "test slow.py budget=4s")
    stack.kill("gateway")
    await thread.result()
    assert thread.states[-1] is JobState.SUCCEEDED
    assert thread.shape == ONE_OF_EACH
    assert (await stack.job(thread.job)).attempt == 1
    assert len(stack.starts("gateway")) == 2


async def test_a_killed_broker_loses_neither_the_running_nor_the_queued_job(
    stack: Stack, repository: Path
) -> None:
    running_ones = [await in_work(stack, repository, "test slow.py budget=4s") for _ in "ab"]
    queued = await stack.say("test text/slugs.py budget=3s", repository)
    await queued.until(lambda t: bool(t.states))
    stack.kill("valkey")
    asked_while_down = await stack.say("test text/slugs.py budget=3s", repository)
    threads = [*running_ones, queued, asked_while_down]
    await asyncio.gather(*(thread.result() for thread in threads))
    assert [t.states[-1] for t in threads] == [JobState.SUCCEEDED] * 4
    assert [t.shape for t in threads] == [ONE_OF_EACH] * 4
    assert [(await stack.job(t.job)).attempt for t in running_ones] == [1, 1]


async def test_a_stopped_stack_hands_its_job_back_and_the_next_one_finishes_it(
    tmp_path: Path, repository: Path
) -> None:
    home = tmp_path / "home"
    async with running(home) as stack:
        thread = await in_work(stack, repository, "test slow.py budget=9s")
        assert await stack.stop(signal.SIGTERM) == 0
    assert of_home(home) == {}
    row = await row_of(home, thread.job)
    assert (row.state, row.attempt) == (JobState.QUEUED, 1)
    async with running(home) as stack:
        thread.client = stack.client
        await thread.result()
        assert thread.states[-1] is JobState.SUCCEEDED
        assert thread.shape == ONE_OF_EACH
        assert await stack.stop(signal.SIGINT) == 0
    assert of_home(home) == {}


async def test_a_killed_supervisor_leaves_no_process_behind(
    tmp_path: Path, repository: Path
) -> None:
    home = tmp_path / "home"
    async with running(home) as stack:
        await in_work(stack, repository)
        assert await stack.stop(signal.SIGKILL) == -signal.SIGKILL
        await eventually(lambda: not of_home(home), at_most_s=25)
