"""The files that a task is about: those named, those of a folder, those that a text mentions."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from rapidfuzz import fuzz, process

from jobs.desk import Declined
from jobs.match_history import Past
from jobs.requests import Wanted
from jobs.wording import code, count

MOST_FILES = 200
"""Of a folder those that were changed last: the older ones say little of who knows it now."""
MOST_MENTIONED = 20
_SHOWN = 3
_LIKE = 60
"""Of 100 letters, to be offered as what was meant."""
_NEVER_OURS = frozenset({"vendor", "vendored", "_vendor", "third_party", "node_modules"})
_MENTION = re.compile(
    r"[\w@.+-]+(?:/[\w@.+-]+)+|[\w@.+-]+/(?!\S)|[\w-]+(?:\.[\w-]+)*\.[A-Za-z]\w{0,9}"
)
_LONGEST_TEXT = 20_000


@dataclass(frozen=True)
class Named:
    """What a task is about."""

    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_text: bool = False
    """Whether its only word was no path after all."""


def named_files(past: Past, task: Wanted) -> Named:
    """The files of a task, as they lie in the repository.

    Raises:
        Declined: A path is not there and never was; the nearest one is offered.
    """
    if task.is_pull:
        return Named(tuple(rooted(past, path) for path in task.files), _of_pull(task))
    if not task.files:
        return _of_text(past, f"{task.title}\n{task.text}")
    found: list[str] = []
    notes: list[str] = []
    for path in task.files:
        files, said = resolved(past, path)
        if not files and task.may_be_text:
            return replace(_of_text(past, f"{path}\n{task.text}"), is_text=True)
        if not files:
            raise Declined(unknown(past, path, "match"))
        found += files
        notes += said
    return Named(tuple(dict.fromkeys(found)), tuple(dict.fromkeys(notes)))


def resolved(past: Past, path: str) -> tuple[tuple[str, ...], list[str]]:
    """The files that a path means, and what has to be told of it; none where it means nothing."""
    whole = rooted(past, path)
    notes = [_VENDORED.format(code(path))] if is_vendored(whole) else []
    if whole in past.there:
        return (whole,), notes
    inside = under(past, whole)
    if inside:
        latest = sorted(inside, key=lambda one: _last_change(past, one), reverse=True)
        if len(inside) > MOST_FILES:
            notes.append(
                f"Of the {len(inside):,} files in {code(path)} the {MOST_FILES} that were changed "
                "last count."
            )
        return tuple(latest[:MOST_FILES]), notes
    moved = sorted({one for one in past.knowledge.moved_from(whole) if one in past.there})
    if moved:
        more = f" and {len(moved) - _SHOWN} more" if len(moved) > _SHOWN else ""
        named = ", ".join(map(code, moved[:_SHOWN])) + more
        return tuple(moved[:MOST_FILES]), [*notes, f"{code(path)} was renamed: {named}."]
    gone = [one for one in past.knowledge.paths() if one == whole or one.startswith(f"{whole}/")]
    if gone:
        latest = sorted(gone, key=lambda one: _last_change(past, one), reverse=True)
        said = f"{code(path)} is not there any more; who changed it counts."
        return tuple(latest[:MOST_FILES]), [*notes, said]
    return (), notes


def _of_text(past: Past, text: str) -> Named:
    files = tuple(islice(_mentioned(past, text), MOST_MENTIONED))
    more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
    named = ", ".join(map(code, files[:_SHOWN])) + more
    return Named(files, (f"The text names {named}.",) if files else ())


def under(past: Past, folder: str) -> list[str]:
    """The files in a folder, however deep; "" is the root."""
    start = f"{folder}/" if folder else ""
    return [path for path in past.files if path.startswith(start)]


def unknown(past: Past, path: str, verb: str) -> str:
    """What is said of a path that is nowhere."""
    ever = "" if past.history.depth is None else ", in what is kept of its history"
    said = f"{code(path)} is not in this repository, and never was{ever}."
    near = _nearest(past, path)
    if near is None:
        return said
    near = f'"{near}"' if any(map(str.isspace, near)) else near
    return f"{said} Did you mean {code(f'/gryph {verb} {near}')}?"


_VENDORED = (
    "{} looks like other people's code: the history tells who brought it in, not who wrote it."
)


def rooted(past: Past, path: str) -> str:
    """A path from the repository's root, whatever part of it is worked in; "" is all of it."""
    return f"{past.history.prefix}{'' if path == '.' else path}".rstrip("/")


def _of_pull(task: Wanted) -> tuple[str, ...]:
    if not task.more_files:
        return ()
    return (f"It changes {count(task.more_files, 'more file')} than were looked at.",)


def is_vendored(path: str) -> bool:
    """Whether it is other people's code, by the name of a folder above it."""
    return not _NEVER_OURS.isdisjoint(path.lower().split("/"))


def _last_change(past: Past, path: str) -> int:
    changes = past.knowledge.changes_of(path)
    return changes[-1].position if changes else -1


def _mentioned(past: Past, text: str) -> Iterator[str]:
    """Files that a text names by their path, by that of their folder, or by a name that no other
    file has; each once.
    """
    by_name: dict[str, list[str]] = {}
    for path in past.files:
        by_name.setdefault(path.rpartition("/")[2], []).append(path)
    words = (found[0].strip(".") for found in _MENTION.finditer(text[:_LONGEST_TEXT]))
    seen: set[str] = set()
    for word in dict.fromkeys(word.removeprefix("./") for word in words):
        same = by_name.get(word.rpartition("/")[2], [])
        meant = [path for path in same if path == word or path.endswith(f"/{word}")]
        named = [word] if word in past.there else meant if len(meant) == 1 else []
        if "/" in word and word.rstrip("/") in past.folders:
            inside = under(past, word.rstrip("/"))
            named = sorted(inside, key=lambda one: _last_change(past, one), reverse=True)
        yield from (path for path in named if path not in seen)
        seen.update(named)


def _nearest(past: Past, path: str) -> str | None:
    """The file or folder that was most likely meant, as it is called from where one speaks."""
    prefix = past.history.prefix
    there = [one.removeprefix(prefix) for one in past.files if one.startswith(prefix)]
    folders = {one.rpartition("/")[0] for one in there} - {""}
    name = path.rpartition("/")[2]
    same: Sequence[str] = [one for one in there if one.rpartition("/")[2] == name]
    if len(same) == 1:
        return same[0]
    choices = same or [*there, *sorted(folders)]
    found = process.extractOne(path, choices, scorer=fuzz.ratio, score_cutoff=_LIKE)
    return None if found is None else found[0]
