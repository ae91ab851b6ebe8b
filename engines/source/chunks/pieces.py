"""Lines to chunks: each line with words belongs to exactly one, none is too large."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engines.source.chunks.types import CODE, Chunk, Definition, Outline

LONGEST_LINES = 80
LONGEST_CHARS = 6_000
_LONGEST_LINE_CHARS = 1_000
"""Of a longer line the rest is left out."""
_SECTION_LINES = 40
_MOST_IMPORTS = 200
"""Further ones of a file are not told."""
_LONGEST_FACT_CHARS = 400
"""Of a name, a signature, a summary, an import."""
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_LAST_NAMES = re.compile(r"([^\W\d]\w*)\s*(?=[,;)}\]\"'`]|$|\b(?:as|from)\b)")
_NO_NAMES = frozenset({"import", "from", "as", "use", "self", "super", "crate", "type", "static"})


@dataclass(frozen=True)
class Span:
    """Lines of one owner, which count from 1."""

    first_line: int
    last_line: int
    owner: Definition


def chunks_of(path: str, language: str, lines: Sequence[str], outline: Outline) -> list[Chunk]:
    """The chunks of a file in the order of their lines."""
    statements = (one[:_LONGEST_FACT_CHARS] for one in outline.imports[:_MOST_IMPORTS])
    imports = [(one, _bound(one)) for one in statements]
    rest = Definition(1, len(lines), outline.rest, "")
    found: list[Chunk] = []
    for span in _spans(len(lines), (rest, *outline.definitions)):
        for first, last in _split(lines, span):
            text = lines_as_text(lines, first, last)
            mentioned = frozenset(_IDENTIFIER.findall(text))
            if mentioned:
                one = span.owner
                used = _used(imports, mentioned) if one.kind in CODE else ()
                name, signature, summary = (
                    fact[:_LONGEST_FACT_CHARS] for fact in (one.name, one.signature, one.summary)
                )
                facts = (one.kind, name, first, last, text, signature, summary)
                found.append(Chunk(path, language, *facts, used))
    return found


def _used(
    imports: Sequence[tuple[str, frozenset[str]]], mentioned: frozenset[str]
) -> tuple[str, ...]:
    return tuple(statement for statement, names in imports if names & mentioned)


def lines_as_text(lines: Sequence[str], first: int, last: int) -> str:
    """The text of a chunk from the lines of its file."""
    return "\n".join(line[:_LONGEST_LINE_CHARS] for line in lines[first - 1 : last])


def _spans(count: int, definitions: Sequence[Definition]) -> Iterator[Span]:
    """Runs of lines of the same innermost definition; the first definition holds all lines."""
    owners = [definitions[0]] * (count + 1)
    for one in definitions[1:]:
        last = min(one.last_line, count)
        owners[one.first_line : last + 1] = [one] * (last + 1 - one.first_line)
    start = 1
    for line in range(2, count + 2):
        if line == count + 1 or owners[line] is not owners[start]:
            yield Span(start, line - 1, owners[start])
            start = line


def _split(lines: Sequence[str], span: Span) -> Iterator[tuple[int, int]]:
    """Parts of a span, without empty lines at their ends, ending at an empty line where one is in
    the second half of what fits.
    """
    most_lines = LONGEST_LINES if span.owner.kind in CODE else _SECTION_LINES
    first, last = span.first_line, span.last_line
    while first <= last:
        if not lines[first - 1].strip():
            first += 1
            continue
        end = _fitting(lines, first, last, most_lines)
        next_first = end + 1
        while not lines[end - 1].strip():
            end -= 1
        yield first, end
        first = next_first


def _fitting(lines: Sequence[str], first: int, last: int, most_lines: int) -> int:
    size = 0
    end = first
    for line in range(first, min(last, first + most_lines - 1) + 1):
        size += min(len(lines[line - 1]), _LONGEST_LINE_CHARS) + 1
        if size > LONGEST_CHARS and line > first:
            break
        end = line
    if end == last:
        return end
    middle = (first + end) // 2
    empty = (line for line in range(end, middle, -1) if not lines[line - 1].strip())
    return next(empty, end)


def _bound(statement: str) -> frozenset[str]:
    """The names by which an import statement makes something known, in any of the languages."""
    return frozenset(_LAST_NAMES.findall(statement)) - _NO_NAMES
