"""Which tests of a file pass, in every run of it."""

from dataclasses import dataclass

from engines.testing.emission import Emission
from engines.testing.jailed import Lost
from engines.testing.measurement import Measured, Measurement, Run
from engines.testing.plan import Plan
from engines.testing.stability import SETTINGS
from engines.testing.suite import Test, separated, without
from engines.testing.types import CannotTest


@dataclass(frozen=True)
class Proof:
    """Runs of one file within a plan; `is_brief` leaves out those in other orders."""

    measurement: Measurement
    plan: Plan
    emission: Emission
    path: str
    seed: int
    is_brief: bool

    def passing(self, tests: list[Test]) -> tuple[list[Test], Measured]:
        """The tests that pass in shuffled orders and in their own, and that last run.

        A test that fails once is left out, and the rest is run again.

        Raises:
            CannotTest: none does.
            Lost: the process that runs them is gone.
        """
        while tests:
            runs = [] if self.is_brief else self._shuffled(tests)
            if failed := _failed(runs):
                is_settled = self._is_last or _are_single(tests, failed)
                tests = self._without(tests, failed, runs)
                if not tests or not is_settled:
                    continue
            measured = self._first(tests)
            if measured is None:
                tests = self._surviving(tests)
                continue
            failed = measured.left_out | measured.run.failed
            is_settled = self._is_last or (not measured.run.failed and _are_single(tests, failed))
            tests = self._without(tests, failed, [measured.run]) if failed else tests
            if is_settled and tests:
                return tests, measured
        raise CannotTest(f"No test of `{self._file}` passes on its own.")

    @property
    def _file(self) -> str:
        return self.measurement.place.path

    @property
    def _is_last(self) -> bool:
        """Whether the budget holds no more runs."""
        return self.plan.budget.left_s < self.plan.measuring_s

    def _shuffled(self, tests: list[Test]) -> list[Run]:
        seeds = tuple(self.seed + one for one in range(1, self.plan.orders + 1))
        text = self.emission.text(tests)
        keeping_s = self.plan.covered_s + self.plan.more_cpu_s
        return self.measurement.shuffled(
            self.path, text, SETTINGS[1], seeds, again=True, keeping_s=keeping_s
        )

    def _first(self, tests: list[Test]) -> Measured | None:
        """The run in the file's own order; None where it ended before its tests did."""
        text = self.emission.text(tests)
        keeping_s = self.plan.reading_s + self.plan.more_cpu_s
        try:
            measured = self.measurement.first(
                self.path, text, SETTINGS[0], again=True, keeping_s=keeping_s
            )
        except Lost:
            return None
        return measured if measured.run.cases else None

    def _surviving(self, tests: list[Test]) -> list[Test]:
        """The tests that do not end the process they run in, found by halves."""
        if len(tests) == 1 or self.plan.budget.left_s < self.plan.covered_s:
            return []
        middle = len(tests) // 2
        return [
            one
            for half in (tests[:middle], tests[middle:])
            for one in (half if self._first(half) else self._surviving(half))
        ]

    def _without(self, tests: list[Test], failed: frozenset[str], runs: list[Run]) -> list[Test]:
        """The tests without those that failed, of which each case gets its own chance where there
        is time for it; where they have no names, one case a test.
        """
        names = _names(failed)
        if any(one.name in names for one in tests):
            if self._is_last:
                return [one for one in tests if one.name not in names]
            return without(tests, names)
        if any(len(one.cases) > 1 for one in tests) and not self._is_last:
            return separated(tests)
        reports = [one[1] for run in runs for one in run.cases.values() if one[1]]
        reason = f": `{reports[0].strip().splitlines()[-1]}`" if reports else ""
        raise CannotTest(f"The tests for `{self._file}` do not run in this repository{reason}.")


def _failed(runs: list[Run]) -> frozenset[str]:
    return frozenset[str]().union(*(one.failed for one in runs))


def _names(failed: frozenset[str]) -> set[str]:
    """The functions that these are cases of."""
    return {key.rpartition("::")[2].partition("[")[0] for key in failed}


def _are_single(tests: list[Test], failed: frozenset[str]) -> bool:
    """Whether those that failed have nothing in them that might pass alone."""
    names = _names(failed)
    known = [one for one in tests if one.name in names]
    return all(len(one.cases) == 1 for one in known) and (bool(known) or not failed)
