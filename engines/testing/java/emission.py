"""Writes the JUnit 5 class: tables where cases differ in plain values, else a test for each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engines.testing.java.jailed import Kept
from engines.testing.java.reading import JavaFile
from engines.testing.java.values import Call, Value

_CSV_TYPES = frozenset(
    {
        "int", "long", "short", "byte", "double", "float", "boolean", "char", "String",
        "CharSequence", "Object",
    }
)  # fmt: skip
_SLUG_CHARS = 28
_NAME_CHARS = 70
_JAVA = ("List", "Set", "Map", "Optional")
_NUMBER = re.compile(r"-?\d")


@dataclass(frozen=True)
class Block:
    """One test method and the calls it checks, in their order."""

    name: str
    cases: tuple[Kept, ...]


class Emission:
    """Writes test classes for one file."""

    def __init__(self, file: JavaFile, name: str) -> None:
        """Take the name of the test class."""
        self._file = file
        self._name = name

    def blocks(self, kept: Sequence[Kept]) -> list[Block]:
        """Which cases stand together, under which names; sorted by name within a target."""
        groups: dict[object, list[Kept]] = {}
        for one in kept:
            cells = _cells(one)
            key = (one.call.target.key, one.seen.kind) if cells else one.call.text()
            groups.setdefault(key, []).append(one)
        taken: set[str] = set()
        found: list[Block] = []
        for ones in groups.values():
            name = _unique(_name(ones), taken)
            found.append(Block(name, tuple(ones)))
        return found

    def text(self, kept: Sequence[Kept]) -> str:
        """The whole file."""
        blocks = self.blocks(kept)
        bodies = ["\n".join(self._method(block)) for block in blocks]
        body = "\n\n".join(bodies)
        head = [f"package {self._file.package};", ""] if self._file.package else []
        statics = sorted(set(re.findall(r"\b(assert\w+)\(", body)))
        head += [f"import static org.junit.jupiter.api.Assertions.{one};" for one in statics]
        head += ["", *self._imports(body, kept), ""]
        return "\n".join([*head, f"class {self._name} {{", body, "}"]) + "\n"

    def _imports(self, body: str, kept: Sequence[Kept]) -> list[str]:
        found = {f"import java.util.{one};" for one in _JAVA if re.search(rf"\b{one}\.", body)}
        for one in ("BigInteger", "BigDecimal"):
            if re.search(rf"new {one}\(", body):
                found.add(f"import java.math.{one};")
        for one in kept:
            package, _, name = one.seen.type.rpartition(".")
            if one.seen.kind == "error" and package not in {"java.lang", self._file.package}:
                found.add(f"import {package}.{name};")
        for line in self._file.imports:
            name = line.rstrip(";").rpartition(".")[2]
            if name != "*" and "static" not in line and re.search(rf"\b{name}\b", body):
                found.add(line)
        if "@Test" in body:
            found.add("import org.junit.jupiter.api.Test;")
        if "@ParameterizedTest" in body:
            found.add("import org.junit.jupiter.params.ParameterizedTest;")
            found.add("import org.junit.jupiter.params.provider.CsvSource;")
        return sorted(found)

    def _method(self, block: Block) -> list[str]:
        first = block.cases[0]
        if len(block.cases) > 1:
            return _table(block)
        lines = [*(f"{line};" for line in first.call.setup()), *_checks(first)]
        if self._file.package:
            lines = [line.replace(f"{self._file.package}.", "") for line in lines]
        throws = " throws Exception" if _may_throw(first.call) else ""
        return [
            "    @Test",
            f"    void {block.name}(){throws} {{",
            *(f"        {line}" for line in lines),
            "    }",
        ]


def _may_throw(call: Call) -> bool:
    makers = [call.maker] if call.maker and not isinstance(call.maker, str) else []
    steps = [call.last, *call.steps, *makers]
    return any(step.target.throws for step in steps)


def _checks(one: Kept) -> list[str]:
    seen, expression = one.seen, one.call.expression()
    subject = "subject"
    match seen.kind:
        case "error":
            return _throws(one, expression)
        case "value":
            lines = [equal(expression, seen.text, one.call.target.result)]
        case "instance":
            name = one.call.target.result if one.call.target.is_constructor else seen.type
            lines = [f"var result = {_cast(one)}{expression};"]
            lines += [equal(f"result.{call}", text) for call, text in seen.fields[:6]]
            return lines if seen.fields else [f"assertInstanceOf({name}.class, {expression});"]
        case _:
            lines = [f"{expression};"]
    return lines + [equal(f"{subject}.{call}", text) for call, text in seen.state[:6]]


def _cast(one: Kept) -> str:
    is_exact = one.call.target.is_constructor or one.seen.type.endswith(one.call.target.result)
    return "" if is_exact else f"({one.seen.type}) "


def _throws(one: Kept, expression: str) -> list[str]:
    name = one.seen.type.rpartition(".")[2]
    if one.seen.message is None or one.seen.message == '""':
        return [f"assertThrows({name}.class, () -> {expression});"]
    return [
        f"{name} thrown = assertThrows({name}.class, () -> {expression});",
        f"assertEquals({one.seen.message}, thrown.getMessage());",
    ]


def equal(got: str, text: str, result: str = "") -> str:
    """The assertion that an expression has a value."""
    if text in {"true", "false"} and result in {"", "boolean"}:
        return f"assert{text.title()}({got});"
    if text == "null":
        return f"assertNull({got});"
    if re.match(r"new [\w.]+\[\]", text):
        return f"assertArrayEquals({text}, {got});"
    if re.match(r"-?[\d.]+(?:E-?\d+)?\Z|Double\.", text) and ("." in text):
        return f"assertEquals({text}, {got}, 1e-9);"
    return f"assertEquals({text}, {got});"


def _cells(one: Kept) -> list[str]:
    """The row of a table; empty where the call does not fit into one."""
    target, seen = one.call.target, one.seen
    if one.call.maker is not None or not one.call.last.args or seen.kind != "value":
        return []
    if target.is_variadic or target.throws or target.is_constructor:
        return []
    cells = [_cell(value) for value in one.call.last.args]
    result = _result_cell(seen.text, target.result)
    return [] if None in cells or result is None else [*(cell or "" for cell in cells), result]


def _cell(value: Value) -> str | None:
    if value.type not in _CSV_TYPES or value.data is None:
        return None
    if isinstance(value.data, str):
        if value.type == "Object":
            return None
        return _quoted_cell(value.data)
    return str(value.data).lower() if isinstance(value.data, bool) else str(value.data)


def _quoted_cell(text: str) -> str | None:
    if not text.isascii() or not text.isprintable() or '"' in text or "\\" in text:
        return None
    is_plain = re.fullmatch(r"[A-Za-z][\w.:/-]*", text)
    return text if is_plain else "'" + text.replace("'", "''") + "'"


def _result_cell(text: str, result: str) -> str | None:
    if result == "String" and text.startswith('"'):
        return None if "\\" in text else _quoted_cell(text[1:-1])
    if result in {"int", "boolean", "double"} and re.fullmatch(r"true|false|-?[\d.]+", text):
        return text
    if result == "long" and text.endswith("L"):
        return text[:-1]
    return None


def _table(block: Block) -> list[str]:
    first = block.cases[0]
    target = first.call.target
    names = [name if name != "expected" else "value" for name in target.names]
    pairs = [f"{kind} {name}" for kind, name in zip(target.types, names, strict=True)]
    call = f"{target.owner}.{target.name}({', '.join(names)})"
    rows = [", ".join(_cells(one)) for one in block.cases]
    delta = ", 1e-9" if target.result == "double" else ""
    return [
        "    @ParameterizedTest",
        "    @CsvSource({",
        *(f'        "{row}",' for row in rows),
        "    })",
        f"    void {block.name}({', '.join([*pairs, f'{target.result} expected'])}) {{",
        f"        assertEquals(expected, {call}{delta});",
        "    }",
    ]


def _name(cases: list[Kept]) -> str:
    first = cases[0]
    target, seen = first.call.target, first.seen
    subject = target.name or f"new{target.owner.rpartition('.')[2]}"
    if len(cases) > 1:
        return f"{subject}ReturnsWhatIsExpected"
    given = "And".join(filter(None, (_slug(value.text) for value in first.call.last.args)))
    match seen.kind:
        case "error":
            outcome = f"Throws{seen.type.rpartition('.')[2]}"
        case "value":
            outcome = f"Returns{_slug(seen.text) or 'Empty'}"
        case "instance":
            outcome = "MakesAnObject" if target.is_constructor else "ReturnsAnObject"
        case _:
            outcome = "ChangesTheObject" if seen.state else "Returns"
    words = f"{subject}{outcome}{'For' + given if given else ''}"
    after = "And".join(_capital(step.target.name) for step in first.call.steps)
    return f"{words}{'After' + after if after else ''}"[:_NAME_CHARS]


def _slug(text: str) -> str:
    plain = {'""': "Empty", "null": "Null"}.get(re.sub(r"^\([\w.\[\]]+\) ", "", text))
    if plain:
        return plain
    signed = re.sub(r"(?<!\w)-(?=\d)", "Minus ", re.sub(r"\bjava\.[\w.]+\.|\bnew\b", "", text))
    words = re.findall(r"[A-Za-z0-9]+", signed)
    return "".join(_capital(word) for word in words)[:_SLUG_CHARS]


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]


def _unique(name: str, taken: set[str]) -> str:
    number, unique = 2, name
    while unique in taken:
        unique, number = f"{name}{number}", number + 1
    taken.add(unique)
    return unique
