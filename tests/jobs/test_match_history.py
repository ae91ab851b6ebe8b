"""Histories in a worker's memory: read once, and grown by what was merged since."""

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typing_extensions import override

from engines.matching.knowledge import Knowledge
from engines.matching.mining.history import History as MinedHistory
from engines.matching.people import People
from engines.watch import Stopped, Unwatched
from jobs.match_history import Past, Pasts
from jobs.match_lessons import Lessons
from jobs.requests import MatchKnowledge, Source
from storage.checkouts.history import History
from storage.database import Database
from tests.engines.matching.histories import task
from tests.jobs.asked import asked
from tests.jobs.histories import ANN, BO, Did, often, write_history
from tests.jobs.match_bench import ASKED_AT, ByChanges, HistoryDesk


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
    pasts, tip = Pasts(Lessons()), _sha(desk, "main")
    with pasts.held(_asked(tip), desk) as first:
        pass
    with pasts.held(_asked(tip), desk) as second:
        assert second.matcher is first.matcher


def test_what_was_merged_since_is_added(desk: HistoryDesk) -> None:
    pasts = Pasts(Lessons())
    with pasts.held(_asked(_sha(desk, "main~5")), desk) as before:
        assert len(before.matcher.tasks) == 15
    with pasts.held(_asked(_sha(desk, "main")), desk) as after:
        assert after.knowledge is before.knowledge
        assert len(after.matcher.tasks) == 20
        with Pasts(Lessons()).held(_asked(_sha(desk, "main")), desk) as anew:
            assert after.everybody == anew.everybody


def test_an_earlier_commit_is_read_anew(desk: HistoryDesk) -> None:
    pasts = Pasts(Lessons())
    with pasts.held(_asked(_sha(desk, "main")), desk) as later:
        pass
    with pasts.held(_asked(_sha(desk, "main~5")), desk) as earlier:
        assert earlier.knowledge is not later.knowledge
        assert len(earlier.matcher.tasks) == 15


def test_a_job_that_fails_leaves_the_history_to_the_next(desk: HistoryDesk) -> None:
    pasts, tip = Pasts(Lessons()), _sha(desk, "main")
    with pytest.raises(KeyError), pasts.held(_asked(tip), desk):
        raise KeyError
    with pasts.held(_asked(tip), desk) as past:
        assert len(past.matcher.tasks) == 20


def test_who_is_cancelled_does_not_wait_for_the_history(desk: HistoryDesk) -> None:
    pasts, tip = Pasts(Lessons()), _sha(desk, "main")
    with pasts.held(_asked(tip), desk):
        desk.watch = _Gone()
        with pytest.raises(Stopped), pasts.held(_asked(tip), desk):
            pass


async def test_it_is_told_where_newcomers_do_much(sqlite: Database, tmp_path: Path) -> None:
    known = [Did(ANN, 1 + day / 10, {"a.py": f"{day}\n"}) for day in range(140)]
    strangers = [
        Did(f"N{number} <n{number}@x.org>", 1.05 + number / 10, {"b.py": f"{number}\n"})
        for number in range(80)
    ]
    repository = write_history(tmp_path / "history", [*known, *strangers])
    desk = HistoryDesk(repository, await asked(sqlite))
    with Pasts(Lessons()).held(_asked(_sha(desk, "main")), desk) as past:
        told = " ".join(past.newcomers_note())
    # The newest 200 reach 12 days back: all 80 strangers, 120 of Ann's, none among her first five.
    assert told.startswith("Of the newest 200 tasks here 80 were done by people who had done fewer")


def test_it_is_not_told_of_newcomers_where_there_are_few_tasks(desk: HistoryDesk) -> None:
    with Pasts(Lessons()).held(_asked(_sha(desk, "main")), desk) as past:
        assert not [*past.newcomers_note()]


def test_the_login_of_an_organisation_is_nobodys() -> None:
    def past(handle: str, *authors: str, owner: str = "") -> Past:
        tasks = [
            replace(task(who, at, "a.py"), branch_of=handle) for at, who in enumerate(authors, 1)
        ]
        knowledge = Knowledge(People())
        for one in tasks:
            knowledge.people.take(one)
            knowledge.observe(one)
        there = History(Path(), "", Path(), owner=owner)
        return Past(ByChanges(MinedHistory(tasks, "", ())), knowledge, there, ("a.py",), 99)

    own = past("annlee", *"aaaaab")
    assert own.logins == {"a@x": "annlee"}
    assert own.called("@AnnLee".removeprefix("@")) == own.everybody[0]
    assert past("annlee", *"aaaaaaaaabc").logins == {"a@x": "annlee"}
    for organisation in (past("acme", *"aaaaaabc"), past("acme", *"aaaa", owner="acme")):
        assert organisation.logins == {}
        assert organisation.called("acme") is None


def test_an_old_history_is_told_as_such(desk: HistoryDesk) -> None:
    pasts, tip = Pasts(Lessons()), _sha(desk, "main")
    with pasts.held(_asked(tip), desk) as past:
        assert not any("Nothing was merged here since" in note for note in past.notes())
    later = _asked(tip).model_copy(update={"asked_at": ASKED_AT + timedelta(days=181)})
    with pasts.held(later, desk) as past:
        assert "Nothing was merged here since 29 November 2026; nobody counts as active." in [
            *past.notes()
        ]
