"""Budgets: what is counted."""

from engines.planning.budget import LOADING_S, MOST_OVER, Budget, Reckoned


def test_a_reckoned_budget_ends_by_what_it_is_told_and_not_by_the_clock() -> None:
    budget = Reckoned(0.5)
    sum(range(100_000))
    assert budget.spent_s == 0
    budget.did(0.3)
    assert (budget.spent_s, budget.left_s, budget.is_over) == (0.3, 0.2, False)
    budget.did(0.3)
    assert budget.is_over


def test_the_clock_ends_a_reckoned_budget_that_is_told_too_little() -> None:
    budget = Reckoned(-LOADING_S / MOST_OVER)  # as if that long had passed
    sum(range(100_000))
    assert budget.is_over


def test_a_clock_needs_no_telling() -> None:
    budget = Budget(60)
    budget.did(100)
    assert not budget.is_over
