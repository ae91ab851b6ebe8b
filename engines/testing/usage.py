"""Where the value of a parameter is at hand: in its function, in what that calls, on the object."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from engines.source.module import Module
from engines.source.symbols import Class, Function

_DEPTH = 2
_FARTHER = 0.6
_USES = 24


_TIDYING = frozenset({"strip", "lstrip", "rstrip", "lower", "upper", "casefold", "copy", "title"})
_COPYING = frozenset({"list", "tuple", "iter", "sorted", "dict", "str"})


@dataclass(frozen=True)
class Use:
    """The name the value has in a function, as source text: "text", "self.text", "other"."""

    name: str
    function: Function
    nodes: tuple[ast.AST, ...]
    weight: float


class Usage:
    """Follows parameters through one module."""

    def __init__(self, module: Module) -> None:
        self._functions = {one.qualname: one for one in module.all_functions()}
        self._classes = {one.name: one for one in module.classes}
        self._nodes: dict[str, tuple[ast.AST, ...]] = {}

    def of(self, parameter: str, function: Function) -> tuple[Use, ...]:
        """The uses of a parameter, those in its own function first."""
        found: dict[tuple[str, str], Use] = {}
        waiting = [(parameter, function, 1.0, _DEPTH)]
        while waiting and len(found) < _USES:
            name, place, weight, depth = waiting.pop(0)
            if (name, place.qualname) in found:
                continue
            found[name, place.qualname] = Use(name, place, self._nodes_of(place), weight)
            if depth:
                waiting.extend(
                    (other, where, weight * (1 if where is place else _FARTHER), depth - 1)
                    for other, where in self._onward(name, place)
                )
        return tuple(found.values())

    def _nodes_of(self, function: Function) -> tuple[ast.AST, ...]:
        if function.qualname not in self._nodes:
            self._nodes[function.qualname] = tuple(ast.walk(function.node))
        return self._nodes[function.qualname]

    def _onward(self, name: str, place: Function) -> Iterator[tuple[str, Function]]:
        """The other names the value gets, and where."""
        for item in self._nodes_of(place):
            if isinstance(item, ast.Assign) and is_about(item.value, name):
                yield from self._assigned(item.targets[0], place)
            elif isinstance(item, ast.AnnAssign) and item.value and is_about(item.value, name):
                yield from self._assigned(item.target, place)
            elif isinstance(item, ast.Call):
                yield from self._passed(item, name, place)

    def _assigned(self, target: ast.expr, place: Function) -> Iterator[tuple[str, Function]]:
        if isinstance(target, ast.Name):
            yield target.id, place
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            owner = place.qualname.rpartition(".")[0]
            if target.value.id == "self" and owner in self._classes:
                text = f"self.{target.attr}"
                for method in self._methods(owner):
                    if target.attr in {
                        one.attr for one in self._nodes_of(method) if isinstance(one, ast.Attribute)
                    }:
                        yield text, method

    def _methods(self, owner: str) -> Iterator[Function]:
        known: Class | None = self._classes.get(owner)
        names = [owner, *(known.bases if known else ())]
        names += [one.name for one in self._classes.values() if owner in one.bases]
        for name in names:
            yield from self._classes[name].methods if name in self._classes else ()

    def _passed(self, call: ast.Call, name: str, place: Function) -> Iterator[tuple[str, Function]]:
        places = [index for index, one in enumerate(call.args) if is_named(one, name)]
        keywords = [one.arg for one in call.keywords if one.arg and is_named(one.value, name)]
        if not places and not keywords:
            return
        called = self._called(call.func, place)
        if called is None:
            return
        names = [one.name for one in called.parameters]
        if "." in called.qualname and "staticmethod" not in called.decorators:
            names = names[1:]
        yield from ((names[index], called) for index in places if index < len(names))
        yield from ((one, called) for one in keywords if one in names)

    def _called(self, node: ast.expr, place: Function) -> Function | None:
        if isinstance(node, ast.Name):
            own = self._functions.get(node.id)
            return own or self._functions.get(f"{node.id}.__init__")
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = place.qualname.rpartition(".")[0]
            name = owner if node.value.id in {"self", "cls"} else node.value.id
            for one in (name, *(self._classes[name].bases if name in self._classes else ())):
                if f"{one}.{node.attr}" in self._functions:
                    return self._functions[f"{one}.{node.attr}"]
        return None


def is_named(node: ast.AST, name: str) -> bool:
    """Whether an expression is the one that `name` writes: "x", "self.x", "x['key']"."""
    if isinstance(node, ast.Name):
        return node.id == name
    if isinstance(node, ast.Attribute | ast.Subscript):
        return ("." in name or "[" in name) and ast.unparse(node) == name
    return False


def unwrapped(node: ast.AST) -> ast.AST:
    """The value that an expression only tidies or copies: `x` of `x.strip()` and of `list(x)`."""
    while isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr in _TIDYING:
            node = node.func.value
        elif isinstance(node.func, ast.Name) and node.func.id in _COPYING and node.args:
            node = node.args[0]
        else:
            break
    return node


def is_about(node: ast.AST, name: str) -> bool:
    """Whether it is the value itself, or the value with a substitute: `x or ()`."""
    node = unwrapped(node)
    if isinstance(node, ast.BoolOp):
        return any(is_named(one, name) for one in node.values)
    if isinstance(node, ast.IfExp):
        return is_named(node.body, name) or is_named(node.orelse, name)
    return is_named(node, name)
