"""One edit of a text: the lines it looks for, and what stands in their place."""

import difflib

from engines.generation.hunks import Edit

_NEAREST_LINES = 12
_SCANNED_LINES = 3_000
_NEAR = 0.6


class EditFailed(Exception):
    """The lines that an edit looks for are not there, or more than once; says it to the model."""


def edited(text: str, edit: Edit) -> str:
    """The text with one edit made.

    The lines are looked for as they are, then without spaces at their ends, then with another
    indentation, the same for all of them. Only what is found once is changed.

    Raises:
        EditFailed: it is not, or more than once.
    """
    if not edit.search.strip():
        if text.strip():
            raise EditFailed("an edit with an empty SEARCH; say which lines it replaces.")
        return _ended(edit.replace)
    lines, wanted = text.split("\n"), _trimmed(edit.search.split("\n"))
    for same in (_is_same, _is_same_but_ends, _is_same_but_indentation):
        places = [
            start
            for start in range(len(lines) - len(wanted) + 1)
            if same(lines[start : start + len(wanted)], wanted)
        ]
        if len(places) > 1:
            raise EditFailed(
                f"the lines of a SEARCH stand there {len(places)} times; give more lines around "
                f"them:\n{_shown(wanted)}"
            )
        if places:
            start = places[0]
            found = lines[start : start + len(wanted)]
            fresh = _reindented(_trimmed(edit.replace.split("\n")), wanted, found)
            return "\n".join([*lines[:start], *fresh, *lines[start + len(wanted) :]])
    raise EditFailed(
        f"the lines of a SEARCH are not there:\n{_shown(wanted)}\n{_nearest(lines, wanted)}"
    )


def _ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"


def _trimmed(lines: list[str]) -> list[str]:
    """Without empty lines around."""
    first = next((n for n, one in enumerate(lines) if one.strip()), len(lines))
    last = next((n for n in range(len(lines), 0, -1) if lines[n - 1].strip()), 0)
    return lines[first:last]


def _is_same(found: list[str], wanted: list[str]) -> bool:
    return found == wanted


def _is_same_but_ends(found: list[str], wanted: list[str]) -> bool:
    return all(a.rstrip() == b.rstrip() for a, b in zip(found, wanted, strict=True))


def _is_same_but_indentation(found: list[str], wanted: list[str]) -> bool:
    pairs = [(a, b) for a, b in zip(found, wanted, strict=True) if a.strip() or b.strip()]
    shifts = {_indent(a) - _indent(b) for a, b in pairs}
    return len(shifts) == 1 and all(a.strip() == b.strip() for a, b in pairs)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _reindented(lines: list[str], wanted: list[str], found: list[str]) -> list[str]:
    shift = _indent(found[0]) - _indent(wanted[0])
    if shift >= 0:
        sign = found[0][:1] if shift else " "
        return [f"{sign * shift}{one}" if one.strip() else one for one in lines]
    return [one[min(-shift, _indent(one)) :] for one in lines]


def _shown(lines: list[str]) -> str:
    return "\n".join(lines[:_NEAREST_LINES])


def _nearest(lines: list[str], wanted: list[str]) -> str:
    """What of the file comes closest, for the model to copy."""
    if len(lines) > _SCANNED_LINES:
        return ""
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted[0].strip())
    best, best_place = 0.0, 0
    for number, line in enumerate(lines):
        matcher.set_seq1(line.strip())
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best:
            best = max(best, ratio := matcher.ratio())
            best_place = number if ratio == best else best_place
    if best < _NEAR:
        return ""
    return f"The file has:\n{_shown(lines[best_place : best_place + len(wanted)])}"
