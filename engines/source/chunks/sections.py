"""Sections of what is not code here: by headings, tables and keys at the margin."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from engines.source.chunks.types import ChunkKind, Definition, Outline

_HEADING = re.compile(r"#{1,6}\s+(.+?)\s*#*$")
_FENCE = re.compile(r"\s*(```|~~~)")
_UNDERLINE = re.compile(r"([=\-~^\"'#*+])\1{2,}\s*$")
_TABLE = re.compile(r"\[{1,2}\s*([^\]]+?)\s*\]{1,2}\s*(?:#.*)?$")
_KEY = re.compile(r"([\w.\-\"'/]+)\s*:(?:\s|$)")
_HEADING_CHARS = 120
_SMALLEST_LINES = 6


def sections(language: str, lines: Sequence[str]) -> Outline:
    """The parts of a file as definitions of the kind `section`, a small one with what follows it;
    what has no head is cut at empty lines later.
    """
    heads = _HEADS.get(language, _no_heads)
    starts: list[tuple[int, str]] = []
    for first, name in heads(lines):
        if not starts or first - starts[-1][0] >= _SMALLEST_LINES:
            starts.append((first, name))
    lasts = [first - 1 for first, _ in starts[1:]] + [len(lines)]
    return Outline(
        tuple(
            Definition(first, last, ChunkKind.SECTION, name[:_HEADING_CHARS])
            for (first, name), last in zip(starts, lasts, strict=False)
        ),
        rest=ChunkKind.SECTION,
    )


_Heads = Iterator[tuple[int, str]]
"""First lines and names."""


def _markdown(lines: Sequence[str]) -> _Heads:
    is_fenced = False
    for number, line in enumerate(lines, 1):
        is_fenced ^= _FENCE.match(line) is not None
        heading = None if is_fenced else _HEADING.match(line)
        if heading:
            yield number, heading[1]


def _rst(lines: Sequence[str]) -> _Heads:
    for number, (title, line) in enumerate(pairwise(lines), 1):
        if title.strip() and not _UNDERLINE.match(title) and _UNDERLINE.match(line):
            yield number, title.strip()


def _tables(lines: Sequence[str]) -> _Heads:
    for number, line in enumerate(lines, 1):
        table = _TABLE.match(line)
        if table:
            yield number, table[1]


def _keys(lines: Sequence[str]) -> _Heads:
    for number, line in enumerate(lines, 1):
        key = _KEY.match(line)
        if key:
            yield number, key[1].strip("\"'")


def _no_heads(lines: Sequence[str]) -> _Heads:
    del lines
    return iter(())


_HEADS: dict[str, Callable[[Sequence[str]], _Heads]] = {
    "markdown": _markdown,
    "rst": _rst,
    "text": _rst,
    "toml": _tables,
    "ini": _tables,
    "yaml": _keys,
}
