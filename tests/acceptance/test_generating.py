"""`generate` from three faces at once: what must hold of each, whatever the machine's load.

The large run with its figures is `python -m tests.benchmarks.generating`.
"""

from pathlib import Path

import pytest

from storage.states import JobState
from tests.benchmarks.generating.campaign import SEVERAL, Asked, run
from tests.benchmarks.generating.commands import Face, of_face
from tests.benchmarks.generating.report import too_fast

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


async def test_all_are_answered_once_in_their_threads_at_each_platform_s_pace(
    tmp_path: Path,
) -> None:
    done = await run(Asked(commands=8, seed=5, model="scripted", at_most_s=150.0), tmp_path)
    assert done.is_over
    assert done.states == {JobState.SUCCEEDED: 8}, done.results
    wrong = {c.thread: (c.lacks, c.doubled) for c in done.commands if not c.is_answered}
    assert (wrong, done.stray) == ({}, [])
    assert too_fast(done.commands) == []
    assert {account.attempts for account in done.accounts.values()} == {1}
    drafts = [
        c.draft_s for face in (Face.SLACK, Face.DISCORD) for c in of_face(done.commands, face)
    ]
    assert all(drafts), "a stream was not seen"
    assert done.asked_at_once == 8, "their requests wait for each other"


async def test_a_worker_that_is_killed_while_it_writes_costs_no_answer_and_doubles_none(
    tmp_path: Path,
) -> None:
    killed = Asked(commands=6, seed=7, model="scripted", at_most_s=200.0, is_worker_killed=True)
    done = await run(killed, tmp_path)
    assert done.kill is not None
    assert done.again >= done.kill.writing >= SEVERAL
    assert done.is_over
    assert done.states == {JobState.SUCCEEDED: 6}, done.results
    wrong = {c.thread: (c.lacks, c.doubled) for c in done.commands if not c.is_answered}
    assert (wrong, done.stray) == ({}, [])
