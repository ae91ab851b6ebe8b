"""Whom somebody means by a name, and what is to be said before they are asked."""

import re
from collections.abc import Iterator, Sequence

from sqlmodel import Session

from handlers import Context, UserError
from jobs.match_buttons import SUGGEST, VERB
from jobs.wording import plain
from storage import availability, matches, people
from storage.availability import HOST, Availability, Known
from storage.clock import utc_now
from storage.matches import Named
from storage.tables.matching import MatchRow

_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?")
_LONGEST = 100
_MARKS = ".,;!?"
_EVERYBODY = frozenset({"all", "channel", "everyone", "here"})


async def person_meant(context: Context, row: MatchRow, said: str) -> Named:
    """Who is meant by `@ana`, `Ana Lovelace`, or a chat's own mention: somebody of the history,
    somebody who has an account here, or else, behind an @, a login of the code host.

    Raises:
        UserError: It is nobody, or may be several.
    """
    bare = said.strip("<>")
    wanted = " ".join(bare.removeprefix("@").split()).rstrip(_MARKS)[:_LONGEST]
    if not wanted:
        raise UserError("Whom? Say a name, or an account of the code host: `@login`.")
    if bare.startswith("!") or (bare.startswith("@") and wanted.casefold() in _EVERYBODY):
        raise UserError("That is nobody in particular: name one person.")
    account = account_mentioned(context, wanted)
    found = await context.database.read(lambda s: _found(s, context, row, account or wanted))
    if account and not found:
        raise UserError(unknown(wanted, f"{SUGGEST} {row.job_id} @login"))
    if len(found) > 1:
        names = ", ".join(_spelled(one) for one in found[:5])
        raise UserError(f"`{_shown(wanted)}` may be {names}: who is it?")
    if found:
        return found[0]
    is_login = bare.startswith("@") and _LOGIN.fullmatch(wanted) is not None
    if is_login and not row.repository.startswith("local:"):
        return Named(f"login:{wanted.lower()}", wanted, wanted)
    raise UserError(
        f"I know nobody called `{_shown(wanted)}` here: name an account of the code host, `@login`."
    )


def account_mentioned(context: Context, name: str) -> str | None:
    """Whose mention stands in the text as this name; None where it is nobody's, or two have it."""
    wanted = name.casefold()
    mentions = context.invocation.mentions
    accounts = {account for said, account in mentions if said.casefold().rstrip(_MARKS) == wanted}
    return accounts.pop() if len(accounts) == 1 else None


def unknown(name: str, instead: str) -> str:
    """What is said of a mention of somebody who has no account but that of the chat."""
    return (
        f"I cannot tell who of the repository `@{_shown(name)}` is, since they have linked no "
        f"account: name their login, `/gryph {VERB} {instead}`."
    )


def _found(session: Session, context: Context, row: MatchRow, wanted: str) -> Sequence[Named]:
    """Those whom it may be; by what is surest."""
    ranking = matches.ranking_of(row)
    if wanted.isdecimal() and 0 < int(wanted) <= len(ranking):  # as buttons say it
        return ranking[int(wanted) - 1 :][:1]
    caller = context.invocation.caller
    mentioned = people.find_person(session, platform=caller.platform, account=wanted)
    if mentioned is not None:
        name = people.accounts_of(session, mentioned)[0].name
        return [matches.as_named(session, row, matches.actor_of(session, mentioned, name))]
    lowered = wanted.casefold()
    known = matches.known_of(row)
    for some in (
        [one for one in known if (one.login or "").casefold() == lowered],
        [one for one in known if _name_of(one) == lowered],
        [one for one in known if lowered in one.name.casefold().split()],
    ):
        if some:
            return some
    account = people.account_called(session, HOST, wanted)
    if account is None:
        return []
    actor = matches.actor_of(session, account[0], account[1].name)
    return [matches.as_named(session, row, actor)]


async def warnings_of(context: Context, row: MatchRow, someone: Named) -> str:
    """What speaks against it, as Markdown; they are asked all the same."""
    now = utc_now()

    def read(session: Session) -> tuple[Availability, bool, MatchRow | None]:
        known = Known(someone.key, someone.name, someone.login)
        standing = availability.standings_of(session, [known], now)
        declined = matches.passed_over(session, row.repository, row.target)
        holder = matches.holder(session, row.repository, row.target, row.mode, now)
        return standing.get(someone.key, Availability()), someone.key in declined, holder

    standing, declined, holder = await context.database.read(read)
    told = list(_warnings(standing))
    if someone.key.startswith("login:") and standing.person is None:
        told.append("has not been seen here before")
    if declined:
        told.append("declined this before")
    own = f"{plain(someone.name)} {', '.join(told)}; asked anyway." if told else ""
    return f"{own} {_elsewhere(row, someone, holder)}".strip()


def _elsewhere(row: MatchRow, someone: Named, holder: MatchRow | None) -> str:
    """Who has it from another job's answer."""
    if holder is None or holder.job_id == row.job_id or matches.is_of_many(row.target):
        return ""
    is_same = holder.person_key == someone.key
    return "" if is_same else f"{plain(holder.name)} has it already (`{holder.job_id}`)."


def _warnings(standing: Availability) -> Iterator[str]:
    if standing.away_until is not None:
        yield f"is away until {standing.away_until}"
    if standing.is_out:
        yield "has asked not to be named"
    held = standing.taken + standing.assigned
    if standing.capacity == 0:
        yield "takes nothing now"
    elif standing.capacity is not None and held >= standing.capacity:
        yield f"holds {held} of at most {standing.capacity}"


def _name_of(one: Named) -> str:
    """As it is compared: a last dot may be a sentence's."""
    return " ".join(one.name.casefold().split()).rstrip(_MARKS)[:_LONGEST]


def _spelled(one: Named) -> str:
    return f"{plain(one.name)} (`{one.login}`)" if one.login else plain(one.name)


def _shown(text: str) -> str:
    return text.replace("`", "'")
