"""Looks for calls that show something new, within a budget of processor time."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from engines.testing.budget import Budget
from engines.testing.javascript.calls import Call, Kept, Seen, Step, Target
from engines.testing.javascript.jailed import Jail
from engines.testing.javascript.values import Values
from engines.watch import Stopped, Watch

_SHARE = 0.6
_BATCH = 30
_STALE_CALLS = 6_000
_PER_SIGHT = 4
_EXAMPLES_PER_TARGET = 40
_NEAR_SHARE = 0.55
_RESULTS_PER_TARGET = 24
_DULL = re.compile(r"(?:''|\[\]|\{\}|undefined|null|NaN|0|true|false)\Z")


@dataclass
class _Course:
    """How the search of one target goes."""

    target: Target
    kept: list[Kept] = field(default_factory=list[Kept])
    sights: dict[object, int] = field(default_factory=dict[object, int])
    tried: set[str] = field(default_factory=set[str])
    results: set[str] = field(default_factory=set[str])
    weight: float = 1.0
    stale: int = 0

    def enough(self) -> frozenset[int]:
        """Goals that as many kept calls show as are wanted."""
        return frozenset(
            sight
            for sight, count in self.sights.items()
            if isinstance(sight, int) and count >= _PER_SIGHT
        )


class Search:
    """One search over all targets; the calls kept are what tests are chosen from."""

    def __init__(
        self, jail: Jail, values: Values, choices: random.Random, budget: Budget, watch: Watch, *,
        is_typed: bool,
    ) -> None:  # fmt: skip
        """Nothing runs yet; `is_typed`: a compiler will read the tests."""
        self._jail = jail
        self._values = values
        self._choices = choices
        self._budget = budget
        self._watch = watch
        self._is_typed = is_typed
        self.is_complete = False
        self.executed = 0

    def run(self, targets: Sequence[Target]) -> list[Kept]:
        """Search until the budget's share is spent or nothing new was seen for long.

        Raises:
            Stopped: the person cancelled and nothing was found.
        """
        if self._watch.stop_requested():
            raise Stopped
        courses = [_Course(target) for target in targets]
        for course in sorted(courses, key=lambda one: one.target.kind != "class"):
            self._execute(course, self._examples(course.target))
            if course.target.kind == "class":
                self._execute(course, self._batch(course, targets))
        while not self._is_over(courses):
            weights = [course.weight for course in courses]
            course = self._choices.choices(courses, weights)[0]
            self._execute(course, self._batch(course, targets))
            self._report(courses)
        self.executed = self._jail.executed
        kept = self._confirmed([one for course in courses for one in course.kept])
        if not kept and self._watch.stop_requested():
            raise Stopped
        return kept

    def _confirmed(self, kept: list[Kept]) -> list[Kept]:
        """With all that each reaches, and only those that show the same again."""
        again = self._jail.run([one.call for one in kept])
        return [
            Kept(one.call, seen)
            for one, seen in zip(kept, again, strict=True)
            if outcome(seen) == outcome(one.seen)
        ]

    def _is_over(self, courses: list[_Course]) -> bool:
        self.is_complete = all(course.stale > _STALE_CALLS for course in courses)
        is_spent = self._budget.spent_s > _SHARE * self._budget.cpu_s
        return self.is_complete or is_spent or self._watch.stop_requested()

    def _report(self, courses: list[_Course]) -> None:
        kept = sum(len(course.kept) for course in courses)
        done = 0.1 + 0.5 * min(1.0, self._budget.spent_s / self._budget.cpu_s)
        self._watch.report(f"{self._jail.executed:,} calls tried, {kept} worth keeping", done)

    def _examples(self, target: Target) -> list[Call]:
        """Calls as they are written in the README and in tests, and one without arguments."""
        lists = self._values.examples(target)[:_EXAMPLES_PER_TARGET]
        made = [Step(target, tuple(args)) for args in [*lists, []]]
        if target.owner is None:
            return [Call(step, is_example=bool(step.args)) for step in made]
        return [
            Call(step, self._values.fresh(target, ()).before) for step in made for _ in range(2)
        ]

    def _batch(self, course: _Course, targets: Sequence[Target]) -> list[Call]:
        siblings = [
            one
            for one in targets
            if one.owner is course.target.owner and one.owner is not None and one.kind == "method"
        ]
        calls: list[Call] = []
        for _ in range(_BATCH):
            if course.kept and self._choices.random() < _NEAR_SHARE:
                near = self._choices.choice(course.kept[-12:] + course.kept)
                calls.append(self._values.near(near.call, siblings))
            else:
                calls.append(self._values.fresh(course.target, siblings))
        return calls

    def _execute(self, course: _Course, calls: list[Call]) -> None:
        if self._is_typed:
            calls = [call for call in calls if call.is_typed_right()]
        fresh = {call.text(): call for call in calls if call.text() not in course.tried}
        course.tried.update(fresh)
        gained = False
        found = self._jail.run(list(fresh.values()), course.enough())
        for call, seen in zip(fresh.values(), found, strict=True):
            refused = seen.kind == "error" and seen.name == "TypeError"
            self._values.learn(call, is_refused=refused)
            if call.target.kind == "class" and seen.kind == "instance":
                self._values.add_maker(call.last)
            if seen.kind == "hang":
                course.weight *= 0.3
            gained = self._keep(course, Kept(call, seen)) or gained
        course.stale = 0 if gained else course.stale + _BATCH
        course.weight = max(0.05, min(4.0, course.weight * (1.5 if gained else 0.9)))

    def _keep(self, course: _Course, one: Kept) -> bool:
        """Keep what shows a goal or an outcome that few kept calls show; true for a first one."""
        if one.seen.kind in {"hang", "pending", "invalid", "unmade"}:
            return False
        sights: list[object] = [*one.seen.hits, outcome(one.seen)]
        counts = [course.sights.get(sight, 0) for sight in sights]
        is_lively = one.seen.kind == "value" and is_lively_text(one.seen.text)
        is_other = is_lively and one.seen.text not in course.results
        has_room = is_other and len(course.results) < _RESULTS_PER_TARGET
        if min(counts) >= _PER_SIGHT and not has_room:
            return False
        if is_other:
            course.results.add(one.seen.text)
        for sight in sights:
            course.sights[sight] = course.sights.get(sight, 0) + 1
        course.kept.append(one)
        return min(counts) == 0


def is_lively_text(text: str) -> bool:
    """Whether a result, as source, says something about the input."""
    return bool(text) and not _DULL.match(text)


def outcome(seen: Seen) -> tuple[str, ...]:
    """What kind of outcome it was: calls with another one are worth a test of their own."""
    match seen.kind:
        case "error":
            place = str(seen.frames[0][1]) if seen.frames else ""
            return ("error", seen.name or "", place)
        case "value":
            is_plain = seen.text in {"true", "false", "null", "undefined", "''", "[]", "{}", "NaN"}
            return ("value", seen.type, seen.text if is_plain else "")
        case _:
            return (seen.kind, seen.type)
