"""What `simulate` reads and writes: a plan as `solve` wrote it, durations, and every start."""

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast
from zipfile import BadZipFile, is_zipfile

import numpy as np
from numpy.typing import NDArray

from engines.planning.arrays import Floats, Ints
from engines.planning.checking import violations
from engines.planning.types import CannotPlan, Placed, Problem

MOST_BYTES = 1_000_000_000
LONGEST = 1e12
"""Ticks; a longer duration is taken for a mistake."""
Anything = NDArray[np.generic]


def plan_from_json(text: str, problem: Problem) -> tuple[Placed, ...]:
    """The plan that `solve --json` wrote, in the order of the problem's tasks.

    Raises:
        CannotPlan: It is no plan, or none of this problem.
    """
    try:
        content: object = json.loads(text)
    except (ValueError, RecursionError) as wrong:
        raise CannotPlan(f"the plan is no JSON: {str(wrong).splitlines()[0]}") from wrong
    rows = _field(content, "schedule", "the plan")
    if not isinstance(rows, list):
        raise CannotPlan("the plan's `schedule` is no list")
    placed = [_placed(row, number) for number, row in enumerate(cast("list[object]", rows), 1)]
    by_task = {one.task: one for one in placed}
    known = {task.id for task in problem.tasks}
    for one in placed:
        if one.task not in known:
            raise CannotPlan(f"the plan has task {one.task}, which the file does not have")
    if len(by_task) < len(placed):
        raise CannotPlan("the plan has a task twice")
    for task in problem.tasks:
        if task.id not in by_task:
            raise CannotPlan(f"the plan does not have task {task.id}")
    broken = violations(problem, placed)
    if broken:
        raise CannotPlan(f"the plan breaks a rule of the file: {broken[0]}")
    return tuple(by_task[task.id] for task in problem.tasks)


def _placed(row: object, number: int) -> Placed:
    where = f"row {number} of the plan's schedule"
    person = _field(row, "resource", where)
    return Placed(
        str(_field(row, "task", where)),
        _tick(row, "start", where),
        _tick(row, "end", where),
        None if person is None else str(person),
    )


def _field(content: object, name: str, where: str) -> object:
    if not isinstance(content, dict) or name not in content:
        raise CannotPlan(f"{where} has no `{name}`")
    return cast("Mapping[str, object]", content)[name]


def _tick(row: object, name: str, where: str) -> int:
    value = _field(row, name, where)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LONGEST:
        raise CannotPlan(f"{where}: `{name}` is no whole number of ticks")
    return value


def read_durations(path: Path, problem: Problem) -> Floats:
    """Durations [S, n] in the order of the problem's tasks.

    The file holds a two-dimensional array of numbers, scenarios by tasks, and a one-dimensional
    one of the tasks' ids, in any order; what they are called does not matter. Tasks that need no
    time may be missing.

    Raises:
        CannotPlan: It does not, or a duration is none.
    """
    arrays = _arrays(path)
    tables = [a for a in arrays if a.ndim == 2 and a.dtype.kind in "iuf"]  # noqa: PLR2004 - a table
    if len(tables) != 1:
        raise CannotPlan(f"{path.name} has {len(tables)} tables of numbers; one is expected")
    table = tables[0].astype(np.float64)
    column = _columns([_ids(a) for a in arrays if a.ndim == 1], problem, path.name)
    if table.shape[1] != len(column) or not len(table):
        raise CannotPlan(
            f"{path.name} has durations of shape {table.shape} for {len(column)} tasks"
        )
    durations = np.zeros((len(table), len(problem.tasks)))
    for number, task in enumerate(problem.tasks):
        if task.id in column:
            durations[:, number] = table[:, column[task.id]]
    _check(durations, problem, path.name)
    return durations


def _arrays(path: Path) -> list[Anything]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise CannotPlan(f"{path.name} has more than {MOST_BYTES // 1_000_000} MB")
        with path.open("rb") as file:
            if not is_zipfile(file):
                raise CannotPlan(f"{path.name} is no .npz file")
            file.seek(0)
            with np.load(file, allow_pickle=False) as found:
                arrays: list[object] = [found[name] for name in found.files]
    except OSError as wrong:
        raise CannotPlan(f"{path.name} cannot be read: {wrong.strerror or 'no .npz'}") from wrong
    except (ValueError, BadZipFile, EOFError, zlib.error, MemoryError) as wrong:
        raise CannotPlan(f"{path.name} is no .npz file of arrays") from wrong
    return [one for one in arrays if isinstance(one, np.ndarray)]  # the rest is no .npy


def _ids(values: Anything) -> list[str]:
    if values.dtype.kind == "f" and np.isfinite(values).all():
        values = values.astype(np.int64)
    return [one.decode() if isinstance(one, bytes) else str(one) for one in values.tolist()]


def _columns(candidates: Sequence[list[str]], problem: Problem, name: str) -> dict[str, int]:
    """Where each task's column is."""
    known = {task.id for task in problem.tasks}
    wanted = {task.id for task in problem.tasks if task.duration > 0}
    for ids in candidates:
        if len(set(ids)) == len(ids) and wanted <= set(ids) <= known:
            return {task: at for at, task in enumerate(ids)}
    for ids in candidates:
        for task in problem.tasks:
            if task.id in wanted and task.id not in ids:
                raise CannotPlan(f"{name} has no durations of task {task.id}")
    raise CannotPlan(f"{name} has no array of the file's {len(wanted)} task ids, each once")


def _check(durations: Floats, problem: Problem, name: str) -> None:
    wrong = ~(np.isfinite(durations) & (durations >= 0) & (durations <= LONGEST))
    if wrong.any():
        scenario, task = (int(one) for one in np.argwhere(wrong)[0])
        raise CannotPlan(
            f"{name}: task {problem.tasks[task].id} takes {durations[scenario, task]:g} ticks "
            f"in scenario {scenario + 1}"
        )
    for number, task in enumerate(problem.tasks):
        if task.duration == 0 and task.fixed is None and durations[:, number].any():
            raise CannotPlan(f"{name}: task {task.id} needs no time, and has durations")


def write_starts(path: Path, problem: Problem, starts: Floats, people: Ints | None) -> None:
    """Write every start [S, n], the tasks' ids [n] and, where people work, theirs [S, n]."""
    tasks = np.array([task.id for task in problem.tasks])
    with path.open("wb") as file:
        if people is None:
            np.savez_compressed(file, starts=starts, tasks=tasks)
        else:
            ids = np.array([*(person.id for person in problem.people), ""])
            np.savez_compressed(file, starts=starts, tasks=tasks, people=ids[people])
