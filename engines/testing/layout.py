"""Lays Python source out the way formatters do: double quotes, lines that fit, trailing commas."""

import ast
import io
import tokenize

from engines.testing.jail.rendering import quoted

WIDTH_CHARS = 88
_OPENING, _CLOSING = "([{", ")]}"


def double_quoted(text: str) -> str:
    """The same source with its string literals in double quotes where that needs no escapes."""
    if "'" not in text:
        return text
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return text
    lines = text.splitlines(keepends=True)
    for token in reversed(tokens):
        if token.type == tokenize.STRING and token.string.endswith("'"):
            row, start, end = token.start[0] - 1, token.start[1], token.end[1]
            if token.end[0] == token.start[0] and not token.string.startswith(("f", "r", "R", "F")):
                fresh = quoted(ast.literal_eval(token.string))
                lines[row] = lines[row][:start] + fresh + lines[row][end:]
    return "".join(lines)


def is_python(text: str) -> bool:
    """Whether it can be compiled; one test that cannot would cost its whole file."""
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def laid_out(text: str, indent: int = 0, ending: str = "") -> list[str]:
    """The lines of one statement or item; brackets are opened up, the last ones first."""
    whole = " " * indent + text + ending
    if len(whole) <= WIDTH_CHARS or "\n" in text:
        return whole.split("\n")
    found = _brackets(text, WIDTH_CHARS - indent)
    if found is None:
        return _in_parentheses(text, indent) or [whole]
    start, end = found
    head, body, tail = text[: start + 1], text[start + 1 : end], text[end:]
    inner = " " * (indent + 4) + body
    lines = [" " * indent + head]
    if len(inner) <= WIDTH_CHARS:
        lines.append(inner)
    else:
        comma = "" if _is_comprehension(body) else ","
        lines.extend(line for item in items_of(body) for line in laid_out(item, indent + 4, comma))
    return [*lines, " " * indent + tail + ending]


def _in_parentheses(text: str, indent: int) -> list[str]:
    """An assignment whose value has no brackets of its own; empty for anything else."""
    target, sign, value = text.partition(" = ")
    inner = " " * (indent + 4) + value
    if not sign or not target.isidentifier() or len(inner) > WIDTH_CHARS:
        return []
    return [" " * indent + f"{target} = (", inner, " " * indent + ")"]


def _is_comprehension(body: str) -> bool:
    """Whether a comma after the bracket's content is not allowed."""
    for bracket in (f"[{body}]", f"{{{body}}}"):
        try:
            value = ast.parse(bracket, mode="eval").body
        except SyntaxError:
            continue
        return isinstance(value, ast.ListComp | ast.SetComp | ast.DictComp)
    return False


def items_of(body: str) -> list[str]:
    """The parts of a bracket's content that its top-level commas separate."""
    parts: list[str] = []
    depth, start = 0, 0
    lambdas: list[int] = []
    for place, sign in _signs(body):
        if sign in _OPENING:
            depth += 1
        elif sign in _CLOSING:
            depth -= 1
        elif sign == "lambda":
            lambdas.append(depth)
        elif sign == ":" and lambdas[-1:] == [depth]:
            lambdas.pop()
        elif sign == "," and depth == 0 and not lambdas:
            parts.append(body[start:place].strip())
            start = place + 1
    rest = body[start:].strip()
    return [*parts, rest] if rest else parts


def _brackets(text: str, room: int) -> tuple[int, int] | None:
    """The outermost pair to open: the last that holds something and whose line has room."""
    stack: list[int] = []
    pairs: list[tuple[int, int]] = []
    for place, sign in _signs(text):
        if sign in _OPENING:
            stack.append(place)
        elif sign in _CLOSING and stack:
            start = stack.pop()
            if not stack and place > start + 1:
                pairs.append((start, place))
    fitting = [one for one in pairs if one[0] < room]
    return (fitting or pairs[:1] or [None])[-1]


def _signs(text: str) -> list[tuple[int, str]]:
    """Brackets, commas, colons and `lambda` in a one-line text, with their places."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return []
    return [
        (token.start[1], token.string)
        for token in tokens
        if token.string == "lambda" or (token.type == tokenize.OP and token.string in "([{}]),:")
    ]
