"""What the names of an existing test file mean, and what new tests have to call things there."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Needed:
    """A name that new tests import: `member` of `module`, or `module` itself where it is ""."""

    name: str
    module: str
    member: str = ""


@dataclass
class Bound:
    """The module-level names of a file. `imports` tells what the imported ones stand for."""

    names: set[str] = field(default_factory=set[str])
    imports: dict[str, Needed] = field(default_factory=dict[str, Needed])

    def means(self, wanted: Needed) -> bool:
        """Whether the name is there and stands for what is wanted.

        A member taken from a package above the module counts: packages pass names on.
        """
        found = self.imports.get(wanted.name)
        if found is None or found.member != wanted.member:
            return False
        return f"{wanted.module}.".startswith(f"{found.module}.")

    def prefix_of(self, module: str) -> str | None:
        """The name that stands for the module, where the file takes no members from it."""
        if any(one.module == module and one.member for one in self.imports.values()):
            return None
        for name, one in self.imports.items():
            whole = f"{one.module}.{one.member}" if one.member else one.module
            if whole == module:
                return name
        return None


def bound_in(tree: ast.Module) -> Bound:
    """The names that a file's own level binds."""
    bound = Bound()
    for node in tree.body:
        for one in _imported(node):
            bound.imports[one.name] = one
        bound.names.update(_bound(node))
    return bound


def needed_by(tree: ast.Module) -> list[Needed]:
    """What the import statements of a file bring in, in their order."""
    return [one for node in tree.body for one in _imported(node)]


def _imported(node: ast.stmt) -> Iterator[Needed]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname or "." not in alias.name:
                yield Needed(alias.asname or alias.name, alias.name)
            else:
                yield Needed(alias.name, alias.name)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        for alias in node.names:
            yield Needed(alias.asname or alias.name, node.module, alias.name)


def _bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from ((one.asname or one.name).partition(".")[0] for one in node.names)
        return
    for item in ast.walk(node):
        if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store):
            yield item.id
