"""What every face is judged by."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from tests.acceptance.rendering.cases import Case
from tests.acceptance.rendering.markdown import COUNTED
from tests.acceptance.rendering.read import UNSEEN, parts_characters

MOST_CPU_S = 1.0
"""For 200,000 characters or fewer."""
_TRIES = 3
Made = TypeVar("Made")


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with what a face shows."""

    face: str
    kind: str
    detail: str


@dataclass
class Timing:
    """The CPU seconds of the slowest renders."""

    slowest_s: dict[str, float] = field(default_factory=dict[str, float])

    def timed(self, face: str, render: Callable[[], Made]) -> tuple[Made, Iterator[Fault]]:
        """What was rendered; a fault where it is slow every time."""
        made, took_s = _timed(render)
        for _ in range(_TRIES):
            if took_s <= MOST_CPU_S:
                break
            took_s = min(took_s, _timed(render)[1])
        self.slowest_s[face] = max(took_s, self.slowest_s.get(face, 0.0))
        is_slow = took_s > MOST_CPU_S
        return made, iter([Fault(face, "slow", f"{took_s:.2f} s")] if is_slow else [])


def _timed(render: Callable[[], Made]) -> tuple[Made, float]:
    started = time.thread_time()
    made = render()
    return made, time.thread_time() - started


def unseen(face: str, shown: Iterable[str]) -> Iterator[Fault]:
    """Characters that a reader cannot see, or that turn the text around."""
    for text in shown:
        found = UNSEEN.search(text)
        if found is not None:
            yield Fault(face, "control character", repr(text[max(found.start() - 20, 0) :][:60]))


def lost(face: str, case: Case, words: Sequence[str], kept: str) -> Iterator[Fault]:
    """Words of the reply, or letters of its long words, that are neither shown nor attached."""
    missing = [word for word in words if word not in kept]
    if missing:
        yield Fault(face, "lost", f"{len(missing)} words, first {missing[0]}")
    said = case.source.count(COUNTED)
    if said > kept.count(COUNTED):
        yield Fault(face, "lost", f"{said - kept.count(COUNTED)} of {said} letters")


def parted(face: str, case: Case, shown: Iterable[str]) -> Iterator[Fault]:
    """Characters cut in two, and addresses of links."""
    for text in shown:
        if parts_characters(case.source, text):
            yield Fault(face, "parted character", repr(text[:80]))
