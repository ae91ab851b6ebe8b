"""What people made of the suggestions for a repository, to learn from and to measure by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from statistics import median

from sqlmodel import Session, col, select

from storage.matches import HELD, About, MatchState, about_of
from storage.states import JobState
from storage.tables.jobs import JobRow
from storage.tables.matching import MatchRow

MOST = 20_000
"""Rows that are read, the latest."""


@dataclass(frozen=True, slots=True)
class Declined:
    """Somebody who was named and is not to do it."""

    key: str
    reason: str
    """As it was given: "busy" says nothing about what they know."""


@dataclass(frozen=True, slots=True)
class Label:
    """What became of one suggestion."""

    job: str
    target: str
    """See `storage.matches.target_of`."""
    number: int | None
    mode: str
    asked_at: datetime
    about: About
    shown: tuple[str, ...]
    """Keys of the ranking, best first."""
    confidence: float
    """That the first of them is the one."""
    right: str | None
    """The key of who took it, or was assigned; None where nobody has yet."""
    right_login: str | None
    declined: tuple[Declined, ...]
    decided_at: datetime | None
    """When the last of it was decided; None where nothing was."""
    first_response_s: float | None
    """From the suggestion until somebody who was named did something about it: even declined."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How often suggestions were followed, by task: one may have been asked about again."""

    made: int
    followed: int
    """Taken by, or assigned to, the one who was named first, once anybody decided about it."""
    reassigned: int
    """Done by somebody else."""
    declined: int
    """In which at least one person declined."""
    first_response_s: float | None
    """The median."""


def labels_of(session: Session, repository: str, most: int = MOST) -> tuple[Label, ...]:
    """Of all suggestions whose answers people saw, the oldest first; `most` rows are read, the
    latest.
    """
    rows = (
        select(MatchRow)
        .join(JobRow, col(JobRow.id) == col(MatchRow.job_id))
        .where(MatchRow.repository == repository.lower(), JobRow.state == JobState.SUCCEEDED)
        .order_by(col(MatchRow.id).desc())
        .limit(most)
    )
    found = sorted(session.exec(rows), key=lambda row: (row.job_id, row.target, row.turn))
    groups = (list(each) for _, each in groupby(found, key=lambda row: (row.job_id, row.target)))
    whole = (each for each in groups if each[0].turn == 1)
    return tuple(sorted(map(_label, whole), key=lambda label: label.asked_at))


def outcomes_of(labels: Sequence[Label]) -> Outcomes:
    """The labels, counted; they are given the oldest first."""
    tasks: dict[tuple[str, str], list[Label]] = {}
    for label in labels:
        tasks.setdefault((label.target, label.mode), []).append(label)
    waited = [waited_s for each in tasks.values() for waited_s in _first_wait(each)]
    done = [(_named(each), right) for each in tasks.values() if (right := _right(each))]
    followed = sum(named == right for named, right in done)
    return Outcomes(
        made=len(tasks),
        followed=followed,
        reassigned=len(done) - followed,
        declined=sum(any(one.declined for one in each) for each in tasks.values()),
        first_response_s=median(waited) if waited else None,
    )


def _named(labels: Sequence[Label]) -> str:
    """Who was named for a task when it was first decided about, as learning has it."""
    return next((one for one in labels if one.decided_at is not None), labels[0]).shown[0]


def _right(labels: Sequence[Label]) -> str | None:
    """Who has a task; of several, who had it last."""
    had = [(one.decided_at or one.asked_at, one.right) for one in labels if one.right is not None]
    return max(had, default=(None, None), key=lambda one: one[0])[1]


def _first_wait(labels: Sequence[Label]) -> Iterator[float]:
    waits = (one.first_response_s for one in labels if one.first_response_s is not None)
    yield from islice(waits, 1)


def _label(rows: list[MatchRow]) -> Label:
    first, last = rows[0], rows[-1]
    holder = last if last.state in HELD else None
    return Label(
        job=first.job_id,
        target=first.target,
        number=first.number,
        mode=first.mode,
        asked_at=first.suggested_at,
        about=about_of(first),
        shown=tuple(one["key"] for one in first.ranking),
        confidence=first.confidence,
        right=holder.person_key if holder else None,
        right_login=holder.login if holder else None,
        declined=tuple(_declined(rows, holder)),
        decided_at=max((row.decided_at for row in rows if row.decided_at), default=None),
        first_response_s=min(_waits(rows, first.suggested_at), default=None),
    )


def _declined(rows: Sequence[MatchRow], holder: MatchRow | None) -> Iterator[Declined]:
    """Who declined, but for who has taken it after all."""
    has_it = holder.person_key if holder else None
    for row in rows:
        if row.state == MatchState.DECLINED and row.person_key != has_it:
            yield Declined(row.person_key, row.reason)


def _waits(rows: Sequence[MatchRow], since: datetime) -> Iterator[float]:
    for row in rows:
        if row.responded_at is not None:
            yield max(0.0, (row.responded_at - since).total_seconds())
