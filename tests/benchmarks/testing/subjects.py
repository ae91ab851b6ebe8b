"""Installed modules that tests are written for."""

import shutil
from dataclasses import dataclass
from pathlib import Path


class NotInstalled(Exception):
    """The folder of packages has no such module."""


@dataclass(frozen=True)
class Subject:
    """A module below `site`, and a copy of its package below `copy` that may be changed."""

    module: str
    site: Path
    path: str
    """The module's file, relative to `site` and to `copy`."""
    copy: Path

    @property
    def source(self) -> str:
        """The module's text."""
        return (self.site / self.path).read_text(encoding="utf-8")

    @property
    def import_path(self) -> str:
        """The copy first, then whatever else is installed there."""
        return f"{self.copy}:{self.site}"


def listed(given: list[str]) -> list[str]:
    """Module names; a name of a list of this benchmark or of a file stands for its lines."""
    names: list[str] = []
    for one in given:
        file = Path(__file__).parent / "lists" / f"{one}.txt"
        file = file if file.is_file() else Path(one)
        if file.is_file():
            lines = (line.partition("#")[0].strip() for line in file.read_text().splitlines())
            names.extend(line for line in lines if line)
        else:
            names.append(one)
    return names


def subject(module: str, site: Path, scratch: Path) -> Subject:
    """Find a module and copy the package it belongs to below `scratch`.

    Raises:
        NotInstalled: neither a module nor a package of that name is there.
    """
    stem = module.replace(".", "/")
    places = [path for path in (f"{stem}.py", f"{stem}/__init__.py") if (site / path).is_file()]
    if not places:
        raise NotInstalled(f"{module} is not installed below {site}")
    copy = scratch / "site"
    copy.mkdir()
    top = module.partition(".")[0]
    if (site / top).is_dir():
        shutil.copytree(site / top, copy / top, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(site / f"{top}.py", copy)
    return Subject(module, site, places[0], copy)


def distribution(module: str, site: Path) -> str:
    """Name and version of the distribution that installed the module, as far as it is recorded."""
    top = module.partition(".")[0]
    for info in sorted(site.glob("*.dist-info")):
        record = info / "RECORD"
        if record.is_file() and any(
            line.startswith((f"{top}/", f"{top}.py,")) for line in record.read_text().splitlines()
        ):
            return info.name.removesuffix(".dist-info").replace("-", " ")
    return top
