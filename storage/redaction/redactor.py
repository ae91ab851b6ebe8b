"""The one that takes secrets out."""

import re
import threading
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from storage.redaction.forms import Span, is_random, known_forms
from storage.redaction.own import Spelled
from storage.redaction.places import known_places

HIDDEN = "[secret removed]"
_LEAST_PLAIN = 12
"""Characters of a learned secret that looks like a word."""

_JOINT = re.compile(
    r"[\u200b-\u200d\u2060\ufeff\u00ad]{1,50}"
    r"|(?<=[A-Za-z0-9_.+/=-])[ \t]{0,8}[\\\"']{0,2}[ \t]{0,4}\r?\n[ \t]{0,40}"
    r"(?:[>|#*+\"'-]{1,3}[ \t]{1,8}){0,2}[\"']?(?=[A-Za-z0-9_.+/=-])"
)
"""Where one word was split in two: at a line's end, or by what cannot be seen."""
_REST = re.compile(r"[A-Za-z0-9_+/=.-]+(?=[\s\"'`,;)\]}]|\Z)")


class Redactor:
    """Knows the forms and places of secrets, and those of this installation by heart."""

    def __init__(self, own: Iterable[str] = ()) -> None:
        """`own` are secrets that never are said, in no spelling."""
        self._own = Spelled(own)
        self._lock = threading.Lock()
        self._learned = frozenset[str]()
        self._later = Spelled(())

    def learn(self, secret: str) -> None:
        """Another of our own, from now on. From any thread.

        A short word like "ollama" is no secret, though it is given where one is asked for: taking
        it out of people's code would do harm.
        """
        if len(secret) < _LEAST_PLAIN and not is_random(secret):
            return
        with self._lock:
            self._learned |= {secret}
            self._later = Spelled(self._learned)

    def without_learned(self, text: str) -> str:
        """The text without what was learned, and nothing else: quick enough for every text."""
        spans = _merged(self._later.found(text))
        return _without(text, 0, spans) if spans else text

    def redacted(self, text: str) -> str:
        """The text with every secret replaced."""
        return self.redacted_parts((text,))[0]

    def redacted_parts(self, parts: Sequence[str]) -> tuple[str, ...]:
        """Texts that are read one below the other; a secret may go on from one into the next."""
        whole = "\n".join(parts)
        spans = _merged(self._found(whole))
        if not spans:
            return tuple(parts)
        made: list[str] = []
        start = 0
        for part in parts:
            made.append(_without(part, start, spans))
            start += len(part) + 1
        return tuple(made)

    def _found(self, text: str) -> Iterator[Span]:
        own = (self._own, self._later)
        direct = [
            *(span for spelled in own for span in spelled.found(text)),
            *known_forms(text),
            *known_places(text),
        ]
        yield from direct
        joined = _Joined(text)
        if joined.joints:
            ends = sorted(end for _, end in direct)
            known = [span for spelled in own for span in spelled.found(joined.text)]
            split = (*known_forms(joined.text), *known)
            yield from (joined.original(span, ends) for span in split)


class _Joined:
    """A text with its split words put together again, and the way back."""

    def __init__(self, text: str) -> None:
        self._source = text
        self.joints = [found.span() for found in _JOINT.finditer(text)]
        pieces: list[str] = []
        self._starts: list[int] = []
        """Where each piece begins in the joined text."""
        self._origins: list[int] = []
        at = length = 0
        for start, end in (*self.joints, (len(text), len(text))):
            self._starts.append(length)
            self._origins.append(at)
            pieces.append(text[at:start])
            length += start - at
            at = end
        self.text = "".join(pieces)

    def original(self, span: Span, ends: list[int]) -> Span:
        """The span in the text as it was; what only happens to follow a whole secret stays.

        `ends` are where secrets end that stand in one piece.
        """
        first = bisect_right(self._starts, span[0]) - 1
        last = bisect_right(self._starts, span[1] - 1) - 1
        start = self._origins[first] + span[0] - self._starts[first]
        for piece in range(first, last):
            break_at = self.joints[piece][0]
            complete = bisect_right(ends, break_at) > bisect_right(ends, break_at - 1)
            if (complete or piece > first) and not self._goes_on(piece + 1):
                return start, break_at
        return start, self._origins[last] + span[1] - self._starts[last]

    def _goes_on(self, piece: int) -> bool:
        """Whether a piece looks like the rest of a secret, not like the next word."""
        rest = _REST.match(self._source, self._origins[piece])
        return rest is not None and is_random(rest[0])


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _without(part: str, offset: int, spans: list[Span]) -> str:
    """A part that begins at `offset` of the whole, without what the spans cover of it."""
    made: list[str] = []
    at = 0
    first = max(0, bisect_right(spans, (offset, offset)) - 1)
    for span in spans[first:]:
        if span[0] >= offset + len(part):
            break
        start, end = max(0, span[0] - offset), min(len(part), span[1] - offset)
        if end > start:
            made += (part[at:start], HIDDEN)
            at = end
    return "".join((*made, part[at:]))
