"""The backend that runs a model in this process."""

import secrets
import threading
from collections.abc import Sequence
from pathlib import Path

from engines.generation.batching.adapters import Adapter, load_adapter
from engines.generation.batching.attention import RunKeyValues
from engines.generation.batching.budget import Budget, divide
from engines.generation.batching.device import give_back
from engines.generation.batching.engine import Engine, Memory
from engines.generation.batching.flash import FlashKeyValues, flash_serves
from engines.generation.batching.graphs import CudaRecorder, DecodeGraphs
from engines.generation.batching.loop import Loop
from engines.generation.batching.network import Network, load_network
from engines.generation.batching.settings import LocalSettings
from engines.generation.batching.stream import Order, Stream
from engines.generation.batching.supervisor import Supervisor
from engines.generation.batching.vocabulary import Vocabulary, load_vocabulary
from engines.generation.types import (
    BackendStats,
    ModelRequest,
    ModelUnavailable,
    RequestRefused,
)

_WARM_UP_PROMPT = 32
_WARM_UP_TOKENS = 8


class LocalModel:
    """A transformers model under continuous batching; see README.md. A `Backend`."""

    def __init__(self, settings: LocalSettings) -> None:
        """Load the model, start its engine and warm it up.

        Raises:
            ModelUnavailable: It cannot be loaded, or does not fit in its memory.
        """
        self.settings = settings
        self.network: Network = load_network(settings)
        self.vocabulary: Vocabulary = load_vocabulary(
            settings, size=self.network.vocabulary, ends=self.network.ends
        )
        self._budget: Budget = divide(settings, self.network)
        self._adapters: dict[str, Adapter] = {}
        self._lock = threading.Lock()
        self._store_bytes = 0
        self._supervisor = Supervisor(settings.name, self._start, hang_s=settings.hang_s)
        try:
            self._warm_up()
        except ModelUnavailable:
            self.close()
            raise

    @property
    def name(self) -> str:
        """As the operator named it."""
        return self.settings.name

    @property
    def context_tokens(self) -> int:
        """The most tokens of prompt and answer together."""
        return min(self.network.context_tokens, self._budget.blocks * self._budget.block)

    def count_tokens(self, text: str) -> int:
        """Tokens of a text."""
        return self.vocabulary.count(text)

    def submit(self, request: ModelRequest) -> Stream:
        """See `Backend`."""
        return self.submit_tokens(self.vocabulary.prompt(request.messages), request)

    def submit_tokens(self, prompt: Sequence[int], request: ModelRequest) -> Stream:
        """As `submit`, with the prompt given as tokens; the request's messages are not read.

        What it writes is read as text, or with `Stream.written_tokens`.

        Raises:
            RequestRefused: It can never be served.
            ModelUnavailable: Not now.
        """
        order = self.order(prompt, request)
        self._admit(order, request.deadline_s)
        return self.start(order)

    def order(self, prompt: Sequence[int], request: ModelRequest) -> Order:
        """A request as the engine understands it.

        Raises:
            RequestRefused: It can never be served.
        """
        total = len(prompt) + request.max_tokens
        if not prompt or request.max_tokens < 1:
            raise RequestRefused("a request needs a prompt and at least one token to write")
        if total > self.context_tokens:
            raise RequestRefused(
                f"{len(prompt)} tokens of prompt and {request.max_tokens} of answer are more than "
                f"the {self.context_tokens} that {self.name} takes"
            )
        if not 0 <= min(prompt) <= max(prompt) < self.network.vocabulary:
            # An embedding that is not there takes a CUDA device from the process.
            raise RequestRefused(f"the prompt has tokens that {self.name} does not know")
        sampling, schema = request.sampling, request.json_schema
        return Order(
            prompt=tuple(prompt),
            max_tokens=request.max_tokens,
            sampling=sampling,
            seed=secrets.randbits(63) if sampling.seed is None else sampling.seed,
            ends=self.vocabulary.ends,
            stop=request.stop,
            grammar=None if schema is None else self.vocabulary.grammar(schema),
            adapter=self._adapter(request.adapter),
        )

    def start(self, order: Order) -> Stream:
        """Hand an order to the engine.

        Raises:
            ModelUnavailable: It takes none now.
        """
        stream = Stream(order, detokeniser=self.vocabulary.detokeniser(), model=self.name)
        self._supervisor.add(stream)
        return stream

    def add_adapter(self, name: str, folder: Path) -> str:
        """Load a LoRA adapter, in the place of one of the same name; its digest.

        Requests under way keep what they began with.

        Raises:
            ModelUnavailable: It cannot be used with this model, or there are too many.
        """
        if self.network.hooks is None:
            raise ModelUnavailable(f"{self.name} was set up for no adapters")
        shape = self.network.shape
        adapter = load_adapter(
            name, folder, sizes=self.network.hooks.sizes, dtype=shape.dtype, device=shape.device
        )
        with self._lock:
            if len({*self._adapters, name}) > self.settings.max_adapters:
                raise ModelUnavailable(f"{self.name} holds {len(self._adapters)} adapters already")
            self._adapters[name] = adapter
        return adapter.digest

    def remove_adapter(self, name: str) -> None:
        """Requests under way keep it to their end; new ones are refused."""
        with self._lock:
            self._adapters.pop(name, None)

    def stats(self) -> BackendStats:
        """See `Backend`."""
        loop = self._supervisor.loop
        running, waiting = loop.counts()
        return BackendStats(
            running=running,
            waiting=waiting,
            written_tokens=self._supervisor.written_tokens,
            restarts=self._supervisor.restarts,
            hangs=self._supervisor.hangs,
            oldest_waiting_s=loop.oldest_waiting_s(),
            blocks=self._budget.blocks,
            free_blocks=loop.engine.free_blocks,
            is_broken=self._supervisor.is_broken,
            memory_bytes=self.network.weight_bytes + self._store_bytes,
        )

    def close(self) -> None:
        """See `Backend`. Its memory is free afterwards, whoever still holds the object."""
        self._supervisor.close()
        self.network.drop()
        give_back(self.network.shape.device)

    def _start(self, generation: int, alarm: threading.Event) -> Loop:
        memory = self._memory()
        self._store_bytes = memory.store.size_bytes
        engine = Engine(
            self.network,
            memory,
            self._budget,
            places=self.settings.max_requests,
            generation=generation,
        )
        return Loop(engine, max_waiting=self.settings.max_waiting, alarm=alarm)

    def _adapter(self, name: str | None) -> Adapter | None:
        if name is None:
            return None
        with self._lock:
            if name not in self._adapters:
                raise RequestRefused(f"{self.name} has no adapter named {name}")
            return self._adapters[name]

    def _memory(self) -> Memory:
        budget, shape = self._budget, self.network.shape
        if not flash_serves(shape):
            return Memory(RunKeyValues(shape, slots=budget.blocks * budget.block))
        store = FlashKeyValues(shape, slots=budget.blocks * budget.block)
        if not self.settings.cuda_graphs:
            return Memory(store)
        rows, recorder = self.settings.max_requests, CudaRecorder(shape.device)
        return Memory(store, DecodeGraphs(self.network, store, rows=rows, recorder=recorder))

    def _admit(self, order: Order, deadline_s: float | None) -> None:
        if deadline_s is None:
            return
        loop = self._supervisor.loop
        finish_s = loop.engine.forecast.finish_s(
            prompt_tokens=len(order.prompt), max_tokens=order.max_tokens, load=loop.load()
        )
        if finish_s > deadline_s:
            raise ModelUnavailable(
                f"{self.name} would need about {finish_s:.1f} s, more than the {deadline_s:.1f} s "
                "there are"
            )

    def _warm_up(self) -> None:
        """One short request: the first steps are slow, and the forecast needs a measure."""
        token = min(set(range(self.network.vocabulary)) - self.vocabulary.ends)
        count = min(_WARM_UP_PROMPT, self.context_tokens - _WARM_UP_TOKENS)
        request = ModelRequest((), max_tokens=_WARM_UP_TOKENS)
        self.submit_tokens([token] * count, request).written()
