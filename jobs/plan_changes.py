"""A plan made anew after something has happened, or as if it had: what moves, and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from engines.planning.engine import Move, replan
from engines.planning.outlook import Outlook
from engines.planning.reading.words import shown
from engines.planning.types import CannotPlan, Plan
from jobs.desk import Desk, Done
from jobs.messages import (
    Actions,
    Block,
    Collapsible,
    Heading,
    Reply,
    Suggestion,
    Table,
    Text,
)
from jobs.plan_files import keep, with_files
from jobs.plan_happened import Held, happened
from jobs.plan_kept import KeptPlan, Reading, reading, reading_of
from jobs.plan_outlook import assumptions, begun, outlook
from jobs.plan_reasons import Change
from jobs.plan_standing import as_it_stands
from jobs.plans_told import Planned, nearness, outcome_of, plan_blocks
from jobs.requests import Adds, Away, ChangePlan, Finished, Joins, Pins, PlanEvent, Takes
from jobs.wording import count, notes_of, opinion_buttons, plain
from storage.ids import JobId

MOST_MOVES = 30
"""Moves that are told; of more the rest is in the CSV."""


@dataclass(frozen=True)
class Changed:
    """What came of it."""

    request: ChangePlan
    change: Change
    moves: Sequence[Move]
    """Without those of what was told to have changed and stays where it was."""
    before: Outlook | None
    planned: Planned
    notes: tuple[str, ...]

    @property
    def handed_over(self) -> int:
        """Tasks that somebody else does now."""
        return sum(move.changed_hands for move in self.moves)


def changed(request: ChangePlan, kept: KeptPlan, desk: Desk) -> Done:
    """Plan anew, with as little as possible of what people hold moved.

    Raises:
        CannotPlan: What has happened cannot be, or leaves no plan.
    """
    old = reading_of(kept)
    if old.draft is None:
        raise CannotPlan(
            "the plan is of a benchmark's instance, which knows no events: write it as a plan.toml"
        )
    held = Held(old.draft, old.team, kept.plan)
    new = reading(happened(held, request.events, request.asked_at), None)
    _check_able(kept.plan, new)
    desk.watch.report("planning with the least movement")
    desk.watch.phase("plan")
    standing = as_it_stands(new.team.problem, kept.plan, _changed_tasks(held, request.events))
    found = replan(
        standing.problem,
        kept.plan,
        cpu_s=request.cpu_s,
        seed=request.seed,
        watch=desk.watch,
    )
    team = replace(new.team, problem=standing.problem)
    desk.watch.report("simulating how it may go")
    planned = Planned(team, found.plan, outlook(team, found.plan, request.seed), new.left_out)
    planned = with_files(planned, new, desk)
    keep(planned, new, "", desk)
    notes = (
        *request.notes,
        *(plain(warning, 300) for warning in team.warnings),
        *begun(standing.assumed, standing.under_way),
        *assumptions(team, new.draft, planned.outlook),
    )
    change = Change(old.team, team, kept.plan, found.plan, request.events)
    result = Changed(request, change, found.moves, kept.outlook, planned, notes)
    return _told(result, desk.job)


def _check_able(held: Plan, new: Reading) -> None:
    """Raises CannotPlan where nobody can do any more what somebody holds."""
    assert new.draft is not None
    names = {task.title or task.id: task.id for task in new.draft.tasks}
    kept = {one.task for one in held.placed}
    for name, why in new.left_out.unable.items():
        if names[name] in kept:
            raise CannotPlan(f"nobody would be able to do {shown(name)}: {why}")


def _changed_tasks(held: Held, events: Sequence[PlanEvent]) -> frozenset[str]:
    """Ids of tasks that are another size now."""
    sizes = {event.task.casefold() for event in events if isinstance(event, Takes)}
    tasks = held.team.problem.tasks
    return frozenset(t.id for t in tasks if {t.id.casefold(), t.name.casefold()} & sizes)


def _told(result: Changed, job: JobId) -> Done:
    what_if = result.request.task == "what-if"
    summary = _summary(result)
    blocks: list[Block] = [
        Heading(text="What if" if what_if else "The plan, changed"),
        Text(markdown="\n".join(f"- {_said(one)}" for one in result.request.events)),
        _before_and_now(result),
        *_moved(result),
        *_whole_plan(result.planned, folded=what_if),
        *notes_of(result.notes),
    ]
    buttons: tuple[Suggestion, ...] = ()
    if what_if:
        blocks.append(Text(markdown="Nothing is changed by this; the plan that people hold stays."))
        buttons = (Suggestion(line=_in_earnest(result), label="Change the plan"),)
    blocks.append(Actions(actions=(*buttons, *opinion_buttons(job))))
    return Done(summary, Reply(summary=summary, blocks=tuple(blocks)))


def _summary(result: Changed) -> str:
    moved, hands = len(result.moves), result.handed_over
    told = "nothing moves" if not moved else f"{count(moved, 'task')} move{'s' * (moved == 1)}"
    told += "" if not moved else f", {hands or 'none'} of them to other hands"
    return f"{outcome_of(result.planned)}; {told}"


def _before_and_now(result: Changed) -> Table:
    """What the event costs."""
    change, planned, before = result.change, result.planned, result.before
    now = planned.outlook
    old = Planned(change.before, change.held)
    rows = [("Done", old.when(change.held.makespan), planned.when(change.plan.makespan))]
    if before is not None and now is not None:
        rows.append(("80 % sure by", old.day(before.p80), planned.day(now.p80)))
        names = {task.id: task.name for task in planned.team.problem.tasks}
        for task, chance in now.on_time.items():
            was = before.on_time.get(task)
            if was is None or abs(chance - was) >= _WORTH_TELLING:
                told = "new" if was is None else f"{100 * was:.0f} %"
                rows.append((f"{plain(names[task])} on time", told, f"{100 * chance:.0f} %"))
    rows.append(("Bound", nearness(change.held), nearness(change.plan)))
    return Table(header=("", "Before", "Now"), rows=tuple(rows))


_WORTH_TELLING = 0.01


def _moved(result: Changed) -> Iterator[Block]:
    """Each moved task: from where, to where, and why."""
    if not result.moves:
        yield Text(markdown="No task moves.")
        return
    hands = result.handed_over
    yield Text(
        markdown=f"**{count(len(result.moves), 'task')} of {len(result.change.plan.placed)} "
        f"move{'s' * (len(result.moves) == 1)}**, {hands or 'none'} of them to other hands:"
    )
    order = sorted(result.moves, key=lambda move: (not move.changed_hands, move.now.start))
    rows = tuple(_move(result, move) for move in order[:MOST_MOVES])
    if len(order) > MOST_MOVES:
        rows = (*rows, (f"… {len(order) - MOST_MOVES:,} more", "", "", ""))
    yield Table(header=("Task", "Was", "Is", "Because"), rows=rows)


def _move(result: Changed, move: Move) -> tuple[str, ...]:
    change = result.change
    names = {task.id: task.name for task in change.after.problem.tasks}
    was = change.before.say_when(move.was.start, end=False)
    now = change.after.say_when(move.now.start, end=False)
    if move.was.start == move.now.start and not move.changed_hands:
        was = f"until {change.before.say_when(move.was.end, end=True)}"
        now = f"until {change.after.say_when(move.now.end, end=True)}"
    if move.changed_hands:
        was = f"{_who(change, move.was.person)}, {was}"
        now = f"**{_who(change, move.now.person)}**, {now}"
    return plain(names[move.task]), was, now, plain(change.why(move), 200)


def _who(change: Change, person: str | None) -> str:
    if person is None:
        return "nobody"
    known = change.after.names.get(person) or change.before.name_of(person)
    return plain(known)


def _whole_plan(planned: Planned, *, folded: bool) -> Iterator[Block]:
    """All of it; of what would be, only to those who want to see it."""
    blocks = tuple(plan_blocks(planned))
    if not folded:
        yield from blocks
        return
    if planned.picture is not None:
        yield planned.picture
    yield Collapsible(title="The whole plan", blocks=tuple(_without(blocks, planned)))


def _without(blocks: Sequence[Block], planned: Planned) -> Iterator[Block]:
    yield from (block for block in blocks if block is not planned.picture)


def _said(event: PlanEvent) -> str:
    """What was understood."""
    match event:
        case Away():
            days = f"{event.first} to {event.last}" if event.last != event.first else event.first
            return f"{plain(event.person)} is away {days if event.first else event.amount}"
        case Joins():
            skills = f", with {plain(event.skills)}" if event.skills else ""
            return f"{plain(event.person)} joins{skills}"
        case Takes():
            return f"{plain(event.task)} {'is late by' if event.late else 'takes'} {event.amount}"
        case Finished():
            return f"{plain(event.task)} is done{f' on {event.on}' if event.on else ''}"
        case Adds():
            return f"{plain(event.title)} is new: {plain(event.rest, 200)}"
        case Pins():
            return f"{plain(event.task)} is done by {plain(event.person)}"


def _in_earnest(result: Changed) -> str:
    """The command that makes the plan so."""
    said = ", ".join(_words(one) for one in result.request.events)
    return f"plan replan {result.request.follows} {said}"


def _words(event: PlanEvent) -> str:
    """As it is typed."""
    match event:
        case Away():
            days = f"{event.first}..{event.last}" if event.first else event.amount
            return f"{_quoted(event.person)} away {days}"
        case Joins():
            return f"add {_quoted(event.person)}{f' ({event.skills})' if event.skills else ''}"
        case Takes():
            return f"{_quoted(event.task)} {'late' if event.late else 'takes'} {event.amount}"
        case Finished():
            return f"{_quoted(event.task)} done{f' {event.on}' if event.on else ''}"
        case Adds():
            return f"add {_quoted(event.title)} {event.rest}"
        case Pins():
            return f"{_quoted(event.task)} @{event.person}"


def _quoted(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() else f'"{name}"'
