"""Import statements that new tests need, among those a file has."""

import sys
from collections.abc import Sequence

import libcst as cst

from engines.testing.extending.names import Needed
from engines.testing.layout import WIDTH_CHARS

_Statement = cst.SimpleStatementLine | cst.BaseCompoundStatement
_FUTURE, _STANDARD, _INSTALLED, _OWN = range(4)


def with_imports(
    body: Sequence[_Statement], wanted: list[Needed], module: str, text: str
) -> list[_Statement]:
    """The statements with imports for what is wanted: in a statement for the same module where
    the line has room, else after the last import of its section.
    """
    found = list(body)
    width = max(WIDTH_CHARS, *(len(line) for line in text.splitlines()), 0)
    left: dict[str, list[Needed]] = {}
    for one in wanted:
        if not one.member or not _joined(found, one, width):
            left.setdefault(one.module if one.member else f"import {one.module}", []).append(one)
    for members in left.values():
        _insert(found, members, module)
    return found


def _joined(body: list[_Statement], one: Needed, width: int) -> bool:
    """Whether the name could be added to an import of the same module."""
    for place, line in enumerate(body):
        node = _import_of(line)
        if not isinstance(node, cst.ImportFrom) or _source(node) != one.module:
            continue
        if isinstance(node.names, cst.ImportStar):
            continue
        assert isinstance(line, cst.SimpleStatementLine)
        fresh = line.with_changes(body=[node.with_changes(names=_extended(node.names, one))])
        code = cst.Module([fresh.with_changes(leading_lines=[])]).code
        if max(map(len, code.splitlines())) <= width:
            body[place] = fresh
            return True
    return False


def _extended(names: Sequence[cst.ImportAlias], one: Needed) -> list[cst.ImportAlias]:
    """The aliases with one more, in its alphabetical place where they are sorted."""
    plain = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    between = names[0].comma if len(names) > 1 else plain
    last = names[-1].comma
    texts = [_text(alias) for alias in names]
    place = len(names)
    if texts == sorted(texts):
        place = sum(text < (one.member) for text in texts)
    order = [*names[:place], _alias(one), *names[place:]]
    commas = [between] * (len(order) - 1) + [last]
    return [alias.with_changes(comma=comma) for alias, comma in zip(order, commas, strict=True)]


def _insert(body: list[_Statement], members: list[Needed], module: str) -> None:
    section = _section(members[0].module, module)
    place, is_first = len(_docstring(body)), True
    for number, line in enumerate(body):
        node = _import_of(line)
        if node is not None and (other := _section(_source(node), module)) <= section:
            place, is_first = number + 1, other != section
    blank = [cst.EmptyLine(indent=False)] if is_first and place else []
    body.insert(place, _statement(members).with_changes(leading_lines=blank))
    after = body[place + 1] if is_first and place + 1 < len(body) else None
    if isinstance(after, cst.SimpleStatementLine) and not after.leading_lines:
        body[place + 1] = after.with_changes(leading_lines=[cst.EmptyLine(indent=False)])


def _docstring(body: Sequence[_Statement]) -> Sequence[_Statement]:
    first = body[0] if body else None
    if isinstance(first, cst.SimpleStatementLine) and isinstance(first.body[0], cst.Expr):
        return [first] if isinstance(first.body[0].value, cst.SimpleString) else []
    return []


def _statement(members: list[Needed]) -> cst.SimpleStatementLine:
    aliases = [_alias(one) for one in sorted(members, key=lambda one: one.member)]
    module = cst.parse_expression(members[0].module)
    assert isinstance(module, cst.Name | cst.Attribute)
    if not members[0].member:
        return cst.SimpleStatementLine([cst.Import([aliases[0]])])
    line = cst.SimpleStatementLine([cst.ImportFrom(module, aliases)])
    if len(cst.Module([line]).code) <= WIDTH_CHARS:
        return line
    inner = cst.ParenthesizedWhitespace(indent=True, last_line=cst.SimpleWhitespace("    "))
    outer = cst.ParenthesizedWhitespace(indent=True)
    comma = cst.Comma(whitespace_after=inner)
    aliases = [one.with_changes(comma=comma) for one in aliases[:-1]] + [
        aliases[-1].with_changes(comma=cst.Comma(whitespace_after=outer))
    ]
    lpar, rpar = cst.LeftParen(whitespace_after=inner), cst.RightParen()
    return cst.SimpleStatementLine([cst.ImportFrom(module, aliases, lpar=lpar, rpar=rpar)])


def _alias(one: Needed) -> cst.ImportAlias:
    name = cst.parse_expression(one.member or one.module)
    assert isinstance(name, cst.Name | cst.Attribute)
    is_same = one.name == (one.member or one.module)
    return cst.ImportAlias(name, None if is_same else cst.AsName(cst.Name(one.name)))


def _import_of(line: _Statement) -> cst.Import | cst.ImportFrom | None:
    node = line.body[0] if isinstance(line, cst.SimpleStatementLine) else None
    return node if isinstance(node, cst.Import | cst.ImportFrom) else None


def _source(node: cst.Import | cst.ImportFrom) -> str:
    if isinstance(node, cst.Import):
        return _code(node.names[0].name)
    return "." * len(node.relative) + (_code(node.module) if node.module else "")


def _section(source: str, module: str) -> int:
    top = source.partition(".")[0]
    if source == "__future__":
        return _FUTURE
    if top in sys.stdlib_module_names:
        return _STANDARD
    return _OWN if not top or top == module.partition(".")[0] else _INSTALLED


def _text(alias: cst.ImportAlias) -> str:
    return _code(alias.name)


def _code(node: cst.CSTNode) -> str:
    return cst.Module([]).code_for_node(node)
