"""Definitions of a Python file: by its syntax tree, or line by line where it has none."""

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engines.source.chunks.prose import first_sentence
from engines.source.chunks.types import ChunkKind, Definition, Outline

_SIGNATURE_LINES = 40
_Owner = tuple[str, bool]
"""Qualifying prefix with its dot, and whether it is that of a class."""


def python_outline(text: str, lines: Sequence[str]) -> Outline:
    """What a Python file defines; of one that cannot be parsed, what its lines look like."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the file's own doubtful escapes
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Outline(tuple(_by_indentation(lines)), tuple(_import_lines(lines)))
    return _of_tree(tree, lines)


def _of_tree(tree: ast.Module, lines: Sequence[str]) -> Outline:
    definitions: list[Definition] = []
    imports: list[str] = []
    waiting: list[tuple[ast.stmt, _Owner]] = [(one, ("", False)) for one in reversed(tree.body)]
    while waiting:
        node, owner = waiting.pop()
        inner = owner
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports.append(_one_line(lines, node.lineno, node.end_lineno or node.lineno))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            definitions.append(_definition(node, owner, lines))
            if not isinstance(node, ast.ClassDef):
                continue
            inner = (f"{owner[0]}{node.name}.", True)
        waiting += ((one, inner) for one in reversed(list(_statements(node))))
    return Outline(tuple(definitions), tuple(dict.fromkeys(imports)))


def _statements(node: ast.stmt) -> Iterator[ast.stmt]:
    """The statements directly within a compound one, such as `if` or `try`."""
    for one in ast.iter_child_nodes(node):
        if isinstance(one, ast.stmt):
            yield one
        elif isinstance(one, ast.ExceptHandler | ast.match_case):
            yield from one.body


def _definition(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, owner: _Owner, lines: Sequence[str]
) -> Definition:
    prefix, is_in_class = owner
    kind = ChunkKind.METHOD if is_in_class else ChunkKind.FUNCTION
    return Definition(
        min((node.lineno, *(one.lineno for one in node.decorator_list))),
        node.end_lineno or node.lineno,
        ChunkKind.CLASS if isinstance(node, ast.ClassDef) else kind,
        prefix + node.name,
        _signature(node, lines),
        first_sentence(ast.get_docstring(node) or ""),
    )


def _signature(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, lines: Sequence[str]
) -> str:
    """From `def` to before the colon."""
    last = max(node.lineno, min(node.body[0].lineno - 1, node.lineno + _SIGNATURE_LINES))
    written = _one_line(lines, node.lineno, last)
    return re.split(r":\s*(?:#.*)?$", written, maxsplit=1)[0]


def _one_line(lines: Sequence[str], first: int, last: int) -> str:
    return " ".join(" ".join(lines[first - 1 : last]).split())


_HEAD = re.compile(r"([ \t]*)(?:async[ \t]+)?(def|class)[ \t]+(\w+)")
_IMPORT = re.compile(r"(?:import|from)[ \t]+[\w.]+")


def _import_lines(lines: Sequence[str]) -> Iterator[str]:
    return (line.strip() for line in lines if _IMPORT.match(line))


@dataclass(frozen=True)
class _Head:
    """A definition as its first line shows it."""

    depth: int
    name: str
    is_class: bool
    last_line: int


def _by_indentation(lines: Sequence[str]) -> Iterator[Definition]:
    above: list[_Head] = []
    for number, line in enumerate(lines, 1):
        head = _HEAD.match(line)
        if head is None:
            continue
        depth = len(head[1].expandtabs())
        while above and (above[-1].depth >= depth or above[-1].last_line < number):
            above.pop()
        is_in_class = bool(above) and above[-1].is_class
        if above and not is_in_class:
            continue  # within a function
        name = ".".join([*(one.name for one in above), head[3]])
        is_class = head[2] == "class"
        last = _end(lines, number, depth)
        above.append(_Head(depth, head[3], is_class, last))
        kind = ChunkKind.METHOD if is_in_class else ChunkKind.FUNCTION
        kind = ChunkKind.CLASS if is_class else kind
        yield Definition(number, last, kind, name, line.strip().rstrip(":"))


def _end(lines: Sequence[str], first: int, depth: int) -> int:
    """The last line before one that is no deeper; closing brackets belong to what they close."""
    last = first
    for index in range(first, len(lines)):
        bare = lines[index].lstrip()
        if not bare or bare.startswith((")", "]", "}", "#")):
            continue
        if len(lines[index].expandtabs()) - len(bare.expandtabs()) <= depth:
            break
        last = index + 1
    return last
