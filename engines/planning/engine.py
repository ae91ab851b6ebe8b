"""Make a plan: the best that a search and the solver find, checked before it leaves."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from engines.planning.arrays import Ints, Network, network_of
from engines.planning.bounds import lower_bound
from engines.planning.budget import Budget
from engines.planning.capacity.search import search as search_capacities
from engines.planning.checking import violations
from engines.planning.outlook import Outlook, expected_cost, outlook_of
from engines.planning.reading.checks import missing
from engines.planning.staffing.goals import Goals, Held
from engines.planning.staffing.search import Found, found_of
from engines.planning.staffing.search import replan as search_least_moves
from engines.planning.staffing.search import search as search_people
from engines.planning.timing import timing_of
from engines.planning.types import CannotPlan, Placed, Plan, Problem
from engines.watch import Stopped, Unwatched, Watch

MOST_PROVABLE = 45
"""Tasks with capacities up to which the solver gets most of the time: there it finds proofs."""
FIRST_SHARE = 0.1
"""Of the time, before the solver is asked about a problem that small."""
PROOF_SHARE = 0.7
"""Of the time for people and few tasks that the solver gets."""
POLISH_FROM_S = 2.0
"""The least budget of which the solver gets a share for the plan of a team."""
POLISH_SHARE = 0.4
CANDIDATES = 4
"""Searches that the time is divided among where durations are uncertain: of plans that are about
as short, some bear being late much better than others."""
COMPARED = 400
"""Scenarios that candidates are compared in."""
COMPARING_SHARE = 0.1
"""Of the budget, for comparing candidates; where that is too little for `FEWEST`, none are made."""
FEWEST = 30
EXECUTION_S = 1.5e-6
"""CPU seconds that a task takes in a scenario, about."""
HANDS, SHIFT = 1 / 40, 0.02
"""What a change of hands has to save to be made, as a share of a task's mean duration, and what a
tick by which a start moves has to: the least at which an overrun changes the hands of few tasks and
costs next to nothing (README)."""


class BrokenPlan(Exception):
    """A plan breaks a rule of its problem. That is our fault, and no such plan leaves."""


@dataclass(frozen=True)
class Move:
    """A task that lies elsewhere than it did."""

    task: str
    was: Placed
    now: Placed

    @property
    def changed_hands(self) -> bool:
        """Whether somebody else does it now."""
        return self.was.person != self.now.person


@dataclass(frozen=True)
class Replanned:
    """A plan made after an event, and what it moves."""

    plan: Plan
    moves: tuple[Move, ...]


@dataclass
class _Work:
    """One plan in the making."""

    problem: Problem
    network: Network
    goals: Goals
    budget: Budget
    seed: int
    bound: int

    def finished(self, starts: Ints, ends: Ints, people: Ints | None, found_by: str) -> Plan:
        """The plan, if it keeps every rule. Raises BrokenPlan."""
        ids = [person.id for person in self.problem.people]
        placed = tuple(
            Placed(
                task.id,
                int(starts[i]),
                int(ends[i]),
                ids[int(people[i])] if people is not None and people[i] >= 0 else None,
            )
            for i, task in enumerate(self.problem.tasks)
        )
        broken = violations(self.problem, placed)
        if broken:
            raise BrokenPlan(f"{found_by}: {'; '.join(broken[:3])}")
        makespan = max(one.end for one in placed)
        return Plan(placed, makespan, min(self.bound, makespan), self.budget.spent_s, found_by)


def make_plan(
    problem: Problem,
    *,
    cpu_s: float,
    seed: int,
    goals: Goals | None = None,
    watch: Watch | None = None,
) -> Plan:
    """The best plan that `cpu_s` CPU seconds find.

    Raises:
        CannotPlan: The problem has no plan, and why.
        Stopped: `watch` asked for it.
    """
    watch = watch or Unwatched()
    work = _begun(problem, goals or Goals(), Budget(cpu_s, watch.stop_requested), seed)
    watch.report("looking for a plan")
    plan = _with_people(work) if problem.is_staffed else _of_capacities(work)
    if watch.stop_requested():
        raise Stopped
    return plan


def replan(
    problem: Problem,
    held: Plan,
    *,
    cpu_s: float,
    seed: int,
    goals: Goals | None = None,
    watch: Watch | None = None,
) -> Replanned:
    """A plan after an event that moves as little as possible of what people hold.

    `problem` is as things stand: what is done or under way is fixed, and `now` is set. Tasks that
    `held` does not know are new. Capacities hold nothing: those are planned afresh.

    Raises:
        CannotPlan: The problem has no plan, and why.
        Stopped: `watch` asked for it.
    """
    watch = watch or Unwatched()
    goals = goals or moving_little(problem)
    work = _begun(problem, goals, Budget(cpu_s, watch.stop_requested), seed)
    if problem.is_staffed:
        found = search_least_moves(work.network, _held(problem, held), work.budget, seed, goals)
        plan = work.finished(found.starts, found.ends, found.people, "least movement")
    else:
        plan = _of_capacities(work)
    if watch.stop_requested():
        raise Stopped
    return Replanned(plan, moves_between(held, plan))


def moving_little(problem: Problem) -> Goals:
    """The goals of a plan that people already hold."""
    durations = [task.duration for task in problem.tasks if task.duration > 0]
    return Goals(moves=HANDS * fmean(durations or [0]), shift=SHIFT)


def moves_between(before: Plan, after: Plan) -> tuple[Move, ...]:
    """The tasks of both plans that lie elsewhere or changed hands, in the order of `after`."""
    were = {one.task: one for one in before.placed}
    return tuple(
        Move(now.task, were[now.task], now)
        for now in after.placed
        if now.task in were and now != were[now.task]
    )


def unassignable(problem: Problem) -> dict[str, str]:
    """Tasks that nobody is able to do, each with what is missing."""
    return {
        task.id: missing(task, problem.people)
        for task in problem.tasks
        if problem.is_staffed
        and task.duration > 0
        and task.fixed is None
        and not any(person.able(task) for person in problem.people)
    }


def forecast_of(problem: Problem, plan: Plan, *, scenarios: int, seed: int) -> Outlook:
    """What is to be expected of a plan, in scenarios that were not used to choose it."""
    return outlook_of(problem, network_of(problem), plan, scenarios, seed)


def _begun(problem: Problem, goals: Goals, budget: Budget, seed: int) -> _Work:
    if not problem.tasks:
        raise CannotPlan("there are no tasks")
    network = network_of(problem)
    return _Work(problem, network, goals, budget, seed, lower_bound(network))


def _of_capacities(work: _Work) -> Plan:
    network, budget = work.network, work.budget
    small = network.n <= MOST_PROVABLE
    first = budget.share(FIRST_SHARE) if small else budget
    found = search_capacities(network, first, work.seed, lower_bound=work.bound)
    starts, found_by = found.starts, "search"
    if small and found.makespan > work.bound:
        from engines.planning.exact import shorter  # noqa: PLC0415 - only where it pays

        answer = shorter(network, found.makespan, work.bound, budget, work.seed)
        work.bound = answer.lower_bound
        if answer.starts is not None:
            starts, found_by = answer.starts, "solver"
    return work.finished(starts, starts + timing_of(network).least, None, found_by)


def _with_people(work: _Work) -> Plan:
    scenarios = _compared(work)
    plans = list(_candidates(work, CANDIDATES if scenarios else 1))
    best = plans[-1]
    if scenarios and len(plans) > 1:
        problem, network, goals, seed = work.problem, work.network, work.goals, work.seed
        best = min(
            plans,
            key=lambda plan: expected_cost(problem, network, plan, goals, scenarios, seed),
        )
    bound = min(work.bound, best.makespan)
    return replace(best, lower_bound=bound, cpu_s=work.budget.spent_s)


def _compared(work: _Work) -> int:
    """Scenarios that candidates are compared in; 0 where nothing is uncertain, or no time is."""
    network = work.network
    if not network.cv.any():
        return 0
    each_s = (CANDIDATES + 1) * network.n * EXECUTION_S
    affordable = int(COMPARING_SHARE * work.budget.cpu_s / each_s)
    return min(affordable, COMPARED) if affordable >= FEWEST else 0


def _candidates(work: _Work, count: int) -> Iterator[Plan]:
    """Plans of `count` searches, and then of the solver, where it finds a better one."""
    network, budget = work.network, work.budget
    small = network.n <= MOST_PROVABLE
    polish = small or budget.cpu_s >= POLISH_FROM_S
    solving = PROOF_SHARE if small else POLISH_SHARE
    comparing = COMPARING_SHARE if count > 1 else 0.0
    for_search = budget.share(1 - comparing - (solving if polish else 0.0))
    best: Found | None = None
    for number in range(count):
        share = for_search.share(1 / (count - number))
        found = search_people(
            network, share, work.seed + number, work.goals, lower_bound=work.bound
        )
        yield work.finished(found.starts, found.ends, found.people, "search")
        if best is None or found.cost < best.cost:
            best = found
        if for_search.is_over:
            break
    if polish and best is not None and best.makespan > work.bound:
        yield from _polished(work, best, budget.share(1 - comparing))


def _polished(work: _Work, found: Found, budget: Budget) -> Iterator[Plan]:
    """A shorter plan of the solver's, where it finds one; what else counts may not suffer."""
    from engines.planning.exact import shorter, start_s  # noqa: PLC0415 - only where it pays

    if start_s(work.network) > budget.left_s / 2:
        return
    answer = shorter(work.network, found.makespan, work.bound, budget, work.seed)
    work.bound = answer.lower_bound
    if answer.starts is not None and answer.people is not None:
        polished = found_of(work.network, answer.starts, answer.people, work.goals)
        if polished.cost < found.cost:
            yield work.finished(polished.starts, polished.ends, polished.people, "solver")


def _held(problem: Problem, plan: Plan) -> Held:
    were = {one.task: one for one in plan.placed}
    people = {person.id: number for number, person in enumerate(problem.people)}
    held = [were.get(task.id) for task in problem.tasks]
    return Held(
        people=np.array(
            [people.get(one.person or "", -1) if one else -1 for one in held], np.int64
        ),
        starts=np.array([one.start if one else -1 for one in held], np.int64),
    )
