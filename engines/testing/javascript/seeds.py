"""What the repository itself shows as inputs: literals, regular expressions, written examples."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tree_sitter import Node

from engines.testing.javascript.literals import NotLiteral, Value, read
from engines.testing.javascript.syntax import Tree, language_of, named, source, walk
from engines.testing.regex_text import RegexText

_TEXT_LIMIT_CHARS = 80
_POOL_LIMIT = 200
_FILE_LIMIT = 12
_FILE_LIMIT_BYTES = 200_000
_FENCE = re.compile(r"```(?:js|jsx|javascript|ts|typescript|node|mjs)\b[^\n]*\n(.*?)```", re.DOTALL)
_TEST_FILE = re.compile(r"(?:^|[./_-])(?:test|tests|spec)\.[cm]?[jt]sx?$")
_SMALL = 10_000_000
_IGNORED = frozenset({"use strict", "function", "string", "number", "object", "boolean"})


@dataclass
class Seeds:
    """Mined inputs. `examples` are argument lists by the called name."""

    choices: random.Random
    texts: list[str] = field(default_factory=list[str])
    numbers: list[int] = field(default_factory=list[int])
    patterns: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    examples: dict[str, list[list[Value]]] = field(default_factory=dict[str, list[list[Value]]])

    def __post_init__(self) -> None:
        """Prepare the writer of matching texts."""
        self._writer = RegexText(self.choices)

    def matching(self) -> str | None:
        """A text that one of the file's regular expressions probably matches."""
        if not self.patterns:
            return None
        pattern, flags = self.choices.choice(self.patterns)
        return self._writer.text(pattern, flags)


def mine(tree: Tree, root: Path, path: str, choices: random.Random) -> Seeds:
    """Everything worth trying for one file."""
    seeds = Seeds(choices)
    texts: dict[str, None] = {}
    numbers: dict[int, None] = {}
    for node in walk(tree.root):
        if node.type == "regex":
            seeds.patterns.append(_pattern(node))
        elif node.type in {"string", "template_string", "number"}:
            _add_literal(node, texts, numbers)
    for text in _example_texts(root, path):
        for name, args in _calls(Tree(text, "typescript").root):
            seeds.examples.setdefault(name, []).append(args)
    for lists in seeds.examples.values():
        del lists[_POOL_LIMIT:]
        for one in (value for args in lists for value in args):
            if isinstance(one, str) and len(one) <= _TEXT_LIMIT_CHARS:
                texts[one] = None
    seeds.texts = [one for one in texts if one not in _IGNORED][:_POOL_LIMIT]
    seeds.numbers = list(numbers)[:_POOL_LIMIT]
    return seeds


def _add_literal(node: Node, texts: dict[str, None], numbers: dict[int, None]) -> None:
    holder = node.parent
    if holder is not None and holder.type in {"import_statement", "export_statement"}:
        return
    if holder is not None and holder.parent is not None:
        callee = named(holder.parent, "function")
        if callee is not None and source(callee) == "require":
            return
    try:
        value = read(node)
    except NotLiteral:
        return
    if isinstance(value, str) and len(value) <= _TEXT_LIMIT_CHARS:
        texts[value] = None
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) < _SMALL:
        numbers[value] = None


def _pattern(node: Node) -> tuple[str, int]:
    """As Python's parser reads it."""
    pattern = source(named(node, "pattern") or node)
    flags = named(node, "flags")
    translated = re.sub(r"\(\?<(?![=!])", "(?P<", pattern).replace("\\/", "/").replace("[^]", ".")
    translated = re.sub(r"\\u\{?([0-9a-fA-F]{4})\}?", r"\\u\1", translated)
    return translated, re.IGNORECASE if flags is not None and "i" in source(flags) else 0


def _example_texts(root: Path, path: str) -> Iterator[str]:
    """Code in the README and in existing tests."""
    for readme in sorted(root.glob("[Rr][Ee][Aa][Dd][Mm][Ee]*.m*d"))[:2]:
        yield from _FENCE.findall(_text(readme))
    stem = Path(path).stem
    folders = ("test", "tests", "__tests__", "spec", "src/__tests__", str(Path(path).parent))
    files = [one for folder in folders for one in sorted((root / folder).glob("*.*s*"))]
    files += [one for one in sorted(root.glob("*.*s")) if _TEST_FILE.search(one.name)]
    tests = [
        one
        for one in files
        if _TEST_FILE.search(one.name) or (one.suffix in {".js", ".ts"} and _is_test_folder(one))
    ]
    tests.sort(key=lambda one: stem not in one.name)
    for file in tests[:_FILE_LIMIT]:
        if language_of(file.name) != "tsx":
            yield _text(file)


def _is_test_folder(file: Path) -> bool:
    return file.parent.name in {"test", "tests", "__tests__", "spec"}


def _text(file: Path) -> str:
    try:
        return file.read_bytes()[:_FILE_LIMIT_BYTES].decode("utf-8", "replace")
    except OSError:
        return ""


def _calls(root: Node) -> Iterator[tuple[str, list[Value]]]:
    for node in walk(root):
        if node.type not in {"call_expression", "new_expression"}:
            continue
        callee = named(node, "function") or named(node, "constructor")
        arguments = named(node, "arguments")
        if callee is None or arguments is None or arguments.type != "arguments":
            continue
        if source(callee) in {"require", "import", "test", "it", "describe"}:
            continue
        try:
            args = _read_all(arguments.named_children)
        except NotLiteral:
            continue
        yield source(callee).rpartition(".")[2], args


def _read_all(nodes: Sequence[Node]) -> list[Value]:
    return [read(one) for one in nodes if one.type != "comment"]
