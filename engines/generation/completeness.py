"""Sees where a model left code out: placeholders, and definitions that a whole file lost."""

import ast
import re
from collections.abc import Mapping

from engines.generation.python_text import tree_of

_NAMED = 8
_LINE_LIMIT_CHARS = 200
_COMMENT = re.compile(r"\s*(?:#|//|--|;|/\*+|\*|<!--|\{/\*)\s*(.*?)\s*(?:\*/\}?|-->)?\s*")
_DOTS = re.compile(r"\.{3}|\u2026")
_LEFT_OUT = re.compile(
    r"\b(?:rest|existing|unchanged|remain\w*|same as|previous|omitted|other \w+|your code"
    r"|code here|implementation here|as before|continues?)\b",
    re.IGNORECASE,
)
_PLAIN = re.compile(
    r"(?:the )?(?:rest|remainder) of (?:the |this )?(?:\w+ )?(?:code|file|class|function|module"
    r"|methods?|imports?)\b.*|\(?(?:code )?unchanged\)?\.?|(?:existing|previous) code(?: here)?",
    re.IGNORECASE,
)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BARE_DOTS = re.compile(r"(?:\.{3,}|\u2026)")


def placeholder(text: str, before: str) -> str:
    """The first line that stands for code that was left out; empty where there is none.

    A line that was there before is none.
    """
    known = {one.strip() for one in before.split("\n")}
    for line in text.split("\n"):
        if len(line) > _LINE_LIMIT_CHARS or line.strip() in known:
            continue
        bare = line.strip()
        if bare.startswith(("...", "\u2026")):
            said = bare.lstrip(".\u2026 ")
            if said and _LEFT_OUT.search(said):
                return bare
            continue
        found = _COMMENT.fullmatch(line)
        if found and _stands_for_code(found[1], is_replaced=bool(before)):
            return bare
    return ""


def _stands_for_code(comment: str, *, is_replaced: bool) -> bool:
    if _PLAIN.fullmatch(comment):
        return True
    if is_replaced and _BARE_DOTS.fullmatch(comment):
        return True
    return bool(_DOTS.search(comment) and _LEFT_OUT.search(comment))


def dropped(path: str, before: str, files: Mapping[str, str], said: str) -> list[str]:
    """Definitions of a Python file that are in none of the written files any more.

    What `said` names was meant to go.
    """
    if not path.endswith((".py", ".pyi")):
        return []
    lost = defined(before) - defined(files[path])
    if not lost:
        return []
    moved = set[str]().union(*(defined(text) for other, text in files.items() if other != path))
    public = {one for one in lost - moved if not one.startswith("_")}
    return sorted(one for one in public if not re.search(rf"\b{re.escape(one)}\b", said))[:_NAMED]


def defined(text: str) -> set[str]:
    """The names of the functions and classes of a Python text, and of the classes' methods."""
    return {one.rpartition(".")[2] for one in qualified(text)}


def qualified(text: str) -> list[str]:
    """As `defined`, in their order and with their classes: `Cart.total`."""
    tree = tree_of(text)
    if tree is None:
        return []
    found: list[str] = []
    pending: list[tuple[str, ast.stmt]] = [("", one) for one in reversed(tree.body)]
    while pending:
        owner, node = pending.pop()
        if not isinstance(node, _DEFINITIONS):
            continue
        name = f"{owner}{node.name}"
        found.append(name)
        if isinstance(node, ast.ClassDef):
            pending.extend((f"{name}.", one) for one in reversed(node.body))
    return found
