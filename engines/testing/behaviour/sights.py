"""What one execution showed of a call, and whether two of them show the same behaviour.

Not behaviour: the order of a dict's keys or a set's items, the last digits of floats, addresses,
names of private classes. Of two exceptions the types count; where the checkout's own `raise` or
`assert` made both, the messages count too, since somebody wrote them. Where neither was raised on
purpose and one is a TypeError or an AttributeError, the input was of no use to either version.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from typing_extensions import override

from engines.testing.behaviour.types import Change
from engines.testing.facts import fact, items, number, optional_text, text, texts

RESULT = "{r}"
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+")
_PRIVATE = re.compile(r"\b_\w+")
_OBJECT = re.compile(r"<(class '|function )?[\w.<>]*?(\w+)( object)?('| at 0x)[0-9a-f]*>")
"""What Python itself says of an object without a text, the module's name included."""
_MISFITS = frozenset({"TypeError", "AttributeError"})
_DIGITS = 10
_ENDLESS = frozenset({"hang", "killed"})


class Where(StrEnum):
    """Where a view looks."""

    RESULT = "result"
    SUBJECT = "subject"
    """The object that the method was called on, or one that it was given, afterwards."""
    PRINTED = "printed"


Views = Mapping[str, str | None]


@dataclass(frozen=True)
class Sight:
    """How a call came out.

    `views` are of the result: expressions on `{r}`, and their source texts. `before` and `after`
    have the same of the object it was called on and of those it was given, by their variables.
    """

    kind: str
    type: str
    views: Views
    before: Mapping[str, Views]
    after: Mapping[str, Views]
    printed: str | None
    bases: tuple[str, ...]
    message: str
    is_deliberate: bool
    lazy: str
    is_outside: bool
    """The exception never passed the module's own code: what was called is not there."""
    hits: frozenset[int]
    operands: tuple[str, ...]

    @property
    def is_error(self) -> bool:
        """Whether it raised."""
        return self.kind == "error"

    @property
    def is_endless(self) -> bool:
        """Whether it was cut off, or took its process with it."""
        return self.kind in _ENDLESS

    @property
    def error(self) -> str:
        """The exception's class as a person names it; of private ones, what they extend."""
        for one in (self.type, *self.bases):
            name = one.rpartition(":")[2].rpartition(".")[2]
            if not name.startswith("_"):
                return name
        return "Exception"


@dataclass(frozen=True)
class Divergence:
    """One way in which two sights differ, and the expression that shows it."""

    change: Change
    where: Where = Where.RESULT
    view: str = RESULT
    name: str = ""
    """Of a subject: its variable."""


def read_sight(value: object) -> Sight:
    """A result from the jail.

    Raises:
        BadFact: it is none.
    """
    one = fact(value)
    outcome = fact(one.get("outcome"))
    return Sight(
        kind=text(outcome.get("kind")),
        type=optional_text(outcome.get("type")) or "",
        views=_views(outcome.get("views")),
        before=_states(outcome.get("before")),
        after=_states(outcome.get("after")),
        printed=optional_text(outcome.get("printed")),
        bases=texts(outcome.get("bases")),
        message=optional_text(outcome.get("message")) or "",
        is_deliberate=bool(outcome.get("deliberate")),
        lazy=optional_text(outcome.get("lazy")) or "",
        is_outside=number(outcome.get("line")) == 0,
        hits=frozenset(number(item) for item in items(one.get("hits"))),
        operands=texts(one.get("operands")),
    )


def _views(value: object) -> dict[str, str | None]:
    found = {} if value is None else fact(value)
    return {key: optional_text(item) for key, item in found.items()}


def _states(value: object) -> dict[str, Views]:
    found = {} if value is None else fact(value)
    return {name: _views(item) for name, item in found.items()}


def divergences(base: Sight, head: Sight) -> Iterator[Divergence]:
    """How the two differ, most telling first; nothing where a caller would not notice."""
    if "setup" in {base.kind, head.kind} or (base.is_endless and head.is_endless):
        return
    if base.is_endless or head.is_endless:
        yield Divergence(Change.NEVER_ENDS if head.is_endless else Change.RETURNS_OTHER)
    elif base.is_error or head.is_error:
        change = _of_errors(base, head)
        if change:
            lazy = base.lazy or head.lazy
            yield Divergence(change, view=f"list({RESULT})" if lazy == "listed" else RESULT)
    else:
        yield from _of_views(base, head)


def is_equal_but_for_truth(base: Sight, head: Sight) -> bool:
    """Whether the two are the same where True counts as 1 and False as 0."""
    return (
        bool(base.views)
        and set(base.views) == set(head.views)
        and all(
            _numeric(base.views[view] or "") == _numeric(head.views[view] or "")
            for view in base.views
        )
    )


def _numeric(text: str) -> str:
    return _canonical(text.replace("True", "1").replace("False", "0"))


def agrees(first: Sight, second: Sight) -> bool:
    """Whether two executions on the same side came out the same in every respect."""
    if first.kind != second.kind:
        return False
    if first.is_error:
        return (first.error, _plain(first.message)) == (second.error, _plain(second.message))
    return all(one.where is not Where.RESULT for one in divergences(first, second))


def _of_errors(base: Sight, head: Sight) -> Change | None:
    if not base.is_error:
        return Change.RAISES_NOW
    if not head.is_error:
        return Change.NO_LONGER_RAISES
    if base.error == head.error:
        is_written = base.is_deliberate and head.is_deliberate
        same = not is_written or _plain(base.message) == _plain(head.message)
        return None if same else Change.RAISES_OTHER
    if "RecursionError" in {base.error, head.error}:
        return None
    is_meant = base.is_deliberate or head.is_deliberate
    return Change.RAISES_OTHER if is_meant or not {base.error, head.error} & _MISFITS else None


def _plain(message: str) -> str:
    return _PRIVATE.sub("_", _ADDRESS.sub("0x", _OBJECT.sub(r"<\2>", message)))


def _of_views(base: Sight, head: Sight) -> Iterator[Divergence]:
    for view in _differing(base.views, head.views):
        yield Divergence(Change.RETURNS_OTHER, view=view)
    for name in base.after:
        if name in head.after:
            known = set(_differing(base.before.get(name, {}), head.before.get(name, {})))
            for view in _differing(base.after[name], head.after[name]):
                if view not in known:
                    yield Divergence(Change.LEAVES_OTHER, Where.SUBJECT, view, name)
    if (base.printed or "") != (head.printed or ""):
        yield Divergence(Change.LEAVES_OTHER, Where.PRINTED)


def _differing(base: Views, head: Views) -> Iterator[str]:
    if (RESULT in base) != (RESULT in head) and base and head:
        yield RESULT
        return
    for view in base:
        is_known = view in head and base[view] is not None and head[view] is not None
        if is_known and not _is_same_text(view, base[view] or "", head[view] or ""):
            yield view
    if bool(base) != bool(head):
        yield RESULT


def _is_same_text(view: str, base: str, head: str) -> bool:
    if base == head:
        return True
    if "repr(" in view or "str(" in view:
        base, head = _plain(base), _plain(head)
    base, head = _ADDRESS.sub("0x", base), _ADDRESS.sub("0x", head)
    return base == head or _canonical(base) == _canonical(head)


def _canonical(source: str) -> str:
    """A text that is the same for equal values: floats rounded, keys and set items sorted."""
    try:
        return ast.dump(_Canonical().visit(ast.parse(source, mode="eval")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source


class _Canonical(ast.NodeTransformer):
    @override
    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """A float, rounded."""
        if isinstance(node.value, float):
            return ast.Constant(f"{node.value + 0.0:.{_DIGITS}g}f")
        return node

    @override
    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """A negative float; minus zero is zero."""
        is_zero = isinstance(node.operand, ast.Constant) and node.operand.value == 0
        plain = node.operand if isinstance(node.op, ast.USub) and is_zero else node
        return self.generic_visit(plain) if plain is node else self.visit(plain)

    @override
    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        """Keys in one order."""
        self.generic_visit(node)
        pairs = sorted(zip(node.keys, node.values, strict=True), key=lambda one: _dump(one[0]))
        return ast.Dict([key for key, _ in pairs], [item for _, item in pairs])

    @override
    def visit_Set(self, node: ast.Set) -> ast.AST:
        """Items in one order."""
        self.generic_visit(node)
        return ast.Set(sorted(node.elts, key=ast.dump))


def _dump(node: ast.expr | None) -> str:
    return ast.dump(node) if node else ""
