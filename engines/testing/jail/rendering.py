"""Values as Python source, where the text is sure to mean the same value everywhere."""

import collections
import datetime
import decimal
import enum
import fractions
import math
import pathlib
import types
import uuid
from collections.abc import Callable, Mapping

TEXT_LIMIT_CHARS = 600
_DEPTH_LIMIT = 6
_ITEM_LIMIT = 60
_INT_LIMIT = 10**40
_BY_REPR = (datetime.date, datetime.time, datetime.timedelta, datetime.timezone)


class _Unstable(Exception):  # noqa: N818 -- a signal inside this file, no error
    """The value has no stable text."""


class Renderer:
    """Writes values as source that evaluates in `names`, the namespace a test would have."""

    def __init__(self, names: Mapping[str, object]) -> None:
        self._names = names
        self._classes = {
            id(value): name for name, value in names.items() if isinstance(value, type)
        }
        self._writers: dict[type, Callable[[object, int], str]] = {
            type(None): self._plain,
            bool: self._plain,
            int: self._integer,
            str: self._text,
            bytes: self._plain,
            float: self._float,
            complex: self._plain,
            range: self._plain,
            list: self._list,
            tuple: self._tuple,
            set: self._set,
            frozenset: self._set,
            dict: self._dict,
            collections.OrderedDict: self._dict,
            collections.Counter: self._dict,
            collections.defaultdict: self._dict,
            types.MappingProxyType: self._dict,
            collections.deque: self._deque,
            type(Ellipsis): self._ellipsis,
        }

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
        writer = self._writers.get(type(value))
        if writer:
            return writer(value, depth)
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
        if isinstance(value, tuple) and hasattr(type(value), "_fields"):
            return self._record(value, getattr(type(value), "_fields"), depth)  # noqa: B009
        fields = getattr(type(value), "__dataclass_fields__", None)
        if isinstance(fields, dict) and "__eq__" in vars(type(value)):
            return self._record(value, [name for name, one in fields.items() if one.init], depth)
        raise _Unstable

    def _record(self, value: object, fields: "list[str] | tuple[str, ...]", depth: int) -> str:
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
        if value.name is None or not str(value.name).isidentifier():
            raise _Unstable
        return f"{self._class_name(type(value))}.{value.name}"

    def _plain(self, value: object, depth: int) -> str:
        return quoted(value) if isinstance(value, bytes) else repr(value)

    def _ellipsis(self, value: object, depth: int) -> str:
        return "..."

    def _text(self, value: object, depth: int) -> str:
        assert isinstance(value, str)
        if len(value) > TEXT_LIMIT_CHARS:
            raise _Unstable
        return quoted(value)

    def _integer(self, value: object, depth: int) -> str:
        assert isinstance(value, int)
        if abs(value) > _INT_LIMIT:
            raise _Unstable
        return repr(value)

    def _float(self, value: object, depth: int) -> str:
        assert isinstance(value, float)
        if math.isnan(value):
            raise _Unstable
        return f'float("{value}")' if math.isinf(value) else repr(value)

    def _items(self, items: "list[object] | tuple[object, ...]", depth: int) -> list[str]:
        if len(items) > _ITEM_LIMIT:
            raise _Unstable
        return [self._write(item, depth + 1) for item in items]

    def _list(self, value: object, depth: int) -> str:
        assert isinstance(value, list)
        return f"[{', '.join(self._items(value, depth))}]"

    def _tuple(self, value: object, depth: int) -> str:
        assert isinstance(value, tuple)
        items = self._items(value, depth)
        return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"

    def _set(self, value: object, depth: int) -> str:
        assert isinstance(value, set | frozenset)
        inner = ", ".join(sorted(self._items(list(value), depth)))
        if isinstance(value, frozenset):
            return f"frozenset({{{inner}}})" if inner else "frozenset()"
        return f"{{{inner}}}" if inner else "set()"

    def _dict(self, value: object, depth: int) -> str:
        assert isinstance(value, Mapping)
        if len(value) > _ITEM_LIMIT:
            raise _Unstable
        pairs = [
            f"{self._write(key, depth + 1)}: {self._write(item, depth + 1)}"
            for key, item in value.items()
        ]
        return f"{{{', '.join(pairs)}}}"

    def _deque(self, value: object, depth: int) -> str:
        assert isinstance(value, collections.deque)
        return f"deque([{', '.join(self._items(list(value), depth))}])"


def quoted(value: str | bytes) -> str:
    """The literal in double quotes, unless it contains some; as formatters write it."""
    text = repr(value)
    start = text.index("'") if text.lstrip("b").startswith("'") else -1
    if start < 0 or '"' in text or "\\'" in text:
        return text
    return f'{text[:start]}"{text[start + 1 : -1]}"'
