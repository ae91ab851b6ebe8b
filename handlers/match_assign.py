"""Who is named is given the task on the code host, by somebody who may write there."""

from sqlmodel import Session

from handlers import Assignment, Caller, Context, Platform, Tier, UserError
from handlers.match_meant import Meant, actor_in, reply, still_there, who
from handlers.match_people import person_meant, warnings_of
from jobs.match_buttons import ASSIGN, TAKE
from jobs.messages import Reply
from jobs.wording import plain
from storage import matches
from storage.clock import utc_now
from storage.matches import HELD, MatchState, Named
from storage.tables.matching import MatchRow


async def assign(context: Context, meant: Meant) -> Reply:
    """Assign it, or ask for the review. Raises UserError where it cannot be."""
    row = await context.database.read(meant.current)
    if row.number is None or meant.repository.startswith("local:"):
        raise UserError(
            f"{meant.shown} is no issue or pull request of a code host, so there is nothing to "
            f"assign; `/gryph match {TAKE} {meant.id}` says who does it."
        )
    by = await _account(context, meant.repository, row.number)
    meant.require_open(row)
    said: list[str] = []
    if meant.rest:
        before = row
        someone = await person_meant(context, row, " ".join(meant.rest))
        said.append(await warnings_of(context, row, someone))
        row = await context.database.write(lambda s: name(s, context, meant, someone))
        said.append(given_up(before, row))
    if row.state == MatchState.DECLINED:
        raise UserError(f"{who(row)} declined; name somebody else first.")
    what = "is asked to review" if _is_review(row) else "is assigned to"
    if row.state == MatchState.ASSIGNED:  # asking twice would notify twice
        return reply(f"{who(row)} {what} `{meant.repository}#{row.number}` already.")
    where = await _write(context, meant, row, by)
    said.append(await context.database.write(lambda s: _note(s, context, meant, row)))
    return reply(" ".join((f"{who(row)} {what} {where}.", *filter(None, said))))


def _note(session: Session, context: Context, meant: Meant, given: MatchRow) -> str:
    """Note to whom the host gave it, unless somebody else was named meanwhile; that is told."""
    row = matches.hold(session, meant.id, meant.target)
    assert row is not None, "it was there before, and rows go with their job only"
    if row.person_key == given.person_key and row.state != MatchState.DECLINED:
        matches.assigned(session, row, actor_in(session, context), utc_now())
        return ""
    did = "took it" if row.state in HELD else "was named for it"
    return f"Meanwhile {who(row)} {'declined it' if row.state == MatchState.DECLINED else did}."


def given_up(before: MatchRow, after: MatchRow) -> str:
    """What is to be said of whom the host was told to give it to, where somebody else is named."""
    is_left = before.state == MatchState.ASSIGNED and before.person_key != after.person_key
    return still_there(before) if is_left else ""


async def _write(context: Context, meant: Meant, row: MatchRow, by: Caller) -> str:
    """Change it on the host; where it is, as Markdown. Raises UserError."""
    writer = context.writers.get(Platform.GITHUB)
    if writer is None or row.number is None:
        raise UserError(f"I cannot write to `{meant.repository}`: GitHub is not connected.")
    if row.login is None:
        raise UserError(
            f"I do not know {who(row)}'s account on GitHub: name it, "
            f"`/gryph match {ASSIGN} {meant.id} @login`."
        )
    place = context.invocation.place
    installation = place.installation if place.channel == meant.repository else None
    assignment = Assignment(
        meant.repository, row.number, row.login, by, _is_review(row), installation
    )
    return await writer.assign(assignment)


def _is_review(row: MatchRow) -> bool:
    return row.is_pull and row.mode == "reviewer"


async def _account(context: Context, repository: str, number: int) -> Caller:
    """The account that assigns; asked about right now.

    Raises:
        UserError: The caller has linked none, or it may not write there.
    """
    standing = await context.on_host(repository, number)
    if standing is None:
        raise UserError(f"I cannot write to `{repository}`: GitHub is not connected.")
    if standing.account is None:
        raise UserError(
            f"I have to see that you may write to `{repository}`: link your GitHub account with "
            "`/gryph link github:YOUR-LOGIN` in a direct message to me, then assign again."
        )
    if standing.tier < Tier.WRITE:
        raise UserError(f"`{standing.account.name}` has no write access to `{repository}`.")
    return standing.account


def name(session: Session, context: Context, meant: Meant, someone: Named) -> MatchRow:
    """The row of somebody whom the caller names; where they are named already, that row."""
    row, actor = meant.held(session), actor_in(session, context)
    is_same = someone.key == row.person_key and row.state != MatchState.DECLINED
    if is_same:
        return row
    require_other(meant, row, someone)
    if row.state in HELD:
        require_say(context, meant, row)
    return matches.turn_to(session, row, someone, actor, utc_now())


def require_other(meant: Meant, row: MatchRow, someone: Named, *logins: str) -> None:
    """Let nobody review what they wrote themselves. Raises UserError."""
    if matches.is_own(row, someone.login, *logins):
        raise UserError(
            f"{meant.shown} is {plain(someone.name)}'s own, so somebody else has to review it."
        )


def require_say(context: Context, meant: Meant, row: MatchRow) -> None:
    """Let pass who asked, the pull request's author, or a maintainer. Raises UserError."""
    standing = context.standing
    is_author = standing.is_author and standing.pull is not None
    if meant.job.person_id == context.person or is_author or standing.tier >= Tier.WRITE:
        return
    raise UserError(
        f"Only {who(row)}, who asked for `{meant.id}`, or someone with write access may say that."
    )
