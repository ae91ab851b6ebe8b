"""Random problems of every kind, planned and planned again; the checker looks at each plan."""

from hypothesis import HealthCheck, Phase, given, settings

from engines.planning.checking import violations
from engines.planning.engine import make_plan, replan
from engines.planning.types import Problem
from tests.engines.planning.problems import problems

CPU_S = 0.003


def check(count: int) -> int:
    """How many plans were looked at; none of them breaks a rule.

    Raises:
        AssertionError: One does; Hypothesis prints the smallest problem like it.
    """
    seen: list[bool] = []

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(problems)
    def keeps_every_rule(problem: Problem) -> None:
        plan = make_plan(problem, cpu_s=CPU_S, seed=1)
        again = replan(problem, plan, cpu_s=CPU_S, seed=1).plan
        for one in (plan, again):
            assert violations(problem, one.placed) == []
            seen.append(True)

    keeps_every_rule()
    return len(seen)
