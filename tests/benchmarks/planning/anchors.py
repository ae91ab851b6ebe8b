"""What ours is measured against, given the same CPU seconds on one thread.

The best list rule; CP-SAT by itself, plain and hinted with that rule's plan; PyJobShop. They see the
problem only, never a plan of ours, and their models are their own.
"""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from time import process_time
from typing import Any

import numpy as np
from ortools.sat.python import cp_model
from pyjobshop import Model  # pyright: ignore[reportMissingTypeStubs]
from pyjobshop.solvers.ortools.CPModel import (  # pyright: ignore[reportMissingTypeStubs]
    CPModel,
)

from engines.planning.arrays import Ints, Network
from engines.planning.capacity.schedules import list_schedule, parallel_schedule
from engines.planning.execution.policies import classic_rules
from engines.planning.staffing.search import list_plan
from engines.planning.timing import timing_of

LOOK_S = 0.02
FOUND = (cp_model.OPTIMAL, cp_model.FEASIBLE)


@dataclass(frozen=True)
class Hint:
    """A rule's plan."""

    makespan: int
    starts: Ints  # [n]
    people: Ints | None  # [n]


def best_rule(network: Network) -> Hint:
    """The shortest plan of the classic rules, serial and parallel."""
    return min(_rule_plans(network), key=lambda hint: hint.makespan)


def _rule_plans(network: Network) -> Generator[Hint]:
    lengths = timing_of(network).least
    for rule in classic_rules(network):
        ranks = np.argsort(rule.order).astype(np.float64)
        if network.people:
            plan = list_plan(network, -ranks)
            yield Hint(plan.makespan, plan.starts, plan.people)
        else:
            for scheme in (list_schedule, parallel_schedule):
                starts = scheme(network, ranks)
                yield Hint(int((starts + lengths).max()), starts, None)


def cp_sat(network: Network, cpu_s: float, hint: Hint | None) -> int | None:
    """CP-SAT's makespan; None where it finds no plan in time."""
    model = cp_model.CpModel()
    horizon = int(timing_of(network).least.sum() + network.releases.max(initial=0))
    starts = [model.new_int_var(0, horizon, f"s{i}") for i in range(network.n)]
    if network.people:
        ends = _staffed(model, network, starts, horizon, hint)
    else:
        ends = _of_capacities(model, network, starts)
    for task in range(network.n):
        for at in range(network.predecessors_first[task], network.predecessors_first[task + 1]):
            model.add(starts[task] >= ends[int(network.predecessors[at])])
    makespan: Any = model.new_int_var(0, horizon, "makespan")
    model.add_max_equality(makespan, ends)
    model.minimize(makespan)
    if hint is not None:
        for task, start in enumerate(starts):
            model.add_hint(start, int(hint.starts[task]))
    return _solved(model, cpu_s)


def _of_capacities(model: Any, network: Network, starts: list[Any]) -> list[Any]:
    spans = [
        model.new_fixed_size_interval_var(start, int(network.durations[i]), f"i{i}")
        for i, start in enumerate(starts)
    ]
    for resource, units in enumerate(network.capacities):
        model.add_cumulative(spans, network.demands[:, resource].tolist(), int(units))
    return [span.end_expr() for span in spans]


def _staffed(
    model: Any, network: Network, starts: list[Any], horizon: int, hint: Hint | None
) -> list[Any]:
    theirs: list[list[Any]] = [[] for _ in range(network.people)]
    ends: list[Any] = []
    for task, start in enumerate(starts):
        end = model.new_int_var(0, horizon, f"e{task}")
        there: list[Any] = []
        for at in range(network.able_first[task], network.able_first[task + 1]):
            person, ticks = int(network.able[at]), int(network.able_durations[at])
            presence = model.new_bool_var(f"p{task}.{person}")
            span = model.new_optional_interval_var(start, ticks, end, presence, f"i{task}.{person}")
            theirs[person].append(span)
            there.append(presence)
            if hint is not None and hint.people is not None:
                model.add_hint(presence, int(hint.people[task]) == person)
        if there:
            model.add_exactly_one(there)
        else:
            model.add(end == start + int(network.durations[task]))
        ends.append(end)
    for spans in theirs:
        model.add_no_overlap(spans)
    return ends


def pyjobshop(network: Network, cpu_s: float) -> int | None:
    """PyJobShop's makespan; None where it finds no plan in time."""
    model: Any = Model()
    people = [model.add_machine() for _ in range(network.people)]
    resources = [model.add_renewable(int(units)) for units in network.capacities]
    tasks = [model.add_task() for _ in range(network.n)]
    for i, task in enumerate(tasks):
        options = range(network.able_first[i], network.able_first[i + 1])
        for at in options:
            model.add_mode(task, people[network.able[at]], int(network.able_durations[at]))
        if not options:
            model.add_mode(task, resources, int(network.durations[i]), network.demands[i].tolist())
        for at in range(network.predecessors_first[i], network.predecessors_first[i + 1]):
            model.add_end_before_start(tasks[int(network.predecessors[at])], task)
    built: Any = CPModel(model.data())
    return _solved(built._model, cpu_s)  # its own way in knows wall time only


def _solved(model: Any, cpu_s: float) -> int | None:
    """The least objective that one worker of CP-SAT finds."""
    solver: Any = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    with after_cpu(cpu_s, solver.stop_search):
        status = solver.solve(model)
    return round(solver.objective_value) if status in FOUND else None


@contextmanager
def after_cpu(cpu_s: float, stop: Callable[[], None]) -> Generator[None]:
    """Call `stop`, from another thread, when this process has used `cpu_s` more CPU seconds."""
    end_s = process_time() + cpu_s
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_S):
            if process_time() >= end_s:
                stop()
                return

    watch = threading.Thread(target=look)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()
