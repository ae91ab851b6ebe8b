"""`retry`: the same job again."""

from handlers import Call, Command, Context, Effect, Outcome, Permission, Takes, Tier, UserError
from handlers.jobs_in_reach import job_meant, require_hand_on
from jobs.requests import request_adapter
from storage.states import JobState


async def run(context: Context, call: Call) -> Outcome:
    """Ask for a new job with the old one's request."""
    row = await job_meant(context, call.jobs[0])
    await require_hand_on(context, row, call)
    if not JobState(row.state).final:
        raise UserError(f"`{row.id}` is still {row.state}; cancel it first, or wait for it.")
    return request_adapter.validate_python(row.request)


COMMAND = Command(
    verb="retry",
    summary="Run a finished job again, with the same request on the same commit",
    takes=Takes.JOB,
    permission=Permission(Tier.WRITE, Effect.RUN_CODE, author_may=True, requester_may=True),
    examples=("retry J7K2M9Q",),
    run=run,
)
