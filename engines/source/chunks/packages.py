"""The public names of installed distributions, as files to be searched.

What a distribution says of its own files is a stranger's word: only files within the folder count.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from itertools import product
from pathlib import Path, PurePosixPath

from engines.source.chunks.selection import Found

_LEFT_OUT = frozenset({"test", "tests", "testing", "_vendor", "vendor", "examples", "benchmarks"})


@dataclass(frozen=True)
class Package:
    """An installed distribution, and the folder it is installed in."""

    name: str
    version: str
    folder: Path
    files: tuple[str, ...]
    """Its modules: those with public names and nearest to the top first."""

    @property
    def label(self) -> str:
        """Name and version, as a person reads them."""
        return f"{self.name} {self.version}"

    def read(self, most_bytes: int) -> Iterator[Found]:
        """Its files with their content, until they are too much together."""
        left = most_bytes
        for path in self.files:
            file = (self.folder / path).resolve()
            if not file.is_relative_to(self.folder) or not file.is_file():
                continue
            left -= file.stat().st_size
            if left < 0:
                return
            yield Found(path, file.read_bytes())


def installed(folders: Sequence[Path], names: Collection[str]) -> list[Package]:
    """Those of the named distributions that are installed in the folders, by name."""
    found: dict[str, Package] = {}
    for folder, name in product(folders, names):
        plain = _plain(name)
        # By name, since reading what each of some hundred distributions is called takes 40 ms.
        for one in distributions(name=plain, path=[str(folder)]):
            if plain not in found and (called := one.metadata["Name"]):
                files = tuple(sorted(_modules(one), key=_order))
                found[plain] = Package(called, one.version, folder.resolve(), files)
    return [found[name] for name in sorted(found)]


def _modules(distribution: Distribution) -> Iterator[str]:
    """Private ones too: packages hand out names from there."""
    for path in distribution.files or ():
        parts = PurePosixPath(path).with_suffix("").parts
        if path.suffix == ".py" and not _LEFT_OUT.intersection(parts):
            yield path.as_posix()


def _order(path: str) -> tuple[bool, int, str]:
    return "/_" in f"/{path}".replace("/__init__.py", ""), path.count("/"), path


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
