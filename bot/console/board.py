"""Jobs as an API client may see them: one's own, or all of them for administrators."""

from collections.abc import Sequence

from pydantic import BaseModel
from sqlalchemy import func
from sqlmodel import Session, col, select

from bot.auth import ApiClient
from bot.face import JobView
from handlers import Invocation, Platform, Tier
from storage import ledger
from storage.ids import JobId
from storage.states import JobState
from storage.tables.inbox import InboxRow
from storage.tables.jobs import JobEventRow, JobRow


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


def may_see_all(client: ApiClient) -> bool:
    """Whether other people's jobs and threads are open to the client."""
    return client.tier >= Tier.ADMIN


def job_for(session: Session, client: ApiClient, job: JobId) -> JobView | None:
    """The job, if there is one and the client may see it."""
    row = ledger.get(session, job)
    if row is None or not (may_see_all(client) or _asked(row, client)):
        return None
    return _view(session, row)


def overview(session: Session, client: ApiClient, limit: int) -> Overview:
    """The queues and the newest jobs."""
    return Overview(
        sees_all=may_see_all(client),
        queues=tuple(_queues(session)),
        unhandled_events=session.exec(
            select(func.count()).where(col(InboxRow.handled_at).is_(None))
        ).one(),
        recent=tuple(_view(session, row) for row in _recent(session, client, limit)),
    )


def _queues(session: Session) -> list[QueueDepth]:
    unfinished = [state for state in JobState if not state.final]
    counted = (
        select(JobRow.queue, JobRow.state, func.count())
        .where(col(JobRow.state).in_(unfinished))
        .group_by(col(JobRow.queue), col(JobRow.state))
        .order_by(col(JobRow.queue), col(JobRow.state))
    )
    return [
        QueueDepth(queue=queue, state=JobState(state), jobs=jobs)
        for queue, state, jobs in session.exec(counted).all()
    ]


def _recent(session: Session, client: ApiClient, limit: int) -> Sequence[JobRow]:
    found = select(JobRow)
    if not may_see_all(client):
        caller = col(JobRow.invocation)["caller"]
        found = found.where(
            caller["platform"].as_string() == Platform.CONSOLE.value,
            caller["account"].as_string() == client.account,
        )
    return session.exec(found.order_by(col(JobRow.created_at).desc()).limit(limit)).all()


def _asked(row: JobRow, client: ApiClient) -> bool:
    caller = Invocation.model_validate(row.invocation).caller
    return caller.platform is Platform.CONSOLE and caller.account == client.account


def _view(session: Session, row: JobRow) -> JobView:
    newest = session.get(JobEventRow, (row.id, row.last_seq))
    state = JobState(row.state)
    return JobView(
        job=JobId(row.id),
        verb=row.verb,
        line=row.line,
        state=state,
        text=newest.text if newest else "",
        done=newest.done if newest else None,
        attempt=row.attempt,
        asked_by=Invocation.model_validate(row.invocation).caller,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        repository=row.repository,
        number=row.number,
        head_sha=row.head_sha,
        ahead=ledger.ahead_of(session, row) if state is JobState.QUEUED else None,
    )
