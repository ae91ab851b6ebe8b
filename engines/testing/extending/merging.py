"""Puts generated tests into the text of an existing test file, which is otherwise left alone."""

import ast
import itertools
from collections.abc import Iterator, Sequence

import libcst as cst
from typing_extensions import override

from engines.testing.extending.existing import Existing, NotExtendable
from engines.testing.extending.imports import with_imports
from engines.testing.extending.names import Bound, Needed, bound_in, needed_by

_OUR_CLASS = "Test"


def merged(existing: Existing, generated: str, module: str) -> str:
    """The existing file with the tests of a generated one at its end.

    Names that mean something else in the file are imported under others, tests whose name is
    taken get another, quotes and indentation are the file's.

    Raises:
        NotExtendable: the result would not leave the existing tests as they are.
    """
    try:
        old, new = cst.parse_module(existing.text), cst.parse_module(generated)
    except cst.ParserSyntaxError as problem:
        raise NotExtendable(f"`{existing.path}` cannot be edited: {problem.message}") from problem
    bound, fresh = bound_in(existing.tree), ast.parse(generated)
    wanted, renamed = _resolved(needed_by(fresh), bound, module)
    tests = [one for one in new.body if isinstance(one, cst.FunctionDef | cst.ClassDef)]
    renamed |= _free_names([one.name.value for one in tests], bound.names | set(renamed.values()))
    rewriting = _Rewriting(renamed, is_single=existing.has_single_quotes)
    placed = [_definition(one.visit(rewriting)) for one in tests]
    body = with_imports(old.body, wanted, module, existing.text)
    end = _end(body)
    whole = [*body[:end], *placed, *body[end:]]
    text = old.with_changes(body=whole, has_trailing_newline=True).code
    _require_untouched(old, text)
    return text


def _resolved(
    needed: list[Needed], bound: Bound, module: str
) -> tuple[list[Needed], dict[str, str]]:
    """What has still to be imported, and what new tests call things instead of their names."""
    wanted: list[Needed] = []
    renamed: dict[str, str] = {}
    prefix = bound.prefix_of(module)
    for one in needed:
        if bound.means(one):
            continue
        if one.member and one.module == module and prefix:
            renamed[one.name] = f"{prefix}.{one.member}"
        elif one.name not in bound.names:
            wanted.append(one)
        else:
            name = f"{one.module.rpartition('.')[2]}_{one.member or 'module'}"
            renamed[one.name] = name
            wanted.append(Needed(name, one.module, one.member))
    return wanted, renamed


def _free_names(names: list[str], taken: set[str]) -> dict[str, str]:
    """Other names for the tests whose own is taken."""
    used, found = taken | set(names), dict[str, str]()
    for name in names:
        if name in taken:
            found[name] = next(one for one in _others(name) if one not in used)
            used.add(found[name])
    return found


def _others(name: str) -> Iterator[str]:
    if name.endswith(_OUR_CLASS):
        name = f"{name.removesuffix(_OUR_CLASS)}Further{_OUR_CLASS}"
        yield name
    yield from (f"{name}_{number}" for number in itertools.count(2))


def _end(body: Sequence[cst.CSTNode]) -> int:
    """Where new tests go: the end, but before what runs the file as a program."""
    last = body[-1] if body else None
    is_main = isinstance(last, cst.If) and "__name__" in cst.Module([]).code_for_node(last.test)
    return len(body) - 1 if is_main else len(body)


def _require_untouched(old: cst.Module, text: str) -> None:
    """Check that every statement that is no import is in the new text as it was."""
    for node in old.body:
        is_import = isinstance(node, cst.SimpleStatementLine) and any(
            isinstance(one, cst.Import | cst.ImportFrom) for one in node.body
        )
        if not is_import and old.code_for_node(node).strip("\r\n") not in text:
            raise NotExtendable("a test in it would not stay as it is")


def _definition(node: object) -> cst.FunctionDef | cst.ClassDef:
    assert isinstance(node, cst.FunctionDef | cst.ClassDef)
    return node


class _Rewriting(cst.CSTTransformer):
    """Calls things by their names in the file, and writes strings with its quotes."""

    def __init__(self, renamed: dict[str, str], *, is_single: bool) -> None:
        super().__init__()
        self._renamed = renamed
        self._is_single = is_single

    @override
    def visit_Attribute(self, node: cst.Attribute) -> bool:
        return False

    @override
    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        value = updated_node.value.visit(self)
        assert isinstance(value, cst.BaseExpression)
        return updated_node.with_changes(value=value)

    @override
    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
        return updated_node.with_changes(keyword=original_node.keyword)

    @override
    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        other = self._renamed.get(original_node.value)
        return cst.parse_expression(other) if other else updated_node

    @override
    def leave_SimpleString(
        self, original_node: cst.SimpleString, updated_node: cst.SimpleString
    ) -> cst.SimpleString:
        text = original_node.value
        inner = text[1:-1]
        is_plain = text[0] == '"' and not text.startswith('"""') and not set(inner) & {"'", "\\"}
        return (
            updated_node.with_changes(value=f"'{inner}'")
            if self._is_single and is_plain
            else updated_node
        )
