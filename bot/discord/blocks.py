"""Blocks of a reply as pieces of Discord Markdown: prose, fences, uploads and buttons.

Discord knows no tables, folds or rules, and four kinds of text are live in it: mentions, `-#`
lines, endless quotes and fences. All block text is taken as hostile.
https://support.discord.com/hc/en-us/articles/210298617
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from bot.discord.buttons import Button, button_of
from bot.discord.fences import TICKS, Fence, Prose, split_fences
from bot.discord.plain import escaped, in_code_span, plain_cell, size_text, unfenced
from bot.discord.source import block_source
from jobs.messages import (
    Action,
    Actions,
    Block,
    Code,
    Collapsible,
    Diff,
    Fields,
    File,
    Heading,
    Picture,
    Suggestion,
    Table,
    Text,
)
from storage.ids import ArtifactId

UPLOAD_LIMIT_BYTES = 10 * 1024 * 1024
LONGEST_FENCE = 1_200
"""Characters of code shown in place; more goes into a file beside its beginning."""
TALLEST_FENCE = 30
"""Lines of it."""
LONGEST_FOLD = 500
"""Characters of a collapsible shown in place."""
WIDEST_TABLE = 60
"""Columns; a wider table is written row by row, since Discord wraps code."""

_ZERO_WIDTH = "\u200b"
_LIVE = re.compile(r"@(?=everyone|here)|<(?=@[!&]?\d|#\d|id:|/[^<>\n]{1,100}:\d)")
_LINE_START = re.compile(r"^([ \t]*)(-#|>>>)", re.MULTILINE)
_DEEP_HEADING = re.compile(r"^ {0,3}#{4,6}[ \t]+(.+)$", re.MULTILINE)
_TALL_HEADING = re.compile(r"^ {0,3}#{1,2}(?=[ \t])", re.MULTILINE)
_RULE = re.compile(r"^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$", re.MULTILINE)
_TILDES = re.compile(r"^ {0,3}~{3,}", re.MULTILINE)
_PIPES = re.compile(r"(?:^[ \t]*\|.*\n?){2,}", re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Upload:
    """A file to attach: an artifact, or text that was too long to be shown."""

    name: str
    artifact: ArtifactId | None = None
    text: str = ""
    alt: str = ""


@dataclass(frozen=True)
class Written:
    """A line or paragraph of Discord Markdown without fences."""

    text: str


Piece = Written | Fence | Upload | Button


@dataclass(frozen=True)
class Page:
    """What pieces are written for."""

    link: Callable[[ArtifactId], str]
    """The address at which an artifact can be downloaded."""
    title: str = "reply"
    """What files made of overlong text are named after."""


def pieces_of(blocks: Iterable[Block], page: Page) -> Iterator[Piece]:
    """The blocks in order."""
    for number, block in enumerate(blocks, 1):
        yield from _piece(block, replace(page, title=f"{page.title}-{number}"))


def harmless(text: str) -> str:
    """Prose in which nothing pings, quotes the rest, or looks like our own markers."""
    text = _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))
    text = _calls_nobody(text)
    return _LINE_START.sub(lambda found: f"{found[1]}\\{found[2]}", text)


def _calls_nobody(text: str) -> str:
    return _LIVE.sub(lambda found: found[0] + _ZERO_WIDTH, text)


def fenced(text: str, language: str = "") -> Fence:
    """A code block that its text cannot end."""
    text = _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))
    return Fence(unfenced(text) if text.strip() else "(empty)", language)


def _piece(block: Block, page: Page) -> Iterator[Piece]:
    match block:
        case Heading():
            yield Written(f"### {escaped(harmless(block.text))}")
        case Text():
            yield from _text(block.markdown)
        case Code():
            yield from _code(block, page)
        case Diff():
            yield Written(f"`{in_code_span(_calls_nobody(block.path))}`")
            yield from _excerpt(block.text, "diff", f"{_base(block.path)}.diff")
        case Table():
            yield from _table(block)
        case Fields():
            yield Written(_fields(block))
        case Picture() | File() | Actions() | Collapsible():
            yield from _beside_text(block, page)


def _beside_text(block: Picture | File | Actions | Collapsible, page: Page) -> Iterator[Piece]:
    match block:
        case Picture():
            yield Upload(f"{page.title}.png", block.artifact, alt=block.alt)
        case File():
            yield from _file(block, page)
        case Actions():
            yield from _actions(block.actions)
        case Collapsible():
            yield from _fold(block, page)


def _text(markdown: str) -> Iterator[Piece]:
    for part in split_fences(_closed(_TILDES.sub(TICKS, markdown))):
        if isinstance(part, Fence):
            yield fenced(part.text, part.language)
        else:
            yield from _prose(part)


def _closed(markdown: str) -> str:
    """In standard Markdown an unclosed fence lasts to the end."""
    return f"{markdown}\n{TICKS}" if markdown.count(TICKS) % 2 else markdown


def _prose(part: Prose) -> Iterator[Piece]:
    at = 0
    for found in _PIPES.finditer(part.text):
        yield Written(_marked_up(part.text[at : found.start()]))
        yield fenced(found[0].rstrip("\n"))
        at = found.end()
    yield Written(_marked_up(part.text[at:]))


def _marked_up(text: str) -> str:
    text = harmless(text.strip("\n")).replace("![", "[")
    text = _RULE.sub("⎯⎯⎯", text)
    text = _DEEP_HEADING.sub(lambda found: f"**{found[1].rstrip('# ')}**", text)
    return unfenced(_TALL_HEADING.sub("###", text))


def _code(block: Code, page: Page) -> Iterator[Piece]:
    ending = {"python": "py", "": "txt"}.get(block.language, block.language)
    yield from _excerpt(block.text, block.language, f"{page.title}.{_base(ending)}")


def _excerpt(text: str, language: str, name: str) -> Iterator[Piece]:
    lines = text.split("\n")
    if len(text) <= LONGEST_FENCE and len(lines) <= TALLEST_FENCE:
        yield fenced(text, language)
        return
    shown = "\n".join(lines[:TALLEST_FENCE])
    if len(shown) > LONGEST_FENCE:
        shown = shown[:LONGEST_FENCE].rpartition("\n")[0] or shown[:LONGEST_FENCE]
    more = len(text[len(shown) :].strip("\n").splitlines()) or 1
    yield fenced(shown, language)
    yield Written(f"… {more:,} more {'line' if more == 1 else 'lines'} in `{name}`")
    yield Upload(name, text=text)


def _table(block: Table) -> Iterator[Piece]:
    if not block.header:
        return
    rows = [[plain_cell(cell) for cell in row] for row in (block.header, *block.rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    if sum(widths) + 2 * len(widths) <= WIDEST_TABLE:
        rows.insert(1, ["─" * width for width in widths])
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        yield fenced("\n".join(lines))
        return
    yield Written("\n".join(_list_item(block.header, row) for row in block.rows))


def _list_item(header: tuple[str, ...], row: tuple[str, ...]) -> str:
    first, *rest = (inline(cell) for cell in row)
    if len(rest) == 1:  # two columns need no label to be told apart
        return f"- **{first}**: {rest[0]}".rstrip(": ")
    labels = (inline(label) for label in header[1:])
    said = " · ".join(f"{label}: {cell}" for label, cell in zip(labels, rest, strict=True))
    return f"- **{first}** {said}".rstrip()


def _fields(block: Fields) -> str:
    return "\n".join(f"**{inline(label)}**: {inline(value)}" for label, value in block.pairs)


def inline(markdown: str) -> str:
    """Inline Markdown as one harmless line that opens no fence."""
    return unfenced(harmless(" ".join(markdown.split())))


def _file(block: File, page: Page) -> Iterator[Piece]:
    if block.size_bytes <= UPLOAD_LIMIT_BYTES:
        yield Upload(_base(block.name), block.artifact)
        return
    address = page.link(block.artifact)
    yield Written(f"[{escaped(_base(block.name))}]({address}) · {size_text(block.size_bytes)}")


def _actions(actions: Iterable[Action | Suggestion]) -> Iterator[Piece]:
    for action in actions:
        button = button_of(action)
        if button is not None:
            yield button
        else:
            yield Written(f"{escaped(harmless(action.label))}: type")
            yield fenced(f"/gryph {action.line}")


def _fold(block: Collapsible, page: Page) -> Iterator[Piece]:
    source = "\n\n".join(map(block_source, block.blocks))
    title = escaped(harmless(" ".join(block.title.split())))
    if len(source) <= LONGEST_FOLD:
        yield Written(f"**{title}**")
        yield from pieces_of(block.blocks, page)
        return
    name = f"{page.title}.md"
    yield Written(f"**{title}**: in `{name}`")
    yield Upload(name, text=source)
    yield from (
        piece
        for inner in block.blocks
        if isinstance(inner, Picture | File | Actions | Collapsible)
        for piece in _piece(inner, replace(page, title=f"{page.title}-more"))
    )


def _base(name: str) -> str:
    """A file name without folders or characters that Discord would change."""
    return re.sub(r"[^\w.+\-]", "_", name.replace("\\", "/").rpartition("/")[2])[-80:] or "file"
