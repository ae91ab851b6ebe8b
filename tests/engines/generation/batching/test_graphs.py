"""The bookkeeping of recorded steps, on the CPU: recording itself needs a GPU."""

from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from engines.generation.batching.budget import Budget
from engines.generation.batching.engine import Engine, Memory
from engines.generation.batching.flash import FlashKeyValues
from engines.generation.batching.graphs import DecodeGraphs, Recording
from engines.generation.batching.local import LocalModel
from engines.generation.batching.network import load_network
from engines.generation.batching.stream import Stream
from engines.generation.types import ModelRequest
from tests.engines.generation.batching.campaigns import Reference
from tests.engines.generation.batching.conftest import settings
from tests.engines.generation.batching.test_attention import naive_varlen


class Recorder:
    """Runs again what it is given, into the tensor of the first time, as a graph does."""

    def __init__(self) -> None:
        self.recorded = 0

    def __call__(self, run: Callable[[], Tensor]) -> Recording:
        self.recorded += 1
        logits = run()
        return lambda: logits.copy_(run()), logits


def test_recorded_steps_write_what_steps_write(
    local: LocalModel, tiny_model: Path, reference: Reference
) -> None:
    network = load_network(settings(tiny_model))
    budget = Budget(blocks=24, block=16, step_tokens=64)
    store = FlashKeyValues(
        network.shape, blocks=budget.blocks, block=budget.block, attention=naive_varlen
    )
    recorder = Recorder()
    memory = Memory(store, DecodeGraphs(network, store, recorder=recorder))
    engine = Engine(network, memory, budget, places=8, generation=0)
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
    assert recorder.recorded > 2
    for at, (stream, prompt) in enumerate(zip(streams, prompts, strict=True)):
        assert stream.written_tokens() == reference.greedy(prompt, 4 + at)
