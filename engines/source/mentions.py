"""Values that a text mentions: literals, regular expressions, examples in docstrings."""

import ast
import doctest
import re
import textwrap
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


def code_in(text: str | None) -> tuple[ast.stmt, ...]:
    """The statements with calls that a text shows without prompts: indented, fenced or quoted.

    A result beside them, after an arrow or as a comment, is left out.
    """
    found: list[ast.stmt] = []
    for block in _blocks(text or ""):
        statements = _parsed(block)
        if statements is None:
            lines = (_WRITTEN_RESULT.split(line, maxsplit=1)[0] for line in block.splitlines())
            statements = [one for line in lines for one in _parsed(line.strip()) or ()]
        found.extend(one for one in statements if _is_shown(one))
    for span in re.findall(r"`{1,2}([^`\n]+\([^`\n]*\))`{1,2}", text or ""):
        found.extend(one for one in _parsed(span) or () if _is_shown(one))
    return tuple(found)


_WRITTEN_RESULT = re.compile(r"\s(?:->|=>|==>|-->|#|\u2192)\s")


def _blocks(text: str) -> Iterator[str]:
    """The indented and the fenced blocks of a text, without what carries prompts."""
    block: list[str] = []
    is_fenced = False
    for line in [*text.expandtabs(4).splitlines(), "."]:
        if line.lstrip().startswith(("```", "~~~")):
            is_fenced = not is_fenced
        elif is_fenced or line.startswith(" ") or (not line.strip() and block):
            block.append(line)
            continue
        if block and not any(one.lstrip().startswith(">>>") for one in block):
            yield textwrap.dedent("\n".join(block)).strip("\n")
        block = []


def _parsed(text: str) -> list[ast.stmt] | None:
    try:
        return ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _is_shown(statement: ast.stmt) -> bool:
    """Whether it is a simple statement that may be an example."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return True
    return isinstance(statement, ast.Expr | ast.Assign | ast.Assert) and any(
        isinstance(one, ast.Call) for one in ast.walk(statement)
    )


def _docstring_nodes(node: ast.AST) -> Iterator[ast.AST]:
    for item in ast.walk(node):
        if isinstance(item, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = item.body[0] if item.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield first.value
