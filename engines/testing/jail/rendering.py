"""Values as Python source, where the text is sure to mean the same value everywhere."""

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import math
import pathlib
import types
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from engines.testing.jail.kinds import is_a

TEXT_LIMIT_CHARS = 600
_DEPTH_LIMIT = 6
_ITEM_LIMIT = 60
_INT_LIMIT = 10**40
_QUOTED_TEXTS = 4_096
_EQUALITY = ("__eq__", "__iter__", "__len__", "items", "__str__", "__int__", "__float__")
_BY_REPR = (datetime.date, datetime.time, datetime.timedelta, datetime.timezone)


class _Unstable(Exception):
    """The value has no stable text."""


class Renderer:
    """Writes values as source that evaluates in `names`, the namespace a test would have."""

    def __init__(self, names: Mapping[str, object]) -> None:
        self._names = names
        self._classes = {
            id(value): name for name, value in names.items() if isinstance(value, type)
        }
        self._plain: dict[type, Callable[[Any], str]] = {
            type(None): repr, bool: repr, complex: repr, range: repr, int: _integer, str: _text,
            bytes: quoted, float: _float, type(Ellipsis): lambda _: "...",
        }  # fmt: skip
        self._nested: dict[type, Callable[[Any, int], str]] = {
            list: self._list, tuple: self._tuple, set: self._set, frozenset: self._set,
            dict: self._dict, collections.OrderedDict: self._dict, collections.Counter: self._dict,
            collections.defaultdict: self._dict, types.MappingProxyType: self._dict,
            collections.deque: self._deque,
        }  # fmt: skip
        self._bases = (str, bytes, int, float, dict, list, tuple, set, frozenset)

    def text(self, value: object) -> str | None:
        """The source text of `value`, None where it has none that is stable and short."""
        try:
            text = self._write(value, 0)
        except (_Unstable, RecursionError):
            return None
        return text if len(text) <= TEXT_LIMIT_CHARS else None

    def _write(self, value: object, depth: int) -> str:
        if depth > _DEPTH_LIMIT:
            raise _Unstable
        kind: type = type(value)
        if kind in self._plain:
            return self._plain[kind](value)
        if kind in self._nested:
            return self._nested[kind](value, depth)
        if isinstance(value, enum.Enum):
            return self._member(value)
        if isinstance(value, type):
            return self._class_name(value)
        if isinstance(value, _BY_REPR) and type(value).__module__ == "datetime":
            return repr(value)
        return self._other(value, depth)

    def _other(self, value: object, depth: int) -> str:
        if isinstance(value, decimal.Decimal) and value.is_finite():
            return f'Decimal("{value}")'
        if type(value) is fractions.Fraction:
            return f"Fraction({value.numerator}, {value.denominator})"
        if isinstance(value, uuid.UUID):
            return f'UUID("{value}")'
        if isinstance(value, pathlib.PurePath) and not value.is_absolute():
            return f'Path("{value}")'
        kind: Any = type(value)
        if hasattr(kind, "_fields") and is_a(value, tuple):
            return self._record(value, kind._fields, depth)
        if dataclasses.is_dataclass(kind) and "__eq__" in vars(kind):
            fields = [one.name for one in dataclasses.fields(kind) if one.init]
            return self._record(value, fields, depth)
        is_told_apart = depth == 0 and id(kind) in self._classes
        if not is_told_apart and (base := self._equal_base(value)):
            return self._write(base(value), depth)
        raise _Unstable

    def _equal_base(self, value: object) -> type[Any] | None:
        """The built-in class that it extends, if it equals such a value with the same content.

        Not of the system's own records, such as the interpreter's version.
        """
        kind = type(value)
        if hasattr(kind, "n_sequence_fields"):
            return None
        base = next((one for one in self._bases if is_a(value, one)), None)
        same = (getattr(kind, name, None) is getattr(base, name, None) for name in _EQUALITY)
        return base if all(same) else None

    def _record(self, value: object, fields: Iterable[str], depth: int) -> str:
        name = self._class_name(type(value))
        parts = [f"{field}={self._write(getattr(value, field), depth + 1)}" for field in fields]
        return f"{name}({', '.join(parts)})"

    def _class_name(self, value: type) -> str:
        if value.__module__ == "builtins" and value.__name__ not in self._names:
            return value.__name__
        name = self._classes.get(id(value))
        if name is None:
            raise _Unstable
        return name

    def _member(self, value: enum.Enum) -> str:
        if not str(value.name).isidentifier():
            raise _Unstable
        return f"{self._class_name(type(value))}.{value.name}"

    def _items(self, items: Sequence[object], depth: int) -> list[str]:
        if len(items) > _ITEM_LIMIT:
            raise _Unstable
        return [self._write(item, depth + 1) for item in items]

    def _list(self, value: list[object], depth: int) -> str:
        return f"[{', '.join(self._items(value, depth))}]"

    def _tuple(self, value: tuple[object, ...], depth: int) -> str:
        items = self._items(value, depth)
        return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"

    def _set(self, value: set[object] | frozenset[object], depth: int) -> str:
        inner = ", ".join(sorted(self._items(list(value), depth)))
        if isinstance(value, frozenset):
            return f"frozenset({{{inner}}})" if inner else "frozenset()"
        return f"{{{inner}}}" if inner else "set()"

    def _dict(self, value: Mapping[object, object], depth: int) -> str:
        if len(value) > _ITEM_LIMIT:
            raise _Unstable
        pairs = [
            f"{self._write(key, depth + 1)}: {self._write(item, depth + 1)}"
            for key, item in value.items()
        ]
        return f"{{{', '.join(pairs)}}}"

    def _deque(self, value: collections.deque[object], depth: int) -> str:
        return f"deque([{', '.join(self._items(list(value), depth))}])"


def _text(value: str) -> str:
    if len(value) > TEXT_LIMIT_CHARS:
        raise _Unstable
    return quoted(value)


def _integer(value: int) -> str:
    if abs(value) > _INT_LIMIT:
        raise _Unstable
    return repr(value)


def _float(value: float) -> str:
    if math.isnan(value):
        raise _Unstable
    return f'float("{value}")' if math.isinf(value) else repr(value).replace("e+", "e")


@functools.lru_cache(_QUOTED_TEXTS)
def quoted(value: str | bytes) -> str:
    """The literal in double quotes, unless it contains some; as formatters write it."""
    text = repr(value)
    start = text.index("'") if text.lstrip("b").startswith("'") else -1
    if start < 0 or '"' in text or "\\'" in text[start + 1 : -1]:
        return text
    return f'{text[:start]}"{text[start + 1 : -1]}"'
