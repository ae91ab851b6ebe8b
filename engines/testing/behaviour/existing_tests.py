"""Runs the repository's own tests of what changed on both sides: those of the head."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from engines.sandbox.conversation import Ended, Garbled
from engines.sandbox.sandbox import Sandbox
from engines.source.files import Unreadable, read_source
from engines.source.module import SyntaxProblem, parse_module
from engines.testing.behaviour.changed_files import is_test_file, test_files
from engines.testing.behaviour.file_comparison import Versions
from engines.testing.behaviour.types import NotCompared, TestChange
from engines.testing.budget import Budget
from engines.testing.facts import BadFact, Fact, fact, items, number, optional_text, seconds, text
from engines.testing.jailed import command
from engines.testing.places import Place
from engines.testing.stability import SETTINGS
from engines.watch import Watch

_FILE_LIMIT = 12
_REPORTED_LIMIT = 50
_SHARE = 0.14
_LEAST_CPU_S = 1.0
_TICK_S = 0.25
_TEST_FOLDERS = frozenset({"test", "tests"})
_SKIPPED = frozenset({".git", ".venv", "venv", "node_modules", "__pycache__", ".pytest_cache"})
_COPIED = frozenset({".py", ".ini", ".toml", ".cfg"})
_PASSED, _SKIPPED_TEST = "passed", "skipped"


@dataclass
class Outcomes:
    """What one run of tests told. `cases` maps a test to its outcome and why it failed."""

    cases: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    lines: dict[str, frozenset[int]] = field(default_factory=dict[str, frozenset[int]])
    """The lines that were run, by the path of the changed file."""
    is_whole: bool = False

    def failure(self, test: str) -> str | None:
        """Why a test fails, "" where it passes; None where nothing is known of it.

        A test in a file that does not collect fails for the file's reason.
        """
        outcome, reason = self.cases.get(test) or self.cases.get(test.partition("::")[0], ("", ""))
        if outcome in {"", _SKIPPED_TEST}:
            return None
        return "" if outcome == _PASSED else reason or "fails"


@dataclass
class TestsResult:
    """How the tests of a change differ, and what they ran of it on the head."""

    __test__ = False

    changes: tuple[TestChange, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()
    lines: dict[str, frozenset[int]] = field(default_factory=dict[str, frozenset[int]])
    files: tuple[str, ...] = ()


class ExistingTests:
    """The test files of one change. `places` are those of the changed files, base and head."""

    __test__ = False

    def __init__(
        self, sandbox: Sandbox, places: Sequence[tuple[Place, Place]], budget: Budget, watch: Watch
    ) -> None:
        self._sandbox = sandbox
        self._base = [one for one, _ in places]
        self._head = [one for _, one in places]
        self._budget = budget
        self._watch = watch
        self._limit_s = max(_LEAST_CPU_S, _SHARE * budget.cpu_s)

    def result(self, versions: Sequence[Versions]) -> TestsResult:
        """Run them; nothing where the repository has none, or the person cancels."""
        files = list(_relevant(self._head, versions))[:_FILE_LIMIT]
        if not files:
            return TestsResult()
        head = self._run(self._head, files, SETTINGS[0], is_covered=True)
        base = self._run(self._base, files, SETTINGS[0])
        differing = list(_differing(base, head))
        if differing:
            again = [one for one in differing if "::" in one]
            others = [self._run(side, again, SETTINGS[1]) for side in (self._base, self._head)]
            differing = [one for one in differing if _holds(one, (base, head), others)]
        changes = tuple(_change(one, base, head) for one in differing[:_REPORTED_LIMIT])
        left_out = tuple(self._left_out(files, base, head))
        return TestsResult(changes, left_out, head.lines, tuple(files))

    def _left_out(
        self, files: Sequence[str], base: Outcomes, head: Outcomes
    ) -> Iterator[NotCompared]:
        name = ", ".join(files)
        if not (base.is_whole and head.is_whole):
            yield NotCompared(name, f"the tests did not end within {self._limit_s:.0f} CPU s")
        both = [one for one in head.cases if head.failure(one) and base.failure(one)]
        if both:
            reason = head.failure(both[0])
            yield NotCompared(name, f"{len(both)} tests fail on both sides, the first: {reason}")

    def _run(
        self, side: Sequence[Place], tests: Sequence[str], env: Mapping[str, str],
        *, is_covered: bool = False,
    ) -> Outcomes:  # fmt: skip
        root = side[0].root
        with TemporaryDirectory(prefix="gryph-tests-") as name:
            work = Path(name)
            folder = work / "checkout"
            _lay_out(root, self._head[0].root, folder, tests)
            paths = dict.fromkeys(path for place in side for path in place.paths)
            request: Fact = {
                "folder": str(folder),
                "paths": [*(str(folder / one.relative_to(root)) for one in paths),
                          *map(str, side[0].packages)],
                "arguments": [*tests, "-q", "-p", "no:cacheprovider", "--no-header", "--tb=short",
                              "-o", "addopts=", "--rootdir", "."],
                "covered": [str(one.file) for one in side] if is_covered else [],
            }  # fmt: skip
            env = {**env, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
            outcomes = Outcomes()
            self._converse(command("existing_tests", side[0], work, env, self._limit_s),
                           request, outcomes)  # fmt: skip
            outcomes.lines = {
                one.path: outcomes.lines.get(str(one.file), frozenset()) for one in side
            }
            return outcomes

    def _converse(self, start: object, request: Fact, outcomes: Outcomes) -> None:
        account = self._budget.account()
        with self._sandbox.open(start) as talk:  # pyright: ignore[reportArgumentType] -- a Command
            try:
                talk.send(request)
                while not outcomes.is_whole and not self._watch.stop_requested():
                    try:
                        message = fact(talk.receive(_TICK_S))
                    except TimeoutError:
                        continue
                    account.reported(seconds(message.get("cpu_s")))
                    _note(message, outcomes)
            except (Ended, Garbled, BadFact):
                account.reported(self._limit_s)


def _note(message: Fact, outcomes: Outcomes) -> None:
    if "lines" in message:
        outcomes.lines = {
            file: frozenset(number(one) for one in items(lines))
            for file, lines in fact(message["lines"]).items()
        }
        outcomes.is_whole = True
        return
    reason = optional_text(message.get("message")) or ""
    outcomes.cases[text(message.get("test"))] = (text(message.get("outcome")), reason)


def _differing(base: Outcomes, head: Outcomes) -> Iterator[str]:
    for test in {**head.cases, **base.cases}:
        before, after = base.failure(test), head.failure(test)
        if before is not None and after is not None and bool(before) != bool(after):
            yield test


def _holds(test: str, first: tuple[Outcomes, Outcomes], again: Sequence[Outcomes]) -> bool:
    """Whether a second run of both sides says the same."""
    return all(
        bool(old.failure(test)) == bool(new.failure(test)) and new.failure(test) is not None
        for old, new in zip(first, again, strict=True)
    )


def _change(test: str, base: Outcomes, head: Outcomes) -> TestChange:
    failure = head.failure(test) or ""
    return TestChange(test, passes=not failure, message=failure or base.failure(test) or "")


def _relevant(places: Sequence[Place], versions: Sequence[Versions]) -> Iterator[str]:
    """The head's test files that import a changed module; those that name it first."""
    root = places[0].root
    second: list[str] = []
    for path in test_files(root):
        try:
            module = parse_module(read_source(root, path).text, path)
        except (Unreadable, SyntaxProblem):
            continue
        names = [one.lstrip(".") for one in module.imports]
        if any(place.module in names for place in places):
            yield path
        elif any(
            _mentions(module.text, names, *pair) for pair in zip(places, versions, strict=True)
        ):
            second.append(path)
    yield from second


def _mentions(source: str, names: Sequence[str], place: Place, versions: Versions) -> bool:
    """Whether a test imports the package and says the module's name or that of a changed symbol."""
    package, _, stem = place.module.rpartition(".")
    if not package or not any(one == package or package.startswith(f"{one}.") for one in names):
        return False
    changed = {one.rpartition(".")[2] for one in versions.changes.symbols if one}
    return stem in source or any(one in source for one in changed)


def _lay_out(side: Path, head: Path, folder: Path, tests: Sequence[str]) -> None:
    """One side's checkout made of links, with the head's test files really at their places."""
    inner = {PurePosixPath(one.partition("::")[0]).parts for one in tests}
    _merge(side, head, folder, {one[:-1] for one in inner})


def _merge(side: Path, head: Path, folder: Path, inner: set[tuple[str, ...]]) -> None:
    """`inner` are the folders below this one that hold tests."""
    folder.mkdir(parents=True)
    names = {one.name for one in (*_entries(side), *_entries(head))}
    for name in sorted(names - _SKIPPED):
        below = {one[1:] for one in inner if one[:1] == (name,)}
        source = head / name if is_test_file(name) or name in _TEST_FOLDERS else side / name
        if name in _TEST_FOLDERS and source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns(*_SKIPPED))
        elif below and source.is_dir():
            _merge(side / name, head / name, folder / name, below)
        elif source.is_file() and source.suffix in _COPIED and _is_copied(name):
            shutil.copyfile(source, folder / name)
        elif source.exists():
            (folder / name).symlink_to(source)


def _is_copied(name: str) -> bool:
    """What pytest looks up by its real place: tests and settings; modules stay links."""
    return is_test_file(name) or not name.endswith(".py")


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []
