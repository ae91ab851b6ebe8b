"""Lengths as GitHub may count them at the strictest: in UTF-16 units."""

COMMENT_ROOM = 65_000
"""GitHub takes 65,536."""
CHECK_ROOM = 60_000
"""GitHub takes 65,535 for a check run's summary, which users measured in bytes too."""
_ASTRAL = "\uffff"


def measure(text: str) -> int:
    """The length of `text`."""
    return len(text) if text.isascii() else len(text) + sum(letter > _ASTRAL for letter in text)


def head(text: str, room: int) -> str:
    """As much of the beginning as measures at most `room`."""
    end = max(min(len(text), room), 0)
    while (over := measure(text[:end]) - room) > 0 and end > 0:
        end -= (over + 1) // 2
    return text[:end]


def head_lines(text: str, room: int) -> str:
    """As many whole lines as measure at most `room`; part of the first when it alone is longer."""
    if measure(text) <= room:
        return text
    shown = head(text, room)
    return shown.rpartition("\n")[0] or shown
