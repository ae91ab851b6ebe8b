"""Runs test files in fresh sandboxed processes and counts what they cover of the target."""

import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from engines.sandbox.sandbox import Sandbox
from engines.testing.facts import Fact, fact, items, number, text
from engines.testing.jailed import Lost, answer, command
from engines.testing.places import Place
from engines.testing.types import Coverage

_CPU_LIMIT_S = 120.0
_ENTRY_LIMIT = 4_000
_SKIPPED = frozenset({".git", ".venv", "venv", "node_modules", "__pycache__", ".pytest_cache"})


@dataclass(frozen=True)
class Measured:
    """One run. `cases` maps a test's id to its outcome and, if it failed, the end of its report."""

    cases: dict[str, tuple[str, str]]
    coverage: Coverage
    missing_lines: frozenset[int]
    """Statements not executed."""
    code: int

    @property
    def passed(self) -> int:
        """How many tests passed."""
        return sum(1 for outcome, _ in self.cases.values() if outcome == "passed")


@dataclass(frozen=True)
class Measurement:
    """How test files of one target are run."""

    sandbox: Sandbox
    place: Place

    def before(self) -> Measured:
        """With nothing but the import of the module.

        Raises:
            Lost: the run did not come to its end.
        """
        return self._measure("", "", 0, {}, is_plain=True)

    def after(
        self, test_path: str, source: str, *, seed: int, env: dict[str, str], is_plain: bool
    ) -> Measured:
        """With a test file at its place; `seed` shuffles, 0 keeps the order.

        `is_plain` runs it as the repository would, with its settings and conftest files; else
        with none of them.

        Raises:
            Lost: the run did not come to its end.
        """
        return self._measure(test_path, source, seed, env, is_plain=is_plain)

    def _measure(
        self, test_path: str, source: str, seed: int, env: dict[str, str], *, is_plain: bool
    ) -> Measured:
        with TemporaryDirectory(prefix="gryph-measure-") as name:
            work = Path(name)
            folder = mirrored(self.place.root, work / "checkout", test_path, source)
            arguments = [test_path, "-q", "-p", "no:cacheprovider", "--no-header", "--tb=short"]
            if not is_plain:
                (work / "empty.ini").write_text("[pytest]\n")
                env = {**env, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
                arguments += ["--noconftest", "-c", str(work / "empty.ini"), "--rootdir", "."]
            request: Fact = {
                "folder": str(folder),
                "target": str(self.place.file),
                "module": self.place.module,
                "paths": [] if test_path and is_plain else [str(one) for one in self.place.paths],
                "arguments": arguments if test_path else [],
                "seed": seed,
            }
            start = command("measure", self.place, work, env, _CPU_LIMIT_S)
            with self.sandbox.open(start) as talk:
                return _measured(answer(talk, request, lambda: False))


def _measured(reply: Fact) -> Measured:
    cases = {
        key: (text(items(one)[0]), text(items(one)[1]))
        for key, one in fact(reply.get("cases")).items()
    }
    counts = fact(reply.get("coverage"))
    summary = fact(counts.get("summary", {}))
    coverage = Coverage(
        lines_covered=number(summary.get("covered_lines")),
        lines=number(summary.get("num_statements")),
        branches_covered=number(summary.get("covered_branches")),
        branches=number(summary.get("num_branches")),
    )
    missing = frozenset(number(one) for one in items(counts.get("missing_lines")))
    return Measured(cases, coverage, missing, number(reply.get("code")))


def mirrored(root: Path, folder: Path, test_path: str, source: str) -> Path:
    """A copy of the checkout made of links, in which the test file really is at its place."""
    folder.mkdir()
    wanted = PurePosixPath(test_path or "-").parts
    _mirror(root, folder, wanted[:-1])
    if test_path:
        target = folder / test_path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source, encoding="utf-8", errors="surrogatepass")
    return folder


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
