"""A card that is not there: what an engine asks of its device, without one.

Tensors of the device are torch's `meta` tensors: they have sizes and types, and no numbers. Every
operation of torch passes by here, so that it is seen what crosses between host and device, whether
anything waits, and whether tensors of both meet. (Tensors that torch pretends are on CUDA cannot be
indexed in a build for processors.)
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# torch is typed in part.

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from typing_extensions import override

DEVICE = torch.device("meta")
_CROSSING = {"aten::_to_copy", "aten::to", "aten::copy_"}
_WAITING = {
    "aten::_local_scalar_dense",
    "aten::nonzero",
    "aten::masked_select",
    "aten::_unique2",
    "aten::item",
    "aten::equal",
    "aten::repeat_interleave.Tensor",
}
"""What cannot be answered before the device has computed it."""


class Card(TorchDispatchMode):
    """Counts what happens inside; refuses what no device could do."""

    def __init__(self, answer: Callable[[Tensor], Tensor] = torch.zeros_like) -> None:
        """`answer` makes the numbers that are read from the device, of a tensor like them."""
        super().__init__()
        self.operations = 0
        self.reads = 0
        """Tensors brought to the host, each of which waits."""
        self.uploads = 0
        """Tensors brought to the device."""
        self.stalls: list[str] = []
        """Whatever else waits for the device."""
        self.is_recording = False
        self._answer = answer

    @contextmanager
    def recording(self) -> Generator[None]:
        """What happens inside is recorded, and replayed without the host: it may do nothing."""
        self.is_recording = True
        try:
            yield
        finally:
            self.is_recording = False

    @override
    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        name = str(func._schema.name)
        tensors = [each for each in tree_leaves((args, given)) if isinstance(each, Tensor)]
        devices = {each.device.type for each in tensors if each.dim() or each.is_meta}
        wanted = torch.device(given.get("device") or (tensors[0].device if tensors else "cpu"))
        if "meta" in devices | {wanted.type}:
            self.operations += 1
        if name in _CROSSING and len({wanted.type, *devices}) > 1:
            return self._crossed(func, args, given, wanted)
        if len(devices) > 1:
            raise AssertionError(f"{name} meets tensors of host and device")
        if name in _WAITING and "meta" in devices:
            self._wait(name)
        return func(*args, **given)

    def _crossed(
        self, func: Any, args: Sequence[Any], given: dict[str, Any], wanted: torch.device
    ) -> Any:
        source = args[1] if func._schema.name == "aten::copy_" else args[0]
        if self.is_recording:
            raise AssertionError(f"{func} between host and device in a recorded step")
        if wanted.type == "cpu":
            self.reads += 1
            like = torch.empty(source.shape, dtype=given.get("dtype") or source.dtype)
            return self._answer(like)
        self.uploads += 1
        waits_not = given.get("non_blocking") or (len(args) > 2 and args[2])
        if not waits_not:
            self.stalls.append(f"{func} without non_blocking")
        return func(*args, **given)

    def _wait(self, name: str) -> None:
        if self.is_recording:
            raise AssertionError(f"{name} in a recorded step")
        self.stalls.append(name)
        raise AssertionError(f"{name} has no answer here")


class Literals(TorchFunctionMode):
    """Counts tensors that are made of numbers of the host right on the device, which waits."""

    def __init__(self, card: Card) -> None:
        super().__init__()
        self._card = card

    @override
    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        device = torch.device(given.get("device") or "cpu")
        if func in (torch.tensor, torch.as_tensor) and device.type == "meta":
            if self._card.is_recording:
                raise AssertionError("torch.tensor on the device in a recorded step")
            self._card.stalls.append("torch.tensor on the device")
        return func(*args, **given)


@contextmanager
def card(answer: Callable[[Tensor], Tensor] = torch.zeros_like) -> Generator[Card]:
    """One card, while the block lasts."""
    seen = Card(answer)
    with Literals(seen), seen:
        yield seen
