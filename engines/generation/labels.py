"""The path that a model writes on, above or inside a code block."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_LINE_LIMIT_CHARS = 300
_KNOWN = (
    "py|pyi|js|jsx|mjs|cjs|ts|tsx|mts|cts|java|go|rs|md|rst|txt|toml|yaml|yml|json|cfg|ini|html"
    "|css|scss|sh|sql|c|h|cc|cpp|hpp|cs|rb|php|kt|swift|scala|xml|vue|svelte|proto|lock|env"
)
_PATH = re.compile(rf"[\w.@+~\\/-]*[\w+-]\.(?:{_KNOWN})|(?:[\w.-]+/)*(?:Makefile|Dockerfile)")
_ENDING = re.compile(rf"\.(?:{_KNOWN})$")
_KEY = re.compile(r"(?:file(?:[ _]?name|[ _]?path)?|path|title)\s*[:=]\s*(.+)", re.IGNORECASE)
_COMMENT = re.compile(r"(?:#|//|--|;|/\*+|<!--)\s*(.*?)\s*(?:\*/|-->)?")
_QUOTED = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*")
_DECORATION = " \t`'\"*#>:-_"


@dataclass(frozen=True)
class Info:
    """What stands behind an opening fence."""

    language: str
    path: str | None


def read_info(text: str) -> Info:
    """Language and path: `python`, `python:src/a.py`, `src/a.py`, `python title="src/a.py"`."""
    words = text.strip()[:_LINE_LIMIT_CHARS].split()
    if not words:
        return Info("", None)
    language, _, rest = words[0].strip("{}").partition(":")
    paths = [_path(rest), _path(words[0]), *(_keyed(one) or _path(one) for one in words[1:])]
    path = next((one for one in paths if one), None)
    return Info("" if path == words[0] else language.lower().lstrip("."), path)


def label_above(line: str) -> str | None:
    """The path on the line above a block: `FILE: a.py`, `### a.py`, ``In `a.py`:``."""
    if len(line) > _LINE_LIMIT_CHARS:
        return None
    bare = re.sub(r"^\s*\d+[.)]\s+", "", line).strip().lstrip("#>*-` ")
    found = _keyed(bare) or _path(bare.strip(_DECORATION))
    if found:
        return found
    quoted = [one[0] or one[1] for one in _QUOTED.findall(line)]
    paths = [path for one in quoted if (path := _keyed(one) or _path(one.strip(_DECORATION)))]
    return paths[0] if len(paths) == 1 and line.rstrip().endswith(":") else None


def label_inside(lines: Sequence[str]) -> str | None:
    """The path in a comment that is a block's whole first line."""
    first = lines[0].strip() if lines else ""
    found = _COMMENT.fullmatch(first) if len(first) <= _LINE_LIMIT_CHARS else None
    if not found:
        keyed = _KEY.fullmatch(first) if len(first) <= _LINE_LIMIT_CHARS else None
        return _path(keyed[1].strip(_DECORATION)) if keyed else None
    return _keyed(found[1]) or _path(found[1])


def _keyed(text: str) -> str | None:
    """What follows `FILE:`; a path of any kind, for the checks of paths to judge."""
    found = _KEY.fullmatch(text.strip())
    if not found:
        return None
    named = re.sub(r"\s*\((?:new|modified|updated|existing)[^)]*\)\s*$", "", found[1])
    named = named.strip(_DECORATION.replace("_", "").replace("#", ""))
    return named if named and (" " not in named or _ENDING.search(named)) else None


def _path(text: str) -> str | None:
    return text if _PATH.fullmatch(text) else None
