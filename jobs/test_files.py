"""Tests for one file, or for those of a folder that have most to test, one after the other."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from engines.sandbox.environments.types import Declared, Environment
from engines.source.files import Unreadable, read_source
from engines.source.module import SyntaxProblem, parse_module
from engines.testing.javascript.project import SUFFIXES as JAVASCRIPT
from engines.testing.languages import writer_for
from engines.testing.types import (
    CannotTest,
    MissingPackage,
    Style,
    TestingRequest,
    TestingResult,
)
from engines.watch import Stopped, Watch
from jobs.desk import Altered, Desk, NewArtifact
from jobs.proposing import ModelProposer
from jobs.requests import TestCode
from jobs.tests_told import NotWritten, Written
from storage.blobs import blob_id

LEAST_CPU_S = 2.0
"""What a file is given at least: with less its tests would not be worth reading."""
MOST_FILES = 2_000
"""Of a folder that are looked at."""
SUFFIXES = (".py", ".java", *JAVASCRIPT)
_FOREIGN = frozenset({"node_modules", "site-packages", "__pycache__", "venv", "build", "dist"})
_TESTS = frozenset({"tests", "test", "__tests__"})
_SETTINGS = frozenset({"conftest.py", "setup.py", "noxfile.py", "__main__.py"})
_LATER = "there was no time left for it: ask for it alone, or give more `budget`"
_TAKEN = "its tests belong into `{}` too: ask for it alone, once those are there"


def _nothing() -> Environment:
    return Environment(Declared(""), (), (), "")


@dataclass(frozen=True)
class Ground:
    """The checkout, the packages that it depends on, and who may be asked for tests."""

    root: Path
    environment: Environment = field(default_factory=_nothing)
    proposer: ModelProposer | None = None
    """Asked for tests of what is left; one for all files of a job."""


@dataclass(frozen=True)
class Part:
    """One file's share of a job."""

    path: str
    cpu_s: float
    watch: Watch


@dataclass(frozen=True)
class PartWatch:
    """What an engine sees of the job's watch while it works on one of many files."""

    watch: Watch
    place: int
    count: int

    def report(self, text: str, done: float | None = None) -> None:
        """See `engines.watch.Watch`."""
        of_all = None if done is None else (self.place + done) / self.count
        self.watch.report(f"file {self.place + 1} of {self.count}: {text}", of_all)

    def draft(self, text: str) -> None:
        """See `engines.watch.Watch`."""
        self.watch.draft(text)

    def phase(self, name: str) -> None:
        """See `engines.watch.Watch`."""
        self.watch.phase(name)

    def stop_requested(self) -> bool:
        """See `engines.watch.Watch`."""
        return self.watch.stop_requested()


def tests_of_file(request: TestCode, ground: Ground, desk: Desk, part: Part) -> Written:
    """Write and keep them.

    Raises:
        CannotTest: The file is none that tests can be written for; the message says why.
        Stopped: The job was cancelled before there were any.
    """
    return _kept(part.path, _result(request, ground, desk, part), desk)


def _result(request: TestCode, ground: Ground, desk: Desk, part: Part) -> TestingResult:
    asked = TestingRequest(
        root=ground.root,
        path=part.path,
        symbol=request.symbol,
        lines=request.lines,
        style=Style(request.style),
        cpu_s=part.cpu_s,
        seed=request.seed,
        properties=request.properties,
        extends=True,
        packages=ground.environment.paths,
        proposer=ground.proposer,
    )
    try:
        return writer_for(part.path)(asked, desk.sandbox(), part.watch)
    except MissingPackage as missing:
        remedy = ground.environment.remedy(missing.module)
        raise missing.with_remedy(remedy) from missing


def _kept(path: str, result: TestingResult, desk: Desk) -> Written:
    """Keep the file that Apply writes; a file of its own where the existing one holds secrets."""
    try:
        return Written(path, result, desk.keep(_artifact(result)))
    except Altered:
        assert result.extends is not None
        note = f"`{result.test_path}` holds what looks like a secret, which I keep no copy of"
        result = replace(
            result,
            test_path=result.extends.standalone_path,
            source=result.extends.standalone,
            extends=None,
            notes=(*result.notes, f"The tests are in a file of their own: {note}."),
        )
        return Written(path, result, desk.keep(_artifact(result)))


def _artifact(result: TestingResult) -> NewArtifact:
    return NewArtifact(
        name=result.test_path.rpartition("/")[2],
        media_type="text/x-python" if result.test_path.endswith(".py") else "text/plain",
        content=result.source.encode(),
        apply_to=result.test_path,
        replaces=blob_id(result.extends.before.encode()) if result.extends else None,
    )


def tests_of_folder(
    request: TestCode, ground: Ground, desk: Desk
) -> tuple[list[Written], list[NotWritten]]:
    """Share the budget out; what a cancel or its end cuts off is kept until there."""
    paths = by_use(ground.root, request.path, request.ignore)
    written: list[Written] = []
    left_out: list[NotWritten] = []
    left_s = request.cpu_s
    for place, path in enumerate(paths):
        if desk.watch.stop_requested() or left_s < LEAST_CPU_S:
            left_out += [NotWritten(later, _LATER) for later in paths[place:]]
            break
        share_s = max(LEAST_CPU_S, left_s / (len(paths) - place))
        watch = PartWatch(desk.watch, place, len(paths))
        try:
            result = _result(request, ground, desk, Part(path, share_s, watch))
        except CannotTest as reason:
            left_out.append(NotWritten(path, str(reason)))
            left_s -= LEAST_CPU_S / 2
        except Stopped:
            left_out.append(NotWritten(path, _LATER))
        else:
            left_s -= result.cpu_s
            if any(result.test_path == each.result.test_path for each in written):
                left_out.append(NotWritten(path, _TAKEN.format(result.test_path)))
            else:
                written.append(_kept(path, result, desk))
    return written, left_out


def by_use(root: Path, folder: str, ignore: tuple[str, ...]) -> list[str]:
    """The files of a folder that tests can be written for: those that nothing tests yet first,
    and of these the ones that define most.
    """
    tested = {file.stem for file in _files(root) if _is_test(file.relative_to(root))}
    found: list[tuple[bool, int, str]] = []
    for file in _files(root / folder):
        path = file.relative_to(root).as_posix()
        if _is_test(Path(path)) or any(fnmatchcase(path, pattern) for pattern in ignore):
            continue
        size = _defined(root, path)
        if size:
            is_tested = not tested.isdisjoint({f"test_{file.stem}", f"{file.stem}_test"})
            found.append((is_tested, -size, path))
    return [path for _, _, path in sorted(found)]


def _files(folder: Path) -> Iterator[Path]:
    waiting, count = [folder], 0
    while waiting and count < MOST_FILES:
        for entry in sorted(waiting.pop().iterdir()):
            if entry.name.startswith(".") or entry.is_symlink() or entry.name in _FOREIGN:
                continue
            if entry.is_dir():
                waiting.append(entry)
            elif entry.suffix in SUFFIXES:
                count += 1
                yield entry


def _is_test(path: Path) -> bool:
    name, stem = path.name, path.stem
    is_named = name.startswith("test_") or stem.endswith(("_test", ".test", ".spec"))
    return is_named or name in _SETTINGS or not _TESTS.isdisjoint(path.parts[:-1])


def _defined(root: Path, path: str) -> int:
    """How many lines of functions there are to test, roughly; none in what cannot be read."""
    if not path.endswith(".py"):
        return (root / path).read_bytes().count(b"\n")
    try:
        module = parse_module(read_source(root, path).text, path)
    except (Unreadable, SyntaxProblem):
        return 0
    return sum(each.last_line - each.first_line + 1 for each in module.all_functions())
