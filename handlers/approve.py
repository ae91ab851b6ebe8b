"""`approve`: let one exact commit of a fork run here; the next push needs another."""

from sqlmodel import Session

from handlers import Call, Command, Context, Effect, Outcome, Permission, Takes, Tier, UserError
from jobs.messages import say
from storage import approvals, ledger
from storage.clock import utc_now
from storage.ids import JobId
from storage.ledger import Ending
from storage.states import JobState

MOVED_ON = "the pull request has moved on since: ask again for its newest commit"


async def run(context: Context, call: Call) -> Outcome:
    """Note the approval and queue what waited for it."""
    pull = context.standing.pull
    if pull is None:
        raise UserError("`approve` works on a pull request: comment it there.")
    if not pull.from_fork:
        raise UserError("This pull request is no fork's; its code needs no approval.")
    sha = call.words[0].lower() if call.words else ""
    if sha != pull.head_sha:  # whole: two commits that begin alike are found in minutes
        raise UserError(
            "An approval is for one exact commit. Read the changes, then approve the head as it "
            f"is now:\n```\n/gryph approve {pull.head_sha}\n```"
        )

    def note(session: Session) -> list[str]:
        now = utc_now()
        repository, number = pull.base_repository, pull.number
        approvals.approve(session, repository, number, pull.head_sha, context.person, now)
        by = f"@{context.invocation.caller.name}"
        released: list[str] = []
        for row in ledger.waiting_for(session, repository, number):
            if row.head_sha == pull.head_sha:
                ledger.release(session, JobId(row.id), f"approved by {by}", now)
                released.append(f"`{row.id}`")
            else:
                ledger.reject(session, JobId(row.id), _too_late(), now)
        return released

    started = await context.database.write(note)
    follows = f" Queued: {', '.join(started)}." if started else ""
    return say(
        f"Approved commit `{pull.head_sha[:12]}` for running; the next push needs a new "
        f"approval.{follows}"
    )


def _too_late() -> Ending:
    """Of a job for a commit that is no longer the head, so that nobody can approve it."""
    text = f"Not started: {MOVED_ON}."
    return Ending(JobState.FAILED, "not started", say(text).model_dump(mode="json"), "user")


COMMAND = Command(
    verb="approve",
    summary="Let one commit of a fork's pull request run here",
    takes=Takes.WORDS,
    permission=Permission(Tier.WRITE, Effect.ADMIN),
    examples=("approve 3f9d2c41ab07d2b1c0a9e8f7665544332211ffee",),
    run=run,
    details=(
        "The approval is for that very commit, named by its full sha: a later push is not covered, "
        "and it ends when who gave it loses write access."
    ),
)
