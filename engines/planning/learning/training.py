"""Training of the scorer: cloned from rollouts, then practised by MaskablePPO.

A chunk of practice begins with fresh executions seeded by its number and with the tensors that the
last one left, so that a run that was ended goes on exactly as it would have.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from engines.planning.arrays import Network, network_of
from engines.planning.execution.dispatch import makespans_of
from engines.planning.execution.scenarios import draw
from engines.planning.learning.bases import annealed_base, rule_base
from engines.planning.learning.case import Case, case_of
from engines.planning.learning.cloning import Cloning, clone
from engines.planning.learning.curve import draw_curve
from engines.planning.learning.environment import Dispatch, Episode
from engines.planning.learning.instances import some_project
from engines.planning.learning.sb3 import Practice, Practising
from engines.planning.learning.scorer import Weights, base_weights, load, save
from engines.planning.learning.simulation import makespans
from engines.planning.learning.teaching import Lesson, Tape, new_tape, teach
from engines.planning.learning.tensors import read_tensors, write_tensors
from engines.planning.reading.files import read_problem
from engines.planning.types import CannotPlan

VALIDATION_SEED = 1_000_000
STATE, POLICY, PROGRESS, CURVE = (
    "state.safetensors",
    "policy.safetensors",
    "curve.json",
    "curve.png",
)
CLONED = "cloned.safetensors"
LEAST_CV, MOST_CV = 0.0, 0.9
TOLD = 20
"""Projects between two lines of progress."""


@dataclass(frozen=True)
class Training:
    """What is trained, and on what."""

    out: Path
    steps: int
    """Decisions practised after cloning."""
    seed: int = 1
    instances: Path | None = None
    """A folder of instance files to train on beside what is generated."""
    projects: int = 120
    """Projects that are generated to train on."""
    held_back: int = 16
    """Projects that the curve is measured on."""
    scenarios: int = 20
    """Executions of each of these."""
    trials: int = 1500
    """Of the search for base policies."""
    decisions: int = 250_000
    """At most so many are written down for cloning."""
    chunk: int = 16_384
    """Decisions practised between two checkpoints."""
    lesson: Lesson = field(default_factory=Lesson)
    cloning: Cloning = field(default_factory=Cloning)
    practice: Practice = field(default_factory=Practice)

    def made_by(self, practised: int) -> dict[str, str]:
        """What the file of a policy says of its making."""
        given = "" if self.instances is None else " --instances DIR"
        return {
            "command": f"python -m engines.planning train --out DIR --steps {self.steps} "
            f"--seed {self.seed}{given}",
            "seed": str(self.seed),
            "practised": str(practised),
        }


@dataclass(frozen=True)
class Subject:
    """A project to learn from, under its base policy."""

    network: Network
    case: Case
    cv: float


@dataclass(frozen=True)
class Point:
    """A point of the learning curve."""

    practised: int
    percent: float
    """Mean makespan over the base policy's on the projects held back, in percent."""


def train(training: Training, say: Callable[[str], None], *, resume: bool = False) -> list[Point]:
    """Train, with checkpoints in `out`; the learning curve.

    `resume` goes on from the last checkpoint; without it what lies in `out` is begun anew.

    Raises:
        CannotPlan: An instance file cannot be read, or there is nothing to resume.
    """
    training.out.mkdir(parents=True, exist_ok=True)
    if resume and not (training.out / CLONED).is_file():
        raise CannotPlan(f"nothing to resume in {training.out}")
    subjects = subjects_of(training)
    held_back = _held_back(training)
    say(f"{len(subjects)} projects to train on, {len(held_back)} held back")
    points = _points(training.out) if resume else []
    if not resume:
        weights = _cloned(training, subjects, say)
        points.append(Point(0, percent_over_base(weights, held_back, training.scenarios)))
        save(weights, training.out / CLONED, training.made_by(0))
        save(weights, training.out / POLICY, training.made_by(0))
        _write(training.out, points)
        say(f"cloned: {points[0].percent:+.2f} % against the base policies")
    while points[-1].practised < training.steps:
        points.append(_practise(training, subjects, held_back, points))
        _write(training.out, points)
        say(f"{points[-1].practised} decisions: {points[-1].percent:+.2f} %")
    return points


def subjects_of(training: Training) -> list[Subject]:
    """Generated projects, and those of the folder at two spreads."""
    first = training.seed * 10_000
    seeds = range(first, first + training.projects)
    subjects = [_generated(seed, training.trials) for seed in seeds]
    for path in _files(training.instances):
        network = network_of(read_problem(path))
        subjects += [_subject(network, cv, training.trials, first) for cv in (0.3, 0.7)]
    return subjects


def _files(folder: Path | None) -> list[Path]:
    return [] if folder is None else sorted(p for p in folder.rglob("*") if p.is_file())


def _generated(seed: int, trials: int) -> Subject:
    rng = np.random.default_rng([seed, 4])
    cv = float(rng.uniform(LEAST_CV, MOST_CV))
    return _subject(network_of(some_project(seed)), cv, int(rng.choice([0, trials])), seed)


def _subject(network: Network, cv: float, trials: int, seed: int) -> Subject:
    base = annealed_base(network, cv, trials, seed) if trials else rule_base(network, cv, seed)
    return Subject(network, case_of(network, base, cv), cv)


def _held_back(training: Training) -> list[Subject]:
    seeds = range(VALIDATION_SEED, VALIDATION_SEED + training.held_back)
    return [_generated(seed, training.trials) for seed in seeds]


def percent_over_base(
    weights: Weights, subjects: Sequence[Subject], scenarios: int, seed: int = 0
) -> float:
    """The scorer's mean makespan over the base policies' on common scenarios, in percent."""
    ratios: list[float] = []
    for number, subject in enumerate(subjects):
        durations = draw(subject.network, subject.cv, scenarios, seed + number)
        case = subject.case
        anchor = makespans_of(case.facts, case.steering, durations).mean()
        ratios.append(float(makespans(case, weights, durations).mean() / anchor))
    return 100.0 * (float(np.mean(ratios)) - 1.0) if ratios else 0.0


def _cloned(training: Training, subjects: Sequence[Subject], say: Callable[[str], None]) -> Weights:
    tape = taught(training, subjects, say)
    weights = base_weights(seed=training.seed)
    for epoch, (now, regret) in enumerate(clone(weights, tape, training.cloning, training.seed)):
        weights = now
        say(f"cloning, epoch {epoch + 1}: {regret:+.3f} % a decision against the base")
    return weights


def taught(training: Training, subjects: Sequence[Subject], say: Callable[[str], None]) -> Tape:
    """The decisions of executions of every subject, each with what it is worth."""
    tape = new_tape(training.decisions)
    for number, subject in enumerate(subjects):
        lesson = training.lesson
        if subject.network.people:
            lesson = replace(lesson, executions=max(1, lesson.executions // 2))
        seed = training.seed * 10_000 + number
        durations = draw(subject.network, subject.cv, lesson.executions, seed)
        teach(subject.case, durations, lesson, tape, seed)
        if number % TOLD == TOLD - 1 or number == len(subjects) - 1:
            say(f"{number + 1} projects taught: {int(tape.length[0])} decisions")
    return tape


def _practise(
    training: Training,
    subjects: Sequence[Subject],
    held_back: Sequence[Subject],
    points: Sequence[Point],
) -> Point:
    """One chunk, from the last checkpoint to the next."""
    chunk = len(points) - 1

    def episode(rng: np.random.Generator) -> Episode:
        subject = subjects[int(rng.integers(len(subjects)))]
        seed = int(rng.integers(2**31))
        return Episode(subject.case, draw(subject.network, subject.cv, 1, seed)[0])

    practising = Practising(
        lambda: Dispatch(episode),
        load(training.out / CLONED),
        training.practice,
        training.seed * 1_000 + chunk,
    )
    if chunk > 0:
        practising.restore(read_tensors(training.out / STATE)[0])
    steps = min(training.chunk, training.steps - points[-1].practised)
    practising.learn(steps)
    weights = practising.weights()
    practised = points[-1].practised + steps
    percent = percent_over_base(weights, held_back, training.scenarios)
    write_tensors(practising.tensors(), training.out / STATE)
    if percent <= min(point.percent for point in points):
        save(weights, training.out / POLICY, training.made_by(practised))
    return Point(practised, percent)


def _points(out: Path) -> list[Point]:
    return [Point(**one) for one in json.loads((out / PROGRESS).read_text())]


def _write(out: Path, points: Sequence[Point]) -> None:
    (out / PROGRESS).write_text(json.dumps([asdict(point) for point in points]) + "\n")
    draw_curve(
        [point.practised for point in points],
        [point.percent for point in points],
        "The scorer on projects held back",
        out / CURVE,
    )
