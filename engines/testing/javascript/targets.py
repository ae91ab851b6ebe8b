"""Which functions and classes are called, under which local names, and how a test imports them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tree_sitter import Node

from engines.testing.javascript.calls import Target, instance_name, is_name
from engines.testing.javascript.clues import Parameter, Reader
from engines.testing.javascript.jailed import Entry, Loaded
from engines.testing.javascript.kinds import ANY
from engines.testing.javascript.project import Project
from engines.testing.javascript.syntax import (
    CLASSES,
    FUNCTIONS,
    Tree,
    above,
    language_of,
    named,
    walk,
    words,
)
from engines.testing.javascript.syntax import source as text_of
from engines.testing.types import CannotTest, TestingRequest

_WHOLE = "module.exports"
_TAKEN = words(
    "test it describe expect assert jest vi beforeEach afterEach Map Set Date Error Symbol Object "
    "Array Buffer Uint8Array RegExp String Number TypeError NaN Infinity"
)


@dataclass
class Surface:
    """The targets with what the calls and the test file need to name them."""

    targets: list[Target] = field(default_factory=list[Target])
    bindings: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Local names, with the exported name each stands for first."""
    hidden: frozenset[str] = frozenset()
    """Members that a test may not mention: a compiler refuses it."""


@dataclass(frozen=True)
class _Texts:
    """The file as written and as run; they differ in TypeScript."""

    written: Tree
    run: Tree
    lines: list[int]
    names: frozenset[str]

    def function(self, entry: Entry) -> Node | None:
        """Where a callable is written, if it is in this file."""
        node = above(self.run.at(entry.line, entry.column), FUNCTIONS | CLASSES)
        if node is None or self.run is self.written or entry.line < 0:
            return node if entry.line >= 0 else None
        return self._same(node)

    def _same(self, node: Node) -> Node | None:
        """The function of the same kind and name on the line it came from, or near it."""
        line = self.lines[node.start_point[0]] if self.lines else node.start_point[0] + 1
        name = named(node, "name")
        wanted = text_of(name) if name is not None else ""
        kinds = CLASSES if node.type in CLASSES else FUNCTIONS
        found = [
            one
            for one in walk(self.written.root)
            if one.type in kinds
            and (text_of(own) if (own := named(one, "name")) is not None else "") == wanted
        ]
        return min(found, key=lambda one: abs(one.start_point[0] + 1 - line), default=None)


def trees_of(project: Project, loaded: Loaded) -> tuple[Tree, Tree]:
    """The file as it is written and as it runs."""
    written = Tree(project.text, language_of(project.path))
    is_same = loaded.code == project.text and not project.is_typed
    return written, written if is_same else Tree(loaded.code)


def surface_of(
    project: Project, loaded: Loaded, trees: tuple[Tree, Tree], request: TestingRequest
) -> Surface:
    """What is to be tested.

    Raises:
        CannotTest: nothing that the request names is exported.
    """
    texts = _Texts(*trees, loaded.lines, loaded.names)
    reader = Reader(texts.written)
    found = Surface(hidden=frozenset(reader.types.hidden))
    for name in sorted(reader.types.enums & loaded.names):
        found.bindings[name] = (name,)
    owners: dict[tuple[str, ...], Target] = {}
    is_maker = all(entry.line < 0 for entry in loaded.surface)
    for entry in loaded.surface:
        if is_maker and entry.kind == "function":
            found.targets.extend(_foreign(entry, found, project))
            continue
        target = _target(entry, texts, reader, found, owners, project)
        if target is not None and target.kind == "class":
            owners[entry.path] = target
        if target is not None:
            found.targets.append(target)
    wanted = [one for one in found.targets if _is_wanted(one, request)]
    if not wanted:
        raise CannotTest(_nothing(project, found, request))
    return replace(found, targets=wanted)


def _foreign(entry: Entry, found: Surface, project: Project) -> list[Target]:
    """A function that another file's code made for this one: nothing is known of its parameters."""
    callee = _callee(entry, None, found.bindings, project)
    count = max(1, entry.length)
    any_kind = [Parameter(f"value{n or ''}", {"any": 1.0}, {"any": ANY}) for n in range(count)]
    name = callee.rpartition(".")[2] if callee else ""
    key = ".".join(entry.path)
    made = Target(key, "function", callee or "", name, tuple(any_kind), entry.waits)
    return [made] if callee else []


def _target(
    entry: Entry, texts: _Texts, reader: Reader, found: Surface,
    owners: Mapping[tuple[str, ...], Target], project: Project,
) -> Target | None:  # fmt: skip
    node = texts.function(entry)
    if node is None:
        return None
    owner = owners.get(entry.path[:-1]) if entry.kind in {"method", "getter"} else None
    if entry.kind in {"method", "getter"} and owner is None:
        return None
    if entry.path[-1] in found.hidden:
        return None
    callee = _callee(entry, owner, found.bindings, project)
    if callee is None:
        return None
    return Target(
        key=".".join(entry.path),
        kind=entry.kind,
        callee=callee,
        name=entry.path[-1] if len(entry.path) > 1 else callee.rpartition(".")[2],
        parameters=tuple(_parameters(node, reader)),
        waits=entry.waits,
        owner=owner,
        instance=instance_name(callee, {*texts.names, *found.bindings, project.stem}),
        first_line=node.start_point[0] + 1,
        last_line=node.end_point[0] + 1,
    )


def _parameters(node: Node, reader: Reader) -> Sequence[Parameter]:
    """Of a class: those of its constructor."""
    if node.type not in CLASSES:
        return reader.parameters(node)
    body = named(node, "body")
    for one in body.named_children if body is not None else []:
        name = named(one, "name")
        if one.type == "method_definition" and name is not None and text_of(name) == "constructor":
            return reader.parameters(one)
    return []


def _callee(
    entry: Entry, owner: Target | None, bindings: dict[str, tuple[str, ...]], project: Project
) -> str | None:
    if owner is not None:
        name = entry.path[-1]
        return f"{owner.instance}.{name}" if is_name(name) or name.isidentifier() else None
    first, *rest = entry.path
    own_name = entry.name if not rest else ""
    local = _bound(first, own_name, bindings, project, is_class=entry.kind == "class")
    if local is None or not all(part.isidentifier() for part in rest):
        return None
    return ".".join([local, *rest])


def _bound(
    first: str, own_name: str, bindings: dict[str, tuple[str, ...]], project: Project, *,
    is_class: bool,
) -> str | None:  # fmt: skip
    for local, path in bindings.items():
        if path == (first,):
            return local
    if first in {_WHOLE, "default"}:
        name = _whole_name(own_name, project.stem, is_class=is_class)
    else:
        name = first
    if not is_name(name):
        return None
    while name in _TAKEN or name in bindings:
        name += "_"
    bindings[name] = (first,)
    return name


def _whole_name(own_name: str, stem: str, *, is_class: bool) -> str:
    """Of a module's one value: as the file is called, in the case the code itself uses."""
    is_usable = is_name(own_name) and own_name != "default"
    if is_usable and (is_class or own_name.lower() == stem.lower() or stem == "subject"):
        return own_name
    return stem


def _is_wanted(target: Target, request: TestingRequest) -> bool:
    if request.symbol:
        names = {target.key, target.callee, target.name, target.title.replace("#", ".")}
        names |= {target.owner.callee} if target.owner is not None else set()
        return request.symbol in names
    if request.lines:
        first, last = request.lines
        return target.first_line <= last and first <= target.last_line
    return True


def _nothing(project: Project, found: Surface, request: TestingRequest) -> str:
    if not found.targets:
        return f"`{project.path}` exports no function or class that it defines itself."
    names = ", ".join(f"`{one.title}`" for one in found.targets[:8])
    what = f"`{request.symbol}`" if request.symbol else "these lines"
    return f"`{project.path}` exports nothing called through {what}; it has {names}."


def import_lines(bindings: Mapping[str, tuple[str, ...]], project: Project) -> list[str]:
    """The statements that give a test file its names."""
    whole = [local for local, path in bindings.items() if path[0] in {_WHOLE, "default"}]
    parts = {local: path[0] for local, path in bindings.items() if local not in whole}
    place = f"'{project.specifier}'"
    if not project.uses_import:
        lines = [f"const {local} = require({place});" for local in whole]
        pairs = [name if name == local else f"{name}: {local}" for local, name in parts.items()]
        joined = f"const {{ {', '.join(pairs)} }} = require({place});"
        return lines + ([joined] if pairs else [])
    if not project.is_module:
        pairs = [name if name == local else f"{name}: {local}" for local, name in parts.items()]
        if whole:
            return [f"import {whole[0]} from {place};"]
        return [
            f"import {project.stem} from {place};",
            "",
            f"const {{ {', '.join(pairs)} }} = {project.stem};",
        ]
    pairs = [name if name == local else f"{name} as {local}" for local, name in parts.items()]
    named_part = f"{{ {', '.join(pairs)} }}" if pairs else ""
    return [f"import {', '.join([*whole, *([named_part] if named_part else [])])} from {place};"]
