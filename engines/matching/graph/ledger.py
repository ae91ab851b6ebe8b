"""Who did what, task by task: the columns that snapshots are summed from."""

from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engines.matching.graph.words import skills_of
from engines.matching.protocol import Who
from engines.matching.types import Merged

Ints = NDArray[np.int64]

MOST_FILES = 100
"""Of one task; the rest of a sweep over the tree tells nothing of who knows what."""


class Pairs:
    """A growing list of (task, what of it), tasks in order."""

    def __init__(self) -> None:
        """Empty."""
        self._tasks = array("q")
        self._values = array("q")

    def add(self, task: int, values: Sequence[int]) -> None:
        """What belongs to a task."""
        self._tasks.extend([task] * len(values))
        self._values.extend(values)

    def since(self, task: int) -> tuple[Ints, Ints]:
        """Tasks and values from a task on."""
        tasks = np.array(self._tasks, np.int64)
        first = int(np.searchsorted(tasks, task))
        return tasks[first:], np.array(self._values, np.int64)[first:]

    def replace(self, kept: int, gone: int) -> None:
        """One value stands for another from now on."""
        if gone in self._values:
            values = np.array(self._values, np.int64)
            values[values == gone] = kept
            self._values = array("q", values.tolist())


class Names:
    """Numbers for strings, in the order of first sight."""

    def __init__(self) -> None:
        """Nothing has been seen."""
        self.all: list[str] = []
        self._index: dict[str, int] = {}

    def see(self, name: str) -> int:
        """The number of a name, made on first sight."""
        index = self._index.setdefault(name, len(self.all))
        if index == len(self.all):
            self.all.append(name)
        return index


class Ledger:
    """A history's prefix. Tasks and files have numbers; a file keeps its own when it is renamed."""

    def __init__(self) -> None:
        """Nothing has happened."""
        self.merged_s: list[int] = []
        self.authored = Pairs()
        self.reviewed = Pairs()
        self.touched = Pairs()
        self.asked = Pairs()
        """Skills of tasks."""
        self.skills = Names()
        self.paths: list[str] = []
        """Of each file, as it is called now."""
        self._file_of: dict[str, int] = {}

    def __len__(self) -> int:
        """Tasks so far."""
        return len(self.merged_s)

    def add(self, task: Merged, who: Who) -> None:
        """The next task of the mainline. A bot's only moves files."""
        number = len(self.merged_s)
        self.merged_s.append(task.merged_s)
        files = [self._moved(touch.path, touch.was) for touch in task.touches]
        if who.author is None:
            return
        self.authored.add(number, [who.author, *who.others])
        self.reviewed.add(number, who.reviewers)
        self.touched.add(number, list(dict.fromkeys(files[:MOST_FILES])))
        paths = [touch.path for touch in task.touches]
        self.asked.add(number, [self.skills.see(name) for name in skills_of(paths, task.text)])

    def join(self, kept: int, gone: int) -> None:
        """Two people turned out to be one."""
        self.authored.replace(kept, gone)
        self.reviewed.replace(kept, gone)

    def _moved(self, path: str, was: str | None) -> int:
        """The file that has this path once the task is done."""
        file = self._file_of.pop(was, None) if was is not None else None
        if file is None:
            file = self._file_of.get(path)
        if file is None:
            file = len(self.paths)
            self.paths.append(path)
        self.paths[file] = path
        self._file_of[path] = file
        return file
