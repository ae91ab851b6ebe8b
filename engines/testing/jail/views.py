"""Looks at a result as a caller could: expressions on it, and the text of each one's value.

`{r}` stands for the result. Where its text is stable it is the only view; else what it holds is
looked at: items, public attributes, what its own `str`, `len` and iteration give. A private name
is never looked at, nor an address.
"""

import contextlib
import random
import re
import signal
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any, cast

from engines.testing.jail.execution import REPEAT_S, Candidate, Hang, Runner
from engines.testing.jail.kinds import is_a
from engines.testing.jail.overriding import override
from engines.testing.jail.raising import Raised, Sites
from engines.testing.jail.rendering import Renderer

Fact = dict[str, Any]
Views = dict[str, str | None]

RESULT = "{r}"
_VIEW_LIMIT = 24
_DEPTH_LIMIT = 3
_ITEM_LIMIT = 6
_LISTED_LIMIT = 50
_PART_CHARS = 400
_PARTS = 12
_PRIME = 1_000_003
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{4,}|\bat 0x|<locals>|<lambda>")
_CALLABLES = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.LambdaType)


class Viewer(Runner):
    """Executes candidates and reports the views of what they return and leave behind."""

    def __init__(self, names: Mapping[str, object], module: str, sites: Sites, root: str) -> None:
        super().__init__(names, module, sites)
        self._texts = Renderer(names)
        self._root = root.rstrip("/") + "/"
        self.random_state = 0

    @override
    def run(self, candidate: Candidate, *, is_brief: bool = False) -> Fact:
        """Execute and observe; what the standard library draws at random is the same each time."""
        random.seed(self.random_state)
        return super().run(candidate, is_brief=is_brief)

    @override
    def value(self, value: Any) -> Fact:
        """The kind and the views of a result."""
        views: Views = {}
        kind = cast(type, value.__class__)
        if is_a(value, contextlib.AbstractContextManager) and not self._is_of_checkout(kind):
            return self._inside(value)
        if is_a(value, Iterator):
            self._look(value, RESULT, views, 0)
        else:
            self._look_briefly(value, views)
        return {"kind": self._kind(value, views), "type": _name(kind), "views": views}

    @override
    def _state(self, names: dict[str, object], subject: str | None) -> dict[str, Any]:
        """Of each variable in `subject`, which are separated by spaces."""
        states: dict[str, Views] = {}
        for name in (subject or "").split():
            if name in names:
                states[name] = {}
                with contextlib.suppress(Exception):
                    self._look_briefly(names[name], states[name])
        return states

    def _look_briefly(self, value: Any, views: Views) -> None:
        """Look at it; where that does not end, which is no fault of the call, at less of it."""
        try:
            self._look(value, RESULT, views, 0)
        except Hang:
            signal.setitimer(signal.ITIMER_REAL, self.limit_s, REPEAT_S)
            signal.setitimer(signal.ITIMER_PROF, self.limit_cpu_s, REPEAT_S)

    def _kind(self, value: object, views: Views) -> str:
        if RESULT in views:
            return "value"
        if isinstance(value, _CALLABLES):
            return "callable"
        return "object" if self._is_of_checkout(type(value)) else "opaque"

    def _inside(self, value: Any) -> Fact:
        """What a context manager gives to its block; the block itself is empty."""
        with value as given:
            views: Views = {}
            self._look(given, f"{RESULT}.__enter__()", views, 0)
        return {"kind": "entered", "type": "", "views": views}

    def _look(self, value: Any, name: str, views: Views, depth: int) -> None:
        if len(views) >= _VIEW_LIMIT:
            return
        text = self._texts.text(value)
        if text is not None:
            views[name] = text
        elif depth < _DEPTH_LIMIT:
            self._look_inside(value, name, views, depth)

    def _look_inside(self, value: Any, name: str, views: Views, depth: int) -> None:
        if is_a(value, str, bytes):
            self._parts(value, name, views)
        elif is_a(value, int):
            views[f"{name} % {_PRIME}"] = repr(value % _PRIME)
        elif is_a(value, float):
            views[f"repr({name})"] = f'"{value!r}"'
        elif is_a(value, Iterator):
            self._listed(value, name, views, depth)
        elif is_a(value, list, tuple, set, frozenset, dict):
            self._held(value, name, views, depth)
        elif self._is_of_checkout(cast(type, value.__class__)):
            self._object(value, name, views, depth)
        elif is_a(value, BaseException):
            self._look(value.args, f"{name}.args", views, depth + 1)
        elif not isinstance(value, (*_CALLABLES, type, types.ModuleType)):
            self._shown(value, "repr", name, views)

    def _parts(self, value: Any, name: str, views: Views) -> None:
        views[f"len({name})"] = repr(len(value))
        for start in range(0, min(len(value), _PART_CHARS * _PARTS), _PART_CHARS):
            end = start + _PART_CHARS
            views[f"{name}[{start}:{end}]"] = self._texts.text(value[start:end])

    def _listed(self, value: Iterator[object], name: str, views: Views, depth: int) -> None:
        items = list(islice(value, _LISTED_LIMIT + 1))
        if len(items) > _LISTED_LIMIT:
            name, items = f"itertools.islice({name}, {_LISTED_LIMIT})", items[:_LISTED_LIMIT]
        self._look(items, f"list({name})", views, depth)

    def _held(self, value: Any, name: str, views: Views, depth: int) -> None:
        """The items of a container that has no text as a whole."""
        views[f"len({name})"] = repr(len(value))
        if is_a(value, dict):
            for key, item in islice(list(value.items()), _ITEM_LIMIT):
                text = self._texts.text(key)
                if text is not None:
                    self._look(item, f"{name}[{text}]", views, depth + 1)
        elif is_a(value, list, tuple):
            for place, item in enumerate(islice(cast(Iterable[object], value), _ITEM_LIMIT)):
                self._look(item, f"{name}[{place}]", views, depth + 1)

    def _object(self, value: Any, name: str, views: Views, depth: int) -> None:
        """An instance of one of the checkout's own classes."""
        kind = cast(type, value.__class__)
        if not kind.__name__.startswith("_"):
            views[f"type({name}).__name__"] = f'"{kind.__name__}"'
        for attribute in _attributes(value):
            item = self._attempt(lambda one=attribute: getattr(value, one))
            if not isinstance(item, Raised) and not callable(item):
                self._look(item, f"{name}.{attribute}", views, depth + 1)
        for function in ("str", "repr"):
            if self._defines(kind, f"__{function}__"):
                self._shown(value, function, name, views)
        if self._defines(kind, "__len__"):
            self._asked(lambda: len(value), f"len({name})", views, depth)
        if self._defines(kind, "__iter__") and not depth:
            self._asked(lambda: _first(value), f"list({name})", views, depth)

    def _asked(self, ask: Callable[[], object], name: str, views: Views, depth: int) -> None:
        item = self._attempt(ask)
        if not isinstance(item, Raised):
            self._look(item, name, views, depth + 1)

    def _shown(self, value: object, function: str, name: str, views: Views) -> None:
        """`str` or `repr` of a value, where it names no address."""
        text = self._attempt(lambda: {"str": str, "repr": repr}[function](value))
        if isinstance(text, str) and not _ADDRESS.search(text):
            views[f"{function}({name})"] = self._texts.text(text)

    def _defines(self, kind: type, name: str) -> bool:
        """Whether the checkout's own code gives the class this method."""
        for one in kind.__mro__:
            if name in vars(one):
                return self._is_of_checkout(one)
        return False

    def _is_of_checkout(self, kind: type) -> bool:
        if kind in self._own_types and kind.__module__ == self._module:
            return True
        module = sys.modules.get(kind.__module__)
        return str(getattr(module, "__file__", None)).startswith(self._root)


def _first(value: Iterable[object]) -> list[object]:
    return list(islice(value, _LISTED_LIMIT))


def _attributes(value: object) -> list[str]:
    """Public names of an instance's data: its own, its slots', its properties'."""
    found = dict.fromkeys(getattr(value, "__dict__", {}))
    for base in type(value).__mro__:
        for name, raw in vars(base).items():
            if isinstance(raw, property | cached_property | types.MemberDescriptorType):
                found[name] = None
    return sorted(one for one in found if isinstance(one, str) and not one.startswith("_"))


def _name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"
