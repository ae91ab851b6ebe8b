"""What the steps after the search cost, told from what this run has shown so far."""

from collections.abc import Sequence
from dataclasses import dataclass

from engines.testing.budget import Budget
from engines.testing.jailed import Jail
from engines.testing.search import Kept
from engines.testing.types import CannotTest

_START_CPU_S = 0.075
"""What the driver's start takes on the machine that the following were measured on, idle."""
_CHECK_CPU_S = 0.07
_ORDERS_CPU_S, _ORDER_CPU_S, _TEST_CPU_S = 0.28, 0.02, 0.001
_COVERED_CPU_S, _LINE_CPU_S, _COVERED_IMPORT, _COVERED_CALLS = 0.33, 0.0001, 1.5, 3.0
_WRITING_CPU_S = 0.35
"""With what makes the difference between an estimate and the truth."""
_SHARE_OF_ALL, _SHARE_OF_REST = 0.42, 0.55
"""How much of the whole, and of what checking and measuring leave, is for choosing."""
_LEAST_SHARE = 0.3
"""Of the whole, for searching and choosing; where it is less, a check and an order are saved."""
_FLOOR_CPU_S = 0.2
"""The least to search and choose in."""
_LEAST_SEARCH_CPU_S = 0.5
"""Spent on the search in any case."""
_SMALLEST_CPU_S, _RAISED_FREE_CPU_S = 3.0, 0.5
"""Budgets up to the first, on the machine measured on, are raised to what checks take and this."""
_OVERDRAFT_CPU_S = 0.5
"""A budget is overdrawn by as much rather than that nothing comes of it."""
_CALLS_CPU_S = 0.03
"""Of all calls that are kept, before they are known."""
_TESTS = 40
_KEPT_SHARE, _SLOW_CPU_S = 0.4, 0.005
"""How many of the calls that cover everything become tests; what makes a call a slow one."""
_LITTLE_CPU_S = 0.15
"""What calls may cost in any case: leaving them out would save next to nothing."""


@dataclass
class Plan:
    """The steps of one run. `lines` are those of the target; `more_cpu_s` is kept for others."""

    budget: Budget
    lines: int
    start_cpu_s: float
    import_cpu_s: float
    more_cpu_s: float = 0.0
    checks: int = 2
    """Fresh processes with other hash seeds that the calls have to agree in."""
    orders: int = 2
    """Shuffled orders that the tests have to pass in."""
    calls_cpu_s: float = _CALLS_CPU_S
    tests: int = _TESTS
    raised_from_s: float | None = None
    """The budget that was asked for, where it would not have held even the checks."""

    @classmethod
    def of(cls, jail: Jail, budget: Budget, lines: int, more_cpu_s: float) -> "Plan":
        """After the import; a budget of a few seconds is raised to the least that is enough.

        Raises:
            CannotTest: the least is more than that; the message says what it is.
        """
        plan = cls(budget, lines, jail.start_cpu_s, jail.plain_import_cpu_s, more_cpu_s)
        if plan.free_s < _LEAST_SHARE * budget.cpu_s:
            plan.checks = plan.orders = 1
        if plan.free_s < _FLOOR_CPU_S:
            needed_s = budget.cpu_s - plan.free_s
            if needed_s + _RAISED_FREE_CPU_S <= _SMALLEST_CPU_S * plan._slowness:
                plan.raised_from_s = budget.cpu_s
                budget.cpu_s = needed_s + _RAISED_FREE_CPU_S
                return plan
            raise CannotTest(
                f"Checking and running tests in fresh processes takes about {needed_s:.1f} CPU s "
                f"here, {plan.import_cpu_s:.1f} of it for each import of the module: a budget of "
                f"{budget.cpu_s:.1f} does not hold that. Allow {1.5 * needed_s + 1:.0f}."
            )
        return plan

    @property
    def _slowness(self) -> float:
        return max(1.0, self.start_cpu_s / _START_CPU_S)

    @property
    def check_s(self) -> float:
        """One fresh process that makes all calls."""
        own_s = self.start_cpu_s + self._slowness * _CHECK_CPU_S
        return own_s + self.import_cpu_s + self.calls_cpu_s

    @property
    def least_check_s(self) -> float:
        """What a check may take after the import even if the budget is used up by then."""
        return min(_OVERDRAFT_CPU_S, _CHECK_CPU_S + 2 * self.calls_cpu_s)

    @property
    def orders_s(self) -> float:
        """The tests in shuffled orders."""
        order_s = _ORDER_CPU_S + self.tests * _TEST_CPU_S
        own_s = self._slowness * (_ORDERS_CPU_S + self.orders * order_s)
        return own_s + self.import_cpu_s + self.orders * self.calls_cpu_s

    @property
    def covered_s(self) -> float:
        """The tests in their own order, under coverage."""
        read_s = self.lines * _LINE_CPU_S
        own_s = self._slowness * (_COVERED_CPU_S + read_s + self.tests * _TEST_CPU_S)
        return own_s + _COVERED_IMPORT * self.import_cpu_s + _COVERED_CALLS * self.calls_cpu_s

    @property
    def reading_s(self) -> float:
        """The part of it that comes after the last test."""
        return self._slowness * (0.05 + self.lines * _LINE_CPU_S)

    @property
    def measuring_s(self) -> float:
        """All that follows the checks."""
        return self._slowness * _WRITING_CPU_S + self.orders_s + self.covered_s + self.more_cpu_s

    @property
    def free_s(self) -> float:
        """What is left for searching and choosing."""
        return self.budget.left_s - self.checks * self.check_s - self.measuring_s

    @property
    def search_until_s(self) -> float:
        """When the search has to end, as spent of the budget."""
        free_s = self.free_s
        choosing_s = min(_SHARE_OF_ALL * self.budget.cpu_s, _SHARE_OF_REST * free_s)
        return self.budget.spent_s + max(free_s - choosing_s, _LEAST_SEARCH_CPU_S)

    def until_s(self, share: float, least_s: float = 0.0) -> float:
        """When a step has to end that may take this share of what is free, and always as much as
        that.
        """
        return self.budget.spent_s + max(share * max(0.0, self.free_s), least_s)

    def expect(self, kept: Sequence[Kept]) -> None:
        """Some of these calls will be checked and measured; a slow one may be among them."""
        self.tests = round(_KEPT_SHARE * len(kept))
        times = [one.result.cpu_s for one in kept]
        slow_s = sum(one for one in times if one > _SLOW_CPU_S)
        self.calls_cpu_s = slow_s + _KEPT_SHARE * (sum(times) - slow_s)

    def affordable(self, kept: Sequence[Kept]) -> list[Kept]:
        """The calls that can be checked and measured, without the slowest where all cannot be.

        One at least: a file without a test is of no use.
        """
        times = sorted(one.result.cpu_s for one in kept)
        self.tests = len(kept)
        self.calls_cpu_s = sum(times)
        while len(times) > 1 and self.free_s < 0 and self._of_calls_s > _LITTLE_CPU_S:
            times.pop()
            self.calls_cpu_s = sum(times)
        return [one for one in kept if one.result.cpu_s <= max(times, default=0.0)]

    @property
    def _of_calls_s(self) -> float:
        """What the calls take in all checks and measurements."""
        return (self.checks + self.orders + _COVERED_CALLS) * self.calls_cpu_s
