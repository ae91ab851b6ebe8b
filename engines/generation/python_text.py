"""Parses Python that anybody may have written: no crash, no warnings, and not for minutes."""

import ast
import io
import tokenize
import warnings

_FIELDS = 2_000
"""Fields of one f-string: CPython takes their number squared to parse them."""


def tree_of(text: str) -> ast.Module | None:
    """The parsed text; None where it is not Python, or takes too long to read."""
    if takes_long(text):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def takes_long(text: str) -> bool:
    """Whether some string has so many fields that parsing it would hold everything up."""
    if text.count("{") < _FIELDS:
        return False
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.STRING and token.string.count("{") >= _FIELDS:
                return True
    except (tokenize.TokenError, SyntaxError):
        return any(line.count("{") >= _FIELDS for line in text.split("\n"))
    return False
