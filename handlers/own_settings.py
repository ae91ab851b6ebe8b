"""What people say of themselves with `config me`: how much at a time, when not, or never."""

from collections.abc import Mapping
from functools import cache
from zoneinfo import available_timezones

from sqlmodel import Session

from handlers import Context, Option, RepositoryWishes, UserError
from handlers.time_off import absences_of, told
from jobs.messages import Fields, Heading, Reply, Text
from storage import availability, wishes
from storage.availability import CAPACITY, MATCHING, TIMEZONE, Own
from storage.clock import utc_now

AWAY = "away"
MOST_ITEMS = 50
KEYS = (CAPACITY, AWAY, MATCHING, TIMEZONE)
OPTIONS = (
    Option(CAPACITY, f"How many matched items you take at a time, 0 to {MOST_ITEMS}."),
    Option(
        AWAY, "Days on which you are not named: `2026-12-01..2026-12-12`, `until friday`, `none`."
    ),
    Option(MATCHING, "Whether `match` may name you at all.", choices=("on", availability.OFF)),
    Option(TIMEZONE, "Where your days are, as `Europe/Berlin`."),
)
"""Set by `config`, each for the one who says it."""


async def put(context: Context, key: str, value: str) -> str:
    """Keep it; returns what holds now, as Markdown. Raises UserError where it cannot be read."""
    if key == AWAY:
        return await _put_away(context, value)
    checked = _capacity(value) if key == CAPACITY else value
    if key == TIMEZONE:
        checked = _zone(value)
    scope = f"person:{context.person}"
    await context.database.write(lambda s: wishes.put(s, scope, key, checked, utc_now()))
    return _SAID[key].format(checked)


_SAID: Mapping[str, str] = {
    CAPACITY: "You are named while you hold fewer than {} matched items.",
    MATCHING: "`matching` is now `{}` for you.",
    TIMEZONE: "Your days are those of `{}`.",
}


async def unset(context: Context, key: str) -> str:
    """Back to the default."""

    def forget(session: Session) -> None:
        if key == AWAY:
            availability.clear_absences(session, context.person)
        else:
            wishes.unset(session, f"person:{context.person}", key)

    await context.database.write(forget)
    return f"`{key}` is back to its default."


async def show(context: Context, others: tuple[tuple[str, str], ...]) -> Reply:
    """All that somebody said of themselves; `others` are wishes of theirs that are not of here."""
    own = await context.database.read(lambda s: availability.of_person(s, context.person))
    zone = own.timezone or await _usual_zone(context)
    pairs = (
        *others,
        (CAPACITY, "as much as comes" if own.capacity is None else str(own.capacity)),
        (AWAY, told(own.absences, utc_now())),
        (MATCHING, "off: you are never named" if own.is_out else "on"),
        (TIMEZONE, zone),
    )
    how = "`/gryph config me capacity=4 away=2026-12-01..2026-12-12 matching=off` changes it."
    blocks = (Heading(text="What you said of yourself"), Fields(pairs=pairs), Text(markdown=how))
    return Reply(summary="What you said of yourself", blocks=blocks)


async def _put_away(context: Context, value: str) -> str:
    now = utc_now()
    own = await context.database.read(lambda s: availability.of_person(s, context.person))
    zone = own.timezone or await _usual_zone(context)
    absences = absences_of(value, now, zone)

    def write(session: Session) -> Own:
        if not absences:
            availability.clear_absences(session, context.person)
        for each in absences:
            availability.add_absence(session, context.person, each)
        return availability.of_person(session, context.person)

    said = told((await context.database.write(write)).absences, now)
    return f"You are away: {said}." if absences else "You are here; no day off is kept."


async def _usual_zone(context: Context) -> str:
    """The time zone of the repository that is meant here, where it is known."""
    repository = context.standing.repository
    wished = await context.wished(repository) if repository else RepositoryWishes()
    named = wished.timezone or "UTC"
    return _zones().get(named.casefold(), "UTC")


def _capacity(value: str) -> str:
    if not value.isdecimal() or int(value) > MOST_ITEMS:
        raise UserError(
            f"`capacity={value}`: give a whole number from 0 to {MOST_ITEMS}, "
            "for example `capacity=4`."
        )
    return str(int(value))


def _zone(value: str) -> str:
    found = _zones().get(value.casefold())
    if found is None:
        raise UserError(f"`{value}` is no time zone that I know: name it as `Europe/Berlin`.")
    return found


@cache
def _zones() -> Mapping[str, str]:
    """Every name, by how it may be typed."""
    return {name.casefold(): name for name in available_timezones()}
