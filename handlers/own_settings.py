"""What people say of themselves with `config me`: how much at a time, when not, or never."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from zoneinfo import available_timezones

from sqlmodel import Session

from handlers import Context, Option, RepositoryWishes, UserError
from handlers.time_off import NO_DAY, absences_of, told
from jobs.messages import Fields, Heading, Reply, Text
from jobs.wording import code
from storage import availability, people, wishes
from storage.availability import CAPACITY, MATCHING, TIMEZONE, Absence, Own
from storage.clock import utc_now
from storage.ids import PersonId

Change = Callable[[Session], str]
"""Keeps something that was checked before; returns what holds now, as Markdown."""

AWAY = "away"
MOST_ITEMS = 50
OF_MATCHES = (CAPACITY, AWAY, MATCHING)
KEYS = (*OF_MATCHES, TIMEZONE)
OPTIONS = (
    Option(CAPACITY, f"How many matched items you take at a time, 0 to {MOST_ITEMS}."),
    Option(
        AWAY,
        "Days on which you are not named: `2026-12-01..2026-12-12`, `until friday`, `not "
        "2026-12-03`, `none`.",
    ),
    Option(MATCHING, "Whether `match` may name you at all.", choices=("on", availability.OFF)),
    Option(TIMEZONE, "Where your days are, as `Europe/Berlin`."),
)
"""Set by `config`, each for the one who says it."""
_BACK = re.compile(r"not\b\s*(.*)", re.IGNORECASE | re.DOTALL)
"""`not 2026-12-24`: there after all."""


async def change_of(context: Context, options: Mapping[str, str], key: str) -> Change:
    """What is to be kept under a key, checked, and not kept yet. Raises UserError where it cannot
    be read.
    """
    if key == AWAY:
        return await _change_away(context, options)
    value = options[key]
    checked = _CHECKED[key](value) if key in _CHECKED else value
    scope = f"person:{context.person}"

    def write(session: Session) -> str:
        wishes.put(session, scope, key, checked, utc_now())
        return _SAID_NOTHING if (key, checked) == (CAPACITY, "0") else _SAID[key].format(checked)

    return write


_SAID: Mapping[str, str] = {
    CAPACITY: "You are named while you hold fewer than {} matched items.",
    MATCHING: "`matching` is now `{}` for you.",
    TIMEZONE: "Your days are those of `{}`.",
}
_SAID_NOTHING = "You are not named while `capacity` is 0."


def unset(context: Context, key: str) -> Change:
    """Back to the default."""

    def forget(session: Session) -> str:
        if key == AWAY:
            availability.clear_absences(session, context.person)
        else:
            wishes.unset(session, f"person:{context.person}", key)
        return f"`{key}` is back to its default."

    return forget


def unknown(session: Session, context: Context) -> str:
    """That a history may not know them, where they have not linked an account of its host."""
    accounts = people.accounts_of(session, context.person)
    if any(one.platform == availability.HOST for one in accounts):
        return ""
    full = next((one.name for one in accounts if availability.full_name(one.name)), None)
    knows = (
        f"I know you in a repository only where its history has your full name, {code(full)}"
        if full
        else "I cannot tell who of a repository you are, and what you say here changes nothing "
        "there"
    )
    return (
        f"No GitHub account of yours is linked, so {knows}: `/gryph link github:YOUR-LOGIN`, in a "
        "direct message to me, says it."
    )


async def show(context: Context, others: tuple[tuple[str, str], ...]) -> Reply:
    """All that somebody said of themselves; `others` are wishes of theirs that are not of here."""

    def read(session: Session) -> tuple[Own, str]:
        return availability.of_person(session, context.person), unknown(session, context)

    own, hint = await context.database.read(read)
    zone = own.timezone or await _usual_zone(context)
    pairs = (
        *others,
        (CAPACITY, _capacity_told(own.capacity)),
        (AWAY, told(own.absences, utc_now())),
        (MATCHING, "off: you are never named" if own.is_out else "on"),
        (TIMEZONE, zone),
    )
    how = "`/gryph config me capacity=4 away=2026-12-01..2026-12-12 matching=off` changes it."
    title = "What you said of yourself"
    texts = tuple(Text(markdown=text) for text in (hint, how) if text)
    return Reply(summary=title, blocks=(Heading(text=title), Fields(pairs=pairs), *texts))


async def _change_away(context: Context, options: Mapping[str, str]) -> Change:
    now = utc_now()
    own = await context.database.read(lambda s: availability.of_person(s, context.person))
    kept = None if options.get("unset") == TIMEZONE else own.timezone
    said = _zone(options[TIMEZONE]) if TIMEZONE in options else kept
    zone = said or await _usual_zone(context)
    back = _BACK.fullmatch(options[AWAY].strip())
    days = back[1] if back else options[AWAY]
    absences = absences_of(days, now, zone) if days else ()
    if back and not absences:
        raise UserError(f"When are you there after all? `{AWAY}=not 2026-12-24`, for example.")

    def write(session: Session) -> str:
        if not absences:
            availability.clear_absences(session, context.person)
        had = [_kept(session, context.person, each, is_back=back is not None) for each in absences]
        left = told(availability.of_person(session, context.person).absences, now)
        text = "You are here; no day off is kept." if left == NO_DAY else f"You are away: {left}."
        if back and not any(had):
            text = f"On those days you were not away. {text}"
        return text

    return write


def _kept(session: Session, person: PersonId, days: Absence, *, is_back: bool) -> bool:
    """Add days off, or take them back; whether that changed anything."""
    if is_back:
        return availability.take_back(session, person, days)
    availability.add_absence(session, person, days)
    return True


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


def _capacity_told(capacity: int | None) -> str:
    if capacity is None:
        return "as much as comes"
    return f"{capacity}: you are not named" if capacity == 0 else str(capacity)


def _zone(value: str) -> str:
    found = _zones().get(value.casefold())
    if found is None:
        raise UserError(f"`{value}` is no time zone that I know: name it as `Europe/Berlin`.")
    return found


@cache
def _zones() -> Mapping[str, str]:
    """Every name, by how it may be typed."""
    return {name.casefold(): name for name in available_timezones()}


_CHECKED: Mapping[str, Callable[[str], str]] = {CAPACITY: _capacity, TIMEZONE: _zone}
"""How what is typed is read, where not any text of the choices will do."""
