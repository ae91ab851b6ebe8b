"""From a mainline's steps to tasks, each told by what was known when it was merged."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from engines.matching.mining.log import Changed, Commit, Step
from engines.matching.mining.scrub import Names, scrub
from engines.matching.mining.signs import (
    accepted_by,
    branch_of,
    co_authors,
    is_bot,
    is_update,
    of_handle,
    reviewers,
)
from engines.matching.people import People
from engines.matching.types import Merged, Signature

LONGEST_S = 60 * 86_400
"""What a task may take; an older commit is one that was rebased for years."""
_FAR_S = 365 * 86_400
"""What a clock may go forward at once; for more, a second commit has to say the same."""
_TEXT = 1000
"""Characters of a task's text."""
_RAW_TEXT = 2500
"""Characters before it is scrubbed."""


class Mainline:
    """A mainline that has been read up to a task."""

    def __init__(self) -> None:
        """Nothing has been read."""
        self._people = People()
        self._names = Names()
        self._signed: dict[int, Signature] = {}
        self._merged_s: int | None = None
        self._last_s = 0
        self._known = 0

    @classmethod
    def restored(cls, kept: Mapping[str, Any]) -> "Mainline":
        """What `as_json` told. Raises LookupError, TypeError or ValueError for anything else."""
        mainline = cls()
        mainline._people = People.restored(kept["people"])
        mainline._names = Names.restored(kept["names"])
        mainline._signed = {index: Signature(name, email) for index, name, email in kept["signed"]}
        mainline._merged_s, mainline._last_s = kept["merged_s"], kept["last_s"]
        mainline._known = kept["known"]
        return mainline

    def as_json(self) -> dict[str, Any]:
        """Everything that reading on takes."""
        return {
            "people": self._people.as_json(),
            "names": self._names.as_json(),
            "signed": [(index, *signature) for index, signature in self._signed.items()],
            "merged_s": self._merged_s,
            "last_s": self.last_s,
            "known": self._known,
        }

    def __len__(self) -> int:
        """How many tasks it has been read up to."""
        return self._known

    @property
    def last_s(self) -> int:
        """When the last task was committed, by its own clock."""
        return self._last_s

    def follow(self, tasks: Iterable[Merged], last_s: int) -> None:
        """Know the next tasks, which were read before."""
        for task in tasks:
            self._know(task)
        self._last_s = last_s

    def read(self, steps: Iterable[Step], changes: Mapping[str, Changed]) -> list[Merged]:
        """The tasks that the next steps are."""
        tasks: list[Merged] = []
        for step in steps:
            task = self._task(step, changes[step.commit.sha])
            self._know(task)
            tasks.append(task)
        return tasks

    def _know(self, task: Merged) -> None:
        self._known += 1
        self._merged_s = task.merged_s
        self._names.keep(touch.path for touch in task.touches)
        if task.by_bot:
            return
        self._people.take(task)
        for signature in (task.author, *task.others, *task.reviewers):
            self._names.see(signature)
            index = self._people.see(signature)
            if index not in self._signed or signature != of_handle(signature.name):
                self._signed[index] = signature

    def _task(self, step: Step, changed: Changed) -> Merged:
        merge = step.commit
        work = [commit for commit in step.branch if not commit.is_merge] or [merge]
        merged_s = self._tick(merge.committed_s)
        earliest_s = min(commit.authored_s for commit in work)
        author, others = _authors(work)
        by_bot = is_bot(author)
        accepted = () if by_bot else self._reviewers(step, work, author)
        for signature in () if by_bot else (author, *others, *accepted):
            self._names.see(signature)
        return Merged(
            sha=merge.sha,
            started_s=min(max(earliest_s, merged_s - LONGEST_S), merged_s),
            merged_s=merged_s,
            author=author,
            others=others,
            reviewers=accepted,
            touches=changed.touches,
            text=self._text(merge, work),
            commits=len(work),
            by_bot=by_bot,
            branch_of=branch_of(merge.message) if merge.is_merge else "",
            moved=changed.moved,
        )

    def _tick(self, committed_s: int) -> int:
        """The clock of the mainline, which never goes back."""
        now_s, last_s, self._last_s = committed_s, self._last_s, committed_s
        if self._merged_s is None:
            return now_s
        if now_s > self._merged_s + _FAR_S:
            now_s = min(now_s, last_s)
        return max(now_s, self._merged_s)

    def _reviewers(
        self, step: Step, work: list[Commit], author: Signature
    ) -> tuple[Signature, ...]:
        """Who accepted a task, but for its author under any name that is known so far."""
        merge = step.commit
        messages = dict.fromkeys([*(commit.message for commit in work), merge.message])
        named = [
            who for message in messages for who in (*reviewers(message), *accepted_by(message))
        ]
        found = [who if isinstance(who, Signature) else self._of_handle(who) for who in named]
        if step.branch and not is_update(merge.subject):
            found.append(merge.author)
        people = People()
        taken = [people.see(author)]
        known = [self._people.known(author)]
        kept: list[Signature] = []
        for who in found:
            index, before = people.see(who), self._people.known(who)
            if index in map(people.find, taken) or (before is not None and before in known):
                continue
            taken.append(index)
            known.append(before)
            if not is_bot(who):
                kept.append(who)
        return tuple(kept)

    def _of_handle(self, handle: str) -> Signature:
        owner = self._people.owner(handle)
        return of_handle(handle) if owner is None else self._signed[owner]

    def _text(self, merge: Commit, work: list[Commit]) -> str:
        lines = dict.fromkeys([*_title(merge), *(commit.subject for commit in work)])
        text = scrub(_start("\n".join(lines), _RAW_TEXT), self._names)
        # A title that only its number told from the subject is there once.
        start = _start("\n".join(dict.fromkeys(text.splitlines())), _TEXT)
        return text if start == text else scrub(start, self._names)


def _title(merge: Commit) -> list[str]:
    """The subject, and of a merge's body what titles its pull requests."""
    if not (merge.is_merge and "merge" in merge.subject.lower()):
        return [merge.subject]
    body = [line.strip() for line in merge.message.splitlines()[1:]]
    titles = [line for line in body if line.partition(":")[0].isdecimal()]
    plain = (line for line in body if line[:1].isalnum() or line[:1] in {"`", "[", '"', "'"})
    return [merge.subject, *(titles or [next(plain, "")])]


def _start(text: str, most: int) -> str:
    """As much of a text as is allowed, whole words if it has any."""
    if len(text) <= most:
        return text
    cut = text[:most]
    return cut.rpartition("\n" if "\n" in cut else " ")[0] or cut


def _authors(work: list[Commit]) -> tuple[Signature, tuple[Signature, ...]]:
    """Who wrote most of a task's commits, and who else wrote some; people come before bots."""
    human = [commit for commit in work if not is_bot(commit.author)] or work[:1]
    people = People()
    first: dict[int, Signature] = {}
    for commit in human:
        first.setdefault(people.see(commit.author), commit.author)
    counts = Counter(people.see(commit.author) for commit in human)
    author = max(counts, key=lambda index: (counts[index], -index))
    taken = {author}
    others: list[Signature] = []
    named = (who for commit in work for who in co_authors(commit.message) if not is_bot(who))
    for who in [*(first[index] for index in counts if index != author), *named]:
        index = people.see(who)
        if index not in taken:
            taken.add(index)
            others.append(who)
    return first[author], tuple(others)
