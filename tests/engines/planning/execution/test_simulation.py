import json
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from engines.planning.arrays import network_of
from engines.planning.execution.dispatch import run
from engines.planning.execution.files import plan_from_json, read_durations, write_starts
from engines.planning.execution.right_shift import right_shift_policy
from engines.planning.execution.scenarios import draw
from engines.planning.execution.simulation import Setting, simulate
from engines.planning.types import CannotPlan, Problem, Task
from tests.engines.planning.execution.plans import placed, plan_of, project

SETTING = Setting(cv=0.7, scenarios=200, seed=1, cpu_s=0.1)


@pytest.mark.parametrize("staffed", [False, True])
def test_a_simulation_reports_right_shift_and_policy_on_common_scenarios(*, staffed: bool) -> None:
    problem = project(2, staffed=staffed)
    report = simulate(problem, placed(problem), SETTING).report()
    assert list(report) == ["scenarios", "right_shift", "policy", "ratio"]
    network = network_of(problem)
    shifted = right_shift_policy(network, *plan_of(problem))
    came = run(network, shifted, draw(network, 0.7, 200, 1)).makespans
    assert report["right_shift"] == {"mean": came.mean(), "p90": np.quantile(came, 0.9)}
    assert report["scenarios"] == 200
    assert isinstance(report["ratio"], float)
    assert report["ratio"] < 1.02


def test_given_durations_are_executed_and_every_start_can_be_replayed(tmp_path: Path) -> None:
    problem = project(2, staffed=True)
    durations = draw(network_of(problem), 0.4, 7, 3)
    turned = np.arange(len(problem.tasks))[::-1]
    ids = np.array([problem.tasks[int(i)].id for i in turned])
    np.savez(tmp_path / "given.npz", of=ids, how_long=durations[:, turned])
    read = read_durations(tmp_path / "given.npz", problem)
    assert (read == durations).all()
    simulated = simulate(problem, placed(problem), SETTING, read)
    executed = simulated.executed
    write_starts(tmp_path / "out.npz", problem, executed.starts, executed.people)
    with np.load(tmp_path / "out.npz") as out:
        assert out["tasks"].tolist() == [task.id for task in problem.tasks]
        ends = out["starts"] + durations
        assert ends == pytest.approx(executed.ends)
        assert simulated.report()["scenarios"] == 7
        for s, (starts, people) in enumerate(zip(out["starts"], out["people"], strict=True)):
            for person in problem.people:
                theirs = np.flatnonzero(people == person.id)
                theirs = theirs[np.argsort(starts[theirs])]
                assert (starts[theirs][1:] >= ends[s, theirs][:-1] - 1e-9).all()


@pytest.mark.parametrize("kind", ["int", "str", "bytes", "float"])
def test_ids_are_told_whatever_their_type(tmp_path: Path, kind: str) -> None:
    from_file = {"int": np.int64, "str": np.str_, "bytes": np.bytes_, "float": np.float64}
    problem = Problem((Task("1", 4), Task("2", 4), Task("3", 4)))
    ids = np.array(["3", "1", "2"]).astype(from_file[kind])
    np.savez(tmp_path / "given.npz", ids=ids, durations=np.array([[30, 10, 20]]))
    assert read_durations(tmp_path / "given.npz", problem).tolist() == [[10.0, 20.0, 30.0]]


def arrays(**wrong: object) -> dict[str, object]:
    """The arrays of a good file, some of them replaced."""
    return {"tasks": np.array(["1", "2", "3"]), "durations": np.ones((2, 3))} | wrong


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (arrays(tasks=np.array(["1", "2", "4"])), "no durations of task 3"),
        (arrays(tasks=np.array(["1", "2", "3", "3"])), "no array of the file's 3 task ids"),
        (arrays(durations=np.ones(3)), "0 tables"),
        (arrays(durations=np.ones((2, 4))), r"of shape \(2, 4\) for 3 tasks"),
        (arrays(durations=np.ones((0, 3))), "of shape"),
        (arrays(durations=np.array([[1, -1, 1]])), "task 2 takes -1 ticks in scenario 1"),
        (arrays(durations=np.array([[1, 1, np.nan]])), "task 3 takes nan ticks"),
        (arrays(tasks=np.full(3, np.nan)), "no durations of task 1"),
    ],
)
def test_wrong_durations_are_named_in_one_line(
    tmp_path: Path, content: dict[str, object], message: str
) -> None:
    problem = Problem((Task("1", 4), Task("2", 4), Task("3", 4)))
    path = tmp_path / "given.npz"
    np.savez(path, **content)  # pyright: ignore[reportArgumentType]
    with pytest.raises(CannotPlan, match=message) as raised:
        read_durations(path, problem)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing", b"\x93NUMPY", b"tasks,1,2"])
def test_a_file_that_holds_no_arrays_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "given.npz").write_bytes(content)
    with pytest.raises(CannotPlan, match=r"given\.npz"):
        read_durations(tmp_path / "given.npz", Problem((Task("1", 4),)))


def test_one_array_a_damaged_one_and_one_that_is_none_are_named(tmp_path: Path) -> None:
    path, problem = tmp_path / "given.npz", Problem((Task("1", 4),))
    with path.open("wb") as file:
        np.save(file, np.ones((2, 1)))
    with pytest.raises(CannotPlan, match=r"given\.npz is no \.npz file"):
        read_durations(path, problem)
    np.savez_compressed(path, durations=np.ones((900, 1)), tasks=np.array(["1"]))
    damaged = bytearray(path.read_bytes())
    damaged[60:90] = bytes(30)
    path.write_bytes(damaged)
    with pytest.raises(CannotPlan, match=r"given\.npz is no \.npz file"):
        read_durations(path, problem)
    with ZipFile(path, "w") as archive:
        archive.writestr("durations.txt", "1 2 3")
    with pytest.raises(CannotPlan, match="0 tables"):
        read_durations(path, problem)


@pytest.mark.parametrize("staffed", [False, True])
def test_a_duration_changes_nothing_before_its_task_ends_in_a_run_of_its_own(
    *, staffed: bool
) -> None:
    problem = project(2, staffed=staffed)
    setting = Setting(cv=0.7, scenarios=1, seed=1, cpu_s=0.05)
    durations = draw(network_of(problem), 0.7, 2, 3)
    one = simulate(problem, placed(problem), setting, durations)
    for task in (3, 7, 11):
        longer = durations.copy()
        longer[0, task] *= 2.5
        other = simulate(problem, placed(problem), setting, longer)
        before = one.executed.starts[0] < one.executed.starts[0, task] + durations[0, task]
        assert (one.executed.starts[0, before] == other.executed.starts[0, before]).all()
        assert (one.executed.starts[1] == other.executed.starts[1]).all()


def test_what_is_handed_to_a_full_time_person_takes_exactly_what_was_given() -> None:
    problem = project(2, staffed=True)
    durations = draw(network_of(problem), 0.7, 50, 3)
    executed = simulate(problem, placed(problem), SETTING, durations).executed
    assert (executed.ends == executed.starts + durations).all()


def written(problem: Problem) -> dict[str, object]:
    rows = [
        {"task": one.task, "start": one.start, "end": one.end, "resource": one.person}
        for one in placed(problem)
    ]
    return {"makespan": 1, "schedule": rows}


def test_a_plan_is_read_back_as_it_was_written() -> None:
    problem = project(2, staffed=True)
    assert plan_from_json(json.dumps(written(problem)), problem) == placed(problem)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no JSON"),
        ("[]", "no `schedule`"),
        ('{"schedule": 3}', "no list"),
        ('{"schedule": [{"task": 1}]}', "row 1 .* no `resource`"),
        ('{"schedule": [{"task": 1, "resource": null, "start": 0.5, "end": 1}]}', "`start`"),
        ('{"schedule": [{"task": "x", "resource": null, "start": 0, "end": 1}]}', "task x"),
        ('{"schedule": []}', "does not have task t0"),
    ],
)
def test_what_is_no_plan_is_named_in_one_line(text: str, message: str) -> None:
    with pytest.raises(CannotPlan, match=message) as raised:
        plan_from_json(text, project(2))
    assert "\n" not in str(raised.value)


def test_a_plan_of_another_project_is_refused() -> None:
    with pytest.raises(CannotPlan, match="breaks a rule"):
        plan_from_json(json.dumps(written(project(2))), project(3))
