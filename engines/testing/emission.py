"""The text of the test file, for pytest or unittest."""

import ast
import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from engines.testing.assertions import (
    Names,
    checks,
    equality,
    has_floats,
    message_pattern,
    operand,
    prints,
)
from engines.testing.calls import Call
from engines.testing.file_head import Head
from engines.testing.layout import WIDTH_CHARS, double_quoted, laid_out
from engines.testing.module_names import ModuleNames
from engines.testing.observations import Observation
from engines.testing.places import Place, TestPlace
from engines.testing.suite import Case, Test, leaves_as_it_was
from engines.testing.types import Style
from engines.testing.unittest_text import unittest_statement

_SHORT_CHARS = 30
_OPENED_LINES = 4
_ROW_CHARS = WIDTH_CHARS - len("        ,")
_SIGNS: dict[type[ast.cmpop], str] = {ast.Eq: "==", ast.Is: "is"}
_OF_ONE = re.compile(r"(assert isinstance|len|str|repr|dict|list|tuple|set|bool)\(")
_BY_IDENTITY = frozenset({"None", "True", "False"})
_RESERVED = frozenset({"request", "expected", "self", "pytest", "capsys", "tmp_path"})


class Written(Protocol):
    """A test that knows how it is written."""

    def lines(self, *, is_unittest: bool) -> list[str]:
        """The test function."""
        ...


class Emission:
    """Writes one test file."""

    def __init__(self, place: Place, test_place: TestPlace, names: Names, style: Style) -> None:
        self._place = place
        self._test_place = test_place
        self._names = names
        self._is_unittest = style is Style.UNITTEST
        self._module_names: ModuleNames | None = None
        self._has_imports = False
        self.further: Sequence[Written] = ()
        """Written after the tests of calls."""

    @property
    def is_unittest(self) -> bool:
        """Whether its tests are methods of a test case."""
        return self._is_unittest

    @property
    def names(self) -> Mapping[str, str]:
        """What the names that the file may import stand for; see `Names`."""
        return {name: identity for identity, name in self._names.importable.items()}

    def at(self, test_place: TestPlace) -> "Emission":
        """The same for a file at another place, which has imports of its own."""
        other = copy.copy(self)
        other._test_place = test_place
        other._has_imports = True
        return other

    def without_further(self) -> "Emission":
        """The same for a file with tests of calls alone."""
        other = copy.copy(self)
        other.further = ()
        return other

    def with_more(self, further: Sequence[Written], names: Mapping[str, str]) -> "Emission":
        """The same for a file with further tests that import these names; see `Names`."""
        other = copy.copy(self)
        other._names = Names({**self._names.importable, **names})
        other.further = [*self.further, *further]
        return other

    def text(self, tests: Sequence[Test]) -> str:
        """The whole file."""
        self._module_names = None
        body = self._body(tests)
        text = self._with_head(body, self._names)
        module_names = ModuleNames(self._place.module, self._names)
        is_free = not self._has_imports and not self.further
        if is_free and module_names.is_wanted(body):
            self._module_names = module_names
            other = self._with_head(self._body(tests), module_names.names(self._names))
            text = min(other, text, key=lambda one: one.count("\n"))
        return text

    def _with_head(self, body: str, names: Names) -> str:
        head = Head(self._place, self._test_place, names)
        top = head.lines(body, is_unittest=self._is_unittest)
        return "\n".join(top) + "\n\n\n" + body + "\n"

    def _body(self, tests: Sequence[Test]) -> str:
        blocks = [self._function(one) for one in tests]
        blocks += [one.lines(is_unittest=self._is_unittest) for one in self.further]
        if self._is_unittest:
            blocks = [self._class(blocks)]
        return "\n\n\n".join("\n".join(block) for block in blocks)

    def _named(self, text: str) -> str:
        """The source with the target's names as the file writes them."""
        return self._module_names.qualified(text) if self._module_names else text

    def _class(self, blocks: list[list[str]]) -> list[str]:
        words = self._place.module.rpartition(".")[2].strip("_").split("_")
        lines = [f"class {''.join(word.capitalize() for word in words)}Test(unittest.TestCase):"]
        for place, block in enumerate(blocks):
            lines.extend([""] if place else [])
            lines.extend(f"    {line}" if line else "" for line in block)
        return lines

    def _function(self, test: Test) -> list[str]:
        cases = tuple(replace(one, call=self._free(one.call)) for one in test.cases)
        test = replace(test, cases=cases)
        return self._parametrized(test) if test.slots else self._plain(test)

    def _free(self, call: Call) -> Call:
        """The call with a variable that hides none of the names the file imports."""
        is_taken = call.subject is not None and call.subject in self._names.importable.values()
        return replace(call, variable=f"the_{call.subject}") if is_taken else call

    def _plain(self, test: Test) -> list[str]:
        calls = [one.call for one in test.cases]
        body: list[str] = []
        if self._is_unittest and any(self._needs_folder(one) for one in calls):
            body.append("tmp_path = Path(self.enterContext(tempfile.TemporaryDirectory()))")
        made: tuple[str, ...] = ()
        for case in test.cases:
            setup = case.call.setup
            body.extend(double_quoted(line) for line in (() if setup == made else setup))
            made = setup if setup and leaves_as_it_was(case.call, case.seen) else ()
            statements = checks(case.call, case.seen, self._names, is_unittest=self._is_unittest)
            body.extend(self._with_output(statements, case))
        return [f"def {test.name}({self._fixtures(test)}):", *self._indented(body)]

    def _with_output(self, statements: list[str], case: Case) -> list[str]:
        if not prints(case.seen) or case.seen.printed is None:
            return statements
        if not self._is_unittest:
            return [*statements, equality("capsys.readouterr().out", case.seen.printed)]
        inner = [f"    {line}" for one in statements for line in one.split("\n")]
        opening = "with contextlib.redirect_stdout(StringIO()) as printed:"
        return [opening, *inner, equality("printed.getvalue()", case.seen.printed)]

    def _needs_folder(self, call: Call) -> bool:
        return "tmp_path" in " ".join((*call.setup, call.source))

    def _fixtures(self, test: Test) -> str:
        if self._is_unittest:
            return "self"
        needed = ["capsys"] if any(prints(one.seen) for one in test.cases) else []
        has_folder = any(self._needs_folder(one.call) for one in test.cases)
        return ", ".join([*needed, *(["tmp_path"] if has_folder else [])])

    def _indented(self, body: list[str]) -> list[str]:
        lines: list[str] = []
        for statement in map(self._named, body):
            for part in self._in_style(self._split_when_long(statement)):
                lead = len(part) - len(part.lstrip())
                if "\n" in part:
                    lines.extend(f"    {line}" for line in part.split("\n"))
                else:
                    lines.extend(laid_out(part.strip(), 4 + lead))
        return lines

    def _in_style(self, parts: list[str]) -> list[str]:
        return [unittest_statement(one) for one in parts] if self._is_unittest else parts

    def _split_when_long(self, statement: str) -> list[str]:
        """A comparison too long for a line gets its sides on two; of `len(shapes.find(...))` the
        call alone gets one where that takes fewer lines.
        """
        is_short = len(statement) <= WIDTH_CHARS - 4
        if is_short or "\n" in statement or not statement.startswith("assert "):
            return [statement]
        name = "actual" if re.search(r"\bresult\b", statement) else "result"
        left, sign, right = _sides(statement)
        before, inner, after = _wrapped(left or statement)
        if not right:
            return [f"{name} = {inner}", f"{before}{name}{after}"] if inner else [statement]
        ways = [_two_sided(name, left, sign, right)]
        if inner:
            ways.append(_two_sided(name, inner, sign, right, before, after))
        return min(ways, key=lambda way: sum(len(laid_out(one, 4)) for one in way))

    def _parametrized(self, test: Test) -> list[str]:
        first = test.cases[0]
        names = self._slot_names(test)
        last = self._last_column(test)
        columns = [*names, *([last] if last else [])]
        rows = [
            [self._named(cell) for cell in self._row(case, test.slots, last)] for case in test.cases
        ]
        general = self._general(first.call, dict(zip(test.slots, names, strict=True)))
        body = self._general_checks(test, general, last)
        if self._is_unittest:
            return self._subtests(test, columns, rows, body)
        header = ", ".join(f'"{one}"' for one in columns)
        header = f"({header})" if len(columns) > 1 else header
        words = [case.words for case in test.cases]
        whole = f"@pytest.mark.parametrize({header}, [{', '.join(_row_text(one) for one in rows)}])"
        decorator = laid_out(whole)
        if len(decorator) > _OPENED_LINES:  # one row a line has room for words
            texts = [_labelled(row, said) for row, said in zip(rows, words, strict=True)]
            decorator = ["@pytest.mark.parametrize(", f"    {header},", "    ["]
            decorator.extend(line for one in texts for line in laid_out(one, 8, ","))
            decorator.extend(["    ],", ")"])
        return [*decorator, f"def {test.name}({', '.join(columns)}):", *self._indented(body)]

    def _subtests(
        self, test: Test, columns: list[str], rows: list[list[str]], body: list[str]
    ) -> list[str]:
        lines = [f"def {test.name}(self):", "    cases = ["]
        for row in rows:
            lines.extend(laid_out(_row_text(row), 8, ","))
        given = ", ".join(columns)
        lines.extend(["    ]", f"    for {given} in cases:"])
        shown = ", ".join(f"{one}={one}" for one in columns)
        lines.append(f"        with self.subTest({shown}):")
        lines.extend(" " * 8 + line for line in self._indented(body))
        return lines

    def _last_column(self, test: Test) -> str:
        """The column for what differs in the outcomes; nothing where they are the same."""
        if test.cases[0].seen.kind == "error":
            patterns = {self._pattern(case.seen) for case in test.cases}
            return "message" if len(patterns) > 1 else ""
        return "expected" if len({case.seen.text for case in test.cases}) > 1 else ""

    def _slot_names(self, test: Test) -> list[str]:
        call = test.cases[0].call
        names: list[str] = []
        for slot in test.slots:
            if slot < 0:
                names.append(call.subject or "subject")
                continue
            name = re.sub(r"\W", "_", call.arguments[slot].parameter).strip("_") or "value"
            if self._is_taken(name, call):
                name = f"{name}_value"
            names.append(f"{name}_{slot + 1}" if name in names else name)
        return names

    def _is_taken(self, name: str, call: Call) -> bool:
        known = {call.offer.name, call.subject, "list", "dict", "str", "type", "len"}
        return name in _RESERVED or name in known or name in self._names.importable.values()

    def _pattern(self, seen: Observation) -> str | None:
        return message_pattern(seen, self._names.of(seen.type) or "Exception")

    def _row(self, case: Case, slots: tuple[int, ...], last: str) -> list[str]:
        cells: list[str] = []
        for slot in slots:
            text = case.call.receiver if slot < 0 else case.call.arguments[slot].text
            cells.append(double_quoted(text or "None"))
        if last == "message":
            cells.append(self._pattern(case.seen) or '""')
        elif last:
            cells.append(double_quoted(case.seen.text or "None"))
        return cells

    def _general(self, call: Call, names: dict[int, str]) -> Call:
        """The call with the names of parameters in the place of what varies."""
        for slot, name in names.items():
            if slot >= 0:
                call = call.with_argument(slot, name)
        return call

    def _general_checks(self, test: Test, call: Call, last: str) -> list[str]:
        seen = test.cases[0].seen
        setup = [] if -1 in test.slots else [double_quoted(line) for line in call.setup]
        if last != "expected":
            lines = checks(call, seen, self._names, is_unittest=self._is_unittest)
            pattern = self._pattern(seen)
            if last and pattern:
                lines[0] = lines[0].replace(pattern, last)
            return [*setup, *lines]
        source = operand(double_quoted(call.source))
        if all(case.seen.text in _BY_IDENTITY for case in test.cases):
            return [*setup, f"assert {source} is expected"]
        wanted = "pytest.approx(expected)" if has_floats(seen.text or "") else "expected"
        return [*setup, f"assert {source} == {wanted}"]


def _row_text(cells: list[str], words: str | None = None) -> str:
    inner = ", ".join(cells)
    if words:
        return f'pytest.param({inner}, id="{words.replace("_", " ")}")'
    return f"({inner})" if len(cells) > 1 else inner


def _labelled(cells: list[str], words: str | None) -> str:
    """The row with its words as id, where that does not take more than a line."""
    text = _row_text(cells, words)
    return text if len(text) <= _ROW_CHARS else _row_text(cells)


def _two_sided(
    name: str, left: str, sign: str, right: str, before: str = "", after: str = ""
) -> list[str]:
    """Statements that compare a value, or what is made of it by what stands around it."""
    whole = f"{before}{left}{after}"
    if len(right) <= _SHORT_CHARS:
        return [f"{name} = {left}", f"assert {before}{name}{after} {sign} {right}"]
    if len(f"    assert {whole} == expected") > WIDTH_CHARS:
        shown = f"assert {before}{name}{after} == expected"
        return [f"{name} = {left}", f"expected = {right}", shown]
    return [f"expected = {right}", f"assert {whole} == expected"]


def _wrapped(text: str) -> tuple[str, str, str]:
    """The argument of `len(...)` or `assert isinstance(..., Kind)` with what stands around it."""
    found = _OF_ONE.match(text)
    if not found or not text.endswith(")"):
        return "", "", ""
    call = ast.parse(text).body[0]
    value = call.test if isinstance(call, ast.Assert) else getattr(call, "value", None)
    if (
        not isinstance(value, ast.Call)
        or value.keywords
        or value.end_col_offset != len(text.encode())
    ):
        return "", "", ""
    inner = ast.get_source_segment(text, value.args[0]) or ""
    before, after = text[: found.end()], text[found.end() + len(inner) :]
    is_whole = text == f"{before}{inner}{after}" and "(" in inner
    return (before, inner, after) if is_whole else ("", "", "")


def _sides(statement: str) -> tuple[str, str, str]:
    """The sides of `assert left == right` or `assert left is right` and what is between them."""
    tree = ast.parse(statement).body[0]
    if not isinstance(tree, ast.Assert) or not isinstance(tree.test, ast.Compare):
        return "", "", ""
    signs = [_SIGNS.get(type(one), "") for one in tree.test.ops]
    left = ast.get_source_segment(statement, tree.test.left) or ""
    right = ast.get_source_segment(statement, tree.test.comparators[0]) or ""
    return (left, signs[0], right) if len(signs) == 1 and signs[0] else ("", "", "")
