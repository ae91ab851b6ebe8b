"""Chooses the few differences that tell a person most, and puts them into words."""

from collections.abc import Iterable, Sequence

from engines.testing.behaviour.exploration import Found
from engines.testing.behaviour.sights import RESULT, Sight
from engines.testing.behaviour.types import Change

_PER_FUNCTION = 3
_TEXT_LIMIT_CHARS = 300
_SHORT_CHARS = 80
_ORDER = tuple(Change)


def most_telling(found: Sequence[tuple[str, Found]], count: int) -> list[tuple[str, Found]]:
    """At most `count` for each function: one of every kind first, then others, cheapest first."""
    chosen: list[tuple[str, Found]] = []
    groups: dict[str, list[Found]] = {}
    for function, one in found:
        groups.setdefault(function, []).append(one)
    for function, group in groups.items():
        chosen.extend((function, one) for one in _varied(group)[:count])
    return chosen


def _varied(group: Iterable[Found]) -> list[Found]:
    ordered = sorted(group, key=lambda one: one.cost)
    doubt = ordered[0].cost[0] + 1
    ordered = [one for one in ordered if one.cost[0] <= max(doubt, 1)]
    kinds: set[object] = set()
    results: set[object] = set()
    errors: set[str] = set()
    first: list[Found] = []
    second: list[Found] = []
    for one in ordered:
        result = (told(one.base), told(one.head))
        if one.divergence.change not in kinds:
            kinds.add(one.divergence.change)
            first.append(one)
        elif (
            result not in results
            and not errors.issuperset(_errors(one) or {""})
            and one.divergence.change is not Change.NEVER_ENDS
            and _is_short(one, first)
        ):
            second.append(one)
        results.add(result)
        errors |= _errors(one)
    first.sort(key=lambda one: (one.cost[0], _ORDER.index(one.divergence.change)))
    return [*first, *second]


def _errors(one: Found) -> set[str]:
    """What is raised on either side: one call that shows it is enough."""
    return {told(side) for side in (one.base, one.head) if side.is_error}


def _is_short(one: Found, first: Sequence[Found]) -> bool:
    """Whether reading one more call is worth it after the first ones."""
    longest = max(len(other.question.shown) for other in first)
    return len(one.question.shown) <= max(_SHORT_CHARS, 2 * longest)


def told_of_head(one: Found) -> str:
    """What came out on the head; where that varies, that it does."""
    return f"not the same every time, once {told(one.head)}" if one.is_erratic else told(one.head)


def told(sight: Sight) -> str:
    """What came out of a call, for a person."""
    match sight.kind:
        case "error" if sight.error == "NameError" and sight.is_outside:
            missing = sight.message.partition("'")[2].partition("'")[0]
            return f"raises ImportError: cannot import name '{missing}'"
        case "error":
            message = f": {sight.message}" if sight.message else ""
            return _cut(f"raises {sight.error}{message}")
        case "hang":
            return "does not end"
        case "killed":
            return "ends the process"
        case _:
            pass
    text = sight.views.get(RESULT)
    if text is not None:
        return _cut(text)
    listed = sight.views.get(f"list({RESULT})")
    if listed is not None and sight.kind != "object":
        return _cut(f"an iterator of {listed}")
    name = sight.type.rpartition(":")[2].rpartition(".")[2].lstrip("_") or "object"
    return f"an object of type {name}"


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT_LIMIT_CHARS else text[: _TEXT_LIMIT_CHARS - 3] + "..."
