"""The line of queued jobs in fair order: who is served next, and how far away a job's turn is.

The order is computed from the ledger whenever it is asked for. Nothing of it is stored, so two
gateways cannot disagree about it and no kill can spoil it. Within a queue it goes by

1. class: what somebody waits for goes before what was scheduled (`Urgency`), but a background job
   that has waited for `AGED_S` counts as one that somebody waits for;
2. turn: everybody's first job before anybody's second. A job's turn counts the jobs of the same
   person that stand before it or run already, and likewise those of the same repository; the
   greater count holds;
3. who was served the longest ago: the time since the person, or the repository, last had a job
   started, or since the job was asked for. With a single slot this makes people alternate.

So a flood delays a newcomer by what is running, not by the flood; and nothing waits forever, since
whoever is served goes behind everybody who was waiting at that moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import bindparam, func, text
from sqlmodel import Session, col, select

from storage.database import UtcDateTime
from storage.ids import JobId
from storage.states import JobState
from storage.tables.jobs import JobRow, OutboxRow

AGED_S = 3600.0
"""How long a background job lets everybody go first."""
REMEMBERED = 500
"""Jobs started last: who was served when, and how long a job takes."""
TYPICAL_OF = 50
"""Jobs of a queue, ended last, whose median duration is what one is expected to take."""

FORESEEN = 64
"""Jobs of one person that are looked at when only the head of a line is wanted."""

_ORDERED = """
WITH latest AS (
  SELECT queue, person_id, repository, started_at FROM jobs
  WHERE started_at IS NOT NULL ORDER BY started_at DESC LIMIT :remembered
), busy AS (
  SELECT person_id, repository, started_at AS at, 0 AS runs FROM latest WHERE queue = :queue
  UNION ALL
  SELECT person_id, repository, NULL, 1 FROM jobs WHERE state = 'running' AND queue = :queue
), people AS (
  SELECT person_id, max(at) AS at, sum(runs) AS runs FROM busy GROUP BY person_id
), repositories AS (
  SELECT repository, max(at) AS at, sum(runs) AS runs FROM busy GROUP BY repository
), waiting AS MATERIALIZED (
  SELECT j.id, j.person_id, COALESCE(j.repository, j.id) AS repository, j.created_at,
    CASE WHEN j.created_at > :aged THEN j.urgency ELSE 0 END AS class,
    o.not_before <= :now AS is_due
  FROM outbox o CROSS JOIN jobs j
  WHERE j.id = o.job_id AND j.queue = :queue AND (o.not_before <= :now OR o.attempts > 0)
), numbered AS (
  SELECT waiting.*, row_number() OVER (
    PARTITION BY person_id ORDER BY class, created_at, id) AS number
  FROM waiting
), by_person AS MATERIALIZED (
  SELECT n.id, n.repository, n.class, n.is_due, n.number + COALESCE(p.runs, 0) AS turn,
    CASE WHEN p.at > n.created_at THEN p.at ELSE n.created_at END AS since
  FROM numbered n LEFT JOIN people p ON p.person_id = n.person_id
  WHERE n.number <= :foreseen
), by_repository AS (
  SELECT by_person.*, row_number() OVER (
    PARTITION BY repository ORDER BY class, turn, since, id) AS number
  FROM by_person
), line AS (
  SELECT b.id, b.class, b.is_due,
    CASE WHEN b.turn > b.number + COALESCE(r.runs, 0)
      THEN b.turn ELSE b.number + COALESCE(r.runs, 0) END AS turn,
    CASE WHEN r.at > b.since THEN r.at ELSE b.since END AS since
  FROM by_repository b LEFT JOIN repositories r ON r.repository = b.repository
)
SELECT id, is_due FROM line ORDER BY class, turn, since, id LIMIT :most
"""
# The cross join makes SQLite begin with the bells, which are few, and not with all jobs.
_LINE = text(_ORDERED).bindparams(
    bindparam("now", type_=UtcDateTime), bindparam("aged", type_=UtcDateTime)
)
_ALL = 1_000_000


@dataclass(frozen=True)
class Turn:
    """A job near the head of its line."""

    job: JobId
    queue: str
    place: int
    """From 1."""
    is_due: bool
    """Whether its bell is to be rung (again)."""


@dataclass(frozen=True)
class Pace:
    """How long a queue is and how fast it moves."""

    queued: int = 0
    running: int = 0
    """Jobs in work: where jobs wait, that is what the workers can do at once."""
    typical_s: float | None = None
    """The median duration of the jobs that ended last; None before the first one ended."""

    def wait_s(self, ahead: int) -> float | None:
        """The expected time until a job starts that has so many before it; None where nothing
        runs, or nothing is known yet.
        """
        if self.typical_s is None or self.running == 0:
            return None
        return self.typical_s * (ahead + 1) / self.running


@dataclass(frozen=True)
class Line:
    """All queues at one moment."""

    ahead: Mapping[JobId, int] = field(default_factory=dict[JobId, int])
    """How many jobs stand before each queued one, in its queue."""
    paces: Mapping[str, Pace] = field(default_factory=dict[str, Pace])

    def wait_s(self, job: JobId, queue: str) -> float | None:
        """The expected time until the job starts, where there is something to go by."""
        ahead = self.ahead.get(job)
        return None if ahead is None else self.paces.get(queue, Pace()).wait_s(ahead)


def first(session: Session, now: datetime, most: int) -> list[Turn]:
    """The `most` first jobs of each line, or twice as many as run, where that is more."""
    turns: list[Turn] = []
    for queue, pace in paces(session).items():
        wanted = max(most, 2 * pace.running)
        turns += _ordered(session, now, queue, wanted) if pace.queued else []
    return turns


def look(session: Session, now: datetime) -> Line:
    """Every queued job's place."""
    found = paces(session)
    ahead: dict[JobId, int] = {}
    for queue, pace in found.items():
        if pace.queued:
            ahead |= {turn.job: turn.place - 1 for turn in _ordered(session, now, queue, _ALL)}
    return Line(ahead, found)


def _ordered(session: Session, now: datetime, queue: str, most: int) -> list[Turn]:
    values = {
        "now": now,
        "aged": now - timedelta(seconds=AGED_S),
        "queue": queue,
        "most": most,
        "foreseen": max(most, FORESEEN),
        "remembered": REMEMBERED,
    }
    rows = session.connection().execute(_LINE, values)
    return [
        Turn(JobId(job), queue, place, bool(is_due))
        for place, (job, is_due) in enumerate(rows, start=1)
    ]


def paces(session: Session) -> dict[str, Pace]:
    """Every queue in which something waits, runs or ended lately."""
    counted = session.exec(
        select(JobRow.queue, JobRow.state, func.count())
        .where(col(JobRow.state).in_((JobState.QUEUED, JobState.RUNNING)))
        .group_by(col(JobRow.state), col(JobRow.queue))
    ).all()
    jobs = {(queue, state): number for queue, state, number in counted}
    took_s = _took_s(session)
    return {
        queue: Pace(
            queued=jobs.get((queue, JobState.QUEUED), 0),
            running=jobs.get((queue, JobState.RUNNING), 0),
            typical_s=median(took_s[queue][:TYPICAL_OF]) if queue in took_s else None,
        )
        for queue in sorted({queue for queue, _ in jobs} | took_s.keys())
    }


def _took_s(session: Session) -> dict[str, list[float]]:
    """How long jobs took, by queue, newest first."""
    recent = session.exec(
        select(JobRow.queue, JobRow.started_at, JobRow.finished_at)
        .where(col(JobRow.started_at).is_not(None))
        .order_by(col(JobRow.started_at).desc())
        .limit(REMEMBERED)
    ).all()
    took_s: dict[str, list[float]] = {}
    for queue, started_at, finished_at in recent:
        if started_at is not None and finished_at is not None:
            took_s.setdefault(queue, []).append((finished_at - started_at).total_seconds())
    return took_s


def step_aside(session: Session, job: JobId, until: datetime) -> None:
    """Take a job that cannot start now out of the line, so that it keeps nobody waiting."""
    bell = session.get(OutboxRow, job)
    if bell is not None:
        bell.attempts = 0
        bell.not_before = until
        session.flush()
