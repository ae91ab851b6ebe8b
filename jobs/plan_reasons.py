"""Why a task lies elsewhere in the new plan: the one thing that kept it from staying."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from engines.planning.arrays import presence_ticks
from engines.planning.engine import Move
from engines.planning.team import TeamPlan
from engines.planning.types import Person, Placed, Plan, Task
from jobs.requests import Finished, Pins, PlanEvent, Takes

_WAITS = "waits for"


@dataclass(frozen=True)
class Change:
    """Two plans, and what lies between them."""

    before: TeamPlan
    after: TeamPlan
    held: Plan
    plan: Plan
    events: tuple[PlanEvent, ...]

    def why(self, move: Move) -> str:
        """In a few words, without a full stop."""
        why = next(self._reasons(move))
        is_about_time = why.startswith(_WAITS) and move.changed_hands
        return f"{why}; {self._why_other_hands(move)}" if is_about_time else why

    def _why_other_hands(self, move: Move) -> str:
        """Why somebody else does what has to lie elsewhere anyway."""
        before, now = (self.after.name_of(one or "") for one in (move.was.person, move.now.person))
        busy = [
            (one.end, self._tasks[one.task].name)
            for one in self.plan.placed
            if one.person == move.was.person
            and one.start < move.now.end
            and one.end > move.now.start
        ]
        return f"{before} does {max(busy)[1]} then" if busy else f"{now} has it done sooner"

    def _reasons(self, move: Move) -> Iterator[str]:
        task = self._tasks[move.task]
        if self._is_told(task, move):
            yield from self._told(task)
        person = self._people.get(move.was.person or "")
        if person is None and move.was.person is not None:
            yield f"{self.before.name_of(move.was.person)} is no longer there"
        if person is not None and not person.able(task):
            yield f"{self.after.name_of(person.id)} may not do it any more"
        yield from self._waits(task, move.was)
        if person is not None:
            yield from self._absence(person, task, move.was)
            yield from self._rival(person, move)
        if move.was.start < self.after.problem.now and task.fixed is None:
            yield "it had not begun by now"
        yield from self._sooner(task, move)
        yield "to make room for what is due"

    def _is_told(self, task: Task, move: Move) -> bool:
        """Whether what was said of the task itself is why it lies elsewhere: another size moves
        no start.
        """
        stays = move.was.start == move.now.start and not move.changed_hands
        names = {task.id.casefold(), task.name.casefold()}
        return stays or not any(
            isinstance(one, Takes) and one.task.casefold() in names for one in self.events
        )

    def _told(self, task: Task) -> Iterator[str]:
        names = {task.id.casefold(), task.name.casefold()}
        for event in self.events:
            match event:
                case Takes() if event.task.casefold() in names:
                    yield f"{event.amount} late" if event.late else f"it takes {event.amount} now"
                case Finished() if event.task.casefold() in names:
                    yield "it is done"
                case Pins() if event.task.casefold() in names:
                    yield f"pinned to {self.after.name_of(event.person)}"
                case _:
                    pass

    def _waits(self, task: Task, was: Placed) -> Iterator[str]:
        """For the predecessor that ends last, where that is after the old start."""
        ends = [(self._now[name].end, name) for name in task.after if name in self._now]
        end, name = max(ends, default=(0, ""))
        if end > was.start:
            yield f"{_WAITS} {self._tasks[name].name}, {self.after.say_when(end, end=True)}"

    def _absence(self, person: Person, task: Task, was: Placed) -> Iterator[str]:
        """The person is away where the task lay, and was not before."""
        known = next((p.absent for p in self.before.problem.people if p.id == person.id), ())
        until = max(was.end, was.start + presence_ticks(task, person))
        for away, back in person.absent:
            is_new = not any(a <= away and back <= b for a, b in known)
            if is_new and away < until and back > was.start:
                back_at = self.after.say_when(back, end=False)
                yield f"{self.after.name_of(person.id)} is away until {back_at}"

    def _rival(self, person: Person, move: Move) -> Iterator[str]:
        """What the person does instead; of several, the one that ends last."""
        until = max(move.was.end, move.was.start + 1)
        rivals = [
            (one.end, self._tasks[one.task].name)
            for one in self.plan.placed
            if one.person == person.id
            and one.task != move.task
            and one.start < until
            and one.end > move.was.start
        ]
        if rivals:
            end, name = max(rivals)
            who, when = self.after.name_of(person.id), self.after.say_when(end, end=True)
            yield f"{who} does {name} until {when}"

    def _sooner(self, task: Task, move: Move) -> Iterator[str]:
        if move.now.start < move.was.start:
            ended = [self._tasks[n].name for n in task.after if self._ended_sooner(n)]
            yield f"{ended[0]} ends sooner" if ended else "there is room sooner"

    def _ended_sooner(self, name: str) -> bool:
        were = {one.task: one.end for one in self.held.placed}
        return name in self._now and name in were and self._now[name].end < were[name]

    @cached_property
    def _tasks(self) -> dict[str, Task]:
        return {task.id: task for task in self.after.problem.tasks}

    @cached_property
    def _people(self) -> dict[str, Person]:
        return {person.id: person for person in self.after.problem.people}

    @cached_property
    def _now(self) -> dict[str, Placed]:
        return {one.task: one for one in self.plan.placed}
