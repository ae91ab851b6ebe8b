"""Decoding on CUDA without Python between the kernels: a step recorded once, then replayed.

A step in which every request writes one token has few shapes. For each it is recorded over tensors
that stay in place (pytorch.org/blog/accelerating-pytorch-with-cuda-graphs); a step fills them,
replays, and reads the logits. Rows to spare write to a page that belongs to no request.
"""

# pyright: reportUnknownMemberType=false
# torch is typed in part.

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engines.generation.batching.attention import Part
from engines.generation.batching.flash import FlashKeyValues, FlashLayout
from engines.generation.batching.network import Network, Pass

Recording = tuple[Callable[[], object], Tensor]
"""Replays what was recorded; the tensor its result is in."""
_WARM_UPS = 2


def record(run: Callable[[], Tensor]) -> Recording:
    """A CUDA graph of a function of tensors that stay in place."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(_WARM_UPS):
            run()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        logits = run()
    return graph.replay, logits


@dataclass(frozen=True)
class _Frame:
    """One shape: its inputs, and what computes its logits from them."""

    ids: Tensor
    positions: Tensor
    layout: FlashLayout
    replay: Callable[[], object]
    logits: Tensor


class DecodeGraphs:
    """Recorded steps, by the number of requests and the longest of them. For one thread."""

    def __init__(
        self,
        network: Network,
        store: FlashKeyValues,
        *,
        recorder: Callable[[Callable[[], Tensor]], Recording] = record,
    ) -> None:
        """Nothing is recorded until its shape comes.

        Args:
            network: Run in inference mode.
            store: Of its keys and values.
            recorder: `record`, where there is CUDA.
        """
        self._network = network
        self._store = store
        self._recorder = recorder
        self._frames: dict[tuple[int, int], _Frame] = {}

    def logits(self, ids: Sequence[int], parts: Sequence[Part]) -> Tensor:
        """[requests, vocabulary] for one new token of each request."""
        rows = _power_of_two(len(parts))
        columns = _power_of_two(-(-max(part.end for part in parts) // self._store.block))
        if (rows, columns) not in self._frames:
            self._frames[rows, columns] = self._frame(rows, columns)
        frame = self._frames[rows, columns]
        spare = rows - len(parts)
        self._store.fill(frame.layout, parts)
        frame.ids.copy_(torch.tensor([[*ids, *[0] * spare]]))
        frame.positions.copy_(torch.tensor([[*(part.filled for part in parts), *[0] * spare]]))
        frame.replay()
        return frame.logits[: len(parts)]

    def _frame(self, rows: int, columns: int) -> _Frame:
        device = self._network.shape.device
        ids = torch.zeros(1, rows, dtype=torch.long, device=device)
        positions = torch.zeros_like(ids)
        layout = self._store.spare_layout(rows, columns)
        given = Pass(ids, positions, wanted=None, store=self._store, layout=layout)
        replay, logits = self._recorder(lambda: self._network.logits(given))
        return _Frame(ids, positions, layout, replay, logits)


def _power_of_two(count: int) -> int:
    """The least that is not smaller: few shapes, and at most twice the work."""
    return 1 << (count - 1).bit_length()
