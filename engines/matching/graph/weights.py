"""What a network has learned, on disk: safetensors, with JSON in their metadata."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# safetensors is typed in part.

from pathlib import Path
from typing import Any, cast

import safetensors
from safetensors.torch import save_file
from torch import Tensor

_library = cast(Any, safetensors)


class NoWeights(Exception):
    """A file holds no network's weights; the message says why."""


def write_weights(tensors: dict[str, Tensor], about: str, path: Path) -> None:
    """Write tensors and a text about them; a file there is replaced at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.new")
    save_file(tensors, unfinished, {"about": about})
    unfinished.replace(path)


def read_weights(path: Path) -> tuple[dict[str, Tensor], str]:
    """Tensors by name, and the text.

    Raises:
        NoWeights: The file is missing, or is none of the format.
    """
    try:
        with _library.safe_open(path, "pt") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            return tensors, opened.metadata()["about"]
    except (OSError, KeyError, TypeError, _library.SafetensorError) as problem:
        raise NoWeights(f"{path}: {problem}") from problem
