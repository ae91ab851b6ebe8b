"""What people decide about a match: take it, decline it, suggest somebody, have it assigned.

Each of these is said of one task of one job, and saying it again changes nothing: a decision is
about whoever was named when it was made, never about who was named next.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from sqlmodel import Session

from handlers import Call, Context, Outcome, UserError
from handlers.match_assign import assign, name, require_say
from handlers.match_meant import Meant, actor_in, match_meant, reply, who
from handlers.match_people import person_meant, warnings_of
from jobs.match_buttons import ASSIGN, AWAY, BUSY, DECLINE, NOT_MINE, SUGGEST, TAKE, VERB
from jobs.messages import Action, Actions, Block, Reply, Suggestion, Text, say
from jobs.wording import plain
from storage import matches
from storage.clock import utc_now
from storage.ids import JobId, as_job_id
from storage.matches import HELD, Actor, MatchState
from storage.tables.matching import MatchRow

REASONS = {BUSY: "Too busy", AWAY: "Away", NOT_MINE: "Not my area"}
"""What a button says, by the word that stands for it."""
OFFERED = 4
"""People who are offered as buttons."""


async def chosen(context: Context, call: Call) -> Outcome | None:
    """The answer to a decision (`take J7K2M9Q`, or `J7K2M9Q take` as buttons spell it); None where
    the call is none.

    Raises:
        UserError: It names no match that the caller may know of, or it cannot be.
    """
    first, *rest = call.words or ("",)
    job = _job(first)
    if job and rest:  # as buttons spell it
        first, *rest = rest
    choice = _CHOICES.get(first.casefold())
    if choice is None:
        return None
    if job is None and rest and (job := _job(rest[0])):
        del rest[0]
    meant = await match_meant(context, first.casefold(), job, rest)
    return await choice(context, meant)


def _job(word: str) -> JobId | None:
    return as_job_id(word.rstrip(",:"))


async def _take(context: Context, meant: Meant) -> Reply:
    """The caller does it."""

    def write(session: Session) -> tuple[str, MatchRow]:
        row, actor = meant.held(session), actor_in(session, context)
        if row.state in HELD and not matches.is_named(session, row, actor):
            raise UserError(
                f"{who(row)} has {meant.shown} already. If that is to change, let them decline "
                f"it, or say `/gryph match {SUGGEST} {meant.id} @somebody`."
            )
        before = "" if matches.is_named(session, row, actor) else who(row)
        if row.state not in HELD:
            row = matches.take(session, row, actor, utc_now())
        return before, row

    before, row = await context.database.write(write)
    instead = f", for which {before} was named" if before else ""
    text = f"{who(row)} takes {meant.shown}{instead}."
    if row.person_key.startswith("person:"):
        text += (
            " I cannot tell who of the repository you are: `/gryph link github:YOUR-LOGIN`, in a "
            "direct message to me, says it."
        )
    if row.number is None or row.state == MatchState.ASSIGNED:
        return reply(text)
    button = next(one for one in meant.buttons(row) if one.words.startswith(ASSIGN))
    return reply(text, Actions(actions=(button,)))


async def _decline(context: Context, meant: Meant) -> Reply:
    """Whoever is named does not do it, by their own word or that of somebody who may say so."""
    turn, reason = _turn_and_reason(meant.rest)

    def write(session: Session) -> tuple[MatchRow, MatchRow | None, bool]:
        row, actor = meant.held(session), actor_in(session, context)
        own = _own_refusal(session, meant, actor)
        is_named = matches.is_named(session, row, actor)
        if own is not None and (not is_named or row.state == MatchState.DECLINED):
            if reason:
                matches.add_reason(session, own, reason)
            return own, row, True
        if not is_named:
            require_say(context, meant, row)
            if (turn or 1) != row.turn or row.state == MatchState.DECLINED:
                return matches.at_turn(session, row, turn or 1), row, False
        return row, matches.decline(session, row, actor, reason, utc_now()), is_named

    declined, after, is_own = await context.database.write(write)
    return _declined(meant, (declined, after), is_own=is_own)


def _declined(meant: Meant, rows: tuple[MatchRow, MatchRow | None], *, is_own: bool) -> Reply:
    declined, after = rows
    why = f" ({plain(declined.reason, 120)})" if declined.reason else ""
    text = f"{who(declined)} {'passes' if is_own else 'is passed over'}{why}. "
    blocks: list[Block] = []
    if after is None or after.state == MatchState.DECLINED:
        text += "Nobody else of the ranking is left: say who could do it, "
        text += f"`/gryph match {SUGGEST} {meant.id} @somebody`."
    else:
        text += f"Now named for {meant.shown}: **{plain(after.name)}**."
        reasons = "\n".join(f"- {reason}" for reason in _reasons(after))
        blocks += [Text(markdown=reasons)] if reasons else []
        blocks.append(Actions(actions=meant.buttons(after)))
    if is_own and not declined.reason:
        task = f"{meant.task} ".lstrip()
        whys = (
            Action(verb=VERB, label=label, job=meant.id, words=f"{DECLINE} {task}{word}")
            for word, label in REASONS.items()
        )
        blocks += [Text(markdown="Why?"), Actions(actions=tuple(whys))]
    return reply(text, *blocks)


async def _suggest(context: Context, meant: Meant) -> Reply:
    """Somebody else is named, whatever the ranking says."""
    row = await context.database.read(meant.current)
    if not meant.rest:
        return await _offer(context, meant, row)
    someone = await person_meant(context, row, " ".join(meant.rest))
    warned = await warnings_of(context, meant.repository, meant.target, someone)
    row = await context.database.write(lambda s: name(s, context, meant, someone))
    text = f"{who(row)} is named for {meant.shown} now."
    return reply(f"{text} {warned}".rstrip(), Actions(actions=meant.buttons(row)))


async def _offer(context: Context, meant: Meant, row: MatchRow) -> Reply:
    """Whom the caller may suggest."""
    rest = await context.database.read(lambda s: matches.left(s, row, utc_now()))
    task = f"{meant.task} ".lstrip()
    buttons = tuple(
        Suggestion(
            line=f"{VERB} {SUGGEST} {meant.id} {task}{one.login or one.name}", label=one.name
        )
        for one in rest[:OFFERED]
    )
    text = f"Who else? Say `/gryph match {SUGGEST} {meant.id} {task}@somebody`"
    if not buttons:
        return say(f"{text}.")
    text = f"{text}, or choose of the ranking:"
    return Reply(summary=text, blocks=(Text(markdown=text), Actions(actions=buttons)))


def _own_refusal(session: Session, meant: Meant, actor: Actor) -> MatchRow | None:
    """The row in which the caller has declined already."""
    rows = matches.history(session, meant.id, meant.target)
    return next(
        (
            row
            for row in rows
            if row.state == MatchState.DECLINED and matches.is_named(session, row, actor)
        ),
        None,
    )


def _turn_and_reason(rest: Sequence[str]) -> tuple[int | None, str]:
    """`2 too busy`: whom of those who were named it is about, and why."""
    if rest and rest[0].isdecimal() and len(rest[0]) == 1:
        return int(rest[0]), " ".join(rest[1:])
    return None, " ".join(rest)


def _reasons(row: MatchRow) -> tuple[str, ...]:
    ranking = matches.ranking_of(row)
    return next((one.reasons for one in ranking if one.key == row.person_key), ())


_CHOICES: Mapping[str, Callable[[Context, Meant], Awaitable[Reply]]] = {
    TAKE: _take,
    DECLINE: _decline,
    SUGGEST: _suggest,
    ASSIGN: assign,
}
