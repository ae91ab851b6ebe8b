"""Asks a proposer for tests of what the search left, and adds those that pass to the result."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from engines.source.module import Module
from engines.source.symbols import Function
from engines.testing.emission import Emission
from engines.testing.measurement import Measured, Measurement
from engines.testing.places import Place
from engines.testing.plan import Plan
from engines.testing.proposals.gaps import Open, gaps_of, marked
from engines.testing.proposals.gate import Gate
from engines.testing.proposals.reading import ProposedTest, read_tests
from engines.testing.proposals.rules import Rules
from engines.testing.proposer import Earlier, NoProposal, Proposal, Proposer, Wanted
from engines.testing.suite import Test
from engines.testing.types import Dropped, Proposed, TestingResult
from engines.testing.unreached import unreached_of
from engines.watch import Stopped, Watch

_ROUNDS = 2
"""The second shows what the first did not reach."""
_SHARE_OF_FREE = 0.4
"""Of what searching and choosing have, the most that is kept for judging proposals."""
_EXAMPLES = 2
_TOLD_CHARS = 300
_NO_TIME = (
    "No CPU time was left to check proposed tests: they would need {needed:.1f} CPU s, and there "
    "were {left:.1f}."
)
_NOTHING_LEFT = "The search left nothing in a function for others to reach."


@dataclass(frozen=True)
class Existing:
    """The test file that everything goes into: its own run, its names, and what a run costs."""

    measured: Measured
    names: frozenset[str]
    cpu_s: float


@dataclass(frozen=True)
class Ground:
    """What the engine has when others are asked."""

    result: TestingResult
    tests: list[Test]
    measured: Measured
    emission: Emission
    plan: Plan
    lines: frozenset[int]
    """Of the target, what the request is about."""
    existing: Existing | None = None

    def is_open_after(self, measured: Measured) -> Open:
        """What is left to reach when the new tests did so well."""
        return Open.of(measured, self.existing.measured if self.existing else None)


@dataclass
class _Gap:
    """One function that is asked about, and the last answer to it."""

    function: Function
    answer: str | None = None
    dropped: list[Dropped] = field(default_factory=list[Dropped])


class Proposals:
    """Asks for the largest gaps of one target, once more for what that leaves open."""

    def __init__(
        self, proposer: Proposer | None, module: Module, measurement: Measurement, watch: Watch
    ) -> None:
        """Without a proposer nobody is asked, and nothing is different."""
        self._proposer = proposer
        self._module = module
        self._place: Place = measurement.place
        self._measurement = measurement
        self._watch = watch

    def reserved_cpu_s(self, plan: Plan) -> float:
        """What of the budget is kept for the judgement."""
        if self._proposer is None:
            return 0.0
        needed_s = (_ROUNDS + 1) * plan.orders_s + _ROUNDS * plan.covered_s
        return min(needed_s, _SHARE_OF_FREE * max(0.0, plan.free_s))

    def added(self, ground: Ground, seed: int) -> tuple[TestingResult, Emission]:
        """The result with what was proposed, or as it is with the reason; and how its file is
        written.
        """
        if self._proposer is None or self._watch.stop_requested():
            return ground.result, ground.emission
        later_s = ground.existing.cpu_s if ground.existing else 0.0
        gate = Gate(
            self._measurement, ground.plan, ground.emission, ground.tests, seed,
            path=ground.result.test_path, later_s=later_s,
        )  # fmt: skip
        return _Asking(self._proposer, self._module, self._watch, ground, gate).filled()


class _Asking:
    """One conversation about one target."""

    def __init__(
        self, proposer: Proposer, module: Module, watch: Watch, ground: Ground, gate: Gate
    ) -> None:
        self._proposer = proposer
        self._module = module
        self._watch = watch
        self._ground = ground
        self._gate = gate
        self._open = ground.is_open_after(ground.measured)
        self._is_unittest = ground.emission.is_unittest
        self._rules = Rules.of(module, ground.result.module, is_unittest=self._is_unittest)
        self._taken = set(_names_in(ground.result.source))
        self._taken |= ground.existing.names if ground.existing else set()
        self._silence: list[str] = []
        gaps = gaps_of(module, self._open, ground.lines)
        self._gaps = [_Gap(one) for one in gaps]

    def filled(self) -> tuple[TestingResult, Emission]:
        """Ask, judge, and run the file once more."""
        result, is_stopped = self._ground.result, False
        if not self._gaps:
            self._silence.append(_NOTHING_LEFT)
        try:
            for number in range(_ROUNDS):
                if not self._round(number):
                    break
        except Stopped:
            is_stopped = True
        run = self._gate.last_run()
        emission = self._gate.written()
        if run and (measured := self._gate.measured):
            result = replace(
                result,
                source=emission.text(self._ground.tests),
                tests=len(run.cases),
                passed=run.passed,
                after=measured.coverage,
                unreached=unreached_of(self._module, measured.missing_lines),
            )
        complete = result.complete and not is_stopped
        return replace(result, proposed=self._proposed(), complete=complete), emission

    def _proposed(self) -> Proposed:
        return Proposed(
            by=self._proposer.name,
            functions=tuple(one.function.qualname for one in self._gaps),
            kept=tuple(one.name for one in self._gate.kept),
            dropped=tuple(self._gate.dropped),
            silence=tuple(dict.fromkeys(self._silence)),
        )

    def _round(self, number: int) -> bool:
        """Ask about what is open and judge what comes; whether another round makes sense."""
        asked = [
            one
            for one in self._gaps
            if self._open.within(one.function).size and (number == 0 or one.answer is not None)
        ]
        if not asked:
            return False
        left_s = self._ground.plan.budget.left_s
        if left_s < self._gate.needed_s:
            told = _NO_TIME.format(needed=self._gate.needed_s, left=max(0.0, left_s))
            self._silence += [told] if number == 0 else []
            return False
        self._watch.report(f"asking a model about {len(asked)} of the gaps that are left", 0.9)
        self._watch.phase("propose")
        answers = self._proposer.propose([self._wanted(one) for one in asked], self._watch)
        self._watch.report("checking the tests it proposed", 0.95)
        self._watch.phase("judge")
        self._judge(list(zip(asked, answers, strict=True)))
        return True

    def _judge(self, answered: Sequence[tuple[_Gap, Proposal | NoProposal]]) -> None:
        """All answers together: what costs is a run, not a test in it."""
        gate, found = self._gate, dict[str, _Gap]()
        tests: list[ProposedTest] = []
        for gap, answer in answered:
            gap.answer, gap.dropped = None, []
            if isinstance(answer, NoProposal):
                self._silence.append(answer.why)
                continue
            reading = read_tests(answer.code, self._rules, self._taken)
            gap.answer, gap.dropped = answer.answer, reading.dropped
            tests += reading.tests
            found |= {one.name: gap for one in reading.tests}
            gate.dropped += reading.dropped
        count = len(gate.dropped)
        gate.judge(tests, self._open)
        for one in gate.dropped[count:]:
            found[one.name].dropped.append(one)
            self._taken.discard(one.name)
        if gate.measured:
            self._open = self._ground.is_open_after(gate.measured)

    def _wanted(self, gap: _Gap) -> Wanted:
        function = gap.function
        span = range(function.first_line, function.last_line + 1)
        earlier = Earlier(gap.answer, self._told(gap)) if gap.answer is not None else None
        return Wanted(
            path=self._module.path,
            module=self._ground.result.module,
            function=function.qualname,
            part=marked(self._module, self._open, span),
            whole=marked(self._module, self._open),
            example=self._example(function),
            is_unittest=self._is_unittest,
            earlier=earlier,
        )

    def _told(self, gap: _Gap) -> str:
        lines = [f"{one.name or 'all'}: {one.why[:_TOLD_CHARS]}" for one in gap.dropped]
        left = self._open.within(gap.function).told()
        return "\n".join([*lines, f"Still {left}."])

    def _example(self, function: Function) -> str:
        """A file with the tests of the function, else with the first ones."""
        tests = self._ground.tests
        own = [one for one in tests if _is_of(one, function)]
        return self._ground.emission.without_further().text((own or tests)[:_EXAMPLES])


def _is_of(test: Test, function: Function) -> bool:
    return any(one.call.offer.key.rstrip("=") == function.qualname for one in test.cases)


def _names_in(source: str) -> Sequence[str]:
    return re.findall(r"^ *def (test_\w+)\(", source, re.MULTILINE)
