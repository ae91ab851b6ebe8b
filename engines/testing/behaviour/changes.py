"""What differs between two versions of a file: symbols, lines, and who could notice.

Symbols are compared as syntax trees without positions, docstrings and comments.
"""

import ast
import difflib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from typing_extensions import override

from engines.source.mentions import literals_of
from engines.source.module import Module
from engines.source.symbols import Class

MODULE = ""
"""Stands for the statements of a file that bind no name."""
_IMPLICIT = frozenset({
    "__init__", "__new__", "__eq__", "__hash__", "__lt__", "__iter__", "__next__", "__len__",
    "__getattr__", "__getitem__", "__contains__", "__bool__", "__enter__", "__exit__", "__call__",
    "__str__", "__repr__", "__post_init__",
})  # fmt: skip
"""Methods that run without being named."""


@dataclass(frozen=True)
class Changes:
    """The difference of one file's two versions.

    `symbols` are the dotted names of changed, removed and added functions, methods, classes and
    module variables; `distances` says how many calls away from one of them a function is.
    """

    symbols: frozenset[str]
    base_lines: frozenset[int]
    """First lines of the base's statements that changed or went."""
    head_lines: frozenset[int]
    """First lines of the head's statements that changed or came."""
    head_anchors: tuple[int, ...]
    """Lines of the head's text that changed or came, then those after which something went."""
    distances: Mapping[str, int]
    literals: tuple[str | bytes | int | float, ...] = field(default=())
    """Constants in the changed statements of either side."""

    def is_near(self, name: str) -> bool:
        """Whether a function is changed itself or mentions something changed that is no code."""
        return self.distances.get(name, 2) <= 1


def changes_between(base: Module, head: Module) -> Changes:
    """Compare two versions of a file; no symbol where only comments and texts differ."""
    symbols = frozenset(_differing(_symbols(base), _symbols(head)))
    gone, come, gaps = _changed_lines(base, head)
    old, new = list(_touched(base.tree, gone)), list(_touched(head.tree, come))
    hot = [one for node in (*old, *new) for one in literals_of(node)]
    return Changes(
        symbols=symbols,
        base_lines=frozenset(_line(one) for one in old),
        head_lines=frozenset(_line(one) for one in new),
        head_anchors=(*sorted(come & _executable(new)), *sorted(gaps)),
        distances=_distances(symbols, (base, head)),
        literals=tuple({repr(one): one for one in hot}.values()),
    )


def _differing(base: Mapping[str, str], head: Mapping[str, str]) -> Iterator[str]:
    for name in {**base, **head}:
        if base.get(name) != head.get(name):
            yield name


def _symbols(module: Module) -> dict[str, str]:
    """Dotted names to what they are, as text; methods apart from their classes."""
    found = {one.qualname: _shape(one.node) for one in module.all_functions()}
    for owner in module.classes:
        found[owner.qualname] = _class_shape(owner)
    for statement in _plain_statements(module.tree.body):
        for name in _bound(statement) or [MODULE]:
            found[name] = found.get(name, "") + _shape(statement)
    return found


def _class_shape(owner: Class) -> str:
    """A class without its methods."""
    rest = [one for one in owner.node.body if not _is_function(one) and not _is_text(one)]
    head = [*owner.node.bases, *owner.node.keywords, *owner.node.decorator_list]
    return " ".join(_shape(one) for one in (*head, *rest))


def _plain_statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a file that define neither functions nor classes, inside `if` too."""
    for one in body:
        if _is_function(one) or isinstance(one, ast.ClassDef) or _is_text(one):
            continue
        if isinstance(one, ast.If) and "__name__" in ast.unparse(one.test):
            continue
        if isinstance(one, ast.If | ast.Try):
            inner = [*one.body, *one.orelse, *getattr(one, "finalbody", [])]
            handlers = one.handlers if isinstance(one, ast.Try) else []
            inner.extend(item for handler in handlers for item in handler.body)
            yield from _plain_statements(inner)
        else:
            yield one


def _bound(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [one.asname or one.name.partition(".")[0] for one in statement.names]
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.For):
        return [
            item.id
            for item in ast.walk(statement)
            if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
        ]
    return []


def _shape(node: ast.AST) -> str:
    """The node as text, without positions and docstrings."""
    return ast.dump(_Undocumented().visit(ast.parse(ast.unparse(node)).body[0]))


class _Undocumented(ast.NodeTransformer):
    @override
    def generic_visit(self, node: ast.AST) -> ast.AST:
        is_scope = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if is_scope and node.body and _is_text(node.body[0]):
            del node.body[0]
        return super().generic_visit(node)


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _changed_lines(base: Module, head: Module) -> tuple[set[int], set[int], set[int]]:
    """Lines only the base has, lines only the head has, lines before which some went."""
    old, new = ([line.strip() for line in one.text.split("\n")] for one in (base, head))
    gone: set[int] = set()
    come: set[int] = set()
    gaps: set[int] = set()
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for tag, first, last, new_first, new_last in matcher.get_opcodes():
        if tag != "equal":
            gone.update(range(first + 1, last + 1))
            come.update(range(new_first + 1, new_last + 1))
        if tag == "delete":
            gaps.update((new_first + 1, new_first))
    return gone, come, gaps


def _executable(statements: Iterable[ast.stmt]) -> set[int]:
    return {line for one in statements for line in _own_lines(one)}


def _touched(tree: ast.Module, lines: set[int]) -> Iterator[ast.stmt]:
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and not _is_text(node) and lines & set(_own_lines(node)):
            yield node


def _own_lines(node: ast.stmt) -> Iterator[int]:
    """The lines of a statement without those of the statements inside it."""
    inner = [
        child
        for name in ("body", "orelse", "finalbody", "handlers", "cases")
        for child in getattr(node, name, ())
    ]
    taken = {
        line
        for child in inner
        if hasattr(child, "lineno")
        for line in range(child.lineno, (child.end_lineno or child.lineno) + 1)
    }
    start = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
    return (line for line in range(start, (node.end_lineno or start) + 1) if line not in taken)


def _line(node: ast.stmt) -> int:
    """The line whose execution shows that a statement counts: of a function, its first."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        body = [one for one in node.body if not _is_text(one)]
        return body[0].lineno if body else node.lineno
    return node.lineno


def _distances(symbols: frozenset[str], modules: tuple[Module, Module]) -> dict[str, int]:
    """How far each function is from a changed symbol, counted in mentions of names."""
    mentions: dict[str, set[str]] = {}
    for module in modules:
        for one in module.all_functions():
            mentions.setdefault(one.qualname, set()).update(_mentioned(one.node))
    found = dict.fromkeys(symbols, 0)
    for module in modules:
        found.update(dict.fromkeys(_members(symbols, module), 0))
    waiting = deque(found)
    while waiting:
        name = waiting.popleft()
        for other in _noticing(name, mentions):
            if other not in found:
                found[other] = found[name] + 1
                waiting.append(other)
    return found


def _members(symbols: frozenset[str], module: Module) -> Iterator[str]:
    """All methods of classes whose own body changed, and of those that extend them."""
    grown = set(symbols)
    for _ in module.classes:
        grown |= {one.qualname for one in module.classes if grown & set(one.bases)}
    for owner in module.classes:
        if owner.qualname in grown:
            yield from (one.qualname for one in owner.methods)


def _noticing(name: str, mentions: Mapping[str, set[str]]) -> Iterator[str]:
    """The functions that mention a name, or run it without naming it."""
    owner, _, simple = name.rpartition(".")
    for other, words in mentions.items():
        is_sibling = bool(owner) and other.startswith(f"{owner}.")
        is_implicit = simple in _IMPLICIT and (is_sibling or owner in words)
        if simple in words or name == MODULE or is_implicit:
            yield other


def _mentioned(node: ast.AST) -> Iterator[str]:
    for item in ast.walk(node):
        if isinstance(item, ast.Name):
            yield item.id
        elif isinstance(item, ast.Attribute):
            yield item.attr
