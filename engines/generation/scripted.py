"""A model whose answers were written beforehand: for demonstrations and tests of what asks models.

It knows nothing and computes nothing. What it answers, how fast, and how it fails is given to it;
what it was asked is kept.
"""

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import repeat

from engines.generation.types import (
    BackendStats,
    Finish,
    ModelRequest,
    ModelUnavailable,
    RequestRefused,
    TimedOut,
    Usage,
    Writing,
    Written,
)

_CHARS_PER_TOKEN = 4
_LOOK_S = 60.0


class Trouble(StrEnum):
    """What goes wrong instead of, or after, an answer."""

    NONE = "none"
    UNAVAILABLE = "unavailable"
    """Refused at once: no model is there."""
    REFUSED = "refused"
    """Refused at once: never to be served."""
    FAILS = "fails"
    """Ends after its text without a reason of its own."""
    HANGS = "hangs"
    """Writes its text and then nothing, until it is cancelled or its deadline is over."""


@dataclass(frozen=True)
class Answer:
    """One answer of the script."""

    text: str = ""
    trouble: Trouble = Trouble.NONE
    why: str = "so says the script"
    """The message of the trouble."""
    finish: Finish = Finish.STOP


Script = str | Iterable[Answer | str] | Callable[[ModelRequest], Answer | str]


@dataclass(frozen=True)
class Pace:
    """How an answer comes: in pieces of so many characters, with so many seconds before each."""

    piece_chars: int = 8
    piece_s: float = 0.0


AT_ONCE = Pace()


class ScriptedModel:
    """Answers as its script says: always the same, a list that is used up, or a function of the
    request.

    A token is four characters. Texts are cut at stop strings and at `max_tokens` as a model's are;
    sampling, schemas and adapters change nothing. Nothing runs by itself: a text is written while
    it is read.
    """

    def __init__(
        self,
        script: Script,
        *,
        name: str = "scripted",
        context_tokens: int = 32_768,
        pace: Pace = AT_ONCE,
    ) -> None:
        """After the last of a list the model is unavailable."""
        answers = repeat(script) if isinstance(script, str) else script
        self._answer = answers if callable(answers) else _from_list(answers)
        self._name = name
        self._context_tokens = context_tokens
        self._pace = pace
        self._lock = threading.Lock()
        self._running: set[_ScriptedWriting] = set()
        self._written_tokens = 0
        self._requests: list[ModelRequest] = []
        self._is_closed = False

    @property
    def name(self) -> str:
        """As it was named."""
        return self._name

    @property
    def context_tokens(self) -> int:
        """The most tokens of prompt and answer together."""
        return self._context_tokens

    @property
    def requests(self) -> tuple[ModelRequest, ...]:
        """What it was asked, in order, also what it refused."""
        return tuple(self._requests)

    def count_tokens(self, text: str) -> int:
        """One for every four characters begun."""
        return _tokens(text)

    def submit(self, request: ModelRequest) -> Writing:
        """See `engines.generation.types.Backend`."""
        with self._lock:
            self._requests.append(request)
            if self._is_closed:
                raise ModelUnavailable(f"the scripted model {self._name} was closed")
        answer = _cut(self._answer_to(request), request)
        prompt = Usage(prompt_tokens=sum(_tokens(each.text) for each in request.messages))
        writing = _ScriptedWriting(answer, self._pace, prompt, request.deadline_s, self._ended)
        with self._lock:
            self._running.add(writing)
        return writing

    def stats(self) -> BackendStats:
        """What was not read to its end counts as running."""
        with self._lock:
            return BackendStats(running=len(self._running), written_tokens=self._written_tokens)

    def close(self) -> None:
        """Cancel everything under way."""
        with self._lock:
            self._is_closed = True
            running = tuple(self._running)
        for writing in running:
            writing.cancel()

    def _answer_to(self, request: ModelRequest) -> Answer:
        needed = sum(_tokens(each.text) for each in request.messages) + request.max_tokens
        if needed > self._context_tokens:
            raise RequestRefused(
                f"prompt and answer take {needed:,} tokens, and the scripted model {self._name} "
                f"has room for {self._context_tokens:,}"
            )
        given = self._answer(request)
        answer = Answer(given) if isinstance(given, str) else given
        if answer.trouble is Trouble.UNAVAILABLE:
            raise ModelUnavailable(answer.why)
        if answer.trouble is Trouble.REFUSED:
            raise RequestRefused(answer.why)
        return answer

    def _ended(self, writing: "_ScriptedWriting", written_tokens: int) -> None:
        with self._lock:
            self._running.discard(writing)
            self._written_tokens += written_tokens


class _ScriptedWriting:
    """See `engines.generation.types.Writing`."""

    def __init__(
        self,
        answer: Answer,
        pace: Pace,
        prompt: Usage,
        deadline_s: float | None,
        on_end: Callable[["_ScriptedWriting", int], None],
    ) -> None:
        self._answer = answer
        self._pace = pace
        self._usage = prompt
        self._on_end = on_end
        self._began_s = time.monotonic()
        self._piece_due_s = self._began_s + pace.piece_s
        self._due_s = math.inf if deadline_s is None else self._began_s + deadline_s
        self._text = ""
        self._news = threading.Condition()
        self._end: Written | ModelUnavailable | None = None

    def pieces(self, *, wait_s: float) -> Iterator[str]:
        """See the protocol."""
        while (piece := self._next(wait_s)) is not None:
            yield piece
        if isinstance(self._end, ModelUnavailable):
            raise type(self._end)(str(self._end))

    def cancel(self) -> None:
        """See the protocol."""
        with self._news:
            self._finish(Finish.CANCELLED)

    def written(self) -> Written:
        """See the protocol."""
        for _ in self.pieces(wait_s=_LOOK_S):
            pass
        assert isinstance(self._end, Written)
        return self._end

    def _next(self, wait_s: float) -> str | None:
        """The next piece, "" when there is no news within `wait_s`, None at the end."""
        with self._news:
            hangs = self._is_complete and self._answer.trouble is Trouble.HANGS
            piece_due_s = math.inf if hangs else self._piece_due_s
            now_s = time.monotonic()
            until_s = min(now_s + wait_s, piece_due_s, self._due_s)
            self._news.wait_for(lambda: self._end is not None, max(0.0, until_s - now_s))
            now_s = time.monotonic()
            if self._end is None and now_s >= self._due_s:
                self._close(TimedOut("the answer was not ready by its deadline"))
            if self._end is not None:
                return None
            return "" if now_s < piece_due_s else self._write()

    @property
    def _is_complete(self) -> bool:
        return len(self._text) == len(self._answer.text)

    def _write(self) -> str | None:
        if self._is_complete:
            if self._answer.trouble is Trouble.FAILS:
                self._close(ModelUnavailable(self._answer.why))
            else:
                self._finish(self._answer.finish)
            return None
        piece = self._answer.text[len(self._text) :][: self._pace.piece_chars]
        self._text += piece
        self._piece_due_s += self._pace.piece_s
        if self._usage.first_token_s is None:
            self._usage = replace(self._usage, first_token_s=time.monotonic() - self._began_s)
        return piece

    def _finish(self, finish: Finish) -> None:
        usage = replace(
            self._usage,
            written_tokens=_tokens(self._text),
            total_s=time.monotonic() - self._began_s,
        )
        self._close(Written(self._text, finish, usage, "scripted"))

    def _close(self, end: Written | ModelUnavailable) -> None:
        if self._end is None:
            self._end = end
            self._on_end(self, _tokens(self._text))
            self._news.notify_all()


def _from_list(answers: Iterable[Answer | str]) -> Callable[[ModelRequest], Answer | str]:
    left = iter(answers)
    at_end = Answer(trouble=Trouble.UNAVAILABLE, why="the script has no more answers")
    return lambda _request: next(left, at_end)


def _cut(answer: Answer, request: ModelRequest) -> Answer:
    """The text up to the first stop string and the last token that is allowed."""
    found = [at for stop in request.stop if stop and (at := answer.text.find(stop)) >= 0]
    if found:
        answer = replace(answer, text=answer.text[: min(found)], finish=Finish.STOP)
    longest = request.max_tokens * _CHARS_PER_TOKEN
    if len(answer.text) > longest:
        answer = replace(answer, text=answer.text[:longest], finish=Finish.LENGTH)
    return answer


def _tokens(text: str) -> int:
    return -(-len(text) // _CHARS_PER_TOKEN)
