"""Makes files of an answer: whole ones as they stand, edits where their SEARCH is found once."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from engines.generation.answers import Answer, Block
from engines.generation.completeness import dropped, placeholder
from engines.generation.edits import EditFailed, edited
from engines.generation.hunks import Edit
from engines.generation.naming import named
from engines.generation.originals import NotText, Originals
from engines.generation.paths import (
    UnsafePath,
    is_test_file,
    runs_by_itself,
    safe_path,
    steers_tests,
)
from engines.generation.tasks import Kind, Task

_FILE_LIMIT = 20
_EDIT_LIMIT = 200
_EMPTY = frozenset({"__init__.py", "py.typed"})
"""What may be made empty."""


@dataclass(frozen=True)
class Applied:
    """The files that an answer makes; with `problems` it does not make what it should."""

    files: Mapping[str, str]
    """By path, with `\\n` ends; only what differs from what was there."""
    problems: tuple[str, ...] = ()
    """For the model, one sentence each."""
    notes: tuple[str, ...] = ()
    """For the person."""


@dataclass
class _Desk:
    """What has come of an answer so far."""

    task: Task
    originals: Originals
    files: dict[str, str] = field(default_factory=dict[str, str])
    whole: set[str] = field(default_factory=set[str])
    problems: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])


def apply(answer: Answer, task: Task, originals: Originals) -> Applied:
    """The files of an answer. What is unsafe, incomplete or not found is a problem, not a file."""
    desk = _Desk(task, originals)
    edits = sum(len(one.edits) for one in answer.blocks)
    if answer.is_too_long or edits > _EDIT_LIMIT:
        desk.problems.append("The answer is too long to be read.")
        return Applied({}, tuple(desk.problems))
    for path, block in named(answer, task):
        _place(desk, path, block)
    files = {path: text for path, text in desk.files.items() if _is_change(desk, path, text)}
    for path in sorted(files.keys() & desk.whole):
        _check_whole(desk, path, files, answer.explanation)
    if not files and not desk.problems:
        desk.problems.append(
            "The answer changes no file." if desk.files else "The answer holds no code."
        )
    if len(files) > _FILE_LIMIT:
        desk.problems.append(f"The answer writes {len(files)} files; {_FILE_LIMIT} are the most.")
    desk.notes.extend(_asides(task, files))
    return Applied(files, tuple(dict.fromkeys(desk.problems)), tuple(dict.fromkeys(desk.notes)))


def _place(desk: _Desk, written: str, block: Block) -> None:
    try:
        path = _meant(desk, safe_path(desk.originals.root, written), block)
        is_old = desk.originals.text(path) is not None
    except (UnsafePath, NotText) as refusal:
        desk.problems.append(f"{refusal}.")
        return
    if is_old and _is_kept(desk.task, path):
        desk.problems.append(
            f"`{path}` decides how the change is tested, so it stays as it is; change the code."
        )
        return
    if not block.is_complete:
        desk.problems.append(f"The block for `{path}` breaks off before its end.")
        return
    if block.edits:
        _edit(desk, path, block.edits)
        return
    if path in desk.whole:
        desk.notes.append(f"`{path}` was written more than once; the last is taken.")
    desk.files[path] = block.text
    desk.whole.add(path)


def _meant(desk: _Desk, path: str, block: Block) -> str:
    """The path, or the longer one that was shown and ends the same: models drop folders."""
    if desk.originals.exists(path) or path in desk.files:
        return path
    task = desk.task
    shown = {task.path}
    if block.edits:
        shown |= {one.path for one in task.context if not one.origin}
        shown |= {name for turn in task.earlier for name in turn.files}
    ending = [one for one in shown if one is not None and one.endswith(f"/{path}")]
    return ending[0] if len(ending) == 1 else path


def _is_kept(task: Task, path: str) -> bool:
    """Whether a file of the repository may not be changed by this task."""
    return task.kind is not Kind.WRITE and steers_tests(path) and path != task.path


def _edit(desk: _Desk, path: str, edits: tuple[Edit, ...]) -> None:
    """Make the edits of a block in the first version of the file that has all their lines."""
    written = desk.files.get(path)
    versions = desk.originals.versions(path) if written is None else [written]
    if not versions and not (len(edits) == 1 and not edits[0].search.strip()):
        desk.problems.append(f"There is no file `{path}` to edit.")
        return
    for one in edits:
        if found := placeholder(one.replace, one.search):
            desk.problems.append(f"An edit of `{path}` leaves code out: `{found}`.")
            return
    problem = ""
    for text in versions or [""]:
        try:
            desk.files[path] = functools.reduce(edited, edits, text)
        except EditFailed as failure:
            problem = problem or str(failure)
        else:
            return
    desk.problems.append(f"`{path}`: {problem}")


def _is_change(desk: _Desk, path: str, text: str) -> bool:
    before = desk.originals.current(path)
    if not text.strip():
        return before is None and PurePosixPath(path).name in _EMPTY
    return before != text


def _check_whole(desk: _Desk, path: str, files: Mapping[str, str], said: str) -> None:
    """A whole file in place of one that the model was given has to have all of it.

    What the model itself wrote a round ago it may take back.
    """
    given = _given(desk, path)
    current = desk.originals.current(path) or ""
    if found := placeholder(files[path], given or current):
        desk.problems.append(
            f"`{path}` is not whole: `{found}` stands for code that is left out. Write edits, or "
            "the whole file."
        )
    missing = dropped(path, given, files, f"{desk.task.wish} {said}")
    if missing:
        names = ", ".join(f"`{one}`" for one in missing)
        desk.problems.append(
            f"`{path}` loses {names}. Write edits, or the whole file; where it is meant, say so."
        )


def _given(desk: _Desk, path: str) -> str:
    """The file as the thread or the repository has it."""
    for turn in reversed(desk.task.earlier):
        if path in turn.files:
            return turn.files[path]
    return desk.originals.text(path) or ""


def _asides(task: Task, files: Mapping[str, str]) -> list[str]:
    """What a person would not expect of the wish."""
    told = [f"`{path}` is run or obeyed by tools on its own." for path in files
            if runs_by_itself(path)]  # fmt: skip
    expected = {task.path, *(path for turn in task.earlier for path in turn.files)}
    if task.path is not None:
        told += [
            f"`{path}` is changed beside `{task.path}`."
            for path in files
            if path not in expected and not is_test_file(path)
        ]
    return told
