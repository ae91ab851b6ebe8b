"""The compiled decoder against the one that goes tick by tick."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.planning.arrays import network_of
from engines.planning.chance import seeded
from engines.planning.staffing.annealing import Heat, anneal, note, nothing_yet
from engines.planning.staffing.costs import total
from engines.planning.staffing.crew import Crew, crew_of
from engines.planning.staffing.draft import Draft, decode, empty_draft, relink, tidy
from engines.planning.staffing.goals import Goals
from engines.planning.staffing.moves import make, proposed, unmake
from engines.planning.types import Fixed, Person, Problem, Task
from tests.engines.planning.staffing.naive import able, decoded, with_pins

BIG = 1e9


def filled(problem: Problem, data: st.DataObject) -> tuple[Crew, Draft]:
    """A draft with somebody able for each task, drawn; not decoded."""
    network = network_of(problem)
    crew = crew_of(network, Goals(), None)
    draft = empty_draft(crew)
    for task in crew.links.free:
        person = data.draw(st.sampled_from(able(network, int(task))))
        draft.people[task] = person if person >= 0 else network.people
    relink(crew, draft)
    return crew, draft


@settings(max_examples=150, deadline=None)
@given(problem=with_pins(), data=st.data())
def test_a_list_is_decoded_as_tick_by_tick(problem: Problem, data: st.DataObject) -> None:
    network = network_of(problem)
    crew, draft = filled(problem, data)
    people = np.where(draft.people < network.people, draft.people, -1)
    assert decode(crew, draft, 0, BIG)
    starts, ends = decoded(network, draft.order.tolist(), people.tolist())
    assert draft.starts.tolist() == starts.tolist()
    assert draft.ends[: network.n].tolist() == ends.tolist()


@settings(max_examples=100, deadline=None)
@given(problem=with_pins(), data=st.data(), seed=st.integers(0, 99))
def test_moves_keep_precedence_and_can_be_taken_back(
    problem: Problem, data: st.DataObject, seed: int
) -> None:
    crew, draft = filled(problem, data)
    if len(crew.links.free) == 0:
        return
    decode(crew, draft, 0, BIG)
    chance = seeded(seed)
    for _ in range(30):
        move = proposed(crew, draft, chance, 5.0)
        if move.task < 0:
            continue
        before = [array.copy() for array in draft]
        first = make(crew.hands.takes, draft, move)
        assert draft.order[:first].tolist() == before[0][:first].tolist()
        assert_sound(crew, draft)
        unmake(crew.hands.takes, draft, move)
        assert all((a == b).all() for a, b in zip(draft, before, strict=True))
        make(crew.hands.takes, draft, move)
        decode(crew, draft, first, BIG)
        tail_only = draft.ends.copy()
        decode(crew, draft, 0, BIG)
        assert draft.ends.tolist() == tail_only.tolist()


def assert_sound(crew: Crew, draft: Draft) -> None:
    links, n = crew.links, len(draft.people)
    for place, task in enumerate(draft.order):
        assert draft.places[task] == place
        assert crew.hands.takes[task, draft.people[task]] >= 0
        first, last = links.predecessors_first[task], links.predecessors_first[task + 1]
        assert all(draft.places[one] < place for one in links.predecessors[first:last])
    for person in range(len(draft.loads)):
        theirs = [int(task) for task in draft.order if draft.people[task] == person]
        chain: list[int] = []
        node = int(draft.behind[n + person])
        while node < n:
            chain.append(node)
            node = int(draft.behind[node])
        assert chain == theirs
        ticks = crew.hands.takes[theirs, person].sum() + crew.fixed.loads[person]
        assert draft.loads[person] == ticks


@settings(max_examples=60, deadline=None)
@given(problem=with_pins(), data=st.data())
def test_sorting_the_list_by_time_moves_no_task(problem: Problem, data: st.DataObject) -> None:
    crew, draft = filled(problem, data)
    decode(crew, draft, 0, BIG)
    before = draft.ends.copy()
    tidy(draft)
    assert_sound(crew, draft)
    decode(crew, draft, 0, BIG)
    assert draft.ends.tolist() == before.tolist()


@settings(max_examples=40, deadline=None)
@given(problem=with_pins(), data=st.data(), seed=st.integers(0, 99))
def test_annealing_leaves_a_draft_that_decodes_to_itself(
    problem: Problem, data: st.DataObject, seed: int
) -> None:
    crew, draft = filled(problem, data)
    if len(crew.links.free) == 0:
        return
    decode(crew, draft, 0, BIG)
    best = nothing_yet(crew)
    note(crew, draft, best, total(crew, draft))
    anneal(crew, draft, best, seeded(seed), Heat(200, 3.0, 0.1, 1.0, 0.0, 0))
    ends = draft.ends.copy()
    decode(crew, draft, 0, BIG)
    assert draft.ends.tolist() == ends.tolist()
    assert_sound(crew, draft)


def test_work_waits_for_an_absence_and_goes_around_what_is_fixed() -> None:
    # Ann is away at 3 and 4 and has a meeting at 8 and 9.
    ann = Person("ann", absent=((3, 5),))
    tasks = (
        Task("meeting", 2, fixed=Fixed(8, 10, "ann")),
        Task("short", 4),
        Task("long", 3),
    )
    crew = crew_of(network_of(Problem(tasks, (ann,))), Goals(), None)
    draft = empty_draft(crew)
    draft.people[1:] = 0
    relink(crew, draft)
    decode(crew, draft, 0, BIG)
    assert (draft.starts[1], draft.ends[1]) == (0, 6)
    assert (draft.starts[2], draft.ends[2]) == (10, 13)


def test_a_decode_stops_where_it_cannot_end_in_time() -> None:
    tasks = (Task("a", 4), Task("b", 5, after=("a",)))
    crew = crew_of(network_of(Problem(tasks, (Person("ann"),))), Goals(), None)
    draft = empty_draft(crew)
    draft.people[:] = 0
    relink(crew, draft)
    assert decode(crew, draft, 0, 9.0)
    assert not decode(crew, draft, 0, 8.5)


@pytest.mark.parametrize(("deadline", "price"), [(None, 0.0), (3, 4.0)])
def test_a_draft_costs_its_makespan_and_its_lateness(deadline: int | None, price: float) -> None:
    task = Task("a", 5, deadline=deadline, weight=2.0)
    crew = crew_of(network_of(Problem((task,), (Person("ann"),))), Goals(), None)
    draft = empty_draft(crew)
    draft.people[:] = 0
    relink(crew, draft)
    decode(crew, draft, 0, BIG)
    assert total(crew, draft) == 5 + price
