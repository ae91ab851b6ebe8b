"""The test file that a repository already has for a target, and how it is written."""

import ast
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path, PurePosixPath

from engines.source.module import SyntaxProblem, parse_module
from engines.testing.places import Place, TestPlace
from engines.testing.types import Style

_SIZE_LIMIT_BYTES = 1 << 19
_FILE_LIMIT = 2_000


class NotExtendable(Exception):
    """There is such a file, but new tests cannot go into it; the message says why, in Markdown."""


@dataclass(frozen=True)
class Existing:
    """A test file as it was read; `text` has the line ends of the file."""

    path: str
    text: str
    tree: ast.Module

    @property
    def style(self) -> Style:
        """How its tests are written: unittest only where nothing in it needs pytest."""
        has_cases = any(_is_test_case(one) for one in self.tree.body)
        has_functions = any(
            isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name.startswith("test")
            for one in self.tree.body
        )
        needs_pytest = "pytest" in set(_imported(self.tree))
        is_unittest = has_cases and not has_functions and not needs_pytest
        return Style.UNITTEST if is_unittest else Style.PYTEST

    @property
    def has_single_quotes(self) -> bool:
        """Whether most of its short strings stand in single quotes."""
        tokens = list(tokenize.generate_tokens(StringIO(self.text).readline))
        texts = [one.string for one in tokens if one.type == tokenize.STRING]
        single = sum(one.endswith("'") and not one.endswith("'''") for one in texts)
        double = sum(one.endswith('"') and not one.endswith('"""') for one in texts)
        return single > double


def existing_file(place: Place, test_place: TestPlace) -> Existing | None:
    """The target's test file: named after it, where tests are kept, and importing it.

    Raises:
        NotExtendable: there is one, but it cannot be read as Python in UTF-8.
    """
    names = _names(place)
    for path in _candidates(place, test_place, names):
        found = read_existing(place.root, path)
        if _mentions(found.tree, place):
            return found
    return None


def _names(place: Place) -> tuple[str, ...]:
    stem = place.module.rpartition(".")[2].strip("_") or "module"
    return f"test_{stem}.py", f"{stem}_test.py", f"test_{stem}_generated.py"


def _candidates(place: Place, test_place: TestPlace, names: tuple[str, ...]) -> Iterator[str]:
    """Paths of files with one of the names, nearest to where a new test file would go first."""
    package = PurePosixPath(place.path).parent
    folders = [PurePosixPath(test_place.path).parent, package, package / "tests", package / "test"]
    folders.append(PurePosixPath())
    for folder in dict.fromkeys(folders):
        for name in names:
            if (place.root / folder / name).is_file():
                yield (folder / name).as_posix()
    for top in ("tests", "test"):
        for name in names:
            yield from sorted(_below(place.root, top, name))


def _below(root: Path, top: str, name: str) -> Iterator[str]:
    for count, entry in enumerate((root / top).rglob("test*.py")):
        if count > _FILE_LIMIT:
            return
        if entry.name == name and not entry.is_symlink():
            yield entry.relative_to(root).as_posix()


def read_existing(root: Path, path: str) -> Existing:
    """The file.

    Raises:
        NotExtendable: it is none, too large, or no Python in UTF-8.
    """
    if not (root / path).is_file():
        raise NotExtendable(f"there is no file `{path}`")
    data = (root / path).read_bytes()
    if len(data) > _SIZE_LIMIT_BYTES:
        raise NotExtendable(f"`{path}` has more than {_SIZE_LIMIT_BYTES >> 10} KiB")
    try:
        text = data.decode()
        return Existing(path, text, parse_module(text, path).tree)
    except UnicodeDecodeError:
        raise NotExtendable(f"`{path}` is not UTF-8") from None
    except SyntaxProblem as problem:
        raise NotExtendable(str(problem).rstrip(".")) from problem


def _mentions(tree: ast.Module, place: Place) -> bool:
    """Whether it imports the target, or its name from one of the packages above it."""
    packages = {place.module}
    above = place.module
    while "." in above:
        above = above.rpartition(".")[0]
        packages.add(above)
    return bool(packages & set(_imported(tree)))


def _imported(tree: ast.Module) -> Iterator[str]:
    """Dotted names of the modules that are imported, and of the members taken from them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_test_case(node: ast.stmt) -> bool:
    return isinstance(node, ast.ClassDef) and any(
        ast.unparse(base).rpartition(".")[2].endswith("TestCase") for base in node.bases
    )
