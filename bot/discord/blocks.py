"""Blocks of a reply as pieces of Discord Markdown: prose, fences, uploads and buttons.

Discord knows no tables, folds or rules, and four kinds of text are live in it: mentions, `-#`
lines, endless quotes and fences. All block text is taken as hostile.
https://support.discord.com/hc/en-us/articles/210298617
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from bot.code_blocks import language_of
from bot.discord.buttons import Button, button_of
from bot.discord.fences import Fence
from bot.discord.plain import escaped, has_link, in_code_span, plain_cell, unfenced
from bot.document import Kind, flat
from bot.links import open_links, unlike_others
from bot.passages import outside_spans
from bot.table import evened
from bot.text import ZERO_WIDTH, clean, cut, head_lines, one_line, size, units
from bot.whole_answer import beside_text, markdown_of
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

LONGEST_PATH = 300
"""Of a changed file, shown as code."""
LONGEST_ALT = 1_024
"""Of a picture's description, as Discord takes it."""
FIRST_UNITS = 20_000
"""Of a text; more is never shown, so more is not parsed."""

_LIVE = re.compile(r"@(?=everyone|here)|<(?=@[!&]?\d|#\d|id:|/[^<>\n]{1,100}:\d)")
_LINE_START = re.compile(r"^([ \t]*)(-#|>>>)", re.MULTILINE)
_DEEP_HEADING = re.compile(r"^ {0,3}#{4,6}[ \t]+(.+)$", re.MULTILINE)
_TALL_HEADING = re.compile(r"^ {0,3}#{1,2}(?=[ \t])", re.MULTILINE)
_RULE = re.compile(r"^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$", re.MULTILINE)


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


@dataclass(frozen=True)
class Missing:
    """Stands for text that no message will show."""


Piece = Written | Fence | Upload | Button | Missing


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
    text = calls_nobody(unlike_others(clean(text)))
    return _LINE_START.sub(lambda found: f"{found[1]}\\{found[2]}", text)


def calls_nobody(text: str) -> str:
    """Text in which nothing is a mention."""
    return _LIVE.sub(lambda found: found[0] + ZERO_WIDTH, text)


def fenced(text: str, language: str = "") -> Fence:
    """A code block that its text cannot end."""
    return Fence(unfenced(clean(text)) if text.strip() else "(empty)", language_of(language))


def _piece(block: Block, page: Page) -> Iterator[Piece]:
    match block:
        case Heading():
            yield Written(f"### {escaped(harmless(block.text))}")
        case Text():
            yield from _text(block.markdown)
        case Code():
            yield from _code(block, page)
        case Diff():
            yield from _path(block.path)
            yield from _excerpt(clean(block.text), "diff", f"{_base(block.path)}.diff")
        case Table():
            yield from _table(block)
        case Fields():
            yield Written(_fields(block))
        case Picture() | File() | Actions() | Collapsible():
            yield from _beside_text(block, page)


def _beside_text(block: Picture | File | Actions | Collapsible, page: Page) -> Iterator[Piece]:
    match block:
        case Picture():
            alt = one_line(block.alt)
            if units(alt) > LONGEST_ALT:
                yield Written(escaped(harmless(alt)))
            yield Upload(f"{page.title}.png", block.artifact, alt=cut(alt, LONGEST_ALT))
        case File():
            yield from _file(block, page)
        case Actions():
            yield from _actions(block.actions)
        case Collapsible():
            yield from _fold(block, page)


def _path(path: str) -> Iterator[Piece]:
    if units(path) > LONGEST_PATH:
        yield Written(escaped(harmless(path)))
    elif path.strip():
        yield Written(f"`{in_code_span(calls_nobody(path))}`")


def _text(markdown: str) -> Iterator[Piece]:
    source = clean(markdown)
    beginning = head_lines(source, FIRST_UNITS)
    for part in flat(beginning):
        if part.kind is Kind.PROSE:
            yield Written(_marked_up(part.text))
        else:
            yield fenced(part.text, part.info)
    if beginning != source:
        yield Missing()


def _marked_up(text: str) -> str:
    text = outside_spans(harmless(text), open_links)
    text = _RULE.sub("⎯⎯⎯", text)
    text = _DEEP_HEADING.sub(lambda found: f"**{found[1].rstrip('# ')}**", text)
    return unfenced(_TALL_HEADING.sub("###", text))


def _code(block: Code, page: Page) -> Iterator[Piece]:
    language = language_of(block.language)
    ending = {"python": "py", "": "txt"}.get(language, language)
    yield from _excerpt(clean(block.text), block.language, f"{page.title}.{_base(ending)}")


def _excerpt(text: str, language: str, name: str) -> Iterator[Piece]:
    lines = text.split("\n")
    if units(text) <= LONGEST_FENCE and len(lines) <= TALLEST_FENCE:
        yield fenced(text, language)
        return
    shown = head_lines("\n".join(lines[:TALLEST_FENCE]), LONGEST_FENCE)
    more = text[len(shown) :].strip("\n").count("\n") + 1
    yield fenced(shown, language)
    yield Written(f"… {more:,} more {'line' if more == 1 else 'lines'} in `{name}`")
    yield Upload(name, text=text)


def _table(block: Table) -> Iterator[Piece]:
    every = evened(block.header, block.rows)
    if not every:
        return
    rows = [[plain_cell(cell) for cell in row] for row in every]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    is_narrow = sum(widths) + 2 * len(widths) <= WIDEST_TABLE
    if is_narrow and not any(has_link(cell) for row in every for cell in row):
        rows.insert(1, ["─" * width for width in widths])
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        yield fenced("\n".join(lines))
        return
    yield Written("\n".join(_list(every)))


def _list(every: list[tuple[str, ...]]) -> Iterator[str]:
    """The rows as items, whose cells say what they are unless there are only two."""
    header, *rows = [[inline(cell) for cell in row] for row in every]
    if len(header) <= 2 or not rows:  # noqa: PLR2004 - a cell and what is said of it
        yield " · ".join(f"**{label}**" for label in header if label)
        yield from (f"- {': '.join(filter(None, row))}" for row in rows)
        return
    for row in rows:
        pairs = zip(header, row, strict=True)
        said = [f"{label}: {cell}" if label else cell for label, cell in pairs]
        yield f"- {' · '.join(said)}"


def _fields(block: Fields) -> str:
    return "\n".join(f"**{inline(label)}**: {inline(value)}" for label, value in block.pairs)


def inline(markdown: str) -> str:
    """Inline Markdown as one harmless line that opens no fence."""
    return unfenced(outside_spans(harmless(one_line(markdown)), open_links))


def _file(block: File, page: Page) -> Iterator[Piece]:
    if block.size_bytes <= UPLOAD_LIMIT_BYTES:
        yield Upload(_base(block.name), block.artifact)
        return
    address = page.link(block.artifact)
    yield Written(f"[{escaped(_base(block.name))}]({address}) · {size(block.size_bytes)}")


def _actions(actions: Iterable[Action | Suggestion]) -> Iterator[Piece]:
    for action in actions:
        button = button_of(action)
        if button is not None:
            yield button
        elif one_line(action.line):
            yield Written(f"{escaped(harmless(action.label))}: type")
            yield fenced(f"/gryph {one_line(action.line)}")


def _fold(block: Collapsible, page: Page) -> Iterator[Piece]:
    source = markdown_of(block.blocks, page.link)
    title = escaped(harmless(block.title)) or "Details"
    if units(source) <= LONGEST_FOLD:
        yield Written(f"**{title}**")
        yield from pieces_of(block.blocks, page)
        return
    name = f"{page.title}.md"
    yield Written(f"**{title}**: in `{name}`")
    yield Upload(name, text=source)
    yield from pieces_of(beside_text(block.blocks), page)


def _base(name: str) -> str:
    """A file name without folders or characters that Discord would change."""
    return re.sub(r"[^\w.+\-]", "_", name.replace("\\", "/").rpartition("/")[2])[-80:] or "file"
