"""`explain`: what a job was asked, what it did and when."""

from handlers import Call, Command, Context, Effect, Outcome, Permission, Takes, Tier
from handlers.jobs_in_reach import job_meant
from jobs.messages import Code, Fields, Heading, Reply, Table
from jobs.requests import request_adapter
from storage import ledger
from storage.ids import JobId

EVENTS_SHOWN = 25


async def run(context: Context, call: Call) -> Outcome:
    """Answer from the ledger."""
    job = call.jobs[0]
    row = await job_meant(context, job)
    events = await context.database.read(lambda s: ledger.events_after(s, JobId(row.id), 0))
    source = request_adapter.validate_python(row.request).source
    commit = source.sha or source.ref or "the working tree as it was"
    history = Table(
        header=("When (UTC)", "State", "What"),
        rows=tuple(
            (f"{event.at:%H:%M:%S}", event.state, event.text) for event in events[-EVENTS_SHOWN:]
        ),
    )
    return Reply(
        summary=f"{row.id}: {row.line}",
        blocks=(
            Heading(text=f"Job {row.id}"),
            Code(text=f"/gryph {row.line}"),
            Fields(
                pairs=(
                    ("Asked by", f"@{row.invocation['caller']['name']}"),
                    ("Repository", source.repository),
                    ("Commit", f"`{commit}`"),
                    ("Attempts", str(row.attempt)),
                    ("Outcome", row.state if row.failure is None else f"failed: {row.failure}"),
                )
            ),
            history,
        ),
    )


COMMAND = Command(
    verb="explain",
    summary="Tell what a job was asked, on which commit, and what happened when",
    takes=Takes.JOB,
    permission=Permission(Tier.ANYONE, Effect.READ),
    examples=("explain J7K2M9Q",),
    run=run,
)
