"""Runs test files in fresh sandboxed processes and counts what they cover of the target."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from engines.sandbox.sandbox import Sandbox
from engines.testing.budget import Budget
from engines.testing.facts import Fact, fact, items, number, seconds, text
from engines.testing.jailed import Lost, answer, command, understood
from engines.testing.places import Place
from engines.testing.types import Coverage

_CPU_LIMIT_S = 120.0
_LEAST_CPU_S = 0.5
"""What a run of tests may take even if the budget is used up by then."""
_PASSABLE = 0o755
_SIGNS_OF_A_PLUGIN = ("fixture '", "async def functions are not natively supported")
_ALL_PASSED, _SOME_FAILED = 0, 1
"""Exit codes of pytest."""
_ENTRY_LIMIT = 4_000
_SKIPPED = frozenset({".git", ".venv", "venv", "node_modules", "__pycache__", ".pytest_cache"})


@dataclass(frozen=True)
class Run:
    """One run of a test file: how pytest ended, and how every test did."""

    code: int
    cases: Mapping[str, tuple[str, str]]
    """A test's id to its outcome and, if it failed, the end of its report."""

    @property
    def passed(self) -> int:
        """How many tests passed."""
        return sum(1 for outcome, _ in self.cases.values() if outcome == "passed")

    @property
    def failed(self) -> frozenset[str]:
        """The ids of those that did not."""
        return frozenset(key for key, (outcome, _) in self.cases.items() if outcome != "passed")

    @property
    def wants_plugins(self) -> bool:
        """Whether a failed test misses what an installed plugin may bring."""
        reports = (report for _, report in self.cases.values())
        return any(sign in report for report in reports for sign in _SIGNS_OF_A_PLUGIN)

    @property
    def is_whole(self) -> bool:
        """Whether tests were run at all, and pytest has nothing to say but how they did."""
        return bool(self.cases) and self.code in {_ALL_PASSED, _SOME_FAILED}


@dataclass(frozen=True)
class Gain:
    """What a test reaches of the target beyond those that ran before it."""

    lines: frozenset[int]
    branches: frozenset[int]
    """Lines that were left another way."""


@dataclass(frozen=True)
class Measured:
    """A run under coverage, and what a bare import of the target covers."""

    run: Run
    before: Coverage
    coverage: Coverage
    missing_lines: frozenset[int]
    """Statements not executed."""
    half_taken: frozenset[int]
    """Lines that were left only to some of the places where they can lead."""
    left_out: frozenset[str] = frozenset()
    """The ids of tests that failed, so that the others were run without them."""
    gains: Mapping[str, Gain] = field(default_factory=dict[str, Gain])
    """By the names of the tests that were to be told apart."""


@dataclass(frozen=True)
class _Wish:
    """How one process runs a test file: `seeds` shuffle, one run each; 0 keeps the order, and
    `BACKWARDS` reverses it.
    """

    env: Mapping[str, str]
    seeds: tuple[int, ...] = (0,)
    is_plain: bool = True
    """As the repository runs tests, with its settings and conftest files."""
    has_plugins: bool = False
    is_covered: bool = False
    again: bool = False
    """Once more without the tests that failed."""
    keeping_s: float | None = None
    apart: tuple[str, ...] = ()
    """Names of tests whose own part in the coverage is told."""


@dataclass(frozen=True)
class Measurement:
    """How test files of one target are run; every process is charged to the budget."""

    sandbox: Sandbox
    place: Place
    budget: Budget

    def first(
        self, test_path: str, source: str, env: Mapping[str, str],
        *, again: bool = False, keeping_s: float | None = None,
    ) -> Measured:  # fmt: skip
        """Run the file at its place, in its own order, as the repository would; with coverage.

        Plugins that happen to be installed are loaded only where the tests do not run without,
        and the repository's settings are left out where pytest does not run with them. With
        `again` tests that fail are left out and the others run once more. Where so much of the
        budget has to be left, what is not run until then counts as failed.

        Raises:
            Lost: the run did not come to its end.
        """
        return self._best(test_path, source, _Wish(env, again=again, keeping_s=keeping_s))

    def apart(
        self, test_path: str, source: str, env: Mapping[str, str], names: tuple[str, ...],
        keeping_s: float,
    ) -> Measured:  # fmt: skip
        """As `first`, without those that fail, and told what each of the named tests adds to the
        coverage of those before it.

        Raises:
            Lost: the run did not come to its end.
        """
        wish = _Wish(env, again=True, keeping_s=keeping_s, apart=names)
        return self._best(test_path, source, wish)

    def _best(self, test_path: str, source: str, wish: _Wish) -> Measured:
        """Under coverage: as wished, else with plugins, else without the repository's settings."""
        wish, keeping_s = replace(wish, is_covered=True), wish.keeping_s
        spent_s = self.budget.spent_s
        found = self._measured(test_path, source, wish)
        needed_s = self.budget.spent_s - spent_s
        for one in (replace(wish, has_plugins=True), replace(wish, is_plain=False)):
            is_good = found.run.is_whole and not found.run.wants_plugins
            if is_good or self._allowed_s(keeping_s) < needed_s:
                break
            other = self._measured(test_path, source, one)
            found = max(found, other, key=lambda item: (item.run.is_whole, item.run.passed))
        return found

    def shuffled(
        self, test_path: str, source: str, env: Mapping[str, str], seeds: tuple[int, ...],
        *, again: bool = False, keeping_s: float | None = None,
    ) -> list[Run]:  # fmt: skip
        """Run the file in other orders, each from what its import left, without the repository's
        settings. `again` and `keeping_s` are as above; the further run comes last.

        Raises:
            Lost: a run did not come to its end.
        """
        with understood():
            wish = _Wish(env, seeds, is_plain=False, again=again, keeping_s=keeping_s)
            return _runs(self._reply(test_path, source, wish))

    def _measured(self, test_path: str, source: str, wish: _Wish) -> Measured:
        with understood():
            reply = self._reply(test_path, source, wish)
            runs, run = _runs(reply), fact(items(reply.get("runs"))[-1])
            counts = fact(run.get("coverage", {}))
            missing = frozenset(number(one) for one in items(counts.get("missing_lines")))
            branches = [items(one) for one in items(counts.get("missing_branches"))]
            half = frozenset(number(one[0]) for one in branches)
            before = _coverage(fact(run.get("before", {})))
            left_out = runs[0].failed if len(runs) > 1 else frozenset[str]()
            gains = {key: _gain(fact(one)) for key, one in fact(run.get("gains", {})).items()}
            return Measured(runs[-1], before, _coverage(counts), missing, half, left_out, gains)

    def _allowed_s(self, keeping_s: float | None) -> float:
        if keeping_s is None:
            return _CPU_LIMIT_S
        return max(_LEAST_CPU_S, self.budget.left_s - keeping_s)

    def _reply(self, test_path: str, source: str, wish: _Wish) -> Fact:
        """Run in a copy that cannot be written to, as a test must leave no files behind."""
        with TemporaryDirectory(prefix="gryph-measure-") as name:
            work, folder = Path(name, "work"), Path(name, "checkout")
            Path(name).chmod(_PASSABLE)
            work.mkdir()
            mirrored(self.place.root, folder, test_path, source)
            env = dict(wish.env)
            arguments = [test_path, "-q", "-p", "no:cacheprovider", "--no-header", "--tb=short"]
            if not wish.has_plugins:
                env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
            if not wish.is_plain:
                (work / "empty.ini").write_text("[pytest]\n")
                arguments += ["--noconftest", "-c", str(work / "empty.ini"), "--rootdir", "."]
            packages = [str(one) for one in self.place.packages]
            request: Fact = {
                "folder": str(folder),
                "target": str(self.place.file),
                "module": self.place.module,
                "paths": packages if wish.is_plain else self.place.import_paths,
                "arguments": arguments,
                "seeds": list(wish.seeds),
                "covered": wish.is_covered,
                "apart": list(wish.apart),
                "again": wish.again,
                "cpu_s": self._allowed_s(wish.keeping_s),
            }
            account = self.budget.account()
            hard_s = _CPU_LIMIT_S if wish.keeping_s is None else max(1.0, self.budget.left_s)
            start = command("measure", self.place, work, env, hard_s)
            start = replace(start, readable=(*start.readable, folder))
            with self.sandbox.open(start) as talk:
                reply = answer(talk, request, lambda: False)
                account.reported(seconds(reply.get("cpu_s")))
                return reply


def _runs(reply: Fact) -> list[Run]:
    runs = [fact(one) for one in items(reply.get("runs"))]
    return [Run(number(one.get("code", -1)), _cases(one)) for one in runs]


def _cases(run: Fact) -> dict[str, tuple[str, str]]:
    return {
        key: (text(items(one)[0]), text(items(one)[1]))
        for key, one in fact(run.get("cases", {})).items()
    }


def _gain(told: Fact) -> Gain:
    lines, branches = (items(told.get(key, [])) for key in ("lines", "branches"))
    return Gain(frozenset(map(number, lines)), frozenset(map(number, branches)))


def _coverage(counts: Fact) -> Coverage:
    summary = fact(counts.get("summary", {}))
    return Coverage(
        lines_covered=number(summary.get("covered_lines")),
        lines=number(summary.get("num_statements")),
        branches_covered=number(summary.get("covered_branches")),
        branches=number(summary.get("num_branches")),
    )


def mirrored(root: Path, folder: Path, test_path: str, source: str) -> None:
    """A copy of the checkout made of links, in which the test file really is at its place."""
    folder.mkdir()
    wanted = PurePosixPath(test_path or "-").parts
    _mirror(root, folder, wanted[:-1])
    if test_path:
        target = folder / test_path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source, encoding="utf-8", errors="surrogatepass")


def _mirror(source: Path, folder: Path, inner: tuple[str, ...]) -> None:
    """Link the entries of `source`; the folder that leads to the test file is mirrored itself."""
    if not source.is_dir():
        return
    for count, entry in enumerate(sorted(source.iterdir())):
        if count > _ENTRY_LIMIT:
            raise Lost(f"`{source.name}` has more than {_ENTRY_LIMIT} entries")
        if entry.name in _SKIPPED:
            continue
        if inner and entry.name == inner[0]:
            (folder / entry.name).mkdir()
            _mirror(entry, folder / entry.name, inner[1:])
        elif entry.name == "conftest.py" or entry.suffix in {".ini", ".toml", ".cfg"}:
            shutil.copyfile(entry, folder / entry.name)
        else:
            (folder / entry.name).symlink_to(entry)
