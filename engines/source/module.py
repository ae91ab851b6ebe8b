"""A Python file, parsed: what it defines, imports, mentions and shows as examples."""

import ast
import warnings
from dataclasses import dataclass, field

from engines.source.symbols import Class, Function, classes_of, functions_of


class SyntaxProblem(Exception):
    """The text is not valid Python; the message names file, line and what the parser said."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(f"`{path}` line {line} is not valid Python: {reason}.")
        self.path = path
        self.line = line
        self.reason = reason


@dataclass(frozen=True)
class Module:
    """One parsed file. `exports` is its `__all__`, None where it has none."""

    path: str
    text: str
    docstring: str | None
    functions: tuple[Function, ...]
    classes: tuple[Class, ...]
    imports: tuple[str, ...]
    """Dotted names of the imported modules, relative ones with their leading dots."""
    exports: frozenset[str] | None
    tree: ast.Module = field(repr=False, compare=False)

    def all_functions(self) -> tuple[Function, ...]:
        """Functions and methods together."""
        return self.functions + tuple(one for owner in self.classes for one in owner.methods)


def parse_module(text: str, path: str) -> Module:
    """Parse Python source.

    Raises:
        SyntaxProblem: with the line.
    """
    tree = _parsed(text, path)
    return Module(
        path=path,
        text=text,
        docstring=ast.get_docstring(tree),
        functions=functions_of(tree.body),
        classes=classes_of(tree.body),
        imports=_imports(tree),
        exports=_exports(tree),
        tree=tree,
    )


def _parsed(text: str, path: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            return ast.parse(text, filename=path)
    except SyntaxError as error:
        raise SyntaxProblem(path, error.lineno or 1, error.msg) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxProblem(path, 1, str(error) or "too deeply nested") from error


def _imports(tree: ast.Module) -> tuple[str, ...]:
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.append("." * node.level + (node.module or ""))
    return tuple(dict.fromkeys(found))


def _exports(tree: ast.Module) -> frozenset[str] | None:
    names: set[str] = set()
    listed = False
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign | ast.AugAssign):
            targets = [node.target]
        if any(isinstance(one, ast.Name) and one.id == "__all__" for one in targets):
            listed = True
            names.update(_strings(node))
    return frozenset(names) if listed else None


def _strings(node: ast.AST) -> list[str]:
    return [
        item.value
        for item in ast.walk(node)
        if isinstance(item, ast.Constant) and isinstance(item.value, str)
    ]
