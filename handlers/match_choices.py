"""What people decide about a match: take it, decline it, suggest somebody, have it assigned.

Each of these is said of one task of one job, and saying it again changes nothing: a decision is
about whoever was named when it was made, never about who was named next.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session

from handlers import Call, Context, Outcome, UserError
from handlers.match_assign import assign, given_up, has_it, name, require_other, require_say
from handlers.match_meant import Meant, actor_in, match_meant, reply, still_there, who
from handlers.match_people import person_meant, warnings_of
from jobs.match_buttons import ASSIGN, AWAY, BUSY, DECLINE, NOT_MINE, SUGGEST, TAKE, VERB
from jobs.messages import Action, Actions, Block, Reply, Suggestion, Text, say
from jobs.wording import one_line, plain
from storage import matches
from storage.clock import utc_now
from storage.ids import JobId, as_job_id
from storage.matches import HELD, Actor, MatchState
from storage.tables.matching import MatchRow

REASONS = {BUSY: "too busy", AWAY: "away", NOT_MINE: "not my area"}
"""What a button says, by the word that stands for it."""
OFFERED = 4
"""People who are offered as buttons."""
_LABEL = 60
_TURN = re.compile(r"[1-9][0-9]?", re.ASCII)
_SPAN = re.compile(r"(?:hour|day|week|month)s?\b", re.IGNORECASE)


@dataclass(frozen=True)
class _Refusal:
    """Somebody does not, or is not to, do it."""

    declined: MatchRow
    after: MatchRow | None
    """Who is named now; None where nobody is left."""
    is_own: bool = False
    """Whether they said so themselves."""
    was_assigned: bool = False
    """Whether the code host has been told to give it to them."""


async def chosen(context: Context, call: Call) -> Outcome | None:
    """The answer to a decision (`take J7K2M9Q`, or `J7K2M9Q take` as buttons spell it); None where
    the call is none.

    Raises:
        UserError: It names no match that the caller may know of, or it cannot be.
    """
    first, *rest = call.words or ("",)
    job = _job(first)
    is_pressed = bool(job and rest)
    if is_pressed:  # as buttons spell it
        first, *rest = rest
    choice = _CHOICES.get(first.casefold())
    if choice is None:
        return None
    if job is None and rest and (job := _job(rest[0])):
        del rest[0]
    meant = await match_meant(context, first.casefold(), job, rest)
    return await choice(context, replace(meant, is_pressed=is_pressed))


def _job(word: str) -> JobId | None:
    return as_job_id(word.rstrip(",:"))


async def _take(context: Context, meant: Meant) -> Reply:
    """The caller does it."""

    def write(session: Session) -> tuple[str, MatchRow]:
        matches.hold_everywhere(session, meant.repository, meant.target)
        row, actor = meant.held(session), actor_in(session, context)
        require_other(meant, row, matches.as_named(session, row, actor), *actor.logins)
        _require_free(session, meant, row, actor)
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


def _require_free(session: Session, meant: Meant, row: MatchRow, actor: Actor) -> None:
    """Let nobody take what somebody else has. Raises UserError."""
    holder = row if row.state in HELD else None
    if holder is None and not matches.is_of_many(meant.target):
        holder = matches.holder(session, meant.repository, meant.target, row.mode, utc_now())
    if holder is not None and not matches.is_named(session, holder, actor):
        raise has_it(meant, holder)


async def _decline(context: Context, meant: Meant) -> Reply:
    """Whoever is named does not do it, by their own word or that of somebody who may say so."""

    def write(session: Session) -> _Refusal:
        everywhere = matches.hold_everywhere(session, meant.repository, meant.target)
        row, actor = meant.held(session), actor_in(session, context)
        own = _own_refusal(session, meant, actor)
        turn, reason = _turn_and_reason(meant.rest, row.turn)
        is_named = matches.is_named(session, row, actor)
        if own is not None and (not is_named or row.state == MatchState.DECLINED):
            if reason:
                matches.add_reason(session, own, reason)
            return _Refusal(own, row, is_own=True)
        if not is_named:
            require_say(context, meant, row)
            at = turn or (1 if meant.is_pressed else row.turn)
            if earlier := _earlier(session, meant, row, at):
                if reason and earlier.decided_by == context.person:
                    matches.add_reason(session, earlier, reason)
                return _Refusal(earlier, row)
        was_assigned = row.state == MatchState.ASSIGNED
        after = matches.decline(session, row, actor, reason, utc_now())
        for other in _theirs(session, row, everywhere, actor) if is_named else ():
            matches.decline(session, other, actor, reason, utc_now())
        return _Refusal(row, after, is_own=is_named, was_assigned=was_assigned)

    return _declined(meant, await context.database.write(write))


def _theirs(
    session: Session, row: MatchRow, everywhere: Sequence[MatchRow], actor: Actor
) -> list[MatchRow]:
    """Where else they have the same task, by other answers."""
    return [
        one
        for one in everywhere
        if one.job_id != row.job_id
        and (one.mode, one.finished_at) == (row.mode, None)
        and one.state in HELD
        and matches.is_named(session, one, actor)
    ]


def _earlier(session: Session, meant: Meant, row: MatchRow, at: int) -> MatchRow | None:
    """About whom a refusal is that is not about who is named now; None where it is.

    Raises:
        UserError: Nobody had that turn.
    """
    if at > row.turn:
        raise UserError(f"Nobody was named as number {at} for {meant.shown} so far.")
    is_now = at == row.turn and row.state != MatchState.DECLINED
    return None if is_now else matches.at_turn(session, row, at)


def _declined(meant: Meant, refusal: _Refusal) -> Reply:
    declined, after = refusal.declined, refusal.after
    is_own = refusal.is_own
    text = f"{_refused(refusal)} "
    blocks: list[Block] = []
    if after is None or after.state == MatchState.DECLINED:
        text += "Nobody else of the ranking is left: say who could do it, "
        text += f"`/gryph match {SUGGEST} {meant.id} @somebody`."
    elif after.state in HELD:
        text += f"{who(after)} has {meant.shown} now."
    else:
        text += f"Now named for {meant.shown}: **{plain(after.name)}**."
        reasons = "\n".join(f"- {reason}" for reason in _reasons(after))
        blocks += [Text(markdown=reasons)] if reasons else []
        blocks.append(Actions(actions=meant.buttons(after)))
    if is_own and not declined.reason:
        task = f"{meant.task} ".lstrip()
        whys = (
            Action(verb=VERB, label=f"Why: {label}", job=meant.id, words=f"{DECLINE} {task}{word}")
            for word, label in REASONS.items()
        )
        blocks.append(Actions(actions=tuple(whys)))
    return reply(text, *blocks)


def _refused(refusal: _Refusal) -> str:
    """What became of whom it is about."""
    declined, after = refusal.declined, refusal.after
    if declined.state != MatchState.DECLINED:
        return f"{who(declined)} is not named any more."
    why = f" ({plain(declined.reason, 120)})" if declined.reason else ""
    is_back = (
        after is not None
        and after.state != MatchState.DECLINED
        and after.person_key == declined.person_key
    )
    if is_back:
        did = "declined before" if refusal.is_own else "was passed over before"
    else:
        did = "passes" if refusal.is_own else "is passed over"
    there = f" {still_there(declined)}" if refusal.was_assigned else ""
    return f"{who(declined)} {did}{why}.{there}"


async def _suggest(context: Context, meant: Meant) -> Reply:
    """Somebody else is named, whatever the ranking says."""
    row = await context.database.read(meant.current)
    if not meant.rest:
        return await _offer(context, meant, row)
    someone = await person_meant(context, row, " ".join(meant.rest))
    warned, left = await warnings_of(context, row, someone), given_up(row, someone)
    row = await context.database.write(lambda s: name(s, context, meant, someone))
    said = (f"{who(row)} is named for {meant.shown} now.", warned, left)
    return reply(" ".join(filter(None, said)), Actions(actions=meant.buttons(row)))


async def _offer(context: Context, meant: Meant, row: MatchRow) -> Reply:
    """Whom the caller may suggest."""
    rest = await context.database.read(lambda s: matches.left(s, row, utc_now()))
    task = f"{meant.task} ".lstrip()
    places = {one.key: place for place, one in enumerate(matches.ranking_of(row), 1)}
    buttons = tuple(
        Suggestion(
            line=f"{VERB} {SUGGEST} {meant.id} {task}{places[one.key]}",
            label=one_line(one.name, _LABEL),
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


def _turn_and_reason(rest: Sequence[str], turns: int) -> tuple[int | None, str]:
    """Whom of those who were named it is about (`2`, as buttons say it, `2 too busy`), and why
    (`2 weeks off`); without a number it is about who is named now, a first button about the first.
    """
    said = " ".join(rest)
    first, _, why = said.partition(" ")
    is_turn = _TURN.fullmatch(first) is not None
    if is_turn and (not why or (turns > 1 and int(first) <= turns and not _SPAN.match(why))):
        return int(first), why
    return None, said


def _reasons(row: MatchRow) -> tuple[str, ...]:
    ranking = matches.ranking_of(row)
    return next((one.reasons for one in ranking if one.key == row.person_key), ())


_CHOICES: Mapping[str, Callable[[Context, Meant], Awaitable[Reply]]] = {
    TAKE: _take,
    DECLINE: _decline,
    SUGGEST: _suggest,
    ASSIGN: assign,
}
