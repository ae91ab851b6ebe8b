"""Names of the package's other modules that a module's documents, tests and annotations use."""

import ast
import importlib.util
from collections.abc import Iterable, Iterator

from engines.source.module import Module
from engines.testing.examples import shown
from engines.testing.places import Borrowed, Place

_LIMIT = 40


def borrowed_by(module: Module, place: Place) -> tuple[Borrowed, ...]:
    """What the module imports for annotations or late, and what examples of it import.

    Only names of its own package: those of other packages may not be installed, and the standard
    library's that inputs need are known.
    """
    first = {id(node) for node in module.tree.body}
    late = (node for node in ast.walk(module.tree) if id(node) not in first)
    found: dict[str, Borrowed] = {}
    for node in (*late, *shown(module, place)):
        for one in _of_import(node, place.module):
            found.setdefault(one.name, one)
    return tuple(one for one in found.values() if one.module != place.module)[:_LIMIT]


def _of_import(node: ast.AST, module: str) -> Iterator[Borrowed]:
    package = module.partition(".")[0]
    if isinstance(node, ast.ImportFrom):
        source = _absolute(node, module)
        if _is_of(source, package):
            yield from (Borrowed(name, source, name) for name in _plain(node.names))
    elif isinstance(node, ast.Import) and any(_is_of(one.name, package) for one in node.names):
        yield Borrowed(package, package, "")


def _is_of(module: str, package: str) -> bool:
    return module.partition(".")[0] == package


def _absolute(node: ast.ImportFrom, module: str) -> str:
    """The name of the module that is imported from; empty where it is above the package."""
    if not node.level:
        return node.module or ""
    try:
        return importlib.util.resolve_name(
            "." * node.level + (node.module or ""), module.rpartition(".")[0]
        )
    except ImportError:
        return ""


def _plain(names: Iterable[ast.alias]) -> Iterator[str]:
    """Public names that are imported as they are."""
    for one in names:
        if one.name != "*" and not one.name.startswith("_") and one.asname in {None, one.name}:
            yield one.name
