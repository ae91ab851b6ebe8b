"""From many calls to few: a cover of what can be reached, made small, and steady."""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from engines.testing.budget import Budget
from engines.testing.javascript.calls import Call, Kept, Seen, Step
from engines.testing.javascript.jailed import Jail, Setting
from engines.testing.javascript.literals import smaller
from engines.testing.javascript.search import is_lively_text, outcome
from engines.testing.javascript.values import Values

SETTINGS = (
    Setting(random=1, clock_ms=0, zone="UTC"),
    Setting(random=97, clock_ms=40_000_000_000, zone="Asia/Kolkata"),
    Setting(random=4242, clock_ms=-31_000_000_000, zone="America/St_Johns"),
)
_MORE_PER_TARGET = 8
_PER_SHAPE = 3
_READABLE = 60
_CASES_PER_TARGET = 30
_SHRINK_ROUNDS = 12
_SHRINK_UNTIL = 0.75
_SHRINK_TRIES = 8
_FEW_SIGNS = 4
_FEW_CHANGES = 2


@dataclass(frozen=True)
class Chosen:
    """A call for a test, and the goals that it was chosen for."""

    one: Kept
    needed: frozenset[object] = frozenset()


def covering(kept: Sequence[Kept], owned: Mapping[str, frozenset[int]]) -> list[Chosen]:
    """A greedy cover of goals and outcomes, with a few calls more that have other results.

    `owned` are the goals inside each target: a target's own calls are to reach them, where they
    can, not calls of others that pass through.
    """
    by_target: dict[str, list[Kept]] = {}
    for one in kept:
        by_target.setdefault(one.call.target.key, []).append(one)
    chosen: dict[str, list[Chosen]] = {key: [] for key in by_target}
    covered: set[object] = set()
    everyone = frozenset(goal for goals in owned.values() for goal in goals)
    for key, ones in by_target.items():
        others = everyone - owned.get(key, frozenset())
        chosen[key] = _cover(ones, covered, others)
    for key, ones in by_target.items():
        taken = {id(item.one) for item in chosen[key]}
        rest = [one for one in ones if id(one) not in taken]
        chosen[key] += _cover(rest, covered, frozenset())
        chosen[key] += _more(rest, chosen[key])
    return [item for items in chosen.values() for item in items]


def _cover(ones: list[Kept], covered: set[object], others: frozenset[int]) -> list[Chosen]:
    """Adds what it reaches to `covered`, except for the goals of others."""
    pending = sorted(ones, key=lambda one: (not one.call.is_example, one.call.size))
    chosen: list[Chosen] = []
    ignored = covered | others
    while pending and len(chosen) < _CASES_PER_TARGET:
        best = max(
            pending,
            key=lambda one: (len(_sights(one) - ignored), one.call.is_example, -one.call.size),
        )
        fresh = _sights(best) - ignored
        if not fresh:
            break
        covered |= _sights(best)
        ignored |= fresh
        chosen.append(Chosen(best, frozenset(fresh)))
        pending.remove(best)
    return chosen


def _more(ones: list[Kept], chosen: list[Chosen]) -> list[Chosen]:
    """Calls with other results than those chosen."""
    texts = {item.one.seen.text for item in chosen}
    shapes = Counter(_shape(item.one) for item in chosen)
    room = min(_CASES_PER_TARGET - len(chosen), _MORE_PER_TARGET - _count_lively(chosen))
    found: list[Chosen] = []
    for one in sorted(ones, key=_dullness):
        if len(found) >= room:
            break
        shape = _shape(one)
        is_known = one.seen.text in texts or shapes[shape] >= _PER_SHAPE
        if _is_lively(one) and (not is_known or one.call.is_example):
            texts.add(one.seen.text)
            shapes[shape] += 1
            found.append(Chosen(one))
    return found


def _shape(one: Kept) -> tuple[bool, str]:
    """The result without its words and digits, and whether it only repeats an argument."""
    text = one.seen.text
    is_echo = text in one.call.text()
    return is_echo, "" if is_echo else re.sub(r"[^\W\d]+", "a", re.sub(r"\d+", "0", text))


def _dullness(one: Kept) -> tuple[bool, bool, int]:
    """Examples first, then what is short enough to read and shows many different signs."""
    return (not one.call.is_example, one.call.size > _READABLE, -_signs(one.seen.text))


def _count_lively(chosen: list[Chosen]) -> int:
    return sum(_is_lively(item.one) for item in chosen)


def _is_lively(one: Kept) -> bool:
    return one.seen.kind == "value" and is_lively_text(one.seen.text)


def _sights(one: Kept) -> set[object]:
    is_echo = one.seen.kind == "value" and one.seen.text in one.call.text()
    kind = ("echo",) if is_echo else outcome(one.seen)
    return {*one.seen.hits, (one.call.target.key, kind)}


def shrunken(jail: Jail, chosen: Sequence[Chosen], values: Values, budget: Budget) -> list[Kept]:
    """The same with less to read: each call keeps its outcome and the goals it was chosen for."""
    current = list(chosen)
    active = {place for place, item in enumerate(current) if not item.one.call.is_example}
    for _ in range(_SHRINK_ROUNDS):
        tries = [
            (place, call)
            for place in sorted(active)
            for call in _smaller(current[place].one.call, values)
            if call.is_typed_right() or not current[place].one.call.is_typed_right()
        ]
        if not tries or budget.spent_s > _SHRINK_UNTIL * budget.cpu_s:
            break
        found = jail.run([call for _, call in tries])
        improved: set[int] = set()
        for (place, call), seen in zip(tries, found, strict=True):
            if place not in improved and _is_as_good(current[place], seen):
                current[place] = replace(current[place], one=Kept(call, seen))
                improved.add(place)
        active = improved
    return list({item.one.call.text(): item.one for item in current}.values())


def _smaller(call: Call, values: Values) -> list[Call]:
    found = [
        replace(call, before=(*call.before[:place], *call.before[place + 1 :]))
        for place in range(1, len(call.before))
    ]
    if call.before:
        plain = values.plain_maker(call.before[0].target)
        if plain is not None and len(plain.source()) < len(call.before[0].source()):
            found.append(replace(call, before=(plain, *call.before[1:])))
    found += [replace(call, last=step) for step in _smaller_steps(call.last, _SHRINK_TRIES)]
    for number, step in enumerate(call.before):
        for less in _smaller_steps(step, 2):
            before = list(call.before)
            before[number] = less
            found.append(replace(call, before=tuple(before)))
    return found


def _smaller_steps(step: Step, tries: int) -> Iterator[Step]:
    """With fewer or simpler arguments."""
    if step.args:
        yield replace(step, args=step.args[:-1])
    for place in reversed(range(len(step.args))):
        for _, value in zip(range(tries), smaller(step.args[place]), strict=False):
            yield replace(step, args=(*step.args[:place], value, *step.args[place + 1 :]))


def _is_as_good(item: Chosen, new: Seen) -> bool:
    old = item.one.seen
    if outcome(old) != outcome(new):
        return False
    if not item.needed:
        return new.text == old.text and bool(new.state) == bool(old.state)
    if not {one for one in item.needed if isinstance(one, int)} <= new.hits:
        return False
    is_duller = is_lively_text(old.text) and (
        not is_lively_text(new.text) or _signs(new.text) < min(_FEW_SIGNS, _signs(old.text))
    )
    return not is_duller and bool(new.state) == bool(old.state)


def _signs(text: str) -> int:
    return len(set(text))


def stable(
    kept: Sequence[Kept], opened: Callable[[Setting], Jail], seed: int, settings: Sequence[Setting]
) -> list[Kept]:
    """What is the same in fresh processes: another order, time zone, clock and chance."""
    remaining = list(kept)
    for number, setting in enumerate(settings):
        order = list(range(len(remaining)))
        random.Random(seed + number).shuffle(order)  # noqa: S311 - an order, no secret
        with opened(setting) as jail:
            found = jail.run([remaining[place].call for place in order])
        again: Mapping[int, Seen] = dict(zip(order, found, strict=True))
        agreed = [_agreed(one, again[place]) for place, one in enumerate(remaining)]
        remaining = [one for one in agreed if one is not None]
    return remaining


def _agreed(one: Kept, again: Seen) -> Kept | None:
    first = one.seen
    if (first.kind, first.type, first.name, first.awaited) != (
        again.kind,
        again.type,
        again.name,
        again.awaited,
    ):
        return None
    if first.text != again.text or first.length != again.length:
        return None
    message = first.message if first.message == again.message else ""
    kept = replace(
        first,
        message=message,
        fields=tuple(pair for pair in first.fields if pair in again.fields),
        state=tuple(pair for pair in first.state if pair in again.state),
        changed=first.changed if first.changed == again.changed else (),
    )
    return Kept(one.call, kept)


def lively(kept: Sequence[Kept]) -> list[Kept]:
    """Without the targets of which nothing but `undefined` is ever seen."""
    seen = {one.call.target.key for one in kept if not _is_mute(one)}
    return [one for one in kept if one.call.target.key in seen]


def without_fields(one: Kept, hidden: frozenset[str]) -> Kept:
    """What a test may mention of an object."""
    seen = one.seen
    fields = tuple(pair for pair in seen.fields if pair[0] not in hidden)
    state = tuple(pair for pair in seen.state if pair[0] not in hidden)
    return Kept(one.call, replace(seen, fields=fields, state=state))


def with_few_changes(kept: Sequence[Kept]) -> list[Kept]:
    """Where calls return something, that they change an argument is shown a few times only."""
    shown: dict[str, int] = {}
    found: list[Kept] = []
    for one in kept:
        key = one.call.target.key
        if one.seen.changed and one.seen.text != "undefined":
            shown[key] = shown.get(key, 0) + 1
            if shown[key] > _FEW_CHANGES:
                one = Kept(one.call, replace(one.seen, changed=()))  # noqa: PLW2901 - the same one
        found.append(one)
    return found


def _is_mute(one: Kept) -> bool:
    return one.seen.text == "undefined" and not (one.seen.changed or one.seen.state)
