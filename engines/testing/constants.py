"""The constants in the source text of a value, and the text with one of them replaced."""

import ast
from functools import lru_cache

_TEXTS_REMEMBERED = 4_096


@lru_cache(maxsize=_TEXTS_REMEMBERED)
def constants_of(text: str) -> tuple[ast.Constant, ...]:
    """The one-line constants of an expression that have neighbours of their own type."""
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return ()
    return tuple(
        one
        for one in ast.walk(tree)
        if isinstance(one, ast.Constant)
        and one.lineno == 1
        and one.end_lineno == 1
        and one.value is not None
    )


def with_constant(text: str, node: ast.Constant, fresh: str) -> str:
    """The text with the source of one of its constants replaced; two signs become none."""
    data = text.encode()
    start, end = node.col_offset, node.end_col_offset or node.col_offset
    if fresh.startswith("-") and data[:start].endswith(b"-"):
        start, fresh = start - 1, fresh[1:]
    return (data[:start] + fresh.encode("utf-8", "replace") + data[end:]).decode()
