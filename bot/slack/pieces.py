"""A reply's blocks as pieces of messages, with what is too long for Slack set apart as files."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.slack.document import fence, markdown, size, table
from bot.slack.mrkdwn import from_inline
from bot.slack.pages import CONTENT_UNITS, Native, Piece, Prose, SlackBlock
from bot.slack.prose import clean, code, cut, defuse, escape, escaped, one_line, units
from bot.slack.segments import segments
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

SHOWN_UNITS = 4_000
"""Longer code, diffs and tables are read better in a file."""
SHOWN_ROWS = 30
OPEN_UNITS = 700
OPEN_LINES = 10
"""A collapsible this short is simply shown: Slack cannot fold."""
HEADER_UNITS = 150
FIELD_UNITS = 500
FIELDS = 10
LABEL_UNITS = 75
VALUE_UNITS = 2_000
TEXT_FILES = 15
"""More texts than this go into the whole answer only."""
WHOLE_ANSWER = "whole-answer.md"
BUTTONS = 25
BUTTONS_UNITS = 8_000
_FIRST_CHARACTERS = 60_000
"""Of a text; more is never shown, so more is not parsed."""
_SUFFIXES = {"python": "py", "javascript": "js", "typescript": "ts", "bash": "sh", "rust": "rs"}
_NO_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Attachment:
    """A file that belongs to the reply: an artifact, or text too long for a message."""

    name: str
    size_bytes: int
    content: bytes | None = None
    artifact: ArtifactId | None = None


@dataclass
class Pieces:
    """What a reply comes to; `shown` must be read to its end before the rest is complete."""

    attachments: list[Attachment] = field(default_factory=list[Attachment])
    incomplete: bool = False
    """Whether something is neither shown nor attached."""
    buttons: list[Action | Suggestion] = field(default_factory=list[Action | Suggestion])
    _button_units: int = 0
    _sources: int = 0
    _names: set[str] = field(default_factory=lambda: {WHOLE_ANSWER})

    def shown(self, blocks: tuple[Block, ...]) -> Iterator[Piece]:
        """The pieces in order."""
        for block in blocks:
            self._sources += 1
            yield from self._block(block)

    def _block(self, block: Block) -> Iterator[Piece]:
        match block:
            case Heading():
                yield from self._heading(block)
            case Text():
                yield from self._prose(block.markdown)
            case Code():
                suffix = _SUFFIXES.get(block.language.lower(), one_line(block.language) or "txt")
                yield from self._or_file(fence(block.text, block.language), f"code.{suffix}", block)
            case Diff():
                name = f"{one_line(block.path)}.diff"
                shown = f"{_spelled(block.path)}\n\n{fence(block.text, 'diff')}"
                yield from self._or_file(shown, name, block)
            case Table():
                yield from self._table(block)
            case Fields():
                yield from self._fields(block)
            case Picture() | File():
                yield self._artifact(block)
            case Actions():
                yield from self._actions(block)
            case Collapsible():
                yield from self._collapsible(block)

    def _heading(self, block: Heading) -> Iterator[Piece]:
        text = one_line(block.text)
        if units(text) > HEADER_UNITS:
            yield from self._prose(f"**{text}**")
        elif text:
            header = {"type": "plain_text", "text": text, "emoji": False}
            yield Native({"type": "header", "text": header}, units(text))

    def _prose(self, text: str) -> Iterator[Piece]:
        safe = defuse(clean(text))
        for segment in segments(safe[:_FIRST_CHARACTERS], CONTENT_UNITS - 2):
            if segment is None:
                yield self._missing()
            elif segment.strip():
                yield Prose(segment, self._sources)
        if len(safe) > _FIRST_CHARACTERS:
            yield self._missing()

    def _missing(self) -> Piece:
        self.incomplete = True
        return context(f":scissors: A part too long for Slack stands in `{WHOLE_ANSWER}`.")

    def _or_file(self, shown: str, name: str, block: Code | Diff) -> Iterator[Piece]:
        text = clean(block.text)
        if units(shown) <= SHOWN_UNITS:
            yield from self._prose(shown)
        else:
            yield self._attached(name, text, _lines(text))

    def _table(self, block: Table) -> Iterator[Piece]:
        shown = table(block.header, block.rows)
        if not block.header:
            return
        if len(block.rows) <= SHOWN_ROWS and units(shown) <= SHOWN_UNITS:
            yield from self._prose(shown)
        else:
            yield self._attached("table.md", shown, f"{len(block.rows):,} rows")

    def _fields(self, block: Fields) -> Iterator[Piece]:
        short: list[str] = []
        for label, value in block.pairs:
            pair = _field(label, value)
            if units(pair) <= FIELD_UNITS:
                short += [pair] if pair else []
            else:
                yield from self._prose(f"**{one_line(label)}**: {clean(value)}")
        for start in range(0, len(short), FIELDS):
            yield _section(short[start : start + FIELDS])

    def _artifact(self, block: Picture | File) -> Piece:
        if isinstance(block, Picture):
            name, size_bytes, about = f"{one_line(block.alt) or 'picture'}.png", 0, "picture"
        else:
            name, size_bytes, about = block.name, block.size_bytes, size(block.size_bytes)
        named = self._named(name)
        self.attachments.append(Attachment(named, size_bytes, artifact=block.artifact))
        return _mention(named, about)

    def _attached(self, name: str, text: str, about: str) -> Piece:
        if len(self.attachments) >= TEXT_FILES:
            return self._missing()
        content = text.encode()
        named = self._named(name)
        self.attachments.append(Attachment(named, len(content), content=content))
        return _mention(named, about)

    def _collapsible(self, block: Collapsible) -> Iterator[Piece]:
        inside = markdown(block.blocks)
        title = one_line(block.title)
        if units(inside) <= OPEN_UNITS and inside.count("\n") <= OPEN_LINES:
            yield from self._prose(f"**{title}**" if title else "")
            yield from self.shown(block.blocks)
            return
        yield self._attached(f"{title or 'details'}.md", inside, _lines(inside))
        yield from self.shown(tuple(_not_prose(block.blocks)))

    def _actions(self, block: Actions) -> Iterator[Piece]:
        for action in block.actions:
            label, line = one_line(action.label), one_line(action.line)
            length = min(units(label), LABEL_UNITS) + units(line)
            fits = self._button_units + length <= BUTTONS_UNITS and len(self.buttons) < BUTTONS
            if label and line and units(line) <= VALUE_UNITS and fits:
                self._button_units += length
                self.buttons.append(action)
            elif line:
                yield from self._prose(f"{label}: {_spelled(f'/gryph {line}')}")

    def _named(self, name: str) -> str:
        """A file name that is safe, short and unlike the others."""
        stem, dot, suffix = (_NO_NAME.sub("-", name).strip("-.") or "file").rpartition(".")
        if not dot:
            stem, suffix = suffix, ""
        suffix = suffix[:20]
        wanted, number = f"{stem[:80]}{dot}{suffix}", 1
        while wanted.lower() in self._names:
            number += 1
            wanted = f"{stem[:80]}-{number}{dot}{suffix}"
        self._names.add(wanted.lower())
        return wanted


def button_rows(buttons: list[Action | Suggestion]) -> Iterator[Native]:
    """The buttons, as the row under the message."""
    if buttons:
        elements = [_button(action, index) for index, action in enumerate(buttons)]
        length = sum(units(e["text"]["text"]) + units(e["value"]) for e in elements)
        yield Native({"type": "actions", "elements": elements}, length)


def _button(action: Action | Suggestion, index: int) -> SlackBlock:
    """A button whose value is the line it stands for; ids are unique within the message."""
    is_action = isinstance(action, Action)
    target = f"{action.verb}:{action.job}" if is_action else "run"
    label = {"type": "plain_text", "text": cut(one_line(action.label), LABEL_UNITS), "emoji": True}
    element: SlackBlock = {
        "type": "button",
        "text": label,
        "action_id": cut(f"g:{target}:{index}", 255),
        "value": one_line(action.line),
    }
    if is_action and (action.primary or action.destructive):
        element["style"] = "danger" if action.destructive else "primary"
    return element


def context(text: str) -> Native:
    """A small grey line of mrkdwn."""
    element = {"type": "mrkdwn", "text": text}
    return Native({"type": "context", "elements": [element]}, units(text))


def _lines(text: str) -> str:
    return f"{len(text.splitlines()):,} lines"


def _mention(name: str, about: str) -> Native:
    return context(f":paperclip: {code(name)} · {escaped(about, 300)}")


def _section(fields: list[str]) -> Native:
    shown = [{"type": "mrkdwn", "text": text} for text in fields]
    return Native({"type": "section", "fields": shown}, sum(map(units, fields)))


def _field(label: str, value: str) -> str:
    """One pair as mrkdwn; "" when there is nothing in it."""
    name = escape(one_line(label).replace("*", "\u2217"))
    shown = from_inline(value).strip()
    return "\n".join(part for part in (f"*{name}*" if name else "", shown) if part)


def _spelled(text: str) -> str:
    """A Markdown code span on one line."""
    inner = one_line(text).replace("`", "\u02cb")
    return f"`{inner}`" if inner else ""


def _not_prose(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """The files and buttons inside a collapsible: they are not lost with its text."""
    for block in blocks:
        match block:
            case Picture() | File() | Actions():
                yield block
            case Collapsible():
                yield from _not_prose(block.blocks)
            case _:
                pass
