"""Drops what is not the same every time: other hash seeds, another order, another time zone."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from engines.testing.jailed import Jail
from engines.testing.observations import Observation, Result
from engines.testing.search import Kept

SETTINGS: tuple[Mapping[str, str], ...] = (
    {"PYTHONHASHSEED": "1", "TZ": "UTC"},
    {"PYTHONHASHSEED": "4242", "TZ": "Asia/Kolkata"},
    {"PYTHONHASHSEED": "77", "TZ": "America/St_Johns", "LC_ALL": "C.UTF-8"},
)


def stable(
    kept: Sequence[Kept],
    opened: Callable[[Mapping[str, str]], Jail],
    seed: int,
    every: Sequence[Mapping[str, str]] = SETTINGS,
) -> list[Kept]:
    """The calls whose outcome is the same in fresh processes, one under each of the settings.

    Each process runs all calls one after the other, shuffled, as a test run would, so that calls
    which depend on what ran before them are dropped too.
    """
    remaining = list(kept)
    for number, settings in enumerate(every):
        order = list(range(len(remaining)))
        random.Random(seed + number).shuffle(order)  # noqa: S311 - an order, no secret
        with opened(settings) as jail:
            results = jail.run([remaining[place].call for place in order], everything=True)
        again = dict(zip(order, results, strict=True))
        compared = [_agreed(one, again[place]) for place, one in enumerate(remaining)]
        remaining = [one for one in compared if one]
    return remaining


def _agreed(one: Kept, again: Result) -> Kept | None:
    """What both executions showed; None where they differ in kind.

    A call for which no time was left is taken at its word: its test is still run, several times.
    """
    first, second = one.result.observation, again.observation
    if second.kind == "skipped":
        return one
    if first.kind == "error":
        same = (second.kind, second.type) == (first.kind, first.type)
        message = first.message if first.message == second.message else ""
        observation = replace(first, message=message)
        return _with(one, observation) if same else None
    if first.type != second.type or second.kind == "error":
        return None
    if first.kind == "opaque":
        return one
    if first.kind != second.kind:
        return None
    weaker = _agreement(first, second)
    return _with(one, weaker) if weaker else None


def _agreement(first: Observation, second: Observation) -> Observation | None:
    common = replace(
        first,
        attributes=_common(first.attributes, second.attributes),
        before=_common(first.before, second.before),
        after=_common(first.after, second.after),
        printed=first.printed if first.printed == second.printed else None,
    )
    if first.text == second.text:
        return common
    if first.kind in {"value", "items", "sized"}:
        return replace(common, kind="opaque", text=None)
    return None


def _common(
    first: tuple[tuple[str, str], ...], second: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    other = set(second)
    return tuple(pair for pair in first if pair in other)


def _with(one: Kept, observation: Observation) -> Kept:
    return Kept(one.call, replace(one.result, observation=observation))
