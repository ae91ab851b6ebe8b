"""Decoding on CUDA without Python between the kernels: a step recorded once, then replayed.

A step in which every request writes one token has few shapes. For each it is recorded over tensors
that stay in place (pytorch.org/blog/accelerating-pytorch-with-cuda-graphs); a step fills them,
replays, and reads the logits.
"""

# pyright: reportUnknownMemberType=false
# torch is typed in part.

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from engines.generation.batching.attention import Part
from engines.generation.batching.flash import FlashFrame, FlashKeyValues
from engines.generation.batching.network import Network, Pass
from engines.generation.batching.uploads import host

_WARM_UPS = 2
_FEWEST_KEYS = 1024
"""Graphs are made for powers of two of keys from here on: how the kernel cuts up its work depends
on the most keys there may be, and hardly on that below so many."""

log = logging.getLogger(__name__)


class Recorder(Protocol):
    """Records what a function does with tensors that stay in place."""

    def record(self, run: Callable[[], None]) -> Callable[[], object]:
        """What does the same again."""
        ...


class CudaRecorder:
    """CUDA graphs that share their memory: what one computes on the way, the next may overwrite.

    So only one is replayed at a time, and what is to stay is written to tensors from outside.
    """

    def __init__(self, device: torch.device) -> None:
        """Nothing is recorded yet."""
        self._device = device
        # One stream for all: torch keeps a workspace of up to 32 MiB for each that multiplies.
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()

    def record(self, run: Callable[[], None]) -> Callable[[], object]:
        """See `Recorder`."""
        # The outer context puts the stream back where recording breaks off.
        with torch.cuda.device(self._device), torch.cuda.stream(torch.cuda.current_stream()):
            self._stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self._stream):
                for _ in range(_WARM_UPS):
                    run()
            torch.cuda.current_stream().wait_stream(self._stream)
            graph = torch.cuda.CUDAGraph()
            # Other threads load adapters meanwhile, which a stricter mode takes for an error.
            with torch.cuda.graph(
                graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
            ):
                run()
        return graph.replay


@dataclass(frozen=True)
class _Frame:
    """One shape: its inputs, and what computes its logits from them."""

    inputs: Tensor
    """[2, rows]: tokens and their positions."""
    layout: FlashFrame
    replay: Callable[[], object]


class DecodeGraphs:
    """Recorded steps, by the number of requests and the longest of them. For one thread.

    A step that cannot be recorded, as where a model waits for the device in its midst, is computed
    as if there were no graphs, and so are all after it; that is logged once.
    """

    def __init__(
        self, network: Network, store: FlashKeyValues, *, rows: int, recorder: Recorder
    ) -> None:
        """Nothing is recorded until its shape comes.

        Args:
            network: Run in inference mode.
            store: Of its keys and values.
            rows: Requests in a step, at most.
            recorder: `CudaRecorder`, where there is CUDA.
        """
        self._network = network
        self._store = store
        self._recorder = recorder
        self._frames: dict[tuple[int, int], _Frame] = {}
        self._logits: Tensor | None = None
        self._most_rows = _power_of_two(rows)
        self.works = True
        """Whether steps can be recorded."""

    def drop(self) -> None:
        """Forget all recorded steps and free their memory."""
        self._frames.clear()
        self._logits = None
        self.works = False

    def logits(self, ids: Sequence[int], parts: Sequence[Part]) -> Tensor | None:
        """[requests, vocabulary] for one new token of each request, until the next call; None where
        it has to be computed without graphs.
        """
        frame = self._frame(len(parts), max(part.end for part in parts))
        if frame is None:
            return None
        spare = [0] * (frame.inputs.shape[1] - len(parts))
        inputs = [[*ids, *spare], [*(part.filled for part in parts), *spare]]
        frame.layout.fill(parts)
        frame.inputs.copy_(host(inputs, torch.long, self._network.shape.device), non_blocking=True)
        frame.replay()
        return self._out()[: len(parts)]

    def _frame(self, requests: int, keys: int) -> _Frame | None:
        rows, most_keys = _power_of_two(requests), max(_FEWEST_KEYS, _power_of_two(keys))
        if not self.works or rows > self._most_rows:
            return None
        found = self._frames.get((rows, most_keys))
        if found is None:
            try:
                found = self._recorded(rows, most_keys)
            except RuntimeError as error:
                self.works = False
                log.warning("steps are computed without CUDA graphs: %s", error)
                return None
            self._frames[rows, most_keys] = found
        return found

    def _recorded(self, rows: int, most_keys: int) -> _Frame:
        device = self._network.shape.device
        inputs = torch.zeros(2, rows, dtype=torch.long, device=device)
        layout = self._store.frame(rows, most_keys)
        given = Pass(inputs[:1], inputs[1:], wanted=None, store=self._store, layout=layout.layout)
        out = self._out()[:rows]

        def run() -> None:
            out.copy_(self._network.logits(given))

        return _Frame(inputs, layout, self._recorder.record(run))

    def _out(self) -> Tensor:
        """All graphs write here."""
        if self._logits is None:
            size = (self._most_rows, self._network.vocabulary)
            self._logits = torch.zeros(size, device=self._network.shape.device)
        return self._logits


def _power_of_two(count: int) -> int:
    """The least that is not smaller: few shapes, and at most twice the work."""
    return 1 << (count - 1).bit_length()
