"""The bookkeeping of recorded steps, on the CPU: recording itself needs a GPU."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engines.generation.batching.budget import Budget
from engines.generation.batching.engine import Engine, Memory
from engines.generation.batching.flash import FlashKeyValues
from engines.generation.batching.graphs import DecodeGraphs
from engines.generation.batching.local import LocalModel
from engines.generation.batching.network import load_network
from engines.generation.batching.stream import Stream
from engines.generation.types import ModelRequest
from tests.engines.generation.batching.campaigns import Reference
from tests.engines.generation.batching.conftest import settings
from tests.engines.generation.batching.test_attention import naive_varlen


class Recorder:
    """Runs again what it is given, as a graph does, or cannot record."""

    def __init__(self, *, works: bool) -> None:
        self.recorded = 0
        self._works = works

    def record(self, run: Callable[[], None]) -> Callable[[], object]:
        if not self._works:
            raise RuntimeError("operation not permitted when stream is capturing")
        self.recorded += 1
        run()
        return run


@pytest.mark.parametrize("works", [True, False])
def test_recorded_steps_and_steps_that_cannot_be_recorded_write_what_steps_write(
    local: LocalModel, tiny_model: Path, reference: Reference, *, works: bool
) -> None:
    network = load_network(settings(tiny_model))
    budget = Budget(blocks=24, block=16, step_tokens=64)
    store = FlashKeyValues(network.shape, slots=24 * 16, attention=naive_varlen)
    recorder = Recorder(works=works)
    graphs = DecodeGraphs(network, store, rows=8, recorder=recorder)
    engine = Engine(network, Memory(store, graphs), budget, places=8, generation=0)
    prompts = [list(range(40 * at + 300, 40 * at + 306 + 5 * at)) for at in range(5)]
    streams = [
        Stream(
            local.order(prompt, ModelRequest((), max_tokens=4 + at)),
            detokeniser=local.vocabulary.detokeniser(),
            model="",
        )
        for at, prompt in enumerate(prompts)
    ]
    for stream in streams:
        engine.lanes.add(stream)
    while not all(stream.ended for stream in streams):
        engine.step()
    assert engine.free_blocks == 24
    assert (recorder.recorded > 2) is works is graphs.works
    for at, (stream, prompt) in enumerate(zip(streams, prompts, strict=True)):
        assert stream.written_tokens() == reference.greedy(prompt, 4 + at)
    engine.drop_memory()
    assert store.size_bytes == 0
    assert not graphs.works
