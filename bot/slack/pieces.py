"""A reply's blocks as pieces of messages, with what is too long for Slack set apart as files."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from bot.code_blocks import fenced, language_of
from bot.document import Element, Kind, cut_element, elements
from bot.slack.mrkdwn import from_inline
from bot.slack.pages import CONTENT_UNITS, Native, Piece, Prose, SlackBlock
from bot.slack.prose import code, defuse, escape, escaped, harmless, literal
from bot.table import markdown_table
from bot.text import clean, head_lines, one_line, size, units
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
SAID_UNITS = 200
"""Of a title, path or description beside the name of its file."""
_FIRST_UNITS = 30_000
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
                yield from self._code(clean(block.text).rstrip("\n"), block.language)
            case Diff():
                yield from self._diff(block)
            case Table():
                yield from self._table(block)
            case Fields():
                yield from self._fields(block)
            case Picture() | File():
                yield from self._artifact(block)
            case Actions():
                yield from self._actions(block)
            case Collapsible():
                yield from self._collapsible(block)

    def _heading(self, block: Heading) -> Iterator[Piece]:
        text = one_line(block.text)
        if units(text) > HEADER_UNITS:
            yield from self._prose(f"**{literal(text)}**")
        elif text:
            header = {"type": "plain_text", "text": text, "emoji": False}
            yield Native({"type": "header", "text": header}, units(text))

    def _prose(self, text: str) -> Iterator[Piece]:
        source = clean(text)
        beginning = head_lines(source, _FIRST_UNITS)
        found = elements(beginning)
        if beginning != source and found and found[-1].kind is not Kind.PROSE:
            found.pop()  # cut who knows where
        for element in found:
            yield from self._element(element)
        if beginning != source:
            yield self._missing()

    def _element(self, element: Element) -> Iterator[Piece]:
        if element.kind is Kind.CODE:
            yield from self._code(element.code, element.info)
            return
        for part in cut_element(_defused(element), CONTENT_UNITS - 2):
            if part is None:
                yield self._missing()
            elif part.strip():
                yield Prose(part, self._sources)

    def _missing(self) -> Piece:
        self.incomplete = True
        return context(f":scissors: A part too long for Slack stands in `{WHOLE_ANSWER}`.")

    def _code(self, code: str, info: str) -> Iterator[Piece]:
        shown = defuse(fenced(code, info))
        if units(shown) <= SHOWN_UNITS:
            yield Prose(shown, self._sources)
            return
        language = language_of(info)
        suffix = _SUFFIXES.get(language.lower(), language) or "txt"
        yield from self._attached(f"code.{suffix}", "", f"{code}\n")

    def _diff(self, block: Diff) -> Iterator[Piece]:
        text, path = clean(block.text).rstrip("\n"), one_line(block.path)
        shown = defuse(fenced(text, "diff"))
        if units(shown) <= SHOWN_UNITS:
            yield from self._prose(_spelled(path))
            yield Prose(shown, self._sources)
        else:
            yield from self._attached(f"{path}.diff", path, f"{text}\n")

    def _table(self, block: Table) -> Iterator[Piece]:
        shown = markdown_table(block.header, block.rows)
        if not shown:
            return
        if len(block.rows) <= SHOWN_ROWS and units(safe := harmless(shown)) <= SHOWN_UNITS:
            yield Prose(safe, self._sources)
        else:
            yield from self._attached("table.md", "", shown, f"{len(block.rows):,} rows")

    def _fields(self, block: Fields) -> Iterator[Piece]:
        short: list[str] = []
        for label, value in block.pairs:
            pair = _field(label, value)
            if units(pair) <= FIELD_UNITS:
                short += [pair] if pair else []
            else:
                yield from self._prose(f"**{literal(label)}**: {one_line(value)}")
        for start in range(0, len(short), FIELDS):
            yield _section(short[start : start + FIELDS])

    def _artifact(self, block: Picture | File) -> Iterator[Piece]:
        if isinstance(block, Picture):
            said, size_bytes, about = one_line(block.alt), 0, "picture"
            named = self._named(f"{said or 'picture'}.png")
        else:
            said, size_bytes, about = one_line(block.name), block.size_bytes, size(block.size_bytes)
            named = self._named(said)
        self.attachments.append(Attachment(named, size_bytes, artifact=block.artifact))
        yield from self._offered(named, said, about)

    def _attached(self, name: str, said: str, text: str, about: str = "") -> Iterator[Piece]:
        """Clean text as a file of its own; `said` is what its name cannot spell."""
        if len(self.attachments) >= TEXT_FILES:
            yield self._missing()
            return
        content = text.encode()
        named = self._named(name)
        self.attachments.append(Attachment(named, len(content), content=content))
        yield from self._offered(named, said, about or _lines(text))

    def _offered(self, named: str, said: str, about: str) -> Iterator[Piece]:
        if units(said) > SAID_UNITS:
            yield from self._prose(literal(said))
        elif _letters(said) not in _letters(named):
            about = f"{said} · {about}"
        yield _mention(named, about)

    def _collapsible(self, block: Collapsible) -> Iterator[Piece]:
        inside = markdown_of(block.blocks)
        title = one_line(block.title)
        if units(inside) <= OPEN_UNITS and inside.count("\n") <= OPEN_LINES:
            yield from self._prose(f"**{literal(title)}**" if title else "")
            yield from self.shown(block.blocks)
            return
        yield from self._attached(f"{title or 'details'}.md", title, f"{inside}\n")
        yield from self.shown(tuple(beside_text(block.blocks)))

    def _actions(self, block: Actions) -> Iterator[Piece]:
        for action in block.actions:
            label, line = one_line(action.label), one_line(action.line)
            length = units(label) + units(line)
            fits = self._button_units + length <= BUTTONS_UNITS and len(self.buttons) < BUTTONS
            is_button = 0 < units(label) <= LABEL_UNITS and 0 < units(line) <= VALUE_UNITS
            if is_button and fits:
                self._button_units += length
                self.buttons.append(action)
            elif line:
                yield from self._prose(f"{literal(label)}: {_spelled(f'/gryph {line}')}")

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
    label = {"type": "plain_text", "text": one_line(action.label), "emoji": True}
    element: SlackBlock = {
        "type": "button",
        "text": label,
        "action_id": f"g:{target[:200]}:{index}",
        "value": one_line(action.line),
    }
    if is_action and (action.primary or action.destructive):
        element["style"] = "danger" if action.destructive else "primary"
    return element


def _defused(element: Element) -> Element:
    items = tuple(map(harmless, element.items))
    return replace(element, text=harmless(element.text), items=items)


def context(text: str) -> Native:
    """A small grey line of mrkdwn."""
    element = {"type": "mrkdwn", "text": text}
    return Native({"type": "context", "elements": [element]}, units(text))


def _letters(text: str) -> str:
    """What a file name can spell."""
    return "".join(filter(str.isalnum, text))


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
