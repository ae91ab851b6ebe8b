"""`status`: where a job is, or the caller's latest jobs and what is waiting."""

from collections.abc import Sequence

from sqlalchemy import func
from sqlmodel import Session, col, select

from handlers import Call, Command, Context, Effect, Outcome, Permission, Takes, Tier
from handlers.jobs_in_reach import job_meant
from jobs.messages import Action, Actions, Fields, Heading, Reply, Table, say
from storage import ledger
from storage.clock import utc_now
from storage.ids import JobId, PersonId
from storage.states import JobState
from storage.tables.jobs import JobEventRow, JobRow

LATEST = 8
MINUTE_S = 60
HOUR_S = 3600
DAY_S = 86400


async def run(context: Context, call: Call) -> Outcome:
    """Answer from the ledger."""
    if call.jobs:
        return await _one(context, call.jobs[0])
    rows, running, queued = await context.database.read(
        lambda s: (_latest(s, context.person), *_load(s))
    )
    if not rows:
        return say(f"You have no jobs yet. Right now {running} running, {queued} queued.")
    table = Table(
        header=("Job", "Command", "State", "Asked"),
        rows=tuple((f"`{row.id}`", f"`{row.line}`", row.state, f"{age(row)} ago") for row in rows),
    )
    return Reply(
        summary=f"Your latest {len(rows)} jobs; {running} running and {queued} queued in all",
        blocks=(
            Heading(text="Your latest jobs"),
            table,
            Fields(pairs=(("Running now", str(running)), ("Queued", str(queued)))),
        ),
    )


async def _one(context: Context, job: JobId) -> Reply:
    row = await job_meant(context, job)
    events = await context.database.read(lambda s: ledger.events_after(s, job, 0))
    pairs = [("State", row.state), ("Command", f"`{row.line}`"), ("Asked", f"{age(row)} ago")]
    if text := _newest_text(events):
        pairs.append(("Now", text))
    if row.state == JobState.QUEUED and (standing := await context.in_line(job)):
        pairs.append(("In line", standing))
    if row.attempt > 1:
        pairs.append(("Attempt", str(row.attempt)))
    blocks = [Heading(text=f"Job {row.id}"), Fields(pairs=tuple(pairs))]
    if not JobState(row.state).final:
        cancel = Action(verb="cancel", label="Cancel", job=job, destructive=True)
        return Reply(
            summary=f"{row.id} is {row.state}", blocks=(*blocks, Actions(actions=(cancel,)))
        )
    return Reply(summary=f"{row.id} {row.state}", blocks=tuple(blocks))


def _newest_text(events: Sequence[JobEventRow]) -> str:
    return next((event.text for event in reversed(events) if event.text), "")


def _latest(session: Session, person: PersonId) -> list[JobRow]:
    found = select(JobRow).where(JobRow.person_id == person)
    return list(session.exec(found.order_by(col(JobRow.created_at).desc()).limit(LATEST)).all())


def _load(session: Session) -> tuple[int, int]:
    def count(state: JobState) -> int:
        return session.exec(select(func.count()).where(col(JobRow.state) == state)).one()

    return count(JobState.RUNNING), count(JobState.QUEUED)


def age(row: JobRow) -> str:
    """How long ago the job was asked for, in its largest unit."""
    seconds = int((utc_now() - row.created_at).total_seconds())
    for unit_s, unit in ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "min")):
        if seconds >= unit_s:
            return f"{seconds // unit_s} {unit}"
    return f"{seconds} s"


COMMAND = Command(
    verb="status",
    summary="Show where a job is, or your latest jobs",
    takes=Takes.OPTIONAL_JOB,
    permission=Permission(Tier.ANYONE, Effect.READ),
    examples=("status", "status J7K2M9Q"),
    run=run,
)
