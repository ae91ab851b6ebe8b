"""What tests say of a draft: those that were there, the one that is to pass, and the new ones.

An existing test counts against a draft only if it passed before. A new test counts for it only if
it fails without the new code.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from engines.generation.checks.emptiness import empty_tests, gutted
from engines.generation.checks.excerpts import excerpt, reason
from engines.generation.checks.failing import failing_tests
from engines.generation.checks.related import related_tests
from engines.generation.checks.session import Case, Runner, Session
from engines.generation.checks.verdicts import Verdict, failed, passed, skipped, together
from engines.generation.completeness import defined
from engines.generation.drafts import Draft, is_python
from engines.generation.originals import Originals
from engines.generation.paths import is_test_file, steers_tests
from engines.generation.tasks import Kind, Task
from engines.sandbox.environments.types import Environment

_EXISTING, _NEW, _FAILING = "existing tests", "new tests", "failing test"


@dataclass(frozen=True)
class Proof:
    """What the tests of a draft showed."""

    verdict: Verdict
    passed: int = 0
    unproven: str = ""
    """Why passing shows too little; empty where it shows that the change does what it should."""


@dataclass
class Evidence:
    """The tests of one task. What the checkout does without the change is found out once."""

    task: Task
    originals: Originals
    runner: Runner
    environment: Environment | None = None
    named: tuple[str, ...] = ()
    """Ids that the task wants to pass, or files and ids to run in any case."""
    _before: dict[str, Session] = field(default_factory=dict[str, Session])

    def reproduce(self) -> str:
        """Run what fails before anything is written; its report as seen here, "" where none.

        Raises:
            Stopped: The person cancelled.
            OutOfBudget: No time is left.
        """
        root = self.task.root
        pasted = failing_tests(self.task.failing, root) if self.task.failing else []
        self.named = tuple(dict.fromkeys([*pasted, *self.task.tests]))
        if self.task.kind is not Kind.FIX or not self.named:
            return ""
        with self.runner.place():
            session = self._without(self.named)
        return excerpt(session.failed, set(_all_paths(session)))

    def prove(self, draft: Draft) -> Proof:
        """Run the tests that the draft touches.

        Raises:
            Stopped: The person cancelled.
            OutOfBudget: No time is left.
        """
        if not any(is_python(path) for path in draft.files):
            why = "only tests of Python are run here"
            return Proof(skipped("tests", why), unproven=why)
        own = [path for path in draft.files if is_test_file(path) and is_python(path)]
        existing = related_tests(self.task.root, draft.files, draft.files)
        tests = _wanted(self.named, [*existing, *own])
        if not tests:
            why = "no test touches the change"
            return Proof(skipped("tests", why), unproven=why)
        after = self.runner.run(draft.files, tests)
        fresh = [one for one in after.cases if _path(one) in own and self._is_new(draft, one)]
        verdicts = [
            self._judge_existing(draft, tests, after, set(fresh)),
            self._judge_named(after),
            self._judge_new(after, fresh, own),
        ]
        verdict = together(one for one in verdicts if one.checks)
        if verdict.failed:
            return Proof(verdict, len(after.passed))
        return self._weighed(draft, verdict, after, fresh)

    def _is_new(self, draft: Draft, test: str) -> bool:
        before = draft.before(_path(test))
        return before is None or _function(test) not in defined(before)

    def _without(self, tests: Sequence[str]) -> Session:
        """The checkout as it is, its own tests."""
        there = [one for one in tests if (self.task.root / _path(one)).is_file()]
        key = "\n".join(there)
        if key not in self._before:
            run = self.runner.run({}, there) if there else Session()
            self._before[key] = run
        return self._before[key]

    def _judge_existing(
        self, draft: Draft, tests: Sequence[str], after: Session, fresh: Collection[str]
    ) -> Verdict:
        """Those that passed before have to pass."""
        failures = {one: case for one, case in after.failed.items() if one not in fresh}
        is_compared = bool(failures) or self.task.kind is Kind.REFACTOR
        changed = {path for path in draft.files if draft.before(path) is not None}
        is_compared = is_compared or any(_path(one) in changed for one in tests)
        before = self._without(tests) if is_compared else None
        known = before.failed if before else dict[str, Case]()
        broken = {one: case for one, case in failures.items() if not _is_known(one, known)}
        broken = {one: case for one, case in broken.items() if not _matches(one, self._aims())}
        if before is not None and before.ended:
            broken.pop(after.blamed, None)  # it breaks off without the change, too
        if before is not None and not after.ended:
            ran = {*after.passed, *after.failed}
            gone = [one for one in before.passed if one not in ran]
            broken |= {one: Case("failed", "E   the test is not run any more") for one in gone
                       if not _is_under(one, broken)}  # fmt: skip
        if broken:
            name, case = next(iter(broken.items()))
            told = excerpt(broken, {*draft.files, *map(_path, broken)})
            return failed(_EXISTING, f"{len(broken)} fail: {name}: {reason(case)}", told)
        kept = [one for one in after.passed if one not in fresh]
        still = [one for one in failures if _is_known(one, known)]
        detail = f"{len(kept)} pass" + (", as before" if before is not None else "")
        if still:
            detail += f"; {len(still)} fail before and after: {still[0]}"
            detail += self._remedy(failures[still[0]])
        return passed(_EXISTING, detail) if kept or still else Verdict(())

    def _aims(self) -> tuple[str, ...]:
        return self.named if self.task.kind is Kind.FIX else ()

    def _judge_named(self, after: Session) -> Verdict:
        """For a fix: what failed has to pass."""
        aims = self._aims()
        if not aims:
            return Verdict(())
        cases = {one: case for one, case in after.cases.items() if _matches(one, aims)}
        failures = {one: case for one, case in cases.items() if case.outcome != "passed"}
        if not cases and (why := self._not_importable(after)):
            return skipped(_FAILING, why)
        if failures or not cases:
            name, case = next(iter(failures.items()), (aims[0], Case("failed", "it was not run")))
            told = excerpt(failures or {name: case}, {*_all_paths(after)})
            return failed(_FAILING, f"{name}: {reason(case)}", told)
        return passed(_FAILING, f"{', '.join(list(cases)[:3])} passes now")

    def _not_importable(self, after: Session) -> str:
        """Why the file of a test cannot be imported here, whatever is changed."""
        before = self._without(self.named)
        for path in dict.fromkeys(_path(one) for one in self.named):
            if path in before.failed and path in after.failed:
                case = after.failed[path]
                return f"{path} is not importable here: {reason(case)}{self._remedy(case)}"
        return ""

    def _judge_new(self, after: Session, fresh: Sequence[str], own: Sequence[str]) -> Verdict:
        failures = {one: after.cases[one] for one in fresh if after.cases[one].outcome == "failed"}
        if failures:
            name, case = next(iter(failures.items()))
            detail = f"{len(failures)} fail: {name}: {reason(case)}{self._remedy(case)}"
            told = excerpt(failures, {*own, *_all_paths(after)}) + self._remedy(case)
            return failed(_NEW, detail, told)
        return Verdict(())

    def _weighed(
        self, draft: Draft, verdict: Verdict, after: Session, fresh: Sequence[str]
    ) -> Proof:
        """What passing tests show: whether any of them would have failed without the change."""
        if self.task.kind is Kind.REFACTOR:
            kept = len(after.passed) - len(fresh)
            why = "" if kept > 0 else "no test of what was there passed before"
            return Proof(verdict, len(after.passed), why or _broken_off(after))
        fresh = [one for one in fresh if after.cases[one].outcome == "passed"]
        empty = [one for one in fresh if _function(one) in self._empty(draft, one)]
        telling = self._telling([one for one in fresh if one not in empty], draft)
        if fresh:
            verdict = together([verdict, self._judge_telling(fresh, telling, empty)])
        why = self._unproven(draft, after, fresh, telling)
        return Proof(
            verdict, len(after.passed), "" if verdict.failed else why or _broken_off(after)
        )

    def _empty(self, draft: Draft, test: str) -> frozenset[str]:
        return empty_tests(draft.files[_path(test)])

    def _telling(self, tests: Sequence[str], draft: Draft) -> list[str]:
        """New tests that fail where the new code is missing."""
        if not tests:
            return []
        files = {
            path: text if is_test_file(path) else gutted(text)
            for path, text in draft.files.items()
            if is_python(path) and (is_test_file(path) or draft.before(path) is None)
        }
        paths = list(dict.fromkeys(_path(one) for one in tests))
        without = self.runner.run(files, paths)
        return [one for one in tests if one not in without.passed]

    def _judge_telling(
        self, fresh: Sequence[str], telling: Sequence[str], empty: Sequence[str]
    ) -> Verdict:
        idle = [one for one in fresh if one not in telling]
        detail = f"{len(telling)} of {len(fresh)} pass, and fail without the change"
        if idle:
            why = "checks nothing" if idle[0] in empty else "passes without the change, too"
            detail += f"; {_function(idle[0])} {why}"
        if telling:
            return passed(_NEW, detail)
        told = "\n".join(
            f"{one} {'checks nothing' if one in empty else 'passes without the change, too'}"
            for one in idle[:5]
        )
        return failed(_NEW, detail, f"{told}\nWrite tests that fail without the change.")

    def _unproven(
        self, draft: Draft, after: Session, fresh: Sequence[str], telling: Sequence[str]
    ) -> str:
        if self.task.kind is Kind.FIX and self._aims():
            session = self._without(self.named)
            if any(_matches(one, self.named) for one in session.failed):
                return _steered(draft)
            why = self._not_importable(after)
            return why or f"{self.named[0]} does not fail here before the change"
        if telling:
            return _steered(draft)
        if self.task.kind is Kind.FIX:
            return "no test shows the failure that is to be fixed"
        if len(after.passed) <= len(fresh):
            return "no test of the change passed"
        untouched = "the tests that were run do not touch what is new"
        return untouched if _adds(draft) else _steered(draft)

    def _remedy(self, case: Case) -> str:
        """What helps where a package is missing."""
        _, sign, rest = case.report.partition("No module named '")
        module = rest.partition("'")[0]
        if not sign or self.environment is None or not module:
            return ""
        return f". {self.environment.remedy(module)}"


def _wanted(named: Sequence[str], files: Sequence[str]) -> list[str]:
    """Files and ids, none of them twice."""
    whole = set(files)
    return list(dict.fromkeys([*(one for one in named if _path(one) not in whole), *files]))


def _adds(draft: Draft) -> bool:
    """Whether there are functions or classes that were not there."""
    return any(
        defined(text) - defined(draft.before(path) or "")
        for path, text in draft.python()
        if not is_test_file(path)
    )


def _steered(draft: Draft) -> str:
    """Whether the change could make any test pass."""
    steering = [one for one in draft.files if steers_tests(one) and not is_test_file(one)]
    return f"`{steering[0]}` decides how tests are run, and it is changed" if steering else ""


def _broken_off(after: Session) -> str:
    return f"not all tests that touch the change were run: {after.ended}" if after.ended else ""


def _path(test: str) -> str:
    return test.partition("::")[0]


def _function(test: str) -> str:
    return test.partition("[")[0].rpartition("::")[2]


def _all_paths(session: Session) -> list[str]:
    return [_path(one) for one in session.cases]


def _matches(test: str, wanted: Sequence[str]) -> bool:
    """Whether a test is one of those, a case of it, or in it."""
    return any(test == one or test.startswith((f"{one}[", f"{one}::")) for one in wanted)


def _is_known(test: str, before: Mapping[str, Case]) -> bool:
    """Whether it failed before, by itself or with its file."""
    return test in before or _path(test) in before


def _is_under(test: str, broken: Mapping[str, Case]) -> bool:
    return _path(test) in broken
