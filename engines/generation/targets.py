"""The file that a wish is about, whole or the part of it that a model can read."""

import ast

from engines.generation.originals import NotText, Originals
from engines.generation.python_text import tree_of
from engines.generation.tasks import CannotGenerate, Excerpt, Task

_HEAD_LINES = 60


def target_of(task: Task, originals: Originals) -> Excerpt | None:
    """The file as the repository has it; None where the task names none that is there.

    Raises:
        CannotGenerate: It is no text.
    """
    if task.path is None:
        return None
    try:
        text = originals.text(task.path)
    except NotText as reason:
        raise CannotGenerate(f"{reason}.") from reason
    return None if text is None else whole(task.path, text)


def whole(path: str, text: str) -> Excerpt:
    """All of a file."""
    return Excerpt(path, 1, max(1, len(text.splitlines())), text)


def parts_of(target: Excerpt, symbol: str) -> tuple[Excerpt, ...]:
    """The head of a Python file and one function or class of it; nothing where it has none such."""
    tree = tree_of(target.text)
    node = _found(tree, symbol.split(".")) if tree else None
    if tree is None or node is None:
        return ()
    first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
    head = min(_first_definition(tree) - 1, first - 1, _HEAD_LINES)
    parts = [_lines(target, first, node.end_lineno or node.lineno)]
    return (_lines(target, 1, head), *parts) if head > 0 else tuple(parts)


_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _found(tree: ast.Module, names: list[str]) -> _Definition | None:
    body: list[ast.stmt] = tree.body
    node: _Definition | None = None
    for name in names:
        same = (one for one in body if isinstance(one, _Definition) and one.name == name)
        node = next(same, None)
        if node is None:
            return None
        body = node.body
    return node


def _first_definition(tree: ast.Module) -> int:
    places = [one.lineno for one in tree.body if isinstance(one, _Definition)]
    return min(places, default=1)


def _lines(target: Excerpt, first: int, last: int) -> Excerpt:
    lines = target.text.splitlines(keepends=True)[first - 1 : last]
    return Excerpt(target.path, first, last, "".join(lines))
