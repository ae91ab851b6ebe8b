"""Who changed and reviewed what, looked up by file, directory, person and word.

Positions are those of tasks in the mainline. They come in ascending order everywhere, so that what
a query may know of a list is its beginning.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from engines.matching.people import People
from engines.matching.protocol import Who, see
from engines.matching.types import Merged, known_by
from engines.text.words import words

_NOTHING: tuple[int, ...] = ()


class Change(NamedTuple):
    """A file in one task."""

    position: int
    lines: int
    """Added and deleted; 0 for what is binary."""


class Knowledge:
    """What a mainline says, as far as it was observed."""

    def __init__(self, people: People) -> None:
        """Nothing is known. `people` may be shared with others who observe the same tasks."""
        self.people = people
        self.tasks: list[Merged] = []
        self._who: list[Who] = []
        self._files: dict[str, list[Change]] = {}
        self._went: dict[str, str] = {}
        self._under: dict[str, list[int]] = {}
        self._authored: dict[int, list[int]] = {}
        self._worked: dict[int, list[int]] = {}
        self._reviewed: dict[int, list[int]] = {}
        self._with_word: dict[str, list[int]] = {}
        self._settled = 0

    def observe(self, task: Merged) -> None:
        """The next task of the mainline."""
        position = len(self.tasks)
        who = see(self.people, task)
        self.tasks.append(task)
        self._who.append(who)
        self._move(task)
        for touch in task.touches:
            change = Change(position, touch.added + touch.deleted)
            self._files.setdefault(touch.path, []).append(change)
        if who.author is None:
            return
        for directory in _directories(touch.path for touch in task.touches):
            self._under.setdefault(directory, []).append(position)
        for word in set(words(task.text)):
            self._with_word.setdefault(word, []).append(position)
        self._authored.setdefault(who.author, []).append(position)
        for index in (who.author, *who.others):
            self._worked.setdefault(index, []).append(position)
        for index in who.reviewers:
            self._reviewed.setdefault(index, []).append(position)

    def known_at(self, at_s: int) -> int:
        """How many of the observed tasks had been merged before a time."""
        return known_by(self.tasks, at_s)

    def paths(self) -> Iterable[str]:
        """Every path that a file has now, or had when it was deleted."""
        return self._files.keys()

    def changes_of(self, path: str) -> Sequence[Change]:
        """What happened to a file, under its earlier paths as well; bots included."""
        return self._files.get(path, ())

    def moved_from(self, path: str) -> Iterator[str]:
        """Where what lay at a path, or in a directory of that name, went when it was last moved;
        each of them is or was a file.
        """
        inside = f"{path}/"
        for was in self._went:
            if was == path or was.startswith(inside):
                yield self._gone_to(was)

    def under(self, directory: str) -> Sequence[int]:
        """Tasks of people that changed anything in a directory, however deep, under that path."""
        return self._under.get(directory, _NOTHING)

    def doers(self, position: int) -> tuple[int, ...]:
        """Who wrote a task, its author first; nobody for a bot's."""
        who = self._who[position]
        if who.author is None:
            return _NOTHING
        find = self.people.find
        return tuple(dict.fromkeys(find(index) for index in (who.author, *who.others)))

    def reviewers(self, position: int) -> tuple[int, ...]:
        """Who accepted a task."""
        find = self.people.find
        return tuple(dict.fromkeys(find(index) for index in self._who[position].reviewers))

    def authored(self, index: int) -> Sequence[int]:
        """Tasks that a person is the author of."""
        self._settle()
        return self._authored.get(self.people.find(index), _NOTHING)

    def worked_on(self, index: int) -> Sequence[int]:
        """Tasks that a person is the author or a co-author of."""
        self._settle()
        return self._worked.get(self.people.find(index), _NOTHING)

    def reviewed(self, index: int) -> Sequence[int]:
        """Tasks that a person accepted."""
        self._settle()
        return self._reviewed.get(self.people.find(index), _NOTHING)

    def workers(self) -> Iterable[int]:
        """Everybody who wrote a task."""
        self._settle()
        return self._worked.keys()

    def with_word(self, word: str) -> Sequence[int]:
        """Tasks of people whose text has a word, given as `engines.text.words` cuts it."""
        return self._with_word.get(word, _NOTHING)

    def _move(self, task: Merged) -> None:
        moves = [*task.moves()]
        self._went.update(moves)
        for _, path in moves:
            self._went.pop(path, None)
        moved = [(path, self._files.pop(was, None)) for was, path in moves]
        for path, changes in moved:
            if changes is not None:
                self._files[path] = changes

    def _gone_to(self, path: str) -> str:
        while path in self._went:  # never round: where something was moved to, it is
            path = self._went[path]
        return path

    def _settle(self) -> None:
        """Put together what belongs to people who turned out to be one."""
        if self._settled == len(self.tasks):
            return
        self._settled = len(self.tasks)
        for table in (self._authored, self._worked, self._reviewed):
            for index in list(table):
                root = self.people.find(index)
                if root != index:
                    table[root] = sorted({*table.get(root, ()), *table.pop(index)})


def directories_of(path: str) -> list[str]:
    """The directories that a path is in, the nearest first; without the root."""
    found: list[str] = []
    end = path.rfind("/")
    while end > 0:
        found.append(path[:end])
        end = path.rfind("/", 0, end)
    return found


def _directories(paths: Iterable[str]) -> set[str]:
    """The directories that any of some paths is in."""
    found: set[str] = set()
    for path in paths:
        end = path.rfind("/")
        while end > 0 and path[:end] not in found:
            found.add(path[:end])
            end = path.rfind("/", 0, end)
    return found


def before(positions: Sequence[int], known: int) -> Sequence[int]:
    """Those among the first `known` tasks of the mainline."""
    return positions[: bisect_left(positions, known)]
