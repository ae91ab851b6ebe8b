"""Text files that came with messages: which are read, and how much of them."""

import re
from collections.abc import Awaitable, Callable, Sequence

from bot.face import Busy, Undeliverable
from bot.text import clean
from handlers import Attached
from jobs.requests import Snippet
from storage.unseen import file_name

FILES_MAX = 10
BYTES_MAX = 1_000_000
"""Of one file; larger ones are not fetched."""
LONGEST = 40_000
"""Characters of all files of one look; of what is longer the middle is left out."""
_LEAST = 200
"""Room in which a file says anything."""
_NO_TEXT = "it is no text that I can read"
_TEXT = re.compile(
    r"text/(?!html$).+"
    r"|application/([\w.+-]*[+.-])?(json|xml|ya?ml|toml|sql|javascript|typescript|python|sh|patch)"
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CUT = "\n… {:,} characters are left out here …\n"

Download = Callable[[Attached], Awaitable[bytes]]
"""Fetches a file of at most `BYTES_MAX`. Raises Busy, or Undeliverable with the reason as Markdown
for the person."""


class AttachedFiles:
    """Reads the files of one look, those first that it is asked for first."""

    def __init__(self, download: Download) -> None:
        """Nothing has been read."""
        self._download = download
        self._files, self._room = FILES_MAX, LONGEST
        self._is_shut = False
        self.notes: list[str] = []
        """What could not be read, for the person."""

    async def read(self, files: Sequence[Attached], *, tells: bool = False) -> tuple[Snippet, ...]:
        """The texts among them; with `tells` it is noted which of them are not read."""
        found: list[Snippet] = []
        for file in files:
            why = self._refusal(file)
            text = "" if why else await self._fetched(file)
            if text:
                kept = _shortened(text, self._room)
                self._room -= len(kept)
                found.append(Snippet(text=kept, name=file_name(file.name)))
            elif tells and not self._is_shut:
                self.notes.append(f"I did not read {_named(file)}: {why or _NO_TEXT}.")
        return tuple(found)

    async def _fetched(self, file: Attached) -> str:
        """Its text; empty for what is none after all, or cannot be had: then the next is not asked
        for, since what holds for one holds for all.
        """
        if self._is_shut:
            return ""
        self._files -= 1
        try:
            return _text(await self._download(file))
        except Busy:
            why = "the platform does not answer now"
        except Undeliverable as closed:
            why = str(closed)
        self._is_shut = True
        self.notes.append(f"I could not read {_named(file)}: {why}.")
        return ""

    def _refusal(self, file: Attached) -> str:
        """Why it is not fetched; empty where it is."""
        if not is_text(file):
            return _NO_TEXT
        if file.size_bytes > BYTES_MAX:
            return f"it is larger than {BYTES_MAX // 1_000_000} MB"
        return "" if self._files and self._room > _LEAST else "there were too many files"


def is_text(file: Attached) -> bool:
    """Whether it may be text; where the type says nothing, the content will. HTML is none: a
    platform's login page is HTML, too.
    """
    media_type = file.media_type.partition(";")[0].strip().lower()
    is_open = media_type in ("", "application/octet-stream")
    return is_open or _TEXT.fullmatch(media_type) is not None


def _text(content: bytes) -> str:
    """The text; empty for what is none after all."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return ""
    return "" if "\0" in text or not text.strip() else clean(_COLOUR.sub("", text))


def _shortened(text: str, room: int) -> str:
    """Its beginning, where code says what it is, and its end, where a report says what failed."""
    if len(text) <= room:
        return text
    half = max(room - len(_CUT) - 8, 0) // 2
    return text[:half] + _CUT.format(len(text) - 2 * half) + text[len(text) - half :]


def _named(file: Attached) -> str:
    name = file_name(file.name).replace("`", "'")
    return f"`{name}`"
