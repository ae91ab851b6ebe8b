"""Text as every platform may be given it: valid, measured, and cut where a reader would cut it.

Lengths are in UTF-16 units, the strictest way in which a platform may count characters.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from storage.unseen import seen, seen_line

ZERO_WIDTH = "\u200b"
"""A space that nobody sees and no platform reads over."""
_JOINER = "\u200d"
_FLAG = re.compile(r"[\U0001f1e6-\U0001f1ff]+$")
_TRAILING = re.compile(r"[\u1160-\u11ff\u200d\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
"""What belongs to the character before it, besides all marks: vowels and finals of Hangul, the
joiner, skin tones, and the letters of a subdivision's flag."""
_LONGEST_CLUSTER = 64
_LONGEST_ATOM = 2_000
_TICKS = re.compile(r"`+")
_OPENING = re.compile(r"\\[\s\S]|`+")
_ATOM = re.compile(
    r"\\[!-/:-@\[-`{-~]"
    r"|&#?\w{1,31};"
    r"|!?\[[^\[\]\n]{0,1000}\]\([^()\s]{0,900}(?:\s[^()\n]{0,90})?\)"
    r"|<[a-z][a-z0-9+.-]{1,31}:[^<>\s]{0,900}>",
    re.IGNORECASE,
)


def units(text: str) -> int:
    """The length of `text`."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def clean(text: str) -> str:
    """The text with line feeds only, and a visible mark for each character that cannot be seen:
    controls, changes of direction, halves of a character, hidden letters.
    """
    return seen(text)


def one_line(text: str) -> str:
    """The clean text on one line."""
    return seen_line(text)


def head(text: str, most: int) -> str:
    """The longest beginning of at most so many units that parts no character from its marks."""
    end = max(min(len(text), most), 0)
    while end > 0 and (over := units(text[:end]) - most) > 0:
        end -= (over + 1) // 2
    return text[: _before_cluster(text, end)]


def _before_cluster(text: str, end: int) -> int:
    """The last place up to `end` at which a reader sees one character end and another begin."""
    for at in range(end, max(end - _LONGEST_CLUSTER, 0), -1):
        if at == len(text) or not _is_inside(text, at):
            return at
    return end


def _is_inside(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    if after.isascii() and before.isascii():
        return False
    if unicodedata.category(after)[0] == "M" or _TRAILING.match(after) or before == _JOINER:
        return True
    flags = _FLAG.search(text[max(at - _LONGEST_CLUSTER, 0) : at])
    return _FLAG.match(after) is not None and flags is not None and len(flags[0]) % 2 == 1


def cut(text: str, most: int) -> str:
    """The text, or its beginning and an ellipsis, in at most so many units."""
    return text if units(text) <= most else head(text, most - 1).rstrip() + "…"


def head_lines(text: str, most: int) -> str:
    """As many whole lines as fit; part of the first where it alone is longer."""
    shown = head(text, most)
    return shown if shown == text else shown.rpartition("\n")[0] or shown


def wrapped(markdown: str, most: int) -> Iterator[str]:
    """A paragraph in parts of at most `most` units, as `split` cuts them."""
    rest = markdown
    while rest:
        part, rest = split(rest, most)
        yield part


def split(markdown: str, most: int) -> tuple[str, str]:
    """The first part of a paragraph, of at most `most` units, and the rest.

    It is cut after a line, else after a word, else between two characters, but within no link,
    code span or escape that could stand whole.
    """
    assert most > 1, "room for a character beyond the basic plane"
    if len(markdown) <= most and units(markdown) <= most:
        return markdown, ""
    end = len(head(markdown, most))
    end = _outside_atoms(markdown[: end + _LONGEST_ATOM], end)
    return markdown[:end].rstrip(" \t\n"), markdown[end:].lstrip(" \t\n")


def _outside_atoms(window: str, end: int) -> int:
    """The best place up to `end`, in the latter half where there is one, to cut at."""
    atoms = _atoms(window)
    starts = [start for start, _ in atoms]
    for joint in "\n ":
        at = window.rfind(joint, 0, end) + 1
        while at > end // 2:
            atom = _around(at, atoms, starts)
            if atom is None:
                return at
            at = window.rfind(joint, 0, atom[0]) + 1
    atom = _around(end, atoms, starts)
    return atom[0] if atom is not None and atom[0] > 0 and atom[1] - atom[0] <= end else end


def _around(
    at: int, atoms: Sequence[tuple[int, int]], starts: Sequence[int]
) -> tuple[int, int] | None:
    """The atom that a cut there would break."""
    place = bisect_left(starts, at) - 1
    return atoms[place] if place >= 0 and atoms[place][1] > at else None


def _atoms(text: str) -> list[tuple[int, int]]:
    """Where code spans, and links and escapes outside of them, begin and end."""
    found: list[tuple[int, int]] = []
    at = 0
    for start, end in [*code_spans(text), (len(text), len(text))]:
        found += [atom.span() for atom in _ATOM.finditer(text, at, start)]
        found.append((start, end))
        at = end
    return found


def code_spans(markdown: str) -> list[tuple[int, int]]:
    """Where the code spans of one block's text are, ticks included.

    https://spec.commonmark.org/0.31.2/#code-spans
    """
    closing: dict[int, list[int]] = {}
    for run in _TICKS.finditer(markdown):
        closing.setdefault(len(run[0]), []).append(run.start())
    found: list[tuple[int, int]] = []
    at = 0
    while opened := _OPENING.search(markdown, at):
        at = opened.end()
        ends = closing.get(len(opened[0]), []) if opened[0][0] == "`" else []
        place = bisect_left(ends, at)
        if place < len(ends):
            at = ends[place] + len(opened[0])
            found.append((opened.start(), at))
    return found


def size(size_bytes: int) -> str:
    """A number of bytes as people say it."""
    amount = float(size_bytes)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:  # noqa: PLR2004 - the step between units
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
