"""Histories in a worker's memory: read once, and grown by what was merged since."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from typing_extensions import override

from engines.watch import Stopped, Unwatched
from jobs.match_history import Pasts
from jobs.requests import MatchKnowledge, Source
from storage.database import Database
from tests.jobs.asked import asked
from tests.jobs.histories import ANN, BO, often, write_history
from tests.jobs.match_bench import ASKED_AT, HistoryDesk


@pytest.fixture
async def desk(sqlite: Database, tmp_path: Path) -> HistoryDesk:
    commits = [*often(ANN, 12, "a.py"), *often(BO, 8, "b.py")]
    return HistoryDesk(write_history(tmp_path / "history", commits), await asked(sqlite))


class _Gone(Unwatched):
    @override
    def stop_requested(self) -> bool:
        return True


def _sha(desk: HistoryDesk, name: str) -> str:
    found = subprocess.run(
        ["git", "rev-parse", name], cwd=desk.root, capture_output=True, check=True
    )
    return found.stdout.decode().strip()


def _asked(sha: str) -> MatchKnowledge:
    source = Source(repository="o/r", sha=sha)
    more: Mapping[str, object] = {"source": source, "repository": "o/r", "asked_at": ASKED_AT}
    return MatchKnowledge.model_validate({"task": "risks", "path": ".", **more})


def test_the_same_commit_is_read_once(desk: HistoryDesk) -> None:
    pasts, tip = Pasts(), _sha(desk, "main")
    with pasts.held(_asked(tip), desk) as first:
        pass
    with pasts.held(_asked(tip), desk) as second:
        assert second.matcher is first.matcher


def test_what_was_merged_since_is_added(desk: HistoryDesk) -> None:
    pasts = Pasts()
    with pasts.held(_asked(_sha(desk, "main~5")), desk) as before:
        assert len(before.matcher.tasks) == 15
    with pasts.held(_asked(_sha(desk, "main")), desk) as after:
        assert after.knowledge is before.knowledge
        assert len(after.matcher.tasks) == 20
        with Pasts().held(_asked(_sha(desk, "main")), desk) as anew:
            assert after.everybody == anew.everybody


def test_an_earlier_commit_is_read_anew(desk: HistoryDesk) -> None:
    pasts = Pasts()
    with pasts.held(_asked(_sha(desk, "main")), desk) as later:
        pass
    with pasts.held(_asked(_sha(desk, "main~5")), desk) as earlier:
        assert earlier.knowledge is not later.knowledge
        assert len(earlier.matcher.tasks) == 15


def test_a_job_that_fails_leaves_the_history_to_the_next(desk: HistoryDesk) -> None:
    pasts, tip = Pasts(), _sha(desk, "main")
    with pytest.raises(KeyError), pasts.held(_asked(tip), desk):
        raise KeyError
    with pasts.held(_asked(tip), desk) as past:
        assert len(past.matcher.tasks) == 20


def test_who_is_cancelled_does_not_wait_for_the_history(desk: HistoryDesk) -> None:
    pasts, tip = Pasts(), _sha(desk, "main")
    with pasts.held(_asked(tip), desk):
        desk.watch = _Gone()
        with pytest.raises(Stopped), pasts.held(_asked(tip), desk):
            pass
