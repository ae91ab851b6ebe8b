"""Compile every kernel, or load those of one kind, by planning something small once."""

from itertools import count
from time import process_time

from engines.planning.arrays import network_of
from engines.planning.budget import Budget
from engines.planning.capacity.search import search as search_capacities
from engines.planning.engine import forecast_of, make_plan, replan
from engines.planning.execution.simulation import Setting, simulate
from engines.planning.staffing.goals import Goals
from engines.planning.staffing.search import search as search_people
from engines.planning.types import Person, Problem, Task

CPU_S = 0.3
LOADING_S = 60.0
LOOKS = 300
"""Looks at a budget, which come after each of the first schedules of a search and then seldom."""
OF_CAPACITIES = Problem(
    tuple(
        Task(f"t{i}", 1 + i % 3, cv=0.5, demand=(1,), after=_after)
        for i, _after in enumerate(((), (), ("t0",), ("t1",), ("t0",), ("t2", "t3")))
    ),
    capacities=(2,),
)
OF_PEOPLE = Problem(
    tuple(Task(f"t{i}", 1 + i % 3, cv=0.5, needs={"api": 0}, deadline=9) for i in range(6)),
    (Person("ana", {"api": 1}, absent=((2, 3),)), Person("bo", {"api": 0}, pace=0.5)),
)


def warm() -> float:
    """Compile what is not compiled yet; the CPU seconds that it took."""
    began_s = process_time()
    for problem in (OF_CAPACITIES, OF_PEOPLE):
        plan = make_plan(problem, cpu_s=CPU_S, seed=1)
        replan(problem, plan, cpu_s=CPU_S, seed=1)
        simulate(problem, plan.placed, Setting(None, 8, 1, CPU_S))
        forecast_of(problem, plan, scenarios=8, seed=1)
    return process_time() - began_s


def load(*, staffed: bool) -> None:
    """Load the kernels that plans of one kind take, before a budget begins to run."""
    looks = count()
    budget = Budget(LOADING_S, lambda: next(looks) > LOOKS)
    network = network_of(OF_PEOPLE if staffed else OF_CAPACITIES)
    if staffed:
        search_people(network, budget, 1, Goals())
    else:
        search_capacities(network, budget, 1)
