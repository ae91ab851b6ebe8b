"""Edits as models write them: SEARCH/REPLACE pairs, and unified diffs read as such."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_SEARCH = re.compile(r"\s*<{5,9} ?(?:SEARCH|ORIGINAL|HEAD)\b.*", re.IGNORECASE)
_DIVIDER = re.compile(r"\s*={5,9}\s*")
_REPLACE = re.compile(r"\s*>{5,9}(?: ?(?:REPLACE|UPDATED|NEW|HEAD)\b.*)?\s*", re.IGNORECASE)
_HUNK = re.compile(r"@@+.*")
_LINE_LIMIT_CHARS = 200


@dataclass(frozen=True)
class Edit:
    """Lines of a file and what stands in their place, without the last newline."""

    search: str
    replace: str


def is_search(line: str) -> bool:
    """Whether a SEARCH begins here."""
    return len(line) <= _LINE_LIMIT_CHARS and bool(_SEARCH.fullmatch(line))


def edits_in(lines: Sequence[str], start: int) -> tuple[list[Edit], int, bool]:
    """The edit that begins at `start`, the line after it, and whether it has its end.

    One that breaks off is no edit: what is missing of it cannot be known.
    """
    search: list[str] = []
    replace: list[str] = []
    part, is_divided = search, False
    for number in range(start + 1, len(lines)):
        line = lines[number]
        is_short = len(line) <= _LINE_LIMIT_CHARS
        if is_short and not is_divided and _DIVIDER.fullmatch(line):
            part, is_divided = replace, True
        elif is_short and is_divided and _REPLACE.fullmatch(line):
            return [Edit("\n".join(search), "\n".join(replace))], number + 1, True
        elif is_search(line):
            return [], number, False
        else:
            part.append(line)
    return [], len(lines), False


def hunks_in(lines: Sequence[str], *, is_diff: bool) -> Iterator[tuple[str | None, list[Edit]]]:
    """The edits of a unified diff, file by file; none where the lines are no diff."""
    if not is_diff and not _looks_like_a_diff(lines):
        return
    path: str | None = None
    edits: list[Edit] = []
    hunk: list[str] = []
    for number, line in enumerate([*lines, "@@"]):
        is_head = line.startswith("--- ") and lines[number + 1 : number + 2] != []
        is_head = is_head and lines[number + 1].startswith("+++ ")
        if not (is_head or line.startswith("+++ ") or _HUNK.fullmatch(line)):
            hunk.append(line)
            continue
        if (edit := _edit(hunk)) is not None:
            edits.append(edit)
        hunk = []
        if is_head and edits:
            yield path, edits
            edits = []
        if line.startswith("+++ "):
            path = _named(line)
    if edits:
        yield path, edits


def _looks_like_a_diff(lines: Sequence[str]) -> bool:
    heads = [one for one in lines[:6] if one.startswith(("--- ", "+++ "))]
    return len(heads) == 2 and any(one.startswith("@@") for one in lines)  # noqa: PLR2004 - a pair


def _named(line: str) -> str | None:
    name = line[4:].split("\t")[0].strip()
    return None if name == "/dev/null" else name.removeprefix("b/")


def _edit(hunk: Sequence[str]) -> Edit | None:
    """The lines before and after; a line without a sign is context that lost its space."""
    if not any(one.startswith(("+", "-")) for one in hunk):
        return None
    kept = [one for one in hunk if not one.startswith(("\\", "diff --git", "index "))]
    while kept and not kept[-1].strip():
        kept.pop()
    before = [one[1:] if one[:1] in {" ", "-"} else one for one in kept if not one.startswith("+")]
    after = [one[1:] if one[:1] in {" ", "+"} else one for one in kept if not one.startswith("-")]
    return Edit("\n".join(before), "\n".join(after))
