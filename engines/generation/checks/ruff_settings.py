"""What is taken of a repository's own ruff settings: plain values, never paths or plugins.

Ruff is run apart from the checkout on one text, so a setting can name no file (`extend`,
`cache-dir`, `src`) and no rule that looks at the disk. Settings: https://docs.astral.sh/ruff.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

_LIMIT_BYTES = 1 << 20
_LIST_LIMIT = 200
_RULE = re.compile(r"[A-Z]{1,6}[0-9]{0,5}")
_TARGET = re.compile(r"py3[0-9]{1,2}")
_NAME = re.compile(r"[\w.*-]{1,80}")
_GLOB = re.compile(r"[\w.*?/\[\]-]{1,120}")
_REAL_ERRORS = ("F", "E9", "B", "PLE")
"""Where the repository says nothing: what is wrong in any style."""
_LOOKS_AT_THE_DISK = ("INP", "EXE", "PTH999")
_SOURCE_FOLDERS = ("src", "lib", "python")
_WIDTHS = range(20, 321)

_Table = dict[str, Any]


@dataclass(frozen=True)
class RuffSettings:
    """What ruff is told for one repository: inline settings, in TOML."""

    inline: tuple[str, ...]
    selects: tuple[str, ...]
    """The rules that are on."""
    is_own: bool
    """Whether the repository chose the rules."""

    def plain(self) -> "RuffSettings":
        """For rules that this ruff does not know: those for real errors alone."""
        layout = [one for one in self.inline if not one.startswith("lint.")]
        chosen = f"lint.select = {json.dumps(_REAL_ERRORS)}"
        return RuffSettings((*layout, chosen), _REAL_ERRORS, is_own=False)

    @property
    def sorts_imports(self) -> bool:
        """Whether the repository has its imports sorted by ruff."""
        return any(one in {"ALL", "I", "I001", "I0", "I00"} for one in self.selects)


def ruff_settings(root: Path) -> RuffSettings:
    """Read the settings at the root of a checkout; what is not understood is left out."""
    table = _found(root)
    lint = {**{key: table[key] for key in _OLD_PLACES if key in table}, **_table(table.get("lint"))}
    own = _rules(lint.get("select"))
    more = _rules(lint.get("extend-select"))
    selects = (*(own or _REAL_ERRORS), *more)
    ignored = (*_rules(lint.get("ignore")), *_rules(lint.get("extend-ignore")))
    inline = [
        *_layout(table),
        f"lint.select = {json.dumps(selects)}",
        f"lint.ignore = {json.dumps([*ignored, *_LOOKS_AT_THE_DISK[:2]])}",
        f"lint.isort.known-first-party = {json.dumps(_first_party(root, lint))}",
        *_per_file(lint),
        *_plugins(lint),
    ]
    return RuffSettings(tuple(inline), selects, is_own=bool(own or more))


_OLD_PLACES = ("select", "extend-select", "ignore", "extend-ignore", "per-file-ignores")
"""Lint settings that older configurations have at the top."""


def _found(root: Path) -> _Table:
    """The first of ruff's own places that holds settings."""
    for name in (".ruff.toml", "ruff.toml"):
        if table := _read(root / name):
            return table
    return _table(_table(_read(root / "pyproject.toml").get("tool")).get("ruff"))


def _read(path: Path) -> _Table:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _LIMIT_BYTES:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _table(value: object) -> _Table:
    return cast(_Table, value) if isinstance(value, dict) else {}


def _texts(value: object, form: re.Pattern[str]) -> list[str]:
    if not isinstance(value, list):
        return []
    some = cast(list[object], value)[:_LIST_LIMIT]
    return [one for one in some if isinstance(one, str) and form.fullmatch(one)]


def _rules(value: object) -> tuple[str, ...]:
    return tuple(_texts(value, _RULE))


def _layout(table: _Table) -> Iterator[str]:
    width = table.get("line-length")
    if isinstance(width, int) and width in _WIDTHS:
        yield f"line-length = {width}"
    indent = table.get("indent-width")
    if isinstance(indent, int) and indent in range(1, 17):
        yield f"indent-width = {indent}"
    target = table.get("target-version")
    if isinstance(target, str) and _TARGET.fullmatch(target):
        yield f"target-version = {json.dumps(target)}"
    layout = _table(table.get("format"))
    for key, allowed in _FORMAT.items():
        if layout.get(key) in allowed:
            yield f"format.{key} = {json.dumps(layout[key])}"


_FORMAT: dict[str, tuple[object, ...]] = {
    "quote-style": ("single", "double", "preserve"),
    "indent-style": ("space", "tab"),
    "line-ending": ("lf", "auto", "native"),
    "skip-magic-trailing-comma": (True, False),
    "docstring-code-format": (True, False),
}


def _per_file(lint: _Table) -> Iterator[str]:
    for pattern, rules in list(_table(lint.get("per-file-ignores")).items())[:_LIST_LIMIT]:
        if _GLOB.fullmatch(pattern) and ".." not in pattern:
            yield f"lint.per-file-ignores.{json.dumps(pattern)} = {json.dumps(_rules(rules))}"


def _plugins(lint: _Table) -> Iterator[str]:
    convention = _table(lint.get("pydocstyle")).get("convention")
    if convention in {"google", "numpy", "pep257"}:
        yield f"lint.pydocstyle.convention = {json.dumps(convention)}"
    complexity = _table(lint.get("mccabe")).get("max-complexity")
    if isinstance(complexity, int) and 0 < complexity < _LIST_LIMIT:
        yield f"lint.mccabe.max-complexity = {complexity}"
    relative = _table(lint.get("flake8-tidy-imports")).get("ban-relative-imports")
    if relative in {"all", "parents"}:
        yield f"lint.flake8-tidy-imports.ban-relative-imports = {json.dumps(relative)}"


def _first_party(root: Path, lint: _Table) -> list[str]:
    """What ruff would find by looking at the checkout, which it does not see."""
    names = _texts(_table(lint.get("isort")).get("known-first-party"), _NAME)
    for folder in (root, *(root / one for one in _SOURCE_FOLDERS)):
        if folder.is_dir() and not folder.is_symlink():
            names += [
                one.stem
                for one in sorted(folder.iterdir())[:_LIST_LIMIT]
                if one.suffix == ".py" or (one.is_dir() and any(one.glob("*.py")))
            ]
    return sorted({one for one in names if _NAME.fullmatch(one)})
