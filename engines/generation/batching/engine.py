"""The engine: which requests are written, and one step of all of them together."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engines.generation.batching.adapters import Adapter, Rows
from engines.generation.batching.arena import Arena, Prefix, Run
from engines.generation.batching.attention import KeyValues, Part
from engines.generation.batching.budget import Budget
from engines.generation.batching.forecast import Forecast
from engines.generation.batching.grammar import Matcher, constrain
from engines.generation.batching.graphs import DecodeGraphs
from engines.generation.batching.lanes import PATIENCE_S, Lanes, Length, due, length
from engines.generation.batching.network import Network, Pass
from engines.generation.batching.sampling import Pick, choose
from engines.generation.batching.stream import Stream
from engines.generation.batching.uploads import upload

_LONG_SHARE = 4
"""Long requests hold at most one in so many places, and half of the slots."""
_STEP_S = 1.0
"""A step takes no more of the prompts than can be computed in about this time, so that those who
write need not wait, and a slow step is told from one that hangs."""
_FEWEST_TOKENS = 16
_WORTH_WAITING_TOKENS = 64
"""A prefix that another request is about to compute is waited for, if it is this much longer than
what is there already."""


@dataclass(frozen=True)
class Memory:
    """Keys and values, and the recorded steps over them."""

    store: KeyValues
    graphs: DecodeGraphs | None = None


@dataclass(eq=False)
class Active:
    """A request that is being written."""

    stream: Stream
    run: Run
    tokens: list[int]
    """Of the prompt and the answer so far; also the run's."""
    matcher: Matcher | None

    @property
    def missing(self) -> int:
        """Tokens whose keys and values must be computed before the next can be chosen."""
        return len(self.tokens) - self.run.filled


@dataclass(frozen=True)
class Share:
    """An active request's part in one step."""

    active: Active
    part: Part

    @property
    def completes(self) -> bool:
        """Whether its next token can be chosen after this step."""
        return self.part.end == len(self.active.tokens)


class Engine:
    """All state of one generation of the engine. For one thread; `running` and `free_blocks` may be
    read from others.
    """

    def __init__(
        self,
        network: Network,
        memory: Memory,
        budget: Budget,
        *,
        places: int,
        generation: int,
    ) -> None:
        """An engine that writes `places` requests at once."""
        self.generation = generation
        self.lanes = Lanes()
        self.forecast = Forecast(slots=places)
        self.written_tokens = 0
        self._network = network
        self._store = memory.store
        self._graphs = memory.graphs
        self._arena = Arena(blocks=budget.blocks, block=budget.block)
        self._step_tokens = budget.step_tokens
        self.places = places
        self._active: list[Active] = []

    @property
    def running(self) -> int:
        """Requests being written."""
        return len(self._active)

    @property
    def free_blocks(self) -> int:
        """Blocks that new requests could have."""
        return self._arena.free_blocks

    def enter_thread(self) -> None:
        """Called once in the thread that steps it: each thread has a device of its own."""
        device = self._network.shape.device
        if device.type == "cuda":
            torch.cuda.set_device(device)

    def drop_memory(self) -> None:
        """Free the keys and values. A thread that still uses them dies of it; it was given up."""
        if self._graphs:
            self._graphs.drop()
        self._store.drop()

    def step(self) -> list[Stream]:
        """Drop what has ended, begin what can begin, write one token of each; those dropped."""
        began = time.perf_counter()
        dropped = self._drop_ended()
        with torch.inference_mode():
            self._begin_waiting()
            shares = self._share()
            if not shares:
                return dropped
            logits = self._compute(shares)
            self._write([share.active for share in shares if share.completes], logits)
        dropped += self._drop_ended()
        writing = sum(share.part.count == 1 for share in shares)
        self.forecast.measured(
            time.perf_counter() - began,
            prompt_tokens=sum(share.part.count for share in shares) - writing,
            writing=writing,
        )
        return dropped

    def _drop_ended(self) -> list[Stream]:
        waiting = [stream for stream in self.lanes if stream.ended]
        if waiting:
            self.lanes.remove(set(waiting))
        # A stream may be cancelled at any moment: it is looked at once.
        ended = [active for active in self._active if active.stream.ended]
        for active in ended:
            self._arena.release(active.run)
            self._active.remove(active)
        return waiting + [active.stream for active in ended]

    def _begin_waiting(self) -> None:
        begun: set[Stream] = set()
        closed: set[Length] = set()
        for stream in self.lanes:
            if self.running >= self.places:
                break
            lane = length(stream)
            if lane in closed:
                continue
            if lane is Length.LONG and not self._room_for_long(stream):
                closed.add(lane)
                continue
            prompt = [*stream.order.prompt, *stream.written_tokens()]
            prefix = self._arena.match(_prefix_key(stream.order.adapter), prompt)
            if prefix and prefix.coming - prefix.ready >= _WORTH_WAITING_TOKENS:
                continue
            if not self._begin(stream, prompt, prefix):
                closed.add(lane)
                if time.monotonic() - due(stream) > PATIENCE_S[Length.LONG]:
                    break  # what is small must not pass it for ever
                continue
            begun.add(stream)
        self.lanes.remove(begun)

    def _room_for_long(self, stream: Stream) -> bool:
        others = [
            active.run.slots for active in self._active if length(active.stream) is Length.LONG
        ]
        if not others:
            return True
        slots = sum(others) + stream.order.total_tokens
        return len(others) < self.places // _LONG_SHARE and slots <= self._arena.slots // 2

    def _begin(self, stream: Stream, prompt: list[int], prefix: Prefix | None) -> bool:
        order = stream.order
        run = self._arena.reserve(_prefix_key(order.adapter), prompt, order.total_tokens)
        if run is None:
            return False
        if prefix and prefix.ready:
            self._store.copy(prefix.run.start, run.start, prefix.ready)
            run.filled = prefix.ready
        written = prompt[len(order.prompt) :]
        matcher = order.grammar.matcher(written) if order.grammar else None
        self._active.append(Active(stream, run, prompt, matcher))
        stream.running = True
        if not written:
            stream.cached_tokens = run.filled
        self.forecast.began(prompt_tokens=len(prompt), cached_tokens=run.filled)
        return True

    def _share(self) -> list[Share]:
        """Every request that writes, and as much of the prompts as fits beside them."""
        writing = [active for active in self._active if active.missing == 1]
        writing.sort(key=_start)
        left = min(self._step_tokens, self.forecast.prompt_tokens_in(_STEP_S)) - len(writing)
        left = max(left, _FEWEST_TOKENS)
        shares = [Share(active, Part(active.run.start, active.run.filled, 1)) for active in writing]
        for active in self._active:
            count = min(active.missing, left)
            if active.missing > 1 and count > 1:
                left -= count
                shares.append(Share(active, Part(active.run.start, active.run.filled, count)))
        return shares

    def _compute(self, shares: Sequence[Share]) -> Tensor:
        """Logits of the requests whose next token can be chosen, [rows, vocabulary]."""
        device = self._network.shape.device
        ids: list[int] = []
        positions: list[int] = []
        wanted: list[int] = []
        for share in shares:
            span = range(share.part.filled, share.part.end)
            ids += share.active.tokens[span.start : span.stop]
            positions += span
            if share.completes:
                wanted.append(len(ids) - 1)
        every = len(wanted) == len(ids)
        parts = [share.part for share in shares]
        adapters = _adapter_rows(shares, device)
        logits = None
        if self._graphs and len(ids) == len(parts) and every and not adapters:
            logits = self._graphs.logits(ids, parts)
        if logits is None:
            numbers = upload([*ids, *positions, *wanted], torch.long, device)
            count = len(ids)
            logits = self._network.logits(
                Pass(
                    ids=numbers[None, :count],
                    positions=numbers[None, count : 2 * count],
                    wanted=None if every else numbers[2 * count :],
                    store=self._store,
                    layout=self._store.layout(parts),
                    adapters=adapters,
                )
            )
        for share in shares:
            share.active.run.filled = share.part.end
        return logits

    def _write(self, actives: Sequence[Active], logits: Tensor) -> None:
        """Choose and hand out one token for each row."""
        if not actives:
            return
        constrain(
            logits,
            {row: active.matcher for row, active in enumerate(actives) if active.matcher},
        )
        for active, token in zip(actives, choose(logits, _picks(actives)), strict=True):
            active.tokens.append(token)
            if active.matcher:
                active.matcher.accept(token)
            active.stream.push(self.generation, token)
        self.written_tokens += len(actives)


def _start(active: Active) -> int:
    return active.run.start


def _prefix_key(adapter: Adapter | None) -> str:
    return adapter.digest if adapter else ""


def _picks(actives: Iterable[Active]) -> list[Pick]:
    return [
        Pick(
            row,
            active.stream.order.sampling,
            active.stream.order.seed,
            len(active.tokens) - len(active.stream.order.prompt),
        )
        for row, active in enumerate(actives)
        if active.stream.order.sampling.temperature > 0
    ]


def _adapter_rows(shares: Sequence[Share], device: torch.device) -> list[Rows]:
    rows: dict[Adapter, list[int]] = {}
    begin = 0
    for share in shares:
        adapter = share.active.stream.order.adapter
        if adapter:
            rows.setdefault(adapter, []).extend(range(begin, begin + share.part.count))
        begin += share.part.count
    return [(adapter, upload(at, torch.long, device)) for adapter, at in rows.items()]
