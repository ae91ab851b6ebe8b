"""Finding the job a person speaks of, and whether they may touch it."""

from handlers import Call, Context, Invocation, Tier, UserError
from storage import ledger
from storage.ids import JobId
from storage.tables.jobs import JobRow


async def job_meant(context: Context, job: JobId) -> JobRow:
    """The job, if the caller may know of it.

    Raises:
        UserError: There is none, or it belongs to another workspace; the answer is the same.
    """
    row = await context.database.read(lambda s: ledger.get(s, job))
    if row is None or not _in_reach(context, row):
        raise UserError(f"I know no job `{job}` here. `/gryph status` lists yours.")
    return row


def _in_reach(context: Context, row: JobRow) -> bool:
    if row.person_id == context.person or context.standing.tier >= Tier.OPERATOR:
        return True
    here = context.invocation.place
    there = Invocation.model_validate(row.invocation).place
    if here.platform is not there.platform:
        return False
    if here.channel == there.channel:
        return True
    return here.workspace == there.workspace and not there.channel.startswith("D")


async def require_hand_on(context: Context, row: JobRow, call: Call) -> None:
    """Let pass who asked for the job, the pull request's author, or a maintainer.

    Raises:
        UserError: The caller is none of them.
    """
    pull = context.standing.pull
    is_author = (
        pull is not None
        and pull.number == row.number
        and pull.author == context.invocation.caller.name
    )
    if row.person_id == context.person or is_author or context.standing.tier >= Tier.WRITE:
        return
    raise UserError(
        f"Only who asked for `{row.id}`, the pull request's author or someone with write access "
        f"may {call.verb} it."
    )
