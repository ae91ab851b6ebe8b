"""What a proposed test has to pass: fresh processes, other orders, and a gain that is its own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engines.testing.emission import Emission
from engines.testing.extending.names import Needed
from engines.testing.file_head import STANDARD_MEMBERS, STANDARD_NAMES
from engines.testing.jail.process import BACKWARDS, NO_TIME
from engines.testing.jailed import Lost
from engines.testing.measurement import Gain, Measured, Measurement, Run
from engines.testing.plan import Plan
from engines.testing.proposals.gaps import Open
from engines.testing.proposals.reading import ProposedTest
from engines.testing.stability import SETTINGS
from engines.testing.suite import Test
from engines.testing.types import Dropped

_HANG_ORDERS, _HANG_CPU_S = 3.0, 1.0
"""How much longer than expected a run may take before a test in it counts as hanging."""
_NOTHING = Gain(frozenset(), frozenset())
_DISTURBS = "ends the process, cannot be imported, or makes other tests fail"
_OUT_OF_TIME = "no CPU time was left to check it"
_ADDS_NOTHING = "reaches nothing that the other tests do not"


@dataclass
class Gate:
    """Runs proposed tests in the file that they are for. `kept` are those that passed so far."""

    measurement: Measurement
    plan: Plan
    emission: Emission
    tests: Sequence[Test]
    seed: int
    path: str
    later_s: float = 0.0
    """CPU seconds that what comes after needs."""
    kept: list[ProposedTest] = field(default_factory=list[ProposedTest])
    dropped: list[Dropped] = field(default_factory=list[Dropped])
    measured: Measured | None = None
    """The run in which everything that is kept passed; None before there was one."""

    @property
    def last_s(self) -> float:
        """CPU seconds of the last check of the whole file, and of what comes after."""
        return self.plan.orders_s + self.later_s

    @property
    def needed_s(self) -> float:
        """CPU seconds to check one round of proposals, the last check among them."""
        return self.plan.orders_s + self.plan.covered_s + self.last_s

    def judge(self, found: Sequence[ProposedTest], is_open: Open) -> None:
        """Keep the tests that pass everywhere and reach something of what is open."""
        held = self._holding(self._placed(found))
        while held:
            run = self._covered(held)
            failed = _names(run.left_out | run.run.failed) if run else set[str]()
            bad = [one for one in held if one.name in failed]
            if run is None or (failed and not bad):
                self._drop(held, _DISTURBS if run else _OUT_OF_TIME)
                return
            self._drop(bad, "does not pass every time")
            held = [one for one in held if one not in bad]
            gains = {one.name: run.gains.get(one.name, _NOTHING) for one in held}
            good = [one for one in held if is_open.is_reached_by(gains[one.name])]
            idle = [one for one in held if one not in good]
            self._drop(idle, _ADDS_NOTHING)
            if not bad and all(gains[one.name] == _NOTHING for one in idle):
                self.kept += good
                self.measured = run if good else self.measured
                return
            held = good  # what is left out had a part in the coverage

    def last_run(self) -> Run | None:
        """The file as it is in fresh processes once more; what fails there is left out.

        None where nothing is kept.
        """
        while self.kept:
            run = self._shuffled(self.kept, SETTINGS[2], (0, self.seed + 1), self.later_s)
            failed = _names(run.failed) if run else set[str]()
            if run and not failed and run.cases:
                return run
            bad = [one for one in self.kept if one.name in failed]
            self._drop(bad or self.kept, "does not pass every time" if bad else _DISTURBS)
            self.kept = [one for one in self.kept if one not in bad] if bad else []
            measured = self._covered([]) if self.kept else None
            if measured is None or measured.left_out or measured.run.failed:
                self._drop(self.kept, _OUT_OF_TIME)
                self.kept = []
            self.measured = measured
        return None

    def written(self, more: Sequence[ProposedTest] = ()) -> Emission:
        """The file with what is kept, and more."""
        further = [*self.kept, *more]
        return self.emission.with_more(further, dict(pair for one in further for pair in one.names))

    def _text(self, more: Sequence[ProposedTest]) -> str:
        return self.written(more).text(self.tests)

    def _placed(self, found: Sequence[ProposedTest]) -> list[ProposedTest]:
        """The tests with what they import in the head of the file, or inside of them where the name
        means something else there.
        """
        claimed = {name: identity for one in self.kept for identity, name in one.names}
        known = self.emission.names
        return [_placed(one, known, claimed) for one in found]

    def _holding(self, found: list[ProposedTest]) -> list[ProposedTest]:
        """Those that pass in shuffled orders, beside the other tests and without harm to them."""
        held: list[ProposedTest] = []
        waiting = [found] if found else []
        while waiting:
            some = waiting.pop(0)
            if self.plan.budget.left_s < self.needed_s:
                self._drop(some, _OUT_OF_TIME)
                continue
            seeds = (BACKWARDS, self.seed + 1)  # what harms others runs before them once
            keeping_s = self.plan.covered_s + self.last_s
            run = self._shuffled([*held, *some], SETTINGS[1], seeds, keeping_s)
            told = _told(run)
            bad = [one for one in some if told.get(one.name, NO_TIME) != NO_TIME]
            for one in bad:
                self._drop([one], f"fails: {told[one.name]}")
            left = [one for one in some if one not in bad]
            is_clean = run is not None and not set(told) - {one.name for one in bad}
            if is_clean and run and _names(run.cases) >= {one.name for one in left}:
                held += left
            elif bad or len(some) > 1:
                middle = len(left) if bad else len(left) // 2
                waiting[:0] = [half for half in (left[:middle], left[middle:]) if half]
            else:
                self._drop(some, _DISTURBS)
        return held

    def _shuffled(
        self, more: Sequence[ProposedTest], env: Mapping[str, str], seeds: tuple[int, ...],
        keeping_s: float,
    ) -> Run | None:  # fmt: skip
        """All runs as one, where a failure anywhere counts; None where they were lost."""
        most_s = _HANG_ORDERS * self.plan.orders_s + _HANG_CPU_S
        keeping_s = max(keeping_s, self.plan.budget.left_s - most_s)
        text = self._text([one for one in more if one not in self.kept])
        try:
            runs = self.measurement.shuffled(self.path, text, env, seeds, keeping_s=keeping_s)
        except Lost:
            return None
        cases = dict(runs[0].cases) if runs else {}
        for run in runs[1:]:
            if not run.cases:
                return None
            cases |= {key: one for key, one in run.cases.items() if one[0] != "passed"}
        return Run(runs[0].code, cases) if cases else None

    def _covered(self, more: Sequence[ProposedTest]) -> Measured | None:
        """The file in its own order under coverage; None where that was lost or not affordable."""
        if self.plan.budget.left_s < self.plan.covered_s:
            return None
        names = tuple(one.name for one in more)
        try:
            run = self.measurement.apart(
                self.path, self._text(more), SETTINGS[0], names, self.last_s
            )
        except Lost:
            return None
        return run if run.run.cases else None

    def _drop(self, tests: Iterable[ProposedTest], why: str) -> None:
        self.dropped += [Dropped(one.name, why) for one in tests]


def _placed(test: ProposedTest, known: Mapping[str, str], claimed: dict[str, str]) -> ProposedTest:
    """The test with its imports; `claimed` are the names that other proposed tests have added."""
    names: list[tuple[str, str]] = []
    inside: list[str] = []
    for one in test.needed:
        identity = f"{one.module}:{one.member}"
        is_plain = one.name == (one.member or one.module) and "." not in one.name
        is_free = one.name not in known and one.name not in STANDARD_NAMES
        if known.get(one.name) == identity or identity == "pytest:" or _is_standard(one, known):
            continue
        if is_plain and is_free and claimed.setdefault(one.name, identity) == identity:
            names.append((identity, one.name))
        else:
            inside.append(_statement(one))
    return replace(test, names=tuple(names), inside=tuple(inside))


def _is_standard(one: Needed, known: Mapping[str, str]) -> bool:
    """Whether the head of any file imports it by itself."""
    if one.name in known or one.name not in STANDARD_NAMES:
        return False
    if not one.member:
        return one.name == one.module
    return STANDARD_MEMBERS.get(one.name) == one.module and one.name == one.member


def _statement(one: Needed) -> str:
    source, name = (
        (f"from {one.module} import ", one.member) if one.member else ("import ", one.module)
    )
    return f"{source}{name}" + (f" as {one.name}" if one.name != name else "")


def _told(run: Run | None) -> dict[str, str]:
    """What the report says of what did not pass, by the test's name."""
    if run is None:
        return {}
    return {
        _name(key): _reason(report)
        for key, (outcome, report) in run.cases.items()
        if outcome != "passed"
    }


def _reason(report: str) -> str:
    """The line of a report that says what went wrong, else its last."""
    if "_OutOfTime" in report:
        return "it takes too long"
    lines = [one.strip() for one in report.splitlines() if one.strip()] or ["it did not pass"]
    said = [one.removeprefix("E ").strip() for one in lines if one.startswith("E ")]
    plain = [one for one in said if not one.startswith("+")]
    return [*plain, *said, lines[-1]][0]


def _names(keys: Iterable[str]) -> set[str]:
    return {_name(key) for key in keys}


def _name(key: str) -> str:
    """The name of the function that a case is of."""
    return key.rpartition("::")[2].partition("[")[0]
