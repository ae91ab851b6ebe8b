"""OR-Tools' CP-SAT, typed: the one place that knows it."""

from collections.abc import Sequence
from typing import Any

from ortools.sat.python import cp_model

_FOUND = (cp_model.OPTIMAL, cp_model.FEASIBLE)


class Model:
    """A model under construction, and the values that were found for it.

    Numbers and spans are handles: indices that this class gives out.
    """

    def __init__(self) -> None:
        """An empty model."""
        self._model = cp_model.CpModel()
        self._solver = cp_model.CpSolver()
        self._numbers: list[Any] = []
        self._spans: list[Any] = []
        self._status: Any = None

    def number(self, low: int, high: int) -> int:
        """A whole number in [low, high]."""
        return self._keep(self._model.new_int_var(low, high, ""))

    def span(self, start: int, length: int) -> int:
        """A span that is always there."""
        span = self._model.new_fixed_size_interval_var(self._numbers[start], length, "")
        return self._keep_span(span)

    def optional_span(
        self, start: int, length: int, end: int, gaps: Sequence[tuple[int, int]] = ()
    ) -> tuple[int, int]:
        """(presence, span): a span that may be there; then it begins and ends as said.

        It never begins or ends inside of a gap [a, b), and is as much longer as it has gaps in it.
        """
        presence = self._model.new_bool_var("")
        size: Any = length
        if gaps:
            size = self._model.new_int_var(length, length + sum(b - a for a, b in gaps), "")
            crossed = [(b - a) * self._crosses(presence, start, end, (a, b)) for a, b in gaps]
            self._model.add(size == length + sum(crossed))
        span = self._model.new_optional_interval_var(
            self._numbers[start], size, self._numbers[end], presence, ""
        )
        return self._keep(presence), self._keep_span(span)

    def _crosses(self, presence: Any, start: int, end: int, gap: tuple[int, int]) -> Any:
        """Whether a span, if it is there, has a gap in it; otherwise it lies before or after."""
        crosses, before, after = (self._model.new_bool_var("") for _ in range(3))
        self._model.add_exactly_one([crosses, before, after])
        begin, until = gap
        first: Any = self._numbers[start]
        last: Any = self._numbers[end]
        model: Any = self._model
        model.add(first < begin).only_enforce_if([crosses, presence])
        model.add(last > until).only_enforce_if([crosses, presence])
        model.add(last <= begin).only_enforce_if([before, presence])
        model.add(first >= until).only_enforce_if([after, presence])
        return crosses

    def end_of(self, span: int) -> int:
        """The number that is a span's end."""
        return self._keep(self._spans[span].end_expr())

    def not_before(self, late: int, early: int) -> None:
        """`late` is at least `early`."""
        self._model.add(self._numbers[late] >= self._numbers[early])

    def exactly_one(self, presences: Sequence[int]) -> None:
        """One of these is there."""
        self._model.add_exactly_one([self._numbers[one] for one in presences])

    def one_at_a_time(self, spans: Sequence[int]) -> None:
        """These do not overlap, where they are there."""
        self._model.add_no_overlap([self._spans[one] for one in spans])

    def at_most(self, spans: Sequence[int], units: Sequence[int], capacity: int) -> None:
        """Together these never take more than `capacity` units."""
        self._model.add_cumulative([self._spans[one] for one in spans], units, capacity)

    def minimize_latest(self, ends: Sequence[int], low: int, high: int) -> None:
        """The objective: the latest of these ends, which is in [low, high]."""
        latest = self._model.new_int_var(low, high, "")
        for end in ends:
            self._model.add(latest >= self._numbers[end])
        self._model.minimize(latest)

    def solve(self, seed: int) -> None:
        """Look for values, in this thread, until they are proven best or `stop` is called."""
        self._solver.parameters.num_workers = 1
        self._solver.parameters.random_seed = seed
        self._status = self._solver.solve(self._model)

    def stop(self) -> None:
        """End `solve` soon; from another thread."""
        self._solver.stop_search()

    @property
    def is_impossible(self) -> bool:
        """Whether there are no such values."""
        return self._status == cp_model.INFEASIBLE

    @property
    def has_values(self) -> bool:
        """Whether values were found."""
        return self._status in _FOUND

    @property
    def bound(self) -> int:
        """No values are better; 0 where nothing is known."""
        return max(0, round(self._solver.best_objective_bound))

    @property
    def objective(self) -> int:
        """Of the values that were found."""
        return round(self._solver.objective_value)

    def value(self, number: int) -> int:
        """What was found for a number."""
        return int(self._solver.value(self._numbers[number]))

    def _keep(self, number: Any) -> int:
        self._numbers.append(number)
        return len(self._numbers) - 1

    def _keep_span(self, span: Any) -> int:
        self._spans.append(span)
        return len(self._spans) - 1
