"""Shows a thread on a terminal, or line by line where the output is no terminal."""

from collections.abc import Sequence
from typing import TextIO

from bot.console.render import Screen, draft_lines, render_reply, render_status
from bot.console.thread import ThreadMessage
from bot.face import JobView
from storage.console import MessageKind
from storage.ids import JobId

_ERASE_LINE = "\r\x1b[2K"
_ERASE_BELOW = "\x1b[J"


class LiveThread:
    """Prints messages as they are heard.

    On a terminal the newest status is one line that changes in place, with the end of what the job
    has written so far below it until the next message; elsewhere each change of a status is a line
    of its own.
    """

    def __init__(self, out: TextIO, screen: Screen, *, in_place: bool) -> None:
        """`in_place` needs a terminal that knows ECMA-48's way to move and erase."""
        self._out = out
        self._screen = screen
        self._in_place = in_place
        self._shown: dict[JobId, tuple[str, ...]] = {}
        """The status line, and those of the draft below it."""
        self._spoken = False
        self._open: JobId | None = None
        """The job whose status line stands at the cursor and may still change."""

    def show(self, message: ThreadMessage) -> None:
        """Print what a message newly says."""
        if message.job is not None:
            self._status(message.job)
        if message.kind is not MessageKind.STATUS and message.reply is not None:
            self.close()
            gap = "\n" if self._spoken else ""
            self._out.write(f"{gap}{render_reply(message.reply, self._screen)}\n")
        self._spoken = True
        self._out.flush()

    def close(self) -> None:
        """Leave the changing line as it stands."""
        if self._open is not None:
            line, *below = self._shown[self._open]
            if below:
                self._out.write(f"{_erased(below)}{line}")
                self._shown[self._open] = (line,)
            self._out.write("\n")
            self._open = None

    def _status(self, view: JobView) -> None:
        # In place it must not wrap, or the next one would not cover it.
        line = render_status(view, self._screen, fitting=self._in_place)
        below = draft_lines(view, self._screen) if self._in_place else []
        if self._shown.get(view.job) == (line, *below):
            return
        if not self._in_place:
            self._out.write(f"{line}\n")
        else:
            if self._open not in (None, view.job):
                self.close()
            shown = self._shown[view.job][1:] if self._open == view.job else ()
            self._out.write(_erased(shown) + "\n".join([line, *below]))
            self._open = view.job
        self._shown[view.job] = (line, *below)


def _erased(below: Sequence[str]) -> str:
    """Back to the beginning of the status line, with everything from there on gone."""
    return f"\r\x1b[{len(below)}A{_ERASE_BELOW}" if below else _ERASE_LINE
