"""Small pieces of text: escaped, without markup, or measured as Discord measures."""

import re

_MARKUP = re.compile(r"([\\*_~`|>\[\]()#<-])")
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_EMPHASIS = re.compile(r"`+|\*\*|__|~~")
_FENCING = re.compile(r"`(?=``)")
_KIB = 1024
_ASTRAL = "\uffff"


def escaped(text: str) -> str:
    """Text that shows as it is."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def unfenced(text: str) -> str:
    """Text in which no three backticks stand together, so that it opens and ends no fence."""
    return _FENCING.sub("`\u200b", text)


def in_code_span(text: str) -> str:
    """One line that stays inside a code span."""
    return " ".join(text.split()).replace("`", "\u02cb")


def plain_cell(markdown: str) -> str:
    """A table cell for a code block, where markup would only be noise."""
    return _EMPHASIS.sub("", _LINK.sub(r"\1", " ".join(markdown.split())))


def size_text(size_bytes: int) -> str:
    """A file's size for people."""
    if size_bytes < _KIB * _KIB:
        return f"{size_bytes / _KIB:.1f} KiB"
    return f"{size_bytes / _KIB / _KIB:.1f} MiB"


def measure(text: str) -> int:
    """Length in UTF-16 units: the strictest way in which Discord may count characters."""
    return len(text) + sum(letter > _ASTRAL for letter in text) if not text.isascii() else len(text)


def head(text: str, room: int) -> str:
    """As much of the beginning as measures at most `room`."""
    if text.isascii() or measure(text) <= room:
        return text[:room]
    end = min(len(text), room)
    while (excess := measure(text[:end]) - room) > 0:
        end -= max(1, excess // 2)
    return text[:end]
