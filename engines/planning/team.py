"""A team's plan as it was read: the problem, and how its ticks are told to people."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engines.planning.calendars import WorkingTime
from engines.planning.estimates import say_work
from engines.planning.types import Problem


@dataclass(frozen=True)
class TeamPlan:
    """What is to be planned, in the words of those who wrote it."""

    problem: Problem
    working_time: WorkingTime | None = None
    """None where times are bare numbers from 0."""
    day: int | None = None
    """Working minutes in a day; None where a tick is no minute."""
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    """What people are called, by id; those that are not there go by their id."""
    warnings: tuple[str, ...] = ()
    """What was read over or cannot be kept, a line each."""
    hopeless: tuple[str, ...] = ()
    """Those of them that are deadlines which no plan keeps."""

    def name_of(self, person: str) -> str:
        """What a person is called."""
        return self.names.get(person, person)

    def say_length(self, ticks: int) -> str:
        """An amount of work: `1d 4h`, or a bare number."""
        return f"{ticks:,}" if self.day is None else say_work(ticks, self.day)

    def say_when(self, tick: int, *, end: bool) -> str:
        """A moment: `Fri 18 Dec 17:00`, or how much work lies before it.

        Raises:
            CannotPlan: It is more than ten years off.
        """
        if self.working_time is None:
            return self.say_length(tick)
        moment = self.working_time.at(tick, end=end)
        year = "" if moment.year == self.working_time.start.year else f" {moment.year}"
        return f"{moment:%a} {moment.day} {moment:%b}{year} {moment:%H:%M}"
