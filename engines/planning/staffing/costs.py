"""What a draft costs, in ticks."""

from engines.planning.compiled import compiled
from engines.planning.staffing.crew import Crew, Dues, Prices
from engines.planning.staffing.draft import Draft


@compiled
def makespan(crew: Crew, draft: Draft) -> int:
    """When the last task ends."""
    n = len(draft.people)
    last = crew.fixed.end
    for person in range(len(draft.loads)):
        task: int = draft.before[n + person]
        end: int = draft.ends[task]
        if task < n:
            last = max(last, end)
    for i in range(len(crew.milestones)):
        milestone: int = crew.milestones[i]
        end = draft.ends[milestone]
        last = max(last, end)
    return last


@compiled
def lateness(draft: Draft, target: float) -> float:
    """Ticks by which people end after the target, of all of them."""
    n = len(draft.people)
    late = 0.0
    for person in range(len(draft.loads)):
        task: int = draft.before[n + person]
        end: int = draft.ends[task]
        if task < n and end > target:
            late += end - target
    return late


@compiled
def of_hands(prices: Prices, draft: Draft) -> float:
    """Imbalance and changed hands: what depends on people alone, not on time."""
    cost = 0.0
    if prices.balance > 0.0:
        mean = draft.loads.sum() / len(draft.loads)
        off = 0.0
        for person in range(len(draft.loads)):
            off += abs(draft.loads[person] - mean)
        cost += prices.balance * off / len(draft.loads)
    if prices.moves > 0.0:
        moved = 0
        for i in range(len(draft.order)):
            task: int = draft.order[i]
            if 0 <= prices.people[task] != draft.people[task]:
                moved += 1
        cost += prices.moves * moved
    return cost


@compiled
def of_times(dues: Dues, prices: Prices, draft: Draft) -> float:
    """Tardiness, and starts that moved."""
    cost = 0.0
    for i in range(len(dues.ticks)):
        task: int = dues.tasks[i]
        late: int = draft.ends[task] - dues.ticks[i]
        if late > 0:
            cost += dues.prices[i] * late
    if prices.shift > 0.0:
        shifted = 0
        for i in range(len(draft.order)):
            task: int = draft.order[i]
            held: int = prices.starts[task]
            if held >= 0:
                shifted += abs(draft.starts[task] - held)
        cost += prices.shift * shifted
    return cost


@compiled
def total(crew: Crew, draft: Draft) -> float:
    """What a plan is judged by."""
    timely = of_times(crew.dues, crew.prices, draft)
    return makespan(crew, draft) + of_hands(crew.prices, draft) + timely
