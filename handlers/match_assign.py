"""Who is named is given the task on the code host, by somebody who may write there."""

from sqlmodel import Session

from handlers import Assignment, Caller, Context, Platform, Tier, UserError
from handlers.match_meant import Meant, actor_in, reply, still_there, who
from handlers.match_people import person_meant, warnings_of
from jobs.match_buttons import ASSIGN, SUGGEST, TAKE
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
    to, warned = Named(row.person_key, row.name, row.login), ""
    if meant.rest:
        to = await person_meant(context, row, " ".join(meant.rest))
        warned = await warnings_of(context, row, to)
    elif row.state == MatchState.DECLINED:
        raise UserError(f"{who(row)} declined; name somebody else first.")
    what = "is asked to review" if _is_review(row) else "is assigned to"
    if row.state == MatchState.ASSIGNED and row.person_key == to.key:  # twice would notify twice
        return reply(f"{who(row)} {what} `{meant.repository}#{row.number}` already.")
    await context.database.read(lambda s: _require(s, context, meant, row, to))
    where = await _write(context, meant, row, to, by)
    said = await context.database.write(lambda s: _note(s, context, meant, row, to))
    told = (f"{plain(to.name)} {what} {where}.", warned, said)
    return reply(" ".join(filter(None, told)))


def _require(session: Session, context: Context, meant: Meant, row: MatchRow, to: Named) -> None:
    """Let pass who may have it given to somebody. Raises UserError."""
    require_other(meant, row, to)
    if row.state in HELD and row.person_key != to.key:
        require_say(context, meant, row)
    holder = matches.holder(session, meant.repository, meant.target, row.mode, utc_now())
    if holder is not None and holder.job_id != row.job_id and holder.person_key != to.key:
        raise has_it(meant, holder)


def has_it(meant: Meant, holder: MatchRow) -> UserError:
    """That somebody does it already."""
    elsewhere = "" if holder.job_id == meant.id else f" (`{holder.job_id}`)"
    return UserError(
        f"{who(holder)} has {meant.shown} already{elsewhere}. If that is to change, let them "
        f"decline it, or say `/gryph match {SUGGEST} {holder.job_id} @somebody`."
    )


def _note(session: Session, context: Context, meant: Meant, before: MatchRow, to: Named) -> str:
    """Note to whom the host gave it, unless somebody else was named meanwhile; that is told."""
    row = matches.hold(session, meant.id, meant.target)
    assert row is not None, "it was there before, and rows go with their job only"
    actor, now = actor_in(session, context), utc_now()
    if row.person_key == to.key and (row.state != MatchState.DECLINED or meant.rest):
        matches.assigned(session, row, actor, now)
        return ""
    if meant.rest and row.id == before.id:
        said = given_up(row, to)
        matches.assigned(session, matches.turn_to(session, row, to, actor, now), actor, now)
        return said
    did = "took it" if row.state in HELD else "was named for it"
    return f"Meanwhile {who(row)} {'declined it' if row.state == MatchState.DECLINED else did}."


def given_up(before: MatchRow, to: Named) -> str:
    """What is to be said of whom the host was told to give it to, where somebody else is named."""
    is_left = before.state == MatchState.ASSIGNED and before.person_key != to.key
    return still_there(before) if is_left else ""


async def _write(context: Context, meant: Meant, row: MatchRow, to: Named, by: Caller) -> str:
    """Change it on the host; where it is, as Markdown. Raises UserError."""
    writer = context.writers.get(Platform.GITHUB)
    if writer is None or row.number is None:
        raise UserError(f"I cannot write to `{meant.repository}`: GitHub is not connected.")
    if to.login is None:
        raise UserError(
            f"I do not know {plain(to.name)}'s account on GitHub: name it, "
            f"`/gryph match {ASSIGN} {meant.id} @login`."
        )
    place = context.invocation.place
    installation = place.installation if place.channel == meant.repository else None
    assignment = Assignment(
        meant.repository, row.number, to.login, by, _is_review(row), installation
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
        f"Only {who(row)}, whoever asked for `{meant.id}`, or someone with write access may say "
        "that."
    )
