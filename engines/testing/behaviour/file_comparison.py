"""Compares the two versions of one file: calls, confirmed differences, how much was exercised."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from engines.source.mentions import literals_of
from engines.source.module import Module
from engines.testing.behaviour.attribution import Attribution
from engines.testing.behaviour.changes import Changes
from engines.testing.behaviour.confirmation import FRESH_PAIRS, Confirmation, Judged
from engines.testing.behaviour.exploration import SIBLING, Exploration, Found, Target
from engines.testing.behaviour.neighbours import Neighbours
from engines.testing.behaviour.report import most_telling, told, told_of_head
from engines.testing.behaviour.sides import Pair, Rooms, Side
from engines.testing.behaviour.tested_calls import tested_calls
from engines.testing.behaviour.types import Difference, NotCompared
from engines.testing.budget import Budget
from engines.testing.calls import Call
from engines.testing.examples import example_calls
from engines.testing.file_head import STANDARD_NAMES
from engines.testing.generation import Generation
from engines.testing.jailed import Lost
from engines.testing.nearby import Nearby, nearby_of
from engines.testing.offers import Kind, Offer, Offers
from engines.testing.seeds import Seeds, mine
from engines.testing.stability import SETTINGS
from engines.testing.targets import chosen_targets
from engines.testing.types import CannotTest, TestingRequest
from engines.testing.values import Values
from engines.watch import Stopped, Watch

_CONFIRMED_PER_FUNCTION, _LEAST_CONFIRMED = 12, 2
_CONFIRMED_CPU_S = 0.025
"""What it takes to be sure of one difference and to shrink it."""
_SHRUNKEN_PER_FUNCTION = 5
_REPORTED_PER_FUNCTION = 3
_FAR = 9
_EXPRESSIONS = ("(a)(b)", "(?P<a>b)", "a|b", "[ab]+")
_USUAL_TEXTS = {
    "encoding": ("utf-8", "ascii"), "errors": ("strict", "ignore"), "mode": ("r", "w"),
    "regex": _EXPRESSIONS, "pattern": _EXPRESSIONS,
}  # fmt: skip
"""What parameters of these names are given everywhere."""
_PUBLIC_SHARE, _LAST_SHARE = 0.6, 0.4
_STEP_CPU_S = 0.4
_START_CPU_S = 0.1
_CONFIRMING_SHARE, _MOST_CONFIRMING_SHARE = 0.22, 0.6


@dataclass(frozen=True)
class Versions:
    """Both texts of a file, and what is different."""

    path: str
    base: Module
    head: Module
    changes: Changes
    tests: tuple[str, ...] = ()
    """Test files of the head that may call it."""


@dataclass
class FileResult:
    """What came of one file."""

    path: str
    differences: tuple[Difference, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()
    changed_lines: frozenset[int] = frozenset()
    run_lines: frozenset[int] = frozenset()
    """Lines that ran, on import or in a call."""
    calls: int = 0
    is_complete: bool = True


class FileComparison:
    """One file's comparison; every step is charged to the budget."""

    def __init__(
        self, versions: Versions, rooms: Rooms, budget: Budget, watch: Watch, seed: int
    ) -> None:
        self._versions = versions
        self._rooms = rooms
        self._budget = budget
        self._watch = watch
        self._seed = seed
        self._attribution = Attribution(versions.head, versions.changes)
        self._result = FileResult(versions.path)

    def result(self, until_s: float) -> FileResult:
        """Compare, and be done when the budget has reached `until_s`.

        Raises:
            CannotTest: one of the versions cannot be imported; says why.
            Stopped: the person cancelled before anything ran.
        """
        with self._rooms.opened(SETTINGS[0]) as pair:
            self._set_focus(pair)
            exploration = self._exploration(pair)
            try:
                search_s = self._search_until_s(pair, until_s)
                last_s = until_s - _LAST_SHARE * (until_s - search_s)
                self._search(pair, exploration, search_s, last_s)
                self._confirm(pair, exploration, until_s)
            except (Lost, CannotTest, Stopped):
                self._result.is_complete = False  # what was confirmed before stays
            self._result.calls += pair.executed
            self._count_lines(pair, exploration)
        return self._result

    def _search_until_s(self, pair: Pair, until_s: float) -> float:
        """When the search has to end, so that confirming and shrinking fit in too."""
        left_s = until_s - self._budget.spent_s
        rest_s = FRESH_PAIRS * (pair.import_cpu_s + _START_CPU_S) + _CONFIRMING_SHARE * left_s
        return until_s - min(rest_s, _MOST_CONFIRMING_SHARE * left_s)

    def _set_focus(self, pair: Pair) -> None:
        changes = self._versions.changes
        sides = ((pair.base, self._versions.base, changes.base_lines),
                 (pair.head, self._versions.head, changes.head_lines))  # fmt: skip
        for side, module, lines in sides:
            wanted = set(lines)
            for one in module.all_functions():
                if changes.is_near(one.qualname):
                    wanted.update(range(one.first_line, one.last_line + 1))
            side.focus = frozenset(
                number for number, goal in enumerate(side.goals) if goal.line in wanted
            )

    def _exploration(self, pair: Pair) -> Exploration:
        choices = random.Random(self._seed)  # noqa: S311 - reproducible, no secret
        offers = _joined(pair.base.offers, pair.head.offers)
        seeds = mine(self._versions.base, offers, choices)
        _add_seeds(seeds, self._versions)
        values = Values(offers, seeds)
        generation = Generation(self._versions.base, offers, values)
        words = [*literals_of(self._versions.base.tree), *literals_of(self._versions.head.tree)]
        neighbours = Neighbours(self._versions.changes.literals, choices, offers, words)
        targets = list(self._targets(pair, generation))
        return Exploration(pair, generation, values, neighbours, targets)

    def _targets(self, pair: Pair, generation: Generation) -> Iterator[Target]:
        symbols = self._versions.changes.symbols
        owners = {owner for owner, dot, _ in (one.rpartition(".") for one in symbols) if dot}
        for offer in self._public(pair.base):
            function = generation.function_of(offer)
            names = [offer.key, *([function.qualname] if function else [])]
            if offer.kind is Kind.CONSTRUCTOR:
                names.append(f"{offer.name}.__init__")
            known = [self._versions.changes.distances.get(one, _FAR) for one in names]
            if {offer.owner, offer.name} & owners:
                known.append(SIBLING)
            yield Target(offer, min(known))

    def _public(self, side: Side) -> Sequence[Offer]:
        request = TestingRequest(self._rooms.base.root, self._versions.path)
        try:
            return chosen_targets(request, self._versions.base, side).offers
        except CannotTest:
            return side.offers.callables

    def _search(self, pair: Pair, exploration: Exploration, until_s: float, last_s: float) -> None:
        """Search until `until_s`; where nothing was found, and nothing is to confirm: `last_s`."""
        place = self._rooms.base
        found: dict[Call, None] = {}
        for side in (self._versions.base, self._versions.head):
            found.update(dict.fromkeys(example_calls(side, exploration.offers, place)))
        tests = tested_calls(self._versions.tests, self._rooms.head, exploration.offers)
        found.update(dict.fromkeys(tests))
        public_s = self._budget.spent_s + _PUBLIC_SHARE * (until_s - self._budget.spent_s)
        exploration.run(list(found), self._budget, public_s, self._watch)
        if not exploration.found:
            exploration.add(self._private(pair, exploration.head_hits))
        exploration.run([], self._budget, until_s, self._watch)
        while not exploration.found and self._budget.spent_s < last_s and exploration.goes_on:
            if self._watch.stop_requested():
                break
            step_s = min(last_s, self._budget.spent_s + _STEP_CPU_S)
            exploration.run([], self._budget, step_s, self._watch)

    def _private(self, pair: Pair, hits: frozenset[int]) -> Iterator[Target]:
        """Private functions of both sides whose change no public call reached."""
        reached = {pair.head.goals[number].line for number in hits}
        theirs = {(one.key, one.inputs) for one in pair.head.offers.callables}
        spans = {one.qualname: one for one in self._versions.head.all_functions()}
        for one in pair.base.offers.callables:
            span = spans.get(one.key)
            is_changed = (
                one.key in self._versions.changes.symbols and (one.key, one.inputs) in theirs
            )
            is_private = one.name.startswith("_") and is_changed
            inside = range(span.first_line, span.last_line + 1) if span else ()
            changed = self._versions.changes.head_lines & set(inside)
            if is_private and not reached & (changed or set(inside)):
                yield Target(one, 0)

    def _confirm(self, pair: Pair, exploration: Exploration, until_s: float) -> None:
        named = self._named(pair, exploration.found)
        found = most_telling(named, self._confirmed_each(pair, named, until_s))
        with Confirmation(self._rooms, pair, self._budget, until_s) as confirmation:
            judged = confirmation.judged([one for _, one in found])
            self._note_unsteady(pair, exploration, judged)
            steady = self._named(pair, judged.steady)
            best = [one for _, one in most_telling(steady, _SHRUNKEN_PER_FUNCTION)]
            self._report(pair, best)
            shrunken = confirmation.shrunken(best)
            fresh = [one for one in shrunken if one not in best]
            kept = [one for one in shrunken if one in best]
            self._report(pair, _distinct([*confirmation.judged(fresh).steady, *kept, *best]))
            self._result.calls += confirmation.executed

    def _confirmed_each(
        self, pair: Pair, named: Sequence[tuple[str, Found]], until_s: float
    ) -> int:
        """How many differences of each function there is budget to ask again."""
        functions = len({name for name, _ in named}) or 1
        fresh_s = FRESH_PAIRS * (pair.import_cpu_s + _START_CPU_S)
        left_s = max(0.0, until_s - self._budget.spent_s - fresh_s)
        affordable = int(left_s / _CONFIRMED_CPU_S) // functions
        return max(_LEAST_CONFIRMED, min(_CONFIRMED_PER_FUNCTION, affordable))

    def _report(self, pair: Pair, found: Sequence[Found]) -> None:
        reported = most_telling(self._named(pair, found), _REPORTED_PER_FUNCTION)
        self._result.differences = tuple(
            self._difference(pair, function, one) for function, one in reported
        )

    def _named(self, pair: Pair, found: Sequence[Found]) -> list[tuple[str, Found]]:
        """Each with the function that it tells of, where something does that tells of it alone."""
        named = [(self._function(pair, one), one) for one in found]
        others = [self._attribution.others(name, one.question.call) for name, one in named]
        alone = {name for (name, _), count in zip(named, others, strict=True) if not count}
        return [
            each
            for each, count in zip(named, others, strict=True)
            if not count or each[0] not in alone
        ]

    def _function(self, pair: Pair, one: Found) -> str:
        lines = [pair.head.goals[number].line for number in one.head.hits]
        return self._attribution.function(one.question.call, lines)

    def _note_unsteady(self, pair: Pair, exploration: Exploration, judged: Judged) -> None:
        """Changed functions of which nothing can be said, since they vary by themselves."""
        steady = {self._function(pair, one) for one in judged.steady}
        often = [one for one in judged.unsteady if exploration.often_differs(one.question.call)]
        names = dict.fromkeys(self._function(pair, one) for one in often)
        self._result.not_compared = tuple(
            NotCompared(self._versions.path, f"`{name}` does not give the same result twice")
            for name in names
            if name not in steady and name in self._versions.changes.symbols
        )

    def _difference(self, pair: Pair, function: str, one: Found) -> Difference:
        question = one.question
        return Difference(
            path=self._versions.path,
            function=function,
            line=self._attribution.line(function),
            change=one.divergence.change,
            call=question.shown,
            code=question.code(self._rooms.base, _importable(pair.base)),
            base=told(one.base),
            head=told_of_head(one),
        )

    def _count_lines(self, pair: Pair, exploration: Exploration) -> None:
        """Changed lines that can run, and lines that did."""
        lines = {goal.line for goal in pair.head.goals}
        hits = exploration.head_hits | pair.head.reached
        self._result.changed_lines = self._versions.changes.head_lines & lines
        self._result.run_lines = frozenset(pair.head.goals[number].line for number in hits)


def _joined(base: Offers, head: Offers) -> Offers:
    """What the base offers, with the values and patterns of both."""
    return replace(
        base,
        values=tuple(dict.fromkeys([*base.values, *head.values])),
        patterns=tuple(dict.fromkeys([*base.patterns, *head.patterns])),
    )


def _add_seeds(seeds: Seeds, versions: Versions) -> None:
    """The head's constants, and those of the change where they are tried first."""
    for value in literals_of(versions.head.tree):
        seeds.add(value)
    for value in versions.changes.literals:
        seeds.saw(repr(value))
    for name, one in nearby_of(versions.head, {}).items():
        seeds.nearby[name] = one.joined(seeds.nearby.get(name))
    for function in versions.base.all_functions():
        usual = [text for one in function.parameters for text in _USUAL_TEXTS.get(one.name, ())]
        if usual:
            name = function.qualname
            seeds.nearby[name] = Nearby(texts=usual).joined(seeds.nearby.get(name))


def _distinct(found: Sequence[Found]) -> list[Found]:
    seen: dict[str, Found] = {}
    for one in found:
        seen.setdefault(one.question.shown, one)
    return list(seen.values())


def _importable(side: Side) -> dict[str, str]:
    """Class and function ids to the names that code can import."""
    names = {known.identity: known.name for known in side.offers.classes}
    for known in side.offers.callables:
        if not known.owner:
            names.setdefault(f"{side.module}:{known.name}", known.name)
    named = set(names.values()) | STANDARD_NAMES
    passed_on = {f"{side.module}:{name}": name for name in side.offers.names - named}
    return {**passed_on, **names}
