"""Which of a checkout's tests a change can touch: those that import what is changed, the nearest
first.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from engines.generation.paths import is_test_file
from engines.source.imports import NotImportable, import_name

_SKIPPED = frozenset({"node_modules", "site-packages", "__pycache__", "venv", "build", "dist"})
_FOLDERS = ("", "src/", "lib/", "python/")
_FILES = 3_000
_READ_BYTES = 200_000
_STEPS = 3
"""From a changed module through modules that import it to a test."""
_TEST_FILES = 12
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+(\([^)]{0,4000}\)|[^#\n]*)"
    r"|import[ \t]+([^#\n]+))",
    re.MULTILINE,
)


def related_tests(root: Path, changed: Iterable[str], files: Mapping[str, str]) -> list[str]:
    """Paths of test files that import the changed Python files, directly or through others.

    `files` are texts that count in place of the checkout's.
    """
    texts = {path: text for path, text in files.items() if path.endswith(".py")}
    texts |= {path: text for path, text in _python_files(root) if path not in texts}
    modules = {path: name for path in texts if (name := _module(root, path))}
    mentioned = {path: set(_imported(texts[path], modules.get(path, ""))) for path in texts}
    reached = [path for path in changed if path.endswith(".py")]
    found = [path for path in reached if is_test_file(path)]
    seen = set(reached)
    for _ in range(_STEPS):
        names = {modules[path] for path in reached if path in modules}
        reached = [path for path in sorted(texts) if path not in seen and mentioned[path] & names]
        seen.update(reached)
        found += [path for path in reached if is_test_file(path)]
    return found[:_TEST_FILES]


def imported_files(root: Path, path: str, text: str) -> list[str]:
    """The files of the checkout that a Python file imports, in the order of its imports."""
    found: dict[str, None] = {}
    for name in _imported(text, _module(root, path)):
        parts = name.split(".")
        for count in range(len(parts), 0, -1):
            inner = "/".join(parts[:count]) + ".py"
            there = [f"{one}{inner}" for one in _FOLDERS if (root / one / inner).is_file()]
            if there:
                found[there[0]] = None
                break
    return list(found)


def _python_files(root: Path) -> Iterator[tuple[str, str]]:
    count = 0
    for place, folders, names in os.walk(root):
        folders[:] = sorted(
            one for one in folders if one not in _SKIPPED and not one.startswith(".")
        )
        for name in sorted(names):
            file = Path(place) / name
            if not name.endswith(".py") or file.is_symlink() or not file.is_file():
                continue
            count += 1
            if count > _FILES:
                return
            with file.open(encoding="utf-8", errors="replace") as opened:
                yield file.relative_to(root).as_posix(), opened.read(_READ_BYTES)


def _module(root: Path, path: str) -> str:
    try:
        return import_name(root, path).name
    except NotImportable:
        return ""


def _imported(text: str, module: str) -> Iterator[str]:
    """Dotted names that the import statements of a text may load."""
    for source, names, plain in _IMPORT.findall(text):
        for one in plain.split(",") if plain else ():
            yield one.split(" as ")[0].strip()
        if not source:
            continue
        whole = _absolute(source, module)
        yield whole
        for one in names.strip("()").split(","):
            yield f"{whole}.{one.split(' as ')[0].strip()}".strip(".")


def _absolute(source: str, module: str) -> str:
    """What a relative import means in a module."""
    dots = len(source) - len(source.lstrip("."))
    if not dots:
        return source
    above = module.split(".")[:-dots]
    return ".".join([*above, *([source[dots:]] if source[dots:] else [])])


def place_for_tests(root: Path, path: str) -> str:
    """Where tests of a file go: the test file it has, else a new one in the repository's folder."""
    stem = Path(path).stem.strip("_") or "generated"
    name = f"test_{stem}.py"
    folders = [one for one in ("tests", "test") if (root / one).is_dir()]
    for folder in folders:
        found = sorted((root / folder).rglob(name))
        if found:
            return found[0].relative_to(root).as_posix()
    beside = (root / path).parent
    if not folders and beside.is_dir() and any(beside.glob("test_*.py")):
        return (beside / name).relative_to(root).as_posix()
    return f"{folders[0] if folders else 'tests'}/{name}"
