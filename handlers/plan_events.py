"""What has happened to a plan, read from a person's words: `ana away 2026-12-07..2026-12-11`."""

import re
from collections.abc import Iterator, Sequence
from datetime import date

from handlers import UserError
from jobs.requests import Adds, Away, Finished, Joins, Pins, PlanEvent, Takes

MOST = 20
"""Events of one command."""
FORMS = (
    "`ana away 2026-12-07..2026-12-11`, `ana sick 2d`, `API takes 5d`, `API late 3d`, "
    "`API done 2026-12-04`, `API @ana`, `add carl (backend:2)` or "
    '`add "Hotfix" (1d, backend:2) due 2026-12-09`'
)
_ABSENT = frozenset({"away", "sick", "off", "ill"})
_SIZE = frozenset({"takes", "needs"})
_LATE = frozenset({"late", "slips"})
_ENDED = frozenset({"done", "finished"})
_KEYWORDS = _ABSENT | _SIZE | _LATE | _ENDED
_AMOUNT = re.compile(r"(\d{1,4}(?:\.\d{1,2})?)\s*(min|m|h|d|w)", re.IGNORECASE)
_DATES = re.compile(r"(\d{4}-\d\d-\d\d)(?:\s*(?:\.{2,3}|…|\u2013|to|until)\s*(\d{4}-\d\d-\d\d))?")
_HAS_AMOUNT = re.compile(r"[(,]\s*\d[\d.]*\s*(min|m|h|d|w)\b", re.IGNORECASE)


def events_of(words: Sequence[str]) -> tuple[PlanEvent, ...]:
    """The events that the words name, parted by commas.

    Raises:
        UserError: They name none, or something that is none.
    """
    events = tuple(_event(part) for part in _parted(words))
    if not events:
        raise UserError(f"What has happened? Say it like {FORMS}.")
    if len(events) > MOST:
        raise UserError(f"One command tells at most {MOST} events; these are {len(events)}.")
    return events


def pins_of(words: Sequence[str]) -> tuple[PlanEvent, ...]:
    """The tasks that only one person may do, each followed by that person.

    Raises:
        UserError: The words name none.
    """
    pins: list[PlanEvent] = []
    for part in _parted(words):
        name = _named(part[:-1])
        if not name:
            raise UserError("Pin which task to whom? `/gryph plan pin API @ana`.")
        pins.append(Pins(task=name, person=_person(part[-1:])))
    if not pins:
        raise UserError("Pin which task to whom? `/gryph plan pin API @ana`.")
    return tuple(pins)


def _parted(words: Sequence[str]) -> Iterator[list[str]]:
    """The words of each event; a comma within parentheses parts nothing."""
    part: list[str] = []
    depth = 0
    for word in words:
        depth = max(0, depth + word.count("(") - word.count(")"))
        bare = word if depth else word.rstrip(",;").rstrip(".")
        part += [bare] if bare else []
        if bare != word and part:
            yield part
            part = []
    if part:
        yield part


def _event(part: Sequence[str]) -> PlanEvent:
    if part[0].casefold() == "add":
        return _added(part[1:])
    at = next((i for i, word in enumerate(part) if i and word.casefold() in _KEYWORDS), None)
    if at is not None:
        return _told(_named(part[:at]), part[at].casefold(), " ".join(part[at + 1 :]))
    if len(part) > 1 and part[-1].startswith("@"):
        return Pins(task=_named(part[:-1]), person=_person(part[-1:]))
    raise UserError(f"I do not understand `{_shown(part)}`. I know {FORMS}.")


def _told(who: str, keyword: str, rest: str) -> PlanEvent:
    rest = rest.strip()
    if keyword in _ABSENT:
        return _away(who, keyword, rest)
    if keyword in _ENDED:
        return Finished(task=who, on=_date(rest.removeprefix("on ")) if rest else None)
    late = keyword in _LATE
    return Takes(task=who, amount=_amount(rest.removeprefix("by "), f"{who} {keyword}"), late=late)


def _away(who: str, keyword: str, rest: str) -> Away:
    person = _person([who])
    dates = _DATES.fullmatch(rest)
    if dates is None:
        return Away(person=person, amount=_amount(rest, f"{who} {keyword}"))
    first = _date(dates[1])
    last = _date(dates[2]) if dates[2] else first
    if last < first:
        raise UserError(f"`{rest}`: the last day, {last}, is before the first, {first}.")
    return Away(person=person, first=first, last=last)


def _added(part: Sequence[str]) -> Joins | Adds:
    """Somebody with skills, or a task: that has a duration in its parentheses."""
    at = next((i for i, word in enumerate(part) if word.startswith("(")), len(part))
    name, rest = _named(part[:at]), " ".join(part[at:])
    if not name:
        raise UserError(
            "Add whom, or what? `add carl (backend:2)` adds a person, "
            '`add "Hotfix" (1d, backend:2)` a task.'
        )
    if _HAS_AMOUNT.search(rest):
        return Adds(title=name, rest=rest)
    if rest and not rest.endswith(")"):
        raise UserError(f"`{_shown(part)}`: a task needs its duration, `add {name} (1d)`.")
    return Joins(person=_person([name]), skills=rest.strip("()").strip())


def _named(words: Sequence[str]) -> str:
    return " ".join(words).strip()


def _person(words: Sequence[str]) -> str:
    name = _named(words).removeprefix("@")
    if not name:
        raise UserError("Who? A person's name is missing.")
    return name


def _amount(text: str, before: str) -> str:
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise UserError(
            f"`{before} {text}`".replace(" `", "`") + ": how long? Say `4h`, `2d` or `1w`."
        )
    return f"{found[1]}{found[2].lower()}"


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise UserError(f"`{_shown([text])}` is no date; write it like `2026-12-07`.") from error


def _shown(words: Sequence[str]) -> str:
    return _named(words).replace("`", "'")[:120]
