"""Reads what a model wrote: code blocks with a path, and exact edits of files that exist.

Models keep to a format more or less, so that what is meant is looked for: see `Block`. Reading
never fails; what is missing is seen in what comes of it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engines.generation.hunks import Edit, edits_in, hunks_in, is_search
from engines.generation.labels import Info, label_above, label_inside, read_info
from engines.generation.python_text import tree_of

LIMIT_CHARS = 1 << 18
"""Far more than any model writes in one go."""
_OPENING = re.compile(r"( {0,40})(`{3,}|~{3,})(.*)$")
_THOUGHT = re.compile(r"\s*<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
_THOUGHT_END = re.compile(r"^[ \t]*</think(?:ing)?>", re.MULTILINE)
_PROSE = frozenset({"md", "markdown", "rst", "mdx"})
_PYTHON = frozenset({"", "py", "python", "python3"})
_ENDS_TRIED = 8
_BLOCKS = 60
"""More are not read."""
_PARSED_CHARS = 60_000
_EXPLANATION_CHARS = 4_000


@dataclass(frozen=True)
class Block:
    """One block of an answer.

    Its path is taken from the fence's own line, the line above it, or a comment on its first line;
    None where none of them has one.
    """

    path: str | None
    language: str
    text: str
    edits: tuple[Edit, ...] = ()
    """What it changes of a file that exists; without any it is a whole file."""
    is_complete: bool = True
    """False where the answer ended inside."""


@dataclass(frozen=True)
class Answer:
    """An answer in its parts."""

    blocks: tuple[Block, ...]
    explanation: str
    """What stands around the blocks."""
    is_too_long: bool = False


@dataclass(frozen=True)
class _Fenced:
    """Lines between two fences; `end` is the line after the closing one."""

    lines: list[str]
    end: int
    is_closed: bool


def read_answer(text: str) -> Answer:
    """Find the blocks of an answer; any text whatever is read."""
    cut = _plain(text[:LIMIT_CHARS])
    lines = without_thoughts(cut).split("\n")
    blocks: list[Block] = []
    around: list[str] = []
    place = 0
    while place < len(lines) and len(blocks) < _BLOCKS:
        opening = _OPENING.match(lines[place])
        if opening and "`" not in opening[3]:
            info = read_info(opening[3])
            fenced = _fenced(lines, place, opening, info.language)
            label = info.path or _taken_label(around)
            blocks.extend(_blocks(fenced, info, label, len(opening[1])))
            place = fenced.end
        elif is_search(lines[place]):
            label = _taken_label(around)
            edits, place, is_closed = edits_in(lines, place)
            blocks.append(Block(label, "", "", tuple(edits), is_closed))
        else:
            around.append(lines[place])
            place += 1
    if not blocks and _is_a_program(cut):
        return Answer((Block(label_inside(lines), "python", cut),), "", len(text) > LIMIT_CHARS)
    explanation = "\n".join(around).strip()[:_EXPLANATION_CHARS]
    return Answer(tuple(blocks), explanation, len(text) > LIMIT_CHARS)


def _plain(text: str) -> str:
    """With line ends as they are here, and without what no file of text holds."""
    whole = text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return whole.replace("\r\n", "\n").replace("\r", "\n")


def without_thoughts(text: str) -> str:
    """An answer without the thinking aloud that comes before it."""
    while found := _THOUGHT.match(text):
        text = text[found.end() :]
    end = _THOUGHT_END.search(text)  # templates may have opened it in the prompt
    return text[end.end() :] if end else text


def _taken_label(around: list[str]) -> str | None:
    """The path on the nearest line above, which then is no part of the explanation."""
    for number in range(len(around) - 1, max(-1, len(around) - 4), -1):
        if around[number].strip():
            label = label_above(around[number])
            if label:
                del around[number:]
            return label
    return None


def _blocks(fenced: _Fenced, info: Info, label: str | None, indent: int) -> Iterator[Block]:
    lines = [_dedented(one, indent) for one in fenced.lines]
    hunks = list(hunks_in(lines, is_diff=info.language in {"diff", "patch"}))
    if hunks:
        for path, edits in hunks:
            yield Block(path or label, info.language, "", tuple(edits), fenced.is_closed)
        return
    inside = label_inside(lines)
    body = lines[1:] if inside and (not label or inside.endswith(label.lstrip("./"))) else lines
    path = label or inside
    if any(is_search(one) for one in body):
        yield from _edited(body, path, info.language)
        return
    text = "\n".join(body).strip("\n")
    yield Block(path, info.language, f"{text}\n" if text else "", (), fenced.is_closed)


def _edited(lines: Sequence[str], path: str | None, language: str) -> Iterator[Block]:
    """The edits of one fence; a path on a line between them is that of the next."""
    place = 0
    while place < len(lines):
        if is_search(lines[place]):
            edits, place, is_whole = edits_in(lines, place)
            yield Block(path, language, "", tuple(edits), is_whole)
        else:
            path = label_above(lines[place]) or path
            place += 1


def _fenced(lines: list[str], start: int, opening: re.Match[str], language: str) -> _Fenced:
    """Where a block ends. Fences inside it, in a docstring or a document, do not end it."""
    fence = opening[2]
    natural, bare = _ends(lines, start + 1, fence, language)
    if language in _PYTHON and len(bare) > 1:
        for end in bare[:_ENDS_TRIED]:
            if is_python("\n".join(lines[start + 1 : end])):
                return _Fenced(lines[start + 1 : end], end + 1, is_closed=True)
    if natural is not None:
        return _Fenced(lines[start + 1 : natural], natural + 1, is_closed=True)
    after = _next_opening(lines, start + 1, fence) if language not in _PROSE else None
    end = after if after is not None else len(lines)
    return _Fenced(lines[start + 1 : end], end, is_closed=after is not None)


def _ends(lines: list[str], start: int, fence: str, language: str) -> tuple[int | None, list[int]]:
    """The line that closes a fence when those inside are paired, and all that might close it."""
    depth, natural = 0, None
    bare: list[int] = []
    for number in range(start, len(lines)):
        inner = _OPENING.match(lines[number])
        if not inner or inner[2][0] != fence[0] or len(inner[2]) < len(fence):
            continue
        if inner[3].strip():
            depth += 1
            continue
        bare.append(number)
        if depth == 0 and natural is None:
            natural = number
        depth = max(0, depth - 1)
        if natural is not None and (language in _PROSE or len(bare) > _ENDS_TRIED):
            break
    return natural, bare


def _next_opening(lines: list[str], start: int, fence: str) -> int | None:
    """The next labelled fence, where a block was never closed."""
    for number in range(start, len(lines)):
        found = _OPENING.match(lines[number])
        if found and found[2] == fence and not found[1] and found[3].strip():
            return number
    return None


def _dedented(line: str, indent: int) -> str:
    """Without the indentation of the fence, which stood in a list."""
    return line[indent:] if line[:indent].isspace() or not indent else line.lstrip(" ")


def _is_a_program(text: str) -> bool:
    """Whether an answer without any fence is nothing but code."""
    is_likely = re.search(r"^(?:def|class|import|from|async def) ", text, re.MULTILINE)
    return bool(is_likely) and is_python(text)


def is_python(text: str) -> bool:
    """Whether it parses; what is very long is not tried."""
    return len(text) <= _PARSED_CHARS and bool(text.strip()) and tree_of(text) is not None
