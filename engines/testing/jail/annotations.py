"""Annotations as plain terms: `{"n": "list", "a": [{"n": "int"}]}`, whatever notation they had."""

import builtins
import collections.abc
import enum
import io
import sys
import types
import typing
from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from engines.testing.jail.kinds import is_a

Term = dict[str, Any]
"""`n` is the name of the kind, `a` its arguments; classes also have `module` and `class`."""

_CALLABLE: object = collections.abc.Callable
ANY: Term = {"n": "any"}
_BUILTIN = {
    "int", "float", "str", "bytes", "bool", "complex", "list", "dict", "set", "frozenset", "tuple",
    "object", "type", "bytearray", "slice", "range",
}  # fmt: skip
_ABSTRACT = {
    "Iterable", "Iterator", "Sequence", "Collection", "Container", "Mapping", "MutableMapping",
    "MutableSequence", "Set", "MutableSet", "Callable", "Generator", "Hashable", "Sized",
    "Reversible", "Awaitable", "Coroutine", "AsyncIterable", "AsyncIterator",
}  # fmt: skip
_STANDARD = {
    ("datetime", "date"), ("datetime", "datetime"), ("datetime", "time"), ("datetime", "timedelta"),
    ("datetime", "tzinfo"), ("decimal", "Decimal"), ("fractions", "Fraction"), ("uuid", "UUID"),
    ("pathlib", "Path"), ("pathlib", "PurePath"), ("re", "Pattern"), ("io", "StringIO"),
    ("io", "BytesIO"), ("random", "Random"), ("collections", "deque"), ("collections", "Counter"),
    ("collections", "OrderedDict"), ("collections", "defaultdict"), ("numbers", "Number"),
    ("numbers", "Real"), ("numbers", "Integral"), ("array", "array"), ("os", "PathLike"),
}  # fmt: skip


_STREAMS: tuple[tuple[object, str], ...] = (
    (typing.IO, "stringio"), (typing.TextIO, "stringio"), (typing.BinaryIO, "bytesio"),
    (io.TextIOBase, "stringio"), (io.TextIOWrapper, "stringio"), (io.IOBase, "stringio"),
    (io.RawIOBase, "bytesio"), (io.BufferedIOBase, "bytesio"), (io.BufferedReader, "bytesio"),
)  # fmt: skip


class Terms:
    """Turns annotations into terms and remembers the classes that they mention."""

    def __init__(self) -> None:
        self.classes: dict[str, type] = {}

    def of(self, annotation: object) -> Term:
        """The term for one evaluated annotation; `any` for what is not understood."""
        if annotation is None or annotation is type(None):
            return {"n": "none"}
        if isinstance(annotation, str | typing.ForwardRef):
            return ANY
        origin = typing.get_origin(annotation)
        stream = next((name for one, name in _STREAMS if one is (origin or annotation)), None)
        if stream:
            return {"n": "bytesio" if bytes in typing.get_args(annotation) else stream}
        if origin is not None:
            return self._parametrized(origin, typing.get_args(annotation))
        if isinstance(annotation, typing.TypeVar):
            return self._variable(annotation)
        supertype = getattr(annotation, "__supertype__", None)
        if supertype is not None:
            return self.of(supertype)
        return self._class(annotation) if isinstance(annotation, type) else ANY

    def _variable(self, variable: typing.TypeVar) -> Term:
        if variable.__constraints__:
            return {"n": "union", "a": [self.of(one) for one in variable.__constraints__]}
        return self.of(variable.__bound__) if variable.__bound__ else ANY

    def _parametrized(self, origin: object, arguments: tuple[object, ...]) -> Term:
        if origin is typing.Union or origin is types.UnionType:
            return {"n": "union", "a": [self.of(one) for one in arguments]}
        if origin is typing.Literal:
            return {"n": "literal", "v": [repr(_plain(one)) for one in arguments]}
        if origin in {typing.Annotated, typing.ClassVar, typing.Final, typing.Required}:
            return self.of(arguments[0])
        if origin is _CALLABLE:
            return self._callable(arguments)
        base = self.of(origin)
        shown = [one for one in arguments if one is not Ellipsis]
        variadic = len(shown) != len(arguments)
        return {
            **base,
            "a": [self.of(one) for one in shown],
            **({"more": True} if variadic else {}),
        }

    def _callable(self, arguments: tuple[object, ...]) -> Term:
        first: Any = arguments[0] if arguments else None
        count = len(first) if is_a(first, list) else -1
        result = self.of(arguments[-1]) if arguments else ANY
        return {"n": "callable", "count": count, "a": [result]}

    def _class(self, value: type) -> Term:
        module, name = value.__module__, value.__qualname__
        if module == "builtins" and name in _BUILTIN:
            return ANY if name == "object" else {"n": name}
        if module in {"collections.abc", "typing"} and name in _ABSTRACT:
            return {"n": name.lower()}
        if (module.split(".")[0].lstrip("_"), name) in _STANDARD:
            return {"n": name.lower()}
        if module in {"typing", "types", "typing_extensions"}:
            return ANY
        self.classes[f"{module}:{name}"] = value
        return {"n": "class", "class": f"{module}:{name}"}


def hints_of(
    function: Callable[..., object], borrowed: Mapping[str, object]
) -> Mapping[str, object]:
    """Evaluated annotations; where one of them fails, those that evaluate on their own.

    `borrowed` are names that the module itself has for a type checker only.
    """
    try:
        return typing.get_type_hints(function)
    except Exception:  # noqa: BLE001 - evaluating a stranger's annotations raises what it likes
        return _singly(function, borrowed)


def _singly(
    function: Callable[..., object], borrowed: Mapping[str, object]
) -> Mapping[str, object]:
    own: dict[str, object] = getattr(function, "__globals__", {})
    package = str(function.__module__).partition(".")[0]
    names = ChainMap(own, dict(borrowed), dict(vars(builtins)), _Classes(package))
    annotations: dict[str, object] = getattr(function, "__annotations__", {})
    evaluated = {name: _evaluated(one, names) for name, one in annotations.items()}
    return {name: one for name, one in evaluated.items() if one is not None}


class _Classes(dict[str, object]):
    """The classes of a package's imported modules, for names that only a type checker sees."""

    def __init__(self, package: str) -> None:
        super().__init__()
        self._package = package

    def __missing__(self, name: str) -> type:
        for key, module in sys.modules.copy().items():
            if key.partition(".")[0] == self._package:
                value = vars(module).get(name)
                if isinstance(value, type):
                    return value
        raise KeyError(name)


def _evaluated(annotation: object, names: MutableMapping[str, object]) -> object:
    """The annotation, evaluated if it is text; None where that fails."""
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, {}, names)  # noqa: S307 - inside the jail
    except Exception:  # noqa: BLE001 - as above
        return None


def _plain(value: object) -> object:
    return value.value if isinstance(value, enum.Enum) else value
