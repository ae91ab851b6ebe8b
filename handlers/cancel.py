"""`cancel`: stop a job that waits or runs."""

from handlers import Call, Command, Context, Effect, Outcome, Permission, Takes, Tier
from handlers.jobs_in_reach import job_meant, require_hand_on
from jobs.messages import Action, Actions, Reply, Text, say
from storage import ledger
from storage.clock import utc_now
from storage.ids import JobId
from storage.states import JobState


async def run(context: Context, call: Call) -> Outcome:
    """Cancel at once what has not started; ask a worker to stop what has."""
    job = call.jobs[0]
    row = await job_meant(context, job)
    await require_hand_on(context, row, call)
    by = f"@{context.invocation.caller.name}"
    reply = _last_word(job, by).model_dump(mode="json")
    before = await context.database.write(
        lambda s: ledger.request_cancel(s, job, by, reply, utc_now())
    )
    if before.final:
        return say(f"`{job}` is already over: {before}.")
    if before is JobState.RUNNING:
        return say(f"Stopping `{job}`; what it found so far is kept.")
    return say(f"`{job}` is cancelled; it had not started.")


def _last_word(job: JobId, by: str) -> Reply:
    text = f"Cancelled by {by}."
    again = Action(verb="retry", label="Retry", job=job)
    return Reply(summary=text, blocks=(Text(markdown=text), Actions(actions=(again,))))


COMMAND = Command(
    verb="cancel",
    summary="Stop a job that waits or runs",
    takes=Takes.JOB,
    permission=Permission(Tier.WRITE, Effect.COMMENT, author_may=True, requester_may=True),
    examples=("cancel J7K2M9Q",),
    run=run,
    details="Who asked for the job, the pull request's author and anyone with write access may.",
)
