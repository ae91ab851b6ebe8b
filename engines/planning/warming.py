"""Compile every kernel, by planning something small of each kind once."""

from time import process_time

from engines.planning.engine import forecast_of, make_plan, replan
from engines.planning.execution.simulation import Setting, simulate
from engines.planning.types import Person, Problem, Task

CPU_S = 0.3
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
