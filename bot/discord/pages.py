"""Pieces packed into messages within Discord's limits.

https://docs.discord.com/developers/resources/message: content 2,000 characters, ten attachments,
five rows of five buttons.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from bot.discord.blocks import LONGEST_FENCE, Fence, Missing, Piece, Upload, Written
from bot.discord.buttons import Button
from bot.discord.fences import TICKS
from bot.text import ZERO_WIDTH, head, split, units

CONTENT_LIMIT = 2_000
MARKER_ROOM = 40
NOTICE_ROOM = 120
MOST_TEXT_PAGES = 4
"""Messages of text for one reply; what is longer goes into a file."""
MOST_UPLOADS = 10
_BLOCK_START = re.compile(r"[#>*-]|\d+[.)]")
"""What would be more than a word at the beginning of a line."""
MOST_BUTTONS = 25


@dataclass(frozen=True)
class Draft:
    """One message, ready to be sent."""

    content: str
    uploads: tuple[Upload, ...] = ()
    buttons: tuple[Button, ...] = ()


@dataclass
class _Sheet:
    content: str = ""
    uploads: list[Upload] = field(default_factory=list[Upload])
    buttons: list[Button] = field(default_factory=list[Button])

    def draft(self) -> Draft:
        content = self.content if is_visible(self.content) else ""
        if not content and not self.uploads:
            content = "Choose:"
        return Draft(content, tuple(self.uploads), tuple(self.buttons))

    @property
    def is_empty(self) -> bool:
        return not (self.uploads or self.buttons or is_visible(self.content))


def paginate(pieces: Iterable[Piece], whole: Callable[[], Upload]) -> tuple[Draft, ...]:
    """Messages in reading order; `whole` is attached when their text had to be cut."""
    pager = _Pager()
    for piece in pieces:
        pager.add(piece)
    return pager.finish(whole)


def is_visible(text: str) -> bool:
    """Whether Discord would see anything in it; it refuses messages in which it does not."""
    return any(unicodedata.category(letter)[0] not in "ZC" for letter in text)


class _Pager:
    """Fills one sheet after the other."""

    def __init__(self) -> None:
        self._sheets = [_Sheet()]
        self._text_sheet = self._sheets[0]
        """The latest that holds text."""
        self._text_pages = 1
        self._is_cut = False
        self._seen: set[str] = set()

    def add(self, piece: Piece) -> None:
        if isinstance(piece, Upload):
            self._room_for_upload().uploads.append(piece)
        elif isinstance(piece, Button):
            self._add_button(piece)
        elif self._is_cut:
            return
        elif isinstance(piece, Missing):
            self._cut_here()
        elif isinstance(piece, Written):
            self._add_prose(piece.text)
        else:
            self._add_fence(piece)

    def finish(self, whole: Callable[[], Upload]) -> tuple[Draft, ...]:
        if self._is_cut:
            upload = whole()
            notice = f"… there is more: all of it is in `{upload.name}`."
            self._text_sheet.content += f"\n{notice}"
            self._room_for_upload().uploads.append(upload)
        return tuple(sheet.draft() for sheet in self._sheets if not sheet.is_empty)

    def _cut_here(self) -> None:
        if self._room() >= NOTICE_ROOM or self._text_pages == MOST_TEXT_PAGES or self._next_page():
            self._text_sheet = self._sheets[-1]
            self._is_cut = True

    def _room_for_upload(self) -> _Sheet:
        if len(self._sheets[-1].uploads) >= MOST_UPLOADS:
            self._sheets.append(_Sheet())
        return self._sheets[-1]

    def _add_button(self, button: Button) -> None:
        if button.custom_id in self._seen:
            return  # Discord refuses a message with the same id twice
        self._seen.add(button.custom_id)
        if len(self._sheets[-1].buttons) >= MOST_BUTTONS:
            self._sheets.append(_Sheet())
        self._sheets[-1].buttons.append(button)

    def _room(self) -> int:
        reserved = NOTICE_ROOM if self._text_pages == MOST_TEXT_PAGES else 0
        return CONTENT_LIMIT - MARKER_ROOM - reserved - units(self._sheets[-1].content)

    def _next_page(self) -> bool:
        """Turn to a fresh sheet; False when the text has to be cut here."""
        if self._text_pages == MOST_TEXT_PAGES:
            self._is_cut = True
            return False
        self._text_pages += 1
        self._sheets.append(_Sheet())
        return True

    def _put(self, text: str, gap: str) -> bool:
        sheet = self._sheets[-1]
        text = gap + text if sheet.content else text
        if units(text) > self._room():
            return False
        sheet.content += text
        self._text_sheet = sheet
        return True

    def _add_prose(self, text: str) -> None:
        if not is_visible(text):
            return
        text = text.strip("\n")
        if self._put(text, _gap_after(self._sheets[-1].content)):
            return
        for line in text.split("\n"):
            if not self._add_line(line):
                return

    def _add_line(self, line: str) -> bool:
        if self._put(line, "\n"):
            return True
        while line:
            if self._sheets[-1].content and not self._next_page():
                return False
            part, line = split(line, self._room())
            self._put(part, "")
            if line and _BLOCK_START.match(line):
                line = f"{ZERO_WIDTH}{line}"
        return True

    def _add_fence(self, fence: Fence) -> None:
        whole = _written(fence.language, fence.text)
        if self._put(whole, "\n"):
            return
        if units(whole) <= LONGEST_FENCE and self._next_page() and self._put(whole, "\n"):
            return
        lines = fence.text.split("\n")
        while lines:
            taken = self._fill(fence.language, lines)
            lines = lines[taken:]
            if lines and not self._next_page():
                return

    def _fill(self, language: str, lines: list[str]) -> int:
        """Put as many lines into the sheet as fit; how many were used up.

        A line longer than a whole sheet is cut in place, `lines` keeping its rest.
        """
        room = self._room() - units(_written(language, "")) - 1
        taken: list[str] = []
        for line in lines:
            size = units(line) + 1
            if size > room:
                break
            room -= size
            taken.append(line)
        if not taken and not self._sheets[-1].content:
            part = head(lines[0], room - 1)
            lines[0] = lines[0][len(part) :]
            self._put(_written(language, part), "")
            return 0
        if is_visible("".join(taken)):
            self._put(_written(language, "\n".join(taken)), "\n")
        return len(taken)


def _written(language: str, text: str) -> str:
    return f"{TICKS}{language}\n{text}\n{TICKS}"


def _gap_after(content: str) -> str:
    last = content.rpartition("\n")[2]
    is_title = last.startswith("### ") or (last.startswith("**") and last.endswith("**"))
    return "\n" if is_title or last == TICKS else "\n\n"
