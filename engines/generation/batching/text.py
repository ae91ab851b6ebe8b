"""From tokens to text, piece by piece: whole characters only, and nothing after a stop string."""

from tokenizers import Tokenizer

_UNKNOWN = "\ufffd"
"""Stands for bytes that are no whole character, or not yet."""
_MOST_PENDING = 32
"""Tokens held back. Four bytes make the longest character: what is none by then never will be."""


class Detokeniser:
    """The text of one request, as its tokens come.

    What a token adds depends on the one before it (spaces between words), so each is read together
    with the last that was shown.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Special tokens are left out of the text."""
        self._tokenizer = tokenizer
        self._window: list[int] = []
        self._shown = 0
        """Tokens of the window that are shown already."""
        self._text = ""
        """Of those."""

    def feed(self, token: int) -> str:
        """What this token adds; "" while a character is not complete."""
        self._window.append(token)
        text = self._tokenizer.decode(self._window, skip_special_tokens=True)
        pending = len(self._window) - self._shown
        if text.endswith(_UNKNOWN) and pending < _MOST_PENDING:
            return ""
        piece = text[len(self._text) :]
        self._window = self._window[self._shown :]
        self._shown = len(self._window)
        self._text = self._tokenizer.decode(self._window, skip_special_tokens=True)
        return piece


class StopStrings:
    """Holds back what may be the beginning of a stop string."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        """Empty strings stop nothing."""
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""

    def feed(self, piece: str) -> tuple[str, bool]:
        """What may be shown now, and whether a stop string came (the text ends before it)."""
        if not self._stops:
            return piece, False
        text = self._held + piece
        ends = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if ends:
            self._held = ""
            return text[: min(ends)], True
        held = max(_overlap(text, stop) for stop in self._stops)
        self._held = text[len(text) - held :]
        return text[: len(text) - held], False

    def rest(self) -> str:
        """What was held back, once nothing more comes."""
        rest, self._held = self._held, ""
        return rest


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` with which `stop` begins."""
    longest = min(len(text), len(stop) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)
