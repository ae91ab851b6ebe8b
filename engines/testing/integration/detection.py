"""Tells from the text of a module whether it is a web application or a program."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from engines.source.module import Module


class Kind(StrEnum):
    """What is spoken to, and how."""

    WEB = "web"
    CLICK = "click"
    TYPER = "typer"
    ARGPARSE = "argparse"


@dataclass(frozen=True)
class Subject:
    """The object that tests talk to. `expression` gives it: `app`, `create_app()`, `main`."""

    kind: Kind
    name: str
    expression: str
    framework: str = ""
    """"fastapi" or "starlette"."""


_APPLICATIONS = ("FastAPI", "Starlette")


def subject_of(module: Module) -> Subject | None:
    """The first thing in the module that integration tests can talk to."""
    imported = {one.lstrip(".").partition(".")[0] for one in module.imports}
    if imported & {"fastapi", "starlette"}:
        framework = "fastapi" if "fastapi" in imported else "starlette"
        for name, expression in _applications(module.tree):
            return Subject(Kind.WEB, name, expression, framework)
    if "typer" in imported:
        for name in _assigned(module.tree, ("Typer",)):
            return Subject(Kind.TYPER, name, name)
    if "click" in imported:
        commands = list(_commands(module.tree))
        if commands:
            return Subject(Kind.CLICK, commands[0], commands[0])
    if "argparse" in imported:
        for one in module.functions:
            if one.name == "main" and one.parameters and not one.is_async:
                return Subject(Kind.ARGPARSE, "main", "main")
    return None


def _applications(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for name in _assigned(tree, _APPLICATIONS):
        yield name, name
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
            continue
        given = node.args
        required = len(given.args) + len(given.posonlyargs) - len(given.defaults)
        makes = any(_makes(one, _APPLICATIONS) for one in ast.walk(node))
        if makes and not required and not given.kwonlyargs:
            yield node.name, f"{node.name}()"


def _assigned(tree: ast.Module, classes: tuple[str, ...]) -> Iterator[str]:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _makes(value, classes):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if _makes(
                value, classes
            ):
                yield name
            case _:
                continue


def _makes(node: ast.AST, classes: tuple[str, ...]) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in classes


def _commands(tree: ast.Module) -> Iterator[str]:
    """Functions that are made commands by click itself: groups first, as the others are in them."""
    found: list[tuple[int, str]] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            texts = [ast.unparse(one) for one in node.decorator_list]
            if any(one.startswith(("click.group", "group")) for one in texts):
                found.append((0, node.name))
            elif any(one.startswith(("click.command", "command")) for one in texts):
                found.append((1, node.name))
    yield from (name for _, name in sorted(found))
