"""Looks for calls that reach something new, within a budget of CPU seconds."""

import random
from dataclasses import dataclass, field

from engines.testing.budget import Budget
from engines.testing.calls import Call
from engines.testing.frontier import Frontier
from engines.testing.generation import Generation
from engines.testing.jailed import Jail, Lost
from engines.testing.observations import Result
from engines.testing.offers import Kind, Offer
from engines.testing.reach import Reach
from engines.testing.values import Values
from engines.watch import Watch

_FIRST_ROUND = 3
_SLOW_BATCH_S = 0.6
_SMALLEST_BATCH, _LARGEST_BATCH = 20, 400
_PATIENCE_CALLS_PER_S = 700
"""Of the whole budget: what is left for the search differs from run to run."""
_LEAST_PATIENCE_CALLS = 2_500
_SETTLED_CALLS = 2_000
_KEPT_PER_OFFER = 120
_FAILURES_PER_OFFER = 30
_CHANGED_SHARE = 0.45
_FOLLOWED_SHARE = 0.3
_TURNED_SHARE = 0.25
_DONE_FACTOR = 0.1
_MAKERS_PER_DEPTH = 6
_HANGS_TO_GIVE_UP = 6
_LEAST_WEIGHT = 1e-6
_LOSSES_BORNE = 12


@dataclass(frozen=True)
class Kept:
    """A call and what it showed."""

    call: Call
    result: Result

    @property
    def hits(self) -> frozenset[int]:
        """The goals it reached."""
        return self.result.hits or frozenset()


@dataclass
class _Standing:
    """How an offer fares: its kept calls and how many calls ago it last gained."""

    kept: list[Kept] = field(default_factory=list[Kept])
    idle: int = 0
    failures: int = 0
    hangs: int = 0
    is_banned: bool = False
    """One of its calls ended the process that runs all calls."""
    makers: list[Call] = field(default_factory=list[Call])
    """Calls that returned something callable."""

    @property
    def promptness(self) -> float:
        """How much less to call it for its hangs, each as dear as hundreds of calls."""
        return 1 / (1 + self.hangs / 2) ** 2

    def add_maker(self, call: Call) -> None:
        """Keep a few for every number of times the result was called already."""
        depth = len(call.follow)
        if sum(len(one.follow) == depth for one in self.makers) < _MAKERS_PER_DEPTH:
            self.makers.append(call)


class Search:
    """One search over the offers of a module. `wanted` are the goals that count."""

    def __init__(
        self, jail: Jail, generation: Generation, values: Values, wanted: frozenset[int]
    ) -> None:
        self._jail = jail
        self._generation = generation
        self._values = values
        self._wanted = wanted
        self._random: random.Random = values.choices
        self._standings: dict[str, _Standing] = {}
        self._batch = _SMALLEST_BATCH
        self.reached: set[int] = set(jail.reached)
        self._last_gain = 0
        self._losses = 0
        self._frontier = Frontier(jail.goals, jail.offers.constants, values.choices)
        self._reach = Reach(generation.module, jail.goals)
        self.is_complete = True

    def run(
        self,
        offers: list[Offer],
        examples: list[Call],
        budget: Budget,
        until_s: float,
        watch: Watch,
    ) -> list[Kept]:
        """Search until so much of the budget is spent, a plateau or the person ends it.

        What was found until then is returned.
        """
        started_s = budget.spent_s
        cpu_s = until_s - started_s
        patience = max(_LEAST_PATIENCE_CALLS, int(_PATIENCE_CALLS_PER_S * budget.cpu_s))
        self._standings = {one.key: _Standing() for one in offers}
        try:
            self._try(examples)
            self._try(self._first_calls(offers))
            while (spent_s := budget.spent_s - started_s) < cpu_s and not watch.stop_requested():
                self._try(self._next_calls(offers))
                if self._jail.executed - self._last_gain > self._patience_calls(patience):
                    break
                self._tell(watch, spent_s / cpu_s)
        except Lost:
            self.is_complete = False
        self.is_complete = self.is_complete and not watch.stop_requested()
        return [one for standing in self._standings.values() for one in standing.kept]

    def _patience_calls(self, usual: int) -> int:
        """With everything reached, a little more is spent on other ways to get there.

        Counted in calls and not in seconds, so that a seed gives the same suite on any machine
        fast enough to settle within the budget.
        """
        return _SETTLED_CALLS if self._wanted <= self.reached else usual

    def _tell(self, watch: Watch, done: float) -> None:
        share = 100 * len(self._wanted & self.reached) / max(1, len(self._wanted))
        calls = f"{self._jail.executed:,}"
        watch.report(f"searched {calls} calls, {share:.0f} % of goals reached", min(done, 1.0))

    def _first_calls(self, offers: list[Offer]) -> list[Call]:
        ordered = sorted(offers, key=lambda one: one.kind is not Kind.CONSTRUCTOR)
        made = [self._generation.fresh(one) for one in ordered for _ in range(_FIRST_ROUND)]
        return [one for one in made if one]

    def _next_calls(self, offers: list[Offer]) -> list[Call]:
        weights = [self._weight(one) for one in offers]
        chosen = self._random.choices(offers, weights, k=self._batch)
        made = [self._next_call(one) for one in chosen]
        return [one for one in made if one]

    def _turned(self) -> Call | None:
        """A call changed toward an outcome that none has shown yet."""
        picked = self._frontier.pick(self.reached)
        standing = self._standings.get(picked[0].offer.key) if picked else None
        if picked is None or standing is None or self._random.random() > standing.promptness:
            return None
        return self._generation.turned(*picked)

    def _weight(self, offer: Offer) -> float:
        standing = self._standings[offer.key]
        if standing.is_banned or (standing.hangs > _HANGS_TO_GIVE_UP and not standing.kept):
            return _LEAST_WEIGHT
        weight = max(0.04, 0.97 ** (standing.idle / 4)) * standing.promptness
        weight *= 0.3 if offer.is_inherited else 1.0
        near = self._reach.goals_of(self._generation.function_of(offer))
        is_done = bool(near) and near <= self.reached
        return weight * (_DONE_FACTOR if is_done else 1.0)

    def _next_call(self, offer: Offer) -> Call | None:
        if self._random.random() < _TURNED_SHARE:
            turned = self._turned()
            if turned is not None:
                return turned
        standing = self._standings[offer.key]
        if standing.makers and self._random.random() < _FOLLOWED_SHARE:
            return self._generation.followed(self._random.choice(standing.makers))
        if standing.kept and self._random.random() < _CHANGED_SHARE:
            newest = len(standing.kept) - 1 - int(len(standing.kept) * self._random.random() ** 2)
            return self._generation.changed(standing.kept[newest].call)
        return self._generation.fresh(offer)

    def _try(self, calls: list[Call]) -> None:
        if not calls:
            return
        calls = [one for one in calls if not self._is_banned(one.offer)]
        spent = self._jail.cpu_s
        try:
            results = self._jail.run(calls)
        except Lost:
            self._ban_among(calls)
            return
        is_slow = self._jail.cpu_s - spent > _SLOW_BATCH_S
        wanted = self._batch // 2 if is_slow else self._batch * 2
        self._batch = max(_SMALLEST_BATCH, min(_LARGEST_BATCH, wanted))
        for call, result in zip(calls, results, strict=True):
            self._learn(call, result)

    def _is_banned(self, offer: Offer) -> bool:
        standing = self._standings.get(offer.key)
        return standing is not None and standing.is_banned

    def _ban_among(self, calls: list[Call]) -> None:
        """Find the offers that end the driver, by one call of each, and call them no more.

        Raises:
            Lost: it was lost too often, or does not start again.
        """
        self._reopen()
        for call in {one.offer.key: one for one in calls}.values():
            try:
                self._learn(call, self._jail.run([call])[0])
            except Lost:
                self._standings[call.offer.key].is_banned = True
                self._reopen()

    def _reopen(self) -> None:
        self._losses += 1
        if self._losses > _LOSSES_BORNE:
            raise Lost("it ended again and again")
        self._jail.reopen()

    @property
    def banned(self) -> frozenset[str]:
        """The keys of offers whose calls end the process."""
        return frozenset(key for key, one in self._standings.items() if one.is_banned)

    def _learn(self, call: Call, result: Result) -> None:
        standing = self._standings.get(call.offer.key)
        if standing is None:
            return
        if result.observation.kind == "skipped":
            return
        for text in result.operands:
            self._values.seeds.saw(text)
        gained = result.hits is not None and not self.reached.issuperset(result.hits)
        standing.idle = 0 if gained else standing.idle + 1
        self._last_gain = self._jail.executed if gained else self._last_gain
        if gained:
            self._generation.learn(call, failed=False)
        elif _is_type_failure(result):
            self._generation.learn(call, failed=True)
        is_hang = result.observation.kind in {"hang", "killed"}
        standing.hangs += is_hang
        if result.hits is None or is_hang or result.observation.kind == "setup":
            return
        self.reached |= result.hits
        self._frontier.saw(call, result.hits, self.reached)
        if result.observation.kind == "callable":
            standing.add_maker(call)
        self._remember(call, result, gained=gained)
        is_failure = result.observation.kind == "error"
        if gained or (standing.failures < _FAILURES_PER_OFFER and is_failure):
            standing.failures += is_failure
            standing.kept.append(Kept(call, result))
        elif not is_failure and len(standing.kept) < _KEPT_PER_OFFER:
            standing.kept.append(Kept(call, result))

    def _remember(self, call: Call, result: Result, *, gained: bool) -> None:
        """Calls that return instances feed the pool that receivers and arguments come from."""
        made = result.observation
        if made.kind != "error" and (gained or not self._generation.has_grown_enough(call.offer)):
            self._generation.grow(call)
        if made.kind not in {"object", "value", "opaque"} or call.file_text is not None:
            return
        expression = call.expression
        if made.type in self._values.classes and expression is not None:
            is_needed = call.receiver is None or self._values.is_scarce(made.type)
            if is_needed:
                self._values.remember(made.type, expression, call.soundness)


def _is_type_failure(result: Result) -> bool:
    seen = result.observation
    return seen.kind == "error" and not seen.deliberate and seen.type_name in {
        "TypeError", "AttributeError",
    }  # fmt: skip
