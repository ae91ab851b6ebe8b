"""Where the target is, how it is imported, and where its test file goes."""

import configparser
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from engines.source.imports import ImportName, NotImportable, import_name
from engines.testing.types import CannotTest


@dataclass(frozen=True)
class Borrowed:
    """A name of another module: `from module import attribute`, or `import module` without one."""

    name: str
    module: str
    attribute: str


@dataclass(frozen=True)
class Place:
    """One target file. `paths` are the checkout's folders to put on the module path, absolute."""

    root: Path
    path: str
    module: str
    paths: tuple[Path, ...]
    packages: tuple[Path, ...] = ()
    """Folders of what the checkout depends on, which is imported after its own code."""
    borrowed: tuple[Borrowed, ...] = ()
    """What calls may name beside what the module itself has."""

    @property
    def file(self) -> Path:
        """The target file on this machine."""
        return self.root / self.path

    @property
    def import_paths(self) -> list[str]:
        """All folders to put on the module path, in order."""
        return [str(one) for one in (*self.paths, *self.packages)]


@dataclass(frozen=True)
class TestPlace:
    """Where the test file goes, and the folder it must add to the module path, if any."""

    __test__ = False

    path: str
    path_entry: str | None
    """As in `parents[n] / entry`: relative to the checkout; None where nothing is needed."""

    @property
    def depth(self) -> int:
        """How many folders lie between the checkout and the test file."""
        return len(PurePosixPath(self.path).parts) - 1


def place_of(root: Path, path: str, packages: tuple[Path, ...] = ()) -> Place:
    """Find how `path` is imported.

    Raises:
        CannotTest: it cannot be.
    """
    try:
        named: ImportName = import_name(root, path)
    except NotImportable as problem:
        raise CannotTest(str(problem)) from problem
    folder = root / named.folder
    paths = (folder,) if folder == root else (folder, root)
    return Place(root, path, named.name, paths, packages)


def test_place(place: Place) -> TestPlace:
    """Where the test file of a target goes: the repository's own convention, never an old file."""
    root, stem = place.root, place.module.replace(".", "_").rpartition("_")[2]
    stem = place.module.split(".")[-1].strip("_") or "module"
    folder = _test_folder(root, place)
    name = _free_name(root / folder, stem)
    path = (PurePosixPath(folder) / name).as_posix()
    return TestPlace(path, None if _is_importable(root, folder, place) else _entry(place))


def _entry(place: Place) -> str:
    return place.paths[0].relative_to(place.root).as_posix()


def _test_folder(root: Path, place: Place) -> str:
    package = PurePosixPath(place.path).parent
    for folder in ("tests", "test"):
        if not (root / folder).is_dir():
            continue
        inner = [*package.parts]
        for start in range(len(inner) + 1):
            mirrored = PurePosixPath(folder, *inner[start:])
            if inner[start:] and (root / mirrored).is_dir():
                return mirrored.as_posix()
        return folder
    if any((root / package).glob("test_*.py")):
        return package.as_posix()
    return "tests"


def _free_name(folder: Path, stem: str) -> str:
    for name in (f"test_{stem}.py", f"test_{stem}_generated.py"):
        if not (folder / name).exists():
            return name
    number = 2
    while (folder / f"test_{stem}_generated{number}.py").exists():
        number += 1
    return f"test_{stem}_generated{number}.py"


def _is_importable(root: Path, folder: str, place: Place) -> bool:
    """Whether plain `pytest FILE` finds the module without help from the test file."""
    wanted = _entry(place)
    if wanted in _configured_paths(root):
        return True
    start = root / folder
    while start != root and (start / "__init__.py").is_file():
        start = start.parent
    reachable = {start}
    above = root / folder
    while above != root.parent:
        if (above / "conftest.py").is_file() and not (above / "__init__.py").is_file():
            reachable.add(above)
        above = above.parent
    return place.paths[0] in reachable


def _configured_paths(root: Path) -> set[str]:
    """The `pythonpath` entries of the repository's pytest settings."""
    found: set[str] = set()
    for name, section in (
        ("pytest.ini", "pytest"),
        ("tox.ini", "pytest"),
        ("setup.cfg", "tool:pytest"),
    ):
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read(root / name)
        except (configparser.Error, UnicodeDecodeError):
            continue
        found.update(parser.get(section, "pythonpath", fallback="").split())
    try:
        settings = tomllib.loads((root / "pyproject.toml").read_text())
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        settings = {}
    pytest = settings.get("tool", {}).get("pytest", {})
    for table in (pytest, pytest.get("ini_options", {})):
        paths = table.get("pythonpath", [])
        found.update(paths.split() if isinstance(paths, str) else paths)
    return {PurePosixPath(one).as_posix() for one in found}
