"""Values that a text mentions: literals, regular expressions, examples in docstrings."""

import ast
import doctest
import re
from collections.abc import Iterator
from dataclasses import dataclass

_TEXT_LIMIT_CHARS = 200
_PATTERN_FUNCTIONS = frozenset(
    {"compile", "match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
)


@dataclass(frozen=True)
class Example:
    """One doctest example: the source after `>>>` and the text expected, without its newline."""

    source: str
    want: str


@dataclass(frozen=True)
class Pattern:
    """A regular expression written in the source, with its inline or passed flags as text."""

    text: str
    flags: str


def literals_of(node: ast.AST) -> tuple[str | bytes | int | float, ...]:
    """The constants under `node` that can serve as inputs; docstrings and long texts left out."""
    skipped = {id(item) for item in _docstring_nodes(node)}
    found: dict[str, str | bytes | int | float] = {}
    for item in ast.walk(node):
        value = _constant(item)
        if id(item) in skipped:
            continue
        if isinstance(value, bool) or not isinstance(value, str | bytes | int | float):
            continue
        if isinstance(value, str | bytes) and len(value) > _TEXT_LIMIT_CHARS:
            continue
        found[repr(value)] = value
    return tuple(found.values())


def quoted_in(docstring: str | None) -> tuple[str, ...]:
    """The short texts that prose puts in quotes or backticks: likely inputs."""
    found = re.findall(
        r"""(?:"([^"\n]{1,40})"|'([^'\n]{1,40})'|`([^`\n]{1,40})`)""", docstring or ""
    )
    return tuple(dict.fromkeys(part for groups in found for part in groups if part))


def _constant(node: ast.AST) -> object:
    """The value of a constant, or of a negative number."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _constant(node.operand)
        return -value if isinstance(value, int | float) else None
    return node.value if isinstance(node, ast.Constant) else None


def patterns_of(node: ast.AST) -> tuple[Pattern, ...]:
    """The literal patterns handed to functions of `re` under `node`."""
    found: dict[Pattern, None] = {}
    for item in ast.walk(node):
        if (
            isinstance(item, ast.Call)
            and isinstance(item.func, ast.Attribute)
            and item.func.attr in _PATTERN_FUNCTIONS
            and isinstance(item.func.value, ast.Name)
            and item.func.value.id in {"re", "regex"}
            and item.args
            and isinstance(item.args[0], ast.Constant)
            and isinstance(item.args[0].value, str)
        ):
            flags = " ".join(ast.unparse(part) for part in (*item.args[1:], *item.keywords))
            found[Pattern(item.args[0].value, flags if "re." in flags else "")] = None
    return tuple(found)


def examples_of(docstring: str | None) -> tuple[Example, ...]:
    """The doctest examples of a docstring; none where they are malformed."""
    if not docstring or ">>>" not in docstring:
        return ()
    try:
        examples = doctest.DocTestParser().get_examples(docstring)
    except ValueError:
        return ()
    return tuple(Example(one.source.strip(), one.want.rstrip("\n")) for one in examples)


def _docstring_nodes(node: ast.AST) -> Iterator[ast.AST]:
    for item in ast.walk(node):
        if isinstance(item, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = item.body[0] if item.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield first.value
