"""Plans side by side: when each ends, how sure that is, and what lies elsewhere."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engines.planning.types import CannotPlan, Placed
from jobs.desk import Declined, Done
from jobs.messages import Actions, Block, Heading, Reply, Table, Text
from jobs.plan_kept import KeptPlan, Reading, reading_of
from jobs.plans_told import Planned, loads, nearness
from jobs.wording import count, opinion_buttons, plain
from storage.ids import JobId

ROWS = 25


@dataclass(frozen=True)
class _Plan:
    job: JobId
    kept: KeptPlan
    read: Reading

    @property
    def told(self) -> Planned:
        return Planned(self.read.team, self.kept.plan)

    @property
    def names(self) -> dict[str, str]:
        return {task.id: task.name for task in self.read.team.problem.tasks}


def compared(kept: Mapping[JobId, KeptPlan], job: JobId) -> Done:
    """Plans by their jobs, the first beside each of the others. Raises Declined."""
    plans = [_Plan(one, plan, _read(one, plan)) for one, plan in kept.items()]
    first, *others = plans
    moved = [len(_elsewhere(first, other)) for other in others]
    sooner = min(plans, key=_end_for_sorting)
    summary = f"{count(len(plans), 'plan')} compared: `{sooner.job}` ends first".replace("`", "")
    summary += f", {sooner.told.when(sooner.kept.plan.makespan)}"
    blocks: list[Block] = [
        Heading(text=f"{count(len(plans), 'plan')} compared"),
        Table(header=("", *(one.job for one in plans)), rows=tuple(_rows(plans, moved))),
        *(block for other in others for block in _differences(first, other)),
        Actions(actions=opinion_buttons(job)),
    ]
    return Done(summary, Reply(summary=summary, blocks=tuple(blocks)))


def _read(job: JobId, kept: KeptPlan) -> Reading:
    try:
        return reading_of(kept)
    except CannotPlan as reason:
        raise Declined(f"The plan of `{job}` cannot be read any more: {reason}.") from reason


def _end_for_sorting(plan: _Plan) -> tuple[bool, float]:
    """When it ends; bare numbers behind dates."""
    time, end = plan.read.team.working_time, plan.kept.plan.makespan
    return (True, float(end)) if time is None else (False, time.at(end, end=True).timestamp())


def _rows(plans: list[_Plan], moved: list[int]) -> Iterator[tuple[str, ...]]:
    told = [one.told for one in plans]
    yield "Tasks", *(f"{len(one.kept.plan.placed)}" for one in plans)
    yield "People", *(f"{len(one.read.team.problem.people)}" for one in plans)
    yield "Done", *(one.when(one.plan.makespan) for one in told)
    if any(one.kept.outlook for one in plans):
        yield (
            "80 % sure by",
            *(one.told.day(one.kept.outlook.p80) if one.kept.outlook else "-" for one in plans),
        )
    yield "Bound", *(nearness(one.kept.plan) for one in plans)
    yield "Highest load", *(_highest_load(one) for one in plans)
    due = dict.fromkeys(t for one in plans if one.kept.outlook for t in one.kept.outlook.on_time)
    for task in list(due)[:ROWS]:
        name = next(one.names[task] for one in plans if task in one.names)
        yield f"{plain(name)} on time", *(_chance(one, task) for one in plans)
    yield "Lies elsewhere", "-", *(count(each, "task") for each in moved)


def _chance(plan: _Plan, task: str) -> str:
    chances: Mapping[str, float] = plan.kept.outlook.on_time if plan.kept.outlook else {}
    return f"{100 * chances[task]:.0f} %" if task in chances else "-"


def _highest_load(plan: _Plan) -> str:
    shares = loads(plan.read.team, plan.kept.plan)
    if not shares:
        return "-"
    who, load = max(shares.items(), key=lambda each: each[1])
    return f"{plain(plan.read.team.name_of(who))} {100 * load:.0f} %"


@dataclass(frozen=True)
class _Move:
    """A task of two plans that lies elsewhere in the other one."""

    was: Placed
    now: Placed

    @property
    def changes_hands(self) -> bool:
        return self.was.person != self.now.person


def _elsewhere(first: _Plan, other: _Plan) -> list[_Move]:
    """By what people read, for two plans may count their time from different days."""
    were = {one.task: one for one in first.kept.plan.placed}
    return [
        _Move(were[now.task], now)
        for now in other.kept.plan.placed
        if now.task in were and _placed(first, were[now.task]) != _placed(other, now)
    ]


def _placed(plan: _Plan, one: Placed) -> tuple[str, str, str]:
    team = plan.read.team
    return (
        one.person or "",
        team.say_when(one.start, end=False),
        team.say_when(one.end, end=True),
    )


def _differences(first: _Plan, other: _Plan) -> Iterator[Block]:
    """Tasks with other hands, then those at other times; each as in either plan."""
    moves = _elsewhere(first, other)
    if not moves:
        return
    order = sorted(moves, key=lambda move: (not move.changes_hands, move.now.start))
    rows = tuple(
        (plain(other.names[move.now.task]), _place(first, move.was), _place(other, move.now))
        for move in order[:ROWS]
    )
    hands = sum(move.changes_hands for move in moves)
    yield Text(
        markdown=f"Of `{first.job}` and `{other.job}`: {count(len(moves), 'task')} elsewhere, "
        f"{hands or 'none'} in other hands."
    )
    yield Table(header=("Task", first.job, other.job), rows=rows)


def _place(plan: _Plan, one: Placed) -> str:
    when = plan.read.team.say_when(one.start, end=False)
    return when if one.person is None else f"{plain(plan.read.team.name_of(one.person))}, {when}"
