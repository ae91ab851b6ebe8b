"""A repository's history as the jobs behind `match` need it: who did what, who is who on the code
host, and which files there are.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from threading import Lock

from engines.matching.engine import Matcher, open_matcher
from engines.matching.facts import DAY_S, day
from engines.matching.knowledge import Knowledge, directories_of
from engines.matching.mining.git import GitFailed, Repository
from engines.matching.ownership import ACTIVE_DAYS
from engines.matching.people import People
from engines.matching.types import MERGED_BEFORE, CannotMatch, Mode, Person, Query, Signature
from engines.text.words import words
from engines.watch import Stopped
from jobs.desk import Declined, Desk
from jobs.match_lessons import Lessons
from jobs.requests import MatchRequest
from jobs.wording import count
from storage.checkouts.history import History

_NOREPLY = re.compile(r"(?:\d+\+)?([^@+]+)@users\.noreply\.github\.com", re.IGNORECASE)
_LOOK_S = 0.4
"""Between two looks at whether anybody still waits."""
_MOST_READ = 2
"""Histories in memory; a large one takes some hundred megabytes."""
_SHORT_TASKS = 100
"""A history of fewer says little."""
UNTAUGHT = (
    "This ranking, and how sure it is, go by what holds in other histories; what is particular to "
    "this one has not been learned yet."
)
_NEWEST_TASKS, _MANY_NEW = 200, 0.25
"""Of the newest tasks, the share by newcomers that is worth telling."""


@dataclass(frozen=True)
class Past:
    """A history, read and learned from."""

    matcher: Matcher
    knowledge: Knowledge
    """Of the same tasks; its people have indices of their own, and the same keys."""
    history: History
    files: tuple[str, ...]
    """That are there now; sorted."""
    now_s: int
    """Unix time; never before the last task, whatever the clock of who merged it said."""

    @cached_property
    def indices(self) -> Mapping[str, int]:
        """By a person's key their index in `knowledge`."""
        people = self.knowledge.people
        return {people.person(index).key: people.find(index) for index in range(len(people))}

    @cached_property
    def logins(self) -> Mapping[str, str]:
        """By a person's key their login on the code host, where the history tells it: in an
        address, or as the place of the branches that they had merged.
        """
        people = self.knowledge.people
        signed = Counter(_signed(self.matcher))
        placed = Counter(task.branch_of for task in self.matcher.tasks if task.branch_of)
        theirs = {one: n for one, n in placed.items() if one in signed or self._is_own(one)}
        found: dict[str, str] = {}
        for handle, _ in (signed + Counter(theirs)).most_common():
            owner = people.owner(handle)
            if owner is not None:
                found.setdefault(people.person(owner).key, handle)
        return found

    @cached_property
    def there(self) -> frozenset[str]:
        """The files, to be looked up."""
        return frozenset(self.files)

    @cached_property
    def folders(self) -> frozenset[str]:
        """Above the files."""
        return frozenset(folder for path in self.files for folder in directories_of(path))

    @cached_property
    def path_words(self) -> frozenset[str]:
        """The words in the names of files and folders."""
        return frozenset(word for path in self.files for word in words(path))

    def _is_own(self, handle: str) -> bool:
        """Whether branches under a handle tell whose it is: not that of an organisation, in whose
        repository people push to branches of their own, even where one of them writes nearly all.
        """
        return handle != self.history.owner and self.knowledge.people.is_own(handle)

    @cached_property
    def everybody(self) -> tuple[Person, ...]:
        """Who ever had something merged, whoever did most first."""
        knowledge = self.knowledge
        done = {index: len(knowledge.worked_on(index)) for index in knowledge.workers()}
        people = [(-tasks, knowledge.people.person(index)) for index, tasks in done.items()]
        return tuple(person for _, person in sorted(people, key=lambda one: (one[0], one[1].key)))

    @property
    def only(self) -> Person | None:
        """Who alone ever worked here; None where several did."""
        first, *others = self.everybody
        return None if others else first

    def called(self, name: str) -> Person | None:
        """Who has a login or a name, if that is one person; a first name may do."""
        wanted = _spelled(name)
        logins = [one for one in self.everybody if self.logins.get(one.key) == wanted]
        if logins:
            return logins[0]
        for spelled in (_whole, _first, _local_part):
            found = [one for one in self.everybody if spelled(one) == wanted]
            if len(found) == 1:
                return found[0]
        return None

    def wrote(self, person: Person, query: Query) -> bool:
        """Whether what is to be reviewed is somebody's own."""
        people = self.knowledge.people
        author = people.known(query.author) if query.author else None
        return author is not None and people.person(author).key == person.key

    def signature_of(self, login: str, signed: tuple[str, str] | None) -> Signature | None:
        """How somebody of the code host signs, as far as that is known."""
        own = Signature(*signed) if signed else None
        if own is not None and self.knowledge.people.known(own) is not None:
            return own
        by_login = Signature(login, f"{login.lower()}@users.noreply.github.com")
        return by_login if login else own

    def notes(self) -> Iterator[str]:
        """What a reader has to know of the history."""
        tasks = len(self.matcher.tasks)
        if self.history.depth is not None:
            yield (
                f"Of this history only the last {self.history.depth:,} commits are kept here; all "
                "of it would be too large."
            )
        else:
            yield from (f"{note[:1].upper()}{note[1:]}." for note in self.matcher.notes)
        if tasks < _SHORT_TASKS:
            yield f"The history is short, {count(tasks, 'task')}: take the answer as a hint."
        last_s = self.matcher.tasks[-1].merged_s
        if last_s < self.now_s - ACTIVE_DAYS * DAY_S:
            yield f"Nothing was merged here since {day(last_s)}; nobody counts as active."

    def untaught_note(self, mode: Mode) -> tuple[str, ...]:
        """What a ranking of people for this mode does not know yet."""
        if self.only is not None or len(self.matcher.tasks) < _SHORT_TASKS:
            return ()
        return (UNTAUGHT,) if self.matcher.is_untaught(mode) else ()

    def newcomers_note(self) -> Iterator[str]:
        """What a probability leaves out that is one among those who can be named."""
        knowledge = self.knowledge
        doers = ((at, knowledge.doers(at)) for at in reversed(range(len(knowledge.tasks))))
        newest = islice(((at, who[0]) for at, who in doers if who), _NEWEST_TASKS)
        before = [bisect_left(knowledge.authored(author), at) for at, author in newest]
        new = sum(done < MERGED_BEFORE for done in before)
        if len(before) == _NEWEST_TASKS and new >= _MANY_NEW * _NEWEST_TASKS:
            yield (
                f"Of the newest {_NEWEST_TASKS} tasks here {new} were done by people who had done "
                f"fewer than {MERGED_BEFORE} before; how likely is said of the others."
            )


@dataclass
class _Shelf:
    """One repository's history; who holds the lock may use it and let it grow."""

    lock: Lock = field(default_factory=Lock)
    past: Past | None = None


class Pasts:
    """Reads histories, and keeps those that were asked about last in memory: an answer then waits
    for what was merged since, and for whoever asks about the same repository.
    """

    def __init__(self, lessons: Lessons) -> None:
        """None was read; `lessons` has learned what none waits for."""
        self._lessons = lessons
        self._lock = Lock()
        self._shelves: dict[Path, _Shelf] = {}

    @contextmanager
    def held(self, request: MatchRequest, desk: Desk) -> Generator[Past]:
        """The history that a request is about.

        Raises:
            Declined: There is none, or nobody is in it.
            Stopped: The job was cancelled meanwhile.
        """
        desk.watch.report("fetching the history")
        desk.watch.phase("checkout")
        history = desk.history(request.source)
        desk.watch.report("reading the history")
        desk.watch.phase("match")
        shelf = self._shelf(history.git_folder)
        while not shelf.lock.acquire(timeout=_LOOK_S):
            if desk.watch.stop_requested():
                raise Stopped
        try:
            past, shelf.past = shelf.past, None  # what fails halfway is not kept
            if past is None or past.matcher.tip != history.tip:
                past = _read(history, desk, past)
            shelf.past = past
            past.matcher.catch_up()
            yield replace(past, history=history, now_s=_now_s(request.asked_at, past.matcher))
            for mode in past.matcher.behind:
                self._lessons.begin(history.learned, mode)
        finally:
            shelf.lock.release()

    def _shelf(self, git_folder: Path) -> _Shelf:
        with self._lock:
            shelf = self._shelves.pop(git_folder, None) or _Shelf()
            self._shelves[git_folder] = shelf
            while len(self._shelves) > _MOST_READ:
                self._shelves.pop(next(iter(self._shelves)))
        return shelf


def _read(history: History, desk: Desk, earlier: Past | None) -> Past:
    known, folder = earlier.matcher if earlier else None, history.git_folder
    knowledge, count = Knowledge(People()), 0
    try:
        before = known.tasks if known else []
        matcher = open_matcher(
            folder,
            history.tip,
            kept=history.learned,
            watch=desk.watch,
            earlier=known,
            waits=False,
        )
        matcher.learn(Mode.AUTHOR, desk.watch)
        files = _files(history, desk)
    except CannotMatch as reason:
        raise Declined(_sentence(str(reason))) from reason
    if earlier is not None and matcher.begins_with(before):
        knowledge, count = earlier.knowledge, len(before)
    for task in matcher.tasks[count:]:
        knowledge.observe(task)
    if not any(True for _ in knowledge.workers()):
        raise Declined("Nobody is in this history but bots, so there is nobody to name.")
    return Past(matcher, knowledge, history, files, matcher.tasks[-1].merged_s + 1)


def _files(history: History, desk: Desk) -> tuple[str, ...]:
    """Paths at the tip, of files and of submodules."""
    git = Repository(history.git_folder, desk.watch)
    try:
        listed = git.fields("ls-tree", "-r", "-z", "--name-only", "--full-tree", history.tip)
        return tuple(sorted(path.decode(errors="replace") for path in listed))
    except GitFailed as failure:
        raise Declined(f"git cannot read this repository: {failure}") from failure


def _now_s(asked_at: datetime, matcher: Matcher) -> int:
    latest_s = matcher.tasks[-1].merged_s if matcher.tasks else 0
    return max(int(asked_at.timestamp()), latest_s + 1)


def _signed(matcher: Matcher) -> Iterator[str]:
    """Handles in addresses."""
    for task in matcher.tasks:
        for signature in (task.author, *task.others, *task.reviewers):
            if found := _NOREPLY.fullmatch(signature.email):
                yield found[1].lower()


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _spelled(name: str) -> str:
    return " ".join(name.casefold().split())


def _whole(person: Person) -> str:
    return _spelled(person.name)


def _first(person: Person) -> str:
    return _spelled(person.name).partition(" ")[0]


def _local_part(person: Person) -> str:
    return person.key.partition("@")[0].casefold()


def tasks_of(past: Past, person: Person) -> Sequence[int]:
    """Positions of what somebody had merged."""
    return past.knowledge.worked_on(past.indices[person.key])
