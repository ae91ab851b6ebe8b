"""What a module defines, as read from its text."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class ParameterKind(StrEnum):
    """How an argument can be passed."""

    POSITIONAL_ONLY = "positional_only"
    NORMAL = "normal"
    VARIADIC = "variadic"
    KEYWORD_ONLY = "keyword_only"
    KEYWORDS = "keywords"


@dataclass(frozen=True)
class Parameter:
    """One parameter; annotation and default are source text, None where there is none."""

    name: str
    kind: ParameterKind
    annotation: str | None
    default: str | None


@dataclass(frozen=True)
class Function:
    """A function or method. Lines are 1-based and inclusive, decorators included.

    `raises` holds the names of the exceptions its own `raise` statements build
    ("ValueError", "errors.Bad").
    """

    name: str
    qualname: str
    parameters: tuple[Parameter, ...]
    returns: str | None
    docstring: str | None
    decorators: tuple[str, ...]
    first_line: int
    last_line: int
    is_async: bool
    is_generator: bool
    raises: frozenset[str]
    node: ast.FunctionDef | ast.AsyncFunctionDef = field(repr=False, compare=False)


@dataclass(frozen=True)
class Class:
    """A class with the methods its own body defines."""

    name: str
    qualname: str
    bases: tuple[str, ...]
    docstring: str | None
    decorators: tuple[str, ...]
    first_line: int
    last_line: int
    methods: tuple[Function, ...]
    fields: tuple[Parameter, ...]
    """Annotated class attributes, in order: a dataclass's or a NamedTuple's fields."""
    node: ast.ClassDef = field(repr=False, compare=False)


def functions_of(body: list[ast.stmt], prefix: str = "") -> tuple[Function, ...]:
    """The functions defined directly in `body`, also under `if` and `try`; last one wins."""
    found = {
        node.name: _function(node, prefix)
        for node in _flattened(body)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _is_overload(node)
    }
    return tuple(found.values())


def classes_of(body: list[ast.stmt], prefix: str = "") -> tuple[Class, ...]:
    """The classes defined directly in `body`, also under `if` and `try`; last one wins."""
    found = {
        node.name: _class(node, prefix)
        for node in _flattened(body)
        if isinstance(node, ast.ClassDef)
    }
    return tuple(found.values())


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes under `node`, without those of nested functions and classes."""
    waiting = list(ast.iter_child_nodes(node))
    while waiting:
        child = waiting.pop()
        yield child
        if not isinstance(
            child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
        ):
            waiting.extend(ast.iter_child_nodes(child))


def _flattened(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            for part in ("body", "handlers", "orelse", "finalbody"):
                for child in getattr(node, part, ()):
                    inner = child.body if isinstance(child, ast.ExceptHandler) else [child]
                    yield from _flattened(inner)


def _is_overload(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(ast.unparse(item).endswith("overload") for item in node.decorator_list)


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    return min([node.lineno, *(item.lineno for item in node.decorator_list)])


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, prefix: str) -> Function:
    own = list(own_nodes(node))
    return Function(
        name=node.name,
        qualname=f"{prefix}{node.name}",
        parameters=parameters_of(node.args),
        returns=ast.unparse(node.returns) if node.returns else None,
        docstring=ast.get_docstring(node),
        decorators=tuple(ast.unparse(item) for item in node.decorator_list),
        first_line=_first_line(node),
        last_line=node.end_lineno or node.lineno,
        is_async=isinstance(node, ast.AsyncFunctionDef),
        is_generator=any(isinstance(item, ast.Yield | ast.YieldFrom) for item in own),
        raises=frozenset(_raised(own)),
        node=node,
    )


def _raised(nodes: list[ast.AST]) -> Iterator[str]:
    for item in nodes:
        if isinstance(item, ast.Raise) and item.exc is not None:
            exception = item.exc.func if isinstance(item.exc, ast.Call) else item.exc
            yield ast.unparse(exception)
        elif isinstance(item, ast.Assert):
            yield "AssertionError"


def parameters_of(arguments: ast.arguments) -> tuple[Parameter, ...]:
    """The parameters of a signature, in the order they are written."""
    positional = [*arguments.posonlyargs, *arguments.args]
    padding: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    defaults = [*padding, *arguments.defaults]
    found: list[Parameter] = []
    for index, (argument, default) in enumerate(zip(positional, defaults, strict=True)):
        first = index < len(arguments.posonlyargs)
        kind = ParameterKind.POSITIONAL_ONLY if first else ParameterKind.NORMAL
        found.append(_parameter(argument, kind, default))
    if arguments.vararg:
        found.append(_parameter(arguments.vararg, ParameterKind.VARIADIC, None))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found.append(_parameter(argument, ParameterKind.KEYWORD_ONLY, default))
    if arguments.kwarg:
        found.append(_parameter(arguments.kwarg, ParameterKind.KEYWORDS, None))
    return tuple(found)


def _parameter(argument: ast.arg, kind: ParameterKind, default: ast.expr | None) -> Parameter:
    return Parameter(
        name=argument.arg,
        kind=kind,
        annotation=ast.unparse(argument.annotation) if argument.annotation else None,
        default=ast.unparse(default) if default else None,
    )


def _class(node: ast.ClassDef, prefix: str) -> Class:
    qualname = f"{prefix}{node.name}"
    return Class(
        name=node.name,
        qualname=qualname,
        bases=tuple(ast.unparse(base) for base in node.bases),
        docstring=ast.get_docstring(node),
        decorators=tuple(ast.unparse(item) for item in node.decorator_list),
        first_line=_first_line(node),
        last_line=node.end_lineno or node.lineno,
        methods=functions_of(node.body, f"{qualname}."),
        fields=tuple(_fields(node)),
        node=node,
    )


def _fields(node: ast.ClassDef) -> Iterator[Parameter]:
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            yield Parameter(
                name=item.target.id,
                kind=ParameterKind.NORMAL,
                annotation=ast.unparse(item.annotation),
                default=ast.unparse(item.value) if item.value else None,
            )
