"""New sequences from old ones; each keeps every task after its predecessors."""

from engines.planning.arrays import Ints
from engines.planning.capacity.packed import Packed
from engines.planning.chance import below, drawn
from engines.planning.compiled import compiled


@compiled
def cross(one: Ints, other: Ints, cuts: tuple[int, int], taken: Ints, child: Ints) -> None:
    """Two-point crossover (Hartmann 1998).

    Up to the first cut and from the second on, tasks come in the order of `other`, between them
    in the order of `one`; each task the first time only. `taken` is working memory [m].
    """
    taken[:] = 0
    for at in range(cuts[0]):
        child[at] = other[at]
        taken[other[at]] = 1
    at = cuts[0]
    for task in one:
        if at == cuts[1]:
            break
        if taken[task] == 0:
            child[at] = task
            taken[task] = 1
            at += 1
    for task in other:
        if taken[task] == 0:
            child[at] = task
            at += 1


@compiled
def shift(packed: Packed, sequence: Ints, reach: int, state: Ints) -> None:
    """Move a random task by up to `reach` positions, as far as precedence lets it."""
    at = below(state, len(sequence))
    steps = 1 + below(state, reach)
    if drawn(state) & 1:
        _shift_later(packed, sequence, at, min(steps, len(sequence) - 1 - at))
    else:
        _shift_earlier(packed, sequence, at, min(steps, at))


@compiled
def _shift_later(packed: Packed, sequence: Ints, at: int, steps: int) -> None:
    task = sequence[at]
    for _ in range(steps):
        if _waits_for(packed, sequence[at + 1], task):
            break
        sequence[at] = sequence[at + 1]
        at += 1
    sequence[at] = task


@compiled
def _shift_earlier(packed: Packed, sequence: Ints, at: int, steps: int) -> None:
    task = sequence[at]
    for _ in range(steps):
        if _waits_for(packed, task, sequence[at - 1]):
            break
        sequence[at] = sequence[at - 1]
        at -= 1
    sequence[at] = task


@compiled
def _waits_for(packed: Packed, task: int, other: int) -> bool:
    """Whether `other` is a direct predecessor."""
    side = packed.forward
    link, end = side.first[task], side.first[task + 1]
    while link < end and side.links[link] != other:
        link += 1
    return link < end
