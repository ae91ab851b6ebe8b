"""Hypothesis tests for a suite: from the first guess to tests that passed in its file."""

from collections.abc import Sequence
from dataclasses import replace

from engines.source.module import Module
from engines.testing.assertions import Names
from engines.testing.budget import Budget
from engines.testing.emission import Emission
from engines.testing.jailed import Jail, Lost
from engines.testing.measurement import Measurement, Run
from engines.testing.places import Place
from engines.testing.properties.confirmation import Confirmation
from engines.testing.properties.forms import Forms
from engines.testing.properties.laws import Law, laws_of
from engines.testing.properties.strategies import Strategies
from engines.testing.properties.trial import Trial
from engines.testing.properties.wanted import has_hypothesis
from engines.testing.search import Kept
from engines.testing.stability import SETTINGS
from engines.testing.suite import Test
from engines.testing.types import TestingResult

_MUTANTS_CPU_S = 0.5
_ALL_CPU_S = 3.5


class Laws:
    """The laws of one target. `promising` are those that held on a few inputs."""

    def __init__(
        self, place: Place, module: Module, budget: Budget, *, is_wanted: bool | None
    ) -> None:
        self._place = place
        self._module = module
        self._budget = budget
        self._is_wanted = is_wanted
        self._strategies: Strategies | None = None
        self._has_hypothesis = is_wanted is None and has_hypothesis(place.root)
        self.promising: list[Law] = []
        self.notes: list[str] = []

    @property
    def reserved_cpu_s(self) -> float:
        """What all of this may cost."""
        return _ALL_CPU_S if self._is_wanted or self._has_hypothesis else 0.0

    def try_in(self, jail: Jail, kept: Sequence[Kept], seed: int) -> None:
        """Look for laws and try them on what the search left, where they are wanted."""
        if self._is_wanted is False:
            return
        forms = Forms(jail.offers, kept)
        laws = laws_of(forms.every)
        if not laws:
            return
        if not self._is_wanted and not self._has_hypothesis:
            self.notes.append(
                f"Laws that could be tried as Hypothesis tests: {len(laws)}, such as "
                f"`{laws[0].name}`; the repository does not use Hypothesis, so none were written."
            )
            return
        until_s = self._budget.spent_s + _MUTANTS_CPU_S
        trial = Trial(jail, self._module, self._budget, until_s, seed)
        self._strategies = Strategies(jail.offers, forms.term)
        try:
            self.promising = trial.promising(laws, forms)
        except Lost:
            self.promising = []

    def added(
        self,
        result: TestingResult,
        emission: Emission,
        tests: Sequence[Test],
        measurement: Measurement,
        names: Names,
    ) -> TestingResult:
        """The result with the laws that hold for hundreds of examples as further tests."""
        assert self._strategies is not None
        confirmation = Confirmation(measurement.sandbox, self._place, names, self._budget)
        held = confirmation.held(self.promising, self._strategies)
        while held:
            emission.further = held
            text = emission.text(tests)
            run = _run(measurement, result.test_path, text)
            if run and not run.failed and run.passed >= result.passed:
                return replace(result, source=text, tests=len(run.cases), passed=run.passed)
            failed = {one.rpartition("::")[2] for one in run.failed} if run else set[str]()
            held = [one for one in held if one.law.name not in failed] if failed else []
        emission.further = ()
        return result


def _run(measurement: Measurement, path: str, text: str) -> Run | None:
    try:
        return measurement.shuffled(path, text, SETTINGS[1], (0,))[0]
    except (Lost, IndexError):
        return None
