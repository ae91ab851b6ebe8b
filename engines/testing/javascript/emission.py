"""Writes the test file: one `describe` for each target, a table where cases differ in values."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engines.testing.javascript.assertions import Words, group_of
from engines.testing.javascript.calls import Kept, is_name
from engines.testing.javascript.literals import quoted, written
from engines.testing.javascript.naming import heading, table_title, title
from engines.testing.javascript.project import Project, Runner
from engines.testing.javascript.targets import import_lines

_WIDTH_CHARS = 100
_TABLE_FROM = 2
_CODE = re.compile(r"=>|\bnew \b|Symbol|Buffer")


@dataclass(frozen=True)
class Block:
    """One test or one table, with the kept calls it checks in their order."""

    cases: tuple[Kept, ...]


def blocks_of(kept: Sequence[Kept]) -> list[Block]:
    """Which cases stand together."""
    groups: dict[object, list[Kept]] = {}
    for one in kept:
        key = (one.call.target.key, group_of(one)) if _may_share(one) else one.call.text()
        groups.setdefault(key, []).append(one)
    return [Block(tuple(ones)) for ones in groups.values()]


def _may_share(one: Kept) -> bool:
    is_plain = one.seen.kind in {"value", "items", "error"} and not one.seen.changed
    has_code = any(_CODE.search(written(value)) for value in one.call.last.args)
    return is_plain and bool(one.call.last.args) and not has_code and not one.seen.state


class Emission:
    """Writes files for one target module."""

    def __init__(self, project: Project, bindings: Mapping[str, tuple[str, ...]]) -> None:
        """Take the names a test may use."""
        self._project = project
        self._bindings = bindings
        self._is_node = project.runner is Runner.NODE
        self._words = Words(self._is_node, frozenset(bindings))

    def ordered(self, kept: Sequence[Kept]) -> list[Kept]:
        """The kept calls in the order the file checks them."""
        return [one for blocks in self._targets(kept) for block in blocks for one in block.cases]

    def text(self, kept: Sequence[Kept]) -> str:
        """The whole file."""
        parts = ["\n".join(self._head(kept))]
        for blocks in self._targets(kept):
            name = quoted(blocks[0].cases[0].call.target.title)
            inner = [_indented(self._block(block)) for block in blocks]
            body = "\n\n".join("\n".join(lines) for lines in inner)
            parts.append(f"describe({name}, () => {{\n{body}\n}});")
        return "\n\n".join(parts) + "\n"

    def _targets(self, kept: Sequence[Kept]) -> list[list[Block]]:
        targets: dict[str, list[Kept]] = {}
        for one in kept:
            targets.setdefault(one.call.target.key, []).append(one)
        return [blocks_of(ones) for ones in targets.values()]

    def _head(self, kept: Sequence[Kept]) -> list[str]:
        match self._project.runner:
            case Runner.VITEST:
                lines = ["import { describe, expect, test } from 'vitest';"]
            case Runner.NODE if self._project.uses_import:
                lines = [
                    "import assert from 'node:assert/strict';",
                    "import { describe, test } from 'node:test';",
                ]
            case Runner.NODE:
                lines = [
                    "const assert = require('node:assert/strict');",
                    "const { describe, test } = require('node:test');",
                ]
            case _ if self._project.is_typed and not self._project.installed("@types/jest"):
                lines = ["import { describe, expect, test } from '@jest/globals';"]
            case _:
                lines = []
        used = self._used(kept)
        return [*lines, *([""] if lines else []), *import_lines(used, self._project)]

    def _used(self, kept: Sequence[Kept]) -> dict[str, tuple[str, ...]]:
        """The names the file really mentions."""
        bodies = [
            "\n".join(self._block(block)) for blocks in self._targets(kept) for block in blocks
        ]
        text = re.sub(r"'(?:[^'\\\n]|\\.)*'", "''", "\n".join(bodies))
        found = {
            local: path
            for local, path in self._bindings.items()
            if re.search(rf"(?:(?<![\w$.])|(?<=\.\.\.)){re.escape(local)}(?![\w$])", text)
        }
        return found or dict(self._bindings)

    def _block(self, block: Block) -> list[str]:
        if len(block.cases) < _TABLE_FROM:
            return self._single(block.cases[0])
        return self._table(list(block.cases))

    def _single(self, one: Kept) -> list[str]:
        lines = [f"{line};" for line in one.call.setup()]
        lines += self._body(one)
        is_async = one.seen.awaited or one.call.waits
        opening = f"test({title(one)}, {'async ' if is_async else ''}() => {{"
        return [opening, *(f"  {line}" for line in lines), "});"]

    def _body(self, one: Kept) -> list[str]:
        call, seen = one.call, one.seen
        hoisted, args = self._hoisted(one)
        text = _expression(one, args)
        lines = [*hoisted]
        match seen.kind:
            case "error":
                lines += self._words.throws(text, seen)
            case "instance":
                lines += self._of_instance(one, text)
            case "self":
                lines += [f"{'await ' if seen.awaited else ''}{text};"]
                lines += self._words.fields(call.subject, seen.state)
            case "opaque":
                lines.append(
                    self._words.equal(f"typeof {_waited(text, seen.awaited)}", f"'{seen.type}'")
                )
            case "items":
                lines.append(self._words.equal(f"[...{_waited(text, seen.awaited)}]", seen.text))
            case _:
                lines += self._of_value(one, text)
        return [*lines, *self._of_changes(one, args)]

    def _of_value(self, one: Kept, text: str) -> list[str]:
        seen = one.seen
        waited = _waited(text, seen.awaited)
        if seen.text == "undefined" and (seen.changed or seen.state):
            lines = [f"{waited};"]
        else:
            lines = [self._words.equal(waited, seen.text)]
        is_getter = one.call.target.kind == "getter"
        return lines if is_getter else lines + self._words.fields(one.call.subject, seen.state)

    def _of_instance(self, one: Kept, text: str) -> list[str]:
        name = "result"
        lines = [f"const {name} = {_waited(text, one.seen.awaited)};"]
        lines.append(self._words.instance(name, one.seen.type))
        return lines + self._words.fields(name, one.seen.fields)

    def _of_changes(self, one: Kept, args: list[str]) -> list[str]:
        return [self._words.equal(args[place], text) for place, text in one.seen.changed]

    def _hoisted(self, one: Kept) -> tuple[list[str], list[str]]:
        """Statements that name the arguments which the call changes, and all arguments."""
        args = [written(value) for value in one.call.last.args]
        lines: list[str] = []
        for place, _ in one.seen.changed:
            name = _argument_name(one, place)
            lines.append(f"const {name} = {args[place]};")
            args[place] = name
        return lines, args

    def _table(self, cases: list[Kept]) -> list[str]:
        first = cases[0]
        slots = [
            place
            for place in range(len(first.call.last.args))
            if len({written(one.call.last.args[place]) for one in cases}) > 1
        ]
        texts = [one.seen.text for one in cases]
        is_shared = first.seen.kind == "error" or len(set(texts)) == 1
        names = _column_names(first, slots)
        columns = names if is_shared else [*names, "expected"]
        args = [written(value) for value in first.call.last.args]
        for place, name in zip(slots, names, strict=True):
            args[place] = name
        check = self._check(first, _expression(first, args), texts, is_shared=is_shared)
        rows = [
            [written(one.call.last.args[place]) for place in slots]
            + ([] if is_shared else [one.seen.text])
            for one in cases
        ]
        lines = [*(f"{line};" for line in first.call.setup()), *check]
        return self._laid_table(cases, slots, columns, rows, lines)

    def _check(self, first: Kept, text: str, texts: list[str], *, is_shared: bool) -> list[str]:
        seen = first.seen
        if seen.kind == "error":
            return self._words.throws(text, seen)
        got = _waited(text, seen.awaited)
        got = f"[...{got}]" if seen.kind == "items" else got
        if is_shared:
            return [self._words.equal(got, seen.text)]
        if self._words.equal("x", seen.text).startswith("expect(x).toBeCloseTo"):
            return [f"expect({got}).toBeCloseTo(expected, 10);"]
        return [self._words.compared(got, "expected", texts)]

    def _laid_table(
        self, cases: list[Kept], slots: list[int], columns: list[str], rows: list[list[str]],
        lines: list[str],
    ) -> list[str]:  # fmt: skip
        wait = "async " if cases[0].seen.awaited or cases[0].call.waits else ""
        body = [f"  {line}" for line in lines]
        table = [line for row in rows for line in _row(row, is_single=len(columns) == 1)]
        if self._is_node:
            marks = [f"${{JSON.stringify({name})}}" for name in columns]
            words = table_title(cases, slots, marks).replace("%%", "%").replace("case %#", "${row}")
            inner = [f"test(`{_templated(words)}`, {wait}() => {{", *body, "});"]
            rows_text = _rows_of_node(table, columns, is_counted="${row}" in words)
            return [*rows_text, *(f"  {line}" for line in inner), "}"]
        mark = "%p" if self._project.runner is Runner.JEST else "%j"
        words = table_title(cases, slots, [mark] * len(columns))
        head = f"])({heading(words)}, {wait}({', '.join(columns)}) => {{"
        return ["test.each([", *table, head, *body, "});"]


def _templated(words: str) -> str:
    """Words inside a template string: only our own `${…}` may compute something."""
    plain = words.replace("\\", "\\\\").replace("`", "\\`")
    return re.sub(r"\$\{(?!JSON\.stringify\(\w+\)\}|row\})", r"\\${", plain)


def _rows_of_node(table: list[str], columns: list[str], *, is_counted: bool) -> list[str]:
    names = f"[{', '.join(columns)}]" if len(columns) > 1 else columns[0]
    if is_counted:
        return [f"for (const [row, {names}] of [", *table, "].entries()) {"]
    return [f"for (const {names} of [", *table, "]) {"]


def _row(cells: list[str], *, is_single: bool) -> list[str]:
    if is_single:
        text = cells[0] if not cells[0].startswith("[") else f"[{cells[0]}]"
        return [f"  {text},"]
    whole = f"  [{', '.join(cells)}],"
    if len(whole) <= _WIDTH_CHARS:
        return [whole]
    return ["  [", *(f"    {cell}," for cell in cells), "  ],"]


def _expression(one: Kept, args: list[str]) -> str:
    target = one.call.target
    if target.kind == "getter":
        return target.callee
    return f"{'new ' if target.kind == 'class' else ''}{target.callee}({', '.join(args)})"


def _waited(text: str, awaited: bool) -> str:  # noqa: FBT001 - a plain switch
    return f"await {text}" if awaited else text


def _argument_name(one: Kept, place: int) -> str:
    parameters = one.call.target.parameters
    name = parameters[place].name if place < len(parameters) else "input"
    return _free(name, {one.call.subject, one.call.target.callee.partition(".")[0], "expected"})


def _column_names(one: Kept, slots: list[int]) -> list[str]:
    taken = {one.call.subject, one.call.target.callee.partition(".")[0], "expected", "row"}
    names: list[str] = []
    for place in slots:
        parameters = one.call.target.parameters
        index = min(place, len(parameters) - 1)
        name = _free(parameters[index].name if parameters else "input", taken)
        taken.add(name)
        names.append(name)
    return names


def _free(name: str, taken: set[str]) -> str:
    plain = name if is_name(name) else "input"
    number, unique = 2, plain
    while unique in taken:
        unique, number = f"{plain}{number}", number + 1
    return unique


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" if line else "" for line in lines]
