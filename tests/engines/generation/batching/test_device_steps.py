"""What steps ask of a device: how often they wait for it, and that host and device never mix."""

# pyright: reportUnknownMemberType=false
# torch and transformers are typed in part.

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

from engines.generation.batching.adapters import Adapter, LowRank
from engines.generation.batching.attention import KeyValues, RunKeyValues
from engines.generation.batching.budget import Budget
from engines.generation.batching.engine import Engine, Memory
from engines.generation.batching.flash import FlashKeyValues
from engines.generation.batching.grammar import constrain
from engines.generation.batching.graphs import DecodeGraphs
from engines.generation.batching.local import LocalModel
from engines.generation.batching.network import Network
from engines.generation.batching.sampling import Pick, choose
from engines.generation.batching.stream import Order, Stream
from engines.generation.types import Sampling
from tests.engines.generation.batching.card import DEVICE, Card, card

LAYERS, VOCABULARY, SLOTS = 2, 2048, 64 * 16
PROMPT = tuple(range(300, 340))
GREEDY, WARM = Sampling(), Sampling(1.0, top_p=0.9, top_k=50, seed=1)


@pytest.fixture(scope="module")
def network() -> Network:
    """A model in bfloat16 whose weights are on the device."""
    config = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        eos_token_id=2,
    )
    with torch.device(DEVICE):
        model = cast(Any, Qwen3ForCausalLM(config)).to(torch.bfloat16)
    return Network(model, adapters=True)


@dataclass
class CardRecorder:
    """Runs again what it is given; while it records nothing may cross to the device or back."""

    seen: list[Card] = field(default_factory=list[Card])
    recorded: int = 0

    def record(self, run: Callable[[], None]) -> Callable[[], object]:
        self.recorded += 1
        with self.seen[-1].recording():
            run()
        return lambda: None


@dataclass
class Bench:
    """An engine over that model, and what is handed to it."""

    engine: Engine
    local: LocalModel
    recorder: CardRecorder
    has_graphs: bool

    def submit(self, sampling: Sampling = GREEDY, adapter: Adapter | None = None) -> Stream:
        order = Order(PROMPT, 40, sampling, seed=1, ends=frozenset(), adapter=adapter)
        stream = Stream(order, detokeniser=self.local.vocabulary.detokeniser(), model="")
        self.engine.lanes.add(stream)
        return stream

    def step(self) -> Card:
        """What one step asked of the device. Every token read is number 5."""
        with card(lambda like: torch.full_like(like, 5)) as seen:
            self.recorder.seen.append(seen)
            self.engine.step()
        return seen


@pytest.fixture(params=["flash", "runs", "graphs"])
def bench(request: pytest.FixtureRequest, network: Network, local: LocalModel) -> Iterator[Bench]:
    recorder = CardRecorder()
    store: KeyValues = RunKeyValues(network.shape, slots=SLOTS)
    graphs: DecodeGraphs | None = None
    if request.param != "runs":
        store = flash = FlashKeyValues(network.shape, slots=SLOTS)
        if request.param == "graphs":
            graphs = DecodeGraphs(network, flash, rows=8, recorder=recorder)
    budget = Budget(blocks=SLOTS // 16, block=16, step_tokens=64)
    engine = Engine(network, Memory(store, graphs), budget, places=8, generation=0)
    yield Bench(engine, local, recorder, has_graphs=graphs is not None)
    engine.drop_memory()


def waits(seen: Card) -> tuple[int, list[str]]:
    return seen.reads, seen.stalls


def test_a_step_waits_for_the_device_once_for_the_tokens_it_chose(bench: Bench) -> None:
    first = bench.submit()
    assert waits(bench.step()) == (1, [])  # a prompt
    assert waits(bench.step()) == (1, [])  # a token
    bench.submit()
    bench.submit(WARM)
    assert waits(bench.step()) == (1, [])  # both, a prefix copied
    for _ in range(4):
        assert waits(bench.step()) == (1, [])
    assert len(first.written_tokens()) == 7
    assert bench.recorder.recorded == (2 if bench.has_graphs else 0)


def test_a_step_in_which_nothing_can_be_chosen_does_not_wait(bench: Bench) -> None:
    bench.engine._step_tokens = 16  # pyright: ignore[reportPrivateUsage]
    bench.submit()
    assert waits(bench.step()) == (0, [])


def test_adapters_and_requests_without_one_share_a_step_without_waiting(
    bench: Bench, network: Network
) -> None:
    def low_rank(out: int, inner: int) -> LowRank:
        return LowRank(
            torch.zeros(4, inner, dtype=torch.bfloat16, device=DEVICE),
            torch.zeros(out, 4, dtype=torch.bfloat16, device=DEVICE),
        )

    assert network.hooks is not None
    layers = {name: low_rank(*size) for name, size in network.hooks.sizes.items()}
    assert layers
    bench.submit(adapter=Adapter("team", "digest", layers))
    bench.submit()
    for _ in range(3):
        assert waits(bench.step()) == (1, [])


def test_few_numbers_go_to_the_device_in_a_step(bench: Bench) -> None:
    for _ in range(8):
        bench.submit()
    bench.step()
    assert bench.step().uploads <= 3


@pytest.mark.parametrize("bench", ["graphs"], indirect=True)
def test_a_step_is_recorded_once_and_replayed_without_operations_of_its_own(
    bench: Bench,
) -> None:
    for _ in range(5):
        bench.submit()
    seen = [bench.step() for _ in range(6)]
    assert bench.recorder.recorded == 1
    assert max(step.operations for step in seen) > 25 * LAYERS
    assert seen[-1].operations <= 8


def test_masks_of_grammars_and_draws_do_not_wait(local: LocalModel) -> None:
    matcher = local.vocabulary.grammar({"type": "boolean"}).matcher([])
    columns = local.network.vocabulary
    logits = torch.zeros(40, columns, device=DEVICE)
    picks = [Pick(row, WARM, seed=row, position=row) for row in range(0, 40, 2)]
    with card() as seen:
        constrain(logits, {3: matcher, 7: matcher})
        assert choose(logits, picks) == [0] * 40
    assert waits(seen) == (1, [])


def test_the_card_sees_what_waits_and_what_mixes() -> None:
    there, here = torch.zeros(4, device=DEVICE), torch.zeros(4)
    with card() as seen:
        torch.tensor([1, 2], device=DEVICE)
        here.to(DEVICE)
        there.copy_(here)
        there.tolist()
        with pytest.raises(AssertionError, match="host and device"):
            there.add(here)
        with pytest.raises(AssertionError, match="no answer"):
            there.nonzero()
        with seen.recording(), pytest.raises(AssertionError, match="recorded"):
            here.to(DEVICE, non_blocking=True)
    assert seen.reads == 1
    assert len(seen.stalls) == 4
