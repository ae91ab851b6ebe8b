"""Code that the documents around a module show: README, the package's description, its tests."""

import ast
from collections.abc import Iterator
from pathlib import Path

from engines.testing.places import Place

_SIZE_LIMIT_BYTES = 200_000
_TEST_FILES = 3
_DOCUMENTS = ("README.md", "README.rst", "README.txt", "README", "docs/index.md", "docs/index.rst")


def documents_of(place: Place) -> Iterator[str]:
    """The texts of documents that may show the module in use, small ones only."""
    package = place.module.partition(".")[0]
    for name in _DOCUMENTS:
        yield from _text(place.root / name)
    plain = package.replace("_", "").lower()
    for folder in sorted(place.root.glob("*.dist-info")):
        named = folder.name.partition("-")[0].replace("_", "").lower()
        if named == plain or named == f"python{plain}":
            yield from _text(folder / "METADATA")


def tests_of(place: Place) -> Iterator[ast.stmt]:
    """The statements in the bodies of tests that are named after the module."""
    stem = place.module.rpartition(".")[2].strip("_")
    found: list[Path] = []
    for folder in ("tests", "test", f"{place.module.partition('.')[0]}/tests"):
        found.extend(sorted((place.root / folder).glob(f"**/test_{stem}*.py")))
    for file in found[:_TEST_FILES]:
        for text in _text(file):
            yield from _bodies(text)


def _bodies(text: str) -> Iterator[ast.stmt]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
            yield from node.body


def _text(file: Path) -> Iterator[str]:
    if file.is_file() and file.stat().st_size <= _SIZE_LIMIT_BYTES and not file.is_symlink():
        yield file.read_text(encoding="utf-8", errors="replace")
