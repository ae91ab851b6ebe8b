"""`feedback`: say whether a result was any good; the same as a 👍 or 👎 on it."""

from handlers import Call, Command, Context, Effect, Outcome, Permission, Takes, Tier, UserError
from handlers.jobs_in_reach import job_meant
from jobs.messages import say
from storage import feedback
from storage.clock import utc_now
from storage.feedback import Vote
from storage.ids import JobId

VALUES: dict[str, int] = {
    "up": 1,
    "good": 1,
    "+1": 1,
    "👍": 1,
    "down": -1,
    "bad": -1,
    "-1": -1,
    "👎": -1,
}


async def run(context: Context, call: Call) -> Outcome:
    """Store the vote; a second one replaces the first."""
    value = VALUES.get(call.words[0].lower()) if call.words else None
    if value is None:
        raise UserError(
            "Say `up` or `down`, for example `/gryph feedback J7K2M9Q up the names are good`."
        )
    row = await job_meant(context, call.jobs[0])
    said = Vote(value, "command", " ".join(call.words[1:]))
    await context.database.write(
        lambda s: feedback.vote(s, JobId(row.id), context.person, said, utc_now())
    )
    return say(f"Thank you: {'👍' if value > 0 else '👎'} noted for `{row.id}`.")


COMMAND = Command(
    verb="feedback",
    summary="Say whether a result was good, in words or with up/down",
    takes=Takes.JOB_AND_WORDS,
    permission=Permission(Tier.ANYONE, Effect.COMMENT),
    examples=("feedback J7K2M9Q up", "feedback J7K2M9Q down the names say nothing"),
    run=run,
    details="One vote per person and result; the newest counts. A reaction does the same.",
)
