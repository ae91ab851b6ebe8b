"""Where the keys and values of each request lie: contiguous runs of slots in one arena.

A request is given one run for its prompt and all it may write, so that nothing written is ever
moved or thrown away. Contiguous, because attention then reads keys and values where they lie
(gathering pages costs more than the attention itself on a CPU; see README.md). What has ended stays
as a cached run until its slots are needed: a new request that begins with the same tokens, under
the same key, copies the keys and values of that prefix.
"""

from bisect import insort
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import pairwise

GRAIN = 16
"""Prefixes are looked up at multiples of this many tokens, then extended token by token."""


@dataclass(eq=False)
class Run:
    """The slots of one request, in use or cached."""

    start: int
    slots: int
    key: str
    """Prefixes are shared only between runs of the same key."""
    tokens: list[int]
    """Whose keys and values lie here, in order; the first `filled` of them already do."""
    filled: int = 0
    marks: list[int] = field(default_factory=list[int])
    """Hashes of the prefixes at multiples of `GRAIN`."""


@dataclass(frozen=True)
class Prefix:
    """What a run has in common with a prompt."""

    run: Run
    ready: int
    """Tokens whose keys and values can be copied now."""
    coming: int
    """Tokens that will be there once the run's own prompt is computed."""


class Arena:
    """Slots, given out in contiguous runs. For one thread."""

    def __init__(self, *, blocks: int, block: int) -> None:
        """An arena of `blocks` times `block` slots, given out in whole blocks."""
        self.block = block
        self.slots = blocks * block
        self._gaps = [(0, self.slots)]
        self._cached: OrderedDict[int, Run] = OrderedDict()
        self._index: dict[int, Run] = {}

    @property
    def free_blocks(self) -> int:
        """Blocks that a new request could have: cached runs give way. From any thread."""
        gaps, cached = list(self._gaps), list(self._cached.values())  # neither grows meanwhile
        free = sum(length for _, length in gaps) + sum(run.slots for run in cached)
        return free // self.block

    def match(self, key: str, tokens: list[int]) -> Prefix | None:
        """The longest known prefix of a prompt; always shorter than it, for the last token's
        output is what is wanted.
        """
        found: Run | None = None
        mark = hash(key)
        for end in range(GRAIN, len(tokens), GRAIN):
            mark = hash((mark, *tokens[end - GRAIN : end]))
            run = self._index.get(mark)
            if run is None:
                break
            found = run
        if found is None or found.key != key:
            return None
        common = _common(found.tokens, tokens)
        if common == 0:
            return None
        if id(found) in self._cached:
            self._cached.move_to_end(id(found))
        return Prefix(found, ready=min(common, found.filled), coming=common)

    def reserve(self, key: str, tokens: list[int], slots: int) -> Run | None:
        """A run for a request, at the cost of cached ones; None where those in use leave no room.

        Args:
            key: Of its prefix.
            tokens: Of the prompt; the caller appends to this list what is written.
            slots: For the prompt and all that may be written.
        """
        slots = self._whole(slots)
        start = self._take(slots)
        while start is None and self._cached:
            _, oldest = self._cached.popitem(last=False)
            self._forget(oldest)
            start = self._take(slots)
        if start is None:
            return None
        run = Run(start, slots, key, tokens)
        self._mark(run)
        return run

    def release(self, run: Run) -> None:
        """The request has ended; what its run holds stays until the slots are needed."""
        run.tokens = run.tokens[: run.filled]
        self._unmark(run)
        keep = self._whole(run.filled) if run.filled >= GRAIN else 0
        self._give(run.start + keep, run.slots - keep)
        run.slots = keep
        if keep:
            self._mark(run)
            self._cached[id(run)] = run

    def _whole(self, slots: int) -> int:
        return -(-slots // self.block) * self.block

    def _forget(self, run: Run) -> None:
        self._unmark(run)
        self._give(run.start, run.slots)

    def _mark(self, run: Run) -> None:
        """Make its prefixes known. The first that knows a prefix keeps it: it is used most."""
        mark = hash(run.key)
        for end in range(GRAIN, len(run.tokens) + 1, GRAIN):
            mark = hash((mark, *run.tokens[end - GRAIN : end]))
            run.marks.append(mark)
            self._index.setdefault(mark, run)

    def _unmark(self, run: Run) -> None:
        for mark in run.marks:
            if self._index.get(mark) is run:
                del self._index[mark]
        run.marks.clear()

    def _take(self, slots: int) -> int | None:
        """First fit."""
        for at, (start, length) in enumerate(self._gaps):
            if length >= slots:
                self._gaps[at : at + 1] = (
                    [(start + slots, length - slots)] if length > slots else []
                )
                return start
        return None

    def _give(self, start: int, slots: int) -> None:
        if not slots:
            return
        insort(self._gaps, (start, slots))
        joined = [self._gaps[0]]
        for (_, _), (start_, length) in pairwise(self._gaps):
            last_start, last_length = joined[-1]
            if last_start + last_length == start_:
                joined[-1] = (last_start, last_length + length)
            else:
                joined.append((start_, length))
        self._gaps = joined


def _common(known: list[int], prompt: list[int]) -> int:
    """Tokens with which both begin, less than the whole prompt."""
    most = min(len(known), len(prompt) - 1)
    if known[:most] == prompt[:most]:
        return most
    return next(at for at in range(most) if known[at] != prompt[at])
