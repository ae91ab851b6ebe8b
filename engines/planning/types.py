"""What goes into the planning engine and what comes out.

Time is counted in whole ticks from 0. What a tick is, the file says: PSPLIB and iMOPSE count in
their own unit, a team's plan in working minutes (`engines.planning.calendars`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


class CannotPlan(Exception):
    """The input cannot be planned; the message is one line that names the line or the task."""


@dataclass(frozen=True)
class Fixed:
    """Work that is done or under way: it stays where it is."""

    start: int
    end: int
    """Exclusive; of a task under way, when it is expected to end."""
    person: str | None = None


@dataclass(frozen=True)
class Task:
    """A piece of work that one person is accountable for, or that takes shares of capacities."""

    id: str
    duration: int
    """Expected ticks of work at pace 1; 0 for a milestone, which needs nobody."""
    cv: float = 0.0
    """Coefficient of variation of the duration, which is log-normal with mean `duration`."""
    after: tuple[str, ...] = ()
    """Ids of the tasks that have to end before this one starts."""
    needs: Mapping[str, int] = field(default_factory=dict[str, int])
    """Skills, with the least level, that the one person must have; a level may be 0."""
    demand: tuple[int, ...] = ()
    """Units of each of the problem's capacities while it runs."""
    only: tuple[str, ...] = ()
    """Ids of the people who may do it; empty for everyone who is able."""
    release: int = 0
    """The earliest start."""
    deadline: int | None = None
    """When it should have ended."""
    weight: float = 1.0
    """What a tick of lateness costs, over that of a tick of makespan; at least 0."""
    fixed: Fixed | None = None
    title: str = ""

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.title or self.id


@dataclass(frozen=True)
class Person:
    """Somebody who does one task at a time."""

    id: str
    skills: Mapping[str, int] = field(default_factory=dict[str, int])
    pace: float = 1.0
    """Work done in a tick of presence: .5 for half of the time. A task of 8 takes 16 then."""
    absent: tuple[tuple[int, int], ...] = ()
    """Half-open spans of ticks without work, ordered and apart. A task that is under way waits
    meanwhile; it never starts or ends inside of one."""

    def able(self, task: Task) -> bool:
        """Whether they have the skills and may do it."""
        named = not task.only or self.id in task.only
        return named and all(self.skills.get(s, -1) >= level for s, level in task.needs.items())


@dataclass(frozen=True)
class Problem:
    """What is to be planned: for people, or, where there are none, for renewable capacities."""

    tasks: tuple[Task, ...]
    people: tuple[Person, ...] = ()
    capacities: tuple[int, ...] = ()
    """Units of each renewable resource at every tick; only where there are no people."""
    now: int = 0
    """No task that is not fixed starts before."""
    title: str = ""

    @property
    def is_staffed(self) -> bool:
        """Whether people do the work."""
        return bool(self.people)


@dataclass(frozen=True)
class Placed:
    """Where a task lies in a plan."""

    task: str
    start: int
    end: int
    """Exclusive."""
    person: str | None = None


@dataclass(frozen=True)
class Plan:
    """A schedule that keeps every rule of its problem, in the order of the problem's tasks."""

    placed: tuple[Placed, ...]
    makespan: int
    """When the last task ends."""
    lower_bound: int
    """No plan ends before."""
    cpu_s: float
    found_by: str = ""
    """The part of the portfolio whose plan this is."""

    @property
    def proven(self) -> bool:
        """Whether no plan can be shorter."""
        return self.makespan <= self.lower_bound

    def of(self, task: str) -> Placed:
        """Where one task lies. Raises KeyError."""
        return next(one for one in self.placed if one.task == task)
