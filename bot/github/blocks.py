"""Blocks of a reply as GitHub Markdown, each within the room that is left.

https://github.github.com/gfm/
"""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.github.harmless import (
    cell,
    clean,
    code_span,
    escaped,
    harmless,
    longest_ticks,
    unmentioned,
)
from bot.github.measure import head, head_lines, measure
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
_SHRINK = 0.9
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]{1,32}")
_PURPOSE = {
    "apply": " to open a pull request with the files",
    "retry": " to run it again",
    "cancel": " to stop it",
    "approve": " to let it run",
}
_KIB = 1024


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
    reserved = sum(measure(text) + len(_GAP) for text in kept)
    if reserved > room // 2:
        kept, reserved = [""] * len(blocks), 0
    parts: list[str] = []
    is_whole = True
    for block, own in zip(blocks, kept, strict=True):
        reserved -= measure(own) + len(_GAP) if own else 0
        left = room - reserved - len(_GAP)
        fitted = Fitted(own) if own else _fit(block, page, left)
        is_whole = is_whole and fitted.is_whole
        if fitted.text:
            parts.append(fitted.text)
            room -= measure(fitted.text) + len(_GAP)
    return Fitted(_GAP.join(parts), is_whole)


def _kept(block: Block, page: Page) -> str:
    """The text of a block that must not be crowded out, "" for others."""
    match block:
        case Actions():
            return actions_text(block.actions)
        case File():
            return _file(block, page)
        case Picture():
            return _picture(block, page)
        case _:
            return ""


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
            return _whole_or_none(_kept(block, page), room)


def _whole_or_none(text: str, room: int) -> Fitted:
    return Fitted(text) if measure(text) <= room else Fitted("", is_whole=False)


def _heading(block: Heading, room: int) -> Fitted:
    shown = head(block.text, LONGEST_TITLE)
    fitted = _whole_or_none(f"### {escaped(shown)}", room)
    return Fitted(fitted.text, fitted.is_whole and shown == block.text)


def _text(markdown: str, room: int) -> Fitted:
    source = markdown.strip("\n")
    if room <= 0:
        return Fitted("", is_whole=not source.strip())
    shown = head_lines(source, room)
    is_whole = shown == source
    made = harmless(shown)
    while (size := measure(made)) > room:
        is_whole = False
        shown = head_lines(shown, int(measure(shown) * min(_SHRINK, room * _SHRINK / size)))
        made = harmless(shown)
        if not shown:
            return Fitted("", is_whole=False)
    return Fitted(made, is_whole)


def _code(text: str, language: str, title: str, room: int) -> Fitted:
    text = clean(text).rstrip("\n")
    ticks = "`" * max(3, longest_ticks(text) + 1)
    safe = language if _LANGUAGE.fullmatch(language) and language != "suggestion" else ""
    lines = text.count("\n") + 1
    before = f"{code_span(head(title, LONGEST_TITLE))}\n" if title else ""
    after = ""
    if lines > MOST_LINES_OPEN:
        named = title or safe or "text"
        before, after = _fold(f"{named} · {lines:,} lines"), f"{_GAP}</details>"
    frame = measure(before) + measure(after) + 2 * len(ticks) + len(safe) + 2 + _NOTE_ROOM
    if frame >= room:
        return Fitted("", is_whole=False)
    shown = head_lines(text, room - frame)
    note = "" if shown == text else f"{_GAP}… {_more(text, shown)}"
    fence = f"{ticks}{safe}\n{shown}\n{ticks}"
    return Fitted(f"{before}{fence}{note}{after}", shown == text)


def _more(text: str, shown: str) -> str:
    left = text.count("\n") - shown.count("\n")
    return f"{left:,} more lines" if left else f"{len(text) - len(shown):,} more characters"


def _fold(title: str) -> str:
    """Opens a collapsible; what follows is Markdown again."""
    one_line = " ".join(clean(head(title, LONGEST_TITLE)).split())
    safe = unmentioned(html.escape(one_line, quote=False))
    return f"<details><summary>{safe}</summary>{_GAP}"


def _folded(block: Collapsible, page: Page, room: int) -> Fitted:
    before, after = _fold(block.title), f"{_GAP}</details>"
    inside = fit(block.blocks, page, room - measure(before) - measure(after))
    if not inside.text:
        return Fitted("", is_whole=inside.is_whole)
    is_whole = inside.is_whole and len(block.title) <= LONGEST_TITLE
    return Fitted(f"{before}{inside.text}{after}", is_whole)


def _table(block: Table, room: int) -> Fitted:
    if not block.header:
        return Fitted("")
    columns = len(block.header)
    lines = [_row(block.header, columns), "|" + " --- |" * columns]
    left = room - sum(measure(line) + 1 for line in lines) - _NOTE_ROOM
    if left < 0:
        return Fitted("", is_whole=False)
    for done, row in enumerate(block.rows):
        line = _row(row, columns)
        left -= measure(line) + 1
        if left < 0:
            note = f"\n… {len(block.rows) - done:,} more rows"
            return Fitted("\n".join(lines) + "\n" + note, is_whole=False)
        lines.append(line)
    return Fitted("\n".join(lines))


def _row(cells: Sequence[str], columns: int) -> str:
    padded = [*map(cell, cells[:columns]), *[""] * (columns - len(cells))]
    return "| " + " | ".join(padded) + " |"


def _fields(block: Fields, room: int) -> Fitted:
    rows = tuple((f"**{escaped(label)}**", value) for label, value in block.pairs)
    return _table(Table(header=("", ""), rows=rows), room) if rows else Fitted("")


def _file(block: File, page: Page) -> str:
    name = escaped(head(block.name, LONGEST_TITLE)) or "file"
    return f"📄 [{name}]({page.link(block.artifact)}) · {size_text(block.size_bytes)}"


def _picture(block: Picture, page: Page) -> str:
    alt = escaped(head(block.alt, LONGEST_TITLE)) or "picture"
    mark = "!" if page.shows_pictures else "🖼️ "
    return f"{mark}[{alt}]({page.link(block.artifact)})"


def size_text(size_bytes: int) -> str:
    """A file's size for people."""
    if size_bytes < _KIB:
        return f"{size_bytes} bytes"
    if size_bytes < _KIB * _KIB:
        return f"{size_bytes / _KIB:.1f} KiB"
    return f"{size_bytes / _KIB / _KIB:.1f} MiB"


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
