"""Finding the job a person speaks of, and whether they may touch it."""

from handlers import Call, Context, Invocation, Place, Platform, Standing, Tier, UserError
from storage import ledger
from storage.ids import JobId, PersonId
from storage.tables.jobs import JobRow


async def job_meant(context: Context, job: JobId) -> JobRow:
    """The job, if the caller may know of it.

    Raises:
        UserError: There is none, or it is not open to the caller; the answer is the same, since
            job ids are short and can be guessed.
    """
    row = await context.database.read(lambda s: ledger.get(s, job))
    here = context.invocation.place
    if row is None or not (
        is_near(row, context.person, here, context.standing) or reaches(row, context.standing)
    ):
        raise UserError(f"I know no job `{job}` here. `/gryph status` lists yours.")
    return row


def is_near(row: JobRow, person: PersonId, here: Place, standing: Standing) -> bool:
    """Whether the job is the caller's own, or was asked for where they speak from.

    `standing` is the caller's in that place. The operator of the installation is near to all.
    """
    if row.person_id == person or standing.tier >= Tier.OPERATOR:
        return True
    there = place_of(row)
    on_console = here.platform is there.platform is Platform.CONSOLE
    return _same_place(here, there) or (on_console and standing.tier >= Tier.ADMIN)


def reaches(row: JobRow, on_host: Standing) -> bool:
    """Whether what the code host says of the caller opens the job to them.

    Where the job was asked for on the host itself, everybody who reads the repository may know of
    it; of one asked for in a chat, only maintainers and the pull request's author.
    """
    if on_host.account is None or on_host.repository != row.repository:
        return False
    if on_host.tier >= Tier.WRITE or on_host.is_author:
        return True
    return on_host.tier >= Tier.READ and place_of(row).platform is Platform.GITHUB


def place_of(row: JobRow) -> Place:
    """Where the job was asked for."""
    return Invocation.model_validate(row.invocation).place


def _same_place(here: Place, there: Place) -> bool:
    """Discord's threads may be private, so being in their channel is not being in them."""
    places = ((p.platform, p.workspace, p.channel) for p in (here, there))
    in_thread = there.platform is Platform.DISCORD and there.thread is not None
    return len(set(places)) == 1 and (not in_thread or here.thread == there.thread)


async def require_hand_on(context: Context, row: JobRow, call: Call) -> None:
    """Let pass who asked for the job, the pull request's author, or a maintainer.

    Raises:
        UserError: The caller is none of them.
    """
    standing = context.standing
    is_author = (
        standing.is_author and standing.pull is not None and standing.pull.number == row.number
    )
    if row.person_id == context.person or is_author or standing.tier >= Tier.WRITE:
        return
    raise UserError(
        f"Only who asked for `{row.id}`, the pull request's author or someone with write access "
        f"may {call.verb} it."
    )
