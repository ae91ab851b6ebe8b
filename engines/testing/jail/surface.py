"""Describes what an imported module offers: callables with signatures, classes, values."""

import ast
import builtins
import enum
import functools
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from engines.testing.jail.annotations import ANY, Term, Terms, hints_of
from engines.testing.jail.constructors import inherited_parameters
from engines.testing.jail.kinds import is_a, tractable
from engines.testing.jail.rendering import Renderer

Fact = dict[str, Any]

_CLASS_LIMIT = 40
_SUBCLASS_LIMIT = 8
_HEIRS = 2
_ITEM_LIMIT = 50
_VALUE_LIMIT = 300
_TEXT_LIMIT_CHARS = 120
_CONSTANT_ITEMS = 12


class Surface:
    """The surface of one module, as plain data for the side outside the jail."""

    def __init__(
        self, module: ModuleType, file: str, renderer: Renderer, borrowed: Mapping[str, object]
    ) -> None:
        self._module = module
        self._names = tractable(vars(module))
        self._file = file
        self._render = renderer
        self._borrowed = borrowed
        self._terms = Terms()

    def describe(self) -> Fact:
        """All of it; reading attributes may run the target's code."""
        callables: list[Fact] = []
        classes: list[Fact] = []
        self._meet_neighbours()
        for name, value in self._names.items():
            if name.startswith("__") or inspect.ismodule(value):
                continue
            if isinstance(value, type):
                if self._owns(value) and value.__name__ == name:
                    classes.append(self._class(value))
                    callables.append(self._constructor(value))
                    callables.extend(self._members(value))
            elif callable(value) and self._is_own(value):
                callables.append(self._callable(value, name, "", "function"))
        return {
            "callables": callables,
            "classes": classes + list(self._foreign()),
            "values": list(self._values()),
            "patterns": list(self._patterns()),
            "names": sorted(self.own_names()),
            "instances": list(self._instances()),
            "constants": dict(self._constants()),
            "borrowed": sorted(self._borrowed),
        }

    def _meet_neighbours(self) -> None:
        """Classes that the module imports from its own package are values for its functions."""
        named = [*self._borrowed.items(), *self._names.items(), *self._mentioned()]
        for name, value in named:
            if not isinstance(value, type) or name.startswith("_"):
                continue
            if self._is_near(value.__module__) and value.__name__ == name:
                self._terms.of(value)
        for value in self._names.values():
            if isinstance(value, type) and self._owns(value):
                self._meet_heirs(value)

    def _meet_heirs(self, value: type) -> None:
        """Some classes below one of the module's: it may be made for them alone."""
        near = [one for one in _below(value) if self._is_near(one.__module__)]
        for one in [one for one in near if not one.__name__.startswith("_")][:_HEIRS]:
            self._terms.of(one)

    def _mentioned(self) -> Iterator[tuple[str, object]]:
        """What the file reads of modules of its own package: `Node` where it says `tree.Node`."""
        near = {
            name: vars(value)
            for name, value in [*self._borrowed.items(), *self._names.items()]
            if inspect.ismodule(value) and self._is_near(value.__name__)
        }
        for node in ast.walk(ast.parse(Path(self._file).read_bytes())) if near else ():
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                yield node.attr, near.get(node.value.id, {}).get(node.attr)

    def own_names(self) -> dict[str, object]:
        """What a test could import from the module, by its name; nothing of other packages' own."""
        return {
            name: value
            for name, value in self._names.items()
            if not name.startswith("_")
            and not hasattr(builtins, name)
            and (not inspect.ismodule(value) or self._is_near(value.__name__))
        }

    def _is_near(self, module: str) -> bool:
        return module.partition(".")[0] == self._module.__name__.partition(".")[0]

    def _instances(self) -> Iterator[list[str]]:
        known = self._known_classes()
        for name, value in self.own_names().items():
            kind: Any = type(value)
            if f"{kind.__module__}:{kind.__qualname__}" in known:
                yield [name, f"{kind.__module__}:{kind.__qualname__}"]

    def _known_classes(self) -> set[str]:
        own = {
            f"{value.__module__}:{value.__qualname__}"
            for value in self._names.values()
            if isinstance(value, type)
        }
        return own | set(self._terms.classes)

    def foreign_names(self) -> dict[str, object]:
        """The mentioned classes of other modules that a test could import, by their names."""
        return {
            value.__name__: value
            for value in self._terms.classes.values()
            if getattr(sys.modules.get(value.__module__), value.__name__, None) is value
        }

    def _owns(self, value: type) -> bool:
        """Whether a class is made in this file, whatever module it says it is from."""
        if value.__module__ == self._module.__name__:
            return True
        if value.__module__.partition(".")[0] != self._module.__name__.partition(".")[0]:
            return False
        codes = (getattr(one, "__code__", None) for one in tractable(vars(value)).values())
        return any(one.co_filename == self._file for one in codes if one is not None)

    def _is_own(self, value: object) -> bool:
        """Whether a module-level callable was made in this file."""
        inner = inspect.unwrap(value) if callable(value) else value
        if isinstance(inner, functools.partial):
            return True
        code = getattr(inner, "__code__", None)
        if code is not None and code.co_filename != self._file:
            return False
        return getattr(inner, "__module__", None) == self._module.__name__

    def _class(self, value: type) -> Fact:
        members: list[str] = []
        if _is_below(value, enum.Enum):
            named: Mapping[str, object] = getattr(value, "__members__", {})
            members = [f"{value.__name__}.{name}" for name in named]
        return {
            "name": value.__name__,
            "id": f"{value.__module__}:{value.__qualname__}",
            "module": value.__module__,
            "own": self._owns(value),
            "members": members[:20],
            "abstract": inspect.isabstract(value) or _is_protocol(value),
            "exception": issubclass(value, BaseException),
            "concrete": [f"{sub.__module__}:{sub.__qualname__}" for sub in _below(value)],
            "parameters": self._making(value),
            "open": sorted(getattr(value, "__abstractmethods__", ())),
            "attributes": [name for name in dir(value) if not name.startswith("_")][:60],
        }

    def _constructor(self, value: type) -> Fact:
        own = vars(value).get("__init__") or vars(value).get("__new__")
        code = getattr(inspect.unwrap(own), "__code__", None) if own else None
        return {
            "name": value.__name__,
            "owner": "",
            "kind": "constructor",
            "line": code.co_firstlineno if code and code.co_filename == self._file else 0,
            "async": False,
            "async_generator": False,
            "parameters": self._making(value),
            "inherited": False,
        }

    def _making(self, value: type) -> list[Fact]:
        inherited = inherited_parameters(value)
        if inherited is not None:
            return inherited
        return self._parameters(value, _constructor_of(value), drop_first=False)

    def _foreign(self) -> Iterator[Fact]:
        """Classes of other modules that annotations and their constructors mention."""
        done: set[str] = set()
        while len(done) < _CLASS_LIMIT:
            waiting = [
                (key, value)
                for key, value in self._terms.classes.items()
                if key not in done and not self._owns(value)
            ]
            if not waiting:
                return
            for key, value in waiting:
                done.add(key)
                yield self._class(value)

    def _members(self, owner: type) -> Iterator[Fact]:
        """Methods that this file defines, on the class that has them, inherited ones included."""
        seen: set[str] = set()
        for base in owner.__mro__:
            if not self._owns(base):
                continue
            for name, raw in tractable(vars(base)).items():
                if name in seen:
                    continue
                seen.add(name)
                fact = self._member(owner, name, raw)
                if fact:
                    fact["inherited"] = base is not owner
                    yield fact
                if isinstance(raw, property) and raw.fset:
                    yield self._callable(raw.fset, name, owner.__name__, "setter")

    def _member(self, owner: type, name: str, raw: Any) -> Fact | None:
        own = owner.__name__
        if name in {"__init__", "__new__"}:
            return None
        if isinstance(raw, staticmethod):
            return self._callable(raw.__func__, name, own, "static")
        if is_a(raw, classmethod):
            return self._callable(raw.__func__, name, own, "class")
        if isinstance(raw, property | functools.cached_property):
            getter = raw.fget if isinstance(raw, property) else raw.func
            return self._callable(getter, name, own, "property") if getter else None
        inner = inspect.unwrap(raw) if callable(raw) else raw
        if inspect.isfunction(inner) and inner.__code__.co_filename == self._file:
            return self._callable(inner, name, own, "method")
        return None

    def _callable(self, value: Callable[..., object], name: str, owner: str, kind: str) -> Fact:
        inner = inspect.unwrap(value)
        code = getattr(inner, "__code__", None)
        return {
            "name": name,
            "owner": owner,
            "kind": kind,
            "line": code.co_firstlineno if code else 0,
            "async": inspect.iscoroutinefunction(value),
            "async_generator": inspect.isasyncgenfunction(value),
            "parameters": self._parameters(
                value, inner, drop_first=kind in {"method", "class", "property", "setter"}
            ),
            "inherited": False,
        }

    def _parameters(
        self, value: Callable[..., object], hinted: Callable[..., object], *, drop_first: bool
    ) -> list[Fact]:
        try:
            signature = inspect.signature(value)
        except (ValueError, TypeError):
            return []
        hints = hints_of(hinted, self._borrowed)
        parameters = list(signature.parameters.values())[1 if drop_first else 0 :]
        return [self._parameter(one, hints) for one in parameters]

    def _parameter(self, one: inspect.Parameter, hints: Mapping[str, object]) -> Fact:
        known = one.name in hints
        term: Term = self._terms.of(hints[one.name]) if known else ANY
        empty = one.default is inspect.Parameter.empty
        return {
            "name": one.name,
            "kind": one.kind.name.lower(),
            "term": term,
            "optional": not empty,
            "default": None if empty else self._render.text(one.default),
        }

    def _values(self) -> Iterator[str]:
        """Texts of module-level constants and of the keys and items of its tables."""
        found: dict[str, None] = {}
        for name, value in self._names.items():
            if name.startswith("__") or callable(value) or inspect.ismodule(value):
                continue
            for item in _with_items(value):
                if isinstance(item, str | int | float | bytes) and not isinstance(item, bool):
                    text = self._render.text(item)
                    if text and len(text) <= _TEXT_LIMIT_CHARS:
                        found[text] = None
            if len(found) > _VALUE_LIMIT:
                break
        yield from list(found)[:_VALUE_LIMIT]

    def _constants(self) -> Iterator[tuple[str, str]]:
        """Plain constants of the module and its classes, and short collections of such."""
        for holder in self._holders():
            for name, value in holder.copy().items():
                items = list(value) if is_a(value, tuple, list, set, frozenset) else [value]
                is_short = 0 < len(items) <= _CONSTANT_ITEMS
                if not name.startswith("__") and is_short and all(map(_is_plain, items)):
                    text = self._render.text(value)
                    if text is not None:
                        yield name, text

    def _holders(self) -> list[dict[str, Any]]:
        owners = [one for one in self._names.values() if isinstance(one, type)]
        own = [one for one in owners if self._owns(one)]
        return [self._names, *(tractable(vars(one)) for one in own)]

    def _patterns(self) -> Iterator[list[object]]:
        """Compiled patterns of the module, its classes and tables, by the names that hold them."""
        for holder in self._holders():
            for name, value in holder.copy().items():
                for item in _with_items(value):
                    if is_a(item, re.Pattern) and isinstance(item.pattern, str):
                        yield [item.pattern, item.flags, name]


def _with_items(value: Any) -> Iterator[Any]:
    """A value, and where it is a table, its keys and items, those one level further in too."""
    yield value
    if is_a(value, dict):
        yield from list(value.keys())[:_ITEM_LIMIT]
        yield from list(value.values())[:_ITEM_LIMIT]
    elif is_a(value, list, tuple, set, frozenset):
        for item in list(value)[:_ITEM_LIMIT]:
            yield item
            if is_a(item, list, tuple):
                yield from item[:4]


def _is_plain(value: object) -> bool:
    if isinstance(value, str | bytes):
        return len(value) <= _TEXT_LIMIT_CHARS
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_below(value: type, other: type) -> bool:
    return issubclass(value, other)


def _is_protocol(value: type) -> bool:
    return bool(getattr(value, "_is_protocol", False))


def _below(value: type) -> list[type]:
    """Concrete subclasses, nearest first."""
    found: list[type] = []
    try:
        waiting = list(type.__subclasses__(value))
    except TypeError:
        return found
    while waiting and len(found) < _SUBCLASS_LIMIT:
        one = waiting.pop(0)
        if not inspect.isabstract(one):
            found.append(one)
        waiting.extend(type.__subclasses__(one))
    return found


def _constructor_of(value: type) -> Callable[..., object]:
    """The function whose annotations are those of the constructor."""
    for name in ("__init__", "__new__"):
        function = inspect.getattr_static(value, name, None)
        function = function.__func__ if isinstance(function, staticmethod) else function
        if inspect.isfunction(function):
            return function
    return value
