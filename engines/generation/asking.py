"""Asks a model: reads the text as it comes, stops where it must, and goes on where it was cut."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from engines.generation.answers import LIMIT_CHARS
from engines.generation.ground import Budget, OutOfBudget
from engines.generation.prompts import CONTINUE
from engines.generation.types import (
    Backend,
    EngineLost,
    Finish,
    Message,
    ModelRequest,
    ModelUnavailable,
    Usage,
    Writing,
)
from engines.watch import Stopped

Draft = Callable[[str], None]
"""Told the text so far, now and then."""

WAIT_S = 0.2
"""How long the reader waits for news before it looks up."""
_DRAFT_EVERY_S = 0.5
_LOOKED_AT_CHARS = 2_000
_LOOK_EVERY_CHARS = 500
_PERIOD_CHARS = 200
_OVERLAP_CHARS = 400
_LEAST_OVERLAP_CHARS = 8


@dataclass(frozen=True)
class Answered:
    """The text of an answer and how it ended."""

    text: str
    is_cut: bool
    """It ended for want of tokens, also when it was let go on."""
    is_repetitive: bool
    model: str
    usage: Usage
    remarks: tuple[str, ...] = ()
    """What the backend tells of it, for the person."""


class Pace:
    """Tells the text so far at most twice a second."""

    def __init__(self, on_draft: Draft) -> None:
        self._on_draft = on_draft
        self._told_s = 0.0

    def tell(self, text: str, *, is_last: bool = False) -> None:
        """Pass it on, if it is time."""
        now_s = time.monotonic()
        if is_last or now_s - self._told_s >= _DRAFT_EVERY_S:
            self._told_s = now_s
            self._on_draft(text)


def nobody(_text: str) -> None:
    """For texts that nobody watches."""


def read(
    writing: Writing, request: ModelRequest, backend: Backend, budget: Budget, pace: Pace
) -> Answered:
    """All of an answer that was begun; one that is cut off is let go on once.

    Where the model goes away in the middle, it is asked once more: the backend may have another.
    A request under which an engine was lost twice is not: it may be what kills it.

    Raises:
        Stopped: The person cancelled.
        OutOfBudget: It took too long.
        ModelUnavailable: The model is gone.
        RequestRefused: It does not take the request.
    """
    first = _read_one(_Asked(writing, request), backend, budget, pace)
    is_whole = first.is_repetitive or not first.is_cut
    if is_whole or not first.text or len(first.text) > LIMIT_CHARS:
        return first
    goes_on = (*request.messages, Message("assistant", first.text), Message("user", CONTINUE))
    tokens = backend.count_tokens("".join(one.text for one in goes_on)) + request.max_tokens
    if tokens + 16 * len(goes_on) > backend.context_tokens:
        return first
    again = replace(request, messages=goes_on, deadline_s=_left_s(budget))
    second = _read_one(_Asked(backend.submit(again), again, first.text), backend, budget, pace)
    text = joined(first.text, second.text)
    remarks = tuple(dict.fromkeys((*first.remarks, *second.remarks)))
    return replace(second, text=text, usage=added(first.usage, second.usage), remarks=remarks)


@dataclass(frozen=True)
class _Asked:
    """A request under way."""

    writing: Writing
    request: ModelRequest
    before: str = ""
    """What the answer goes on from."""


class _BrokenOff(ModelUnavailable):
    """It came to an end in the middle of a text."""


def _read_one(asked: _Asked, backend: Backend, budget: Budget, pace: Pace) -> Answered:
    try:
        return _read_once(asked, budget, pace)
    except _BrokenOff as reason:
        first = str(reason)
    budget.check()
    again = replace(asked.request, deadline_s=_left_s(budget))
    try:
        answered = _read_once(replace(asked, writing=backend.submit(again)), budget, pace)
    except ModelUnavailable as reason:
        raise ModelUnavailable(f"{first}; asked once more: {reason}") from reason
    told = f"An answer broke off ({first}) and was asked for once more."
    return replace(answered, remarks=(told, *answered.remarks))


def _left_s(budget: Budget) -> float:
    return max(1.0, budget.left_s)


def _read_once(asked: _Asked, budget: Budget, pace: Pace) -> Answered:
    writing, text, looked_at = asked.writing, "", 0
    is_repetitive = False
    for piece in _pieces(writing):
        try:
            budget.check()
        except (Stopped, OutOfBudget):
            writing.cancel()
            raise
        text += piece
        if len(text) - looked_at >= _LOOK_EVERY_CHARS:
            looked_at = len(text)
            is_repetitive = repeats_itself(text)
        if is_repetitive or len(text) > LIMIT_CHARS:
            writing.cancel()
            break
        if piece:
            pace.tell(asked.before + text)
    written = writing.written()
    # The empty line says that nothing is half written; who shows drafts waits for it.
    pace.tell(f"{asked.before}{text}\n\n", is_last=True)
    is_cut = written.finish is not Finish.STOP
    return Answered(text, is_cut, is_repetitive, written.model, written.usage, written.remarks)


def _pieces(writing: Writing) -> Iterator[str]:
    has_begun = False
    try:
        for piece in writing.pieces(wait_s=WAIT_S):
            has_begun = has_begun or piece != ""
            yield piece
    except EngineLost:
        raise
    except ModelUnavailable as reason:
        if has_begun:
            raise _BrokenOff(str(reason)) from reason
        raise


def repeats_itself(text: str) -> bool:
    """Whether the end of a text is one short piece again and again, to no end."""
    if len(text) < _LOOKED_AT_CHARS:
        return False
    tail = text[-_LOOKED_AT_CHARS:]
    return _period(tail) <= _PERIOD_CHARS and bool(tail.strip())


def _period(text: str) -> int:
    """The shortest distance at which a text repeats itself (Knuth, Morris and Pratt)."""
    border = [0] * len(text)
    length = 0
    for place in range(1, len(text)):
        while length and text[place] != text[length]:
            length = border[length - 1]
        if text[place] == text[length]:
            length += 1
        border[place] = length
    return len(text) - length


def joined(first: str, second: str) -> str:
    """Two parts of one answer; what the second repeats of the first's end is taken once."""
    lines = second.split("\n", 1)
    if lines[0].startswith("```") and first.count("```") % 2 and len(lines) > 1:
        second = lines[1]
    for length in range(min(_OVERLAP_CHARS, len(first), len(second)), _LEAST_OVERLAP_CHARS - 1, -1):
        if first.endswith(second[:length]):
            return first + second[length:]
    return first + second


def added(one: Usage, other: Usage) -> Usage:
    """Both together; the first token is that of the first."""
    return Usage(
        one.prompt_tokens + other.prompt_tokens,
        one.cached_tokens + other.cached_tokens,
        one.written_tokens + other.written_tokens,
        one.first_token_s if one.first_token_s is not None else other.first_token_s,
        one.total_s + other.total_s,
    )
