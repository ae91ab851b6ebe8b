"""A text that a remote model writes, between the thread that receives it and its reader."""

import json
import math
import threading
import time
from collections import deque
from collections.abc import Iterator

from engines.generation.remote.connection import Cut
from engines.generation.remote.endpoint import Bounds
from engines.generation.remote.wire import Counts
from engines.generation.types import (
    Finish,
    ModelRequest,
    ModelUnavailable,
    RequestRefused,
    TimedOut,
    Usage,
    Written,
)

Failure = ModelUnavailable | RequestRefused


_MOST_CHARS_PER_TOKEN = 12
"""No tokenizer packs code or prose so tightly on average, white space left out."""
_LAST_WORDS_S = 3.0
"""For the usage that comes after the finish; a server may forget to hang up."""


class RemoteWriting:
    """See the protocol. It ends once; what comes later from the server is not heard."""

    def __init__(self, request: ModelRequest, bounds: Bounds, server: str) -> None:
        """Submitted now."""
        self.request = request
        self.submitted_s = time.monotonic()
        whole_s = bounds.whole_s if request.deadline_s is None else request.deadline_s
        self.deadline_s = self.submitted_s + whole_s
        """A time of the monotonic clock, as all that follow."""
        self.was_stopped_here = False
        """A stop string came that the server let pass."""
        self._bounds = bounds
        self._server = server
        self._news = threading.Condition()
        self._pieces: deque[str] = deque()
        self._text: list[str] = []
        self._first_s: float | None = None
        self._token_due_s = math.inf
        self._counts = Counts()
        self._model = ""
        self._remarks: tuple[str, ...] = ()
        self._seen: Finish | None = None
        self._end: Written | Failure | None = None
        self._cut = Cut()

    def pieces(self, *, wait_s: float) -> Iterator[str]:
        """See the protocol."""
        while (piece := self._next(wait_s)) is not None:
            yield piece
        self._raise_failure()

    def cancel(self) -> None:
        """See the protocol."""
        self.finish(Finish.CANCELLED)

    def written(self) -> Written:
        """See the protocol."""
        with self._news:
            self._news.wait_for(lambda: self._end is not None)
        self._raise_failure()
        assert isinstance(self._end, Written)
        return self._end

    @property
    def is_over(self) -> bool:
        """Whether it ended."""
        return self._end is not None

    @property
    def has_text(self) -> bool:
        """Whether the reader may have seen some of it."""
        return bool(self._text)

    @property
    def due_s(self) -> float:
        """When `look_at_the_clock` has to be called next."""
        return min(self.deadline_s, self._token_due_s)

    @property
    def written_tokens(self) -> int:
        """As far as the server told."""
        return self._counts.written or 0

    def begin_try(self, remarks: tuple[str, ...]) -> Cut:
        """The request is sent, maybe once more."""
        with self._news:
            self._cut = Cut()
            if self._end is not None:
                self._cut.make()
            self._remarks = remarks
            self._counts = Counts()
            self._token_due_s = time.monotonic() + self._bounds.first_token_s
            return self._cut

    def end_try(self) -> None:
        """Nothing is under way for now."""
        self._token_due_s = math.inf

    def hear(self, counts: Counts, model: str, *, is_progress: bool) -> None:
        """The server told something."""
        self._counts = self._counts.updated(counts)
        self._model = model or self._model
        if is_progress and self._seen is None:
            self._token_due_s = time.monotonic() + self._bounds.between_tokens_s

    def see_finish(self, finish: Finish) -> None:
        """The text is complete; something about it may follow."""
        self._seen = finish
        self._token_due_s = time.monotonic() + _LAST_WORDS_S

    @property
    def seen_finish(self) -> Finish | None:
        """How the text ended, if it did."""
        return self._seen

    def settle(self) -> bool:
        """End it if its finish was seen; whether it is over."""
        if self._seen is not None:
            self.finish(self._seen)
        return self.is_over

    def write(self, piece: str) -> None:
        """More text, if there is any."""
        with self._news:
            if not piece or self._end is not None:
                return
            if self._first_s is None:
                self._first_s = time.monotonic() - self.submitted_s
            self._text.append(piece)
            self._pieces.append(piece)
            self._news.notify_all()

    def finish(self, finish: Finish) -> None:
        """The text is whole, or as whole as it gets."""
        remarks = (*self._remarks, *self._suspicions(finish), *self._unkept_schema(finish))
        usage = Usage(
            self._counts.prompt or 0,
            self._counts.cached or 0,
            self.written_tokens,
            self._first_s,
            time.monotonic() - self.submitted_s,
        )
        with self._news:
            text = "".join(self._text)
            self._close(Written(text, finish, usage, self._model, remarks))

    def fail(self, failure: Failure) -> None:
        """It will not be whole."""
        with self._news:
            self._close(failure)

    def look_at_the_clock(self, now_s: float) -> None:
        """End it if it takes too long."""
        if now_s < self.due_s or self.settle():
            return
        if now_s >= self.deadline_s:
            self.fail(TimedOut(f"{self._server}: the answer was not ready in time"))
            return
        bounds = self._bounds
        silent_s = bounds.between_tokens_s if self._text else bounds.first_token_s
        self.fail(TimedOut(f"{self._server} wrote nothing for {silent_s:g} seconds"))

    def pause(self, pause_s: float) -> None:
        """Wait, but not after the end."""
        with self._news:
            self._news.wait_for(lambda: self._end is not None, pause_s)

    def _close(self, end: Written | Failure) -> None:
        if self._end is None:
            self._end = end
            self._token_due_s = math.inf
            self._news.notify_all()
            self._cut.make()

    def _next(self, wait_s: float) -> str | None:
        with self._news:
            self._news.wait_for(lambda: self._pieces or self._end is not None, wait_s)
            if self._pieces:
                return self._pieces.popleft()
            return "" if self._end is None else None

    def _raise_failure(self) -> None:
        # A new one each time: this one belongs to every reader.
        if isinstance(self._end, (ModelUnavailable, RequestRefused)):
            raise type(self._end)(str(self._end))

    def _unkept_schema(self, finish: Finish) -> tuple[str, ...]:
        """Some servers take a schema and do nothing with it."""
        if self.request.json_schema is None or finish is not Finish.STOP or self.was_stopped_here:
            return ()
        try:
            json.loads("".join(self._text))
        except (ValueError, RecursionError):
            return ("the server did not keep to the JSON schema: the answer is no JSON",)
        return ()

    def _suspicions(self, finish: Finish) -> Iterator[str]:
        """A server whose context is smaller than told may hide it (Ollama's is 4,096 at first)."""
        prompt, written = self._counts.prompt or 0, self._counts.written
        words = sum(len(word) for each in self.request.messages for word in each.text.split())
        least = words // _MOST_CHARS_PER_TOKEN
        if 0 < prompt < least:
            yield (
                f"the server read {prompt:,} tokens of a prompt that has at least {least:,}: it "
                "seems to have cut it (is its context set too small?)"
            )
        most = self.request.max_tokens
        if finish is Finish.LENGTH and written is not None and written < most:
            yield (
                f"the server ended the answer after {written:,} of {most:,} tokens: its context "
                "is full"
            )
