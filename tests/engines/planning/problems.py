"""Random problems: small, and of every kind that the engine takes."""

from hypothesis import strategies as st

from engines.planning.types import Fixed, Person, Problem, Task

MOST_TASKS = 12
MOST_PEOPLE = 4
SKILLS = ("api", "web")


@st.composite
def capacity_problems(draw: st.DrawFn) -> Problem:
    """Of renewable capacities; some tasks take none, some no time."""
    capacities = draw(st.lists(st.integers(1, 6), max_size=5).map(tuple))
    count = draw(st.integers(1, MOST_TASKS))
    now = draw(st.sampled_from((0, 0, 4)))
    tasks = tuple(
        Task(
            id=f"t{i}",
            duration=draw(st.integers(0, 9)),
            after=_after(draw, i),
            demand=tuple(draw(st.integers(0, units)) for units in capacities),
            release=draw(st.sampled_from((0, 0, 0, 7))),
        )
        for i in range(count)
    )
    return Problem(tasks, capacities=capacities, now=now)


@st.composite
def staffed_problems(draw: st.DrawFn) -> Problem:
    """Of people with skills, paces and absences; some work is done or under way already."""
    people = tuple(_person(draw, i) for i in range(draw(st.integers(1, MOST_PEOPLE))))
    now = draw(st.sampled_from((0, 0, 5)))
    tasks = tuple(_task(draw, i, people) for i in range(draw(st.integers(1, MOST_TASKS))))
    if now and draw(st.booleans()):
        tasks = (_done(tasks[0], people, now), *tasks[1:])
    return Problem(tasks, people, now=now)


problems = st.one_of(capacity_problems(), staffed_problems())


def _after(draw: st.DrawFn, i: int) -> tuple[str, ...]:
    if i == 0:
        return ()
    earlier = draw(st.lists(st.integers(0, i - 1), max_size=3, unique=True))
    return tuple(f"t{one}" for one in earlier)


def _person(draw: st.DrawFn, i: int) -> Person:
    skills = {skill: draw(st.integers(0, 2)) for skill in SKILLS if i == 0 or draw(st.booleans())}
    lengths = draw(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 6)), max_size=3))
    absent: list[tuple[int, int]] = []
    end = draw(st.integers(-1, 3))
    for gap, length in lengths:
        start = end + gap
        end = start + length
        absent.append((start, end))
    return Person(f"p{i}", skills, draw(st.sampled_from((1.0, 1.0, 0.5, 0.75))), tuple(absent))


def _task(draw: st.DrawFn, i: int, people: tuple[Person, ...]) -> Task:
    """A task that the first person is able to do, at least."""
    first = people[0]
    skills = draw(st.lists(st.sampled_from(SKILLS), max_size=2, unique=True))
    needs = {skill: draw(st.integers(0, first.skills[skill])) for skill in skills}
    only = (first.id, people[-1].id) if draw(st.integers(0, 4)) == 0 else ()
    return Task(
        id=f"t{i}",
        duration=draw(st.integers(0, 9)),
        after=_after(draw, i),
        needs=needs,
        only=tuple(dict.fromkeys(only)),
        release=draw(st.sampled_from((0, 0, 0, 6))),
        deadline=draw(st.sampled_from((None, None, 10, 25))),
        weight=draw(st.sampled_from((0.0, 1.0, 3.0))),
    )


def _done(task: Task, people: tuple[Person, ...], now: int) -> Task:
    """The same task, done before `now` or under way, by somebody who was there all the time."""
    there = next((p for p in people if p.able(task) and not p.absent and p.pace == 1), None)
    if task.duration == 0 or task.after or there is None:
        return task
    return Task(
        id=task.id,
        duration=task.duration,
        needs=task.needs,
        only=task.only,
        fixed=Fixed(max(0, now - 2), max(0, now - 2) + task.duration, there.id),
    )
