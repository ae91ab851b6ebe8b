"""Looks for calls that come out differently on the two sides, within a budget of CPU seconds.

Every call runs on both sides. Calls that reach changed code are kept and varied; what is compared
at run time, on either side, and the constants of the change are tried as inputs.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from engines.testing.behaviour.fitness import is_misuse, names_truth
from engines.testing.behaviour.neighbours import Neighbours
from engines.testing.behaviour.observers import Observers
from engines.testing.behaviour.questions import Question, question_of
from engines.testing.behaviour.sides import Pair
from engines.testing.behaviour.sights import (
    RESULT,
    Divergence,
    Sight,
    divergences,
    is_equal_but_for_truth,
)
from engines.testing.behaviour.types import Change
from engines.testing.budget import Budget
from engines.testing.calls import Call
from engines.testing.generation import Generation
from engines.testing.offers import Kind, Offer
from engines.testing.values import Values
from engines.watch import Watch

_FIRST_ROUND = 6
_SMALLEST_BATCH, _LARGEST_BATCH = 20, 200
_SLOW_BATCH_S = 0.8
_KEPT_PER_OFFER = 150
_KEPT_PER_WAY = 5
_OBSERVED_SHARE = 0.6
_FOUND_PER_KIND = 12
_ENOUGH_CALLS = 3_000
_SETTLED_CALLS = 12_000
_TRIED_CALLS = 80
_FRESH_SHARE, _CHANGED_SHARE, _NEIGHBOUR_SHARE = 0.25, 0.3, 0.35
SIBLING = 2
"""How far a method is at most from a change of another method of its class."""
_FAR = 6
_OFTEN_SHARE = 0.3
_SHAPE_CHARS = 8
_PER_CALL = 2
_HEAD = 1_000_000
"""Added to the numbers of the head's goals, to tell them from the base's."""


@dataclass(frozen=True)
class Target:
    """A callable to be called on both sides, and how near the change it is (0 is changed)."""

    offer: Offer
    distance: int


@dataclass(frozen=True)
class Found:
    """A call that came out differently once."""

    question: Question
    divergence: Divergence
    base: Sight
    head: Sight
    is_erratic: bool = False
    """The base gives the same every time, the head does not."""

    @property
    def hits(self) -> frozenset[int]:
        """Goals of interest that it reached, the head's moved by a constant."""
        return _all_hits(self.base, self.head)

    @property
    def cost(self) -> tuple[int, int]:
        """Examples first, then sound and short calls."""
        call = self.question.call
        doubt = 3 if is_misuse(call) or call.follow else 2 - call.soundness
        return (-1 if call.is_example else doubt, len(self.question.shown))


@dataclass
class _Standing:
    target: Target
    kept: list[Call] = field(default_factory=list[Call])
    ways: Counter[object] = field(default_factory=Counter[object])
    silent: int = 0
    """Calls that reached the change and returned None: what they did must be looked at."""
    calls: int = 0
    hits: int = 0
    hangs: int = 0
    differing: int = 0
    makers: list[Call] = field(default_factory=list[Call])
    found: dict[tuple[Change, str], list[Found]] = field(
        default_factory=dict[tuple[Change, str], list[Found]]
    )

    @property
    def weight(self) -> float:
        """How much of the calls it should get."""
        weight = 0.6**self.target.distance / (1 + self.hangs / 3)
        if self.calls > _TRIED_CALLS:
            weight *= max(0.05, min(1.0, 10 * self.hits / self.calls))
        if sum(len(one) for one in self.found.values()) >= _FOUND_PER_KIND:
            weight *= 0.15
        return weight


class Exploration:
    """One search over the targets of a module."""

    def __init__(
        self, pair: Pair, generation: Generation, values: Values, neighbours: Neighbours,
        targets: Sequence[Target],
    ) -> None:  # fmt: skip
        self._pair = pair
        self.offers = generation.offers
        self._generation = generation
        self._values = values
        self._neighbours = neighbours
        self._random = values.choices
        self._standings = {one.offer.key: _Standing(one) for one in targets}
        self._observers = Observers(
            generation.module, generation, self._random, [one.offer for one in targets]
        )
        self._batch = _SMALLEST_BATCH
        self._tried = 0
        """Calls made so far, those that were made before included."""
        self._last_gain = 0
        self._seen: set[tuple[tuple[str, ...], str]] = set()
        self.reached: set[int] = set()
        self._reached_well: set[int] = set()
        """By calls that keep to the annotations."""

    @property
    def found(self) -> list[Found]:
        """All that came out differently, the most telling of each kind first.

        What only misuse shows is left out, unless it is the only way into a part of the code.
        """
        return [
            one
            for standing in self._standings.values()
            for group in standing.found.values()
            for one in group
            if not is_misuse(one.question.call) or not self._reached_well.issuperset(one.hits)
        ]

    def often_differs(self, call: Call) -> bool:
        """Whether a good part of the calls of the same callable came out differently."""
        standing = self._standings[call.offer.key]
        return standing.differing > _OFTEN_SHARE * standing.calls

    @property
    def goes_on(self) -> bool:
        """Whether another run would try anything."""
        return not self._is_settled()

    @property
    def head_hits(self) -> frozenset[int]:
        """The goals of interest that were reached on the head."""
        return frozenset(one - _HEAD for one in self.reached if one >= _HEAD)

    def run(self, examples: Sequence[Call], budget: Budget, until_s: float, watch: Watch) -> None:
        """Search until the budget reaches `until_s`, nothing new comes, or the person ends it.

        Raises:
            Lost: one of the sides is gone; what was found is kept.
        """
        self._try(list(examples))
        self._try(list(self._first_calls()))
        started_s = budget.spent_s
        while budget.spent_s < until_s and not self._is_settled():
            if watch.stop_requested():
                break
            self._tell(watch, (budget.spent_s - started_s) / max(0.01, until_s - started_s))
            before_s = budget.spent_s
            self._try([one for one in self._next_calls() if one])
            is_slow = budget.spent_s - before_s > _SLOW_BATCH_S
            wanted = self._batch // 2 if is_slow else self._batch * 2
            self._batch = max(_SMALLEST_BATCH, min(_LARGEST_BATCH, wanted))

    def add(self, targets: Iterable[Target]) -> None:
        """More to call, from the next run on."""
        for one in targets:
            self._standings.setdefault(one.offer.key, _Standing(one))
            self._last_gain = self._tried

    def _tell(self, watch: Watch, done: float) -> None:
        near = [one for one in self._standings.values() if one.target.distance <= 1]
        run = sum(1 for one in near if one.hits or one.found)
        watch.report(
            f"compared {run} of {len(near)} functions, {self._pair.executed:,} calls, "
            f"{len(self.found)} differences",
            max(0.0, min(done, 1.0)),
        )

    def _is_settled(self) -> bool:
        """Whether going on would hardly show more."""
        idle = self._tried - self._last_gain
        return idle > (_ENOUGH_CALLS if self.found else _SETTLED_CALLS)

    def _first_calls(self) -> Iterator[Call]:
        standings = sorted(
            (one for one in self._standings.values() if not one.calls),
            key=lambda one: one.target.offer.kind is not Kind.CONSTRUCTOR,
        )
        for one in standings:
            for _ in range(_FIRST_ROUND if one.target.distance < _FAR else 1):
                call = self._generation.fresh(one.target.offer)
                if call:
                    yield call

    def _next_calls(self) -> Iterator[Call | None]:
        standings = list(self._standings.values())
        weights = [one.weight for one in standings]
        for one in self._random.choices(standings, weights, k=self._batch):
            yield self._next_call(one)

    def _next_call(self, standing: _Standing) -> Call | None:
        share = self._random.random()
        offer = standing.target.offer
        if not standing.kept or share < _FRESH_SHARE:
            if standing.makers and self._random.random() < _CHANGED_SHARE:
                return self._generation.followed(self._random.choice(standing.makers))
            return self._generation.fresh(offer)
        newest = len(standing.kept) - 1 - int(len(standing.kept) * self._random.random() ** 2)
        call = standing.kept[newest]
        if self._random.random() < _OBSERVED_SHARE * standing.silent / len(standing.kept):
            return self._observers.after(call) or self._neighbours.of(call)
        if share < _FRESH_SHARE + _CHANGED_SHARE:
            return self._generation.changed(call)
        if share < _FRESH_SHARE + _CHANGED_SHARE + _NEIGHBOUR_SHARE:
            return self._neighbours.of(call)
        return self._observers.after(call) or self._neighbours.of(call)

    def _try(self, calls: list[Call]) -> None:
        fresh: list[Call] = []
        self._tried += len(calls)
        for one in calls:
            key = (one.setup, one.source)
            if key not in self._seen:
                self._seen.add(key)
                fresh.append(one)
        pairs = self._pair.look([Question(one, is_first=True) for one in fresh])
        for call, (base, head) in zip(fresh, pairs, strict=True):
            self._learn(call, base, head)

    def _learn(self, call: Call, base: Sight, head: Sight) -> None:
        standing = self._standings.get(call.offer.key)
        if standing is None:
            return
        for text in (*base.operands, *head.operands):
            self._values.seeds.saw(text)
        hits = _all_hits(base, head)
        gained = not self.reached.issuperset(hits)
        self.reached |= hits
        if not is_misuse(call):
            self._reached_well |= hits
        standing.calls += 1
        standing.hits += bool(hits)
        is_hang = base.is_endless or head.is_endless
        standing.hangs += is_hang
        if gained:
            self._last_gain = self._tried
            self._generation.learn(call, failed=False)
        elif _is_misfit(base):
            self._generation.learn(call, failed=True)
        self._note(standing, call, base, head)
        if base.kind == "setup" or is_hang:
            return
        self._remember(standing, call, base)
        shape = base.error if base.is_error else (base.views.get(RESULT) or "")[:_SHAPE_CHARS]
        way = (hits, base.kind, shape)
        is_fresh = standing.ways[way] < _KEPT_PER_WAY
        if hits and is_fresh and len(standing.kept) < _KEPT_PER_OFFER:
            standing.ways[way] += 1
            standing.silent += shape == "None"
            standing.kept.append(call)

    def _remember(self, standing: _Standing, call: Call, made: Sight) -> None:
        if made.kind == "callable" and len(standing.makers) < _FIRST_ROUND:
            standing.makers.append(call)
        if made.kind not in {"object", "value"} or made.type not in self._values.classes:
            return
        is_private = made.type.rpartition(":")[2].startswith("_")
        is_plain = call.receiver is None and call.file_text is None
        if is_plain and not is_private and not is_misuse(call):
            self._values.remember(made.type, call.source)

    def _note(self, standing: _Standing, call: Call, base: Sight, head: Sight) -> None:
        """Keep what came out differently, the most telling of each kind, good use before misuse.

        A call that has nothing to do with the change can only differ by chance.
        """
        is_far = standing.target.distance > SIBLING and not call.lead
        if is_far and not (base.hits or head.hits):
            return
        if names_truth(call) and is_equal_but_for_truth(base, head):
            return
        seen = list(divergences(base, head))[:_PER_CALL]
        standing.differing += bool(seen)
        for divergence in seen:
            one = Found(question_of(call, divergence), divergence, base, head)
            group = standing.found.setdefault((divergence.change, divergence.view), [])
            if not group:
                self._last_gain = self._tried
            group.append(one)
            group.sort(key=lambda item: item.cost)
            del group[_FOUND_PER_KIND:]


def _all_hits(base: Sight, head: Sight) -> frozenset[int]:
    return base.hits | frozenset(one + _HEAD for one in head.hits)


def _is_misfit(sight: Sight) -> bool:
    return sight.is_error and not sight.is_deliberate and sight.error in {
        "TypeError", "AttributeError",
    }  # fmt: skip
