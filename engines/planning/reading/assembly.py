"""From a plan as written to the problem: names looked up, times turned into ticks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from engines.planning.arrays import presence_ticks
from engines.planning.calendars import Hours, WorkingTime, ended_after
from engines.planning.estimates import (
    DAY,
    MILESTONE,
    UNCERTAINTY,
    Estimate,
    estimate_of,
    parse_work,
)
from engines.planning.reading.checks import (
    check_able,
    check_circles,
    check_skills_are_known,
    late_from_the_start,
)
from engines.planning.reading.drafts import DraftPerson, DraftPlan, DraftTask, Moment
from engines.planning.reading.lines import LONGEST_DURATION, MOST_PEOPLE, MOST_TASKS
from engines.planning.reading.words import naming, nearest, shown
from engines.planning.team import TeamPlan
from engines.planning.types import CannotPlan, Fixed, Person, Problem, Task

_LONGEST_TICKS = 1 << 31
"""A release or a deadline beyond is a slip of the pen."""


@dataclass(frozen=True)
class _Clock:
    """How this plan counts."""

    working_time: WorkingTime | None
    day: int | None
    """As `TeamPlan.day`."""

    def tick(self, moment: Moment, *, end: bool) -> int:
        """The tick of a moment; of a date its first one or, with `end`, what ends with it."""
        if isinstance(moment, int):
            return self._bare(moment)
        if self.working_time is None:
            raise CannotPlan(
                f"{moment} is a date, and nothing says when the plan starts; add a `start`"
            )
        return self.working_time.tick(aware(moment, self.working_time, end=end))

    def tick_of(self, key: str, moment: Moment | None, *, end: bool) -> int | None:
        """The tick of what stands under a key, if anything does."""
        if moment is None:
            return None
        with naming(key):
            return self.tick(moment, end=end)

    def _bare(self, tick: int) -> int:
        if self.working_time is not None:
            raise CannotPlan(f"{tick} is no date; write 2026-12-24")
        if not 0 <= tick <= _LONGEST_TICKS:
            raise CannotPlan(f"{tick} is no time from 0 to {_LONGEST_TICKS:,}")
        return tick

    def amount(self, written: str | int) -> int:
        """Ticks of one amount of work."""
        if isinstance(written, str):
            return parse_work(written, self.day or DAY)
        if self.day is not None:
            raise CannotPlan(f"the estimate {written} has no unit; write {written}d or {written}h")
        if written < 0:
            raise CannotPlan(f"the estimate {written} is negative")
        if written == 0:
            raise CannotPlan(f"the estimate is 0; a milestone is `{MILESTONE}`")
        if written > LONGEST_DURATION:
            raise CannotPlan(f"the estimate {written} is above {LONGEST_DURATION:,}")
        return written


def aware(moment: date | datetime, working_time: WorkingTime, *, end: bool) -> datetime:
    """A moment on the plan's clock; a date is its first instant or, with `end`, its last."""
    if isinstance(moment, datetime):
        return moment if moment.tzinfo else moment.replace(tzinfo=working_time.zone)
    day = moment + timedelta(days=1) if end else moment
    return datetime.combine(day, time(), working_time.zone)


def assembled(draft: DraftPlan, start: datetime | None) -> TeamPlan:
    """The plan that was written down.

    `start`, aware, is when it begins where it does not say so itself; with neither, its ticks
    count from 0.

    Raises:
        CannotPlan: Something is missing, unknown or contradicts itself; the message names it.
    """
    _check_sizes(draft)
    ids = _distinct([(task.where, task.id) for task in draft.tasks], "task")
    people = _distinct([(person.where, person.id) for person in draft.people], "person")
    drafts = [_linked(task, ids, people) for task in draft.tasks]
    clock = _clock(draft, start)
    now = clock.tick_of("now", draft.now, end=False) or 0
    tasks = [_task(task, draft.uncertainty, clock) for task in drafts]
    check_circles(drafts)
    check_skills_are_known(
        [task for task in drafts if not task.done], {s for p in draft.people for s in p.skills}
    )
    staff = _staff(draft.people, tasks, clock, now)
    check_able(drafts, tasks, staff)
    tasks = [_with_end(task, staff, now) for task in tasks]
    problem = Problem(tuple(tasks), tuple(staff), now=now, title=draft.title)
    names = {person.id: person.name for person in draft.people if person.name}
    plan = TeamPlan(problem, clock.working_time, clock.day, names, draft.warnings)
    hopeless = tuple(late_from_the_start(plan, drafts))
    return replace(plan, warnings=(*draft.warnings, *hopeless), hopeless=hopeless)


def _check_sizes(draft: DraftPlan) -> None:
    if not draft.tasks:
        hint = f" ({draft.warnings[0]})" if draft.warnings else ""
        raise CannotPlan(f"the plan has no tasks{hint}")
    if len(draft.tasks) > MOST_TASKS:
        raise CannotPlan(f"the plan has {len(draft.tasks):,} tasks; {MOST_TASKS:,} are the most")
    if len(draft.people) > MOST_PEOPLE:
        raise CannotPlan(f"the plan has {len(draft.people):,} people; {MOST_PEOPLE:,} are the most")
    if not draft.people:
        raise CannotPlan(
            "the plan names nobody to do the work; add people, as `[[people]]` in TOML, a column "
            "`person` in CSV, or a line `team: ana, bo` in a list"
        )


def _distinct(named: Sequence[tuple[str, str]], kind: str) -> set[str]:
    ids: dict[str, str] = {}
    for where, name in named:
        if name in ids:
            raise CannotPlan(f"{where}: there is another {kind} of that name ({ids[name]})")
        ids[name] = where.partition(":")[0]
    return set(ids)


def _linked(task: DraftTask, ids: set[str], people: set[str]) -> DraftTask:
    """The task with the ids of others instead of what somebody called them."""
    after = [_known(name, ids, f"{task.where}: unknown predecessor") for name in task.after]
    only = [_known(name, people, f"{task.where}: unknown person") for name in task.only]
    by = _known(task.by, people, f"{task.where}: unknown person") if task.by else ""
    return replace(task, after=tuple(dict.fromkeys(after)), only=tuple(dict.fromkeys(only)), by=by)


def _known(name: str, ids: set[str], what: str) -> str:
    """The id that is meant, whatever its case."""
    if name in ids:
        return name
    same = [one for one in ids if one.casefold() == name.casefold()]
    if len(same) != 1:
        raise CannotPlan(f"{what} {shown(name)}{nearest(name, sorted(ids))}")
    return same[0]


def _clock(draft: DraftPlan, start: datetime | None) -> _Clock:
    if draft.start is None and draft.team is None and not _has_units(draft):
        return _Clock(None, None)
    team = draft.team or Hours()
    begins = _start(draft, start)
    if begins is None:
        return _Clock(None, team.day)
    with naming("start"):
        own = {
            person.id: _own_hours(person, team)
            for person in draft.people
            if person.days or person.windows or person.off
        }
        return _Clock(WorkingTime(begins, team, own), team.day)


def _has_units(draft: DraftPlan) -> bool:
    """Whether any amount of work has a unit, or any moment is a date."""
    return any(
        any(isinstance(one, str) and one != MILESTONE for one in task.estimate)
        or any(
            isinstance(one, date)
            for one in (task.not_before, task.deadline, task.started, task.ended)
        )
        for task in draft.tasks
    )


def _start(draft: DraftPlan, default: datetime | None) -> datetime | None:
    start = default if draft.start is None else draft.start
    if start is None:
        return None
    zone = draft.zone or (isinstance(start, datetime) and start.tzinfo) or UTC
    if not isinstance(start, datetime):
        return datetime.combine(start, time(), zone)
    return start.astimezone(zone) if start.tzinfo else start.replace(tzinfo=zone)


def _own_hours(person: DraftPerson, team: Hours) -> Hours:
    return Hours(
        team.days if person.days is None else person.days,
        team.windows if person.windows is None else person.windows,
        person.off,
    )


def _task(task: DraftTask, uncertainty: float | None, clock: _Clock) -> Task:
    """The task, but for when work that is under way will end."""
    spread = UNCERTAINTY if uncertainty is None else uncertainty
    if task.uncertainty is not None:
        spread = task.uncertainty
    with naming(task.where):
        estimate = _estimate(task, spread, clock)
        return Task(
            task.id,
            estimate.mean,
            estimate.cv,
            after=task.after,
            needs=task.needs,
            only=task.only,
            release=clock.tick_of("not_before", task.not_before, end=False) or 0,
            deadline=clock.tick_of("deadline", task.deadline, end=True),
            weight=task.weight,
            fixed=_fixed(task, clock),
            title=task.title if task.title != task.id else "",
        )


def _estimate(task: DraftTask, spread: float, clock: _Clock) -> Estimate:
    if task.estimate == (MILESTONE,):
        return Estimate(0, 0.0)
    if not task.estimate:
        if task.done:
            return Estimate(0, 0.0)
        raise CannotPlan(f"it has no estimate; write 3d, or `{MILESTONE}` where there is no work")
    found = estimate_of([clock.amount(one) for one in task.estimate], spread)
    return replace(found, cv=0.0) if task.done else found


_UNDER_WAY = -1
"""The end of a task of which only the start is known yet."""


def _fixed(task: DraftTask, clock: _Clock) -> Fixed | None:
    """Where the task lies, if that is known."""
    by = task.by or (task.only[0] if len(task.only) == 1 else None)
    if task.started is None and task.ended is None and not task.done:
        return None
    started = clock.tick_of("started", task.started, end=False)
    ended = clock.tick_of("ended", task.ended, end=True)
    if started is not None and ended is not None and ended < started:
        raise CannotPlan("it ended before it started")
    if ended is None and not task.done:
        if by is None:
            raise CannotPlan('it is under way; say by whom (by = "ana")')
        return Fixed(started or 0, _UNDER_WAY, by)
    known = [one for one in (started, ended) if one is not None] or [0]
    return Fixed(known[0], known[-1], by)


def _with_end(task: Task, staff: Sequence[Person], now: int) -> Task:
    """The task, its end told by its estimate where it is under way."""
    if task.fixed is None or task.fixed.end != _UNDER_WAY:
        return task
    person = next(one for one in staff if one.id == task.fixed.person)
    end = ended_after(person.absent, task.fixed.start, presence_ticks(task, person))
    return replace(task, fixed=replace(task.fixed, end=max(end, now + 1)))


def _staff(
    people: Sequence[DraftPerson],
    tasks: Sequence[Task],
    clock: _Clock,
    now: int,
) -> list[Person]:
    """The people, with absences for as long as any plan of these tasks may take."""
    work = sum(task.duration for task in tasks)
    beyond = max([now, *(max(t.release, t.fixed.start if t.fixed else 0) for t in tasks)])
    staff: list[Person] = []
    for person in people:
        absent: tuple[tuple[int, int], ...] = ()
        if clock.working_time is not None:
            with naming(person.where):
                presence = int(work / person.load) + len(tasks)
                absent = clock.working_time.absences(person.id, presence=presence, beyond=beyond)
        elif person.days or person.windows or person.off:
            raise CannotPlan(
                f"{person.where}: days, hours and time off need a calendar; say when the plan "
                "starts (`start`)"
            )
        staff.append(Person(person.id, person.skills, person.load, absent))
    return staff
