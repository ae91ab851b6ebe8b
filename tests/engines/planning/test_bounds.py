"""Bounds and the critical path, on problems small enough to count."""

from engines.planning.arrays import network_of
from engines.planning.bounds import lower_bound
from engines.planning.timing import timing_of
from engines.planning.types import Fixed, Person, Problem, Task


def test_the_critical_path_counts_releases_and_fixed_work() -> None:
    tasks = (
        Task("a", 3, fixed=Fixed(1, 9, "ana")),
        Task("b", 4, after=("a",)),
        Task("c", 2, release=20),
        Task("d", 1, after=("b", "c")),
    )
    timing = timing_of(network_of(Problem(tasks, (Person("ana"),), now=5)))
    assert timing.heads.tolist() == [1, 9, 20, 22]
    assert timing.ends.tolist() == [9, 13, 22, 23]
    assert timing.tails.tolist() == [5, 1, 1, 0]
    assert timing.critical_path == 23


def test_heads_wait_for_the_first_who_is_there() -> None:
    people = (
        Person("ana", {"api": 1}, absent=((0, 4), (6, 8))),
        Person("bo", {"web": 1}, pace=0.5),
    )
    tasks = (
        Task("a", 3, needs={"api": 0}),
        Task("b", 3, needs={"web": 0}),
        Task("c", 1, after=("a", "b")),
    )
    timing = timing_of(network_of(Problem(tasks, people)), with_absences=True)
    assert timing.heads.tolist() == [4, 0, 9]
    assert timing.ends.tolist() == [9, 6, 10]


def test_a_capacity_bounds_what_lies_between_heads_and_tails() -> None:
    tasks = (
        Task("first", 2, demand=(1,)),
        *(Task(f"t{i}", 4, after=("first",), demand=(2,)) for i in range(5)),
        Task("last", 3, after=tuple(f"t{i}" for i in range(5)), demand=(1,)),
    )
    # 2 + ceil(5 * 4 * 2 / 3) + 3
    assert lower_bound(network_of(Problem(tasks, capacities=(3,)))) == 19


def test_a_pool_of_people_bounds_what_they_alone_can_do() -> None:
    people = (Person("ana", {"api": 2}), Person("bo", {"api": 1}), Person("cy"))
    hard = tuple(Task(f"h{i}", 5, needs={"api": 2}) for i in range(3))
    easy = tuple(Task(f"e{i}", 4, needs={"api": 1}) for i in range(4))
    assert lower_bound(network_of(Problem(hard, people))) == 15
    assert lower_bound(network_of(Problem(hard + easy, people))) == 16
    away = (Person("ana", {"api": 2}, absent=((3, 13),)), *people[1:])
    assert lower_bound(network_of(Problem(hard, away))) == 25


def test_what_nobody_does_takes_nobodys_time() -> None:
    tasks = (Task("a", 0), Task("b", 0, after=("a",)))
    assert lower_bound(network_of(Problem(tasks, (Person("ana"),)))) == 0
    assert lower_bound(network_of(Problem((Task("a", 4),), capacities=()))) == 4
