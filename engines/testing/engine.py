"""Writes tests for one file: read, search, minimise, check for stability, emit, measure."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from engines.sandbox.sandbox import Sandbox
from engines.source.files import Unreadable, read_source
from engines.source.module import Module, SyntaxProblem, parse_module
from engines.testing.assertions import Names
from engines.testing.borrowing import borrowed_by
from engines.testing.budget import Budget
from engines.testing.confirming import confirmed, preselected
from engines.testing.emission import Emission
from engines.testing.examples import example_calls
from engines.testing.extending.existing import NotExtendable
from engines.testing.extending.extension import Extension, opened
from engines.testing.file_head import STANDARD_NAMES
from engines.testing.findings import findings_of
from engines.testing.generation import Generation
from engines.testing.integration.addition import Integration
from engines.testing.jailed import Goal, Jail, Lost
from engines.testing.layout import is_python
from engines.testing.measurement import Measured, Measurement
from engines.testing.minimising import covering
from engines.testing.mutation.selection import Score, Selection
from engines.testing.offers import Offer
from engines.testing.oracle import Judge, Texts
from engines.testing.places import Place, TestPlace, place_of, test_place
from engines.testing.plan import Plan
from engines.testing.properties.addition import Laws
from engines.testing.proposals.addition import Existing, Ground, Proposals
from engines.testing.proving import Proof
from engines.testing.search import Kept, Search
from engines.testing.seeds import mine
from engines.testing.slimming import slimmed
from engines.testing.stability import SETTINGS, stable
from engines.testing.suite import Test, tests_of
from engines.testing.targets import Targets, chosen_targets
from engines.testing.types import CannotTest, Finding, Style, TestingRequest, TestingResult
from engines.testing.unreached import unreached_of
from engines.testing.values import Values
from engines.watch import Stopped, Unwatched, Watch

_CONFIRMING_SHARE, _SHRINKING_SHARE, _SELECTING_SHARE = 0.34, 0.22, 0.97
"""How much each of these may take of what is free when it begins."""
_LEAST_CONFIRMING_CPU_S = 0.3
_LONG_IMPORT_CPU_S = 0.3
_LINE_LIMIT = 600
_RUNS_OF_EXTENDED = 2


@dataclass
class _Found:
    """What the search left: calls for tests, findings, and the figures of the search."""

    kept: list[Kept]
    findings: tuple[Finding, ...]
    candidates: int
    cpu_s: float
    is_complete: bool
    score: Score = field(default_factory=Score)


def write_tests(
    request: TestingRequest, sandbox: Sandbox, watch: Watch | None = None
) -> TestingResult:
    """Generate, check and measure a suite for the target of the request.

    Raises:
        CannotTest: the target cannot be read, imported or has nothing to test.
        Stopped: the person cancelled before anything was found.
    """
    return _Run(request, sandbox, watch or Unwatched()).result()


class _Run:
    def __init__(self, request: TestingRequest, sandbox: Sandbox, watch: Watch) -> None:
        self._request = request
        self._sandbox = sandbox
        self._watch = watch
        self._module = _read(request)
        place = place_of(request.root.resolve(), self._module.path, request.packages)
        self._place: Place = replace(place, borrowed=borrowed_by(self._module, place))
        self._test_place: TestPlace = test_place(self._place)
        self._has_found = False
        self._seen: list[Kept] = []
        self._budget = Budget(request.cpu_s)
        self._measurement = Measurement(sandbox, self._place, self._budget)
        self._extension: Extension | None = None
        self._existing_cpu_s = 0.0
        self._laws = Laws(self._place, self._module, self._budget, is_wanted=request.properties)
        self._integration = Integration(self._place, self._module, self._measurement)
        self._proposals = Proposals(request.proposer, self._module, self._measurement, self._watch)
        self._notes: list[str] = []

    def result(self) -> TestingResult:
        """Everything; of an application or a program, what its users meet too."""
        if self._integration.subject is None:
            return self._of_calls()
        self._integration.explore(self._budget)
        try:
            return self._of_calls()
        except CannotTest:
            alone = self._of_users()
            if alone is None:
                raise
            return alone

    def _of_users(self) -> TestingResult | None:
        """The result where only integration tests are left; None without any."""
        names = self._integration.names(Names({}))
        emission = Emission(self._place, self._test_place, names, self._request.style)
        found = self._integration.passing(emission, self._test_place.path, [])
        if found is None:
            return None
        result = TestingResult(
            module=self._place.module,
            test_path=self._test_place.path,
            source="",
            tests=0,
            passed=0,
            before=found.measured.before,
            after=found.measured.coverage,
            findings=(),
            unreached=(),
            candidates=0,
            search_cpu_s=0.0,
            cpu_s=round(self._budget.spent_s, 2),
            mutants=0,
            killed=0,
            survivors=(),
            rung=self._sandbox.rung,
            complete=True,
        )
        return self._integration.added(result, found, self._module)

    def _of_calls(self) -> TestingResult:
        """Everything that calls show, in order."""
        self._watch.report(f"reading `{self._place.path}`", 0.0)
        self._watch.phase("read")
        if self._request.extends:
            self._read_existing()
        with self._opened(SETTINGS[0]) as jail:
            targets = chosen_targets(self._request, self._module, jail)
            plan = self._planned(jail)
            found = self._searched(jail, targets, plan)
            goals = jail.goals
            names = self._integration.names(Names(_importable(jail, self._place, found.kept)))
            if not self._watch.stop_requested():
                self._laws.try_in(jail, self._seen, self._request.seed)
        self._watch.report("checking that the tests hold every time", 0.8)
        self._watch.phase("check")
        kept = self._stable(found, plan)
        if not kept:
            raise CannotTest(self._nothing_held(found))
        if self._extension:
            kept = self._extension.new(kept, goals)
        self._watch.phase("measure")
        emission = Emission(self._place, self._test_place, names, self._style())
        tests = _fitting(kept, goals, emission, self._module)
        result, tests, measured = self._measured(tests, emission, found, plan)
        if self._laws.promising and not self._watch.stop_requested():
            result = self._laws.added(result, emission, tests, self._measurement, names)
        if found_there := self._integration.passing(emission, result.test_path, tests):
            result = self._integration.added(result, found_there, self._module)
            tests, measured = found_there.others, found_there.measured
        lines = frozenset(goals[number].line for number in targets.goals)
        ground = Ground(result, tests, measured, emission, plan, lines, self._existing())
        result, emission = self._proposals.added(ground, self._request.seed)
        if self._extension:
            result = self._extended(self._extension, result, tests, emission)
        self._notes += self._laws.notes
        return replace(result, notes=tuple(self._notes), cpu_s=round(self._budget.spent_s, 2))

    def _read_existing(self) -> None:
        """Run the test file that the repository has; that is charged to nobody's budget, and nor
        is the run in which it has the new tests.
        """
        self._watch.report("running the tests that are there", 0.02)
        spent_s = self._budget.spent_s
        try:
            self._extension = opened(self._measurement, self._test_place, self._request.test_file)
        except NotExtendable as reason:
            self._notes.append(f"The tests are in a file of their own: {reason}.")
        runs = _RUNS_OF_EXTENDED if self._extension else 1
        self._existing_cpu_s = self._budget.spent_s - spent_s
        self._budget.cpu_s += runs * self._existing_cpu_s

    def _existing(self) -> Existing | None:
        """The file that is extended, for those who add to what is new in it."""
        if self._extension is None:
            return None
        return Existing(self._extension.measured, self._extension.names, self._existing_cpu_s)

    def _style(self) -> Style:
        """Of the file that is extended, else as asked for."""
        return self._extension.existing.style if self._extension else self._request.style

    def _extended(
        self, extension: Extension, result: TestingResult, tests: list[Test], emission: Emission
    ) -> TestingResult:
        text = emission.at(extension.place).text(tests)
        try:
            return extension.result(result, self._module, text)
        except NotExtendable as reason:
            self._notes.append(f"The tests are in a file of their own: {reason}.")
            return result

    def _opened(self, env: Mapping[str, str], *, is_plain: bool = False) -> Jail:
        make = (self._sandbox, self._place, self._is_stopped, env, self._budget)
        return Jail(*make, is_plain=is_plain)

    def _planned(self, jail: Jail) -> Plan:
        more_s = self._laws.reserved_cpu_s
        plan = Plan.of(jail, self._budget, self._module.text.count("\n"), more_s)
        if self._integration.subject:
            plan.more_cpu_s += plan.measuring_s
        plan.more_cpu_s += self._proposals.reserved_cpu_s(plan)
        if plan.raised_from_s is not None:
            self._notes.append(
                f"{plan.raised_from_s:.1f} CPU s do not hold checking the tests in fresh "
                f"processes; {self._budget.cpu_s:.1f} were allowed."
            )
        if plan.checks == 1 and plan.import_cpu_s > _LONG_IMPORT_CPU_S:
            self._notes.append(
                f"Importing the module takes {plan.import_cpu_s:.1f} CPU s, so the tests were "
                "checked in fewer fresh processes than usual."
            )
        return plan

    def _is_stopped(self) -> bool:
        """Whether to give up; once calls were found, a cancel only shortens what follows."""
        return not self._has_found and self._watch.stop_requested()

    def _searched(self, jail: Jail, targets: Targets, plan: Plan) -> _Found:
        choices = random.Random(self._request.seed)  # noqa: S311 - reproducible, no secret
        self._watch.phase("search")
        seeds = mine(self._module, jail.offers, choices)
        values = Values(jail.offers, seeds)
        generation = Generation(self._module, jail.offers, values)
        search = Search(jail, generation, values, targets.goals)
        started_s = self._budget.spent_s
        examples = example_calls(self._module, jail.offers, self._place)
        examples += self._extension.calls(jail.offers) if self._extension else []
        jail.until_s = plan.search_until_s
        kept = search.run(list(targets.offers), examples, self._budget, jail.until_s, self._watch)
        spent = self._budget.spent_s - started_s
        self._has_found = bool(kept)
        self._seen = kept
        judge = Judge({one.key: _texts(one, generation, jail) for one in targets.offers})
        found = _Found(kept, (), jail.executed, spent, search.is_complete)
        try:
            self._choose(jail, targets.goals, generation, judge, found, plan)
        except Lost as problem:
            raise CannotTest(
                f"`{self._place.path}` ended the test process while it was examined ({problem})."
            ) from problem
        return found

    def _choose(
        self, jail: Jail, goals: frozenset[int], generation: Generation, judge: Judge,
        found: _Found, plan: Plan,
    ) -> None:  # fmt: skip
        """Narrow down what was found to the calls worth a test, and tell the crashes."""
        self._watch.report("keeping the fewest calls that show the most", 0.65)
        self._watch.phase("choose")
        jail.until_s = plan.until_s(_CONFIRMING_SHARE, _LEAST_CONFIRMING_CPU_S)
        confirmed_calls = confirmed(jail, preselected(found.kept, goals))
        good = judge.tests(confirmed_calls)
        found.kept = covering(good, goals)
        if self._watch.stop_requested():
            found.is_complete = False
            return
        plan.expect(found.kept)
        jail.until_s = plan.until_s(_SHRINKING_SHARE)
        small = slimmed(jail, found.kept, goals)
        jail.until_s = plan.until_s(_SELECTING_SHARE)
        selection = Selection(
            jail, self._module, generation, goals, judge, self._budget,
            jail.until_s - self._budget.spent_s, self._request.seed,
        )  # fmt: skip
        found.kept, found.score = selection.chosen([*small, *good])
        jail.until_s = plan.until_s(1.0)
        found.findings = findings_of(jail, judge.findings(confirmed_calls), judge.texts)
        found.kept = plan.affordable(found.kept)

    def _stable(self, found: _Found, plan: Plan) -> list[Kept]:
        settings = SETTINGS[1 : 1 + plan.checks]
        if self._watch.stop_requested():
            settings = settings[:1]

        def opened(env: Mapping[str, str]) -> Jail:
            jail = self._opened(env, is_plain=True)
            later_s = (len(settings) - 1 - settings.index(env)) * plan.check_s
            until_s = self._budget.cpu_s - plan.measuring_s - later_s
            jail.until_s = max(until_s, self._budget.spent_s + plan.least_check_s)
            plan.import_cpu_s = jail.plain_import_cpu_s
            return jail

        try:
            return stable(found.kept, opened, self._request.seed, settings)
        except Lost as problem:
            raise CannotTest(
                f"`{self._place.path}` does not run the same way twice ({problem})."
            ) from problem

    def _nothing_held(self, found: _Found) -> str:
        if self._watch.stop_requested():
            raise Stopped
        what = f"`{self._place.path}`"
        if found.findings:
            first = found.findings[0]
            return f"No call of {what} succeeds: `{first.call}` fails with `{first.error}`."
        return (
            f"No call of {what} was found within {self._budget.cpu_s:.0f} CPU s that has a result "
            "which is the same every time, so there is nothing a test could assert."
        )

    def _measured(
        self, tests: list[Test], emission: Emission, found: _Found, plan: Plan
    ) -> tuple[TestingResult, list[Test], Measured]:
        """The result of what passes, those tests, and their run."""
        proof = Proof(
            self._measurement, plan, emission, self._test_place.path, self._request.seed,
            is_brief=self._watch.stop_requested(),
        )  # fmt: skip
        try:
            tests, measured = proof.passing(tests)
        except Lost as problem:
            raise CannotTest(
                f"The tests for `{self._place.path}` could not be run to their end ({problem})."
            ) from problem
        passed = measured.run.passed
        self._watch.report(f"{passed} tests pass", 1.0)
        result = TestingResult(
            module=self._place.module,
            test_path=self._test_place.path,
            source=emission.text(tests),
            tests=len(measured.run.cases),
            passed=passed,
            before=measured.before,
            after=measured.coverage,
            findings=found.findings,
            mutants=found.score.mutants,
            killed=found.score.killed,
            survivors=found.score.survivors,
            unreached=unreached_of(self._module, measured.missing_lines),
            candidates=found.candidates,
            search_cpu_s=round(found.cpu_s, 2),
            cpu_s=round(self._budget.spent_s, 2),
            rung=self._sandbox.rung,
            complete=found.is_complete and not self._watch.stop_requested(),
        )
        return result, tests, measured


def _read(request: TestingRequest) -> Module:
    try:
        source = read_source(request.root, request.path)
        return parse_module(source.text, source.path)
    except (Unreadable, SyntaxProblem) as problem:
        raise CannotTest(str(problem)) from problem


def _fitting(
    kept: list[Kept], goals: Sequence[Goal], emission: Emission, module: Module
) -> list[Test]:
    """The tests of the most valuable calls, as many as one file has room for."""
    bodies = [range(one.first_line, one.last_line + 1) for one in module.all_functions()]
    tests = tests_of(kept, goals, bodies)
    while (lines := emission.text(tests).count("\n")) > _LINE_LIMIT and len(kept) > 1:
        kept = kept[: min(len(kept) - 1, len(kept) * _LINE_LIMIT // lines)]
        tests = tests_of(kept, goals, bodies)
    return [one for one in tests if is_python(emission.text([one]))]


def _texts(offer: Offer, generation: Generation, jail: Jail) -> Texts:
    function = generation.function_of(offer)
    lines = range(function.first_line, function.last_line + 1) if function else ()
    goals = frozenset(place for place, goal in enumerate(jail.goals) if goal.line in lines)
    return Texts(function, generation.owner_of(offer), goals - jail.reached)


def _importable(jail: Jail, place: Place, kept: list[Kept]) -> dict[str, str]:
    """Class ids to names, one id for each name."""
    names = {one.identity: one.name for one in jail.offers.classes}
    for one in jail.offers.callables:
        if not one.owner:
            names.setdefault(f"{jail.module}:{one.name}", one.name)
    free = jail.offers.names - set(names.values()) - STANDARD_NAMES
    names |= {f"{jail.module}:{name}": name for name in sorted(free)}
    for one in place.borrowed:
        if one.name in jail.offers.borrowed and one.name not in names.values():
            names[f"{one.module}:{one.attribute}"] = one.name
    for one in kept:
        seen = one.result.observation
        is_known = seen.type in names or seen.type.startswith("builtins:")
        if seen.kind == "error" and not is_known and seen.type_name not in names.values():
            names[seen.type] = seen.type_name
    return names
