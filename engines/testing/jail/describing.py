"""What a program or application accepts, as plain data."""

import argparse
from collections.abc import Iterable, Iterator
from typing import Any

from engines.testing.jail.kinds import is_a

Fact = dict[str, Any]

_DEPTH_LIMIT = 3
_ROUTE_LIMIT = 60


def web(subject: Any) -> list[Fact]:
    """Operations: from the OpenAPI description where there is one, else from the routes."""
    described = getattr(subject, "openapi", None)
    names = {(one.path, method): one.name for one in _routes(subject) for method in one.methods}
    if not callable(described):
        return [
            {"method": method, "path": path, "name": name, "parameters": [], "body": None}
            for (path, method), name in list(names.items())[:_ROUTE_LIMIT]
            if method != "HEAD"
        ]
    whole: Any = described()
    found: list[Fact] = []
    for path, operations in whole.get("paths", {}).items():
        for method, one in operations.items():
            content = one.get("requestBody", {}).get("content", {}).get("application/json", {})
            found.append({
                "method": method.upper(), "path": path,
                "name": names.get((path, method.upper()), one.get("operationId", method)),
                "parameters": _resolved(one.get("parameters", []), whole),
                "body": _resolved(content.get("schema"), whole),
            })  # fmt: skip
    return found[:_ROUTE_LIMIT]


def _routes(subject: Any) -> list[Any]:
    return [one for one in subject.routes if getattr(one, "methods", None)]


def _resolved(schema: Any, whole: Any, depth: int = 0) -> Any:
    """The schema with its references put in, to some depth."""
    if is_a(schema, list):
        return [_resolved(one, whole, depth) for one in schema]
    if not is_a(schema, dict):
        return schema
    reference: Any = schema.get("$ref")
    if isinstance(reference, str):
        found = whole
        for part in reference.removeprefix("#/").split("/"):
            found = found.get(part, {})
        return _resolved(found, whole, depth + 1) if depth < _DEPTH_LIMIT else {}
    return {name: _resolved(one, whole, depth) for name, one in schema.items()}


def click(subject: Any, names: tuple[str, ...] = ()) -> list[Fact]:
    """The commands of a click command, those inside groups by their way to them."""
    inner = getattr(subject, "commands", None)
    if inner and len(names) < _DEPTH_LIMIT:
        return [one for name, command in inner.items() for one in click(command, (*names, name))]
    return [{"way": list(names), "parameters": [_click_parameter(one) for one in subject.params]}]


def _click_parameter(one: Any) -> Fact:
    is_option = str(one.opts[0]).startswith("-")
    long = [name for name in one.opts if name.startswith("--")] or list(one.opts)
    return {
        "name": one.name,
        "option": long[0] if is_option else None,
        **_click_type(one),
        "required": bool(one.required),
        "flag": bool(getattr(one, "is_flag", False)),
        "many": one.nargs != 1,
    }


def _click_type(one: Any) -> Fact:
    """Of click's own parameters, and of typer's, which know the annotation instead."""
    annotation: Any = getattr(getattr(one, "type_descriptor", None), "annotation", None)
    if annotation is None:
        choices: Any = getattr(one.type, "choices", None) or ()
        return {"type": _TYPES.get(type(one.type).__name__, "text"), "choices": _texts(choices)}
    members: Any = getattr(annotation, "__members__", {})
    kind = _TYPES.get(getattr(annotation, "__name__", ""), "text")
    return {"type": kind, "choices": _texts(member.value for member in members.values())}


def _texts(values: Iterable[Any]) -> list[str]:
    return [str(getattr(one, "value", one)) for one in values]


_TYPES = {
    "IntParamType": "integer", "IntRange": "integer", "FloatParamType": "number",
    "FloatRange": "number", "Path": "path", "File": "path", "TyperPath": "path", "open": "path",
    "int": "integer", "float": "number",
}  # fmt: skip


def program(
    parser: argparse.ArgumentParser | None, lead: list[str], names: tuple[str, ...] = ()
) -> list[Fact]:
    """The commands of an argument parser, those of its subparsers by their way to them; `lead`
    stands before all arguments.
    """
    if parser is None:
        return []
    actions = parser._actions
    choices: list[Any] = [one.choices for one in actions if is_a(one.choices, dict)]
    if choices and len(names) < _DEPTH_LIMIT:
        return [
            found
            for name, inner in choices[0].items()
            if isinstance(inner, argparse.ArgumentParser)
            for found in program(inner, lead, (*names, name))
        ]
    return [{"lead": lead, "way": list(names), "parameters": list(_parameters(actions))}]


def _parameters(actions: list[argparse.Action]) -> Iterator[Fact]:
    for one in actions:
        if type(one).__name__ in {"_HelpAction", "_VersionAction"}:
            continue
        long = [name for name in one.option_strings if name.startswith("--")]
        kind = getattr(one.type, "__name__", "")
        yield {
            "name": one.dest,
            "option": (long or list(one.option_strings) or [None])[0],
            "type": _TYPES.get(kind, "text"),
            "choices": _texts(one.choices or ()),
            "required": one.required and one.nargs not in {"?", "*"},
            "flag": one.nargs == 0,
            "many": one.nargs in {"*", "+"},
        }
