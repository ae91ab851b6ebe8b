"""What the repository uses: its test runner, how its modules are written, where its tests are."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from engines.testing.facts import BadFact, fact
from engines.testing.javascript.calls import is_name
from engines.testing.types import CannotTest

SUFFIXES = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
SKIPPED = frozenset({".git", "node_modules", "dist", "build", "coverage", ".venv", "venv", ".next"})
_TEST_FILE = re.compile(r"\.(test|spec)\.[cm]?[jt]sx?$")
_MODULE_SYNTAX = re.compile(r"^\s*(?:import\s*[\w$*{'\"]|export\s+[*{a-z])", re.MULTILINE)
_FILE_LIMIT = 4_000


class Runner(StrEnum):
    """Which test runner the repository's tests are written for."""

    JEST = "jest"
    VITEST = "vitest"
    NODE = "node:test"


@dataclass(frozen=True)
class Project:
    """One target file and the package it is in."""

    root: Path
    path: str
    text: str
    package: Path
    """The folder of the nearest package.json, else the checkout."""
    manifest: Mapping[str, object]
    runner: Runner
    is_module: bool
    """The target is an ES module."""
    uses_import: bool
    """Tests are written with `import`."""
    test_path: str

    @property
    def file(self) -> Path:
        """The target file on this machine."""
        return self.root / self.path

    @property
    def is_typed(self) -> bool:
        """Whether the target is TypeScript."""
        return bool(re.search(r"\.[cm]?tsx?$", self.path))

    @property
    def specifier(self) -> str:
        """How the test file names the target."""
        folder = PurePosixPath(self.test_path).parent
        relative = os.path.relpath(self.path, folder.as_posix())
        relative = relative if relative.startswith(".") else f"./{relative}"
        stem = re.sub(r"\.[cm]?[jt]sx?$", "", relative)
        if self.is_typed:
            return f"{stem}.js" if self._names_endings() else stem
        if self.is_module or self.path.endswith((".mjs", ".cjs")):
            return relative
        return stem

    def installed(self, name: str) -> Path | None:
        """The folder of a package in node_modules."""
        for folder in (self.package, self.root.resolve()):
            if (folder / "node_modules" / name / "package.json").is_file():
                return folder / "node_modules" / name
        return None

    def _names_endings(self) -> bool:
        return bool(re.search(r"from\s+['\"]\.{1,2}/[^'\"]+\.js['\"]", self.text))

    @property
    def stem(self) -> str:
        """A name for the module's one value: that of the file, or of the package for an index."""
        stem = PurePosixPath(self.path).name.split(".")[0]
        if stem in {"index", "main", "mod", "lib"}:
            named = self.manifest.get("name")
            stem = str(named).rpartition("/")[2] if named else self.package.name
        words = [word for word in re.split(r"[^A-Za-z0-9$]+", stem) if word]
        joined = "".join([*words[:1], *(word[:1].upper() + word[1:] for word in words[1:])])
        return joined if is_name(joined) else "subject"


def project_of(root: Path, path: str) -> Project:
    """Look at the checkout.

    Raises:
        CannotTest: the file cannot be read.
    """
    plain = PurePosixPath(path).as_posix()
    file = (root / plain).resolve()
    if not file.is_relative_to(root.resolve()) or not file.is_file():
        raise CannotTest(f"There is no file `{plain}` in this checkout.")
    if plain.endswith(".d.ts"):
        raise CannotTest(f"`{plain}` only declares types; there is nothing to run.")
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise CannotTest(f"`{plain}` is not UTF-8 text.") from None
    package, manifest = _package(root, file)
    tests = list(_tests(root))
    runner = _runner(manifest, tests)
    is_module = _is_module(plain, text, manifest)
    uses_import = _uses_import(tests, is_module=is_module)
    test_path = _test_path(root, plain, package, tests)
    return Project(root, plain, text, package, manifest, runner, is_module, uses_import, test_path)


def _package(root: Path, file: Path) -> tuple[Path, Mapping[str, object]]:
    for folder in file.parents:
        if (folder / "package.json").is_file():
            try:
                return folder, fact(json.loads((folder / "package.json").read_text()))
            except (ValueError, BadFact):
                return folder, {}
        if folder == root.resolve():
            break
    return root.resolve(), {}


def _tests(root: Path) -> Iterator[Path]:
    """Existing test files."""
    count = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(one for one in folders if one not in SKIPPED)
        for name in sorted(files):
            count += 1
            place = Path(folder, name)
            is_inside = place.parent.name in {"__tests__", "test", "tests", "spec"}
            if name.endswith(SUFFIXES) and (_TEST_FILE.search(name) or is_inside):
                yield place
        if count > _FILE_LIMIT:
            return


def _runner(manifest: Mapping[str, object], tests: list[Path]) -> Runner:
    used = " ".join(str(manifest.get(key, "")) for key in ("scripts", "devDependencies", "jest"))
    used += str(manifest.get("dependencies", ""))
    if "vitest" in used:
        return Runner.VITEST
    if "jest" in used:
        return Runner.JEST
    if "node --test" in used or any("node:test" in _head(one) for one in tests[:5]):
        return Runner.NODE
    return Runner.JEST


def _head(file: Path) -> str:
    return file.read_bytes()[:4000].decode("utf-8", "replace")


def _is_module(path: str, text: str, manifest: Mapping[str, object]) -> bool:
    if path.endswith((".mjs", ".mts", ".ts", ".tsx")):
        return True
    if path.endswith((".cjs", ".cts")):
        return False
    return manifest.get("type") == "module" or bool(_MODULE_SYNTAX.search(text))


def _uses_import(tests: list[Path], *, is_module: bool) -> bool:
    if is_module:
        return True
    heads = [_head(one) for one in tests[:10]]
    imports = sum(bool(re.search(r"^import\s", head, re.MULTILINE)) for head in heads)
    return imports > len(heads) / 2


def _test_path(root: Path, path: str, package: Path, tests: list[Path]) -> str:
    source = PurePosixPath(path)
    ending = source.suffix if source.suffix != ".cjs" else ".js"
    stem = source.name.split(".")[0]
    folder, infix = _convention(root, source, package, tests)
    for name in (f"{stem}.{infix}", f"{stem}.generated.{infix}"):
        if not (root / folder / f"{name}{ending}").exists():
            return (folder / f"{name}{ending}").as_posix()
    number = 2
    while (root / folder / f"{stem}.generated{number}.{infix}{ending}").exists():
        number += 1
    return (folder / f"{stem}.generated{number}.{infix}{ending}").as_posix()


def _convention(
    root: Path, source: PurePosixPath, package: Path, tests: list[Path]
) -> tuple[PurePosixPath, str]:
    """The folder new tests go to, and `test` or `spec`."""
    inside = PurePosixPath(package.relative_to(root.resolve()).as_posix())
    marked = [found[1] for one in tests if (found := _TEST_FILE.search(one.name))]
    infix = "spec" if marked.count("spec") > marked.count("test") else "test"
    beside = root / source.parent
    if any(one.parent == beside and _TEST_FILE.search(one.name) for one in tests):
        return source.parent, infix
    for folder in (source.parent / "__tests__", inside / "__tests__"):
        if (root / folder).is_dir():
            return folder, infix
    for name in ("test", "tests", "spec"):
        if (root / inside / name).is_dir():
            return inside / name, infix
    if any(one.parent.name == "__tests__" for one in tests):
        return source.parent / "__tests__", infix
    return inside / "__tests__", infix
