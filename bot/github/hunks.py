"""Which lines of a file a diff shows: a review can speak of no others.

Unified diffs as GitHub gives them in `patch`, from the first `@@` on.
"""

import re

_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@")


def shown_lines(patch: str) -> frozenset[int]:
    """The lines of the newer file that the diff shows, changed or around a change."""
    lines: set[int] = set()
    for hunk in _HUNK.finditer(patch):
        if hunk.start() and patch[hunk.start() - 1] != "\n":
            continue  # within a line of the code itself
        first, count = int(hunk[1]), int(hunk[2] or 1)
        lines.update(range(first, first + count))
    return frozenset(lines)
