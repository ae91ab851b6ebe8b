"""Generated projects of teams, of the kind that iMOPSE's d36 set has."""

from dataclasses import dataclass

import numpy as np

from engines.planning.types import Person, Problem, Task

SKILLS_EACH = 6
LEVELS = 3
SHORTEST, LONGEST = 8, 40
MOST_BEFORE = 4


@dataclass(frozen=True)
class Shape:
    """What iMOPSE's file names say: tasks_resources_precedences_skilltypes."""

    tasks: int
    people: int
    arcs: int
    skills: int


def team_project(shape: Shape, seed: int) -> Problem:
    """A project in which every task is for one skill of a level that somebody has."""
    rng = np.random.default_rng([seed, shape.tasks, shape.people, shape.arcs, shape.skills])
    people = [_person(i, shape.skills, rng) for i in range(shape.people)]
    after = _after(shape, rng)
    tasks = [
        Task(
            f"t{i}",
            int(rng.integers(SHORTEST, LONGEST + 1)),
            needs=_needs(people, rng),
            after=tuple(f"t{one}" for one in sorted(after[i])),
        )
        for i in range(shape.tasks)
    ]
    return Problem(tuple(tasks), tuple(people))


def _person(i: int, skills: int, rng: np.random.Generator) -> Person:
    theirs = rng.choice(skills, min(SKILLS_EACH, skills), replace=False)
    return Person(f"p{i}", {f"Q{skill}": int(rng.integers(LEVELS)) for skill in theirs})


def _needs(people: list[Person], rng: np.random.Generator) -> dict[str, int]:
    """A skill that somebody has, of their level or less."""
    skills = people[rng.integers(len(people))].skills
    skill = str(rng.choice(list(skills)))
    return {skill: int(rng.integers(skills[skill] + 1))}


def _after(shape: Shape, rng: np.random.Generator) -> list[set[int]]:
    after: list[set[int]] = [set() for _ in range(shape.tasks)]
    for _ in range(shape.arcs):
        pair = rng.choice(shape.tasks, 2, replace=False)
        earlier, later = int(pair.min()), int(pair.max())
        if len(after[later]) < MOST_BEFORE:
            after[later].add(earlier)
    return after
