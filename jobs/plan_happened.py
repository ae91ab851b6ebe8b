"""What people say has happened, put into the plan as it was written down."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import ceil
from typing import TypeVar

from engines.planning.calendars import WorkingTime
from engines.planning.estimates import DAY, MILESTONE, parse_work, say_work
from engines.planning.reading.assembly import aware
from engines.planning.reading.drafts import DraftPerson, DraftPlan, DraftTask
from engines.planning.reading.team_list import drafted_list
from engines.planning.reading.words import nearest, shown, skill
from engines.planning.team import TeamPlan
from engines.planning.types import CannotPlan, Plan
from jobs.requests import Adds, Away, Finished, Joins, Pins, PlanEvent, Takes

_Named = TypeVar("_Named", DraftTask, DraftPerson)
_FARTHEST = timedelta(days=3660)


@dataclass(frozen=True)
class Held:
    """A plan that people hold."""

    draft: DraftPlan
    team: TeamPlan
    plan: Plan


def happened(held: Held, events: Iterable[PlanEvent], asked_at: datetime) -> DraftPlan:
    """The plan as written, with all that has happened by now; now may lie as late as the last
    end that is told.

    Raises:
        CannotPlan: An event is about nobody or nothing that is there, or cannot be.
    """
    story = _Story(held, asked_at)
    for event in events:
        story.tell(event)
    return story.draft


class _Story:
    """A draft that events are told to, one after another."""

    def __init__(self, held: Held, asked_at: datetime) -> None:
        self._held = held
        self._time = held.team.working_time
        self.draft = held.draft
        if self._time is not None:
            asked = asked_at.astimezone(self._time.zone).replace(second=0, microsecond=0)
            self._now = max(asked, self._time.start)
            self.draft = replace(self.draft, now=self._now)

    def tell(self, event: PlanEvent) -> None:
        match event:
            case Away():
                self._away(event)
            case Joins():
                self._joins(event)
            case Takes():
                self._takes(event)
            case Finished():
                self._finished(event)
            case Adds():
                self._adds(event)
            case Pins():
                task, person = self._task(event.task), self._person(event.person)
                self._put_task(replace(task, only=(person.id,)))

    def _away(self, event: Away) -> None:
        person = self._person(event.person)
        if self._time is None:
            raise CannotPlan(f"{person.id}: days off need a calendar, and this plan has none")
        if event.first is not None and event.last is not None:
            span = event.first, event.last
        else:
            days = ceil(parse_work(event.amount, self._day) / self._day)
            span = self._days_from_now(self._time, person.id, days)
        self._put_person(replace(person, off=(*person.off, span)))

    def _days_from_now(self, time: WorkingTime, person: str, days: int) -> tuple[date, date]:
        """The next so many dates on which the person would work."""
        hours, day = time.of(person), self._now.date()
        if self._now.hour * 60 + self._now.minute >= max((b for _, b in hours.on(day)), default=0):
            day += timedelta(days=1)
        first, last, found = None, day, 0
        while found < days and day < self._now.date() + _FARTHEST:
            if hours.on(day):
                first, last, found = first or day, day, found + 1
            day += timedelta(days=1)
        return first or last, last

    def _joins(self, event: Joins) -> None:
        words = [word for word in event.skills.split(",") if word.strip()]
        skills = dict(skill(word) for word in words)
        known = self._find(event.person, self.draft.people)
        if known is not None:
            self._put_person(replace(known, skills={**known.skills, **skills}))
            return
        new = DraftPerson(f"person {event.person}", event.person, skills=skills)
        self.draft = replace(self.draft, people=(*self.draft.people, new))

    def _takes(self, event: Takes) -> None:
        task = self._task(event.task)
        if task.done:
            raise CannotPlan(f"task {task.id} is done, so that it takes no longer")
        if self._held.team.day is None:
            raise CannotPlan("this plan counts in bare numbers, so that it knows no days and hours")
        more = parse_work(event.amount, self._day)
        estimate: tuple[str | int, ...] = (say_work(more, self._day),)
        if event.late:
            if task.estimate == (MILESTONE,):
                raise CannotPlan(f"task {task.id} is a milestone: it is late when others are")
            estimate = tuple(
                say_work(parse_work(str(one), self._day) + more, self._day) for one in task.estimate
            )
        self._put_task(replace(task, estimate=estimate))

    def _finished(self, event: Finished) -> None:
        task = self._task(event.task)
        placed = self._held.plan.of(task.id)
        if self._time is None:
            self._put_task(
                replace(
                    task, done=True, started=placed.start, ended=placed.end, by=placed.person or ""
                )
            )
            return
        ended = self._ended(event.on, self._time.at(placed.end, end=True), self._time)
        started = min(self._time.at(placed.start, end=False), ended)
        if ended > self._now:
            self._now = ended
            self.draft = replace(self.draft, now=ended)
        self._put_task(
            replace(task, done=True, started=started, ended=ended, by=placed.person or "")
        )

    def _ended(self, on: date | None, planned: datetime, time: WorkingTime) -> datetime:
        """When on that day: as planned, if it was to end then, or with the day's work."""
        if on is None or on == self._now.date():
            return self._now
        if on == planned.date():
            return planned
        return time.at(time.tick(aware(on, time, end=True)), end=True)

    def _adds(self, event: Adds) -> None:
        """What a list would say in one line; waits for tasks that are there already."""
        (task,) = drafted_list(f"- {event.title} {event.rest}").tasks
        if self._find(task.id, self.draft.tasks) is not None:
            raise CannotPlan(f"there is a task {shown(task.id)} already")
        after = tuple(self._task(name).id for name in task.after)
        new = replace(task, where=f"task {task.id}", after=after)
        self.draft = replace(self.draft, tasks=(*self.draft.tasks, new))

    @property
    def _day(self) -> int:
        return self._held.team.day or DAY

    def _task(self, name: str) -> DraftTask:
        found = self._find(name, self.draft.tasks)
        if found is None:
            names = [one.title or one.id for one in self.draft.tasks]
            raise CannotPlan(f"there is no task {shown(name)}{nearest(name, names)}")
        return found

    def _person(self, name: str) -> DraftPerson:
        found = self._find(name, self.draft.people)
        if found is None:
            names = [one.id for one in self.draft.people]
            raise CannotPlan(f"there is nobody called {shown(name)}{nearest(name, names)}")
        return found

    def _find(self, name: str, among: Iterable[_Named]) -> _Named | None:
        """The one with this id, or else this title or name, whatever the case."""
        wanted = name.casefold()
        known = list(among)
        by_id = [one for one in known if one.id.casefold() == wanted]
        return next(iter(by_id or (one for one in known if _called(one) == wanted)), None)

    def _put_task(self, task: DraftTask) -> None:
        tasks = (task if one.id == task.id else one for one in self.draft.tasks)
        self.draft = replace(self.draft, tasks=tuple(tasks))

    def _put_person(self, person: DraftPerson) -> None:
        people = (person if one.id == person.id else one for one in self.draft.people)
        self.draft = replace(self.draft, people=tuple(people))


def _called(one: DraftTask | DraftPerson) -> str:
    return (one.title if isinstance(one, DraftTask) else one.name).casefold()
