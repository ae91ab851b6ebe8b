"""Looks for calls that show something new, and keeps the fewest that show the most."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from engines.testing.budget import Budget
from engines.testing.java.jailed import Kept, Seen, Session
from engines.testing.java.reading import Target
from engines.testing.java.values import Call, Step, Values, smaller
from engines.watch import Stopped, Watch

_BATCH = 60
_PER_TARGET = 12
_SHARE = 0.5
_STALE_CALLS = 3_000
_PER_SIGHT = 3
_EXAMPLES = 24
_NEAR_SHARE = 0.5
_MORE_PER_TARGET = 5
_RESULTS_PER_TARGET = 16
_SHRINK_ROUNDS = 4
_SHRINK_TRIES = 6
_DULL = re.compile(r'(?:""|null|true|false|0L?|0\.0|.*\.of\(\)|new \w+\[\] \{\})\Z')


@dataclass
class _Course:
    """How the search of one target goes."""

    target: Target
    kept: list[Kept] = field(default_factory=list[Kept])
    sights: dict[object, int] = field(default_factory=dict[object, int])
    results: set[str] = field(default_factory=set[str])
    tried: set[str] = field(default_factory=set[str])
    weight: float = 1.0
    stale: int = 0


class Search:
    """One search over all targets."""

    def __init__(
        self, session: Session, values: Values, choices: random.Random, budget: Budget, watch: Watch
    ) -> None:
        """Nothing runs yet."""
        self._session = session
        self._values = values
        self._choices = choices
        self._budget = budget
        self._watch = watch
        self.is_complete = False

    def run(self, targets: Sequence[Target]) -> list[Kept]:
        """Search until the budget's share is spent or nothing new was seen for long.

        Raises:
            Stopped: the person cancelled and nothing was found.
        """
        if self._watch.stop_requested():
            raise Stopped
        courses = [_Course(one) for one in targets if self._values.can_call(one)]
        ordered = sorted(courses, key=lambda one: not one.target.is_constructor)
        for start in range(0, len(ordered), 8):
            part = ordered[start : start + 8]
            self._execute([(one, call) for one in part for call in self._first(one, targets)])
        while courses and not self._is_over(courses):
            weights = [one.weight for one in courses]
            chosen = self._choices.choices(courses, weights, k=_BATCH // _PER_TARGET)
            pairs = [(one, call) for one in chosen for call in self._batch(one, targets)]
            self._execute(pairs)
            kept = sum(len(one.kept) for one in courses)
            done = 0.1 + 0.5 * min(1.0, self._budget.spent_s / self._budget.cpu_s)
            said = f"{self._session.executed:,} calls tried, {kept} worth keeping"
            self._watch.report(said, done)
        return [one for course in courses for one in course.kept]

    def _is_over(self, courses: list[_Course]) -> bool:
        self.is_complete = all(one.stale > _STALE_CALLS for one in courses)
        is_spent = self._budget.spent_s > _SHARE * self._budget.cpu_s
        return self.is_complete or is_spent or self._watch.stop_requested()

    def _first(self, course: _Course, targets: Sequence[Target]) -> list[Call]:
        examples = list(self._values.examples(course.target))[:_EXAMPLES]
        return [*examples, *self._batch(course, targets)]

    def _batch(self, course: _Course, targets: Sequence[Target]) -> list[Call]:
        target = course.target
        siblings = [one for one in targets if one.owner == target.owner and not one.is_static]
        calls: list[Call] = []
        for _ in range(_PER_TARGET):
            if course.kept and self._choices.random() < _NEAR_SHARE:
                calls.append(self._values.near(self._choices.choice(course.kept).call))
            else:
                calls.append(self._values.fresh(target, siblings))
        return calls

    def _execute(self, pairs: list[tuple[_Course, Call]]) -> None:
        fresh: list[tuple[_Course, Call]] = []
        for course, call in pairs:
            course.stale += 1
            if call.text() not in course.tried:
                course.tried.add(call.text())
                fresh.append((course, call))
        found = self._session.run([call for _, call in fresh])
        for (course, call), seen in zip(fresh, found, strict=True):
            if call.target.is_constructor and seen.kind == "instance":
                self._values.add_maker(call.last)
            is_new = self._keep(course, Kept(call, seen))
            course.stale = 0 if is_new else course.stale
            course.weight = max(0.1, min(4.0, course.weight * (1.3 if is_new else 0.99)))

    def _keep(self, course: _Course, one: Kept) -> bool:
        """Keep what shows something that few kept calls show; true for a first one."""
        if one.seen.kind in {"hang", "unmade"}:
            return False
        sights: list[object] = [*one.seen.hits, outcome(one.seen)]
        counts = [course.sights.get(sight, 0) for sight in sights]
        is_other = is_lively(one) and one.seen.text not in course.results
        has_room = is_other and len(course.results) < _RESULTS_PER_TARGET
        if min(counts) >= _PER_SIGHT and not has_room:
            return False
        if is_other:
            course.results.add(one.seen.text)
        for sight in sights:
            course.sights[sight] = course.sights.get(sight, 0) + 1
        course.kept.append(one)
        return min(counts) == 0


def outcome(seen: Seen) -> tuple[str, ...]:
    """What kind of outcome it was."""
    if seen.kind == "error":
        return ("error", seen.type, str(seen.frames[0][1]) if seen.frames else "")
    return (seen.kind, seen.type, seen.text if _DULL.match(seen.text) else "")


def is_lively(one: Kept) -> bool:
    """Whether a result says something about the input."""
    return one.seen.kind == "value" and not _DULL.match(one.seen.text)


@dataclass(frozen=True)
class Chosen:
    """A call for a test, and the goals that it was chosen for."""

    one: Kept
    needed: frozenset[object] = frozenset()


def covering(kept: Sequence[Kept], owned: Mapping[str, frozenset[int]]) -> list[Chosen]:
    """A greedy cover of goals and outcomes, each target's own goals first, and a few calls more."""
    by_target: dict[str, list[Kept]] = {}
    for one in kept:
        by_target.setdefault(one.call.target.key, []).append(one)
    covered: set[object] = set()
    everyone = frozenset(goal for goals in owned.values() for goal in goals)
    chosen: dict[str, list[Chosen]] = {}
    for key, ones in by_target.items():
        chosen[key] = _cover(ones, covered, everyone - owned.get(key, frozenset()))
    for key, ones in by_target.items():
        taken = {id(item.one) for item in chosen[key]}
        rest = [one for one in ones if id(one) not in taken]
        chosen[key] += _cover(rest, covered, frozenset())
        chosen[key] += _more(rest, chosen[key])
    return [item for items in chosen.values() for item in items]


def _cover(ones: list[Kept], covered: set[object], others: frozenset[int]) -> list[Chosen]:
    pending, chosen, ignored = list(ones), list[Chosen](), covered | others
    while pending:
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
    echoes = sum(_is_echo(item.one) for item in chosen)
    room = _MORE_PER_TARGET - sum(is_lively(item.one) for item in chosen)
    found: list[Chosen] = []
    for one in sorted(ones, key=lambda item: (not item.call.is_example, item.call.size)):
        is_dull = one.seen.text in texts or (_is_echo(one) and echoes > 0)
        if len(found) < room and is_lively(one) and not is_dull:
            echoes += _is_echo(one)
            texts.add(one.seen.text)
            found.append(Chosen(one))
    return found


def _is_echo(one: Kept) -> bool:
    return one.seen.text in one.call.text()


def _sights(one: Kept) -> set[object]:
    is_echo = one.seen.kind == "value" and _is_echo(one)
    return {*one.seen.hits, (one.call.target.key, ("echo",) if is_echo else outcome(one.seen))}


def shrunken(session: Session, chosen: Sequence[Chosen], budget: Budget) -> list[Kept]:
    """The same with less to read: each call keeps its outcome and the goals it was chosen for."""
    current = list(chosen)
    active = {place for place, item in enumerate(current) if not item.one.call.is_example}
    for _ in range(_SHRINK_ROUNDS):
        tries = [
            (place, call) for place in sorted(active) for call in _smaller(current[place].one.call)
        ]
        if not tries or budget.spent_s > (1 - _SHARE / 2) * budget.cpu_s:
            break
        found = session.run([call for _, call in tries])
        improved: set[int] = set()
        for (place, call), seen in zip(tries, found, strict=True):
            if place not in improved and _is_as_good(current[place], seen):
                current[place] = replace(current[place], one=Kept(call, seen))
                improved.add(place)
        active = improved
    return list({item.one.call.text(): item.one for item in current}.values())


def _smaller(call: Call) -> list[Call]:
    found = [
        replace(call, steps=(*call.steps[:place], *call.steps[place + 1 :]))
        for place in range(len(call.steps))
    ]
    for place, value in enumerate(call.last.args):
        for _, less in zip(range(_SHRINK_TRIES), smaller(value), strict=False):
            args = (*call.last.args[:place], less, *call.last.args[place + 1 :])
            found.append(replace(call, last=Step(call.target, args)))
    if isinstance(call.maker, Step):
        for place, value in enumerate(call.maker.args):
            for _, less in zip(range(2), smaller(value), strict=False):
                args = (*call.maker.args[:place], less, *call.maker.args[place + 1 :])
                found.append(replace(call, maker=Step(call.maker.target, args)))
    return found


def _is_as_good(item: Chosen, new: Seen) -> bool:
    old = item.one.seen
    if outcome(old) != outcome(new) or bool(old.state) != bool(new.state):
        return False
    if not item.needed:
        return new.text == old.text
    is_poorer = len(set(new.text)) < min(5, len(set(old.text)))
    return {one for one in item.needed if isinstance(one, int)} <= new.hits and not is_poorer
