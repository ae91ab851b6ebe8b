"""Jobs as an API client may see them: one's own, or all of them for administrators."""

from collections.abc import Sequence

from pydantic import BaseModel
from sqlalchemy import ColumnElement, and_, false, func, or_, true
from sqlmodel import Session, col, select

from bot.auth import ApiClient, Sight
from bot.drafts import LONGEST, with_draft
from bot.face import JobView
from bot.redaction import redacted_caller
from handlers import Invocation, Platform, Tier
from storage import drafts, line
from storage.clock import utc_now
from storage.ids import JobId
from storage.line import Line
from storage.people import EVERYWHERE
from storage.redaction import Redactor
from storage.states import JobState
from storage.tables.inbox import InboxRow
from storage.tables.jobs import JobEventRow, JobRow

AT_A_GLANCE = 600
"""Characters of each draft in the overview."""


class QueueDepth(BaseModel):
    """How many jobs of one queue are in one state."""

    queue: str
    state: JobState
    jobs: int


class Overview(BaseModel):
    """What is going on, at a glance."""

    sees_all: bool
    """Whether `recent` holds everybody's jobs or the client's own."""
    queues: tuple[QueueDepth, ...]
    unhandled_events: int
    recent: tuple[JobView, ...]
    """Newest first."""


def may_open(client: ApiClient, owner: str) -> bool:
    """Whether a thread that this console account began is open to the client."""
    sight = client.sight
    if sight.person is not None and client.tier < Tier.READ:
        return False
    return (
        owner in sight.accounts or sight.everything or f"{Platform.CONSOLE}:local" in sight.all_in
    )


def job_for(session: Session, client: ApiClient, job: JobId, redactor: Redactor) -> JobView | None:
    """The job, if there is one and the client may see it."""
    row = _seen(session, client, job)
    if row is None:
        return None
    view = _view(row, session, _line_for(session, [row]), redactor)
    return _drafted(view, session, redactor, LONGEST)


def may_see(session: Session, client: ApiClient, job: JobId) -> bool:
    """Whether there is such a job and the client may see it."""
    return _seen(session, client, job) is not None


def overview(session: Session, client: ApiClient, limit: int, redactor: Redactor) -> Overview:
    """The queues and the newest jobs; of the person on the web, as far as they see."""
    sight = client.sight
    counted = true() if sight.person is None else _in_sight(sight)
    unhandled = select(func.count()).where(col(InboxRow.handled_at).is_(None))
    tells_all = sight.person is None or sight.everything
    recent = select(JobRow).where(_in_sight(sight))
    newest = session.exec(recent.order_by(col(JobRow.created_at).desc()).limit(limit)).all()
    seen = _line_for(session, newest)
    views = (_view(row, session, seen, redactor) for row in newest)
    return Overview(
        sees_all=sight.everything,
        queues=tuple(_queues(session, counted)),
        unhandled_events=session.exec(unhandled).one() if tells_all else 0,
        recent=tuple(_drafted(view, session, redactor, AT_A_GLANCE) for view in views),
    )


def _seen(session: Session, client: ApiClient, job: JobId) -> JobRow | None:
    return session.exec(
        select(JobRow).where(JobRow.id == job, _in_sight(client.sight))
    ).one_or_none()


def _queues(session: Session, counts: ColumnElement[bool]) -> list[QueueDepth]:
    unfinished = [state for state in JobState if not state.final]
    counted = (
        select(JobRow.queue, JobRow.state, func.count())
        .where(col(JobRow.state).in_(unfinished), counts)
        .group_by(col(JobRow.queue), col(JobRow.state))
        .order_by(col(JobRow.queue), col(JobRow.state))
    )
    return [
        QueueDepth(queue=queue, state=JobState(state), jobs=jobs)
        for queue, state, jobs in session.exec(counted).all()
    ]


def _in_sight(sight: Sight) -> ColumnElement[bool]:
    """The condition on a job's row."""
    if sight.everything:
        return true()
    if sight.person is None:
        caller = col(JobRow.invocation)["caller"]
        return and_(
            caller["platform"].as_string() == Platform.CONSOLE.value,
            caller["account"].as_string().in_(sight.accounts),
        )
    own = and_(col(JobRow.person_id) == sight.person, _within(sight.own_in))
    return or_(own, _within(sight.all_in))


def _within(scopes: frozenset[str]) -> ColumnElement[bool]:
    """Asked for in one of these workspaces (or channels, or repositories)."""
    if EVERYWHERE in scopes:
        return true()
    place = col(JobRow.invocation)["place"]
    found: ColumnElement[bool] = false()
    for scope in scopes:
        platform, _, name = scope.partition(":")
        is_there = or_(place["workspace"].as_string() == name, place["channel"].as_string() == name)
        found = or_(found, and_(place["platform"].as_string() == platform, is_there))
    return found


def _line_for(session: Session, rows: Sequence[JobRow]) -> Line:
    """All lines, where any of the jobs stands in one."""
    is_any_queued = any(row.state == JobState.QUEUED for row in rows)
    return line.look(session, utc_now()) if is_any_queued else Line()


def _view(row: JobRow, session: Session, seen: Line, redactor: Redactor) -> JobView:
    newest = session.get(JobEventRow, (row.id, row.last_seq))
    state = JobState(row.state)
    return JobView(
        job=JobId(row.id),
        verb=row.verb,
        line=redactor.redacted(row.line),
        state=state,
        text=redactor.redacted(newest.text) if newest else "",
        done=newest.done if newest else None,
        attempt=row.attempt,
        asked_by=redacted_caller(Invocation.model_validate(row.invocation).caller, redactor),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        repository=row.repository,
        number=row.number,
        head_sha=row.head_sha,
        ahead=seen.ahead.get(JobId(row.id)),
        wait_s=seen.wait_s(JobId(row.id), row.queue),
    )


def _drafted(view: JobView, session: Session, redactor: Redactor, most: int) -> JobView:
    if view.state is not JobState.RUNNING:
        return view
    return with_draft(view, drafts.find(session, view.job), redactor, most)
