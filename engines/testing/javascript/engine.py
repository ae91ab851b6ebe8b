"""Writes tests for one JavaScript or TypeScript file: import, search, choose, check, measure."""

import random
from dataclasses import dataclass

from engines.sandbox.sandbox import Sandbox
from engines.testing.budget import Budget
from engines.testing.javascript.calls import Kept
from engines.testing.javascript.choosing import (
    SETTINGS,
    Chosen,
    covering,
    lively,
    shrunken,
    stable,
    with_few_changes,
    without_fields,
)
from engines.testing.javascript.emission import Emission
from engines.testing.javascript.goals import coverage, goals_of, missing_lines, written_line
from engines.testing.javascript.jailed import Jail, Loaded, Lost, Prepared, Setting
from engines.testing.javascript.measurement import Measurement, Run
from engines.testing.javascript.oracle import Oracle, Verdict
from engines.testing.javascript.project import Project, Runner, project_of
from engines.testing.javascript.search import Search
from engines.testing.javascript.seeds import mine
from engines.testing.javascript.targets import Surface, surface_of, trees_of
from engines.testing.javascript.toolchain import Node, find_node
from engines.testing.javascript.values import Values
from engines.testing.types import CannotTest, Finding, TestingRequest, TestingResult, Unreached
from engines.watch import Stopped, Unwatched, Watch

_ROUNDS = 3
_FINDING_LIMIT = 10
_STAND_IN = "our own runner, a strict stand-in"


@dataclass
class _Found:
    kept: list[Kept]
    findings: tuple[Finding, ...]
    candidates: int
    cpu_s: float
    is_complete: bool


def write_tests(
    request: TestingRequest, sandbox: Sandbox, watch: Watch | None = None
) -> TestingResult:
    """Generate, check and measure a suite for the target of the request.

    Raises:
        CannotTest: Node is missing, or the target cannot be read, imported or has nothing to test.
        Stopped: the person cancelled before anything was found.
    """
    node = find_node()
    project = project_of(request.root, request.path)
    return _Run(request, sandbox, watch or Unwatched(), node, project).result()


class _Run:
    def __init__(
        self, request: TestingRequest, sandbox: Sandbox, watch: Watch, node: Node, project: Project
    ) -> None:
        self._request = request
        self._sandbox = sandbox
        self._watch = watch
        self._node = node
        self._project = project
        self._budget = Budget(request.cpu_s)
        self._has_found = False

    def result(self) -> TestingResult:
        """Everything, in order."""
        self._watch.report(f"importing `{self._project.path}`", 0.0)
        self._watch.phase("read")
        with self._opened(SETTINGS[0]) as jail:
            loaded = jail.load()
            trees = trees_of(self._project, loaded)
            self._goals = goals_of(trees[1])
            surface = surface_of(self._project, loaded, trees, self._request)
            self._prepared = Prepared(surface.bindings, self._goals)
            jail.prepare(self._prepared)
            self._watch.phase("search")
            found = self._searched(jail, surface, loaded)
        self._watch.report("checking that the tests hold every time", 0.75)
        self._watch.phase("check")
        found.kept = self._stable(found.kept)
        if not found.kept:
            raise CannotTest(self._nothing_held(found))
        self._watch.phase("measure")
        return self._measured(found, loaded, surface)

    def _opened(self, setting: Setting) -> Jail:
        return Jail(
            self._sandbox, self._node, self._project, setting, self._budget, self._is_stopped
        )

    def _reopened(self, setting: Setting) -> Jail:
        jail = self._opened(setting)
        jail.load()
        jail.prepare(self._prepared)
        return jail

    def _is_stopped(self) -> bool:
        """Whether to give up; once calls were found, a cancel only shortens what follows."""
        return not self._has_found and self._watch.stop_requested()

    def _searched(self, jail: Jail, surface: Surface, loaded: Loaded) -> _Found:
        choices = random.Random(self._request.seed)  # noqa: S311 - reproducible, no secret
        tree = trees_of(self._project, loaded)[0]
        seeds = mine(tree, self._request.root, self._project.path, choices)
        makers = {one.callee: one for one in surface.targets if one.kind == "class"}
        values = Values(seeds, makers, choices)
        is_typed = self._project.is_typed
        search = Search(jail, values, choices, self._budget, self._watch, is_typed=is_typed)
        started_s = self._budget.spent_s
        try:
            kept = search.run(surface.targets)
            spent = self._budget.spent_s - started_s
            self._has_found = bool(kept)
            self._watch.report("keeping the fewest calls that show the most", 0.65)
            self._watch.phase("choose")
            kept = [without_fields(one, surface.hidden) for one in kept]
            chosen, found = self._chosen(jail, kept, loaded, values)
            chosen = [without_fields(one, surface.hidden) for one in chosen]
        except Lost as problem:
            raise CannotTest(
                f"`{self._project.path}` ended the test process again and again ({problem})."
            ) from problem
        return _Found(chosen, found, search.executed, spent, search.is_complete)

    def _chosen(
        self, jail: Jail, kept: list[Kept], loaded: Loaded, values: Values
    ) -> tuple[list[Kept], tuple[Finding, ...]]:
        oracle = Oracle(self._project, loaded)
        verdicts = [(one, oracle.verdict(one)) for one in kept]
        good = [one for one, word in verdicts if word is Verdict.TEST]
        crashes = [one for one, word in verdicts if word is Verdict.FINDING]
        owned = self._owned(kept, loaded)
        covered = covering(good, owned)
        chosen = [item.one for item in covered]
        if not self._watch.stop_requested():
            smallest = shrunken(jail, covered, values, self._budget)
            good = [one for one in smallest if oracle.verdict(one) is Verdict.TEST]
            chosen = [item.one for item in covering(good, owned)]
        crashes = self._smallest_crashes(jail, crashes, oracle, values)
        found = [_finding(one, oracle.line(one), loaded) for one in crashes]
        return with_few_changes(lively(chosen)), tuple(sorted(found, key=lambda one: one.line))

    def _owned(self, kept: list[Kept], loaded: Loaded) -> dict[str, frozenset[int]]:
        """The goals that stand inside each target."""
        lines = [written_line(goal.line, loaded.lines) for goal in self._goals]
        return {
            target.key: frozenset(
                number
                for number, line in enumerate(lines)
                if target.first_line <= line <= target.last_line and target.kind != "class"
            )
            for target in {one.call.target for one in kept}
        }

    def _smallest_crashes(
        self, jail: Jail, crashes: list[Kept], oracle: Oracle, values: Values
    ) -> list[Kept]:
        """One for each place and kind."""
        places: dict[tuple[int, str | None], Kept] = {}
        for one in sorted(crashes, key=lambda item: item.call.size):
            places.setdefault((oracle.line(one), one.seen.name), one)
        first = [Chosen(one) for one in list(places.values())[:_FINDING_LIMIT]]
        smallest = shrunken(jail, first, values, self._budget)
        return [one for one in smallest if oracle.verdict(one) is Verdict.FINDING]

    def _stable(self, kept: list[Kept]) -> list[Kept]:
        settings = SETTINGS[1:2] if self._watch.stop_requested() else SETTINGS
        try:
            return stable(kept, self._reopened, self._request.seed, settings)
        except Lost as problem:
            raise CannotTest(
                f"`{self._project.path}` does not run the same way twice ({problem})."
            ) from problem

    def _nothing_held(self, found: _Found) -> str:
        if self._watch.stop_requested():
            raise Stopped
        what = f"`{self._project.path}`"
        if found.findings:
            first = found.findings[0]
            return f"No call of {what} succeeds: `{first.call}` fails with `{first.error}`."
        return (
            f"No call of {what} was found within {self._budget.cpu_s:.0f} CPU s that has a result "
            "which is the same every time, so there is nothing a test could assert."
        )

    def _measured(self, found: _Found, loaded: Loaded, surface: Surface) -> TestingResult:
        measurement = Measurement(
            self._sandbox, self._node, self._project, self._goals, self._budget
        )
        emission = Emission(self._project, surface.bindings)
        try:
            before = measurement.before()
            kept, run = self._passing(found.kept, emission, measurement)
            runner, kept, run = self._in_runner(kept, run, emission, measurement)
        except Lost as problem:
            raise CannotTest(
                f"The tests for `{self._project.path}` could not be run to their end ({problem})."
            ) from problem
        self._watch.report(f"{len(run.passed)} tests pass", 1.0)
        return TestingResult(
            module=self._project.path,
            test_path=self._project.test_path,
            source=emission.text(kept),
            tests=len(run.passed),
            passed=sum(run.passed),
            before=coverage(self._goals, before, loaded.lines),
            after=coverage(self._goals, run.hits | before, loaded.lines),
            mutants=0,
            killed=0,
            survivors=(),
            findings=found.findings,
            unreached=_unreached(missing_lines(self._goals, run.hits | before, loaded.lines)),
            candidates=found.candidates,
            search_cpu_s=round(found.cpu_s, 2),
            cpu_s=round(self._budget.spent_s, 2),
            rung=self._sandbox.rung,
            complete=found.is_complete and not self._watch.stop_requested(),
            runner=runner,
        )

    def _passing(
        self, kept: list[Kept], emission: Emission, measurement: Measurement
    ) -> tuple[list[Kept], Run]:
        """What passes in every order; the others are left out."""
        while kept:
            ordered = emission.ordered(kept)
            runs = [measurement.after(emission.text(kept), order) for order in range(_ROUNDS)]
            if any(len(run.passed) != len(ordered) for run in runs):
                raise Lost("it has another number of tests than were written")
            failed = {place for run in runs for place, held in enumerate(run.passed) if not held}
            if not failed:
                return kept, runs[0]
            kept = [one for place, one in enumerate(ordered) if place not in failed]
        raise CannotTest(f"No test of `{self._project.path}` passes on its own.")

    def _in_runner(
        self, kept: list[Kept], run: Run, emission: Emission, measurement: Measurement
    ) -> tuple[str, list[Kept], Run]:
        """The verdict of the repository's own runner, where it can be had."""
        wanted = {Runner.JEST: "Jest", Runner.VITEST: "Vitest"}.get(
            self._project.runner, "node:test"
        )
        try:
            own = measurement.in_repository_runner(emission.text(kept))
        except Lost as problem:
            return f"{_STAND_IN} for {wanted} ({wanted} did not run here: {problem})", kept, run
        if own is None:
            return f"{_STAND_IN} for {wanted} (not installed in node_modules)", kept, run
        name, passed = own
        ordered = emission.ordered(kept)
        if len(passed) != len(ordered):
            return f"{_STAND_IN} for {wanted} ({name} counted other tests)", kept, run
        if all(passed):
            return name, kept, run
        kept = [one for one, held in zip(ordered, passed, strict=True) if held]
        if not kept:
            raise Lost(f"no test passes in {name}")
        kept, run = self._passing(kept, emission, measurement)
        return name, kept, run


def _finding(one: Kept, line: int, loaded: Loaded) -> Finding:
    return Finding(
        call="; ".join([*one.call.setup(), one.call.last.source()]),
        error=f"{one.seen.name}: {one.seen.message}",
        line=written_line(line, loaded.lines),
        documented=None,
    )


def _unreached(lines: list[int]) -> tuple[Unreached, ...]:
    """Runs of lines that no test executed."""
    found: list[Unreached] = []
    for line in lines:
        if found and line <= found[-1].last_line + 2:
            found[-1] = Unreached(found[-1].first_line, line, found[-1].reason)
        else:
            found.append(Unreached(line, line, "no call that was tried came here"))
    return tuple(found)
