"""Reads which packages a checkout needs: from a lock file if it has one, else from what it asks.

Formats: PEP 508 (requirements), PEP 621 (pyproject.toml), PEP 735 (groups), PEP 751 (pylock.toml),
and the lock files of uv and Poetry as their documentation describes them.
"""

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement

from engines.sandbox.environments.requirement_files import read_requirement_files
from engines.sandbox.environments.types import Declared, Refusal

_TEST_GROUPS = frozenset({"test", "tests", "testing"})
_MAX_FILE_BYTES = 8 << 20
_MAX_REQUIREMENTS = 500
_NO_INDEX = "it is not from a package index; only packages of an index are installed"

_Table = dict[str, Any]


def declared(checkout: Path) -> Declared:
    """The checkout's requirements, those of its tests included."""
    for name, read in _SOURCES.items():
        if (checkout / name).is_file():
            found = read(_toml(checkout / name), name)
            if found.requirements or found.refused:
                return _with_constraints(found, checkout)
    return read_requirement_files(checkout)


def _with_constraints(found: Declared, checkout: Path) -> Declared:
    constraints = read_requirement_files(checkout).constraints
    return Declared(
        found.source, found.requirements[:_MAX_REQUIREMENTS], constraints, found.refused
    )


def _toml(path: Path) -> _Table:
    """The file's table; an empty one where it is none, too large, or a link out of the checkout."""
    if path.is_symlink() or path.stat().st_size > _MAX_FILE_BYTES:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _table(value: object) -> _Table:
    return cast(_Table, value) if isinstance(value, dict) else {}


def _tables(value: object) -> list[_Table]:
    return [_table(one) for one in cast(list[object], value)] if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    if not isinstance(value, list):
        return []
    return [one for one in cast(list[object], value) if isinstance(one, str)]


def _applies(marker: object) -> bool:
    if not isinstance(marker, str) or not marker:
        return True
    try:
        return Marker(marker).evaluate({"extra": ""})
    except (InvalidMarker, ValueError):
        return False


def _pinned(
    packages: Iterable[_Table], source: str, is_from_index: Callable[[_Table], bool]
) -> Declared:
    requirements: list[str] = []
    refused: list[Refusal] = []
    for package in packages:
        name, version = str(package.get("name", "")), str(package.get("version", ""))
        line = f"{name}=={version}" if version else name
        if not _applies(package.get("marker") or package.get("markers")):
            continue
        if not is_from_index(package):
            refused.append(Refusal(name, _NO_INDEX))
        elif _is_requirement(line):
            requirements.append(line)
    return Declared(source, tuple(requirements), refused=tuple(refused))


def _is_requirement(line: str) -> bool:
    try:
        return Requirement(line).url is None
    except InvalidRequirement:
        return False


def _pylock(table: _Table, source: str) -> Declared:
    away = ("vcs", "directory", "archive")
    return _pinned(
        _tables(table.get("packages")), source, lambda one: not any(key in one for key in away)
    )


def _poetry_lock(table: _Table, source: str) -> Declared:
    packages = [one for one in _tables(table.get("package")) if _is_wanted_by_poetry(one)]
    return _pinned(
        packages,
        source,
        lambda one: _table(one.get("source")).get("type", "legacy") in ("legacy", "pypi"),
    )


def _is_wanted_by_poetry(package: _Table) -> bool:
    groups = {*_texts(package.get("groups")), str(package.get("category", ""))} - {""}
    is_optional = package.get("optional") is True
    return not is_optional and (not groups or bool(groups & {"main", *_TEST_GROUPS}))


def _uv_lock(table: _Table, source: str) -> Declared:
    """The packages that those of the checkout itself lead to; the rest is for its other groups."""
    packages = {str(one.get("name")): one for one in _tables(table.get("package"))}
    own = [name for name, one in packages.items() if _is_own(one)]
    wanted: set[str] = set()
    pending = [edge for name in own for edge in _uv_edges(packages[name])]
    while pending:
        edge = pending.pop()
        name = str(edge.get("name"))
        if name in packages and name not in wanted and _applies(edge.get("marker")):
            wanted.add(name)
            pending += _tables(packages[name].get("dependencies"))
    chosen = [packages[name] for name in sorted(wanted - set(own))]
    return _pinned(chosen, source, lambda one: "registry" in _table(one.get("source")))


def _is_own(package: _Table) -> bool:
    kinds = _table(package.get("source"))
    return any(key in kinds for key in ("virtual", "editable"))


def _uv_edges(package: _Table) -> list[_Table]:
    edges = _tables(package.get("dependencies"))
    for key in ("optional-dependencies", "dev-dependencies"):
        groups = _table(package.get(key))
        edges += [edge for name in _TEST_GROUPS & set(groups) for edge in _tables(groups[name])]
    return edges


def _pyproject(table: _Table, source: str) -> Declared:
    project = _table(table.get("project"))
    lines = _texts(project.get("dependencies"))
    extras = _table(project.get("optional-dependencies"))
    groups = _table(table.get("dependency-groups"))
    for name in sorted(_TEST_GROUPS):
        lines += _texts(extras.get(name)) + _texts(groups.get(name))
    poetry = _table(_table(table.get("tool")).get("poetry")).get("dependencies")
    lines += [_poetry_line(name, one) for name, one in _table(poetry).items() if name != "python"]
    requirements = [line for line in lines if _is_requirement(line)]
    refused = [
        Refusal(line.split("@")[0].strip(), _NO_INDEX) for line in lines if line not in requirements
    ]
    return Declared(source, tuple(dict.fromkeys(requirements)), refused=tuple(refused))


def _poetry_line(name: str, wanted: object) -> str:
    """Poetry's own notation, `^1.2` and `~1.2`, as far as an index needs it."""
    if table := _table(wanted):
        if not any(key in table for key in ("git", "path", "url")):
            return _poetry_line(name, table.get("version", "*"))
        return f"{name} @ elsewhere"
    text = str(wanted)
    if text.startswith("^"):
        return f"{name}>={text[1:]}"
    if text.startswith("~") and not text.startswith("~="):
        return f"{name}>={text[1:]}"
    if text in ("*", ""):
        return name
    return f"{name}{text}" if text[0] in "<>=!~" else f"{name}=={text}"


_SOURCES: dict[str, Callable[[_Table, str], Declared]] = {
    "pylock.toml": _pylock,
    "uv.lock": _uv_lock,
    "poetry.lock": _poetry_lock,
    "pyproject.toml": _pyproject,
}
