"""A worker's finder before a history, with a ranking that a test can foretell."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session
from typing_extensions import override

from bot.console.render import Screen, render_reply
from engines.matching.engine import Matcher
from engines.matching.mining.history import History as MinedHistory
from engines.matching.mining.history import read_history
from engines.matching.people import People
from engines.matching.protocol import query_of
from engines.matching.recent import RECENT
from engines.matching.types import MERGED_BEFORE, Candidate, Mode, Query, Ranking
from engines.watch import Watch
from jobs.desk import Done
from jobs.match_history import Pasts
from jobs.match_lessons import Lessons
from jobs.match_work import Finder
from jobs.messages import Reply
from jobs.requests import MatchBatch, MatchKnowledge, MatchTask, Source, Wanted
from storage import people
from storage.checkouts.history import History
from storage.clock import utc_now
from storage.database import Database
from storage.ids import PersonId
from tests.fakes.spine import without_ids
from tests.jobs.asked import asked
from tests.jobs.histories import NOW_S, Did, write_history
from tests.jobs.table_top import TableTop

ASKED_AT = datetime.fromtimestamp(NOW_S, UTC)
WIDTH = 100


class ByChanges(Matcher):
    """Ranks by how often somebody changed the files, and a little by how much they did at all."""

    def __init__(self, history: MinedHistory) -> None:
        super().__init__(history, None)
        self._people = People()
        for task in history.tasks:
            self._people.take(task)

    @property
    @override
    def people(self) -> People:
        return self._people

    @property
    @override
    def notes(self) -> tuple[str, ...]:
        return self.history.notes

    @override
    def learn(self, mode: Mode, watch: Watch) -> None:
        """There is nothing to learn."""

    @override
    def rank(self, query: Query) -> Ranking:
        counts: Counter[int] = Counter()
        points: Counter[int] = Counter()
        is_author = query.mode is Mode.AUTHOR
        for task in self.tasks:
            if task.merged_s < query.at_s and not task.by_bot:
                for who in (task.author,) if is_author else task.reviewers:
                    index = self.people.see(who)
                    counts[index] += 1
                    points[index] += 1 + 10 * sum(one.path in query.files for one in task.touches)
        author = self.people.known(query.author) if query.author else None
        able = {
            index: points[index]
            for index, count in counts.items()
            if count >= MERGED_BEFORE and index != author
        }
        whole = sum(able.values())
        found = sorted(able, key=lambda index: (-able[index], index))
        candidates = [Candidate(self.people.person(one), able[one] / whole) for one in found]
        return Ranking(tuple(candidates), candidates[0].score if candidates else 0.0)

    @override
    def recent(self, mode: Mode, watch: Watch | None = None) -> Sequence[Ranking]:
        asked = [query_of(task, mode) for task in self.tasks[-RECENT:]]
        return [self.rank(query) for query in asked]


def open_by_changes(
    repository: Path,
    at: str = "HEAD",
    *,
    kept: Path | None = None,
    watch: Watch | None = None,
    earlier: Matcher | None = None,
    waits: bool = True,
) -> Matcher:
    """In the place of the engine's own."""
    del kept, watch, earlier, waits
    return ByChanges(read_history(repository, at))


@dataclass
class HistoryDesk(TableTop):
    """A desk over a history."""

    prefix: str = ""
    depth: int | None = None

    @override
    def history(self, source: Source) -> History:
        learned = self.root.parent / "learned"
        learned.mkdir(exist_ok=True)
        return History(self.root, source.sha or "HEAD", learned, self.prefix, self.depth)


@dataclass
class Bench:
    """Asks, and reads what is answered."""

    database: Database
    desk: HistoryDesk
    requests: list[MatchTask | MatchBatch | MatchKnowledge] = field(
        default_factory=list[MatchTask | MatchBatch | MatchKnowledge]
    )

    @property
    def finder(self) -> Finder:
        return Finder(self.database, Pasts(Lessons()))

    def match(self, task: Wanted, **more: Any) -> Done:
        return self.finder.task(MatchTask(task=task, **self._usual(), **more), self.desk)

    def batch(self, *tasks: Wanted, **more: Any) -> Done:
        request = MatchBatch(named="Milestone v1", tasks=tasks, **self._usual(), **more)
        return self.finder.batch(request, self.desk)

    def files(self, *paths: str, **more: Any) -> Done:
        return self.match(Wanted(named=paths[0], files=paths), **more)

    def who(self, path: str) -> Done:
        request = MatchKnowledge(task="who", path=path, **self._usual())
        return self.finder.knowledge(request, self.desk)

    def risks(self, path: str = ".") -> Done:
        request = MatchKnowledge(task="risks", path=path, **self._usual())
        return self.finder.knowledge(request, self.desk)

    def recent(self, mode: Mode) -> Sequence[Ranking]:
        """What is believed of the newest tasks, where anybody is a candidate."""
        recent = ByChanges(read_history(self.desk.root, "HEAD")).recent(mode)
        return [one for one in recent if one.candidates]

    def _usual(self) -> dict[str, Any]:
        return {"source": Source(repository="o/r"), "repository": "o/r", "asked_at": ASKED_AT}


async def bench_of(database: Database, folder: Path, *commits: Did) -> Bench:
    """A bench before these commits."""
    root = write_history(folder / "history", commits)
    return Bench(database, HistoryDesk(root, await asked(database)))


def account(database: Database, name: str, login: str | None = None) -> PersonId:
    """Somebody whom we know by an account of theirs."""

    def write(session: Session) -> PersonId:
        platform, label = ("github", login) if login else ("slack", name)
        now = utc_now()
        return people.person_of(session, platform=platform, account=label, name=label, now=now)

    return database.write_now(write)


def shown(reply: Reply) -> str:
    """As the console shows it."""
    return without_ids(render_reply(reply, Screen(width=WIDTH, link=str)).strip())
