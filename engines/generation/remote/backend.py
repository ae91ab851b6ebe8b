"""A model behind HTTP as a backend."""

import math
import re
import threading
import time
from collections import deque

from engines.generation.remote.attempts import Attempts
from engines.generation.remote.chat_completions import CHAT_COMPLETIONS
from engines.generation.remote.connection import Connector, Cut
from engines.generation.remote.endpoint import Dialect, Endpoint
from engines.generation.remote.listing import ListedModel, listed_models, told_context
from engines.generation.remote.messages import MESSAGES
from engines.generation.remote.wire import Wire
from engines.generation.remote.writing import RemoteWriting
from engines.generation.types import BackendStats, ModelRequest, ModelUnavailable, RequestRefused

_WIRES = {Dialect.OPENAI: CHAT_COMPLETIONS, Dialect.ANTHROPIC: MESSAGES}
_MOST_CHARS_PER_TOKEN = 20
"""No prompt packs so tightly on average; one over the context even so can never be served."""
_LOOK_EVERY_S = 0.25
_SHORTEST_LOOK_S = 0.01
_DIGIT = re.compile(r"\d", re.ASCII)


def estimated_tokens(text: str) -> int:
    """Mostly more than a tokenizer makes of a text: a token for each digit, for three other
    characters of ASCII, and for two bytes of UTF-8 outside of it.

    1.1 to 1.4 times what a published tokenizer (Claude 2's, 65,000 tokens) makes of Python, JSON
    and Markdown, twice what it makes of Chinese; too low for base64 (0.6) and emoji (0.8).
    """
    digits = len(_DIGIT.findall(text))
    plain = sum(map(str.isascii, text)) if not text.isascii() else len(text)
    other_bytes = len(text.encode("utf-8", "replace")) - plain
    return digits + math.ceil((plain - digits) / 3) + math.ceil(other_bytes / 2)


class RemoteModel:
    """See `engines.generation.types.Backend`.

    Each request under way has a thread that receives it; the others wait in their order. One more
    thread watches the clock. Nothing is logged.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        """Asks nothing yet.

        Raises:
            BadEndpoint: The endpoint's certificates cannot be read.
        """
        self._endpoint = endpoint
        self._wire: Wire = _WIRES[endpoint.dialect]
        self._connector = Connector(endpoint)
        self._attempts = Attempts(endpoint, self._wire, self._connector)
        self._turn = threading.Condition()
        self._waiting: deque[RemoteWriting] = deque()
        self._running: set[RemoteWriting] = set()
        self._written_tokens = 0
        self._is_watched = False
        self._is_closed = False

    @property
    def name(self) -> str:
        """As the operator named it."""
        return self._endpoint.name

    @property
    def context_tokens(self) -> int:
        """The most tokens of prompt and answer together, as the operator said."""
        return self._endpoint.context_tokens

    @property
    def endpoint(self) -> Endpoint:
        """Where it is."""
        return self._endpoint

    def count_tokens(self, text: str) -> int:
        """An estimate, rather too high than too low."""
        return estimated_tokens(text)

    def submit(self, request: ModelRequest) -> RemoteWriting:
        """See the protocol."""
        self._check(request)
        bounds = self._endpoint.bounds
        writing = RemoteWriting(request, bounds, f"{self.name} at {self._endpoint.host}")
        with self._turn:
            if self._is_closed:
                raise ModelUnavailable(f"{self.name} was closed")
            if len(self._waiting) >= bounds.waiting:
                self._waiting = deque(each for each in self._waiting if not each.is_over)
            if len(self._running) < bounds.concurrency:
                self._start(writing)
            elif len(self._waiting) < bounds.waiting:
                self._waiting.append(writing)
            else:
                raise ModelUnavailable(f"{self.name} has too much to do: try again later")
            self._watch()
        return writing

    def stats(self) -> BackendStats:
        """See the protocol."""
        now_s = time.monotonic()
        with self._turn:
            waited_s = [now_s - each.submitted_s for each in self._waiting if not each.is_over]
            running = sum(not each.is_over for each in self._running)
            written = self._written_tokens + sum(each.written_tokens for each in self._running)
        return BackendStats(
            running, len(waited_s), written, oldest_waiting_s=max(waited_s, default=0.0)
        )

    def close(self) -> None:
        """See the protocol. Connections are cut at once."""
        with self._turn:
            self._is_closed = True
            under_way = (*self._running, *self._waiting)
            self._turn.notify_all()
        for writing in under_way:
            writing.cancel()

    def listed_models(self) -> tuple[ListedModel, ...]:
        """What the server says it has; nothing where it does not say."""
        return listed_models(self._connector, self._endpoint, self._wire, Cut())

    def told_context_tokens(self, listed: tuple[ListedModel, ...]) -> int | None:
        """The context as the server says; None where it does not."""
        return told_context(self._connector, self._endpoint, listed, Cut())

    def _check(self, request: ModelRequest) -> None:
        if request.max_tokens < 1 or not request.messages:
            raise RequestRefused("a request has at least one message, and one token to write")
        chars = sum(len(each.text) for each in request.messages)
        least = chars // _MOST_CHARS_PER_TOKEN + request.max_tokens
        if least > self.context_tokens:
            raise RequestRefused(
                f"prompt and answer take at least {least:,} tokens, and {self.name} has room for "
                f"{self.context_tokens:,}"
            )
        self._attempts.check(request)

    def _start(self, writing: RemoteWriting) -> None:
        self._running.add(writing)
        threading.Thread(
            target=self._work, args=(writing,), name=f"model {self.name}", daemon=True
        ).start()

    def _work(self, writing: RemoteWriting) -> None:
        try:
            self._attempts.run(writing)
        finally:
            with self._turn:
                self._running.discard(writing)
                self._written_tokens += writing.written_tokens
                while self._waiting and len(self._running) < self._endpoint.bounds.concurrency:
                    if not (waiting := self._waiting.popleft()).is_over:
                        self._start(waiting)

    def _watch(self) -> None:
        """Have the clock looked at while anything is under way."""
        if not self._is_watched:
            self._is_watched = True
            threading.Thread(target=self._look, name=f"clock {self.name}", daemon=True).start()

    def _look(self) -> None:
        while True:
            with self._turn:
                under_way = (*self._running, *self._waiting)
                if not under_way or self._is_closed:
                    self._is_watched = False
                    return
            now_s = time.monotonic()
            for writing in under_way:
                writing.look_at_the_clock(now_s)
            soonest_s = min(writing.due_s for writing in under_way) - now_s
            with self._turn:
                self._turn.wait(min(_LOOK_EVERY_S, max(_SHORTEST_LOOK_S, soonest_s)))
