"""A memory budget divided: weights, the work of one step, and the rest for keys and values."""

from dataclasses import dataclass

import torch

from engines.generation.batching.device import room_bytes
from engines.generation.batching.network import Network
from engines.generation.batching.settings import LocalSettings
from engines.generation.types import ModelUnavailable

_GB = 10**9
_STEP_TOKENS = {"cpu": 512}
_STEP_TOKENS_ACCELERATED = 4096
_BLOCK = 16
_WIDTHS = 16
"""Of activations alive at once in a step, in multiples of the model's width; generous."""
_LOGIT_COPIES = 3
"""Logits in float32, their masked copy, their sorted copy."""


@dataclass(frozen=True)
class Budget:
    """What the engine may hold."""

    blocks: int
    """Of keys and values."""
    block: int
    """Tokens of a block."""
    step_tokens: int
    """Computed in one step, at most."""


def divide(settings: LocalSettings, network: Network) -> Budget:
    """The budget of a loaded model.

    No more blocks than requests could use, were each as long as the model's context.

    Raises:
        ModelUnavailable: The weights leave no room for one request of a useful length.
    """
    shape, kind = network.shape, network.shape.device.type
    step_tokens = max(_STEP_TOKENS.get(kind, _STEP_TOKENS_ACCELERATED), 2 * settings.max_requests)
    work = step_tokens * network.hidden * _WIDTHS * shape.dtype.itemsize
    work += settings.max_requests * network.vocabulary * _LOGIT_COPIES * torch.float32.itemsize
    work += network.unpacked_bytes
    left = int(settings.memory_gb * _GB) - network.weight_bytes - work
    useful = settings.max_requests * -(-network.context_tokens // _BLOCK)
    blocks = min(left // (_BLOCK * shape.token_bytes), useful)
    if blocks < 1:
        needed = (network.weight_bytes + work + _BLOCK * shape.token_bytes) / _GB
        raise ModelUnavailable(
            f"{settings.name} does not fit in {settings.memory_gb:g} GB: "
            f"at least {needed:.1f} GB are needed; raise the budget or take a smaller model"
        )
    _check_room(settings, shape.device, work + blocks * _BLOCK * shape.token_bytes)
    return Budget(blocks, _BLOCK, step_tokens)


def _check_room(settings: LocalSettings, device: torch.device, needed: int) -> None:
    """Others may use the card. Raises ModelUnavailable."""
    room = room_bytes(device)
    if room is not None and room < needed:
        raise ModelUnavailable(
            f"{settings.name} takes {needed / _GB:.1f} GB of {device} beside its weights, and "
            f"{room / _GB:.1f} GB are free: lower its budget of {settings.memory_gb:g} GB, or "
            "end what else uses the card"
        )
