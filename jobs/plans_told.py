"""A plan in words: who does what and when, how sure that is, and what it rests on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from engines.planning.outlook import Outlook
from engines.planning.team import TeamPlan
from engines.planning.types import Placed, Plan, Task
from jobs.messages import Block, Fields, File, Picture, Table, Text
from jobs.plan_left_out import LeftOut
from jobs.wording import count, plain

ROWS = 25
"""Tasks that are shown; all of them are in the CSV."""
MOST_NAMED = 8
"""Of people and of critical tasks."""
CRITICAL = 0.5
"""A task is called critical that decides the end in so many of the simulated executions."""


@dataclass(frozen=True)
class Planned:
    """A plan with all that is told of it."""

    team: TeamPlan
    plan: Plan
    outlook: Outlook | None = None
    """None where no duration is uncertain."""
    left_out: LeftOut = field(default_factory=LeftOut)
    picture: Picture | None = None
    files: tuple[File, ...] = ()

    @property
    def is_dated(self) -> bool:
        """Whether its times lie in a calendar."""
        return self.team.working_time is not None

    def when(self, tick: float, *, end: bool = True) -> str:
        """A moment, in words."""
        return self.team.say_when(round(tick), end=end)

    def day(self, tick: float) -> str:
        """The day of an end, or its number."""
        said = self.when(tick)
        return said.rpartition(" ")[0] if self.is_dated else said


def summary_of(planned: Planned) -> str:
    """In one plain line: "14 tasks, 4 people: done Thu 17 Dec 15:00, 80 % sure by …"."""
    problem = planned.team.problem
    people = f", {_people(len(problem.people))}" if problem.is_staffed else ""
    return f"{count(len(problem.tasks), 'task')}{people}: {outcome_of(planned)}"


def outcome_of(planned: Planned) -> str:
    """How it ends, how sure that is, and how far from the best at most."""
    plan, outlook = planned.plan, planned.outlook
    by = f"done {planned.when(plan.makespan)}"
    sure = f", 80 % sure by {planned.day(outlook.p80)}" if outlook else ""
    return f"{by}{sure}; {nearness(plan)}"


def nearness(plan: Plan) -> str:
    """How far from the best there can be."""
    if plan.proven:
        return "provably the shortest"
    percent = 100 * (plan.makespan - plan.lower_bound) / max(plan.lower_bound, 1)
    rounded = f"{ceil(percent)}" if percent > 1 else f"{ceil(10 * percent) / 10:.1f}"
    return f"within {rounded} % of provably best"


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"


def plan_blocks(planned: Planned) -> Iterator[Block]:
    """Everything but the heading, the notes and the buttons."""
    yield Fields(pairs=tuple(_facts(planned)))
    if planned.picture is not None:
        yield planned.picture
    yield from left_out_blocks(planned.left_out)
    yield from deadline_blocks(planned)
    yield from _critical(planned)
    yield _who_does_what(planned)
    yield from planned.files


def _facts(planned: Planned) -> Iterator[tuple[str, str]]:
    plan, outlook = planned.plan, planned.outlook
    yield "Done", planned.when(plan.makespan)
    if outlook is not None:
        first, last, half = (planned.day(x) for x in (outlook.p10, outlook.p90, outlook.p50))
        yield "Forecast", f"80 % between {first} and {last}, half of them by {half}"
    best = "" if plan.proven else f"; none ends before {planned.when(plan.lower_bound)}"
    yield "Bound", f"{nearness(plan)}{best}"
    if planned.team.problem.is_staffed:
        yield "Load", _load(planned)
    yield "Searched", f"{plan.cpu_s:.1f} CPU s"


def _load(planned: Planned) -> str:
    """Of the time that each person is there until the plan ends."""
    shares = loads(planned.team, planned.plan)
    most = sorted(shares.items(), key=lambda each: -each[1])
    told = [f"{plain(planned.team.name_of(who))} {100 * load:.0f} %" for who, load in most]
    more = len(told) - MOST_NAMED
    return ", ".join(told[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def loads(team: TeamPlan, plan: Plan) -> Mapping[str, float]:
    """By person the share of their presence, from now to the plan's end, that is planned."""
    now, end = team.problem.now, plan.makespan
    shares: dict[str, float] = {}
    for person in team.problem.people:

        def present(first: int, last: int, absent: Sequence[tuple[int, int]]) -> int:
            away = sum(max(0, min(last, b) - max(first, a)) for a, b in absent)
            return max(0, last - first - away)

        mine = [one for one in plan.placed if one.person == person.id]
        busy = sum(present(max(now, one.start), one.end, person.absent) for one in mine)
        shares[person.id] = busy / max(1, present(now, end, person.absent))
    return shares


def left_out_blocks(left_out: LeftOut) -> Iterator[Block]:
    """What is not planned, and why."""
    if not left_out.unable:
        return
    lines = [f"- {plain(name)}: {plain(why, 200)}" for name, why in left_out.unable.items()]
    told = "\n".join(lines[:ROWS])
    who = f"**{count(len(lines), 'task')} that nobody is able to do**, so not planned:\n{told}"
    yield Text(markdown=who)
    if left_out.waiting:
        waits = [f"{plain(one)} (for {plain(it)})" for one, it in left_out.waiting.items()]
        yield Text(
            markdown=f"Not planned either, since {'it waits' if len(waits) == 1 else 'they wait'} "
            f"for that: {', '.join(waits[:ROWS])}."
        )


def deadline_blocks(planned: Planned) -> Iterator[Block]:
    """Each deadline, and how likely it is kept; the least likely first."""
    due = [task for task in planned.team.problem.tasks if task.deadline is not None]
    if not due:
        return
    chances: Mapping[str, float] = planned.outlook.on_time if planned.outlook else {}
    due.sort(key=lambda task: (chances.get(task.id, 1.0), task.deadline))
    rows = tuple(_deadline(planned, task, chances) for task in due[:ROWS])
    yield Table(header=("Deadline", "Due", "Planned", "On time"), rows=rows)


def _deadline(planned: Planned, task: Task, chances: Mapping[str, float]) -> tuple[str, ...]:
    assert task.deadline is not None
    end = planned.plan.of(task.id).end
    late = end > task.deadline
    chance = f"{100 * chances[task.id]:.0f} %" if task.id in chances else ("no" if late else "yes")
    ends = f"**{planned.when(end)}**, late" if late else planned.when(end)
    return plain(task.name), planned.when(task.deadline), ends, chance


def _critical(planned: Planned) -> Iterator[Block]:
    if planned.outlook is None:
        return
    shares = planned.outlook.criticality
    found = [one for one in _in_order(planned) if shares.get(one.task, 0.0) >= CRITICAL]
    names = {task.id: task.name for task in planned.team.problem.tasks}
    told = [f"{plain(names[one.task])} ({100 * shares[one.task]:.0f} %)" for one in found]
    if told:
        more = f" and {len(told) - MOST_NAMED} more" if len(told) > MOST_NAMED else ""
        yield Text(
            markdown=f"**Critical**: {' → '.join(told[:MOST_NAMED])}{more}. In so many of the "
            "simulated executions the end hangs on the task."
        )


def _in_order(planned: Planned) -> list[Placed]:
    return sorted(planned.plan.placed, key=lambda one: (one.start, one.end))


def _who_does_what(planned: Planned) -> Table:
    tasks = {task.id: task for task in planned.team.problem.tasks}
    staffed = planned.team.problem.is_staffed
    shown = _in_order(planned)
    rows = [
        (
            plain(tasks[one.task].name),
            *((plain(planned.team.name_of(one.person)) if one.person else "",) if staffed else ()),
            planned.when(one.start, end=False) if one.end > one.start else "",
            planned.when(one.end),
        )
        for one in shown[:ROWS]
    ]
    if len(shown) > ROWS:
        more = f"… {len(shown) - ROWS:,} more in the CSV"
        rows.append((more, *(("",) if staffed else ()), "", ""))
    header = ("Task", *(("Who",) if staffed else ()), "From", "Until")
    return Table(header=header, rows=tuple(rows))
