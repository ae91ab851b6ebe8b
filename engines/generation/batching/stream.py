"""A request under way: what was written so far, shared by its reader and the engine."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from engines.generation.batching.adapters import Adapter
from engines.generation.batching.grammar import Grammar
from engines.generation.batching.text import Detokeniser, StopStrings
from engines.generation.types import (
    Finish,
    ModelUnavailable,
    Sampling,
    Usage,
    Written,
)


@dataclass(frozen=True)
class Order:
    """A request as the engine understands it."""

    prompt: tuple[int, ...]
    max_tokens: int
    sampling: Sampling
    seed: int
    ends: frozenset[int]
    """Tokens that end the text."""
    stop: tuple[str, ...] = ()
    grammar: Grammar | None = None
    adapter: Adapter | None = None
    submitted: float = field(default_factory=time.monotonic)

    @property
    def total_tokens(self) -> int:
        """Of prompt and answer, at most."""
        return len(self.prompt) + self.max_tokens


class Stream:
    """Tokens in, text out; a `Writing`. One end, seen by the reader whatever the reason.

    Only the engine of `generation` may write: one that was given up, and wakes up after all, is
    not heard.
    """

    def __init__(self, order: Order, *, detokeniser: Detokeniser, model: str) -> None:
        """For the first engine, generation 0."""
        self.order = order
        self.generation = 0
        self.reruns = 0
        """Times the engine was lost under it."""
        self.running = False
        """Whether an engine has begun with it."""
        self.cached_tokens = 0
        self._model = model
        self._detokeniser = detokeniser
        self._stops = StopStrings(order.stop)
        self._news = threading.Condition()
        self._tokens: list[int] = []
        self._pieces: list[str] = []
        self._finish: Finish | None = None
        self._error: ModelUnavailable | None = None
        self._first: float | None = None
        self._ended: float = 0.0

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self._finish is not None

    @property
    def left_tokens(self) -> int:
        """Tokens it may still write."""
        return self.order.max_tokens - len(self._tokens)

    def written_tokens(self) -> list[int]:
        """Tokens written so far, the one that ended the text among them."""
        with self._news:
            return list(self._tokens)

    def push(self, generation: int, token: int) -> None:
        """The engine has chosen the next token. Too late, or from an engine given up: ignored."""
        with self._news:
            if self._finish is not None or generation != self.generation:
                return
            self._tokens.append(token)
            if self._first is None:
                self._first = time.monotonic()
            self._read(token)
            self._news.notify_all()

    def take_over(self, generation: int) -> None:
        """From now on the engine of this generation writes."""
        with self._news:
            self.generation = generation
            self.running = False

    def fail(self, error: ModelUnavailable) -> None:
        """Nothing more will come, for this reason; nothing happens where it has ended."""
        self._end(Finish.FAILED, error)

    def cancel(self) -> None:
        """See `Writing`. The engine frees what it holds at its next step."""
        self._end(Finish.CANCELLED)

    def pieces(self, *, wait_s: float) -> Iterator[str]:
        """See `Writing`."""
        at = 0
        while True:
            with self._news:
                if at == len(self._pieces) and self._finish is None:
                    self._news.wait(wait_s)
                piece = "".join(self._pieces[at:])
                at = len(self._pieces)
                ended = self._finish is not None
            if piece or not ended:
                yield piece
            if ended:
                break
        if self._error is not None:
            raise self._error

    def written(self) -> Written:
        """See `Writing`."""
        with self._news:
            self._news.wait_for(lambda: self._finish is not None)
            if self._error is not None:
                raise self._error
            assert self._finish is not None
            return Written("".join(self._pieces), self._finish, self._usage(), self._model)

    def _usage(self) -> Usage:
        submitted = self.order.submitted
        return Usage(
            prompt_tokens=len(self.order.prompt),
            cached_tokens=self.cached_tokens,
            written_tokens=len(self._tokens),
            first_token_s=None if self._first is None else self._first - submitted,
            total_s=self._ended - submitted,
        )

    def _read(self, token: int) -> None:
        if token in self.order.ends:
            self._close(Finish.STOP)
            return
        piece, stopped = self._stops.feed(self._detokeniser.feed(token))
        if piece:
            self._pieces.append(piece)
        if stopped:
            self._close(Finish.STOP)
        elif len(self._tokens) >= self.order.max_tokens:
            self._close(Finish.LENGTH)

    def _end(self, finish: Finish, error: ModelUnavailable | None = None) -> None:
        with self._news:
            if self._finish is None:
                self._error = error
                self._close(finish)
                self._news.notify_all()

    def _close(self, finish: Finish) -> None:
        if rest := self._stops.rest():
            self._pieces.append(rest)
        self._ended = time.monotonic()
        self._finish = finish
