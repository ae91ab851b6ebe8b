"""Writes tests for one file: read, search, minimise, check for stability, emit, measure."""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from engines.sandbox.sandbox import Sandbox
from engines.source.files import Unreadable, read_source
from engines.source.module import Module, SyntaxProblem, parse_module
from engines.testing.assertions import Names
from engines.testing.emission import Emission
from engines.testing.examples import example_calls
from engines.testing.findings import findings_of
from engines.testing.generation import Generation
from engines.testing.jailed import Jail, Lost
from engines.testing.measurement import Measured, Measurement
from engines.testing.minimising import covering, distinct, shrunken
from engines.testing.offers import Offer
from engines.testing.oracle import Texts, Verdict, verdict
from engines.testing.places import Place, TestPlace, place_of, test_place
from engines.testing.search import Kept, Search
from engines.testing.seeds import mine
from engines.testing.stability import SETTINGS, stable
from engines.testing.suite import Test, separated, tests_of
from engines.testing.targets import Targets, chosen_targets
from engines.testing.types import CannotTest, Finding, TestingRequest, TestingResult
from engines.testing.unreached import unreached_of
from engines.testing.values import Values
from engines.watch import Stopped, Unwatched, Watch

_SUITE_ROUNDS = 3
_CONFIRMED_PER_OFFER = 10
_SETUP_CPU_S = 120.0


@dataclass
class _Found:
    """What the search left: calls for tests, findings, and the figures of the search."""

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
        self._place: Place = place_of(request.root.resolve(), self._module.path)
        self._test_place: TestPlace = test_place(self._place)
        self._has_found = False
        self._measurement = Measurement(sandbox, self._place)

    def result(self) -> TestingResult:
        """Everything, in order."""
        self._watch.report(f"reading `{self._place.path}`", 0.0)
        self._watch.phase("read")
        with self._opened(SETTINGS[0]) as jail:
            targets = chosen_targets(self._request, self._module, jail)
            found = self._searched(jail, targets)
            goals, names = jail.goals, Names(_importable(jail, found.kept))
        self._watch.report("checking that the tests hold every time", 0.8)
        self._watch.phase("check")
        kept = self._stable(found)
        if not kept:
            raise CannotTest(self._nothing_held(found))
        tests = tests_of(kept, goals)
        self._watch.phase("measure")
        emission = Emission(self._place, self._test_place, names, self._request.style)
        return self._measured(tests, emission, found)

    def _opened(self, env: Mapping[str, str]) -> Jail:
        cpu_s = self._request.cpu_s + _SETUP_CPU_S
        return Jail(self._sandbox, self._place, self._is_stopped, env, cpu_s)

    def _is_stopped(self) -> bool:
        """Whether to give up; once calls were found, a cancel only shortens what follows."""
        return not self._has_found and self._watch.stop_requested()

    def _searched(self, jail: Jail, targets: Targets) -> _Found:
        choices = random.Random(self._request.seed)  # noqa: S311 - reproducible, no secret
        self._watch.phase("search")
        seeds = mine(self._module, jail.offers, choices)
        values = Values(jail.offers, seeds)
        generation = Generation(self._module, jail.offers, values)
        search = Search(jail, generation, values, targets.goals)
        started, jail_started = time.thread_time(), jail.cpu_s
        examples = example_calls(self._module, jail.offers, self._place.module)
        kept = search.run(list(targets.offers), examples, self._request.cpu_s, self._watch)
        spent = time.thread_time() - started + jail.cpu_s - jail_started
        self._has_found = bool(kept)
        texts = {one.key: _texts(one, generation, jail) for one in targets.offers}
        try:
            return self._chosen(jail, targets, kept, texts, search, spent)
        except Lost as problem:
            raise CannotTest(
                f"`{self._place.path}` ended the test process while it was examined ({problem})."
            ) from problem

    def _chosen(
        self, jail: Jail, targets: Targets, kept: list[Kept], texts: dict[str, Texts],
        search: Search, spent: float,
    ) -> _Found:  # fmt: skip
        self._watch.report("keeping the fewest calls that show the most", 0.65)
        self._watch.phase("choose")
        candidates = jail.executed
        judged = [
            (one, verdict(one.call, one.result, texts[one.call.offer.key]))
            for one in _confirmed(jail, _preselected(kept, targets.goals))
        ]
        good = [one for one, word in judged if word is Verdict.TEST]
        crashes = [one for one, word in judged if word is Verdict.FINDING]
        chosen = covering(good, targets.goals)
        if self._watch.stop_requested():
            return _Found(chosen, (), candidates, spent, is_complete=False)
        chosen = distinct(shrunken(jail, chosen, targets.goals))
        found = findings_of(jail, crashes, texts)
        return _Found(chosen, found, candidates, spent, search.is_complete)

    def _stable(self, found: _Found) -> list[Kept]:
        try:
            settings = SETTINGS[-1:] if self._watch.stop_requested() else SETTINGS
            return stable(found.kept, self._opened, self._request.seed, settings)
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
            f"No call of {what} has a result that is the same every time; there is nothing "
            "a test could assert."
        )

    def _measured(self, tests: list[Test], emission: Emission, found: _Found) -> TestingResult:
        try:
            before = self._measurement.before()
            tests, runs = self._passing(tests, emission)
        except Lost as problem:
            raise CannotTest(
                f"The tests for `{self._place.path}` could not be run to their end ({problem})."
            ) from problem
        after = runs[0]
        self._watch.report(f"{after.passed} tests pass", 1.0)
        return TestingResult(
            module=self._place.module,
            test_path=self._test_place.path,
            source=emission.text(tests),
            tests=len(after.cases),
            passed=min(run.passed for run in runs),
            before=before.coverage,
            after=after.coverage,
            findings=found.findings,
            unreached=unreached_of(self._module, after.missing_lines),
            candidates=found.candidates,
            search_cpu_s=round(found.cpu_s, 2),
            rung=self._sandbox.rung,
            complete=found.is_complete and not self._watch.stop_requested(),
        )

    def _passing(self, tests: list[Test], emission: Emission) -> tuple[list[Test], list[Measured]]:
        """The tests that pass in every run, with the last runs; the others are left out."""
        while tests:
            source = emission.text(tests)
            is_cut_short = self._watch.stop_requested()
            rounds = (
                range(_SUITE_ROUNDS - 1, _SUITE_ROUNDS) if is_cut_short else range(_SUITE_ROUNDS)
            )
            runs = [self._run(source, number) for number in rounds]
            failed = {key for run in runs for key, one in run.cases.items() if one[0] != "passed"}
            if not failed:
                return tests, runs
            names = {key.rpartition("::")[2].partition("[")[0] for key in failed}
            remaining = [one for one in tests if one.name not in names]
            if len(remaining) == len(tests) and any(len(one.cases) > 1 for one in tests):
                remaining = separated(tests)
            elif len(remaining) == len(tests):
                report = next(one[1] for run in runs for one in run.cases.values() if one[1])
                raise CannotTest(
                    f"The tests for `{self._place.path}` do not run in this repository: "
                    f"`{report.strip().splitlines()[-1]}`."
                )
            tests = remaining
        raise CannotTest(f"No test of `{self._place.path}` passes on its own.")

    def _run(self, source: str, number: int) -> Measured:
        """The first run as the repository runs tests, the others shuffled and without settings."""
        env = dict(SETTINGS[number % len(SETTINGS)])
        seed = self._request.seed + number if number else 0
        if number == 0:
            measured = self._measurement.after(
                self._test_place.path, source, seed=seed, env=env, is_plain=True
            )
            if measured.cases and measured.code in {0, 1}:
                return measured
        return self._measurement.after(
            self._test_place.path, source, seed=seed, env=env, is_plain=False
        )


def _read(request: TestingRequest) -> Module:
    try:
        source = read_source(request.root, request.path)
        return parse_module(source.text, source.path)
    except (Unreadable, SyntaxProblem) as problem:
        raise CannotTest(str(problem)) from problem


def _preselected(kept: list[Kept], wanted: frozenset[int]) -> list[Kept]:
    """What is worth confirming: a cover, each offer's shortest ways, and all crashes."""
    chosen = {id(one): one for one in covering(kept, wanted)}
    counts: dict[str, int] = {}
    for one in sorted(kept, key=lambda item: (2 - item.call.soundness, item.call.size)):
        key = one.call.offer.key
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= _CONFIRMED_PER_OFFER or one.result.observation.kind == "error":
            chosen[id(one)] = one
    return list(chosen.values())


def _confirmed(jail: Jail, kept: list[Kept]) -> list[Kept]:
    """The calls with what they show when the module's state is fresh."""
    results = jail.run([one.call for one in kept], everything=True, separate=True)
    confirmed = [
        Kept(one.call, result)
        for one, result in zip(kept, results, strict=True)
        if result.hits is not None
    ]
    return [replace(one) for one in confirmed]


def _texts(offer: Offer, generation: Generation, jail: Jail) -> Texts:
    function = generation.function_of(offer)
    lines = range(function.first_line, function.last_line + 1) if function else ()
    goals = frozenset(place for place, goal in enumerate(jail.goals) if goal.line in lines)
    return Texts(function, generation.owner_of(offer), goals - jail.reached)


def _importable(jail: Jail, kept: list[Kept]) -> dict[str, str]:
    """Class ids to names, one id for each name."""
    names = {one.identity: one.name for one in jail.offers.classes}
    for one in jail.offers.callables:
        if not one.owner:
            names.setdefault(f"{jail.module}:{one.name}", one.name)
    for one in kept:
        seen = one.result.observation
        is_known = seen.type in names or seen.type.startswith("builtins:")
        if seen.kind == "error" and not is_known and seen.type_name not in names.values():
            names[seen.type] = seen.type_name
    return names
