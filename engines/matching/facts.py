"""Why a person was named: what the history says about them and the task, counted exactly."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

from engines.matching.knowledge import Knowledge, before, directories_of
from engines.matching.types import Person, Query
from engines.text.words import query_words

DAY_S = 86_400
LATELY_DAYS = 90
NEWEST = 20
AUTHORS_LAST = 5
"""Tasks of an author in which a reviewer is looked for."""
_RARE = 0.02
"""Share of all tasks up to which a word tells one of them from another."""
_RARE_TASKS = 5
# fmt: off
_PLAIN = frozenset((
    "after", "again", "also", "always", "before", "between", "cannot", "could", "does", "during",
    "even", "every", "from", "have", "into", "just", "less", "long", "many", "more", "most",
    "much", "never", "often", "only", "other", "same", "should", "some", "still", "such", "than",
    "that", "them", "then", "there", "these", "they", "this", "those", "too", "very", "what",
    "when", "where", "which", "while", "will", "with", "without", "would", "your",
))
# fmt: on
"""Words that are rare in commits and say nothing of what a task is about."""
_MOST_WORDS = 3


class Mention(NamedTuple):
    """A word of the query in the latest of the person's own tasks that has it."""

    word: str
    """As the query has it."""
    sha: str
    tasks: int
    """How many of the person's tasks have it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One person and one query. "Lately" is in the 90 days before the query's time, and only tasks
    merged before that time count. A person's tasks are those that they wrote or co-wrote.
    """

    person: Person
    at_s: int
    files: int
    """Of the query; renames are followed."""
    files_changed: int
    files_changed_lately: int
    changes: int
    """The person's tasks that changed any of the files."""
    changes_lately: int
    changes_by_all: int
    """Tasks of people that did."""
    last_change_s: int | None
    directory: str
    """The one that most of the files are in; "" if there is none but the root."""
    directory_tasks: int
    """The person's tasks in it, however deep."""
    directory_tasks_lately: int
    tasks: int
    tasks_30_days: int
    tasks_lately: int
    newest: int
    """How many of the `NEWEST` tasks of people are the person's; 0 where there are not so many."""
    first_task_s: int | None
    last_task_s: int | None
    reviews_lately: int
    files_reviewed: int
    """Files of the query that were changed in tasks which the person accepted."""
    author_tasks: int
    """How many of the author's last five tasks there are; 0 without an author."""
    author_tasks_reviewed: int
    words: tuple[Mention, ...]
    """The rarest first."""


def facts_of(knowledge: Knowledge, query: Query, person_index: int) -> Facts:
    """What is known of a person in regard to a query."""
    people, tasks = knowledge.people, knowledge.tasks
    index = people.find(person_index)
    known = knowledge.known_at(query.at_s)
    lately = _first_since(knowledge, known, query.at_s - LATELY_DAYS * DAY_S)
    month = _first_since(knowledge, known, query.at_s - 30 * DAY_S)
    worked = before(knowledge.worked_on(index), known)
    reviewed = before(knowledge.reviewed(index), known)
    files = tuple(dict.fromkeys(query.files))
    on_files = _on_files(knowledge, files, index, known)
    directory = main_directory(files)
    mine = set(worked)
    there = [at for at in before(knowledge.under(directory), known) if at in mine]
    of_author = _of_author(knowledge, query, known)
    newest = _newest(knowledge, known)
    return Facts(
        person=people.person(index),
        at_s=query.at_s,
        files=len(files),
        files_changed=sum(1 for latest in on_files.latest if latest is not None),
        files_changed_lately=sum(
            1 for latest in on_files.latest if latest is not None and latest >= lately
        ),
        changes=len(on_files.theirs),
        changes_lately=sum(1 for at in on_files.theirs if at >= lately),
        changes_by_all=on_files.by_all,
        last_change_s=tasks[max(on_files.theirs)].merged_s if on_files.theirs else None,
        directory=directory,
        directory_tasks=len(there),
        directory_tasks_lately=len(_since(there, lately)),
        tasks=len(worked),
        tasks_30_days=len(_since(worked, month)),
        tasks_lately=len(_since(worked, lately)),
        newest=len(mine.intersection(newest)) if len(newest) == NEWEST else 0,
        first_task_s=tasks[worked[0]].merged_s if worked else None,
        last_task_s=tasks[worked[-1]].merged_s if worked else None,
        reviews_lately=len(_since(reviewed, lately)),
        files_reviewed=on_files.reviewed,
        author_tasks=len(of_author),
        author_tasks_reviewed=sum(1 for at in of_author if index in knowledge.reviewers(at)),
        words=_mentions(knowledge, query.text, worked, known),
    )


def told(facts: Facts) -> list[str]:
    """The facts that speak for a person, in short sentences without a subject, the strongest first;
    what is zero is left out.
    """
    said = [*_told_of_files(facts), *_told_of_reviews(facts)]
    if facts.directory_tasks:
        said.append(f"{_counted(facts.directory_tasks, 'earlier task')} in {facts.directory}/")
    said += [
        f"“{word}” is in {_counted(tasks, 'earlier task')} of theirs ({sha[:9]})"
        for word, sha, tasks in facts.words
    ]
    activity = _told_of_activity(facts)
    if not said and facts.newest:  # nothing else tells who is likely
        activity += f", {facts.newest} of the newest {NEWEST} here"
    return [*said, activity]


def is_heard_of(knowledge: Knowledge, text: str) -> bool:
    """Whether any task has a word of a text that tells what it is about."""
    telling = (word for word, written in query_words(text).items() if written.lower() not in _PLAIN)
    return any(knowledge.with_word(word) for word in telling)


def day(at_s: int) -> str:
    """A date as people read it, in UTC: 3 May 2026."""
    at = datetime.fromtimestamp(at_s, UTC)
    return f"{at.day} {at:%B %Y}"


def main_directory(files: Sequence[str]) -> str:
    """The directory that most of the files are in, the first by name of several; "" for none."""
    counts = Counter(near[0] for path in files if (near := directories_of(path)))
    return min(counts, key=lambda name: (-counts[name], name), default="")


class _OnFiles(NamedTuple):
    latest: list[int | None]
    """For each file, the person's latest task that changed it."""
    theirs: set[int]
    by_all: int
    reviewed: int


def _on_files(knowledge: Knowledge, files: Sequence[str], index: int, known: int) -> _OnFiles:
    latest: list[int | None] = []
    theirs: set[int] = set()
    by_all: set[int] = set()
    worked, accepted = set(knowledge.worked_on(index)), set(knowledge.reviewed(index))
    reviewed = 0
    for path in files:
        positions = [change.position for change in knowledge.changes_of(path)]
        positions = [at for at in before(positions, known) if not knowledge.tasks[at].by_bot]
        mine = [at for at in positions if at in worked]
        latest.append(mine[-1] if mine else None)
        theirs.update(mine)
        by_all.update(positions)
        reviewed += any(at in accepted for at in positions)
    return _OnFiles(latest, theirs, len(by_all), reviewed)


def _of_author(knowledge: Knowledge, query: Query, known: int) -> Sequence[int]:
    if query.author is None:
        return ()
    author = knowledge.people.known(query.author)
    return () if author is None else before(knowledge.authored(author), known)[-AUTHORS_LAST:]


def _mentions(
    knowledge: Knowledge, text: str, worked: Sequence[int], known: int
) -> tuple[Mention, ...]:
    mine = set(worked)
    found: list[tuple[int, Mention]] = []
    for word, written in query_words(text).items():
        everywhere = before(knowledge.with_word(word), known)
        theirs = [at for at in everywhere if at in mine]
        if (
            theirs
            and written.lower() not in _PLAIN
            and len(everywhere) <= max(_RARE_TASKS, _RARE * known)
        ):
            sha = knowledge.tasks[theirs[-1]].sha
            found.append((len(everywhere), Mention(written, sha, len(theirs))))
    found.sort(key=lambda pair: (pair[0], pair[1].word))
    return tuple(mention for _, mention in found[:_MOST_WORDS])


def _first_since(knowledge: Knowledge, known: int, since_s: int) -> int:
    return min(known, knowledge.known_at(since_s))


def _newest(knowledge: Knowledge, known: int) -> Sequence[int]:
    """Positions of the latest tasks of people."""
    return [*islice((at for at in reversed(range(known)) if knowledge.doers(at)), NEWEST)]


def _since(positions: Sequence[int], first: int) -> Sequence[int]:
    return positions[len(before(positions, first)) :]


def _told_of_files(facts: Facts) -> list[str]:
    if facts.last_change_s is None:
        return []
    if facts.files == 1 and facts.changes_lately:
        what = f"changed this file in {_counted(facts.changes_lately, 'task')}"
    else:
        lately = facts.files_changed_lately or facts.files_changed
        what = f"changed {_which(lately, facts.files)}"
    when = f"in the last {LATELY_DAYS} days" if facts.changes_lately else "before"
    whose = "it" if facts.files == 1 else "them"
    return [
        f"{what} {when}, last on {day(facts.last_change_s)}",
        f"{facts.changes} of the {_counted(facts.changes_by_all, 'task')} that changed {whose}",
    ]


def _told_of_reviews(facts: Facts) -> list[str]:
    said: list[str] = []
    if facts.author_tasks_reviewed:
        last = _counted(facts.author_tasks, "change")
        said.append(f"reviewed {facts.author_tasks_reviewed} of this author's last {last}")
    if facts.files_reviewed:
        said.append(f"reviewed changes of {_which(facts.files_reviewed, facts.files)}")
    return said


def _told_of_activity(facts: Facts) -> str:
    if facts.last_task_s is None:
        return "no task merged yet"
    if facts.tasks_lately:
        return f"{_counted(facts.tasks_lately, 'task')} merged in the last {LATELY_DAYS} days"
    return f"last task merged on {day(facts.last_task_s)}"


def _which(some: int, of: int) -> str:
    return "this file" if of == 1 else f"{some} of the {of} files"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
