"""Blocks of a reply as GitHub Markdown, each within the room that is left.

https://github.github.com/gfm/
"""

import html
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bot.code_blocks import fence_for, language_of
from bot.document import Element, cut_element, elements, standalone
from bot.github.harmless import (
    cell,
    code_span,
    escaped,
    harmless,
    label,
    shown_as_code,
    unmentioned,
)
from bot.table import evened
from bot.text import clean, head, head_lines, one_line, size, units
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

MOST_LINES_OPEN = 60
"""Longer code is folded."""
LONGEST_TITLE = 300
_NOTE_ROOM = 60
_GAP = "\n\n"
_BATCH = 4_000
"""Units made harmless at once where not everything fits."""
_SMALLEST_ROOM = 200
LONGEST_LINE = 2_000
"""Of a command."""
_PURPOSE = {
    "apply": " to open a pull request with the files",
    "retry": " to run it again",
    "cancel": " to stop it",
    "approve": " to let it run",
}


@dataclass(frozen=True)
class Page:
    """What blocks are written for."""

    link: Callable[[ArtifactId], str]
    """The address at which an artifact can be downloaded."""
    shows_pictures: bool = False
    """Whether GitHub can fetch pictures from there."""


@dataclass(frozen=True)
class Fitted:
    """What was written, and whether it is everything."""

    text: str
    is_whole: bool = True


def fit(blocks: Sequence[Block], page: Page, room: int) -> Fitted:
    """The blocks in order; buttons and files keep their room before long text takes it."""
    kept = [_kept(block, page) for block in blocks]
    reserved = sum(units(own.text) + len(_GAP) for own in kept if own is not None)
    if reserved > room // 2:
        kept, reserved = [None] * len(blocks), 0
    parts: list[str] = []
    is_whole = True
    for block, own in zip(blocks, kept, strict=True):
        reserved -= units(own.text) + len(_GAP) if own is not None else 0
        left = room - reserved - len(_GAP)
        fitted = own or _fit(block, page, left)
        is_whole = is_whole and fitted.is_whole
        if fitted.text:
            parts.append(fitted.text)
            room -= units(fitted.text) + len(_GAP)
    return Fitted(_GAP.join(parts), is_whole)


def _kept(block: Block, page: Page) -> Fitted | None:
    """A block that must not be crowded out; None for others."""
    match block:
        case Actions():
            is_whole = all(
                units(each.line) <= LONGEST_LINE and _is_short(each.label) for each in block.actions
            )
            return Fitted(actions_text(block.actions), is_whole)
        case File():
            return Fitted(_file(block, page), _is_short(block.name))
        case Picture():
            return Fitted(_picture(block, page), _is_short(block.alt))
        case _:
            return None


def _fit(block: Block, page: Page, room: int) -> Fitted:
    match block:
        case Text():
            return _text(block.markdown, room)
        case Code():
            return _code(block.text, block.language, "", room)
        case Diff():
            return _code(block.text, "diff", block.path, room)
        case Table():
            return _table(block, room)
        case Fields():
            return _fields(block, room)
        case Collapsible():
            return _folded(block, page, room)
        case Heading():
            return _heading(block, room)
        case Actions() | File() | Picture():
            return _whole_or_none(_kept(block, page) or Fitted(""), room)


def _whole_or_none(made: Fitted, room: int) -> Fitted:
    return made if units(made.text) <= room else Fitted("", is_whole=False)


def _is_short(text: str) -> bool:
    return units(text) <= LONGEST_TITLE


def _heading(block: Heading, room: int) -> Fitted:
    title = one_line(block.text)
    shown = head(title, LONGEST_TITLE)
    return _whole_or_none(Fitted(f"### {escaped(shown)}" if shown else "", shown == title), room)


def _text(markdown: str, room: int) -> Fitted:
    source = clean(markdown)
    beginning = head_lines(source, max(room, 0))
    if source.startswith("\n", len(beginning)) or beginning == source:
        made = harmless(standalone(beginning, has_tables=False))
        if units(made) <= room:
            return Fitted(made, not source[len(beginning) :].strip())
    return Fitted(_GAP.join(_beginning(beginning, room)), is_whole=not source.strip())


def _beginning(markdown: str, room: int) -> Iterator[str]:
    """As many blocks of the text as fit, and what fits of the next."""
    for batch in _batches(elements(markdown)):
        made = harmless(_GAP.join(element.text for element in batch))
        if units(made) <= room:
            yield made
            room -= units(made) + len(_GAP)
            continue
        for element in batch:
            made = harmless(element.text)
            if units(made) > room:
                yield from _first_part(element, room)
                return
            yield made
            room -= units(made) + len(_GAP)


def _batches(every: Sequence[Element]) -> Iterator[list[Element]]:
    batch: list[Element] = []
    size = 0
    for element in every:
        batch.append(element)
        size += len(element.text)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    yield batch


def _first_part(element: Element, room: int) -> Iterator[str]:
    size = room
    while size > _SMALLEST_ROOM:
        part = next(cut_element(element, size), None)
        made = harmless(part or "")
        if units(made) <= room:
            yield made
            return
        size //= 2


def _code(text: str, info: str, title: str, room: int) -> Fitted:
    text, title = clean(text).rstrip("\n"), one_line(title)
    fence = fence_for(text)
    safe = shown_as_code(language_of(info))
    lines = text.count("\n") + 1
    before = f"{code_span(head(title, LONGEST_TITLE))}\n" if title else ""
    after = ""
    if lines > MOST_LINES_OPEN:
        before, after = _fold(f"{title or safe or 'text'} · {lines:,} lines"), f"{_GAP}</details>"
    frame = units(before) + units(after) + 2 * len(fence) + len(safe) + 2 + _NOTE_ROOM
    if frame >= room:
        return Fitted("", is_whole=False)
    shown = head_lines(text, room - frame)
    note = "" if shown == text else f"{_GAP}… {_more(text, shown)}"
    code = f"{fence}{safe}\n{shown}\n{fence}"
    return Fitted(f"{before}{code}{note}{after}", shown == text and _is_short(title))


def _more(text: str, shown: str) -> str:
    left = text.count("\n") - shown.count("\n")
    return f"{left:,} more lines" if left else f"{len(text) - len(shown):,} more characters"


def _fold(title: str) -> str:
    """Opens a collapsible; what follows is Markdown again."""
    shown = head(one_line(title), LONGEST_TITLE)
    safe = unmentioned(html.escape(shown, quote=False))
    return f"<details><summary>{safe}</summary>{_GAP}"


def _folded(block: Collapsible, page: Page, room: int) -> Fitted:
    before, after = _fold(block.title), f"{_GAP}</details>"
    inside = fit(block.blocks, page, room - units(before) - units(after))
    if not inside.text:
        return _whole_or_none(Fitted(f"**{escaped(block.title)}**", inside.is_whole), room)
    is_whole = inside.is_whole and _is_short(block.title)
    return Fitted(f"{before}{inside.text}{after}", is_whole)


def _table(block: Table, room: int) -> Fitted:
    every = evened(block.header, block.rows)
    if not every:
        return Fitted("")
    header, *rows = every
    lines = [_row(header), "|" + " --- |" * len(header)]
    left = room - sum(units(line) + 1 for line in lines) - _NOTE_ROOM
    if left < 0:
        return Fitted("", is_whole=False)
    for done, row in enumerate(rows):
        line = _row(row)
        left -= units(line) + 1
        if left < 0:
            note = f"\n… {len(rows) - done:,} more rows"
            return Fitted("\n".join(lines) + "\n" + note, is_whole=False)
        lines.append(line)
    return Fitted("\n".join(lines))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(cell, cells))} |"


def _fields(block: Fields, room: int) -> Fitted:
    rows = tuple((f"**{escaped(label)}**", value) for label, value in block.pairs)
    return _table(Table(header=("", ""), rows=rows), room) if rows else Fitted("")


def _file(block: File, page: Page) -> str:
    name = label(head(block.name, LONGEST_TITLE)) or "file"
    return f"📄 [{name}]({page.link(block.artifact)}) · {size(block.size_bytes)}"


def _picture(block: Picture, page: Page) -> str:
    alt = label(head(block.alt, LONGEST_TITLE)) or "picture"
    mark = "!" if page.shows_pictures else "🖼️ "
    return f"{mark}[{alt}]({page.link(block.artifact)})"


def actions_text(actions: Sequence[Action | Suggestion]) -> str:
    """Buttons as lines to reply with, and thumbs as reactions."""
    lines = [_typed(each) for each in actions if not _is_vote(each)]
    votes = [each for each in actions if _is_vote(each)]
    if votes:
        lines.append(
            f"- **Did it help?** React to this comment with 👍 or 👎, "
            f"or reply {code_span(f'/gryph {votes[0].line}')}"
        )
    return "\n".join(lines)


def _is_vote(action: Action | Suggestion) -> bool:
    return isinstance(action, Action) and action.verb == "feedback"


def _typed(action: Action | Suggestion) -> str:
    purpose = _PURPOSE.get(action.verb, "") if isinstance(action, Action) else ""
    label = escaped(head(action.label, LONGEST_TITLE))
    return f"- **{label}**: reply {code_span(f'/gryph {head(action.line, 2_000)}')}{purpose}"
